"""Controllers of plants that run away when left alone, whose inputs stand at their bounds most of the time."""

import cvxpy as cp
import numpy as np
import pytest
import torch
from layer.cases import EXAMPLES, TIGHT

import declarative
from declarative.backends.kkt import convex, definite
from declarative.backends.kkt.methods import qp

FLOAT = torch.float64
BATCH, STATES, INPUTS = 6, 4, 2


def plant(growth: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A whose largest eigenvalue is `growth`, B, and where the items begin."""
    g = torch.Generator().manual_seed(2)
    A = torch.eye(STATES, dtype=FLOAT) + 0.1 * torch.randn(STATES, STATES, generator=g, dtype=FLOAT)
    B, x0 = (torch.randn(*size, generator=g, dtype=FLOAT) for size in ((STATES, INPUTS), (BATCH, STATES)))
    return A * growth / torch.linalg.eigvals(A).abs().max(), B, 3 * x0


def controller(A: torch.Tensor, B: torch.Tensor, steps: int):
    return declarative.compile(
        EXAMPLES / "mpc.opt", backend="kkt", on_failure="mask", learn={"A": A, "B": B}, dims={"T": steps}
    )


def solved(growth: float, steps: int) -> declarative.Solution:
    A, B, x0 = plant(growth)
    layer = controller(A, B, steps)
    x0 = x0.requires_grad_()
    solution = layer.solve(x0=x0, Q=torch.eye(STATES, dtype=FLOAT), R=0.1 * torch.eye(INPUTS, dtype=FLOAT))
    solution["u"].square().sum().backward()
    assert x0.grad is not None and x0.grad.isfinite().all()
    return solution


def expected(growth: float, steps: int, k: int) -> np.ndarray:
    """The inputs of item k, by Clarabel."""
    A, B, x0 = (part.numpy() for part in plant(growth))
    x, u = cp.Variable((steps + 1, STATES)), cp.Variable((steps, INPUTS))
    rows = [x[0] == x0[k], cp.abs(u) <= 1, *(x[t + 1] == A @ x[t] + B @ u[t] for t in range(steps))]
    cp.Problem(cp.Minimize(cp.sum_squares(x) + 0.1 * cp.sum_squares(u)), rows).solve(**TIGHT)
    assert u.value is not None
    return u.value


@pytest.mark.parametrize("growth, steps", [(1.3, 12), (1.3, 24), (1.5, 16)])
def test_every_item_is_solved_on_kkt(growth, steps):
    solution = solved(growth, steps)
    assert solution.solved.all() and solution["u"].abs().max() <= 1
    assert (solution["u"].abs() == 1).double().mean() > 0.4
    for k in (0, BATCH - 1):
        np.testing.assert_allclose(solution["u"][k].detach().numpy(), expected(growth, steps, k), atol=1e-5)


def test_in_torch_as_in_compiled_code(monkeypatch):
    compiled = solved(1.3, 12)
    monkeypatch.setattr(qp, "suits", lambda _: False)
    for module in (convex, definite):
        monkeypatch.setattr(module, "suits", lambda *_: False)
    in_torch = solved(1.3, 12)
    assert in_torch.solved.all()
    torch.testing.assert_close(in_torch["u"], compiled["u"], rtol=0, atol=1e-9)


def test_interior_points_leave_the_walls_that_hem_them_in():
    """Found from afar: without block pivoting's guess, which may solve an item before."""
    A, B, x0 = plant(1.3)
    found = []
    layer = controller(A, B, 24)
    begun = qp.one_by_one

    def watched(*given):
        found.append(begun(*given))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(qp, "one_by_one", watched)
        patch.setattr(convex, "solve_definite", lambda program, data, start, active: nothing_clear(program, start))
        solution = layer.solve(x0=x0, Q=torch.eye(STATES, dtype=FLOAT), R=0.1 * torch.eye(INPUTS, dtype=FLOAT))
    assert solution.solved.all() and len(found) == 1
    torch.testing.assert_close(solution["u"], solved(1.3, 24)["u"].detach(), rtol=0, atol=1e-9)


def nothing_clear(program, start: torch.Tensor) -> definite.Definite:
    """As where the first method solves no item."""
    none = torch.zeros(len(start), dtype=torch.bool)
    return definite.Definite(convex.unknown(len(start), program.n, program.p, program.q, start), none, none, None)
