"""Transport with an entropy by the cone backend, against Sinkhorn's iteration, down to masses that underflow."""

import pytest
import torch

import declarative
from declarative import Status

TEXT = """
dim n
param C : R^(n,n)
param a : R^n
param b : R^n
param eps : R, pos
var P : R^(n,n)ATTRIBUTE
minimize sum(C.*P) - eps*sum(entr(P))
subject to
  rows: sum(P[i,j] for j in n) == a[i] for i in n
  columns: sum(P[i,j] for i in n) == b[j] for j in n
"""


def sinkhorn(C: torch.Tensor, a: torch.Tensor, b: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
    """P = exp((f + g - C)/eps) with the right sums."""
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(20000):
        f = eps * (a.log() - torch.logsumexp((g - C) / eps, 1))
        old, g = g, eps * (b.log() - torch.logsumexp((f[:, None] - C) / eps, 0))
        if (g - old).abs().max() <= 1e-15:
            break
    return torch.exp((f[:, None] + g - C) / eps)


@pytest.mark.parametrize("attribute", ["", ", nonneg"])
@pytest.mark.parametrize("share", [1e-1, 1e-2, 3e-3, 1e-3])
@pytest.mark.parametrize("n", [5, 20])
def test_plan_and_slopes_of_the_value(n, share, attribute):
    """Of the value, the slope in C is P and that in eps the negative entropy of P. That P >= 0 is known anyway."""
    generator = torch.Generator().manual_seed(n)
    x, y = torch.rand(2, n, 2, generator=generator, dtype=torch.float64)
    a, b = torch.rand(2, n, generator=generator, dtype=torch.float64) + 0.1
    C, a, b = (x[:, None] - y).square().sum(-1), a / a.sum(), b / b.sum()
    eps = share * C.mean()
    P = sinkhorn(C, a, b, eps)
    C.requires_grad_(), eps.requires_grad_()
    problem = declarative.parse(TEXT.replace("ATTRIBUTE", attribute), name="transport")
    layer = declarative.compile(problem, backend="cone", on_failure="mask")
    solution = layer.solve(C, a, b, eps)
    slopes = torch.autograd.grad(solution.value, [C, eps])
    assert solution.status == Status.SOLVED and not solution.degenerate
    assert (solution["P"] - P).abs().max() <= 1e-9
    assert torch.allclose(slopes[0], P, rtol=0, atol=1e-9)
    assert abs(slopes[1].item() / torch.special.xlogy(P, P).sum().item() - 1) <= 1e-8
