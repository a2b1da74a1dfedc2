"""A direction in which a quadratic program's conditions are pulled -> the gradient of its data, as outer products.

The conditions of the adjoint, F = (Px + q + A'y + G'z + b, Ax - b, Gx - h, x - bound), are linear in the data one by
one, so that u'dF/dP = u_x x', u'dF/dA = u_A x' + y u_x', and so on: no derivative needs to be taken.
"""

from functools import reduce

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.program.program import Active, Theta
from declarative.backends.numbers import plain
from declarative.backends.symmetric import mark_symmetric

Solution = tuple[Tensor, ...]  # x, y, z, z_lower, z_upper


def conditions_to_data(u: Solution, solution: Solution, active: Active, theta: Theta, needed: list[bool]):
    """u'dF/dtheta for u = (B, n), (B, p + q), (B, n); None where it is not needed."""
    (u_x, u_rows, u_b), (x, y, z, _, _) = u, solution
    u_c, u_g = u_rows[:, : y.shape[1]], u_rows[:, y.shape[1] :]
    formulas = (
        lambda: symmetric_products(u_x, x, theta[0]),
        lambda: over_batch(u_x, theta[1]),
        lambda: torch.zeros_like(theta[2]),
        lambda: products((u_c, y), (x, u_x), theta[3]),
        lambda: over_batch(-u_c, theta[4]),
        lambda: products((u_g, z), (x, u_x), theta[5]),
        lambda: over_batch(-u_g, theta[6]),
        lambda: over_batch(shared(u_b, active) * active.lower, theta[7]),
        lambda: over_batch(shared(u_b, active) * active.upper, theta[8]),
    )
    return tuple(formula() if wanted else None for formula, wanted in zip(formulas, needed, strict=True))


def shared(u_b: Tensor, active: Active) -> Tensor:
    """-u_b, of which each side of a variable that is fixed by both has a half."""
    return torch.where(active.lower & active.upper, -0.5, -1.0) * u_b


def lagrangian_to_data(v: Tensor, solution: Solution, theta: Theta, needed: list[bool]):
    """v'dL/dtheta for v (B,): the gradient of the optimal value."""
    x, y, z, z_lower, z_upper = (v[:, None] * part for part in solution)
    at = solution[0]
    formulas = (
        lambda: symmetric_products(x, at / 2, theta[0]),
        lambda: over_batch(x, theta[1]),
        lambda: over_batch(v, theta[2]),
        lambda: products((y,), (at,), theta[3]),
        lambda: over_batch(-y, theta[4]),
        lambda: products((z,), (at,), theta[5]),
        lambda: over_batch(-z, theta[6]),
        lambda: over_batch(z_lower, theta[7]),
        lambda: over_batch(-z_upper, theta[8]),
    )
    return tuple(formula() if wanted else None for formula, wanted in zip(formulas, needed, strict=True))


def symmetric_products(left: Tensor, right: Tensor, like: Tensor) -> Tensor:
    """(l r' + r l')/2, summed over the batch where `like` is shared."""
    half = left / 2
    found = products((half, right), (right, half), like)
    return mark_symmetric(found) if plain((found,)) else found


def products(left: tuple[Tensor, ...], right: tuple[Tensor, ...], like: Tensor) -> Tensor:
    """The sum of l r' over the one or two pairs, and over the batch where `like` (B or 1, k, n) is shared."""
    if len(like) < len(left[0]):
        return (torch.cat(left).mT @ torch.cat(right))[None]
    if len(left) == 2 and plain((*left, *right)) and compiles():
        return summed(*left, *right)
    return reduce(torch.add, (l[:, :, None] * r[:, None, :] for l, r in zip(left, right, strict=True)))


def summed(a: Tensor, b: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """a x' + b y' of plain numbers."""
    from declarative.backends.kkt.compiled.products import sum_products

    found = np.empty((*a.shape, x.shape[1]))
    a, b, x, y = (t.detach().contiguous() for t in (a, b, x, y))
    sum_products(a.numpy(), x.numpy(), b.numpy(), y.numpy(), found)
    return torch.from_numpy(found)


def over_batch(value: Tensor, like: Tensor) -> Tensor:
    """The value (B, ...), summed over the batch where `like` is shared."""
    return value if like.shape[0] == value.shape[0] else value.sum(0, keepdim=True)
