"""What a problem calls and does not define: torch functions given at compile time, and other problems, solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from declarative.atoms import registry
from declarative.elaborate.context import Context
from declarative.elaborate.embedded.declared import NOTHING, Declared
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.names import checked_name
from declarative.elaborate.embedded.operators import operand_text
from declarative.elaborate.embedded.place import Place, fail, here, located
from declarative.elaborate.names import Scope
from declarative.elaborate.nested import field_of, solved
from declarative.elaborate.report import Report
from declarative.elaborate.values import Solved, Value
from declarative.ir.expr import Extern
from declarative.ir.problem import ExternDeclaration, Problem
from declarative.ir.size import Shape, shape_text
from declarative.source.span import Source, Span
from declarative.syntax import tree


@dataclass(frozen=True, eq=False)
class Function:
    """`extern f : R^n, R^d -> R^n`; called with handles."""

    declaration: ExternDeclaration
    declared: frozenset[Declared]

    def __call__(self, *args: Any) -> Handle:
        place = here()
        handles = [lift(arg, place.argument(k)) for k, arg in enumerate(args)]
        name, domain = self.declaration.name, self.declaration.domain
        if len(handles) != len(domain):
            wanted = ", ".join(map(shape_text, domain))
            raise fail("E205", f"`{name}` takes {len(domain)} arguments ({wanted}); this has {len(handles)}", place)
        for k, (handle, shape) in enumerate(zip(handles, domain, strict=True)):
            if handle.expr.shape != shape:
                found = f"`{operand_text(handle.expr, place, k)}` is {shape_text(handle.expr.shape)}"
                raise fail("E203", f"`{name}` takes {shape_text(shape)} here; {found}", place.argument(k))
        expr = Extern(name, tuple(h.expr for h in handles), self.declaration.codomain, origin=place.span)
        return Handle(expr, self.declared.union(*(h.declared for h in handles)))


def extern(name: str, domain: Any, codomain: Any) -> Function:
    """A torch function or module that is given when the layer is compiled: `extern("f", [n, d], n)`.

    domain: the shape of each argument, a dim or a tuple of them (`()` is a scalar); codomain: the result's.
    """
    place = here()
    if registry.find(checked_name(name, place)) is not None:
        raise fail("E202", f"`{name}` is already a function of the library", place)
    declared: set[Declared] = set()
    shapes = tuple(_shape(item, place, declared) for item in domain)
    declaration = ExternDeclaration(name, shapes, _shape(codomain, place, declared), origin=place.span)
    return Function(declaration, frozenset((Declared(declaration, place, frozenset(declared)),)))


def _shape(given: Any, place: Place, declared: set[Declared]) -> Shape:
    handles = [lift(item, place) for item in (given if isinstance(given, tuple | list) else (given,))]
    declared.update(*(h.declared for h in handles))
    sizes = tuple(h.size for h in handles if h.size is not None)
    if len(sizes) < len(handles):
        raise fail("E222", "a size is made of whole numbers and dims", place)
    return sizes


@dataclass(frozen=True, eq=False)
class Nested:
    """Another problem as a function of its params, consts by keyword."""

    problem: Problem
    declared: frozenset[Declared]

    def __call__(self, *args: Any, **named: Any) -> Solution:
        place = here()
        handles = [lift(arg, place) for arg in args] + [lift(arg, place) for arg in named.values()]
        call = _call(self.problem, place, handles, list(named))
        return Solution(call, self.declared.union(*(h.declared for h in handles)))


@dataclass(frozen=True, eq=False)
class Solution:
    """A problem solved for these arguments; its fields are handles: `.x`, `.value`, `.budget.dual`."""

    solved: Solved
    declared: frozenset[Declared]
    path: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Handle | Solution:
        if name.startswith("__"):
            raise AttributeError(name)
        path = (*self.path, name)
        symbols = {v.symbol.name for v in self.solved.problem.variables}
        if name in ("lower", "upper") or (not self.path and name in {c.name for c in self.solved.problem.constraints}):
            return self if name in symbols else Solution(self.solved, self.declared, path)
        report, place = Report(), here()
        found = field_of(_context(self.solved.problem, report, {}), self.solved, path, _spot(place))
        if found is None:
            raise located(report.in_order(), place)
        return Handle(found.expr, self.declared)


def nested(problem: Problem) -> Nested:
    """A problem that may be called inside another: `nested(follower)(q1, a=a).q`."""
    place = here()
    if not isinstance(problem, Problem):
        raise fail("E226", "`nested` takes a problem", place, hints=["dc.nested(dc.problem(...))"])
    checked_name(problem.name, place)
    return Nested(problem, frozenset((Declared(problem, place, NOTHING),)))


def _call(problem: Problem, place: Place, handles: list[Handle], names: list[str]) -> Solved:
    """The rules of the text's `follower(q1, a = a)`, over placeholders that stand for the handles."""
    report, values = Report(), {}
    spots = [tree.Name(f"argument{k}", span=_spot(place.argument(k))) for k in range(len(handles))]
    values = {spot.id: Value(handle.expr) for spot, handle in zip(spots, handles, strict=True)}
    first = len(handles) - len(names)
    keywords = [tree.Keyword(name, spot, span=spot.span) for name, spot in zip(names, spots[first:], strict=True)]
    function = tree.Name(problem.name, span=_spot(place))
    node = tree.Call(function, (*spots[:first], *keywords), span=_spot(place))
    found = solved(_context(problem, report, values), problem.name, node, Scope())
    if found is None:
        raise located(report.in_order(), place)
    return found


def _context(problem: Problem, report: Report, values: dict[str, Value]) -> Context:
    def evaluate(context: Context, node: tree.Expression, scope: Scope) -> Value | None:
        return values[node.id] if isinstance(node, tree.Name) else None

    return Context(report, {}, evaluate, {problem.name: problem})


def _spot(place: Place) -> Span:
    return place.span or Span(Source(f"{place.file}, line {place.line}", ""), 0, 0)
