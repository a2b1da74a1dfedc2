"""A method whose steps towards feasible points are barred -> one that goes on from a feasible point: restoration.

Slacks that are nearly 0 where the linearised rows want them smaller bar every step, from points that are far from
feasible (Waechter and Biegler 2000). The method of Gauss and Newton for the violation has no such slacks.
"""

from dataclasses import replace

import torch
from torch import Tensor

from declarative.backends.kkt.methods.effort import EFFORTS, Effort, approach
from declarative.backends.kkt.methods.nlp import Stop, inside
from declarative.backends.kkt.methods.variants import feasibility
from declarative.backends.kkt.program.certify import Primal, evaluate, measure, units, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta, take
from declarative.backends.method import AUTO

FEASIBLE = 1e-7
FAR, HALVINGS = 10.0, 60  # beside the size of where it began
SOON = 60  # iterations
NEARER = 1e-2  # so much of the violation may be left
PHASES = 3  # of restoration
OWN = ("auto", "interior_point", "newton")


def approach_restored(
    program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, effort: Effort
) -> tuple[Primal, Stop, Tensor]:
    """`approach`, where items that are stuck and not feasible go on from feasible points near where they are."""
    at, stop, count = approach(program, theta, x0, options, effort)
    if program.p + program.q == 0 or program.vanishing or effort.first_order or options.forward.name not in OWN:
        return at, stop, count
    stuck = stop.stuck.nonzero()[:, 0]
    for _ in range(PHASES):
        items, x = restored(Derivatives(program, take(theta, stuck)), x0[stuck], at.x[stuck], options)
        if len(items) == 0:
            break
        items = stuck[items]
        some = approach(program, take(theta, items), x, options, effort)
        at, stop, count = at.put(items, some[0]), stop.put(items, some[1]), count.index_add(0, items, some[2])
        stuck = items[some[1].stuck]
    return at, stop, count


def restored(d: Derivatives, x0: Tensor, x: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Which of the points x (B, n) are not feasible, but near such that are nearly (K), and these (K, n).

    Near the start x0 (B, n), where that violates less.
    """
    items = (~feasible(d, x)).nonzero()[:, 0] if len(x) else x.new_zeros(0, dtype=torch.int64)
    if len(items) == 0:
        return items, x[items]
    d, x0, x = Derivatives(d.program, take(d.theta, items)), x0[items], x[items]
    before, first = violation(d, x), violation(d, inside(x0, *d.bounds(x0)))
    enough = NEARER * torch.minimum(before, first)
    x = nearest(d, beginning(d, x.where((before <= first)[:, None], x0)), enough, options)
    left = violation(d, x)
    found = left.isfinite() & (left <= enough)
    return items[found], drawn_back(d, x0, x, found & feasible(d, x))[found]


def nearest(d: Derivatives, begin: Tensor, enough: Tensor, options: Options) -> Tensor:
    """Points (B, n) of least violation from so far (B, n + q); by the exact Hessian where more than `enough` (B,) is
    left, for Gauss and Newton's hardly moves what begins without slopes.
    """
    own, n = replace(options, forward=AUTO), d.program.n
    at = approach(feasibility(d.program, linearised=True), d.theta, begin, soon(own), EFFORTS[0])[0].x
    rest = (violation(d, at[:, :n]) > enough).nonzero()[:, 0]
    if len(rest):
        further = approach(feasibility(d.program), take(d.theta, rest), at[rest], own, EFFORTS[0])[0].x
        at = at.index_copy(0, rest, further)
    return at[:, :n]


def drawn_back(d: Derivatives, start: Tensor, x: Tensor, done: Tensor) -> Tensor:
    """x (B, n), but where it is feasible (B,) and far from the start (B, n), the nearest point that still is, of those
    half as far, a quarter as far, and so on: sumsq(x) >= 1 is left from 0 by a step of any length.
    """
    items = (done & (worst((x - start).abs()) > FAR * worst(start.abs()).clamp(min=1))).nonzero()[:, 0]
    if len(items) == 0:
        return x
    d, start, on = Derivatives(d.program, take(d.theta, items)), start[items], torch.ones_like(items, dtype=torch.bool)
    nearest = x[items]
    for _ in range(HALVINGS):
        nearer = start + (nearest - start) / 2
        on = on & feasible(d, nearer)
        if not on.any():
            break
        nearest = nearer.where(on[:, None], nearest)
    return x.index_copy(0, items, nearest)


def beginning(d: Derivatives, x: Tensor) -> Tensor:
    """x and the violations of the inequalities there, moved between the bounds."""
    return torch.cat([x, d.g(inside(x, *d.bounds(x))).clamp(min=0)], -1)


def soon(options: Options) -> Options:
    """For Gauss and Newton, whose steps are few, or lead to and fro."""
    return replace(options, max_iterations=min(options.max_iterations, SOON))


def feasible(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): the rows hold, beside their terms."""
    nothing = torch.zeros_like(x)
    at = Primal(x, x.new_zeros(len(x), d.program.p), x.new_zeros(len(x), d.program.q), nothing, nothing)
    local = evaluate(d, at)
    return measure(local, at, d.program.blocks, units(local, at)).primal <= FEASIBLE


def violation(d: Derivatives, x: Tensor) -> Tensor:
    """(B,): how much the rows are violated in all; infinite where x is not a number."""
    return torch.cat([d.c(x).abs(), d.g(x).clamp(min=0)], -1).sum(-1).nan_to_num(nan=torch.inf)
