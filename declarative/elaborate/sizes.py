"""Sizes as written (`n`, `T+1`, `m*n`, `2`) to integer polynomials of names."""

from __future__ import annotations

import re
from functools import reduce
from operator import mul

from declarative.elaborate.context import Context
from declarative.elaborate.names import Scope, kind
from declarative.elaborate.report import closest
from declarative.elaborate.values import known_integer, shown, stripped
from declarative.ir.expr import IndexSymbol
from declarative.ir.size import Size
from declarative.syntax import tree

MAX_EXPONENT = 8  # n^8 is beyond any array; larger ones would only take time


def to_size(ctx: Context, node: tree.Expression, scope: Scope, flexible: bool = False) -> Size | None:
    """A size; None where it is not one, which is then reported. `flexible`: unknown names are new sizes (`def`)."""
    node = stripped(node)
    match node:
        case tree.Number():
            number = known_integer(node)
            return _not_a_size(ctx, node) if number is None else Size.of(number)
        case tree.Name(id=name):
            return Size.of(name) if flexible else _named(ctx, node, name, scope)
        case tree.Unary(op=op, body=body):
            inner = to_size(ctx, body, scope, flexible)
            return None if inner is None else -inner if op == "-" else inner
        case tree.Sum(first=first, rest=rest):
            signs = [1, *(1 if op == "+" else -1 for op, _ in rest)]
            sizes = [to_size(ctx, e, scope, flexible) for e in (first, *(e for _, e in rest))]
            known = [s * sign for s, sign in zip(sizes, signs, strict=True) if s is not None]
            return sum(known, Size.of(0)) if len(known) == len(sizes) else None
        case tree.Product(first=first, rest=rest) if all(op in ("*", ".*") for op, _ in rest):
            sizes = [to_size(ctx, e, scope, flexible) for e in (first, *(e for _, e in rest))]
            known = [s for s in sizes if s is not None]
            return reduce(mul, known) if len(known) == len(sizes) else None
        case tree.Power(base=base, exponent=exponent) if (known_integer(exponent) or 99) <= MAX_EXPONENT:
            inner = to_size(ctx, base, scope, flexible)
            return None if inner is None else reduce(mul, [inner] * (known_integer(exponent) or 0), Size.of(1))
        case _:
            return _not_a_size(ctx, node)


def to_positive_size(ctx: Context, node: tree.Expression, scope: Scope, flexible: bool = False) -> Size | None:
    """A size of an axis: one that is not 0 or less for all values of its names."""
    size = to_size(ctx, node, scope, flexible)
    if size is not None and (-size).is_nonnegative():
        return ctx.report.error("E222", node.span, f"a size is at least 1, {shown(node)} is not")
    return size


def _named(ctx: Context, node: tree.Name, name: str, scope: Scope) -> Size | None:
    if name in scope.locals:
        found = scope.locals[name]
        if isinstance(found, Size) or found is None:
            return found
        what = "an index" if isinstance(found, IndexSymbol) else "an argument"
        return _wrong_kind(ctx, node, what, isinstance(found, IndexSymbol))
    entity = ctx.names.get(name)
    if isinstance(entity, tree.DimItem):
        return Size.of(name)
    if entity is not None:
        return _wrong_kind(ctx, node, kind(entity), False)
    dims = [n for n, e in ctx.names.items() if isinstance(e, tree.DimItem)]
    nearest = closest(name, dims)
    hint = f"did you mean `{nearest}`?" if nearest else f"declare it: `dim {name}`"
    if (crossed := re.fullmatch(r"(\w+)[xX](\w+)", name)) and {*crossed.groups()} <= {*dims}:
        hint = f"a matrix is `R^({crossed[1]},{crossed[2]})`"
    if name == "end":
        hint = "up to the last entry nothing stands behind the `:`, as in `x[1:]`"
    return ctx.report.error("E201", node.span, f"the size `{name}` is not declared", hints=[hint])


def _wrong_kind(ctx: Context, node: tree.Name, what: str, is_index: bool) -> None:
    hints = [f"run over all of it and choose with `if`: `for j in n if j <= {node.id}`"] if is_index else []
    if what in ("a param", "a const"):
        hints = [f"a size is declared by `dim {node.id}`"]
    message = f"a size is made of whole numbers and dims, `{node.id}` is {what}"
    return ctx.report.error("E222", node.span, message, hints=hints)


def _not_a_size(ctx: Context, node: tree.Expression) -> None:
    hints = ()
    if isinstance(node, tree.Call) and node.function.span.text in ("range", "arange"):
        hints = (f"a range that starts at 0 is its size alone: `for i in {node.args[-1].span.text}`",)
    message = f"a size is made of whole numbers and dims with `+`, `-` and `*`, {shown(node)} is not"
    return ctx.report.error("E222", node.span, message, hints=hints)
