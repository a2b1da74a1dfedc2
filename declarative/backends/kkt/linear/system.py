"""The symmetric system of an active set, solved: K [w_x; w_rows; w_bounds] = [r_x; r_rows; r_bounds].

    K = [[H, A', E'], [A, 0, 0], [E, 0, 0]],    E = the unit rows of the variables that stand at a bound.

Rows that are not active and bounds that do not hold are left out, item by item; their entries of w are 0. Variables at
a bound are eliminated, the active rows are gathered to the front, and what remains is scaled to unit size and factored
once (LU), with iterative refinement. Items whose factorisation is nearly singular go to `least_norm` instead.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.linear.factored import Factored, factored
from declarative.backends.kkt.linear.finsler import surely_positive
from declarative.backends.kkt.linear.least_norm import LeastNorm
from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.linear.sparse import Sparse, factored_sparsely
from declarative.backends.numbers import everyone, plain
from declarative.backends.positional import positional

SINGULAR = 1e-11  # a pivot below this, relative to the largest of the equilibrated matrix, is not trusted
REFINEMENTS = 2


@dataclass(frozen=True)
class Right:
    """A right-hand side, or a solution: x (B, n), rows (B, m), bounds (B, n)."""

    x: Tensor
    rows: Tensor
    bounds: Tensor

    def __sub__(self, other: "Right") -> "Right":
        return Right(self.x - other.x, self.rows - other.rows, self.bounds - other.bounds)

    def __add__(self, other: "Right") -> "Right":
        return Right(self.x + other.x, self.rows + other.rows, self.bounds + other.bounds)


class System(Protocol):
    """The KKT systems of the active sets of a batch."""

    def solve(self, r: Right) -> Right: ...
    def take(self, items: Tensor) -> Self: ...

    def flat(self, items: Tensor) -> Tensor:
        """(K, n, n): columns that span the directions in which some items (long, K) are flat, in the units of x."""
        ...


@dataclass(frozen=True)
class Joined:
    """Several systems as one: item i is item `place[i]` of the system `which[i]`, both long (B,)."""

    systems: tuple[System, ...]
    which: Tensor
    place: Tensor

    def take(self, items: Tensor) -> "Joined":
        """Those of some items (long, K)."""
        return Joined(self.systems, self.which[items], self.place[items])

    def solve(self, r: Right) -> Right:
        """Each system solves for its own items."""
        whole = [torch.zeros_like(part) for part in (r.x, r.rows, r.bounds)]
        for number, system in enumerate(self.systems):
            items = (self.which == number).nonzero()[:, 0]
            if len(items):
                found = system.take(self.place[items]).solve(Right(r.x[items], r.rows[items], r.bounds[items]))
                parts = zip(whole, (found.x, found.rows, found.bounds), strict=True)
                whole = [part.index_copy(0, items, new) for part, new in parts]
        return Right(*whole)

    def flat(self, items: Tensor) -> Tensor:
        """Each item's by its own system."""
        found = [self.systems[int(self.which[k])].flat(self.place[k : k + 1]) for k in items]
        return torch.cat(found)


def joined(first: System | None, items: Tensor, second: System | None, batch: int) -> System | None:
    """One system for B items, of which some, `items` (long), are the second's; what no system has is given that of one
    that has, and nobody reads what comes of it.
    """
    if second is None or (first is None and len(items) == batch):
        return second or first
    own, place = (torch.arange(size, device=items.device) for size in (len(items), batch))
    which = torch.zeros_like(place).index_fill(0, items, 1)
    if first is None:
        return Joined((second,), 0 * which, (0 * place).index_copy(0, items, own))
    return Joined((first, second), which, place.index_copy(0, items, own))


