"""A batch of convex quadratic programs in equilibrated units -> primal and dual points, by an interior-point method.

Mehrotra's predictor-corrector (Nocedal and Wright, section 16.6) on

    min 1/2 x'Px + q'x   s.t.   Ax = b,   Cx + s = d,   s >= 0,     C = [G; -I; I], the bounds' unit rows kept apart.

A small proximal term makes every step's system regular (dependent rows, linear programs), and iterative refinement
takes its effect out again. Each item stops by itself, and what has stopped is not touched any more.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import (
    AWAY,
    CENTRE,
    CONVERGED,
    DEPARTURES,
    GIVE_UP,
    HARM,
    HASTE,
    HELP,
    HEMMED,
    IN_A_ROW,
    NEARLY,
    PROGRESS,
    PROXIMAL,
    ROW,
    STALLED,
)
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.items import Items


@dataclass(frozen=True)
class Rows:
    """Cx for C = [G; -I[low]; I[high]]: `low` and `high` (long) list the variables that any item bounds."""

    G: Tensor
    low: Tensor
    high: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """Cx, (B, m)."""
        return torch.cat([times(self.G, x), -x[:, self.low], x[:, self.high]], -1)

    def adjoint(self, z: Tensor) -> Tensor:
        """C'z, (B, n)."""
        g, low, high = self.split(z)
        return times(self.G.mT, g).index_add(1, self.low, -low).index_add(1, self.high, high)

    def gram(self, w: Tensor) -> Tensor:
        """C' diag(w) C, (B, n, n)."""
        g, low, high = self.split(w)
        diagonal = w.new_zeros(w.shape[0], self.G.shape[2]).index_add(1, self.low, low).index_add(1, self.high, high)
        return (self.G * g[:, :, None]).mT @ self.G + torch.diag_embed(diagonal)

    def split(self, z: Tensor) -> tuple[Tensor, ...]:
        """The entries of the rows of G, of the lower and of the upper bounds."""
        return z.split([self.G.shape[1], len(self.low), len(self.high)], -1)

    def magnitude(self, z: Tensor) -> Tensor:
        """|C|'z for z >= 0: the terms summed in C'z."""
        g, low, high = self.split(z)
        return times(self.G.abs().mT, g).index_add(1, self.low, low).index_add(1, self.high, high)


@dataclass(frozen=True)
class Data:
    """P (B, n, n), q (B, n), A (B, p, n), b (B, p), C, d (B, m); rows that are not `on` (B, m) do not exist."""

    P: Tensor
    q: Tensor
    A: Tensor
    b: Tensor
    C: Rows
    d: Tensor
    on: Tensor

    def take(self, i: Tensor) -> "Data":
        """Some of the items."""
        C = Rows(self.C.G[i], self.C.low, self.C.high)
        return Data(self.P[i], self.q[i], self.A[i], self.b[i], C, self.d[i], self.on[i])


@dataclass(frozen=True)
class State(Items):
    """x (B, n), y (B, p), s and z (B, m); the residuals of stationarity (B, n), equalities (B, p), rows (B, m).

    `error` (B,) is the worst relative residual; `bend` (B,) weighs the second-order correction: 0 after a step that was
    too bold, else 1 (without this, a few items cycle).
    """

    x: Tensor
    y: Tensor
    s: Tensor
    z: Tensor
    dual: Tensor
    equal: Tensor
    unequal: Tensor
    error: Tensor
    bend: Tensor


def interior_point(data: Data, iterations: int) -> tuple[State, Tensor]:
    """The best point found for each item, and the number of iterations that it took (B,)."""
    state = start(data)
    best, count = state, torch.zeros_like(state.error)
    alive, none = torch.arange(len(state.x), device=state.x.device), torch.zeros_like(state.error)
    history = torch.stack([none, none, none])  # steps without progress, steps in a row that were cut, departures
    for k in range(iterations):
        state, length = advance(data, state)
        known, (since, hemmed, departures) = best.error[alive], history
        since = torch.where(state.error < PROGRESS * known, 0, since + 1)
        better = (state.error < known).nonzero()[:, 0]
        best = best.put(alive[better], state.take(better))
        count[alive] = k + 1
        known = torch.minimum(known, state.error)
        going = (length > GIVE_UP) & (state.error > CONVERGED)
        going &= since < torch.where(known < NEARLY, HASTE, STALLED)
        hemmed = torch.where(length < HEMMED, hemmed + 1, 0)
        leave = going & (hemmed == IN_A_ROW) & (departures < DEPARTURES) & (state.error > NEARLY)
        state = departed(data, state, leave)
        history = torch.stack([torch.where(leave, 0, since), torch.where(leave, 0, hemmed), departures + leave])
        if not going.all():
            keep = going.nonzero()[:, 0]
            alive, history, data, state = alive[keep], history[:, keep], data.take(keep), state.take(keep)
        if len(alive) == 0:
            break
    return best, count.to(torch.int64)


