"""A certified point -> how far its curved rows are from holding, beside what they change by where x is another.

A certificate measures a row beside its slope times x, which is what an affine row is made of. That of sin(x^2) <= 1/2
at x = 1e5 is 1e10, while the row lies between two numbers: no x is near enough for the slope to count. So it is not
taken for more than the row changes by on the way from x to 0 or to 2 x, where it does not rise beyond all bounds.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.program.certify import Local, Primal, beside, rounding, row_terms, units, worst
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import repeated, take
from declarative.backends.kkt.verdict.polish import Polished

ROUNDED = 1e-12  # of the terms of a row: less is rounding error
LENGTHS = (1.0, 0.62, 0.27, 0.1)  # of x
WAYS = 3  # sets of signs
STRAIGHT = 1e-9  # what bends less is affine


def unsettled(d: Derivatives, found: Polished) -> Tensor:
    """(B,): some row that may bend misses more than rounding error, beside its slope times x."""
    shares = found.shares
    if d.program.affine:
        return torch.zeros_like(shares.primal, dtype=torch.bool)
    return torch.maximum(shares.primal, shares.gap) > ROUNDED


def missed(d: Derivatives, found: Polished, items: Tensor) -> Tensor:
    """(B,): of some items (bool, B) the worst residual of c and of the violated or active rows of g that bend."""
    which = items.nonzero()[:, 0]
    d, local, at = Derivatives(d.program, take(d.theta, which)), found.local.take(which), found.at.take(which)
    rows, J = torch.cat([local.c, local.g], -1), torch.cat([local.Jc, local.Jg], 1)
    held = torch.cat([torch.zeros_like(at.y, dtype=torch.bool), at.z == 0], -1)
    residual = torch.where(held, rows.clamp(min=0), rows.abs())
    terms = row_terms(J, rows, at.x, at.x.abs(), torch.zeros_like(at.x))
    residual = torch.where(residual > rounded(local, at), residual, 0)
    changes = extents(d, at.x, J)  # what is affine has been judged, beside what rounding makes of x too
    error = worst(torch.where(changes.isinf(), 0, beside(residual, torch.minimum(terms, changes))))
    return torch.zeros_like(found.shares.primal).index_put((which,), error)


def rounded(local: Local, at: Primal) -> Tensor:
    """(K, p + q): what rounding makes of c and g, their own and that of x in rows that have no other measure."""
    noise, own = rounding(local, at, units(local, at)), at.x.abs()
    terms = torch.cat([local.terms_of_c(at.x, own, noise), local.terms_of_g(at.x, own, noise)], -1)
    return torch.maximum(ROUNDED * terms, torch.cat([local.c_rounding, local.g_rounding], -1))


def extents(d: Derivatives, x: Tensor, J: Tensor) -> Tensor:
    """(K, p + q): how much each row changes between x (K, n) and places about as large; infinite for an affine row, and
    where it is not finite at any.
    """
    n = x.shape[1]
    places, lengths = torch.arange(1, n + 1, dtype=x.dtype, device=x.device), x.new_tensor(LENGTHS)
    signs = torch.stack([torch.sin(1.0 + k * places).sign() for k in range(WAYS)])
    steps = torch.cat([lengths, -lengths])[:, None, None] * signs * x.abs()[:, None, None]  # (K, 2 lengths, ways, n)
    several = Derivatives(d.program, repeated(d.theta, steps.shape[1] * WAYS))
    there = (x[:, None, None] + steps).flatten(0, 2)
    here = torch.cat([d.c(x), d.g(x)], -1)[:, None, None]
    change = torch.cat([several.c(there), several.g(there)], -1).view(*steps.shape[:3], -1) - here
    straight = (steps.flatten(1, 2) @ J.mT).view_as(change)
    affine = ((change - straight).abs() <= STRAIGHT * straight.abs().amax((1, 2), keepdim=True)).all(2).all(1)
    sides = change.abs().nan_to_num(nan=torch.inf).unflatten(1, (2, len(LENGTHS))).amax(2)  # (K, 2, ways, rows)
    size = sides.amin(1)
    size = torch.where(size.isinf(), 0, size).amax(1)
    return torch.where(affine | (size == 0), torch.inf, size)