@dataclass(frozen=True)
class ActiveSystem:
    """H (B, n, n) symmetric, A (B, m, n); `rows` (B, m) and `fixed` (B, n) say which rows and bounds are active.

    `pattern`: of their entries, where few of them may be other than 0.
    """

    H: Tensor
    A: Tensor
    rows: Tensor
    fixed: Tensor
    pattern: Pattern | None = None
    small: bool = True  # may be left to compiled code

    def take(self, items: Tensor) -> "ActiveSystem":
        """Those of some items (long, K); all of them are itself, with its factors."""
        if everyone(items, len(self.H)):
            return self
        return ActiveSystem(self.H[items], self.A[items], self.rows[items], self.fixed[items], self.pattern)

    def put(self, items: Tensor, other: "ActiveSystem") -> "ActiveSystem":
        """The same with other's items at the places `items` (long, K)."""
        H, A = self.H.index_copy(0, items, other.H), self.A.index_copy(0, items, other.A)
        rows, fixed = self.rows.index_copy(0, items, other.rows), self.fixed.index_copy(0, items, other.fixed)
        return ActiveSystem(H, A, rows, fixed, self.pattern)

    def multiply(self, w: Right) -> Right:
        """K w, with zeros where a row or a bound is not active."""
        x = times(self.H, w.x) + times(self.A.mT, w.rows) + w.bounds
        return Right(x, times(self.A, w.x) * self.rows, w.x * self.fixed)

    def solve(self, r: Right) -> Right:
        """w with K w = r, refined; of least norm, or in the least-squares sense, where K is singular."""
        r = Right(r.x, torch.where(self.rows, r.rows, 0), torch.where(self.fixed, r.bounds, 0))
        quick = self._factored or self.sparse
        if quick is None or not plain((r.x, r.rows, r.bounds)):
            return self._solve_in_torch(r)
        w = quick.solve(r.x, r.rows, r.bounds)
        if len(i := self._left):
            found = self._hard.solve(Right(r.x[i], r.rows[i], r.bounds[i]))
            w = (all_.index_copy(0, i, own) for all_, own in zip(w, (found.x, found.rows, found.bounds), strict=True))
        return Right(*w)

    def consistent(self, r: Right, items: Tensor) -> Right:
        """The same with the sides of dependent rows of some items (bool, B) moved to the nearest that can be met, each
        beside its own size.
        """
        if self._least_norm is None or not items.any():
            return r
        i, known = self._suspects, times(self.A, torch.where(self.fixed, r.bounds, 0))
        order, rest = self._order[i], ((r.rows - known) * self.rows)[i]
        rest = rest.scatter(1, order, self._least_norm.consistent(rest.gather(1, order)))
        return Right(r.x, r.rows.index_copy(0, i, (rest + known[i]).where(items[i, None], r.rows[i])), r.bounds)

    @cached_property
    def _factored(self) -> Factored | None:
        return factored(self.H, self.A, self.rows, self.fixed) if self.small else None

    @cached_property
    def sparse(self) -> Sparse | None:
        """The factors by few entries, if there are any."""
        pattern = self.pattern if self._factored is None else None
        return pattern and factored_sparsely(pattern, self.H, self.A, self.rows, self.fixed)

    @property
    def _left(self) -> Tensor:
        """The items that compiled code leaves to torch."""
        return self._suspects if self.sparse is None else self.sparse.left

    @cached_property
    def _hard(self) -> "ActiveSystem":
        i = self._left
        return ActiveSystem(self.H[i], self.A[i], self.rows[i], self.fixed[i], small=False)

    def _solve_in_torch(self, r: Right) -> Right:
        w = self._solve_once(r)
        for _ in range(REFINEMENTS):
            w = w + self._solve_once(r - self.multiply(w))
        return w

    @cached_property
    def singular(self) -> Tensor:
        """Items (B,) whose matrix is singular to working precision."""
        return ~(self.smallest_pivot > SINGULAR)

    @cached_property
    def loose(self) -> Tensor:
        """(B, n): entries of x that move along directions in which H is flat and the active constraints are still."""
        found = torch.zeros_like(self.fixed)
        if self._least_norm is not None:
            found[self._suspects] = self._least_norm.loose
        return found

    @cached_property
    def dual_nonunique(self) -> Tensor:
        """Items (B,) whose active rows are linearly dependent."""
        return self._spread(self._least_norm.dependent if self._least_norm else None)

    def movable(self, items: Tensor, among: Tensor) -> Tensor:
        """(K, n): the entries of x of some items (long, K) that the active constraints leave free to move while all
        that are not `among` them (bool, K, n) stand still.
        """
        reduced = self._analysed(items)
        return replace(reduced, a=reduced.a * among[:, None], free=reduced.free & among).movable

    @property
    def entangled(self) -> Tensor:
        """(B, m): the active rows that others make dependent."""
        found = torch.zeros_like(self.rows)
        if self._least_norm is not None:
            i = self._suspects
            found[i] = found[i].scatter(1, self._order[i], self._least_norm.entangled)
        return found

    @property
    def firmness(self) -> Tensor:
        """(B,): the smallest pivot; of singular systems without dependent rows and flat directions."""
        firm = self.smallest_pivot.clone()
        if self._least_norm is not None:
            firm[self._suspects] = self._least_norm.firmness
        return firm

    def _spread(self, flags: Tensor | None) -> Tensor:
        full = torch.zeros_like(self.singular)
        if flags is not None:
            full[self._suspects] = flags
        return full

    @cached_property
    def _suspects(self) -> Tensor:
        return self.singular.nonzero()[:, 0]

    @cached_property
    def _least_norm(self) -> LeastNorm | None:
        return self._analysed(self._suspects) if len(self._suspects) else None

    def curvature(self, items: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Eigenvalues (K, n) of the equilibrated H along the directions (K, n, n) that the active constraints leave.

        Of some items (long, K), or all. The directions are columns, in the units of x; the eigenvalues of all other
        directions are 0.
        """
        reduced = self._whole if items is None else self._analysed(items)
        return reduced.curvature, reduced.D[:, :, None] * reduced.directions

    @cached_property
    def surely_curved(self) -> Tensor:
        """(B,): H is positive definite along the active constraints, as one factorisation tells."""
        if self._factored is not None:
            return self._factored.curved
        if self.sparse is not None:
            return (self.sparse.pivot > 0).index_put((self._left,), self._hard.surely_curved)
        n, K = self.H.shape[-1], self._matrix[0]
        return surely_positive(K[:, :n, :n], K[:, n:, :n])

    def rank(self) -> Tensor:
        """(B,): how many of the active rows are independent, among the entries that no bound fixes."""
        return self._whole.rank

    @cached_property
    def _whole(self) -> LeastNorm:
        return self._analysed(torch.arange(len(self.H), device=self.H.device))

    @cached_property
    def smallest_pivot(self) -> Tensor:
        """(B,): of the equilibrated matrix, beside its largest; about its least eigenvalue, where it is sparse; 1 for a
        matrix of side 0.
        """
        if self._factored is not None:
            return self._factored.pivot
        if self.sparse is not None:
            return self.sparse.pivot.index_put((self._left,), self._hard.smallest_pivot)
        pivots = self._factor[0].diagonal(dim1=-2, dim2=-1).abs()
        return pivots.amin(-1) / pivots.amax(-1) if pivots.shape[-1] else pivots.new_ones(len(pivots))

    def flat(self, items: Tensor) -> Tensor:
        """(K, n, n): columns that span the directions in which some items (long, K) are flat, in the units of x."""
        reduced = self._analysed(items)
        return reduced.D[:, :, None] * reduced.flat

    def _analysed(self, items: Tensor) -> LeastNorm:
        n = self.H.shape[-1]
        K, scale, free, use = (part[items] for part in (*self._matrix, ~self.fixed, self._used))
        K = K.nan_to_num(0, 0, 0)  # an item without finite numbers has no solution, but must not stop the others
        h = K[:, :n, :n] * free[:, :, None] * free[:, None]
        return LeastNorm(h, K[:, n:, :n], scale[:, :n], scale[:, n:], free, use)

    @cached_property
    def _order(self) -> Tensor:
        """(B, k): the active rows first, in their order, up to as many as any item has; all in place, if compiled."""
        if self._factored is not None:
            return torch.arange(self.rows.shape[1]).expand(self.rows.shape)
        most = int(self.rows.sum(-1).max()) if self.rows.numel() else 0
        return torch.argsort(self.rows.logical_not().to(torch.int8), dim=-1, stable=True)[:, :most]

    @cached_property
    def _used(self) -> Tensor:
        return self.rows.gather(1, self._order)

    @cached_property
    def _matrix(self) -> tuple[Tensor, Tensor]:
        """The reduced symmetric matrix, equilibrated, and its scaling: a unit row where a row or variable is out."""
        if self._factored is not None:
            return self._factored.matrix
        free, use = ~self.fixed, self._used
        A = self.A.gather(1, self._order[:, :, None].expand(-1, -1, self.A.shape[2]))
        A = A * use[:, :, None] * free[:, None]
        H = self.H * free[:, :, None] * free[:, None]
        D, E = equilibrate(H, A)
        H = D[:, :, None] * H * D[:, None] + torch.diag_embed((~free).to(H.dtype))
        A = E[:, :, None] * A * D[:, None]
        K = torch.cat([torch.cat([H, A.mT], -1), torch.cat([A, torch.diag_embed((~use).to(H.dtype))], -1)], -2)
        return K, torch.cat([D, E], -1)

    @cached_property
    def _factor(self) -> tuple[Tensor, Tensor]:
        factor, pivots, _ = torch.linalg.lu_factor_ex(self._matrix[0])
        return factor, pivots

    def _solve_once(self, r: Right) -> Right:
        n = self.H.shape[-1]
        known = r.bounds
        rx = (r.x - times(self.H, known)) * ~self.fixed
        rl = (r.rows - times(self.A, known)) * self.rows
        i, x, sides = self._suspects, torch.empty_like(rx), rl.gather(1, self._order)
        found = torch.empty_like(sides)
        if len(i) < len(rx):
            scale = self._matrix[1]
            w = scale * torch.linalg.lu_solve(*self._factor, (scale * torch.cat([rx, sides], -1))[..., None])[..., 0]
            x, found = w[:, :n], w[:, n:]
        if self._least_norm:
            x[i], found[i] = self._least_norm.solve(rx[i], sides[i])
        rows = torch.zeros_like(r.rows).scatter(1, self._order, found)
        x, rows = torch.where(self.fixed, known, x), rows * self.rows
        bounds = (r.x - times(self.H, x) - times(self.A.mT, rows)) * self.fixed
        return Right(x, rows, bounds)


@positional
class SymmetricSolve(torch.autograd.Function):
    """w = K^-1 r as a differentiable function of H, A and r, of any order, with one factorisation.

    K is symmetric, so with u = K^-1 g for an incoming g: dr = u, dH = -u_x w_x', dA = -(w_rows u_x' + u_rows w_x').
    """

    @staticmethod
    def forward(H, A, x, rows, bounds, system):
        w = system.solve(Right(x, rows, bounds))
        return w.x, w.rows, w.bounds

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.system = inputs[-1]
        ctx.save_for_backward(inputs[0], inputs[1], *output)

    @staticmethod
    def backward(ctx, *v):
        H, A, x, rows, _ = ctx.saved_tensors
        u = SymmetricSolve.apply(H, A, *v, ctx.system)
        dH = -(u[0][:, :, None] * x[:, None])
        dA = -(rows[:, :, None] * u[0][:, None] + u[1][:, :, None] * x[:, None])
        return dH, dA, *u, None

    @staticmethod
    def vmap(info, in_dims, H, A, x, rows, bounds, system):
        """Several right-hand sides, one after the other, with the same factorisation."""
        parts = (H, A, x, rows, bounds)

        def at(k: int) -> list[Tensor]:
            return [t if d is None else t.select(d, k) for t, d in zip(parts, in_dims, strict=False)]

        solved = [SymmetricSolve.apply(*at(k), system) for k in range(info.batch_size)]
        return tuple(torch.stack(column) for column in zip(*solved, strict=True)), (0, 0, 0)
