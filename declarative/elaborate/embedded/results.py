"""The `outputs` of a problem in Python to named ones: handles, duals, the value, texts such as `"budget.dual"`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.place import Place, fail
from declarative.elaborate.outputs import output_name
from declarative.ir.expr import Dual, Expr, OptimalValue
from declarative.ir.problem import Output, VariableDeclaration
from declarative.ir.walk import transform


def wanted_outputs(given: Any, labels: Mapping[str, str], place: Place) -> list[tuple[str | None, Handle]]:
    match given:
        case None:
            return []
        case Mapping():
            pairs = list(given.items())
        case list() | tuple():
            pairs = [(None, item) for item in given]
        case _:
            pairs = [(None, given)]
    return [(label, _resolved(_read(item, labels, place), labels, place)) for label, item in pairs]


def _read(item: Any, labels: Mapping[str, str], place: Place) -> Handle:
    """A text such as `"budget.dual"` or `"value"`, or a handle."""
    if not isinstance(item, str):
        return lift(item, place)
    if item == "value":
        return Handle(OptimalValue())
    if not item.endswith(".dual"):
        usual = '`"budget.dual"` and `"value"` do; a variable stands without quotes'
        hints = [f'`"{item}.dual"` is its multiplier' if item in labels.values() else usual]
        raise fail("E219", f"`{item}` names no output", place, hints=hints)
    return Handle(Dual(tuple(item.split(".")[:-1]), ()))


def _resolved(h: Handle, labels: Mapping[str, str], place: Place) -> Handle:
    """With the names that `problem` gave to constraints."""

    def named(e: Expr) -> Expr:
        if not isinstance(e, Dual) or not e.path[0].startswith("constraint "):
            return e
        if e.path[0] not in labels:
            hints = ["give it a name: dc.problem(..., budget=constraint)"]
            raise fail("E219", "the dual is of a constraint that has no name in this problem", place, hints=hints)
        return replace(e, path=(labels[e.path[0]], *e.path[1:]))

    return replace(h, expr=transform(h.expr, named))


def named_output(label: str | None, h: Handle, place: Place) -> Output:
    name = label or output_name(h.expr)
    if name is None:
        hints = [f'outputs={{"name": {h!r}}}']
        raise fail("E219", f"the output `{h!r}` needs a name", place, hints=hints)
    return Output(name, h.expr, origin=place.span)


def every_variable(variables: tuple[VariableDeclaration, ...]) -> tuple[Output, ...]:
    return tuple(Output(v.symbol.name, v.symbol, origin=v.origin) for v in variables)
