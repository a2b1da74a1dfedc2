"""A batch of smooth programs -> points that satisfy their first-order conditions: the primal-dual barrier method.

Each item goes its own way (barrier parameter, filter, step length) and stops by itself. What stops is handed to the
polishing steps; what the method cannot bring to feasibility is for the caller to restore.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import FAR, PATIENCE, SHORT
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.methods.barrier import Bounds, Columns, Iterate, NewtonSystem, residuals, walls
from declarative.backends.kkt.methods.blocks import Start, functions, solve_blocks
from declarative.backends.kkt.methods.filter import Filter, empty_filter
from declarative.backends.kkt.methods.interior import Rows
from declarative.backends.kkt.methods.step import Place, move
from declarative.backends.kkt.program.certify import Local, Primal, finite, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import SmoothProgram, Theta, take

FIRST_BARRIER = 0.1
FIRST_LIFT = 1e-3
LEEWAY = 1e4
VANISHED = 1e-5  # beside the violation at the start: what polishing mends
RIDGE = 1e-12  # for rows that depend on each other


@dataclass(frozen=True)
class Stop(Items):
    """Why items stopped: `converged`, `stuck` (no acceptable step), `diverged`; none: out of iterations."""

    converged: Tensor
    stuck: Tensor
    diverged: Tensor


@dataclass(frozen=True)
class Run(Items):
    """All that an item carries from one iteration to the next, its tally, and its short steps in a row (B,)."""

    iterate: Iterate
    filter: Filter
    stop: Stop
    short: Tensor

    def parts(self) -> list[Tensor]:
        """The tensors of all three."""
        return [*self.iterate.parts(), *self.filter.parts(), *self.stop.parts(), self.short]

    def of(self, parts: list[Tensor]) -> "Run":
        """A run of the same layout."""
        return Run(Iterate(*parts[:6]), Filter(*parts[6:10]), Stop(*parts[10:13]), parts[13])

    def take(self, items: Tensor) -> "Run":
        """Some of the items (long, K)."""
        return self.of([part[items] for part in self.parts()])

    def put(self, items: Tensor, other: "Run") -> "Run":
        """The same with other's items at the places `items`."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return self.of([a.index_copy(0, items, b) for a, b in pairs])


@dataclass(frozen=True)
class Problem:
    """A program at some items' parameters, with its bounds split into barrier and open domain."""

    program: SmoothProgram
    theta: Theta
    bounds: Bounds
    columns: Columns
    start: Tensor
    first: Tensor  # the objective there
    tolerance: float = 0.0
    reflect: bool = False  # what is done about negative curvature, see `barrier.convexify`

    def take(self, items: Tensor) -> "Problem":
        """Some of the items (long, K)."""
        return replace(
            self,
            theta=take(self.theta, items),
            bounds=self.bounds.take(items),
            start=self.start[items],
            first=self.first[items],
        )


def barrier_method(
    program: SmoothProgram,
    theta: Theta,
    x0: Tensor,
    iterations: int,
    tolerance: float,
    reflect: bool = False,
    leeway: float = LEEWAY,
) -> tuple[Primal, Stop, Tensor]:
    """The last point of each item, why it stopped, and its number of iterations; `tolerance` is of all residuals,
    `leeway` how many times the first violation, or 1, is allowed.
    """
    problem, run = begin(program, theta, x0, leeway)
    problem = replace(problem, tolerance=tolerance, reflect=reflect)
    everyone, count = compiled(problem, run, iterations) or iterated(problem, run, iterations)
    return unpack(problem, everyone.iterate), everyone.stop, count


def iterated(problem: Problem, run: Run, iterations: int) -> tuple[Run, Tensor]:
    """The runs at their end, and their iterations (B,)."""
    here, everyone = problem, run
    count = torch.zeros(len(problem.start), dtype=torch.int64, device=problem.start.device)
    alive = torch.arange(len(count), device=count.device)
    for k in range(iterations):
        run = iterate(here, run)
        done = run.stop.converged | run.stop.stuck | run.stop.diverged
        if done.any():
            everyone = everyone.put(alive, run)
            going = (~done).nonzero()[:, 0]
            alive, here, run = alive[going], here.take(going), run.take(going)
        count[alive] = k + 1
        if len(alive) == 0:
            return everyone, count
    return everyone.put(alive, run), count


def compiled(problem: Problem, run: Run, iterations: int) -> tuple[Run, Tensor] | None:
    """The same by compiled code; None where there is none."""
    found = functions(problem.program, problem.theta, problem.start, problem.reflect)
    if found is None:
        return None
    size, never = problem.start.abs().amax(-1).clamp(min=1), torch.full_like(problem.first, -torch.inf)
    goal = VANISHED**2 * problem.first if problem.program.vanishing else never
    start = Start(problem.bounds, problem.columns, run.iterate, run.filter.limit, size, goal)
    last, reasons, rounds = solve_blocks(found, start, problem.theta, iterations, problem.tolerance)
    return replace(run, iterate=last, stop=Stop(*reasons)), rounds


