"""Optimisation problems as text, compiled to exact, differentiable PyTorch layers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from declarative.backends.status import AnsweredBy, Status
    from declarative.elaborate.load import check, load, parse
    from declarative.ir.problem import Problem
    from declarative.layer.compile import compile as compile
    from declarative.layer.layer import DeclarativeLayer
    from declarative.layer.route import explain
    from declarative.layer.solution import Outputs, Solution, SolveError
    from declarative.source.diagnostic import Diagnostic, DiagnosticError, Severity
    from declarative.source.warn import ProblemWarning

# Loaded when first asked for: what needs torch, so that checking a file stays fast, and the rest, so that the command
# line can be interrupted from the beginning.
_LATER = {
    "check": "declarative.elaborate.load",
    "load": "declarative.elaborate.load",
    "parse": "declarative.elaborate.load",
    "Problem": "declarative.ir.problem",
    "Diagnostic": "declarative.source.diagnostic",
    "DiagnosticError": "declarative.source.diagnostic",
    "Severity": "declarative.source.diagnostic",
    "ProblemWarning": "declarative.source.warn",
    "compile": "declarative.layer.compile",
    "explain": "declarative.layer.route",
    "AnsweredBy": "declarative.backends.status",
    "DeclarativeLayer": "declarative.layer.layer",
    "Outputs": "declarative.layer.solution",
    "Solution": "declarative.layer.solution",
    "SolveError": "declarative.layer.solution",
    "Status": "declarative.backends.status",
}

__all__ = [  # for `from declarative import *`: without `compile`, which would hide Python's own
    "AnsweredBy",
    "DeclarativeLayer",
    "Diagnostic",
    "DiagnosticError",
    "Outputs",
    "Problem",
    "ProblemWarning",
    "Severity",
    "Solution",
    "SolveError",
    "Status",
    "check",
    "explain",
    "load",
    "parse",
]


def __getattr__(name: str) -> Any:
    """What is loaded later, and the words of the embedded language: `dim`, `var`, `problem`, `sumsq`, ..."""
    if name == "__version__":
        return import_module("importlib.metadata").version("declarative")
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    if name.startswith("_"):
        raise AttributeError(f"module 'declarative' has no attribute {name!r}")
    return import_module("declarative.elaborate.embedded").lookup(name)


def __dir__() -> list[str]:
    return [*_LATER, *import_module("declarative.elaborate.embedded").names()]
