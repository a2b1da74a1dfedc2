"""Sizes, shapes and ranges to the tree that a text would have for them."""

from __future__ import annotations

from typing import Literal

from declarative.ir.expr import Binder
from declarative.ir.size import Monomial, Size
from declarative.source.span import Span
from declarative.syntax import tree


def number_tree(value: int, span: Span) -> tree.Number:
    return tree.Number(str(value), span=span)


def size_tree(size: Size, span: Span) -> tree.Expression:
    """`2*n + 1`."""
    if not size.terms:
        return number_tree(0, span)
    (monomial, factor), *rest = size.terms
    first = _term(monomial, abs(factor), span)
    if factor < 0:
        first = tree.Unary("-", first, span=span)
    if not rest:
        return first
    return tree.Sum(first, tuple(_signed(m, f, span) for m, f in rest), span=span)


def _signed(monomial: Monomial, factor: int, span: Span) -> tuple[Literal["+", "-"], tree.Expression]:
    return "-" if factor < 0 else "+", _term(monomial, abs(factor), span)


def _term(monomial: Monomial, factor: int, span: Span) -> tree.Expression:
    names = [tree.Name(name, span=span) for name in monomial]
    factors = [*([] if factor == 1 and names else [number_tree(factor, span)]), *names]
    if len(factors) == 1:
        return factors[0]
    return tree.Product(factors[0], tuple(("*", f) for f in factors[1:]), span=span)


def range_tree(lo: Size, hi: Size, span: Span) -> tree.Expression | tree.Range:
    """The half-open range lo to hi: `n` where it starts at 0 and has a plain end, `lo..hi-1` otherwise."""
    if lo == Size.of(0) and isinstance(size_tree(hi, span), tree.Name | tree.Number):
        return size_tree(hi, span)
    return tree.Range(size_tree(lo, span), size_tree(hi - 1, span), span=span)


def binder_tree(binder: Binder, name: str, span: Span) -> tree.For:
    return tree.For(name, range_tree(binder.lo, binder.hi, span), span=span)