def begin(program: SmoothProgram, theta: Theta, x0: Tensor, leeway: float) -> tuple[Problem, Run]:
    """The bounds that the barrier takes, those that only wall the domain, and the first iterate strictly inside."""
    d, p, q = Derivatives(program, theta), program.p, program.q
    found = Beginning(*d.run(first, x0, torch.zeros_like(x0, dtype=torch.bool)))
    apart = unread(d, found.x, found.still)
    if apart.any():
        found = Beginning(*d.run(first, x0, apart.expand(x0.shape)))
    low, high = (side.isfinite().any(0).nonzero()[:, 0] for side in (found.lower, found.upper))
    kept = torch.cat([torch.arange(q, device=x0.device), q + low, q + program.n + high])
    on, z, columns = found.on[:, kept], found.z[:, kept], Columns(low, high)
    bounds = Bounds(found.lower, found.upper, found.wall_lower, found.wall_upper, on, found.fixed)
    y = least_squares(found.gram, found.pull) if p else found.pull
    no, lift = torch.zeros_like(found.mu, dtype=torch.bool), torch.full_like(found.mu, FIRST_LIFT)
    iterate = Iterate(found.x, y, found.s, z, found.mu, lift)
    limit = leeway * found.violation.clamp(min=1)
    run = Run(iterate, empty_filter(limit), Stop(no, no, no), torch.zeros_like(found.mu))
    return Problem(program, theta, bounds, columns, found.x, d.f(found.x)), run


class Beginning(NamedTuple):
    """Of every variable: the barrier's bounds, the walls, what is `fixed` (B, n), the start x; which constraints exist
    (B, q + 2n), slacks, multipliers of all, mu, the violation; the normal equations of the multipliers of c, and where
    nothing has a slope (B, n).
    """

    lower: Tensor
    upper: Tensor
    wall_lower: Tensor
    wall_upper: Tensor
    fixed: Tensor
    x: Tensor
    on: Tensor
    s: Tensor
    z: Tensor
    mu: Tensor
    violation: Tensor
    gram: Tensor
    pull: Tensor
    still: Tensor


def first(d: Derivatives, x0: Tensor, apart: Tensor) -> Beginning:
    """Slacks from g, multipliers of the barrier from v z = mu; entries of x that are `apart` (B, n) are fixed."""
    lower, upper = d.bounds(x0)
    wall_lower, wall_upper = d.program.open_domain
    edges = walls(lower, upper, d.program.open_domain)
    x, fixed = inside(x0, lower, upper), (lower == upper) | apart
    lower, upper = torch.where(wall_lower | fixed, -torch.inf, lower), torch.where(wall_upper | fixed, torch.inf, upper)
    c, g, Jc, Jg, slope = d.c(x), d.g(x), d.jacobian_c(x), d.jacobian_g(x), d.gradient(x)
    exists, everyone = g > -torch.inf, torch.arange(d.program.n, device=x.device)
    on, columns = torch.cat([exists, lower.isfinite(), upper.isfinite()], -1), Columns(everyone, everyone)
    s = torch.where(exists, torch.maximum(-g, 1e-2 * g.abs().clamp(min=1)), 1)
    v = columns.distances(x, s, Bounds(lower, upper, *edges, on, fixed))
    mu = torch.where(on.any(-1), FIRST_BARRIER, 0.0).to(x.dtype)
    z = torch.where(on, (mu[:, None] / v).clamp(max=1e3), 0)
    pull = -times(Jc, slope + columns.rows(Jg).adjoint(z))
    violation = torch.cat([c, torch.where(exists, g + s, 0)], -1).abs().sum(-1)
    still = (torch.cat([slope[:, None], Jc, Jg], 1) == 0).all(1)
    gram = Jc @ Jc.mT + RIDGE * torch.eye(d.program.p, dtype=x.dtype, device=x.device)
    return Beginning(lower, upper, *edges, fixed, x, on, s, z, mu, violation, gram, pull, still)


def unread(d: Derivatives, x: Tensor, still: Tensor) -> Tensor:
    """(n,): entries of x on which nothing depends: they may be anything, even not a number. A barrier would push them.

    Only those are tried that have no slope anywhere at x (`still`), which x^4 has not either at 0.
    """
    found = still.all(0)
    entries = found.nonzero()[:, 0]
    if len(entries) == 0:
        return found
    first = torch.zeros_like(entries)
    at = x[first].scatter(1, entries[:, None], torch.nan)  # the first item, without one entry after the other
    found[entries] = numbers(Derivatives(d.program, take(d.theta, first)), at)
    for i in found.nonzero()[:, 0]:
        found[i] = numbers(d, x.index_fill(1, i, torch.nan)).all()
    return found


