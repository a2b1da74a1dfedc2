"""An objective, constraints and outputs written in Python to a `Problem`, by way of the tree that a text would have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from declarative.elaborate.clauses import method_of
from declarative.elaborate.embedded.declared import NOTHING
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.names import check_alike, checked_name
from declarative.elaborate.embedded.parts import Parts
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.embedded.results import every_variable, named_output, wanted_outputs
from declarative.elaborate.embedded.statements import Stated, identity, stated
from declarative.elaborate.embedded.unbound import check_bound
from declarative.elaborate.problem_tree import problem_tree, taken_names
from declarative.elaborate.to_text import problem_to_text
from declarative.elaborate.tree_to_ir import elaborate
from declarative.ir.canonical import canonical_problem
from declarative.ir.expr import Variable
from declarative.ir.problem import (
    Method,
    Objective,
    Problem,
    Sense,
)
from declarative.source.diagnostic import DiagnosticError
from declarative.source.span import Source
from declarative.source.warn import tell_warnings
from declarative.syntax.parse import parse_tree
from declarative.syntax.tokens.lexer import WORDS


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
    objective: Aim | None = None,
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
        sense = next((word for word in ("minimize", "maximize", "find") if word in named), "minimize")
        hints = [f"dc.problem(dc.{sense}(...), ...)"]
        raise fail("E405", "the first argument is the objective: minimize, maximize or find", place, hints=hints)
    items = [(*pair, place.argument(k)) for k, given in enumerate(constraints, 1) for pair in _pairs(given)]
    items += [(label, given, place.keyword(label)) for label, given in named.items()]
    for _, given, at in items:
        if isinstance(given, Aim):
            hints = ["several aims are weighted and added: dc.minimize(f + 0.1 * g)"]
            raise fail("E405", "a problem has one objective, and this is a second one", at, hints=hints)
    labels = {identity(given): checked_name(label, at) for label, given, at in items if label is not None}
    subject = _joined(stated(label, given, at) for label, given, at in items)
    promised = stated(None, list(assume) if isinstance(assume, list | tuple) else [assume], place.keyword("assume"))
    wanted = wanted_outputs(outputs, labels, place.keyword("outputs"))
    used = NOTHING.union(
        *(h.declared for h in (*objective.handles, *(h for _, h in wanted))), subject.declared, promised.declared
    )
    parts = Parts(used, params, place.keyword("params"))
    draft = Problem(
        name=name if name == "problem" else checked_name(name, place.keyword("name")),
        dims=parts.dims,
        parameters=parts.parameters,
        variables=parts.variables,
        objective=_objective(objective),
        constraints=subject.constraints,
        outputs=tuple(named_output(label, h, place.keyword("outputs")) for label, h in wanted)
        or every_variable(parts.variables),
        externs=parts.externs,
        imports=parts.imports,
        promises=promised.constraints,
        solve=_method("solve", solve, place.keyword("solve")),
        differentiate=_method("differentiate", differentiate, place.keyword("differentiate")),
        doc=doc,
        origin=place.span,
    )
    check_alike(sorted(taken_names(draft) - WORDS), place)
    check_bound(draft, place)
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


def _method(kind: Literal["solve", "differentiate"], given: Method | str | None, place: Place) -> Method | None:
    """A method, or the words that stand for it in a text: `newton(tol = 1e-10)`."""
    if not isinstance(given, str):
        return given
    try:
        return replace(method_of(kind, given), origin=place.span)
    except DiagnosticError as failure:
        raise DiagnosticError([replace(d, span=place.span) for d in failure.diagnostics]) from None


def _elaborated(draft: Problem, parts: Parts) -> Problem:
    """Given its meaning by the rules of the text. Where Python kept no source, messages show the text instead."""
    imports = {p.name: p for p in draft.imports}
    if parts.have_text and draft.origin is not None:
        file = problem_tree(draft, draft=True)
    else:
        file, found = parse_tree(Source("<problem>", problem_to_text(draft, draft=True)))
        assert not found, found
    made, diagnostics = elaborate(file, draft.name, imports)
    if made is None:
        raise DiagnosticError(diagnostics)
    tell_warnings(diagnostics)
    return made
