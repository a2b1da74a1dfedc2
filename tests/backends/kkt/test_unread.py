"""Variables on which nothing depends: they are harmless whatever bounds them, and flagged."""

import pytest
import torch

import declarative

OBJECTIVES = {
    "(x - a)^4": lambda a: a,
    "(x - a)^2": lambda a: a,
    "exp(x) - a*x": lambda a: a.log(),
    "xlogx(x) - a*x": lambda a: (a - 1).exp(),
}
DECLARED = ("y : R", "y : R, nonneg", "y : R^3, nonneg", "y : R^2, simplex", "y : R, start(7)")


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize(
    "backend, objective", [("kkt", f) for f in OBJECTIVES] + [("cone", f) for f in list(OBJECTIVES)[1:]]
)
def test_they_change_nothing(backend, objective, declared):
    text = f"param a : R, pos; var x : R; var {declared}; minimize {objective}"
    a = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(declarative.parse(text), backend=backend).solve(a=a)
    assert (solution.status == 0).all() and solution.nonunique.all()
    expected = OBJECTIVES[objective](a)
    torch.testing.assert_close(solution["x"], expected, rtol=0, atol=2e-5)
    assert solution["y"].abs().max() < 10 and solution["y"].min() >= -1e-6
    found, wanted = (torch.autograd.grad(v.sum(), a)[0] for v in (solution["x"], expected))
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


def test_a_barrier_does_not_push_entries_of_a_vector_that_is_read_in_part():
    text = "var y : R^4, nonneg, start(3); minimize (y[1] - 2)^4 + (y[3] - 1)^4"
    y = declarative.compile(declarative.parse(text), backend="kkt")()
    torch.testing.assert_close(y, torch.tensor([3.0, 2, 3, 1], dtype=y.dtype), rtol=0, atol=1e-5)


def test_what_is_flat_only_where_the_method_begins_is_read():
    text = "var x : R; var y : R, nonneg; minimize (x - 1)^2 + (y^2 - 4)^2"
    y = declarative.compile(declarative.parse(text.replace("y^2", "(y - 0.01)^2")), backend="kkt").solve()["y"]
    torch.testing.assert_close(y, torch.tensor(2.01, dtype=y.dtype), rtol=0, atol=1e-8)
