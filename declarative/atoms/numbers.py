"""A function of numbers alone, as `exp(-3)`, to its number: by its record's formula, over Python's own floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.ir.expr import Call

_MATH = SimpleNamespace(
    **{name: getattr(math, name) for name in ("exp", "exp2", "expm1", "log", "log10", "log1p", "sqrt", "pow")},
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: getattr(math, name) for name in ("erf", "lgamma")},
    abs=abs,
    maximum=max,
    minimum=min,
    where=lambda condition, value, other: value if condition else other,
)


def number_of(node: Call, args: Sequence[float]) -> float | None:
    """The value at scalar arguments: infinite where no float is as large, NaN where the function is not defined.

    None where the formula is one of arrays, or holds a size.
    """
    record, options = find(node.atom), dict(node.options)
    if record is None or not record.elementwise or not all(isinstance(value, float) for value in options.values()):
        return None
    try:
        return record.torch(_MATH, Form(((),) * len(args), (), options), *args)
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan
    except AttributeError:  # a method of arrays
        return None
