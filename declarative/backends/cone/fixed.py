"""Chunks of rows, of which some equations fix unknowns to 0 -> chunks without these, and how their duals come back.

The coefficients are those of all unknowns. Of the columns of P and A that are left out, and of q's entries there, the
derivative of the Lagrangian at a solution is made: q + Px + A'z.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.rows.chunks import Chunk, DualPlaces
from declarative.backends.cone.rows.coefficients import Differentiated
from declarative.backends.cone.rows.extract import Extracted
from declarative.backends.cone.sets.cones import Block, Kind, psd_side, triangle
from declarative.backends.fixed import Family, Fixed, every, fixed_unknowns
from declarative.backends.layout import Layout
from declarative.backends.tape.tape import Gather
from declarative.backends.tape.vectorise import Vectoriser
from declarative.rewrite.standard import Row


def fixed_in_chunks(
    vectoriser: Vectoriser,
    chunks: Sequence[Chunk],
    layout: Layout,
    constants: Mapping[str, np.ndarray],
    added: set[str],
) -> Fixed | None:
    """What can go; variables that rewrites have added stay, and all where derivatives are found at the solution.

    So does what a cone with an interior needs: the diagonal of a semidefinite matrix, the bound of a norm.
    """
    if any(chunk.form is not None for chunk in chunks):
        return None
    families = [_family(chunk, chunk.owner) for chunk in chunks if isinstance(chunk.owner, Row)]
    families += [head for chunk in chunks for head in _heads(chunk, vectoriser)]
    return fixed_unknowns(vectoriser, layout, families, constants, every(layout, added))


def _family(chunk: Chunk, row: Row) -> Family:
    (slot,) = chunk.slots
    return Family(slot, chunk.count, row.equality, row.open_domain, row.weight is None)


def _heads(chunk: Chunk, vectoriser: Vectoriser) -> Iterator[Family]:
    """The entries of a chunk's expressions in rows that are above 0 inside of their cone."""
    A, first, heads = chunk.pattern.A, 0, []
    for block in chunk.pattern.blocks:
        heads.append(first + _above_zero(block))
        first += block.rows
    columns = np.unique(A.columns[np.isin(A.rows, np.concatenate([np.zeros(0, dtype=np.int64), *heads]))])
    ends = np.cumsum(chunk.pattern.sizes)
    for slot, size, end in zip(chunk.slots, chunk.pattern.sizes, ends, strict=True):
        own = columns[(columns >= end - size) & (columns < end)] - (end - size)
        if len(own):
            places = (np.arange(chunk.count)[:, None] * size + own).reshape(-1)
            yield Family(vectoriser.emit(Gather(slot, places)), len(places), False, removable=False, needed=True)


def _above_zero(block: Block) -> np.ndarray:
    """The rows of a cone with which it has no interior where they are 0."""
    match block.kind:
        case Kind.SOC:
            return np.array([0])
        case Kind.ROTATED | Kind.POWER:
            return np.array([0, 1])
        case Kind.EXP:
            return np.array([1, 2])
        case Kind.PSD:
            row, column, _ = triangle(psd_side(block.rows))
            return np.flatnonzero(row == column)
        case _:
            return np.zeros(0, dtype=np.int64)


def without(fixed: Fixed, chunks: Sequence[Chunk], vectoriser: Vectoriser) -> tuple[list[Chunk], list[Chunk]]:
    """The chunks with the rows that stay, and those of the rows that fix unknowns."""
    found, left = [], []
    parts = iter(zip(fixed.kept, fixed.fixing, strict=True))  # those of rows come first
    for chunk in chunks:
        if not isinstance(chunk.owner, Row):
            found.append(chunk)
            continue
        kept, fixing = next(parts)
        found.append(chunk if len(kept) == chunk.count else _some(chunk, kept, vectoriser))
        left.append(_some(chunk, fixing.rows, vectoriser))
    return found, left


def _some(chunk: Chunk, rows: np.ndarray, vectoriser: Vectoriser) -> Chunk:
    (slot,), dual = chunk.slots, chunk.dual
    assert dual is not None
    number = np.full(chunk.count, -1)
    number[rows] = np.arange(len(rows))
    own = np.flatnonzero(number[dual.rows] >= 0)
    dual = DualPlaces(dual.shape, number[dual.rows[own]], dual.places[own], dual.weights[own])
    return replace(chunk, count=len(rows), slots=(vectoriser.emit(Gather(slot, rows)),), dual=dual)


