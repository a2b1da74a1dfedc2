"""`psd` data of lower precision than the layer's -> the same, with the eigenvalues that rounding made negative lifted.

A'A in single precision has eigenvalues down to about -eps |A'A|; as they stand in double precision, the form would be
concave along their vectors. The diagonal is raised by what makes them eps |A'A|: the data are known no better, and the
derivative of that is the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor

from declarative.ir.expr import Parameter


def promised_psd(symbol: Parameter) -> bool:
    return any(attribute.name == "psd" for attribute in symbol.attributes)


def lifted(value: Tensor, given: torch.dtype) -> Tensor:
    """Matrices (..., n, n), given in the precision `given`; only those below zero by no more than n eps are changed."""
    if not given.is_floating_point or torch.finfo(given).eps <= torch.finfo(value.dtype).eps or not value.numel():
        return value
    eps, n = torch.finfo(given).eps, value.shape[-1]
    at = value.detach()
    low = torch.linalg.cholesky_ex(at).info != 0
    if not bool(low.any()):
        return value
    finite = at.isfinite().all(-1).all(-1)
    values = torch.linalg.eigvalsh(torch.where(finite[..., None, None], at, 0))
    scale = values.abs().amax(-1)
    shift = eps * scale - values.amin(-1)
    wanted = low & finite & (shift > 0) & (shift <= (n + 1) * eps * scale)
    eye = torch.eye(n, dtype=value.dtype, device=value.device)
    return value + torch.where(wanted, shift, 0)[..., None, None] * eye