def departed(data: Data, at: State, leave: Tensor) -> State:
    """The items that `leave` (bool, B) further inside the orthant: each s and z grows by AWAY times the largest.

    Where s or z are far smaller than at the solution, each step soon meets a wall of the orthant; from further inside
    the steps are long again, and what does not hold is mended on the way.
    """
    items = leave.nonzero()[:, 0]
    if len(items) == 0:
        return at
    some, data = at.take(items), data.take(items)
    s, z = (v + AWAY * (v * data.on).amax(-1, keepdim=True) * data.on for v in (some.s, some.z))
    return at.put(items, measured(data, some.x, some.y, s, z, torch.ones_like(some.bend)))


def measured(data: Data, x: Tensor, y: Tensor, s: Tensor, z: Tensor, bend: Tensor) -> State:
    """The state at a point: its residuals, and the worst of them beside the products summed in its row.

    In equilibrated units the products Px, A'y, C'z tell enough of the size of a row's terms for a test to stop by.
    """
    Px, Ay, Cz = times(data.P, x), times(data.A.mT, y), data.C.adjoint(z)
    Ax, Cx = times(data.A, x), data.C.apply(x) * data.on
    dual, equal, unequal = Px + data.q + Ay + Cz, Ax - data.b, (Cx + s - data.d) * data.on
    terms = Px.abs() + data.q.abs() + Ay.abs() + data.C.magnitude(z)
    rows = torch.cat([Ax.abs() + data.b.abs(), Cx.abs() + (s + data.d.abs()) * data.on], -1)
    work = ((Px.abs() + data.q.abs()) * x.abs()).sum(-1) + (data.b * y).abs().sum(-1) + (data.d.abs() * z).sum(-1)
    gap = ratio((s * z).sum(-1, keepdim=True), work.clamp(min=ROW)[:, None])
    error = torch.cat([beside(dual, terms), beside(torch.cat([equal, unequal], -1), rows), gap], -1).amax(-1)
    return State(x, y, s, z, dual, equal, unequal, error.nan_to_num(nan=torch.inf), bend)


def beside(residual: Tensor, terms: Tensor) -> Tensor:
    """|residual| beside its row's terms, or beside a small part of the largest row's where these are smaller."""
    return ratio(residual, torch.maximum(terms, ROW * terms.amax(-1, keepdim=True))) if terms.shape[-1] else terms


def ratio(residual: Tensor, terms: Tensor) -> Tensor:
    """|residual| / terms, with 0/0 = 0."""
    return torch.where(residual == 0, 0, residual.abs() / terms)


class Step:
    """One iteration's factorised system [[P + C'WC, A'], [A, 0]], W = z/s, with the proximal term."""

    def __init__(self, data: Data, W: Tensor):
        n, p = data.P.shape[1], data.A.shape[1]
        self.data, self.W, self.n, self.p = data, W, n, p
        self.H = data.P + data.C.gram(W)
        size = self.H.diagonal(dim1=-2, dim2=-1).amax(-1).clamp(min=1) if n else W.new_ones(len(W))
        shift = PROXIMAL * torch.eye(n, dtype=W.dtype, device=W.device)
        if p == 0:
            self.factor = self._cholesky(self.H + shift, size)
            return
        corner = -PROXIMAL * torch.eye(p, dtype=W.dtype, device=W.device).expand(len(W), p, p)
        K = torch.cat([torch.cat([self.H + shift, data.A.mT], -1), torch.cat([data.A, corner], -1)], -2)
        self.lu, self.pivots, _ = torch.linalg.lu_factor_ex(K)

    def _cholesky(self, M: Tensor, size: Tensor) -> Tensor:
        L, info = torch.linalg.cholesky_ex(M)
        bad = (info > 0).nonzero()[:, 0]
        if len(bad):
            L[bad] = torch.linalg.cholesky_ex(M[bad] + 1e-13 * torch.diag_embed(size[bad, None].expand(-1, self.n)))[0]
        return L

    def _once(self, rx: Tensor, ry: Tensor) -> tuple[Tensor, Tensor]:
        if self.p == 0:
            return torch.cholesky_solve(rx[..., None], self.factor)[..., 0], ry
        w = torch.linalg.lu_solve(self.lu, self.pivots, torch.cat([rx, ry], -1)[..., None])[..., 0]
        return w[:, : self.n], w[:, self.n :]

    def reduced(self, rx: Tensor, ry: Tensor) -> tuple[Tensor, Tensor]:
        """H x + A'y = rx, A x = ry; refined once where the proximal term is between."""
        x, y = self._once(rx, ry)
        if self.p == 0:
            return x, y
        dx, dy = self._once(rx - times(self.H, x) - times(self.data.A.mT, y), ry - times(self.data.A, x))
        return x + dx, y + dy

    def solve(self, complement: Tensor, at: State) -> tuple[Tensor, ...]:
        """The Newton step for the residuals at a state and z ds + s dz = -complement."""
        on, C = self.data.on, self.data.C
        t = torch.where(on, self.W * at.unequal - complement / at.s, 0)
        x, y = self.reduced(-at.dual - C.adjoint(t), -at.equal)
        s = torch.where(on, -at.unequal - C.apply(x), 0)
        z = torch.where(on, -(complement + at.z * s) / at.s, 0)
        return x, y, s, z


