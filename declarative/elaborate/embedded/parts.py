"""What a problem was made of to its lists of declarations, in order of creation or as `params` says."""

from __future__ import annotations

from collections.abc import Iterable

from declarative.elaborate.embedded.declared import NOTHING, Declared, closure
from declarative.elaborate.embedded.handle import Handle
from declarative.elaborate.embedded.place import Place, fail
from declarative.ir.expr import Parameter, Role
from declarative.ir.problem import (
    DimDeclaration,
    ExternDeclaration,
    ParameterDeclaration,
    Problem,
    VariableDeclaration,
)


class Parts:
    """Everything that is used, sorted into the lists of a problem, in order of creation."""

    def __init__(self, used: frozenset[Declared], params: Iterable[Handle] | None, place: Place):
        listed = None if params is None else list(params)
        extra = NOTHING.union(*(h.declared for h in listed or ()))
        self.all = closure(used | extra)
        found = [d.declaration for d in self.all]
        data = [d for d in found if isinstance(d, ParameterDeclaration)]
        self.dims = tuple(dict.fromkeys(d for d in found if isinstance(d, DimDeclaration)))
        self.variables = tuple(d for d in found if isinstance(d, VariableDeclaration))
        self.externs = tuple(d for d in found if isinstance(d, ExternDeclaration))
        self.imports = tuple(d for d in found if isinstance(d, Problem))
        self.parameters = tuple(data) if listed is None else _ordered(data, listed, place)

    @property
    def have_text(self) -> bool:
        return all(d.place.span is not None for d in self.all)


def _ordered(data: list[ParameterDeclaration], listed: list[Handle], place: Place) -> tuple[ParameterDeclaration, ...]:
    """Those that are listed, in that order; consts and learned data that are not come behind."""
    order = [h.expr.name for h in listed if isinstance(h.expr, Parameter)]
    if len(order) < len(listed):
        raise fail("E405", "`params` lists data made by dc.param, dc.const or dc.learn", place)
    by_name = {d.symbol.name: d for d in data}
    rest = [d for d in data if d.symbol.name not in order]
    missing = [d.symbol.name for d in rest if d.symbol.role is Role.PARAM]
    if missing:
        raise fail("E405", f"the problem uses `{missing[0]}`, which `params` does not list", place)
    return (*(by_name[name] for name in order), *rest)
