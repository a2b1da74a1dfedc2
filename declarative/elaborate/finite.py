"""Numbers that are none: `exp(1000)` is too large, `log(-1)` not defined, and `max(x, inf)` reads what is no number."""

from __future__ import annotations

import math
from collections.abc import Iterable

from declarative.atoms.numbers import number_of
from declarative.elaborate.report import Report
from declarative.elaborate.values import shown
from declarative.ir.expr import Call, Constant, Expr
from declarative.ir.walk import postorder

INFINITY = "`inf` stands only as a whole side of an inequality, or as an end in `between`"


def check_finite(report: Report, roots: Iterable[Expr]) -> None:
    """Reported at the innermost one."""
    for root in roots:
        known: dict[int, float | None] = {}
        for node in postorder(root):
            if isinstance(node, Constant):
                known[id(node)] = node.value
            elif isinstance(node, Call) and all(id(arg) in known for arg in node.args):
                known[id(node)] = _value(report, node, [known[id(arg)] for arg in node.args])
            elif isinstance(node, Call):
                _check_infinity(report, node)


def _value(report: Report, node: Call, args: list[float | None]) -> float | None:
    """That of a call of numbers, if it can be told and is one."""
    numbers = [value for value in args if value is not None]
    if len(numbers) < len(args) or not _check_infinity(report, node):
        return None
    value = number_of(node, numbers)
    if value is None or math.isfinite(value):
        return value
    if node.origin is not None:
        fault = "is not defined" if math.isnan(value) else "is too large for a number"
        report.error("E223", node.origin, f"{shown(node.origin)} {fault}")
    return None


def _check_infinity(report: Report, node: Call) -> bool:
    """False, and reported, where an argument is infinite."""
    endless = [arg for arg in node.args if isinstance(arg, Constant) and math.isinf(arg.value)]
    for arg in endless:
        report.error("E223", arg.origin or node.origin, INFINITY)
    return not endless