def start(data: Data) -> State:
    """The least-squares point: s and z from one solve with W = 1, then moved inside the orthant."""
    on = data.on
    step = Step(data, on.to(data.q.dtype))
    x, y = step.reduced(data.C.adjoint(data.d) - data.q, data.b)
    s = torch.where(on, data.d - data.C.apply(x), 1)
    z = torch.where(on, -s, 0)
    return measured(data, x, y, torch.where(on, inside(s, on), 1), inside(z, on) * on, x.new_ones(len(x)))


def inside(v: Tensor, on: Tensor) -> Tensor:
    """v shifted so that its entries are at least a fair share of its size."""
    if v.shape[-1] == 0:
        return v
    v = torch.where(on, v, 0)
    size = v.abs().amax(-1, keepdim=True).clamp(min=1e-8)
    low = torch.where(on, v, torch.inf).amin(-1, keepdim=True)
    return torch.where(low > 1e-4 * size, v, v - low.clamp(max=0) + 0.1 * size + 1e-2)


def advance(data: Data, at: State) -> tuple[State, Tensor]:
    """One predictor-corrector step, and its length (B,)."""
    count, product = data.on.sum(-1).clamp(min=1), at.s * at.z * data.on
    mu = product.sum(-1) / count
    step = Step(data, torch.where(data.on, at.z / at.s, 0))
    _, _, ds, dz = step.solve(product, at)
    alpha = torch.minimum(longest(at.s, ds), longest(at.z, dz)).clamp(max=1)[:, None]
    affine = ((at.s + alpha * ds) * (at.z + alpha * dz) * data.on).sum(-1) / count
    sigma = torch.where(mu > 0, (affine / torch.where(mu > 0, mu, 1)).clamp(0, 1) ** 3, 0)
    sigma = torch.maximum(sigma, CENTRE * (1 - at.bend))
    dx, dy, ds, dz = step.solve(product + at.bend[:, None] * ds * dz - (sigma * mu)[:, None], at)
    alpha = torch.minimum(longest(at.s, ds), longest(at.z, dz))
    alpha = torch.minimum(alpha * torch.clamp(1 - mu, 0.99, 0.9999), torch.ones_like(alpha))
    alpha = torch.where(at.bend == 0, torch.minimum(alpha, least_gap(at, ds, dz)), alpha)
    finite = torch.isfinite(dx).all(-1) & torch.isfinite(dy).all(-1) & torch.isfinite(dz).all(-1)
    a = torch.where(finite, alpha, 0)[:, None]
    dx, dy, ds, dz = (torch.where(finite[:, None], d, 0) for d in (dx, dy, ds, dz))
    s, z = at.s + a * ds, at.z + a * dz
    left = ratio((s * z * data.on).sum(-1), mu * count)
    bend = torch.where(left > HARM, 0, torch.where(left < HELP, 1, at.bend))
    return measured(data, at.x + a * dx, at.y + a * dy, s, z, bend), a[:, 0]


def least_gap(at: State, ds: Tensor, dz: Tensor) -> Tensor:
    """(B,): the step at which (s + step ds)'(z + step dz) is least, where it falls at first and has a minimum."""
    slope, curvature = (at.s * dz + at.z * ds).sum(-1), (ds * dz).sum(-1)
    return torch.where(
        (slope < 0) & (curvature > 0), -slope / (2 * torch.where(curvature > 0, curvature, 1)), torch.inf
    )


def longest(v: Tensor, dv: Tensor) -> Tensor:
    """(B,): the largest step that keeps v + step dv >= 0, up to 1e10."""
    if v.shape[-1] == 0:
        return v.new_ones(len(v))
    return torch.where(dv < 0, -v / torch.where(dv < 0, dv, -1), 1e10).amin(-1)
