"""What is said of data that are no array of real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor


def unreadable(name: str, value: Any) -> str:
    """Of nested lists whose rows differ in length, by how much; of all else what data are."""
    if lengths := _lengths(value):
        return (
            f"the rows of `{name}` differ in length: they have {lengths[0]} and {lengths[1]} entries, in {value!r:.60}"
        )
    return f"`{name}` must be a tensor, an array or numbers, not {value!r:.60}"


def _lengths(value: Any) -> tuple[int, int] | None:
    """The first two lengths that differ among rows of one list."""
    if not isinstance(value, list | tuple):
        return None
    rows = [
        row for row in value if isinstance(row, list | tuple) or (isinstance(row, Tensor | np.ndarray) and row.ndim)
    ]
    if len(rows) < len(value):
        return None
    other = next((len(row) for row in rows if len(row) != len(rows[0])), None)
    return (len(rows[0]), other) if other is not None else next(filter(None, map(_lengths, rows)), None)
