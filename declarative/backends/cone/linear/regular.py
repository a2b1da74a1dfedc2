"""A regular quasidefinite matrix of a sparse pattern, factored in one compiled step after a small shift.

The order of elimination and the pattern of the factors are found once for a pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import qdldl
import scipy.sparse as sp

from declarative.backends.cone.linear.elimination import elimination
from declarative.backends.cone.linear.ldl import refined, regular_factors


@dataclass(frozen=True, eq=False)
class Ordered:
    """An upper triangle in the order of elimination, column by column; `source` are its places in the order given."""

    order: np.ndarray
    place: np.ndarray  # of each row
    starts: np.ndarray
    rows: np.ndarray
    source: np.ndarray
    parent: np.ndarray
    begin: np.ndarray
    sample: np.ndarray


def ordered(starts: np.ndarray, rows: np.ndarray, signs: np.ndarray) -> Ordered:
    """An order of minimum degree, as QDLDL finds it, for an upper triangle with its diagonal."""
    size = len(signs)
    columns = np.repeat(np.arange(size), np.diff(starts))
    values = np.where(rows == columns, signs[columns], 0.0)
    order = qdldl.Solver(sp.csc_matrix((values, rows, starts), shape=(size, size)), upper=True).factors()[2]
    place = np.empty(size, dtype=np.int64)
    place[order] = np.arange(size)
    low, high = np.minimum(place[rows], place[columns]), np.maximum(place[rows], place[columns])
    source = np.lexsort((low, high))
    begins = np.concatenate([[0], np.cumsum(np.bincount(high, minlength=size))])
    own = low[source].astype(np.int32)
    sample = np.random.default_rng(0).standard_normal(size)
    return Ordered(order, place, begins, own, source, *elimination(begins, own), sample)


@dataclass(frozen=True, eq=False)
class Regular:
    """A matrix without its empty rows and columns, for vectors in which some of these still have a place.

    `own` (k,) are the places of their entries in the order of elimination, `kept` (k,) tells which rows are not empty.
    """

    ordered: Ordered
    values: np.ndarray
    scale: np.ndarray
    factors: tuple[np.ndarray, np.ndarray, np.ndarray]
    own: np.ndarray
    kept: np.ndarray
    least: float  # 1 / |B^-1| of the balanced matrix B
    singular: bool = False

    def solve(self, right: np.ndarray) -> np.ndarray:
        """K^-1 right (k,), refined."""
        o = self.ordered
        whole = np.zeros(len(o.order))
        whole[self.own] = np.where(self.kept, right, 0.0)
        found, work = np.empty_like(whole), np.empty(3 * len(whole))
        refined(o.starts, o.rows, self.values, self.scale, o.begin, *self.factors, whole, found, work)
        return found[self.own]

    def largest(self, right: np.ndarray) -> float:
        """About the most that an entry of K^-1 right can be."""
        if not self.kept.any():
            return 0.0
        balance = self.scale[self.own[self.kept]]
        return float(balance.max() * np.abs(balance * right[self.kept]).max() / self.least)

    def null_sample(self, count: int = 8) -> np.ndarray:
        """Up to `count` directions (k, l) that K maps to zero: of empty rows."""
        zero = np.flatnonzero(~self.kept)[:count]
        units = np.zeros((len(self.kept), len(zero)))
        units[zero, np.arange(len(zero))] = 1.0
        return units

    @cached_property
    def K(self) -> sp.csc_array:
        size = len(self.ordered.order)
        upper = sp.csc_array((self.values, self.ordered.rows, self.ordered.starts), shape=(size, size))
        own = self.own[self.kept]
        return sp.csc_array((upper + sp.triu(upper, 1).T)[own][:, own])


def regular_matrix(
    known: Ordered,
    values: np.ndarray,
    signs: np.ndarray,
    own: np.ndarray,
    shifts: np.ndarray,
    most: float,
    exact: float,
) -> Regular | None:
    """`values` in the order that `known` was given; None where it is singular, or refinement finds no solution."""
    o, values = known, values[known.source]
    n, entries = len(signs), o.begin[-1]
    scale, filled, inverse, work = np.empty(n), np.empty(n, dtype=bool), np.empty(n), np.empty(5 * n)
    Li, Lx, B, nodes = np.empty(entries, np.int32), np.empty(entries), np.empty_like(values), np.empty(4 * n, np.int64)
    data = o.starts, o.rows, values, signs[o.order], o.parent, o.begin, shifts, most, o.sample, exact
    number, least = regular_factors(*data, scale, filled, Li, Lx, inverse, B, work, nodes)
    if number == len(shifts):
        return None
    places = o.place[own]
    return Regular(o, values, scale, (Li, Lx, inverse), places, filled[places], least)
