"""Functions of positive definite matrices of the unknowns to diagnostics, where no start lies in their domain.

The methods begin at 0 unless told otherwise, and no bound keeps them inside the positive definite matrices.
"""

from __future__ import annotations

from declarative.analysis.pieces import pieces
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Variable
from declarative.ir.facts import Domain
from declarative.ir.problem import Problem
from declarative.ir.walk import postorder, variables
from declarative.source.diagnostic import Diagnostic, error


def unfit_starts(problem: Problem) -> list[Diagnostic]:
    """One for each call that is not defined where the method would begin."""
    calls = (node for piece in pieces(problem) for node in postorder(piece.root) if isinstance(node, Call))
    return [found for call in calls for found in _without_start(call)]


def _without_start(call: Call) -> list[Diagnostic]:
    record = find(call.atom)
    assert record is not None
    options = dict(call.options)
    inside = [arg for k, arg in enumerate(call.args) if record.domain(k, options) is Domain.PD]
    lacking = {v.name: v for arg in inside for v in variables(arg) if not _has_start(v)}
    if not lacking:
        return []
    names = ", ".join(f"`{name}`" for name in lacking)
    message = f"`{call.atom}` is defined for positive definite matrices only, and {names} begins at 0"
    first = next(iter(lacking.values()))
    hints = (
        f"declare `{first.name}` with {_identity(first)}, or another point inside",
        "the cone backend needs no start",
    )
    return [error("E303", call.origin, message, hints=hints)]


def _identity(variable: Variable) -> str:
    """A start that is positive definite, as it is written where the variable was declared."""
    size = variable.shape[-1]
    if variable.origin is not None and variable.origin.source.python:
        return f"`start=dc.diag(dc.stack(1 for i in dc.range(0, {size})))`"
    return f"`start(diag(stack(1 for i in {size})))`"


def _has_start(variable: Variable) -> bool:
    return any(attribute.name == "start" for attribute in variable.attributes)
