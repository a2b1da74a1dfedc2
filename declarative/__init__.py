"""Optimisation problems as text, compiled to exact, differentiable PyTorch layers."""

from declarative.elaborate.load import check, load, parse
from declarative.ir.problem import Problem
from declarative.source.diagnostic import Diagnostic, DiagnosticError, Severity

__all__ = ["Diagnostic", "DiagnosticError", "Problem", "Severity", "check", "load", "parse"]
