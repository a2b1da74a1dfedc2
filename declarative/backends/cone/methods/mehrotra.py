"""Large sparse programs without curved cones to rough points, by Mehrotra's predictor-corrector method.

Newton's step for Px + q + A'z = 0, Ax + s = b, s z = mu (Nocedal and Wright, "Numerical Optimization", section 16.6)
solves with [[P, A'], [A, -diag(s/z)]], 0 in place of s/z at equalities. One pattern serves all steps of all items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.linear.quasidefinite import SHIFT, Bordered, Factors, KktPattern
from declarative.backends.cone.methods.interior import Answer, Claim
from declarative.backends.cone.program.item import Item, Point
from declarative.backends.cone.sets.cones import Kind

MOST = 50  # steps
PATIENCE = 6  # so many in a row without a smaller error are the end
REFINED, ROUNDS = 1e-6, 3  # an error of a step, relative, that does no harm; rounds of refinement
USELESS = 1e-2  # an error, relative, of no step at all
SHIFTS = (SHIFT, 1e-6)  # the second where the first leaves the factors too few digits
CLOSE = 1e-10  # an error that is small enough where it gets no smaller
INSIDE = 1e-6  # s and z are so large at the start at least
SHORT = 0.99  # of the way to the boundary


def rough_point(item: Item, tolerance: float) -> Answer | None:
    """A point of this accuracy, or where there is none the best that is close; the item should be scaled."""
    pattern = item.kkt
    assert pattern is not None
    rows, values = item.cones.of_kind(Kind.NONNEG), pattern.values(item.P.data, item.A.data)
    program = _Program(item, Bordered(item.P, item.A), pattern, rows, values)
    least, since, best = np.inf, 0, None
    with np.errstate(all="ignore"):
        point = program.start()
        for count in range(MOST):
            if point is None:
                break
            residual = program.residual(point)
            least, since = (residual.error, 0) if residual.error < least else (least, since + 1)
            if since == 0:
                best = Answer(Claim.POINT, point, count, close=True)
            if residual.error <= tolerance or since > PATIENCE:
                break
            point = program.advance(point, residual)
    return best if least <= max(CLOSE, tolerance) else None


@dataclass(frozen=True)
class _Residual:
    """Of stationarity (n,) and feasibility (m,); the mean of s z; the largest relative error, that of the gap too."""

    stationarity: np.ndarray
    feasibility: np.ndarray
    mu: float
    error: float


@dataclass(frozen=True)
class _Program:
    """`rows` are the inequalities; `matrix` is that of the steps without s/z, with these `values`."""

    item: Item
    matrix: Bordered
    pattern: KktPattern
    rows: np.ndarray
    values: np.ndarray

    def start(self) -> Point | None:
        """Least squares, moved inside by lengths that depend on those of s and z alone (Mehrotra, 1992)."""
        item, rows, D = self.item, self.rows, np.zeros(len(self.item.b))
        D[rows] = 1.0
        factors = self.pattern.factors(self.values, D)
        if factors is None:
            return None
        found = _Newton(self.matrix, D, factors).solve(-item.q, item.b)
        if found is None:
            return None
        x, z = found
        s = np.where(D > 0, -z, 0.0)
        if len(rows):
            s[rows] += max(-1.5 * s[rows].min(), 0.0)
            z[rows] += max(-1.5 * z[rows].min(), 0.0)
            product, slack, price = s[rows] @ z[rows] / 2, s[rows].sum(), z[rows].sum()
            s[rows] += max(INSIDE, product / price if price > 0 else 0.0)
            z[rows] += max(INSIDE, product / slack if slack > 0 else 0.0)
        return Point(x, s, z)

    def residual(self, at: Point) -> _Residual:
        item, rows = self.item, self.rows
        Px, Az, Ax, gap = item.P @ at.x, self.matrix.transposed @ at.z, item.A @ at.x, float(at.s @ at.z)
        stationarity, feasibility = Px + item.q + Az, Ax + at.s - item.b
        errors = (
            _largest(stationarity) / (1 + max(_largest(Px), _largest(Az), _largest(item.q))),
            _largest(feasibility) / (1 + max(_largest(Ax), _largest(at.s))),
            gap / max(1.0, abs(at.x @ Px / 2 + item.q @ at.x)),
        )
        return _Residual(stationarity, feasibility, gap / max(len(rows), 1), float(np.max(errors)))

    def advance(self, at: Point, residual: _Residual) -> Point | None:
        """One step: how far Newton's own goes says how central the next point should be (Mehrotra, 1992)."""
        rows, D = self.rows, np.zeros(len(at.s))
        s, z = at.s[rows], at.z[rows]
        D[rows] = s / z
        for shift in SHIFTS:
            factors = self.pattern.factors(self.values, D, shift)
            newton = _Newton(self.matrix, D, factors) if factors is not None else None
            step = newton.step(at, residual, rows, s * z) if newton is not None else None
            if step is not None:
                break
        if newton is None or step is None:
            return None
        if len(rows):
            ahead = _moved(at, step, self._length(at, step))
            centre = (ahead.s @ ahead.z / len(rows) / residual.mu) ** 3 * residual.mu
            step = newton.step(at, residual, rows, s * z + step.s[rows] * step.z[rows] - centre)
            if step is None:
                return None
        length = self._length(at, step)
        return _moved(at, step, length if length == 1.0 else SHORT * length)

    def _length(self, at: Point, step: Point) -> float:
        """How far s and z stay > 0, at most 1."""
        pairs = ((at.s[self.rows], step.s[self.rows]), (at.z[self.rows], step.z[self.rows]))
        return min(1.0, 1 / max((-move / value).max(initial=0.0) for value, move in pairs))


@dataclass(frozen=True)
class _Newton:
    """The matrix of a step."""

    matrix: Bordered
    D: np.ndarray
    factors: Factors

    def step(self, at: Point, residual: _Residual, rows: np.ndarray, product: np.ndarray) -> Point | None:
        """After which the residuals are 0, and s z is less by `product` (in `rows`), to first order.

        None where the factors, which no pivots keep exact, are no good.
        """
        right, ds = -residual.feasibility, np.zeros(len(at.s))
        right[rows] += product / at.z[rows]
        found = self.solve(-residual.stationarity, right)
        if found is None:
            return None
        dx, dz = found
        ds[rows] = -(product + at.s[rows] * dz[rows]) / at.z[rows]
        return Point(dx, ds, dz)

    def solve(self, top: np.ndarray, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        right, n = np.concatenate([top, bottom]), len(top)
        found, left, enough = np.zeros_like(right), right, REFINED * _largest(right)
        for _ in range(ROUNDS + 1):
            found = found + self.factors.solve(left)
            left = right - self.matrix @ found
            left[n:] += self.D * found[n:]
            if _largest(left) <= enough:
                break
        return (found[:n], found[n:]) if _largest(left) <= USELESS * _largest(right) else None


def _moved(at: Point, step: Point, length: float) -> Point:
    return Point(at.x + length * step.x, at.s + length * step.s, at.z + length * step.z)


def _largest(entries: np.ndarray) -> float:
    return float(np.abs(entries).max(initial=0.0))
