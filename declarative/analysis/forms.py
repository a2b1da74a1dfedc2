"""Of a square matrix A, the signs that x'Ax may have: psd data, sums and multiples of it, B'B, B'QB."""

from __future__ import annotations

from collections.abc import Callable

from declarative.atoms.apply import apply
from declarative.atoms.record import Facts
from declarative.ir.expr import Call, Expr
from declarative.ir.facts import Sign


def call_form(node: Call, look: Callable[[Expr], Facts]) -> Sign:
    """The sign of the quadratic form of a call, from the facts of what it is made of; ANY where nothing is known."""
    facts = tuple(map(look, node.args))
    match node.atom, node.args:
        case ("neg", _):
            return -facts[0].form
        case "transpose" | "partial_trace", _:
            return facts[0].form
        case "add", _:
            return _sum(facts)
        case "mul", _:
            matrices = [f for f in facts if f.shape]
            return matrices[0].form * _scalar_sign(facts) if len(matrices) == 1 else Sign.ANY
        case "div", (_, below) if not below.shape:
            return facts[0].form * facts[1].sign
        case "diag_matrix", _:
            return facts[0].sign if facts[0].sign.nonneg or facts[0].sign.nonpos else Sign.ANY
        case "outer", (x, y) if x == y:
            return Sign.NONNEG
        case "matmul", (left, right) if len(right.shape) == 2:
            return _product(left, right, look)
        case _:
            return Sign.ANY


def _sum(facts: tuple[Facts, ...]) -> Sign:
    if any(not f.shape for f in facts):
        return Sign.ANY
    total = facts[0].form
    for f in facts[1:]:
        total = total + f.form
    return total


def _scalar_sign(facts: tuple[Facts, ...]) -> Sign:
    return next(f.sign for f in facts if not f.shape)


def _product(left: Expr, right: Expr, look: Callable[[Expr], Facts]) -> Sign:
    """B'B is positive semidefinite; a congruence B'QB, however bracketed, has the sign of Q, or vanishes."""
    if apply("transpose", left) == right:
        return Sign.NONNEG
    match left, right:
        case (Call("matmul", (outer, inner)), _) if apply("transpose", outer) == right:
            return look(inner).form | Sign.ZERO
        case (_, Call("matmul", (inner, outer))) if apply("transpose", left) == outer:
            return look(inner).form | Sign.ZERO
        case _:
            return Sign.ANY
