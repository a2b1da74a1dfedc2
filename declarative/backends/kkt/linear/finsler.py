"""A symmetric matrix and rows -> whether it is positive definite along the rows' null space, by one Cholesky factor.

It is, if and only if M + w A'A is positive definite for some w (Finsler 1937). A large w tells at once for nearly all
matrices; where it does not, whoever asks has to look at the null space itself.
"""

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import WEIGHT
from declarative.backends.kkt.linear.scaling import inverse_root


def surely_positive(M: Tensor, A: Tensor) -> Tensor:
    """(B,): M (B, n, n), of about unit size, is positive definite along the null space of A (B, m, n)."""
    if A.shape[1]:
        unit = A * inverse_root((A**2).sum(-1))[:, :, None]
        M = M + WEIGHT * unit.mT @ unit
    return torch.linalg.cholesky_ex(M)[1] == 0
