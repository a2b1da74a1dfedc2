"""`learn` data as nn.Parameters: each attribute is a parametrisation that no gradient step can break."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from declarative.ir.expr import Constant, Parameter
from declarative.source.diagnostic import DiagnosticError, error


@dataclass(frozen=True)
class Parametrisation:
    """`value(free)` has the attribute for every free tensor; `free(value)` is its right inverse."""

    value: Callable[[Tensor], Tensor]
    free: Callable[[Tensor], Tensor]


def _identity(t: Tensor) -> Tensor:
    return t


def _inverse_softplus(y: Tensor) -> Tensor:
    tiny = torch.finfo(y.dtype).tiny
    y = y.clamp(min=tiny)
    return y + torch.log(-torch.expm1(-y))


def _between(lo: float, hi: float) -> Parametrisation:
    if math.isinf(lo) and math.isinf(hi):
        return FREE
    if math.isinf(hi):
        return Parametrisation(lambda t: lo + softplus(t), lambda y: _inverse_softplus(y - lo))
    if math.isinf(lo):
        return Parametrisation(lambda t: hi - softplus(t), lambda y: _inverse_softplus(hi - y))
    return Parametrisation(
        lambda t: lo + (hi - lo) * torch.sigmoid(t),
        lambda y: torch.logit(((y - lo) / (hi - lo)).clamp(1e-12, 1 - 1e-12)),
    )


def _square_root(y: Tensor) -> Tensor:
    """L with L L' = y, for a symmetric positive semidefinite y."""
    values, vectors = torch.linalg.eigh(y)
    return vectors * values.clamp(min=0).sqrt().unsqueeze(-2)


def _polar(t: Tensor) -> Tensor:
    """The nearest matrix with orthonormal columns."""
    left, _, right = torch.linalg.svd(t, full_matrices=False)
    return left @ right


FREE = Parametrisation(_identity, _identity)
SYMMETRIC = Parametrisation(lambda t: (t + t.mT) / 2, _identity)
POSITIVE = Parametrisation(softplus, _inverse_softplus)
PSD = Parametrisation(lambda t: t @ t.mT, _square_root)


def _pd(t: Tensor) -> Tensor:
    floor = 1e-6 * torch.eye(t.shape[-1], dtype=t.dtype, device=t.device)
    return t @ t.mT + floor


def parametrisation(symbol: Parameter) -> Parametrisation:
    """The parametrisation of a `learn`. Raises DiagnosticError for attributes that have none together."""
    shaping = [a for a in symbol.attributes if a.name in ("nonneg", "pos", "between", "simplex", "unit")]
    matrix = [a for a in symbol.attributes if a.name in ("psd", "pd", "orthonormal", "binary")]
    if len(shaping) + len(matrix) > 1:
        names = ", ".join(a.name for a in symbol.attributes)
        text = f"`{symbol.name}` is learned: it can take one of its attributes ({names}), not several"
        raise DiagnosticError([error("E320", symbol.origin, text)])
    name = (shaping + matrix)[0].name if shaping + matrix else ""
    match name:
        case "":
            return SYMMETRIC if symbol.symmetric else FREE
        case "nonneg" | "pos":
            return POSITIVE
        case "between":
            lo, hi = (a.value if isinstance(a, Constant) else math.nan for a in shaping[0].args)
            if math.isnan(lo) or math.isnan(hi):
                text = f"`{symbol.name}` is learned: the bounds of `between` must be numbers"
                raise DiagnosticError([error("E320", symbol.origin, text)])
            return _between(lo, hi)
        case "simplex":
            axes = tuple(range(symbol.family - len(symbol.shape), 0))
            return Parametrisation(lambda t: _softmax(t, axes), lambda y: y.clamp(min=1e-12).log())
        case "unit":
            axes = tuple(range(symbol.family - len(symbol.shape), 0))
            return Parametrisation(lambda t: t / t.square().sum(axes, keepdim=True).sqrt(), _identity)
        case "psd":
            return PSD
        case "pd":
            return Parametrisation(_pd, _square_root)
        case "orthonormal":
            return Parametrisation(_polar, _identity)
        case _:
            text = f"`{symbol.name}` is learned: it cannot be {name}, which has no gradient"
            raise DiagnosticError([error("E320", symbol.origin, text, hints=("make it a const",))])


def _softmax(t: Tensor, axes: tuple[int, ...]) -> Tensor:
    top = t.amax(axes, keepdim=True)
    e = (t - top).exp()
    return e / e.sum(axes, keepdim=True)


def initial(symbol: Parameter, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Where an untold `learn` starts: uniform in +-1/sqrt(last size), as torch.nn.Linear does; 1 for positive data."""
    attributes = {a.name for a in symbol.attributes}
    if attributes & {"nonneg", "pos"}:
        return _inverse_softplus(torch.ones(shape, dtype=dtype))
    if attributes & {"psd", "pd"}:
        return torch.eye(shape[-1], dtype=dtype).expand(shape).clone()
    bound = 1 / math.sqrt(max(shape[-1], 1)) if shape else 1.0
    return torch.empty(shape, dtype=dtype).uniform_(-bound, bound)
