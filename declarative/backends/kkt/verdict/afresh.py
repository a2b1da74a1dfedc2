"""A polished point that is not stationary, though its rows hold -> polished by other multipliers, and another way.

Two things can keep a flat minimum from being reached. Where y == x - a holds, (x, y) may begin at 0, off the row, and
end at (a, 0): y has gone nowhere, and tells nothing of the size beside which its slope 4y^3 is none. So the way begins
at the nearest point where the rows hold that were violated. And where rows look in opposite directions, a method can
raise their multipliers together, until a slope is a rounding error beside them; the least ones show it.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.least_norm import RANK, reciprocal
from declarative.backends.kkt.linear.scaling import equilibrate, times
from declarative.backends.kkt.linear.spectra import svd
from declarative.backends.kkt.methods.multipliers import fitted
from declarative.backends.kkt.methods.nlp import inside
from declarative.backends.kkt.program.certify import Local, Primal, measure, units, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import take
from declarative.backends.kkt.verdict.drowned import SHRUNK, force
from declarative.backends.kkt.verdict.here import at_point
from declarative.backends.kkt.verdict.polish import Polished, polish


def polished_afresh(
    d: Derivatives, found: Polished, began: Tensor, rounds: int, tolerance: float
) -> tuple[Polished, Tensor]:
    """The same, with what became better of it, and where the way to it began (B, n)."""
    if d.program.p + d.program.q == 0:
        return found, began
    shares, at, hidden = found.shares, found.at, at_point(d, overwhelmed, found.at, found.local)[0]
    which = hidden.nonzero()[:, 0]
    if len(which):
        least, local = fitted(Derivatives(d.program, take(d.theta, which)), at.x[which]), found.local.take(which)
        at = at.put(which, least)
        if not d.program.affine:  # or else there are multipliers, and with those that hid it all steps were in vain
            slope = measure(local, least, d.program.blocks, units(local, least)).dual
            hidden = hidden.index_put((which,), slope > tolerance)
    holds = torch.maximum(shares.primal, shares.gap) <= tolerance
    items = (holds & ((shares.dual > tolerance) | hidden)).nonzero()[:, 0]
    if len(items) == 0:
        return found, began
    here, program = Derivatives(d.program, take(d.theta, items)), d.program
    start, at = within_rows(here, began[items]), at.take(items)
    other = polish(here, at, program.open_domain, program.blocks, rounds, start, hidden=program.hidden)
    better = (other.shares.error <= tolerance).nonzero()[:, 0]
    if len(better) == 0:
        return found, began
    which = items[better]
    return found.put(which, other.take(better)), began.index_copy(0, which, start[better])


def overwhelmed(_: Derivatives, at: Primal, local: Local) -> tuple[Tensor]:
    """(B,): the forces of the rows balance each other, far above the slope."""
    D = units(local, at)
    return (worst(D * local.gradient.abs()) < SHRUNK * force(local, at, D),)


def within_rows(d: Derivatives, x: Tensor) -> Tensor:
    """The points nearest to x (B, n) at which the rows that x violates hold, linearised."""
    rows, J = torch.cat([d.c(x), d.g(x).clamp(min=0)], -1), torch.cat([d.jacobian_c(x), d.jacobian_g(x)], 1)
    J = torch.where((rows != 0)[:, :, None], J, 0)
    D, E = equilibrate(J.new_zeros(len(x), x.shape[1], x.shape[1]), J)
    U, S, Vt = svd((E[:, :, None] * J * D[:, None]).nan_to_num(0, 0, 0))
    step = D * times(Vt.mT, reciprocal(torch.where(S > RANK, S, 0)) * times(U.mT, -E * rows))
    there = inside(x + step, *d.bounds(x))
    return there.where(there.isfinite().all(-1, keepdim=True), x)
