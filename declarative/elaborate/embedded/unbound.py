"""Finds indices that are used outside the generator that they belong to."""

from __future__ import annotations

from declarative.elaborate.embedded.place import Place, fail
from declarative.elaborate.problem_tree import constraint_expressions
from declarative.ir.expr import Expr, IndexSymbol
from declarative.ir.problem import Problem
from declarative.ir.walk import free_indices, postorder


def check_bound(p: Problem, place: Place) -> None:
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
