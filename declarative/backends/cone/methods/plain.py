"""Programs with rotated second-order cones as ones with plain cones, for solvers that know no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from declarative.backends.cone.linear.matrices import Matrices, Pattern, pattern_of
from declarative.backends.cone.program.item import Items
from declarative.backends.cone.sets.cones import ROOT_HALF, Cones, Kind, turned


def plain(items: Items) -> Items:
    """The same x; s and z are those of `turned_rows`."""
    if not len(items.cones.of_kind(Kind.ROTATED)):
        return items
    known = items.A.pattern.beside.get("plain")
    if known is None or known[0] is not items.cones:
        blocks = (replace(b, kind=Kind.SOC) if b.kind is Kind.ROTATED else b for b in items.cones.blocks)
        made = Cones(tuple(blocks)), *_turn(items.A.pattern, items.cones)
        known = items.A.pattern.beside["plain"] = items.cones, made
    cones, pattern, turn = known[1]
    A = Matrices(pattern, np.ascontiguousarray((turn @ items.A.values.T).T))
    return replace(items, A=A, b=turned_rows(items.cones, items.b), cones=cones)


def turned_rows(cones: Cones, v: np.ndarray) -> np.ndarray:
    """v (..., m), the parts in rotated cones as points of plain ones, and back."""
    found = v.copy()
    for group in cones.groups:
        if group.kind is Kind.ROTATED:
            found[..., group.places] = turned(v[..., group.places])
    return found


def _turn(A: Pattern, cones: Cones) -> tuple[Pattern, sp.csr_array]:
    """The pattern of the turned rows, and the matrix that makes their values of those of A."""
    m, n = A.shape
    turn = sp.lil_array(sp.eye_array(m))
    for group in cones.groups:
        if group.kind is Kind.ROTATED:
            u, v = group.places[:, 0], group.places[:, 1]
            turn[u, u] = turn[u, v] = turn[v, u] = ROOT_HALF
            turn[v, v] = -ROOT_HALF
    turn = sp.csc_array(turn)
    many = np.diff(turn.indptr)[A.rows]
    of = np.repeat(np.arange(len(A.rows)), many)
    at = turn.indptr[A.rows][of] + np.arange(len(of)) - np.repeat(np.cumsum(many) - many, many)
    pattern = pattern_of(np.stack([turn.indices[at], A.columns[of]]), (m, n))
    place = np.empty(len(of), dtype=np.int64)
    place[pattern.source] = np.repeat(np.arange(len(pattern.starts)), np.diff([*pattern.starts, len(of)]))
    return pattern, sp.csr_array((turn.data[at], (place, of)), shape=(len(pattern.starts), len(A.rows)))
