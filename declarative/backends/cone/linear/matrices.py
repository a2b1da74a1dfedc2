"""Sparse matrices of one pattern, a batch of them at once: products, largest entries, scaling, and single ones."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

Rows: TypeAlias = Any  # an array, or a csr_array where that is large and thin


@dataclass(frozen=True)
class Segments:
    """Entries (l,) in order of the row (or column) that they belong to."""

    order: np.ndarray | slice
    starts: np.ndarray  # where the rows that have entries begin
    kept: np.ndarray  # these rows
    size: int

    def reduce(self, operation: np.ufunc, entries: np.ndarray) -> np.ndarray:
        """(B, l) to (B, size); 0 where a row has no entries."""
        found = np.zeros((len(entries), self.size))
        if len(self.kept):
            found[:, self.kept] = operation.reduceat(entries[:, self.order], self.starts, axis=1)
        return found


def segments(numbers: np.ndarray, size: int) -> Segments:
    """`numbers` (l,) are the rows of the entries."""
    sorted_already = bool((np.diff(numbers) >= 0).all())
    order = slice(None) if sorted_already else np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    return Segments(order, starts, numbers[order][starts], size)


@dataclass(frozen=True, eq=False)
class Pattern:
    """Distinct places (l,) in matrices of shape (m, n), row by row. `source` and `starts` merge values given twice.

    `beside` keeps what others have worked out for it.
    """

    shape: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray
    source: np.ndarray
    starts: np.ndarray
    beside: dict[Any, Any] = field(default_factory=dict, repr=False)

    def matrices(self, values: np.ndarray) -> Matrices:
        """From values (B, k) in the order of the places that the pattern was made of."""
        values = values[:, self.source]
        if len(self.starts) < len(self.source):
            values = np.add.reduceat(values, self.starts, axis=1)
        return Matrices(self, np.ascontiguousarray(values))

    @cached_property
    def by_row(self) -> Segments:
        return segments(self.rows, self.shape[0])

    @cached_property
    def by_column(self) -> Segments:
        return segments(self.columns, self.shape[1])

    @cached_property
    def diagonal(self) -> np.ndarray:
        return np.flatnonzero(self.rows == self.columns)

    @cached_property
    def by_column_compressed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The order of the values column by column, their rows, and where the columns begin."""
        return self._compressed(np.lexsort((self.rows, self.columns)))

    @cached_property
    def upper_by_column(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same for the entries on and above the diagonal."""
        order = self.by_column_compressed[0]
        return self._compressed(order[self.rows[order] <= self.columns[order]])

    def _compressed(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ends = np.cumsum(np.bincount(self.columns[order], minlength=self.shape[1]))
        return order, self.rows[order].astype(np.int32), np.concatenate([[0], ends]).astype(np.int32)

    @cached_property
    def row_starts(self) -> np.ndarray:
        """Where the entries of each row begin, and where the last ones end."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.rows, minlength=self.shape[0]))])

    @cached_property
    def without_values(self) -> sp.csr_array:
        """One matrix, by rows."""
        columns, starts = self.columns.astype(np.int32), self.row_starts.astype(np.int32)
        return sp.csr_array((np.zeros(len(columns)), columns, starts), shape=self.shape)


def with_values(matrix: Rows, values: np.ndarray) -> Rows:
    """Other values at the places of a sparse matrix; its constructor would check the places again."""
    found = copy(matrix)
    found.data = values
    return found


def pattern_of(places: np.ndarray, shape: tuple[int, int]) -> Pattern:
    """Of the places (2, k); values for the same place add up."""
    flat = places[0] * shape[1] + places[1]
    source = np.argsort(flat, kind="stable")
    starts = np.flatnonzero(np.diff(flat[source], prepend=-1))
    # In one order in memory, and of one type: for each the compiled code would be made again.
    rows, columns = np.ascontiguousarray(places[:, source[starts]], dtype=np.int64)
    return Pattern(shape, rows, columns, source, starts)


@dataclass(frozen=True, eq=False)
class Matrices:
    """`values` (B, l) at the places of the pattern."""

    pattern: Pattern
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def by_row(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the rows begin, the columns of their entries (l,) and these (B, l): what compiled functions take."""
        return self.pattern.row_starts, self.pattern.columns, np.ascontiguousarray(self.values)

    def times(self, x: np.ndarray) -> np.ndarray:
        """(B, n) to (B, m)."""
        from declarative.backends.cone.linear.products import by_rows

        return by_rows(*self.by_row, np.ascontiguousarray(x))

    def transposed_times(self, z: np.ndarray) -> np.ndarray:
        """(B, m) to (B, n)."""
        from declarative.backends.cone.linear.products import by_columns

        return by_columns(*self.by_row, np.ascontiguousarray(z), self.pattern.shape[1])

    def scaled(self, rows: np.ndarray, columns: np.ndarray) -> Matrices:
        """diag(rows) M diag(columns), for (B, m) and (B, n)."""
        from declarative.backends.cone.linear.products import scaled

        p, scales = self.pattern, (np.ascontiguousarray(own, float) for own in (rows, columns))
        return Matrices(p, scaled(p.rows, p.columns, np.ascontiguousarray(self.values), *scales))

    def largest_by_row(self, columns: np.ndarray) -> np.ndarray:
        """The largest |M| diag(columns) of each row, (B, m), for columns (B, n) >= 0."""
        from declarative.backends.cone.linear.products import largest_by_rows

        return largest_by_rows(*self.by_row, np.ascontiguousarray(columns, float))

    def largest_by_column(self, rows: np.ndarray) -> np.ndarray:
        from declarative.backends.cone.linear.products import largest_by_columns

        return largest_by_columns(*self.by_row, np.ascontiguousarray(rows, float), self.pattern.shape[1])

    def some(self, items: np.ndarray) -> Matrices:
        return Matrices(self.pattern, self.values[items])

    def without_zeros(self) -> Matrices:
        """Without entries that are 0 in every item; the same where there are none."""
        used, p = self.values.any(axis=0), self.pattern
        if used.all():
            return self
        return pattern_of(np.stack([p.rows, p.columns])[:, used], p.shape).matrices(self.values[:, used])

    def one(self, item: int, sparse: bool) -> Rows:
        """An array, in memory by columns, or a sparse matrix by rows."""
        p = self.pattern
        if sparse:
            return with_values(p.without_values, self.values[item])
        found = np.zeros(p.shape, order="F")
        found[p.rows, p.columns] = self.values[item]
        return found
