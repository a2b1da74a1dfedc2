"""An objective, constraints and outputs written in Python to a `Problem`, by way of the tree that a text would have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from declarative.elaborate.embedded.declared import NOTHING, Declared, closure
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.names import check_alike, checked_name
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.embedded.statements import Stated, identity, stated
from declarative.elaborate.outputs import output_name
from declarative.elaborate.problem_tree import constraint_expressions, problem_tree, taken_names
from declarative.elaborate.to_text import problem_to_text
from declarative.elaborate.tree_to_ir import elaborate
from declarative.ir.canonical import canonical_problem
from declarative.ir.expr import Dual, Expr, IndexSymbol, OptimalValue, Parameter, Role, Variable
from declarative.ir.problem import (
    DimDeclaration,
    ExternDeclaration,
    Method,
    Objective,
    Output,
    ParameterDeclaration,
    Problem,
    Sense,
    VariableDeclaration,
)
from declarative.ir.walk import free_indices, postorder, transform
from declarative.source.diagnostic import DiagnosticError
from declarative.source.span import Source
from declarative.syntax.lexer import WORDS
from declarative.syntax.parse import parse_tree


@dataclass(frozen=True)
class Aim:
    """`minimize(e)`, `maximize(e)` or `find(x, ...)`."""

    sense: Sense
    handles: tuple[Handle, ...]
    place: Place


def minimize(e: Any) -> Aim:
    place = here()
    return Aim(Sense.MINIMIZE, (lift(e, place),), place)


def maximize(e: Any) -> Aim:
    place = here()
    return Aim(Sense.MAXIMIZE, (lift(e, place),), place)


def find(*unknowns: Handle) -> Aim:
    place = here()
    return Aim(Sense.FIND, tuple(lift(u, place) for u in unknowns), place)


def problem(
    objective: Aim,
    *constraints: Any,
    name: str = "problem",
    doc: str | None = None,
    params: Iterable[Handle] | None = None,
    outputs: Any = None,
    assume: Any = (),
    solve: Method | str | None = None,
    differentiate: Method | str | None = None,
    **named: Any,
) -> Problem:
    """The problem that its parts say, equal to the one that the same text would give.

    objective: `minimize(e)`, `maximize(e)` or `find(x, ...)`.
    constraints: comparisons, `chain`, `psd`, `member`, generators or lists of them, and dictionaries of named ones;
        keywords name them too (the words of this signature only by a dictionary).
    params: the order of the layer's arguments. Without it, the data that the problem uses come in order of creation.
    outputs: an output, a list, or a dictionary of named ones; each a handle, `dual(...)`, `value`, or a text such as
        `"budget.dual"`. Without it, every variable.
    assume: promises about params and consts.
    Raises DiagnosticError, with all that is wrong, each at its place in the caller's file.
    """
    place = here()
    if not isinstance(objective, Aim):
        hints = ["dc.problem(dc.minimize(...), ...)"]
        raise fail("E405", "the first argument is the objective: minimize, maximize or find", place, hints=hints)
    items = [(*pair, place.argument(k)) for k, given in enumerate(constraints, 1) for pair in _pairs(given)]
    items += [(label, given, place.keyword(label)) for label, given in named.items()]
    labels = {identity(given): checked_name(label, at) for label, given, at in items if label is not None}
    subject = _joined(stated(label, given, at) for label, given, at in items)
    promised = stated(None, list(assume) if isinstance(assume, list | tuple) else [assume], place.keyword("assume"))
    wanted = _outputs(outputs, labels, place.keyword("outputs"))
    used = NOTHING.union(
        *(h.declared for h in (*objective.handles, *(h for _, h in wanted))), subject.declared, promised.declared
    )
    parts = _Parts(used, params, place.keyword("params"))
    draft = Problem(
        name=name if name == "problem" else checked_name(name, place.keyword("name")),
        dims=parts.dims,
        parameters=parts.parameters,
        variables=parts.variables,
        objective=_objective(objective),
        constraints=subject.constraints,
        outputs=tuple(_output(label, h, place.keyword("outputs")) for label, h in wanted) or _every(parts.variables),
        externs=parts.externs,
        imports=parts.imports,
        promises=promised.constraints,
        solve=_method(solve, place.keyword("solve")),
        differentiate=_method(differentiate, place.keyword("differentiate")),
        doc=doc,
        origin=place.span,
    )
    check_alike(sorted(taken_names(draft) - WORDS), place)
    _check_bound(draft, place)
    return _elaborated(canonical_problem(draft), parts)


def _pairs(given: Any) -> Iterable[tuple[str | None, Any]]:
    return given.items() if isinstance(given, Mapping) else [(None, given)]


def _joined(parts: Iterable[Stated]) -> Stated:
    found = list(parts)
    return Stated(tuple(c for p in found for c in p.constraints), NOTHING.union(*(p.declared for p in found)))


def _objective(aim: Aim) -> Objective:
    if aim.sense is not Sense.FIND:
        return Objective(aim.sense, aim.handles[0].expr, origin=aim.place.span)
    unknowns = tuple(h.expr for h in aim.handles if isinstance(h.expr, Variable))
    if len(unknowns) < len(aim.handles):
        raise fail("E210", "`find` takes variables", aim.place)
    return Objective(aim.sense, None, unknowns, origin=aim.place.span)


def _method(given: Method | str | None, place: Place) -> Method | None:
    return Method(given, origin=place.span) if isinstance(given, str) else given


# --- declarations ------------------------------------------------------------------------------


class _Parts:
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


# --- outputs -----------------------------------------------------------------------------------


def _outputs(given: Any, labels: Mapping[str, str], place: Place) -> list[tuple[str | None, Handle]]:
    match given:
        case None:
            return []
        case Mapping():
            pairs = list(given.items())
        case list() | tuple():
            pairs = [(None, item) for item in given]
        case _:
            pairs = [(None, given)]
    return [(label, _resolved(_read(item, place), labels, place)) for label, item in pairs]


def _read(item: Any, place: Place) -> Handle:
    """A text such as `"budget.dual"` or `"value"`, or a handle."""
    if not isinstance(item, str):
        return lift(item, place)
    if item == "value":
        return Handle(OptimalValue())
    if not item.endswith(".dual"):
        hints = ['`"budget.dual"` and `"value"` do; a variable stands without quotes']
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


def _output(label: str | None, h: Handle, place: Place) -> Output:
    name = label or output_name(h.expr)
    if name is None:
        hints = [f'outputs={{"name": {h!r}}}']
        raise fail("E219", f"the output `{h!r}` needs a name", place, hints=hints)
    return Output(name, h.expr, origin=place.span)


def _every(variables: tuple[VariableDeclaration, ...]) -> tuple[Output, ...]:
    return tuple(Output(v.symbol.name, v.symbol, origin=v.origin) for v in variables)


# --- checks ------------------------------------------------------------------------------------


def _check_bound(p: Problem, place: Place) -> None:
    """Every index belongs to a generator that a sum, a family or a constraint has taken."""
    whole = [*([p.objective.body] if p.objective.body else []), *(o.body for o in p.outputs)]
    for e in whole:
        _raise_unbound(e, frozenset(), place)
    for c in (*p.constraints, *p.promises):
        bound = frozenset(b.index for b in c.binders)
        for e in constraint_expressions(c):
            _raise_unbound(e, bound, place)


def _raise_unbound(e: Expr, bound: frozenset[IndexSymbol], place: Place) -> None:
    free = free_indices(e) - bound
    if not free:
        return
    user = next((n for n in postorder(e) if free & set(_direct(n)) and n.origin is not None), None)
    at = place if user is None or user.origin is None else Place(place.file, user.origin.line, user.origin)
    name = min(i.name for i in free)
    hints = [
        "Python's own `sum`, `max` and lists run at once: use dc.sum(x[i] for i in n)",
        "a constraint for every index is a generator: dc.forall(x[i] >= 0 for i in n)",
    ]
    raise fail("E212", f"nothing says where the index `{name}` runs here", at, hints=hints)


def _direct(e: Expr) -> tuple[IndexSymbol, ...]:
    subscripts = getattr(e, "subscripts", ()) or getattr(e, "args", ())
    return tuple(s for s in subscripts if isinstance(s, IndexSymbol))


def _elaborated(draft: Problem, parts: _Parts) -> Problem:
    """Given its meaning by the rules of the text. Where Python kept no source, messages show the text instead."""
    imports = {p.name: p for p in draft.imports}
    if parts.have_text and draft.origin is not None:
        file = problem_tree(draft)
    else:
        file, found = parse_tree(Source("<problem>", problem_to_text(draft)))
        assert not found, found
    made, diagnostics = elaborate(file, draft.name, imports)
    if made is None:
        raise DiagnosticError(diagnostics)
    return made
