"""What a convex expression asks of a solver once its kinks are replaced by rows: its degree, and the cones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from declarative.analysis.facts import FactsTable, facts_of, meaning
from declarative.atoms.record import Atom
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Index, Parameter, Reduce, Role, Stack, Variable
from declarative.ir.facts import Cone, Curvature, Smoothness
from declarative.ir.size import Shape
from declarative.ir.walk import fold


@dataclass(frozen=True)
class Level:
    """`degree` of the expression itself and `rows` of what is added, both at most 2; `cones` for the rest.

    `beyond`: it holds a smooth function that no cone describes.
    """

    degree: int
    rows: int = 0
    cones: frozenset[Cone] = frozenset()
    beyond: bool = False


FLAT = {Curvature.CONSTANT: Level(0), Curvature.AFFINE: Level(1)}  # whatever is inside


def level_of(look: FactsTable) -> Level:
    """Of the table's expression, which is convex or concave by the rules."""

    found: dict[int, Level] = {}  # by the kind of a node: it is worked out once for all that are alike

    def known(node: Expr) -> Level | None:
        return FLAT.get(look(node).curvature) or found.get(id(look.kind(node)))

    def step(node: Expr, inner: tuple[Level, ...]) -> Level:
        return found.setdefault(id(look.kind(node)), _level(node, inner))

    return fold(look.root, step, known)


def _level(node: Expr, inner: tuple[Level, ...]) -> Level:
    match node:
        case Call():
            return _call(node, dict(zip(map(id, node.args), inner, strict=True)))
        case Reduce(op="sum") | Stack() | Index():
            return inner[0]
        case Reduce(op="logsumexp"):
            return _with(_joined(inner, 1), {Cone.EXPONENTIAL})
        case Reduce(op="max" | "min"):
            return _joined(inner, 1)
        case _:
            return _joined(inner)


def _joined(inner: Iterable[Level], degree: int | None = None) -> Level:
    levels = tuple(inner)
    own = max((level.degree for level in levels), default=0)
    rows = max((level.rows for level in levels), default=0)
    cones = frozenset(cone for level in levels for cone in level.cones)
    beyond = any(level.beyond for level in levels)
    return Level(own, rows, cones, beyond) if degree is None else Level(degree, max(rows, own), cones, beyond)


def _call(node: Call, levels: dict[int, Level]) -> Level:
    """Kinks become a new variable and rows; what is no polynomial of degree 2 becomes a new variable and a cone."""
    record, operands, options = meaning(node)
    inner = [levels[id(o)] for o in operands]
    if record.smoothness is Smoothness.KINKED:
        cones = {record.cone} - {None}
        return _with(_joined(inner, _graph_degree(record, node)), cones)
    degree = record.degree(tuple(level.degree for level in inner), options)
    if degree is not None and degree <= 2:
        return replace(_joined(inner), degree=degree)
    level = _with(_joined(inner, 1), {record.cone} - {None})
    return replace(level, beyond=level.beyond or record.cone is None)


def _with(level: Level, cones: set) -> Level:
    return replace(level, cones=level.cones | cones)


def _graph_degree(record: Atom, node: Call) -> int:
    """1, but 2 where the graph form has a quadratic value, as Huber's has."""
    if record.graph is None:
        return 1
    return _value_degree(record.name, tuple(a.shape for a in node.args), node.options)


@cache
def _value_degree(name: str, shapes: tuple[Shape, ...], options: tuple[tuple[str, Any], ...]) -> int:
    first, *rest = shapes
    others = [Parameter(f"data {k}", shape, Role.PARAM) for k, shape in enumerate(rest)]
    record = find(name)
    assert record is not None and record.graph is not None
    fresh = partial(Variable, "fresh")
    graph = record.graph(fresh, Variable("argument", first), *others, **dict(options))
    return 2 if facts_of(graph.value).degree == 2 else 1
