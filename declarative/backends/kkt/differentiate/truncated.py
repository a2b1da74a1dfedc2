"""The last steps of the projected-gradient method at a solution -> their derivative, in place of the solution's own.

One step of length 1/L moves x to the minimiser of the gradient's model plus L/2 |step|^2 along the active constraints.
Its derivative is K0^-1 r, where K0 is the matrix of the optimality conditions with L I in place of the Hessian. With
the k last steps,

    w_k = sum_j<k (I - K0^-1 K)^j K0^-1 r     (a Neumann series, whose limit is the implicit K^-1 r),

the one-step (Jacobian-free) derivative for k = 1: Bolte, Pauwels and Vaiter, One-step differentiation of iterative
algorithms, 2023. K0 and K are symmetric, so the same sum serves both modes of differentiation.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.linear.system import ActiveSystem, Right, SymmetricSolve


def last_steps(
    system: ActiveSystem, H: Tensor, A: Tensor, r: tuple[Tensor, ...], steps: int, step: float | None
) -> tuple[Tensor, ...]:
    """w_k for r = x (B, n), rows (B, m), bounds (B, n); H (B, n, n) and A (B, m, n) may be connected."""
    flat = torch.eye(H.shape[-1], dtype=H.dtype, device=H.device) * curvature(H, step)[:, None, None]
    exact, simple = (
        ActiveSystem(H, A, system.rows, system.fixed),
        ActiveSystem(flat, A.detach(), system.rows, system.fixed),
    )
    w = Right(*(torch.zeros_like(part) for part in r))
    for _ in range(steps):
        w = w + Right(*SymmetricSolve.apply(flat, A, *_parts(Right(*r) - exact.multiply(w)), simple))
    return _parts(w)


def curvature(H: Tensor, step: float | None) -> Tensor:
    """L (B,): one over the step, or a bound of the largest eigenvalue, with which the steps do not diverge."""
    if step is not None:
        return H.new_full((len(H),), 1 / step)
    bound = H.detach().abs().sum(-1).amax(-1) if H.shape[-1] else H.new_zeros(len(H))
    return torch.where(bound > 0, bound, 1)


def _parts(w: Right) -> tuple[Tensor, ...]:
    return w.x, w.rows, w.bounds
