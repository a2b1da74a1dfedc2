"""What all parts of one elaboration share: findings, names, ranges of indices, and results made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from declarative.elaborate.names import Entity, Scope
from declarative.elaborate.report import Report
from declarative.elaborate.values import Solved, Value, stripped
from declarative.ir.expr import IndexSymbol
from declarative.ir.problem import Constraint, Expansion, Problem
from declarative.ir.size import Size
from declarative.source.span import Span
from declarative.syntax import tree

DEEPEST = 200  # expressions within expressions, those of definitions included; each takes a few of Python's frames


@dataclass(frozen=True)
class Range:
    """Where an index runs: lo..hi-1. `guarded`: a condition reads it, so that its ends may never be reached."""

    lo: Size
    hi: Size
    guarded: bool = False
    span: Span | None = None


@dataclass
class Context:
    """One file's elaboration under way.

    evaluate: an expression's meaning (set by `expressions`, which stands above the parts that need it).
    file: the tree, for messages about what stands around a name.
    resolved: name -> what its declaration became (None where that failed). `resolving`: those under way.
    undeclared: the uses of indices that no `for` declares, by name and line (`undeclared.Use`).
    calls: what the calls of definitions `within` the one under way have become; `spent`: how many there were.
    """

    report: Report
    names: Mapping[str, Entity]
    evaluate: Callable[[Context, tree.Expression, Scope], Value | Solved | None]
    imports: Mapping[str, Problem | None] = field(default_factory=dict)
    file: tree.File | None = None
    ranges: dict[IndexSymbol, Range] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)
    resolving: list[str] = field(default_factory=list)
    constraints: dict[str, list[Constraint]] = field(default_factory=dict)
    let_indices: dict[tuple[str, Size, Size], IndexSymbol] = field(default_factory=dict)
    of_lets: set[IndexSymbol] = field(default_factory=set)
    let_ranges: dict[IndexSymbol, Range] = field(default_factory=dict)  # of the `let` under way
    undeclared: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    expansions: list[Expansion] = field(default_factory=list)
    calls: dict[Any, Any] = field(default_factory=dict)
    within: int = 0
    spent: int = 0
    depth: int = 0

    def value(self, node: tree.Expression, scope: Scope) -> Value | None:
        """The meaning of an expression that stands for an array; None where it has none, which is then reported."""
        if self.depth >= DEEPEST:
            hints = ["name a part of it with `let`"]
            return self.report.error("E121", node.span, "this is nested too deeply", hints=hints)
        self.depth += 1
        found = self.evaluate(self, stripped(node), scope)
        self.depth -= 1
        if isinstance(found, Solved):
            fields = [v.symbol.name for v in found.problem.variables] + ["value"]
            return self.report.error(
                "E225",
                node.span,
                f"a solved `{found.problem.name}` is not an array; take one of its fields",
                hints=[f"`{node.span.text.strip()}.{fields[0]}`"],
            )
        return found

    def let_index(self, name: str, range_: Range) -> IndexSymbol:
        """The index of a `let`: the same one for each `let` that calls it so and runs over the same range.

        So `let y[i] = z[i] + 1 for i in n` holds the body of z as it is, and a chain of them costs its steps. An array
        of such a family is closed: no index but its own stands free in the body of a `let`.
        """
        key = (name, range_.lo, range_.hi)
        if key not in self.let_indices:
            self.let_indices[key] = self.fresh_index(name, range_)
            self.of_lets.add(self.let_indices[key])
        self.ranges[self.let_indices[key]] = range_
        return self.let_indices[key]

    def fresh_index(self, name: str, range_: Range, depth: int | None = None) -> IndexSymbol:
        """A new bound index with its final number, the depth; or one below zero until the problem is made canonical.

        An index of the same depth as an earlier one takes its place: that one holds no longer.
        """
        symbol = IndexSymbol(-1 - len(self.ranges) if depth is None else depth, name)
        if self.ranges.get(symbol, range_) != range_:
            self.calls = {}  # they may have read the range that it had
        self.ranges[symbol] = range_
        return symbol
