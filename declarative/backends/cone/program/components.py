"""The programs that a cone program consists of: sets of columns and rows that share no entry and no cone.

Each is solved by itself, whatever stands in the others. So each has a size of its own, and terms of one say nothing
about what is rounding in another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from declarative.backends.cone.linear.matrices import Segments, segments
from declarative.backends.cone.program.item import Items


@dataclass(frozen=True)
class Components:
    """The numbers of the component that each column (n,) and each row (m,) belongs to, and each entry of P."""

    columns: np.ndarray
    rows: np.ndarray
    by_column: Segments
    by_row: Segments
    by_entry: Segments

    def of_columns(self, operation: np.ufunc, entries: np.ndarray) -> np.ndarray:
        """(B, n) to (B, count); 0 where a component has no columns."""
        return self.by_column.reduce(operation, entries)

    def of_rows(self, operation: np.ufunc, entries: np.ndarray) -> np.ndarray:
        """(B, m) to (B, count)."""
        return self.by_row.reduce(operation, entries)

    def of_entries(self, operation: np.ufunc, values: np.ndarray) -> np.ndarray:
        """Of entries of P, in the order of its pattern, to (B, count)."""
        return self.by_entry.reduce(operation, values)


def components(items: Items) -> Components:
    """By the places of their entries, whether some of these are 0 in an item or not."""
    beside, P = items.A.pattern.beside, items.P.pattern
    known = beside.get("components")
    if known is None or known[0] is not P or known[1] is not items.cones:
        known = beside["components"] = P, items.cones, _components(items)
    return known[2]


def _components(items: Items) -> Components:
    """Nodes are columns, then cones."""
    n, A, P, cones = items.q.shape[1], items.A.pattern, items.P.pattern, items.cones.atomic
    size = n + int(cones.max(initial=-1)) + 1
    ends = np.concatenate([A.columns, P.columns]), np.concatenate([n + cones[A.rows], P.rows])
    graph = sp.coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(size, size))
    count, numbers = connected_components(graph, directed=False)
    columns, rows = numbers[:n], numbers[n:][cones]
    sets = (columns, rows, columns[P.columns])
    return Components(columns, rows, *(segments(own, count) for own in sets))
