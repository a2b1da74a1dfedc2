"""Where an expression has kinks, and whether each may be replaced by linear rows: more of it is worse, or it is not."""

from __future__ import annotations

from dataclasses import dataclass

from declarative.analysis.facts import FactsTable, meaning
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Extern, Index, Nested, Reduce, Stack
from declarative.ir.facts import Curvature, Monotonicity, Smoothness


@dataclass(frozen=True)
class Kink:
    """A function that is not smooth everywhere. `linear`: it has a graph form; `tight`: the problem presses on it."""

    node: Expr
    linear: bool
    tight: bool

    @property
    def representable(self) -> bool:
        return self.linear and self.tight


def kinks(look: FactsTable, sense: int, every: bool = True) -> tuple[Kink, ...]:
    """The kinks of the table's expression, or one of those that are alike.

    `sense`: 1 where the expression is to be small, -1 where large, 0 where it is fixed.
    """
    found: dict[tuple[int, int], Kink] = {}
    seen: set[tuple[int, int]] = set()
    pending = [(look.root, sense)]
    while pending:
        node, direction = pending.pop()
        key = (id(node if every else look.kind(node)), direction)
        if key in seen or look(node).smoothness is Smoothness.SMOOTH:
            continue
        seen.add(key)
        if (kink := _kink(node, direction, look)) is not None:
            found[key] = kink
        pending.extend(reversed(_downward(node, direction, look)))
    return tuple(found.values())


def _kink(node: Expr, direction: int, look: FactsTable) -> Kink | None:
    match node:
        case Call(atom=atom) if (record := find(atom)) and record.smoothness is Smoothness.KINKED:
            facts = tuple(map(look, node.args))
            convex = record.curvature(facts, dict(node.options)) is Curvature.CONVEX
            return Kink(node, record.graph is not None, direction == (1 if convex else -1))
        case Reduce(op="max" | "min" as op):
            return Kink(node, True, direction == (1 if op == "max" else -1))
        case _:
            return None


def _downward(node: Expr, direction: int, look: FactsTable) -> list[tuple[Expr, int]]:
    """The operands of a node, each with the direction in which the problem presses on it."""
    match node:
        case Call():
            record, operands, options = meaning(node)
            moves = record.monotonicity(tuple(map(look, operands)), options)
            return [(o, _through(m, direction)) for o, m in zip(operands, moves, strict=True)]
        case Reduce(op=op, body=body):
            return [(body, 0 if op == "prod" else direction)]
        case Stack(body=body):
            return [(body, direction)]
        case Index(base=base):
            return [(base, direction)]
        case Extern(args=args) | Nested(args=args):
            return [(a, 0) for a in args]
        case _:
            return []


def _through(move: Monotonicity, direction: int) -> int:
    return {Monotonicity.INCREASING: direction, Monotonicity.DECREASING: -direction}.get(move, 0)
