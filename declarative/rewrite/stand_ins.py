"""A function with a kink to a smooth one that is near it, for the hints of the kkt backend."""

from __future__ import annotations

from declarative.analysis.words import text
from declarative.ir.expr import Call, Constant, Expr, Index, Parameter, Variable

# The root of a square plus 1e-6 is at most 1e-3 above the absolute value, and
# log(sum(exp(b*x)))/b at most log(n)/b above max(x).
_FORMS = {
    "norm": "sqrt(1e-6 + sumsq({0}))",
    "normfro": "sqrt(1e-6 + sumsq({0}))",
    "norm1": "sum(sqrt(1e-6 + {1}.^2))",
    "abs": "sqrt(1e-6 + {1}^2)",
    "max": "logsumexp(100*{1})/100",
    "min": "-logsumexp(-100*{1})/100",
    "maximum": "logsumexp(100*[{0}])/100",
    "minimum": "-logsumexp(-100*[{0}])/100",
    "pos": "softplus(100*{1})/100",
}


def stand_in(node: Expr) -> str | None:
    """`sqrt(1e-6 + sumsq(x))` for `norm(x)`; None where there is none that is short."""
    match node:
        case Call(atom, args) if atom in _FORMS and not node.shape:
            first = text(args[0])
            factor = first if isinstance(args[0], Parameter | Variable | Index | Constant) else f"({first})"
            return _FORMS[atom].format(", ".join(map(text, args)), factor)
        case _:
            return None
