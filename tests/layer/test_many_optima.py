"""Linear programs with many optima, however they are written, say so, and their gradients are finite."""

import pytest
import torch

import declarative
from declarative import Status

FLOAT = torch.float64
MEDIANS = {
    "one by one": "dim n; param c : R^n; var x : R; minimize sum(abs(x - c[i]) for i in n)",
    "a norm": "dim n; param c : R^n; var x : R; minimize norm1(x - c)",
    "an epigraph": "dim n; param c : R^n; var x : R; var t : R^n; minimize sum(t); subject to; t >= x - c; t >= c - x",
}
COSTS = {
    "a norm and a sum": "minimize norm1(x) + c'*x; subject to; sum(x) == 1",
    "weights": "minimize sum(c[i]*abs(x[i]) for i in n); subject to; sum(x) == 1",
    "a simplex": "minimize c'*x; subject to; x in Simplex",
}


def solved(text: str, c: torch.Tensor, backend: str = "kkt"):
    layer = declarative.compile(declarative.parse(text, name="many"), backend=backend)
    c = c.clone().requires_grad_()
    solution = layer.solve(c)
    (gradient,) = torch.autograd.grad(solution.x.reshape(len(c), -1).select(1, 0).sum(), c)
    return solution, gradient


@pytest.mark.parametrize("form", MEDIANS)
@pytest.mark.parametrize(("count", "many"), [(4, True), (6, True), (5, False), (7, False)])
def test_a_median_of_an_even_number_is_any_between_two(form, count, many):
    """Between the middle two; of an odd number it is one of them, and moves with it."""
    c = torch.randn(60, count, generator=torch.Generator().manual_seed(count), dtype=FLOAT)
    solution, gradient = solved(MEDIANS[form], c)
    assert (solution.nonunique == many).all()
    assert gradient.abs().max() <= 1 + 1e-9
    if not many:
        torch.testing.assert_close(gradient, torch.eye(count, dtype=FLOAT)[c.argsort(-1)[:, count // 2]])


@pytest.mark.parametrize("form", COSTS)
def test_costs_that_are_equal_leave_a_choice(form):
    """The two least costs are the same, and all between two corners is optimal; by both backends."""
    c = torch.rand(40, 4, generator=torch.Generator().manual_seed(0), dtype=FLOAT) + 0.1
    least = c.argsort(-1)
    tied = c.scatter(1, least[:, 1:2], c.gather(1, least[:, :1]))
    text = f"dim n; param c : R^n; var x : R^n; {COSTS[form]}"
    text = text.replace("param c : R^n", "param c : R^n, nonneg") if form == "weights" else text
    for backend in ("kkt", "cone"):
        for data, many in ((tied, True), (c, False)):
            solution, gradient = solved(text, data, backend)
            assert (solution.nonunique == many).all()
            assert gradient.abs().max() < 1e3


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("seed", range(4))
def test_what_a_cone_does_not_feel_is_free(scale, seed):
    """Where Ax = 0 the fraction is 0, whatever else x does: its slope there is no rounding error that x rests on."""
    names, row = "param A : R^(2,4)\nparam s : R\nvar x : R^4", "subject to\n -s <= x <= s"
    text = f"{names}\nminimize quad_over_lin(A*x, 3*s + x[0])\n{row}"
    layer = declarative.compile(declarative.parse(text), backend="cone")
    A = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = layer.solve(A, torch.tensor(scale, dtype=torch.float64))
    assert found.status == Status.SOLVED and found.nonunique
    assert (A @ found.x).abs().max() <= 1e-6 * scale and abs(found.value) <= 1e-12 * scale
