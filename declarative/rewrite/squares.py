"""A sum of squares to the expressions that are squared: 1 + x^2 + 4*sumsq(r) to 1, x, 2*r."""

from __future__ import annotations

import math

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Constant, Expr, Reduce, SizeValue
from declarative.ir.facts import Sign
from declarative.ir.walk import varies
from declarative.rewrite.entries import At, all_entries, entry, family, flat

DEEPEST = 60  # a deeper nest of sums is left as it is


def squares(e: Expr, at: At = (), depth: int = 0, least: Sign = Sign.POS) -> list[Expr] | None:
    """Scalars and vectors whose squares sum up to `e`, or to its entry at `at`; None where it is no such sum.

    Data are taken to have a root where their sign is `least`; that of NONNEG data has no derivative where they are 0.
    """
    if depth > DEEPEST:
        return None
    match e:
        case Call("add", terms):
            found = [squares(term, at, depth + 1, least) for term in terms]
            return None if None in found else [part for parts in found if parts is not None for part in parts]
        case Call("square", (x,)) | Call("power", (x,), options=(("p", 2.0),)):
            return [entry(x, at)]
        case Call("mul", (x, y)) if x == y:
            return [entry(x, at)]
        case Call("mul" | "div" as atom, (x, y)) if varies(e):
            c, rest = (x, y) if varies(y) else (y, x)
            return _scaled(atom, c, rest, at, depth, least)
        case Call("sumsq", (x,)):
            return [flat(x)]
        case Call("sum", (x,)) if x.shape:
            return _of_all_entries(x, depth, least)
        case Call("dot", (x, y)):
            return _of_all_entries(apply("mul", x, y), depth, least)
        case Reduce(op="sum", body=body, binders=binders, condition=None) if not body.shape:
            parts = squares(body, (), depth + 1, least)
            return None if parts is None else [flat(family(part, binders)) for part in parts]
        case Call("quad", (x, Call("matmul", (left, F)))) if apply("transpose", left) == F:
            return [apply("matmul", F, x)]
        case Call("quad", (x, A)) if varies(x) and not varies(A) and facts_of(A).form.nonneg:
            return [apply("quad_root", x, A)]
        case _:
            c = None if varies(e) else root(e, least)
            return None if c is None else [entry(c, at)]


def _scaled(atom: str, c: Expr, e: Expr, at: At, depth: int, least: Sign) -> list[Expr] | None:
    """c times, or one over c times, a sum of squares."""
    r = None if varies(c) else root(c, least)
    parts = squares(e, at, depth + 1, least) if r is not None else None
    if r is None or parts is None:
        return None
    factor = entry(r, at)
    return [apply("div", part, factor) if atom == "div" else apply("mul", factor, part) for part in parts]


def _of_all_entries(x: Expr, depth: int, least: Sign) -> list[Expr] | None:
    binders = all_entries(x.shape)
    parts = squares(x, tuple(b.index for b in binders), depth + 1, least)
    return None if parts is None else [flat(family(part, binders)) for part in parts]


def root(e: Expr, least: Sign = Sign.POS) -> Expr | None:
    """Data whose square is `e`, up to its sign, that has a derivative wherever `e` has one."""
    match e:
        case Constant(value):
            return Constant(math.sqrt(value)) if value >= 0 else None
        case SizeValue():
            return apply("sqrt", e)
        case Call("square", (x,)) | Call("power", (x,), options=(("p", 2.0),)):
            return x
        case Call("mul", (x, y)) if x == y:
            return x
        case _:
            # The root of what may be 0 has no derivative there, where the sum of the squares has one.
            return apply("sqrt", e) if facts_of(e).sign in least else None
