"""Logarithms of sums of exponentials: log(exp(x) + 2*exp(y)) is logsumexp([x, y + log(2)]).

log(1 + exp(x)) is logistic(x). Equal wherever they are defined, so primal and dual stay as they are; nothing
overflows any more.
"""

from __future__ import annotations

import math

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Constant, Expr, Reduce
from declarative.ir.facts import Sign
from declarative.ir.walk import varies
from declarative.rewrite.entries import At, all_entries, entry, family, flat, joined, over_entries
from declarative.rewrite.squares import DEEPEST

ONE, ZERO = Constant(1.0), Constant(0.0)


def log_of_exponentials(node: Call) -> Expr | None:
    """The logarithm of a sum of exponentials with positive factors, entry by entry."""
    match node:
        case Call("log", (e,)):
            return over_entries(e.shape, lambda at: _logarithm(exponents(e, at)))
        case Call("log1p", (e,)):
            return over_entries(e.shape, lambda at: _logarithm(_with_one(exponents(e, at))))
        case _:
            return None


def _with_one(parts: list[Expr] | None) -> list[Expr] | None:
    return None if parts is None else [ZERO, *parts]


def _logarithm(parts: list[Expr] | None) -> Expr | None:
    if parts is None or not any(map(varies, parts)):
        return None
    if len(parts) == 2 and ZERO in parts:
        (other,) = [part for part in parts if part != ZERO] or [ZERO]
        if not other.shape:
            return apply("logistic", other)
    whole = joined(parts)
    return apply("logsumexp", whole) if whole.shape else whole


def exponents(e: Expr, at: At = (), depth: int = 0) -> list[Expr] | None:
    """Scalars and vectors whose exponentials sum up to `e`, or to its entry at `at`; None where it is no such sum."""
    if depth > DEEPEST:
        return None
    match e:
        case Call("exp", (x,)):
            return [entry(x, at)]
        case Call("add", terms):
            found = [exponents(term, at, depth + 1) for term in terms]
            return None if None in found else [part for parts in found if parts is not None for part in parts]
        case Call("mul" | "div" as atom, (x, y)) if varies(e):
            c, rest = (x, y) if varies(y) else (y, x)
            return _scaled(atom, c, rest, at, depth)
        case Call("sum", (x,)) if x.shape:
            return _of_all_entries(x, depth)
        case Call("dot", (x, y)):
            return _of_all_entries(apply("mul", x, y), depth)
        case Reduce(op="sum", body=body, binders=binders, condition=None) if not body.shape:
            parts = exponents(body, (), depth + 1)
            return None if parts is None else [flat(family(part, binders)) for part in parts]
        case _:
            c = None if varies(e) else _log(e)
            return None if c is None else [entry(c, at)]


def _scaled(atom: str, c: Expr, e: Expr, at: At, depth: int) -> list[Expr] | None:
    """c*exp(x) is exp(x + log(c))."""
    shift = None if varies(c) else _log(c)
    parts = exponents(e, at, depth + 1) if shift is not None else None
    if shift is None or parts is None:
        return None
    move = entry(shift if atom == "mul" else apply("neg", shift), at)
    return [apply("add", part, move) for part in parts]


def _of_all_entries(x: Expr, depth: int) -> list[Expr] | None:
    binders = all_entries(x.shape)
    parts = exponents(x, tuple(b.index for b in binders), depth + 1)
    return None if parts is None else [flat(family(part, binders)) for part in parts]


def _log(c: Expr) -> Expr | None:
    """The logarithm of data that is known to be positive."""
    match c:
        case Constant(value):
            return Constant(math.log(value)) if value > 0 else None
        case _:
            return apply("log", c) if facts_of(c).sign in Sign.POS else None
