"""A function with a kink to a smooth one that is near it, for the hints of the kkt backend."""

from __future__ import annotations

from declarative.analysis.facts import facts_of
from declarative.analysis.words import text
from declarative.ir.expr import Call, Constant, Expr, Index, Parameter, Variable
from declarative.ir.walk import varies

# The root of a square plus 1e-6 is at most 1e-3 above the absolute value, and
# log(sum(exp(b*x)))/b at most log(n)/b above max(x).
_FORMS = {
    "norm": "sqrt(1e-6 + sumsq({0}))",
    "normfro": "sqrt(1e-6 + sumsq({0}))",
    "norm1": "sum(sqrt(1e-6 + {1}.^2))",
    "quad_root": "sqrt(1e-6 + quad({0}))",
    "abs": "sqrt(1e-6 + {1}^2)",
    "max": "logsumexp(100*{1})/100",
    "min": "-logsumexp(-100*{1})/100",
    "maximum": "logsumexp(100*[{0}])/100",
    "minimum": "-logsumexp(-100*[{0}])/100",
    "pos": "softplus(100*{1})/100",
}
# Entry by entry. (a + b + abs(a - b))/2 is the greater of a and b.
_OF_ARRAYS = {
    "abs": "sqrt(1e-6 + {1}.^2)",
    "pos": "softplus(100*{1})/100",
    "maximum": "({0} + {2} + sqrt(1e-6 + ({0} - ({2})).^2))/2",
    "minimum": "({0} + {2} - sqrt(1e-6 + ({0} - ({2})).^2))/2",
}


def _levelled(loss: Expr, level: Expr) -> str | None:
    """min(r^2, c), a truncated loss: c*(1 - exp(-r^2/c)) is r^2 near 0 and c far away (Welsch)."""
    if not (isinstance(level, Constant) and level.value > 0 and varies(loss) and facts_of(loss).sign.nonneg):
        return None
    plain = isinstance(loss, Call) and loss.atom in ("power", "square", "sumsq", "abs")
    written = text(loss) if plain else f"({text(loss)})"
    c = text(level)
    return f"1 - exp(-{written})" if level.value == 1 else f"{c}*(1 - exp(-{written}/{c}))"


def stand_in(node: Expr) -> str | None:
    """`sqrt(1e-6 + sumsq(x))` for `norm(x)`; None where there is none that is short."""
    forms = _OF_ARRAYS if node.shape else _FORMS
    match node:
        case Call("minimum", (a, b)) if levelled := _levelled(a, b) or _levelled(b, a):
            return levelled
        case Call(atom, (one, *others)) if atom in forms and (not node.shape or len(others) < 2):
            first, last = text(one), text(others[-1] if others else one)
            factor = first if isinstance(one, Parameter | Variable | Index | Constant) else f"({first})"
            told = first if node.shape else ", ".join(map(text, (one, *others)))
            return forms[atom].format(told, factor, last)
        case _:
            return None
