"""Python to problems: `problem(minimize(sumsq(x - y)), budget=sum(x) == 1)`, with handles for symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from declarative.elaborate.elsewhere import RENAMED, WRITTEN
from declarative.elaborate.embedded.externs import extern, nested
from declarative.elaborate.embedded.functions import library, library_names
from declarative.elaborate.embedded.loops import range_of
from declarative.elaborate.embedded.problem import find, maximize, minimize, problem
from declarative.elaborate.embedded.statements import chain, dual, forall, member, method, psd, value
from declarative.elaborate.embedded.symbols import const, dim, index_data, learn, param, var
from declarative.elaborate.familiar import DECLARATIONS, value_hints
from declarative.elaborate.report import closest

STATEMENTS: dict[str, Any] = {
    "chain": chain,
    "const": const,
    "dim": dim,
    "dual": dual,
    "extern": extern,
    "find": find,
    "forall": forall,
    "index_data": index_data,
    "learn": learn,
    "maximize": maximize,
    "member": member,
    "method": method,
    "minimize": minimize,
    "nested": nested,
    "param": param,
    "problem": problem,
    "psd": psd,
    "range": range_of,
    "value": value,
    "var": var,
}


def names() -> tuple[str, ...]:
    """Everything that the embedded language offers by name."""
    return tuple(sorted({*STATEMENTS, *library_names()}))


def lookup(name: str) -> Callable[..., Any] | Any:
    """A declaration, statement or function of the library by its name. Raises AttributeError for an unknown one."""
    if name in STATEMENTS:
        return STATEMENTS[name]
    found = library(name)
    if found is None:
        raise AttributeError(f"declarative has no `{name}`{_hint(name)}")
    return found


SETS = {
    **dict.fromkeys(("soc", "SOC", "second_order_cone", "norm_cone", "SecondOrderCone"), 'dc.member("SOC", t, x)'),
    **dict.fromkeys(("EXP", "ExpCone", "exp_cone", "exponential_cone"), 'dc.member("EXP", x, y, z)'),
    **dict.fromkeys(
        ("POW", "PowCone3D", "PowConeND", "pow_cone", "power_cone"), 'dc.member("POW", x, y, z, args=(a,))'
    ),
    **dict.fromkeys(("simplex", "Simplex"), 'dc.member("Simplex", x)'),
    **dict.fromkeys(("box", "Box"), 'dc.member("Box", x, args=(lo, hi))'),
    **dict.fromkeys(("ball", "Ball"), 'dc.member("Ball", x, args=(r,))'),
}


def _hint(name: str) -> str:
    if name in SETS:
        return f"; it is written `{SETS[name]}`"
    if name in WRITTEN:
        return f"; it is written `{WRITTEN[name][1]}`"
    if advice := value_hints(name, ()):
        return f"; {advice[0]}"
    nearest = RENAMED.get(name) or DECLARATIONS.get(name) or closest(name, names())
    return f"; did you mean `{nearest}`?" if nearest else ""
