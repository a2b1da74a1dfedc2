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


@pytest.mark.parametrize("eps", [1.0, 0.1, 0.03])
@pytest.mark.parametrize("sizes", [(3, 3), (4, 6)])
def test_marginals_of_one_sum_are_no_degeneracy(sizes, eps):
    """One row follows from the others: its multiplier is free, the plan and its derivatives along such data are not."""
    generator = torch.Generator().manual_seed(0)

    def positive(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.2

    C, a, b, w = positive(*sizes), positive(sizes[0]), positive(sizes[1]), positive(*sizes)
    data = [C, a, b * a.sum() / b.sum(), torch.tensor(eps, dtype=torch.float64)]
    way = [positive(*sizes), positive(sizes[0]), positive(sizes[1]), torch.tensor(eps / 2, dtype=torch.float64)]
    way[2] = way[2] * way[1].sum() / way[2].sum()
    layer = declarative.compile(declarative.parse(TEXT), backend="kkt")
    leaves = [part.clone().requires_grad_() for part in data]
    solution = layer.solve(*leaves)
    assert bool(solution.dual_nonunique) and not solution.degenerate and not solution.nonunique
    for output in (lambda s: (w * s["P"]).sum(), lambda s: s.value):
        slopes = torch.autograd.grad(output(solution), leaves, retain_graph=True)
        found = sum((slope * v).sum() for slope, v in zip(slopes, way, strict=True))
        at = {k: [x + 1e-4 * k * v for x, v in zip(data, way, strict=True)] for k in (-2, -1, 1, 2)}
        value = {k: output(layer.solve(*there)) for k, there in at.items()}
        expected = (8 * (value[1] - value[-1]) - (value[2] - value[-2])) / 12e-4
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


ROWS = "x[0]^2 + x[1] == 3; x[0] - x[1]^3 == 1"


@pytest.mark.parametrize(("rows", "several"), [(ROWS, False), (ROWS + "; 2*x[0] - 2*x[1]^3 == 2", True)])
def test_equations_that_fix_all_unknowns_are_no_degeneracy(rows, several):
    """Nothing is left for a Hessian of 0 to be flat along; also where one equation follows from another."""
    text = f"problem p; var x : R^2, start(1); minimize 0; subject to; {rows}"
    solution = declarative.compile(declarative.parse(text)).solve()
    assert not solution.degenerate and bool(solution.dual_nonunique) is several


def test_equations_that_depend_on_each_other_only_where_both_hold_are_one():
    """(x - 1)*(y - 1) == a follows from x == 1 where a = 0, and contradicts it where it is not."""
    text = "problem p; param a : R; var x : R; var y : R; minimize (y - 3)^2; subject to; (x - 1)*(y - 1) == a; x == 1"
    solution = declarative.compile(declarative.parse(text)).solve(torch.tensor(0.0, dtype=torch.float64))
    assert solution.degenerate and solution.dual_nonunique
