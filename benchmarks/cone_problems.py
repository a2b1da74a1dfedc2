"""Three convex problems with data: in our language, for cvxpylayers, and as smooth equations with exact derivatives.

Near its solution each is a smooth system F(w, data) = 0 once its active set is known. Newton's method solves it to the
last digit, and one more step on the tape of autograd, w - J^-1 F(w, data), has the derivatives of the implicit function
theorem. No cone, and no line of the layer, has a part in it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import torch
from torch import Tensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from cvxpylayers.torch import CvxpyLayer  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]

Data = tuple[Tensor, ...]


@dataclass(frozen=True)
class Problem:
    """`reference` maps the data of one item and a solution to some digits to the solution with its derivatives."""

    title: str
    text: str
    sizes: dict[str, int]
    data: Data
    layer: Callable[[], Callable[..., Tensor]]  # cvxpylayers' own, with its solver's arguments as keyword
    reference: Callable[..., Tensor]


def newton(F: Callable[..., Tensor], start: Tensor, data: Data) -> Tensor:
    w, fixed = start.detach(), tuple(t.detach() for t in data)
    for _ in range(8):
        w = w - torch.linalg.solve(torch.func.jacrev(F)(w, *fixed), F(w, *fixed))
    return w - torch.linalg.solve(torch.func.jacrev(F)(w, *fixed), F(w, *data))


# --- a linear program with rows that vary in ellipsoids: second-order cones ----------------------------------

ROBUST = """
dim m, n, k
param c : R^n
param a[m] : R^n
param P[m] : R^(n,k)
param b : R^m
var x : R^n
minimize c'*x
subject to
  robust: a[i]'*x + norm(P[i]'*x) <= b[i] for i in m
"""


def robust_lp(batch: int, n: int = 20, m: int = 50, k: int = 5) -> Problem:
    torch.manual_seed(0)
    c, a, b = torch.randn(batch, n), torch.randn(batch, m, n), torch.rand(batch, m) + 1
    P = 0.2 * torch.randn(batch, m, n, k)

    def rows(x: Tensor, a: Tensor, P: Tensor, b: Tensor) -> Tensor:
        return a @ x + (P.mT @ x).norm(dim=-1) - b

    def reference(x: Tensor, c: Tensor, a: Tensor, P: Tensor, b: Tensor) -> Tensor:
        active = rows(x, a, P, b) > -1e-5
        data = (c, a[active], P[active], b[active])

        def F(w: Tensor, c: Tensor, *data: Tensor) -> Tensor:
            g, pull = torch.func.vjp(lambda x: rows(x, *data), w[:n])  # pyright: ignore
            return torch.cat([c + pull(w[n:])[0], g])

        slopes = torch.func.jacrev(lambda x: rows(x, *data[1:]))(x)
        start = torch.cat([x, torch.linalg.lstsq(slopes.mT, -c[:, None]).solution[:, 0]])
        return newton(F, start, data)[:n]

    def layer() -> Callable[..., Tensor]:
        x, c, a, b = cp.Variable(n), cp.Parameter(n), cp.Parameter((m, n)), cp.Parameter(m)
        Ps = [cp.Parameter((n, k)) for _ in range(m)]
        limits = [a[i] @ x + cp.norm(Ps[i].T @ x) <= b[i] for i in range(m)]
        own = CvxpyLayer(cp.Problem(cp.Minimize(c @ x), limits), parameters=[c, a, *Ps, b], variables=[x])  # pyright: ignore
        return lambda c, a, P, b, **args: own(c, a, *P.unbind(1), b, **args)[0]

    return Problem(
        f"robust_lp, n={n}, m={m}, k={k}, B={batch}",
        ROBUST,
        {"m": m, "n": n, "k": k},
        _double(c, a, P, b),
        layer,
        reference,
    )


# --- the nearest correlation matrix: a semidefinite cone ----------------------------------------------------------

NEAREST = """
dim n
param C : S^n
var X : S^n
minimize sumsq(X - C)
subject to
  unit: diag(X) == 1
  cone: X in PSD
"""


def nearest_correlation(batch: int, n: int = 10) -> Problem:
    torch.manual_seed(0)
    C = torch.randn(batch, n, n)

    def positive(C: Tensor, y: Tensor) -> Tensor:
        values, Q = torch.linalg.eigh(C + torch.diag(y))
        return (Q * values.clamp(min=0)) @ Q.mT

    def reference(X: Tensor, C: Tensor) -> Tensor:
        """X is the positive part of C + diag(y) for the multipliers y of the diagonal (Malick, 2004)."""
        C = (C + C.mT) / 2
        y = newton(lambda y, C: positive(C, y).diagonal() - 1, torch.zeros(n).double() + 1 - C.diagonal(), (C,))
        return positive(C, y)

    def layer() -> Callable[..., Tensor]:
        X, C = cp.Variable((n, n), symmetric=True), cp.Parameter((n, n))
        problem = cp.Problem(cp.Minimize(cp.sum_squares(X - C)), [cp.diag(X) == 1, X >> 0])  # pyright: ignore
        own = CvxpyLayer(problem, parameters=[C], variables=[X])
        return lambda C, **args: own((C + C.mT) / 2, **args)[0]

    return Problem(
        f"nearest_correlation, n={n}, B={batch}", NEAREST, {"n": n}, _double((C + C.mT) / 2), layer, reference
    )


# --- logistic regression with a norm-1 penalty: exponential cones --------------------------------------------------

LOGISTIC = """
dim m, n
param Z : R^(m,n)
param lam : R, pos
var w : R^n
minimize sum(logistic(-(Z*w))) + lam*norm1(w)
"""


def logistic(batch: int, m: int = 50, n: int = 20) -> Problem:
    torch.manual_seed(0)
    X, w, noise = torch.randn(batch, m, n), torch.randn(batch, n, 1), torch.randn(batch, m, 1) / 2
    Z, lam = torch.sign(X @ w + noise) * X, torch.full((batch,), 2.0)

    def reference(w: Tensor, Z: Tensor, lam: Tensor) -> Tensor:
        support, sign = (w.abs() > 1e-5).nonzero()[:, 0], w.sign()

        def F(own: Tensor, Z: Tensor, lam: Tensor) -> Tensor:
            Z = Z[:, support]
            return -Z.mT @ torch.sigmoid(-(Z @ own)) + lam * sign[support]

        return torch.zeros_like(w).index_copy(0, support, newton(F, w[support], (Z, lam)))

    def layer() -> Callable[..., Tensor]:
        w, Z, lam = cp.Variable(n), cp.Parameter((m, n)), cp.Parameter(nonneg=True)
        problem = cp.Problem(cp.Minimize(cp.sum(cp.logistic(-Z @ w)) + lam * cp.norm1(w)))
        own = CvxpyLayer(problem, parameters=[Z, lam], variables=[w])
        return lambda *data, **args: own(*data, **args)[0]

    return Problem(f"logistic, {m} x {n}, B={batch}", LOGISTIC, {"m": m, "n": n}, _double(Z, lam), layer, reference)


def _double(*parts: Any) -> Data:
    return tuple(part.double().requires_grad_() for part in parts)
