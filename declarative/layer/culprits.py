"""What in the data of one item breaks a promise, in words: an entry, an eigenvalue, a sum, with its number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from declarative.ir.expr import Attribute, Parameter

FEWEST, EXACT = 6, 17  # digits: of a number in a message, and those that tell any two numbers of float64 apart


def culprit(attribute: Attribute, symbol: Parameter, value: Tensor) -> str:
    """Of the value (*shape) of one item, which breaks the attribute: "`a[0]` is -1"."""
    match attribute.name:
        case "nonneg" | "pos":
            return _entry(symbol.name, value, _place(-value))
        case "binary":
            place = _place((value * (value - 1)).abs())
            return _entry(symbol.name, value, place, value[tuple(place)].round())
        case "between":
            lo, hi = (float(getattr(a, "value", 0)) for a in attribute.args)
            place = _place(torch.maximum(lo - value, value - hi))
            return _entry(symbol.name, value, place, value[tuple(place)].clamp(lo, hi))
        case "simplex" if bool((value < 0).any()):
            return _entry(symbol.name, value, _place(-value))
        case "simplex":
            return _of_member("the sum", symbol, value.flatten(symbol.family).sum(-1), 1.0)
        case "unit":
            return _of_member("the length", symbol, value.flatten(symbol.family).norm(dim=-1), 1.0)
        case "orthonormal":
            gram = value.mT @ value
            eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
            *family, i, j = _place((gram - eye).abs())
            number = _number(gram[(*family, i, j)], eye[i, j])
            return f"the product of columns {i} and {j}{_of(symbol, family)} is {number}"
        case _:
            return _of_member("the least", symbol, torch.linalg.eigvalsh(value).amin(-1), torch.inf)


def asymmetric(symbol: Parameter, value: Tensor) -> str:
    """Of S^n data: the two entries that differ most."""
    *lead, i, j = _place((value - value.mT).abs())
    one, other = [*lead, i, j], [*lead, j, i]
    told = (_entry(symbol.name, value, a, value[tuple(b)]) for a, b in ((one, other), (other, one)))
    return " and ".join(told)


def _place(badness: Tensor) -> list[int]:
    """The index of the worst entry."""
    return [int(k) for k in np.unravel_index(int(badness.argmax()), badness.shape)] if badness.dim() else []


def _entry(name: str, value: Tensor, place: Sequence[int], right: Tensor | None = None) -> str:
    where = f"[{', '.join(map(str, place))}]" if place else ""
    return f"`{name}{where}` is {_number(value[tuple(place)], right)}"


def _of_member(what: str, symbol: Parameter, figures: Tensor, right: float) -> str:
    """Of a family, the figure that is furthest from what it should be (below it, for infinity)."""
    place = _place((figures - right).abs() if np.isfinite(right) else -figures)
    return f"{what}{_of(symbol, place)} is {_number(figures[tuple(place)], figures.new_tensor(right))}"


def _of(symbol: Parameter, place: Sequence[int]) -> str:
    return f" of `{symbol.name}[{', '.join(map(str, place))}]`" if place else ""


def _number(value: Tensor, right: Tensor | None = None) -> str:
    return apart(value.item(), value.item() if right is None else right.item())


def apart(number: float, other: float) -> str:
    """The number, with as many digits, six or more, as show that it is not the other one."""
    texts = [(f"{number:.{digits}g}", f"{other:.{digits}g}") for digits in range(FEWEST, EXACT + 1)]
    return next((text for text, beside in texts if text != beside), texts[0][0])