def numbers(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): the functions have values."""
    return ~torch.cat([d.f(x)[:, None], d.c(x), d.g(x)], -1).isnan().any(-1)


def inside(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """x moved strictly between its bounds, by 1 % of its size or of the gap, whichever is less."""
    gap = 1e-2 * (upper - lower)
    margin = [torch.minimum(1e-2 * finite(side).abs().clamp(min=1), gap) for side in (lower, upper)]
    return torch.minimum(torch.maximum(x, torch.where(lower.isinf(), lower, lower + margin[0])),
                         torch.where(upper.isinf(), upper, upper - margin[1]))  # fmt: skip


def least_squares(gram: Tensor, pull: Tensor) -> Tensor:
    """y with J'y = -gradient as nearly as possible, for J J' and -J gradient; 0 where that is not a reasonable size."""
    y = torch.linalg.solve_ex(gram, pull[..., None])[0]
    return torch.where((y.abs() < 1e3).all(1, keepdim=True), y, 0)[..., 0]


def unpack(problem: Problem, at: Iterate) -> Primal:
    """An iterate as a point with its multipliers."""
    q, columns, nothing = at.s.shape[1], problem.columns, torch.zeros_like(at.x)
    if at.z.shape[1] == q:  # nothing is bounded
        return Primal(at.x, at.y, at.z, nothing, nothing)
    g, low, high = at.z.split([q, len(columns.low), len(columns.high)], -1)
    lower, upper = nothing.index_add(1, columns.low, low), nothing.index_add(1, columns.high, high)
    return Primal(at.x, at.y, g, lower, upper)


def vanished(problem: Problem, local: Local, at: Iterate) -> Tensor:
    """(B,): the objective, and what the rows miss, are nothing beside the objective at the start, and its root."""
    missed = torch.where(problem.bounds.on[:, : at.s.shape[1]], local.g + at.s, 0).abs().sum(-1)
    return (local.f <= VANISHED**2 * problem.first) & (missed <= VANISHED * problem.first.sqrt())


def iterate(problem: Problem, run: Run) -> Run:
    """One iteration: residuals, barrier parameter, Newton step, line search."""
    at, on = run.iterate, problem.bounds.on
    d = Derivatives(problem.program, problem.theta)
    local = evaluate_free(problem, d, at)
    C, v = problem.columns.rows(local.Jg), problem.columns.distances(at.x, at.s, problem.bounds)
    converged = error(local, replace(at, mu=torch.zeros_like(at.mu)), C, v, on) <= problem.tolerance
    if problem.program.vanishing:
        converged |= vanished(problem, local, at)
    at, filter = lower_barrier(local, at, C, v, on, run.filter, problem.tolerance)
    system = NewtonSystem(local, C, torch.where(on, at.z / v, 0), at.lift, problem.reflect)
    new, filter, length = move(Place(d, problem.bounds, problem.columns, at, local, C, v, system), filter)
    short = torch.where(length < SHORT, run.short + 1, 0)
    stuck = (length == 0) | (short > PATIENCE)
    done = converged | stuck
    new = at.where(done, new)
    size = problem.start.abs().amax(-1).clamp(min=1)
    diverged = ~done & ((new.x.abs().amax(-1) > FAR * size) | (local.f < -FAR * size))
    return Run(new, filter, Stop(converged, stuck & ~converged, diverged), short)


def evaluate_free(problem: Problem, d: Derivatives, at: Iterate) -> Local:
    """The model at a point, with derivatives in the variables that are not fixed: not by equal bounds, nor at a wall.

    There a number is the least inside the domain: the minimum of an entropy may be less than any number but 0.
    """
    fixed = problem.bounds.fixed | (at.x == problem.bounds.wall_lower) | (at.x == problem.bounds.wall_upper)
    free, z = ~fixed, at.z[:, : problem.program.q]
    f, gradient, c, g, H, Jc, Jg = d.local(at.x, at.y, z)
    H = H * free[:, :, None] * free[:, None] + torch.diag_embed(fixed.to(H.dtype))
    Jc, Jg = Jc * free[:, None], Jg * free[:, None]
    bounds, unasked = problem.bounds, (c, g, *(torch.zeros_like(v) for v in (c, g, gradient)))
    return Local(f, gradient * free, c, g, bounds.lower, bounds.upper, H, Jc, Jg, *unasked)


def error(local: Local, at: Iterate, C: Rows, v: Tensor, on: Tensor) -> Tensor:
    """(B,): the worst residual, multipliers larger than 100 on average scaled down."""
    dual, primal, complement = residuals(local, at, C, v, on)
    rows = at.y.shape[1] + on.sum(-1)  # those of the item, not those that others have
    scale = (torch.cat([at.y, at.z], -1).abs().sum(-1) / (100 * rows.clamp(min=1))).clamp(min=1)
    return torch.stack([worst(dual.abs()) / scale, worst(primal.abs()), worst(complement.abs()) / scale]).amax(0)


def lower_barrier(
    local: Local, at: Iterate, C: Rows, v: Tensor, on: Tensor, filter: Filter, tolerance: float
) -> tuple[Iterate, Filter]:
    """A smaller mu, and an empty filter, where the problem for the present one is solved well enough."""
    for _ in range(4):
        ready = (at.mu > tolerance / 10) & (error(local, at, C, v, on) <= 10 * at.mu)
        if not ready.any():
            break
        smaller = torch.minimum(0.2 * at.mu, at.mu * at.mu.sqrt()).clamp(min=tolerance / 11)
        at, filter = replace(at, mu=torch.where(ready, smaller, at.mu)), filter.clear(ready)
    return at, filter
