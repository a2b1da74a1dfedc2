"""Calls in canonical form: sums flat, numbers folded, `x'*x` a sum of squares, `x'*A*x` a quadratic form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from operator import add, mul, truediv
from typing import TypeGuard

from declarative.atoms.arithmetic import ADD, DIV, MUL, NEG, POWER
from declarative.atoms.build import call
from declarative.atoms.elementwise import SQUARE
from declarative.atoms.products import DOT, MATMUL, TRANSPOSE
from declarative.atoms.quadratic import QUAD, SUMSQ
from declarative.atoms.record import ShapeMismatch
from declarative.ir.expr import Call, Constant, Expr, Index, Parameter, Slice, Variable, sum_of, terms_in
from declarative.source.span import Span

MOST_TERMS = 200_000  # of a chain of sums, each of which may be twice the one before


def canonical_add(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    """One flat sum; the numbers that lead it are folded, as they would be term by term from the left."""
    if (count := sum(map(terms_in, args))) > MOST_TERMS:
        hints = ("a term that is added to itself is a multiple of it: `2*e`",)
        raise ShapeMismatch(f"written out, this sum has {count:,} terms; {MOST_TERMS:,} are the most", hints=hints)
    if any(map(_is_sum, args)) and not isinstance(args[0], Constant):
        return sum_of(args, ADD.shape(tuple(a.shape for a in args), options), origin)
    terms = list(_flat(args))
    while len(terms) > 1 and (number := _folded(add, terms[0], terms[1], origin)) is not None:
        terms[:2] = [number]
    return terms[0] if len(terms) == 1 else call(ADD, *terms, origin=origin)


def _flat(args: tuple[Expr, ...]) -> Iterator[Expr]:
    for arg in args:
        if _is_sum(arg):
            yield from arg.args
        else:
            yield arg


def _is_sum(e: Expr) -> TypeGuard[Call]:
    return isinstance(e, Call) and e.atom == "add"


def _folded(op: Callable[[float, float], float], x: Expr, y: Expr, origin: Span | None) -> Expr | None:
    """A number, where both are numbers and the result is finite."""
    if not isinstance(x, Constant) or not isinstance(y, Constant):
        return None
    try:
        value = op(x.value, y.value)
    except (ZeroDivisionError, OverflowError):
        return None
    return Constant(value, origin=origin) if isinstance(value, float) and math.isfinite(value) else None


def canonical_neg(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    match args:
        case (Constant(value),):
            return Constant(-value, origin=origin)
        case (Call("neg", (body,)),):
            return body
        case _:
            return call(NEG, *args, origin=origin)


def canonical_mul(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    return (len(args) == 2 and _folded(mul, *args, origin)) or call(MUL, *args, origin=origin)


def canonical_div(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    return (len(args) == 2 and _folded(truediv, *args, origin)) or call(DIV, *args, origin=origin)


def canonical_power(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    exponent = Constant(options["p"])
    folded = _folded(pow, args[0], exponent, origin)
    return folded or _without_root(args[0], options["p"], origin) or call(POWER, *args, origin=origin, options=options)


def canonical_square(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    return (len(args) == 1 and _without_root(args[0], 2.0, origin)) or call(SQUARE, *args, origin=origin)


def _without_root(base: Expr, p: float, origin: Span | None) -> Expr | None:
    """Even powers of a norm are powers of the sum of squares, and those of abs(x) powers of x: they have no kink."""
    if p <= 0 or p % 2:
        return None
    match base:
        case Call("norm" | "normfro", (x,)):
            squares = call(SUMSQ, x, origin=origin)
            return squares if p == 2 else call(POWER, squares, origin=origin, options={"p": p / 2})
        case Call("abs", (x,)):
            return call(POWER, x, origin=origin, options={"p": p})
        case _:
            return None


def canonical_transpose(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    match args:
        case (Call("transpose", (body,)),):
            return body
        case (body,) if is_symmetric(body):
            return body
        case _:
            return call(TRANSPOSE, *args, origin=origin)


def is_symmetric(e: Expr) -> bool:
    """A matrix declared in S^n, or a member of a family of them."""
    match e:
        case Parameter(symmetric=True, family=0) | Variable(symmetric=True, family=0):
            return True
        case Index(base, subscripts) if isinstance(base, Parameter | Variable) and base.symmetric:
            return len(subscripts) == base.family and not any(isinstance(s, Slice) for s in subscripts)
        case _:
            return False


def canonical_dot(args: tuple[Expr, ...], options: dict, origin: Span | None) -> Expr:
    """x'x is sumsq(x), x'(A x) is quad(x, A), however the factors between are bracketed."""
    plain = call(DOT, *args, origin=origin)
    for x, y in _rebracketed(*args):
        if (form := _form(x, y, origin)) is not None:
            return form
    return plain


def _rebracketed(x: Expr, y: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The same inner product with matrices moved to the other side: (B z)'y = z'(B'y) and x'(B z) = (B'x)'z."""
    yield x, y
    left, right = x, y
    while isinstance(left, Call) and left.atom == "matmul":
        B, left = left.args
        right = call(MATMUL, _transposed(B), right)
        yield left, right
    left, right = x, y
    while isinstance(right, Call) and right.atom == "matmul":
        B, right = right.args
        left = call(MATMUL, _transposed(B), left)
        yield left, right


def _form(x: Expr, y: Expr, origin: Span | None) -> Expr | None:
    match x, y:
        case _ if x == y:
            return call(SUMSQ, x, origin=origin)
        case _, Call("matmul", (A, z)) if x == z:
            return call(QUAD, x, A, origin=origin)
        case Call("matmul", (B, z)), _ if z == y:
            return call(QUAD, y, _transposed(B), origin=origin)
        case _:
            return None


def _transposed(A: Expr) -> Expr:
    return canonical_transpose((A,), {}, A.origin)


REWRITES: dict[str, Callable[[tuple[Expr, ...], dict, Span | None], Expr]] = {
    "add": canonical_add,
    "neg": canonical_neg,
    "mul": canonical_mul,
    "div": canonical_div,
    "power": canonical_power,
    "square": canonical_square,
    "transpose": canonical_transpose,
    "dot": canonical_dot,
}
