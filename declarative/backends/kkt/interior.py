"""A batch of convex quadratic programs in equilibrated units -> primal and dual points, by an interior-point method.

Mehrotra's predictor-corrector (Nocedal and Wright, section 16.6) on

    min 1/2 x'Px + q'x   s.t.   Ax = b,   Cx + s = d,   s >= 0,     C = [G; -I; I], the bounds' unit rows kept apart.

A small proximal term makes every step's system regular (dependent rows, linear programs), and iterative refinement
takes its effect out again. Each item stops by itself, and what has stopped is not touched any more.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.items import Items
from declarative.backends.kkt.scaling import times

PROXIMAL = 1e-11
CONVERGED = 1e-10
ROW = 1e-5  # a row is measured at least at this part of the largest, in equilibrated units
GIVE_UP = 1e-13  # a step length below this makes no progress


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
    """x (B, n), y (B, p), s and z (B, m), and the worst relative residual of each item (B,)."""

    x: Tensor
    y: Tensor
    s: Tensor
    z: Tensor
    error: Tensor


@dataclass(frozen=True)
class Residuals:
    """Stationarity (B, n), equality rows (B, p), inequality rows (B, m)."""

    dual: Tensor
    equal: Tensor
    unequal: Tensor


def interior_point(data: Data, iterations: int) -> tuple[State, Tensor]:
    """The best point found for each item, and the number of iterations that it took (B,)."""
    state = start(data)
    best, count = state, torch.zeros_like(state.error)
    alive = torch.arange(len(state.x), device=state.x.device)
    for k in range(iterations):
        state, going = advance(data, state)
        better = state.error < best.error[alive]
        best = best.put(alive[better], state.take(better.nonzero()[:, 0]))
        count[alive] = k + 1
        going &= (state.error > CONVERGED) & (state.error < 1e6 * best.error[alive])
        if not going.all():
            keep = going.nonzero()[:, 0]
            alive, data, state = alive[keep], data.take(keep), state.take(keep)
        if len(alive) == 0:
            break
    return best, count.to(torch.int64)


def residuals(data: Data, state: State) -> Residuals:
    """What the first-order conditions leave over."""
    dual = times(data.P, state.x) + data.q + times(data.A.mT, state.y) + data.C.adjoint(state.z)
    return Residuals(dual, times(data.A, state.x) - data.b, (data.C.apply(state.x) + state.s - data.d) * data.on)


def relative_error(data: Data, state: State, r: Residuals) -> Tensor:
    """(B,): the worst residual, each beside the terms summed in its row, and the gap beside the objective's terms."""
    x, y = state.x.abs(), state.y.abs()
    Px, Ax = times(data.P.abs(), x), times(data.A.abs(), x)
    C = Rows(data.C.G.abs(), data.C.low, data.C.high)
    forces = times(data.A.mT.abs(), y) + C.magnitude(state.z)
    dual = beside(r.dual, Px + data.q.abs() + forces)
    rows = torch.cat([Ax + data.b.abs(), C.apply(x).abs() + (state.s + data.d.abs()) * data.on], -1)
    primal = beside(torch.cat([r.equal, r.unequal], -1), rows)
    terms = ((Px + data.q.abs()) * x).sum(-1) + (data.b.abs() * y).sum(-1) + (data.d.abs() * state.z).sum(-1)
    return torch.cat([dual, primal, ratio((state.s * state.z).sum(-1, keepdim=True), terms[:, None])], -1).amax(-1)


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
        """H x + A'y = rx, A x = ry, refined once."""
        x, y = self._once(rx, ry)
        dx, dy = self._once(rx - times(self.H, x) - times(self.data.A.mT, y), ry - times(self.data.A, x))
        return x + dx, y + dy

    def solve(self, r: Residuals, complement: Tensor, state: State) -> tuple[Tensor, ...]:
        """The Newton step for residuals r and z ds + s dz = -complement."""
        on, C = self.data.on, self.data.C
        t = torch.where(on, self.W * r.unequal - complement / state.s, 0)
        x, y = self.reduced(-r.dual - C.adjoint(t), -r.equal)
        s = torch.where(on, -r.unequal - C.apply(x), 0)
        z = torch.where(on, -(complement + state.z * s) / state.s, 0)
        return x, y, s, z


def start(data: Data) -> State:
    """The least-squares point: s and z from one solve with W = 1, then moved inside the orthant."""
    on = data.on
    step = Step(data, on.to(data.q.dtype))
    d = torch.where(on, data.d, 0)
    x, y = step.reduced(data.C.adjoint(d) - data.q, data.b)
    s = torch.where(on, d - data.C.apply(x), 1)
    z = torch.where(on, -s, 0)
    state = State(x, y, inside(s, on), inside(z, on) * on, data.q.new_full((len(x),), torch.inf))
    return replace(state, s=torch.where(on, state.s, 1))


def inside(v: Tensor, on: Tensor) -> Tensor:
    """v shifted so that its entries are at least a fair share of its size."""
    if v.shape[-1] == 0:
        return v
    v = torch.where(on, v, 0)
    size = v.abs().amax(-1, keepdim=True).clamp(min=1e-8)
    low = torch.where(on, v, torch.inf).amin(-1, keepdim=True)
    return torch.where(low > 1e-4 * size, v, v - low.clamp(max=0) + 0.1 * size + 1e-2)


def advance(data: Data, state: State) -> tuple[State, Tensor]:
    """One predictor-corrector step, and which items (B,) made progress."""
    r = residuals(data, state)
    count = data.on.sum(-1).clamp(min=1)
    mu = (state.s * state.z * data.on).sum(-1) / count
    step = Step(data, torch.where(data.on, state.z / state.s, 0))
    _, _, ds, dz = step.solve(r, state.s * state.z, state)
    alpha = torch.minimum(longest(state.s, ds), longest(state.z, dz)).clamp(max=1)[:, None]
    affine = ((state.s + alpha * ds) * (state.z + alpha * dz) * data.on).sum(-1) / count
    sigma = torch.where(mu > 0, (affine / torch.where(mu > 0, mu, 1)).clamp(0, 1) ** 3, 0)
    dx, dy, ds, dz = step.solve(r, state.s * state.z + ds * dz - (sigma * mu)[:, None], state)
    alpha = torch.minimum(longest(state.s, ds), longest(state.z, dz))
    alpha = torch.minimum(alpha * torch.clamp(1 - mu, 0.99, 0.9999), torch.ones_like(alpha))
    finite = torch.isfinite(dx).all(-1) & torch.isfinite(dy).all(-1) & torch.isfinite(dz).all(-1)
    a = torch.where(finite, alpha, 0)[:, None]
    move = [torch.where(finite[:, None], d, 0) for d in (dx, dy, ds, dz)]
    new = State(state.x + a * move[0], state.y + a * move[1], state.s + a * move[2], state.z + a * move[3], state.error)
    error = relative_error(data, new, residuals(data, new)).nan_to_num(nan=torch.inf)
    return replace(new, error=error), finite & (alpha > GIVE_UP)


def longest(v: Tensor, dv: Tensor) -> Tensor:
    """(B,): the largest step that keeps v + step dv >= 0, up to 1e10."""
    if v.shape[-1] == 0:
        return v.new_ones(len(v))
    return torch.where(dv < 0, -v / torch.where(dv < 0, dv, -1), 1e10).amin(-1)