@dataclass(frozen=True)
class Divided:
    """The coefficients of all unknowns, those that are fixed after the `kept` others -> the coefficients of these.

    Places (2, k) are as in `Extracted`. Row k of those that fix an unknown has the multiplier `shares[k]` times the
    derivative of the Lagrangian with respect to the fixed unknown `of[k]`. `many`: other multipliers serve as well.
    """

    whole: Extracted | Differentiated
    kept: int
    fixed: int
    of: np.ndarray
    shares: np.ndarray
    many: bool

    def __post_init__(self):
        # Made now: a tensor made inside a transform of torch.func does not outlive it.
        _ = self._stay, self._products

    @property
    def lifted(self) -> int:
        return self.whole.lifted

    @cached_property
    def P_at(self) -> np.ndarray:
        return self._renumbered(self.whole.P_at[:, ~self._is_fixed(self.whole.P_at).any(0)])

    @cached_property
    def A_at(self) -> np.ndarray:
        rows, columns = self.whole.A_at[:, ~self._is_fixed(self.whole.A_at[1])]
        return np.stack([rows, self._renumbered(columns)])

    def _is_fixed(self, columns: np.ndarray) -> np.ndarray:
        return (columns >= self.kept) & (columns < self.kept + self.fixed)

    def _renumbered(self, columns: np.ndarray) -> np.ndarray:
        return np.where(columns < self.kept, columns, columns - self.fixed)

    @cached_property
    def _stay(self) -> tuple[Tensor, Tensor]:
        """Which of P's and of A's values are those of unknowns that are kept."""
        P, A = self._is_fixed(self.whole.P_at).any(0), self._is_fixed(self.whole.A_at[1])
        return torch.from_numpy(np.flatnonzero(~P)), torch.from_numpy(np.flatnonzero(~A))

    def read(self, inputs: Mapping[str, Tensor], x: Tensor | None = None) -> tuple[Tensor, ...]:
        P, q, A, b, offset = self.whole.read(inputs, x)
        of_P, of_A = self._stay
        q = torch.cat([q[:, : self.kept], q[:, self.kept + self.fixed :]], 1)
        return P.index_select(1, of_P), q, A.index_select(1, of_A), b, offset

    def multipliers(self, inputs: Mapping[str, Tensor], x: Tensor, z: Tensor) -> Tensor:
        """(B, rows that fix unknowns), of x (B, columns) and z (B, rows); of P counts the symmetric part."""
        P, q, A, _, _ = self.whole.read(inputs)
        slope = q[:, self.kept : self.kept + self.fixed].expand(len(x), -1)
        for values, by, (own, of, read) in zip((P / 2, P / 2, A), (x, x, z), self._products, strict=True):
            slope = slope.index_add(1, of, values.index_select(1, own) * by.index_select(1, read))
        return slope.index_select(1, torch.from_numpy(self.of)) * torch.from_numpy(self.shares).to(slope)

    @cached_property
    def _products(self) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
        """Of P by rows and by columns, and of A: which values count, for which fixed unknown, times which x or z."""
        (i, j), (row, column) = self.whole.P_at, self.whole.A_at
        return (
            self._of(i, self._renumbered(j), self._is_fixed(i) & ~self._is_fixed(j)),
            self._of(j, self._renumbered(i), self._is_fixed(j) & ~self._is_fixed(i)),
            self._of(column, row, self._is_fixed(column)),
        )

    def _of(self, fixed: np.ndarray, read: np.ndarray, counts: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        own = np.flatnonzero(counts)
        return torch.from_numpy(own), torch.from_numpy(fixed[own] - self.kept), torch.from_numpy(read[own])


def divided(whole: Extracted | Differentiated, fixed: Fixed) -> Divided:
    """`whole` has the fixed unknowns last."""
    of = np.concatenate([fixing.of for fixing in fixed.fixing])
    shares = np.concatenate([fixing.shares for fixing in fixed.fixing])
    return Divided(whole, len(fixed.unknowns) - fixed.count, fixed.count, of, shares, fixed.many)
