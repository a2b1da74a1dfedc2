"""Which name stands for what: declared names of a file, and the scopes of indices and arguments inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, assert_never

from declarative.elaborate.report import Report
from declarative.elaborate.values import Value, name_span
from declarative.ir.expr import IndexSymbol
from declarative.ir.size import Size
from declarative.source.diagnostic import Label
from declarative.syntax import tree

Entity: TypeAlias = tree.DimItem | tree.Declaration | tree.Extern | tree.Let | tree.Def | tree.Import | tree.Constraint
Local: TypeAlias = IndexSymbol | Size | Value | None  # None: an argument that failed


@dataclass(frozen=True)
class Scope:
    """Names that hold in a part of a statement: indices, arguments of a `def` and its flexible sizes.

    `outputs`: duals and `value` may be read, as in `return`. `subscript`: within square brackets, along an axis of
    the length `along` where there is one, and an index of the subscript may run over `runs`. `depth`: how many indices
    hold, where that is known to be final: the body of a `let` or `def` comes to stand in other places.
    """

    locals: Mapping[str, Local] = field(default_factory=dict)
    depth: int | None = None
    outputs: bool = False
    subscript: bool = False
    along: Size | None = None
    runs: tuple[Size, Size] | None = None

    @cached_property
    def _in_subscripts(self) -> dict[tuple[Size | None, tuple[Size, Size] | None], Scope]:
        return {}

    def in_subscript(self, length: Size | None, runs: tuple[Size, Size] | None) -> Scope:
        """Within square brackets, along an axis of this length."""
        key = (length, runs)
        if (found := self._in_subscripts.get(key)) is None:
            found = self._in_subscripts[key] = replace(self, subscript=True, along=length, runs=runs)
        return found

    def with_index(self, name: str, index: IndexSymbol | None) -> Scope:
        depth = None if self.depth is None else self.depth + 1
        return replace(self, locals={**self.locals, name: index}, depth=depth)


def kind(entity: Entity) -> str:
    """How messages call what a name stands for."""
    match entity:
        case tree.DimItem():
            return "a dim"
        case tree.Declaration(kind="var"):
            return "a variable"
        case tree.Declaration(kind=word):
            return f"a {word}"
        case tree.Extern():
            return "an extern function"
        case tree.Let():
            return "a let"
        case tree.Def():
            return "a def"
        case tree.Import():
            return "an imported problem"
        case tree.Constraint():
            return "a constraint"
        case _:
            assert_never(entity)


def declared_names(file: tree.File, report: Report) -> dict[str, Entity]:
    """Every name that the statements of a file introduce, wherever they stand. Reports names declared twice."""
    found: dict[str, Entity] = {}
    for name, entity in _introductions(file):
        if name in found:
            _report_duplicate(name, found[name], entity, report)
        else:
            found[name] = entity
    return found


def _introductions(file: tree.File):
    for statement in file.statements:
        match statement:
            case tree.Dim(items=items):
                yield from ((item.name, item) for item in items)
            case tree.Declaration() | tree.Extern() | tree.Let() | tree.Def() | tree.Import():
                yield statement.name, statement
            case tree.Constraint(label=str(label)):
                yield label, statement
            case _:
                pass


def _report_duplicate(name: str, first: Entity, second: Entity, report: Report) -> None:
    report.error(
        "E202",
        name_span(second, name),
        f"`{name}` is already {kind(first)}",
        labels=[Label(name_span(first, name), "first declared here")],
        hints=["give one of them another name"],
    )
