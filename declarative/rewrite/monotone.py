"""Monotone functions around an objective taken off: minimising log(1 + f) is minimising f.

With g strictly increasing (or decreasing) where f lies, `minimize g(f)` has the minimisers of f (the maximisers). Back:
the value is g(f*), and the Lagrangian g(f) + sum of multipliers times rows is stationary where |g'(f*)| times that of f
is, so every dual is |g'(f*)| times the inner one. Both are functions of f* and of the data, and so are their gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from declarative.analysis.facts import FactsTable, meaning
from declarative.analysis.words import text
from declarative.atoms.apply import apply
from declarative.atoms.record import Options
from declarative.ir.expr import Call, Expr, Parameter, Role
from declarative.ir.facts import Curvature, Domain, Monotonicity, Sign
from declarative.ir.problem import Objective, Sense
from declarative.ir.size import SCALAR
from declarative.ir.walk import varies

HOLE = Parameter("inner value", SCALAR, Role.PARAM)  # no name of the language holds a space

# Strictly monotone wherever their rules say that they are monotone in one argument, the others being data.
STRICT = {"add", "neg", "mul", "div", "sqrt", "power", "square", "inv_pos"} | {
    *("exp", "exp2", "log", "log10", "log1p", "logistic", "softplus", "sinh", "tanh", "sigmoid", "erf", "atan")
}


@dataclass(frozen=True)
class Outer:
    """`body` holds HOLE in the place of the new objective, whose values are known to be >= 0 where `nonneg`.

    `sense` is that of the new objective.
    """

    body: Expr
    nonneg: bool
    sense: Sense
    step: str  # for `explain`


def without_outer(objective: Objective) -> Iterator[tuple[Objective, Outer]]:
    """The objective with one, two, ... monotone functions taken off from the outside."""
    assert objective.body is not None
    look = FactsTable(objective.body)
    node, sense, peeled = objective.body, objective.sense, []
    while isinstance(node, Call) and (found := _monotone(node, look)) is not None:
        inner, rising = found
        peeled.append((node, inner))
        node, sense = inner, sense if rising else _opposite(sense)
        step = f"to {objective.sense.value} `{text(objective.body)}` is to {sense.value} `{text(node)}`"
        yield replace(objective, body=node, sense=sense), Outer(_around(peeled), look(node).sign.nonneg, sense, step)


def _monotone(node: Call, look: FactsTable) -> tuple[Expr, bool] | None:
    """The only operand that holds variables, and whether the call rises with it; None where neither is certain."""
    record, operands, options = meaning(node)
    facts = tuple(map(look, operands))
    moving = [k for k, f in enumerate(facts) if f.curvature is not Curvature.CONSTANT or varies(operands[k])]
    if len(moving) != 1 or node.shape:
        return None
    (k,) = moving
    move = record.monotonicity(facts, options)[k]
    others = [f.sign for j, f in enumerate(facts) if j != k]
    strict = _strict(record.name, options, k, others)
    if move is Monotonicity.NONE or not strict or not _inside(facts[k].sign, record.domain(k, options)):
        return None
    return operands[k], move is Monotonicity.INCREASING


def _strict(name: str, options: Options, k: int, others: list[Sign]) -> bool:
    """0*f, 0/f and f^0 are constant."""
    match name:
        case "mul" | "div" if (name, k) != ("div", 0):
            return others[0] in Sign.POS or others[0] in Sign.NEG
        case "power":
            return options["p"] != 0
        case _:
            return name in STRICT


def _inside(sign: Sign, domain: Domain) -> bool:
    """Does the sign alone keep the operand in the domain, or at its end?"""
    match domain:
        case Domain.ALL:
            return True
        case Domain.NONNEG | Domain.POS | Domain.ABOVE_MINUS_ONE:
            return sign.nonneg
        case Domain.NEG | Domain.BELOW_ONE:
            return sign.nonpos
        case Domain.NONZERO:
            return sign.nonneg or sign.nonpos
        case _:
            return False


def _opposite(sense: Sense) -> Sense:
    return Sense.MAXIMIZE if sense is Sense.MINIMIZE else Sense.MINIMIZE


def _around(peeled: list[tuple[Call, Expr]]) -> Expr:
    """The functions that were taken off, around HOLE."""
    body: Expr = HOLE
    for node, inner in reversed(peeled):
        record, operands, options = meaning(node)
        body = apply(record.name, *(body if operand is inner else operand for operand in operands), **options)
    return body
