"""The cone K of a program as a list of blocks of rows, and as groups of equal blocks that numpy handles at once.

Conventions are Clarabel's: a second-order block is (t, x) with |x| <= t; an exponential block is (x, y, z) with
y exp(x/y) <= z; a semidefinite block holds the upper triangle column by column, off-diagonal entries times sqrt(2).
A rotated block, which Clarabel does not have, is (u, v, w) with |w|^2 <= 2 u v and u, v >= 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from math import isqrt

import numpy as np

ROOT_HALF = np.sqrt(0.5)


class Kind(Enum):
    ZERO = "equality"
    NONNEG = "inequality"
    SOC = "second-order cone"
    ROTATED = "rotated second-order cone"
    PSD = "semidefinite cone"
    EXP = "exponential cone"
    POWER = "power cone"

    @property
    def separable(self) -> bool:
        """Is a block of several rows a product of one-dimensional cones?"""
        return self in (Kind.ZERO, Kind.NONNEG)


@dataclass(frozen=True)
class Block:
    """`rows` successive rows in one cone; `power` is alpha of {x^alpha y^(1-alpha) >= |z|}."""

    kind: Kind
    rows: int
    power: float = 0.0


@dataclass(frozen=True)
class Group:
    """Equal cones: `places` (count, d) are their rows, `powers` (count,) their alphas."""

    kind: Kind
    places: np.ndarray
    powers: np.ndarray

    @cached_property
    def parts(self) -> int:
        """How many numbers tell the eigenvectors of the derivative of the projection onto one of them."""
        d = self.places.shape[1]
        match self.kind:
            case Kind.SOC | Kind.ROTATED:
                return d - 1
            case Kind.PSD:
                return psd_side(d) ** 2
            case _:
                return d * d


@dataclass(frozen=True)
class Cones:
    blocks: tuple[Block, ...]

    @cached_property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)

    @cached_property
    def linear(self) -> bool:
        """Is each a half-line or a point?"""
        return all(block.kind.separable for block in self.blocks)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        found: dict[tuple[Kind, int], tuple[list[np.ndarray], list[float]]] = {}
        for start, block in zip(self.starts, self.blocks, strict=True):
            width = 1 if block.kind.separable else block.rows
            places, powers = found.setdefault((block.kind, width), ([], []))
            places.append(np.arange(start, start + block.rows).reshape(-1, width))
            powers.extend([block.power] * (block.rows // width))
        return tuple(
            Group(kind, np.concatenate(places), np.array(powers)) for (kind, _), (places, powers) in found.items()
        )

    @cached_property
    def starts(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum([block.rows for block in self.blocks])])[:-1].astype(np.int64)

    @cached_property
    def parts(self) -> int:
        """How many numbers tell the eigenvectors of the derivative of the projection onto all of them."""
        return sum(len(group.places) * group.parts for group in self.curved)

    @cached_property
    def curved(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if not group.kind.separable)

    @cached_property
    def atomic(self) -> np.ndarray:
        """For each row the number of its indivisible cone: rows with the same number must be scaled alike."""
        number, count = np.empty(self.rows, dtype=np.int64), 0
        for start, block in zip(self.starts, self.blocks, strict=True):
            rows = slice(start, start + block.rows)
            number[rows] = count + (np.arange(block.rows) if block.kind.separable else 0)
            count += block.rows if block.kind.separable else 1
        return number

    @cached_property
    def count(self) -> int:
        """Of indivisible cones."""
        return int(self.atomic.max(initial=-1)) + 1

    @cached_property
    def separable(self) -> np.ndarray:
        """(rows,): is it a cone by itself?"""
        kinds, rows = [block.kind.separable for block in self.blocks], [block.rows for block in self.blocks]
        return np.repeat(np.array(kinds, dtype=bool), np.array(rows, dtype=np.int64))

    @cached_property
    def _cone_starts(self) -> np.ndarray:
        return np.flatnonzero(np.diff(self.atomic, prepend=-1))

    def by_cone(self, operation: np.ufunc, entries: np.ndarray) -> np.ndarray:
        """(B, rows) reduced within each indivisible cone, the result in all of its rows."""
        if not self.rows:
            return entries
        return operation.reduceat(entries, self._cone_starts, axis=1)[:, self.atomic]

    def of_kind(self, kind: Kind) -> np.ndarray:
        """The rows of all blocks of one kind."""
        return self._by_kind.get(kind, np.zeros(0, dtype=np.int64))

    @cached_property
    def _by_kind(self) -> dict[Kind, np.ndarray]:
        found: dict[Kind, list[np.ndarray]] = {}
        for start, block in zip(self.starts, self.blocks, strict=True):
            found.setdefault(block.kind, []).append(np.arange(start, start + block.rows))
        return {kind: np.concatenate(parts) for kind, parts in found.items()}


def turned(v: np.ndarray) -> np.ndarray:
    """Points (..., d) of a rotated second-order cone as ones of the plain cone, and back: a reflection."""
    found = v.copy()
    found[..., 0], found[..., 1] = (v[..., 0] + v[..., 1]) * ROOT_HALF, (v[..., 0] - v[..., 1]) * ROOT_HALF
    return found


def psd_side(rows: int) -> int:
    """The side of the matrix whose triangle has so many entries."""
    return (isqrt(8 * rows + 1) - 1) // 2


@cache
def triangle(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of each entry of the vector form, and its factor (1 on the diagonal, sqrt(2) off it)."""
    column, row = np.tril_indices(side)
    return row, column, np.where(row == column, 1.0, np.sqrt(2.0))


def interior(cones: Cones) -> np.ndarray:
    """A point inside every cone."""
    inside = np.ones(cones.rows)
    for group in cones.groups:
        match group.kind:
            case Kind.SOC:
                inside[group.places] = np.eye(group.places.shape[1])[0]
            case Kind.ROTATED:
                inside[group.places] = np.arange(group.places.shape[1]) < 2
            case Kind.PSD:
                row, column, _ = triangle(psd_side(group.places.shape[1]))
                inside[group.places] = row == column
            case Kind.EXP:
                inside[group.places] = (-1.0, 1.0, 1.0)
            case Kind.POWER:
                inside[group.places] = (1.0, 1.0, 0.0)
            case Kind.ZERO | Kind.NONNEG:
                pass
    return inside
