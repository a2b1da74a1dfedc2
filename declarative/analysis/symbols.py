"""Declared attributes to facts of a symbol: its sign, and the sign of its quadratic form."""

from __future__ import annotations

from collections.abc import Callable

from declarative.atoms.record import Facts
from declarative.ir.expr import Attribute, Expr, Parameter, Variable
from declarative.ir.facts import Curvature, Sign, Smoothness

SIGNS = {"nonneg": Sign.NONNEG, "pos": Sign.POS, "simplex": Sign.NONNEG, "binary": Sign.NONNEG}
FORMS = {"psd": Sign.NONNEG, "pd": Sign.POS}


def symbol_facts(symbol: Parameter | Variable, sign_of: Callable[[Expr], Sign]) -> Facts:
    """What the declaration promises. `sign_of` tells the sign of the expressions in `between`."""
    sign = Sign.NONNEG if isinstance(symbol, Parameter) and symbol.index_range is not None else Sign.ANY
    form = Sign.ANY
    for attribute in symbol.attributes:
        sign &= SIGNS.get(attribute.name, Sign.ANY)
        form &= FORMS.get(attribute.name, Sign.ANY)
        if attribute.name == "between":
            sign &= _between(attribute, sign_of)
    unknown = isinstance(symbol, Variable)
    curvature = Curvature.AFFINE if unknown else Curvature.CONSTANT
    return Facts(symbol.shape, sign or Sign.ANY, curvature, int(unknown), Smoothness.SMOOTH, form)


def _between(attribute: Attribute, sign_of: Callable[[Expr], Sign]) -> Sign:
    lo, hi = (sign_of(bound) for bound in attribute.args)
    above = Sign.POS if lo in Sign.POS else Sign.NONNEG if lo.nonneg else Sign.ANY
    below = Sign.NEG if hi in Sign.NEG else Sign.NONPOS if hi.nonpos else Sign.ANY
    return above & below
