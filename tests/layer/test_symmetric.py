"""The symmetric part of a matrix, with derivatives of any order and mode."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import declarative
from declarative.backends.symmetric import known_symmetric, mark_symmetric
from declarative.layer.symmetric import SymmetricPart


def test_derivatives_of_the_symmetric_part():
    t = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    part = SymmetricPart.apply(t)
    assert torch.equal(part, part.mT) and torch.equal(part, (t + t.mT) / 2)
    assert gradcheck(SymmetricPart.apply, t, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(SymmetricPart.apply, t)
    torch.testing.assert_close(torch.func.vmap(SymmetricPart.apply)(t), part)


class Traced(torch.autograd.Function):
    """tr(M's) for a symmetric M, whose gradient is marked."""

    @staticmethod
    def forward(ctx, s, M):
        ctx.M = M
        return (M * s).sum()

    @staticmethod
    def backward(ctx, g):
        return mark_symmetric(g * ctx.M), None


@pytest.mark.parametrize("marked_first", [True, False])
def test_a_marked_gradient_is_taken_as_it_is_but_not_in_a_sum(marked_first):
    """Autograd may write a sum into the marked gradient, which is the symmetric one no longer."""
    t, W, M = (torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in range(3))
    M, t = M + M.mT, t.requires_grad_()
    (alone,) = torch.autograd.grad(Traced.apply(SymmetricPart.apply(t), M), t)
    assert torch.equal(alone, M)
    s = SymmetricPart.apply(t)
    parts = [Traced.apply(s, M), (W * s).sum()]
    first, second = parts if marked_first else reversed(parts)
    (both,) = torch.autograd.grad(first + second, t)
    torch.testing.assert_close(both, M + (W + W.mT) / 2)


def test_a_mark_ends_where_the_gradient_is_written_into():
    gradient = mark_symmetric(torch.eye(3))
    assert known_symmetric(gradient) and not known_symmetric(gradient.clone())
    assert not known_symmetric(gradient.add_(1))


def test_the_gradient_of_a_hessian_is_symmetric():
    """Of P in x'Px/2 + q'x: the symmetric part of -w x' with w = P^-1 v."""
    text = "dim n; param P : S^n, psd; param q : R^n; var x : R^n; minimize 1/2*quad(x, P) + q'*x"
    layer, generator = declarative.compile(declarative.parse(text), backend="kkt"), torch.Generator().manual_seed(0)
    F, q = (torch.randn(5, *k, generator=generator, dtype=torch.float64) for k in ((3, 3), (3,)))
    P = (F @ F.mT + torch.eye(3)).requires_grad_()
    x = layer(P, q)
    (found,) = torch.autograd.grad(x.sum(), P)
    w = torch.linalg.solve(P.detach(), torch.ones_like(q))
    outer = -w[:, :, None] * x.detach()[:, None]
    torch.testing.assert_close(found, (outer + outer.mT) / 2)
