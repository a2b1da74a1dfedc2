"""The programs that a cone program consists of: sets of columns and rows that share no entry and no cone.

Each is solved by itself, whatever stands in the others. So each has a size of its own, and terms of one say nothing
about what is rounding in another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.program.item import Items


@dataclass(frozen=True)
class Components:
    """The numbers of the component that each column (B, n) and each row (B, m) belongs to; (1, ...) where all agree.

    An item has at most `count` of them.
    """

    columns: np.ndarray
    rows: np.ndarray
    count: int

    def of_columns(self, operation: np.ufunc, entries: np.ndarray) -> np.ndarray:
        """Sums, or maxima of entries >= 0, (B, n) to (B, count); 0 where a component has no columns."""
        return self._reduced(operation, self.columns, entries)

    def of_rows(self, operation: np.ufunc, entries: np.ndarray) -> np.ndarray:
        """(B, m) to (B, count)."""
        return self._reduced(operation, self.rows, entries)

    def to_columns(self, values: np.ndarray) -> np.ndarray:
        """(B, count) to (B, n): what each column's component has."""
        return values[np.arange(len(values))[:, None], self.columns]

    def to_rows(self, values: np.ndarray) -> np.ndarray:
        """(B, count) to (B, m)."""
        return values[np.arange(len(values))[:, None], self.rows]

    def _reduced(self, operation: np.ufunc, numbers: np.ndarray, entries: np.ndarray) -> np.ndarray:
        from declarative.backends.cone.linear.joined import largest, summed

        found = np.zeros((len(entries), self.count))
        reduce = {np.add: summed, np.maximum: largest}[operation]
        reduce(numbers, np.ascontiguousarray(entries, float), found)
        return found


def components(items: Items) -> Components:
    """By the entries that an item has, whatever others have. Where none is 0, the pattern keeps them."""
    if not (items.P.values.all() and items.A.values.all()):
        return _components(items)
    beside, P = items.A.pattern.beside, items.P.pattern
    known = beside.get("components")
    if known is None or known[0] is not P or known[1] is not items.cones:
        known = beside["components"] = P, items.cones, _components(items.some(np.arange(min(1, len(items)))))
    return known[2]


def _components(items: Items) -> Components:
    from declarative.backends.cone.linear.joined import joined

    (B, n), m, A, P, cone = items.q.shape, items.b.shape[1], items.A, items.P, items.cones.atomic
    columns, rows = np.empty((B, n), dtype=np.int64), np.empty((B, m), dtype=np.int64)
    work = np.empty((2, n + items.cones.count), dtype=np.int64)
    entries = A.pattern.rows, *A.by_row[1:]
    others = P.pattern.rows, *P.by_row[1:]
    return Components(columns, rows, joined(cone, *entries, *others, columns, rows, work))
