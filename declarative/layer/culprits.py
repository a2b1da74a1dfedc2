"""What in the data of one item breaks a promise, in words: an entry, an eigenvalue, a sum, with its number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from declarative.ir.expr import Attribute, Parameter


def culprit(attribute: Attribute, symbol: Parameter, value: Tensor) -> str:
    """Of the value (*shape) of one item, which breaks the attribute: "`a[0]` is -1"."""
    match attribute.name:
        case "nonneg" | "pos":
            return _entry(symbol.name, value, _place(-value))
        case "binary":
            return _entry(symbol.name, value, _place((value * (value - 1)).abs()))
        case "between":
            lo, hi = (float(getattr(a, "value", 0)) for a in attribute.args)
            return _entry(symbol.name, value, _place(torch.maximum(lo - value, value - hi)))
        case "simplex" if bool((value < 0).any()):
            return _entry(symbol.name, value, _place(-value))
        case "simplex":
            return _of_member("the sum", symbol, value.flatten(symbol.family).sum(-1), 1.0)
        case "unit":
            return _of_member("the length", symbol, value.flatten(symbol.family).norm(dim=-1), 1.0)
        case "orthonormal":
            gram = value.mT @ value
            place = _place((gram - torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)).abs())
            columns = " and ".join(map(str, place[-2:]))
            return f"the product of columns {columns}{_of(symbol, place[:-2])} is {_number(gram[tuple(place)])}"
        case _:
            return _of_member("the least", symbol, torch.linalg.eigvalsh(value).amin(-1), torch.inf)


def asymmetric(symbol: Parameter, value: Tensor) -> str:
    """Of S^n data: the two entries that differ most."""
    *lead, i, j = _place((value - value.mT).abs())
    return f"{_entry(symbol.name, value, [*lead, i, j])} and {_entry(symbol.name, value, [*lead, j, i])}"


def _place(badness: Tensor) -> list[int]:
    """The index of the worst entry."""
    return [int(k) for k in np.unravel_index(int(badness.argmax()), badness.shape)] if badness.dim() else []


def _entry(name: str, value: Tensor, place: Sequence[int]) -> str:
    where = f"[{', '.join(map(str, place))}]" if place else ""
    return f"`{name}{where}` is {_number(value[tuple(place)])}"


def _of_member(what: str, symbol: Parameter, figures: Tensor, right: float) -> str:
    """Of a family, the figure that is furthest from what it should be (below it, for infinity)."""
    place = _place((figures - right).abs() if np.isfinite(right) else -figures)
    return f"{what}{_of(symbol, place)} is {_number(figures[tuple(place)])}"


def _of(symbol: Parameter, place: Sequence[int]) -> str:
    return f" of `{symbol.name}[{', '.join(map(str, place))}]`" if place else ""


def _number(value: Tensor) -> str:
    return f"{value.item():.6g}"
