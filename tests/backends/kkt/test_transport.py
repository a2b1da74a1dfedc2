"""Optimal transport with an entropy: one row depends on the others, and solutions span many orders of magnitude."""

import pytest
import torch
from torch import Tensor

import declarative
from declarative import Status

TEXT = """
problem transport
dim m, n
param C : R^(m,n)
param a : R^m
param b : R^n
param eps : R, pos
var P : R^(m,n)
minimize sum(C .* P) - eps*sum(entr(P))
subject to
  rows: sum(P[i,j] for j in n) == a[i] for i in m
  cols: sum(P[i,j] for i in m) == b[j] for j in n
"""


def sinkhorn(C: Tensor, a: Tensor, b: Tensor, eps: float, rounds: int) -> Tensor:
    """The logarithm of the solution."""
    u, v = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(rounds):
        u = a.log() - torch.logsumexp(v - C / eps, 1)
        v = b.log() - torch.logsumexp(u[:, None] - C / eps, 0)
    return u[:, None] + v - C / eps


def bells(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Squares of distances on a line, and two marginals whose tails are small."""
    g = torch.linspace(0, 1, n, dtype=torch.float64)
    a, b = (-((g - 0.3) ** 2) / 0.04).exp(), (-((g - 0.7) ** 2) / 0.02).exp()
    return (g[:, None] - g) ** 2, a / a.sum(), b / b.sum()


def test_rounding_between_dependent_rows_does_not_go_to_small_ones():
    """A marginal is 1e-11 beside others of 0.3, so a millionth of it is their rounding error."""
    C, a, b = bells(8)
    eps = torch.tensor(0.1, dtype=torch.float64)
    layer = declarative.compile(declarative.parse(TEXT), backend="kkt", on_failure="mask")
    solution = layer.solve(C, a, b, eps)
    assert b.min() < 2e-11 and solution.status == Status.SOLVED and solution.primal_residual < 1e-12
    torch.testing.assert_close(solution["P"].log(), sinkhorn(C, a, b, 0.1, 200), rtol=0, atol=1e-10)


@pytest.mark.parametrize("eps", [0.03, 0.01, 0.004])
def test_entries_may_be_less_than_any_number(eps):
    """exp(-C/eps) goes down to 1e-258, and further than numbers go. The derivatives are those of Sinkhorn's method."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, 2, generator=generator, dtype=torch.float64) for n in (6, 5))
    C = (torch.cdist(x, y) ** 2).requires_grad_()
    a, b = torch.full((6,), 1 / 6, dtype=torch.float64), torch.full((5,), 1 / 5, dtype=torch.float64)
    layer = declarative.compile(declarative.parse(TEXT), backend="kkt", on_failure="mask")
    solution, expected = (
        layer.solve(C, a, b, torch.tensor(eps, dtype=torch.float64)),
        sinkhorn(C, a, b, eps, 3000).exp(),
    )
    assert solution.status == Status.SOLVED and (solution["P"] > 0).all()
    torch.testing.assert_close(solution["P"], expected, rtol=0, atol=1e-12)
    weights = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    found, wanted = (torch.autograd.grad((weights * P).sum(), C)[0] for P in (solution["P"], expected))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)
