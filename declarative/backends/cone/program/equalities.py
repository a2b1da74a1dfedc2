"""Equalities that depend on each other: which of them follow from others, and the least multipliers that they have.

Flow conservation and the marginals of a transport plan are such: the rows of one side add up to those of the other.
What follows from others, and holds where they do, needs no place in a linear system, which is regular without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpstrf  # pyright: ignore[reportAttributeAccessIssue]
from scipy.sparse.linalg import SuperLU, splu

from declarative.backends.cone.linear.matrices import Rows
from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.sets.cones import Kind

CLOSE = 1e-10  # the squared distance, at most, of a row of length one from others where it may depend on them
RANK = 1e-10  # of its terms, is left at most of a row that depends on others
EXACT = 1e-13  # the same for rows, and right sides, that follow from others
ROUNDING = 1e-6  # a contradiction this small, relative to the largest right side, is data rounded to single precision
REFINEMENTS = 3
SHIFT = 1e-13  # of products of sparse rows, which have factors then
DENSE = 500  # rows: the factors of so many are full
KNOWN = 8  # sets of equal rows, at most, are remembered for the next call
BESIDE = "dependences of equalities"

Solve = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Dependence:
    """Of equalities (p, n): the rows `left` (k,) are `weights` (k, r) times the rows `kept` (r,), `exact` or nearly.

    Those that are kept are independent. Rows of zeros are neither.
    """

    size: int
    kept: np.ndarray
    left: np.ndarray
    weights: np.ndarray
    exact: bool

    @cached_property
    def _null(self) -> np.ndarray:
        """(p, k): orthonormal combinations of rows that vanish."""
        found = np.zeros((self.size, len(self.left)))
        found[self.left, np.arange(len(self.left))] = 1.0
        found[self.kept] = -self.weights.T
        return np.linalg.qr(found)[0]

    def part(self, z: np.ndarray) -> np.ndarray:
        """The part of z (p,) in what the rows times some x can be."""
        return z - self._null @ (self._null.T @ z)

    def follow(self, b: np.ndarray) -> bool:
        """Do the rows that are left hold, with these right sides (p,), wherever those that are kept do?"""
        off = np.abs(b[self.left] - self.weights @ b[self.kept])
        terms = np.abs(b[self.left]) + np.abs(self.weights) @ np.abs(b[self.kept])
        return self.exact and bool((off <= EXACT * terms).all())


def dependences(items: Items, wanted: Iterable[int]) -> dict[int, Dependence | None]:
    """Of the equalities of the items `wanted`; None where they are independent. Equal rows have one between them."""
    own = np.zeros(items.cones.rows, dtype=bool)
    own[items.cones.of_kind(Kind.ZERO)] = True
    values, beside = items.A.values[:, own[items.A.pattern.rows]], items.A.pattern.beside
    last, known = beside.get(BESIDE, {}), {}
    found: dict[int, Dependence | None] = {}
    for k in wanted:
        key = values[k].tobytes()
        if key not in known:
            known[key] = last[key] if key in last else dependence(items.one(k).A[items.cones.of_kind(Kind.ZERO)])
        found[k] = known[key]
    if 0 < len(known) <= KNOWN:
        beside[BESIDE] = known
    return found


def dependence(E: Rows) -> Dependence | None:
    """Of rows (p, n). Those near to others are found by Cholesky's factors of E E', and their weights refined on E."""
    size = np.sqrt((E * E).sum(1))
    rows = np.flatnonzero(size > 0)
    if len(rows) < 2:
        return None
    even = sp.csr_array(sp.diags_array(1 / size[rows]) @ E[rows]) if sp.issparse(E) else E[rows] / size[rows, None]
    kept, solve = _independent(even @ even.T)
    left = np.setdiff1d(np.arange(len(rows)), kept)
    if not len(left):
        return None
    base, others, weights = even[kept].T, _array(even[left].T), np.zeros((len(kept), len(left)))
    for _ in range(REFINEMENTS):
        weights = weights + solve(base.T @ (others - base @ weights))
    off = np.abs(others - base @ weights).max(0)
    terms = (np.abs(others) + abs(base) @ np.abs(weights)).max(0)
    near = off <= RANK * terms
    if not near.any():
        return None
    exact = bool((off[near] <= EXACT * terms[near]).all())
    kept, left, weights = rows[kept], rows[left[near]], weights[:, near].T
    return Dependence(len(size), kept, left, size[left, None] * weights / size[kept], exact)


def _independent(products: Rows) -> tuple[np.ndarray, Solve]:
    """Rows that are apart from each other, in some order, and what solves for their products."""
    if products.shape[0] <= DENSE or not sp.issparse(products):
        factors, order, rank, _ = dpstrf(_array(products), tol=CLOSE, lower=1)
        inner = factors[:rank, :rank]
        return order[:rank] - 1, lambda right: cho_solve((inner, True), right)
    distance = _pivots(products)
    kept = np.flatnonzero(distance > CLOSE)
    return kept, _factored(products[kept][:, kept]).solve


def _pivots(products: Rows) -> np.ndarray:
    """The squared distance of each row from those before it, in an order that keeps the factors sparse."""
    factors = _factored(products)
    return factors.U.diagonal()[factors.perm_c]


def _factored(products: Rows) -> SuperLU:
    shifted = sp.csc_array(products + SHIFT * sp.eye_array(products.shape[0]))
    return splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _array(rows: Rows) -> np.ndarray:
    return rows.toarray() if sp.issparse(rows) else rows


def with_implied(items: Items) -> tuple[Items, Items]:
    """The same, where equalities that follow from others are known to; and with right sides that do not contradict
    each other, where these did by no more than rounding."""
    found = {} if _are_heavy(items) else dependences(items, np.flatnonzero(items.finite).tolist())
    items = _marked(items, found)
    return items, _consistent(items, found)


def without_contradictions(items: Items) -> Items:
    """Right sides that contradict each other by no more than rounding, replaced by the nearest that do not."""
    return _consistent(items, dependences(items, range(len(items))))


def _marked(items: Items, found: dict[int, Dependence | None]) -> Items:
    rows, implied = items.cones.of_kind(Kind.ZERO), np.zeros(items.b.shape, dtype=bool)
    for k, own in found.items():
        if own is not None and own.follow(items.b[k, rows]):
            implied[k, rows[own.left]] = True
    return replace(items, implied=implied) if implied.any() else items


def _consistent(items: Items, found: dict[int, Dependence | None]) -> Items:
    rows, b = items.cones.of_kind(Kind.ZERO), items.b.copy()
    for k in found.keys() - items.with_implied:
        nearest = on_span(b[k], found[k], rows)
        if np.abs(nearest - b[k]).max(initial=0.0) <= ROUNDING * np.abs(b[k]).max(initial=0.0):
            b[k] = nearest
    return items if (b == items.b).all() else _marked(replace(items, b=b), found)


def _are_heavy(items: Items) -> bool:
    """Are the products of many rows full? Factors of these take longer than those of the program then."""
    A = items.A.pattern
    equal = np.zeros(A.shape[0], dtype=bool)
    equal[items.cones.of_kind(Kind.ZERO)] = True
    return bool(np.bincount(A.columns[equal[A.rows]], minlength=1).max() > DENSE)


def least_norm(items: Items, points: Point, dependent: set[int]) -> tuple[Point, list[Dependence | None]]:
    """The points with the least multipliers where equalities depend on each other, and how they do.

    Only items that may be `dependent` are asked; None for others.
    """
    found, z, rows = dependences(items, sorted(dependent)), points.z, items.cones.of_kind(Kind.ZERO)
    if any(found.values()):
        z = np.array([on_span(own, found.get(k), rows) for k, own in enumerate(z)])
    return replace(points, z=z), [found.get(k) for k in range(len(items))]


def on_span(z: np.ndarray, span: Dependence | None, item_rows: np.ndarray) -> np.ndarray:
    """The rows `item_rows` of z (m,) projected onto the span: the least multipliers with the same A'z."""
    if span is None:
        return z
    z = z.copy()
    z[item_rows] = span.part(z[item_rows])
    return z
