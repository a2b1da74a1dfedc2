"""A quadratic form whose matrix is a parameter, bounded by a second-order cone, with exact derivatives in the matrix.

x'Px <= t is a cone row in Fx with F'F = P, and sqrt(x'Px) <= t is one too. F is found anew from the numbers of each
call, and nothing is differentiated through it: at a singular P it has no derivative, while the solution may have one.
Near a solution x = e, a move dP changes f(x) = x'Px in value by e'dPe and in slope by 2 dP e; so does adding
a'x - beta with a = 2 dP e and beta = e'dPe. (With the root tau = sqrt(e'Pe), a = dP e/tau - Pe e'dPe/(2 tau^3) and
beta = 0.) The rows bound f(x) + a'x - beta for a = beta = 0, whose derivatives in P are these: a first derivative needs
no more of a constraint than its value and slope. Second derivatives raise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.rows.template import Entries, Template
from declarative.backends.cone.sets.cones import Block, Kind

SECOND = "second derivatives with respect to the matrix of a quadratic form in a constraint are not available"


@dataclass(frozen=True)
class FormRows:
    """Of x'Ax <= t (`sign` 1) or x'Ax >= t (-1, where -A is positive semidefinite), x in R^n; `root`: of its root."""

    n: int
    sign: int
    root: bool

    def template(self) -> Template:
        """With u = sign t - a'x + beta: (1 + u, 1 - u, 2Fx) in a cone, or (u, Fx). Parameters: F, a, beta, and 1."""
        n, j = self.n, np.arange(self.n)
        F, a, beta, one = np.arange(n * n), n * n + j, n * n + n, n * n + n + 1
        heads = (1,) if self.root else (1, -1)  # u enters the first rows with these signs
        i, k = np.divmod(F, n)
        scale = -1.0 if self.root else -2.0
        rows = [np.r_[np.full(n, r), r] for r in range(len(heads))]
        columns, params = [np.r_[j, n]] * len(heads), [np.r_[a, one]] * len(heads)
        values = [h * np.r_[np.ones(n), -float(self.sign)] for h in heads]
        A = _entries([*rows, len(heads) + i], [*columns, k], [*params, F], [*values, np.full(n * n, scale)])
        at = [np.arange(len(heads))] * 2
        offset = np.full(len(heads), 0.0 if self.root else 1.0)
        b = _entries(at, [0 * r for r in at], [np.full(len(heads), p) for p in (beta, one)], [np.array(heads), offset])
        return Template((Block(Kind.SOC, len(heads) + n),), (0,), (1,), (n, 1), 0, A, b)

    def parameters(self, matrix: Tensor, x: Tensor | None) -> Tensor:
        """F, a and beta, (B, count, n n + n + 1), from A (B, count, n n); x (B, count, n): the solution, once known."""
        P = self.sign * matrix.unflatten(-1, (self.n, self.n))
        F = _Factor.apply(P).flatten(-2)  # pyright: ignore[reportGeneralTypeIssues]
        if x is None:
            return torch.cat([F, F.new_zeros(*F.shape[:-1], self.n + 1)], -1)
        batch = max(len(P), len(x))
        move = _Move.apply(P.expand(batch, *P.shape[1:]), x.expand(batch, *x.shape[1:]), self.root)
        return torch.cat([F.expand(batch, *F.shape[1:]), move], -1)  # pyright: ignore[reportArgumentType]


def _entries(rows: list, columns: list, params: list, values: list) -> Entries:
    at, to, of = (np.concatenate(part).astype(np.int64) for part in (rows, columns, params))
    return Entries(at, to, of, np.concatenate(values).astype(float))


class _Factor(torch.autograd.Function):
    """F with F'F = P, by the eigenvalues of P: numbers only."""

    generate_vmap_rule = True

    @staticmethod
    def forward(P: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh((P + P.mT) / 2)
        return values.clamp(min=0).sqrt().unsqueeze(-1) * vectors.mT

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx, g):
        return None

    @staticmethod
    def jvp(ctx, dP):
        return None


class _Move(torch.autograd.Function):
    """(P, e) -> (a, beta), which are 0 at the P given, and linear in its moves."""

    generate_vmap_rule = True

    @staticmethod
    def forward(P: Tensor, e: Tensor, root: bool) -> Tensor:
        return P.new_zeros(*e.shape[:-1], e.shape[-1] + 1)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.root = inputs[2]
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def backward(ctx, g):
        return _Pull.apply(g, *ctx.saved_tensors, ctx.root), None, None

    @staticmethod
    def jvp(ctx, dP, *_):
        return _Push.apply(dP, *ctx.saved_tensors, ctx.root)


class _Once(torch.autograd.Function):
    """A derivative of `_Move`; it depends on P and e, so that a further one raises, and is not taken for 0."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, *_):
        raise NotImplementedError(SECOND)

    @staticmethod
    def jvp(ctx, *_):
        raise NotImplementedError(SECOND)


class _Push(_Once):
    """The moves of (a, beta) along dP."""

    @staticmethod
    def forward(dP: Tensor, P: Tensor, e: Tensor, root: bool) -> Tensor:
        across = _times((dP + dP.mT) / 2, e)
        value = (e * across).sum(-1, keepdim=True)
        if not root:
            return torch.cat([2 * across, value], -1)
        half, cubed = _roots(P, e)
        a = 2 * half * across - cubed * value * _times((P + P.mT) / 2, e)
        return torch.cat([a, torch.zeros_like(value)], -1)


class _Pull(_Once):
    """The adjoint: gradients of (a, beta) to the gradient of P, which is symmetric."""

    @staticmethod
    def forward(g: Tensor, P: Tensor, e: Tensor, root: bool) -> Tensor:
        ga, gb = g[..., :-1], g[..., -1:]
        if root:
            half, cubed = _roots(P, e)
            gb = -cubed * (ga * _times((P + P.mT) / 2, e)).sum(-1, keepdim=True)
            ga = half * ga
        both = ga.unsqueeze(-1) * e.unsqueeze(-2)
        return both + both.mT + gb.unsqueeze(-1) * e.unsqueeze(-1) * e.unsqueeze(-2)


def _times(P: Tensor, e: Tensor) -> Tensor:
    return (P @ e.unsqueeze(-1)).squeeze(-1)


def _roots(P: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
    """1/(2 tau) and 1/(2 tau^3); 0 at the kink tau = 0, where the root has no slope."""
    tau = (e * _times(P, e)).sum(-1, keepdim=True).clamp(min=0).sqrt()
    safe = torch.where(tau > 0, tau, torch.ones_like(tau))
    return torch.where(tau > 0, 0.5 / safe, 0.0), torch.where(tau > 0, 0.5 / safe**3, 0.0)
