"""The traps that other conic layers fell into, each with what this one does."""

import copy
import pickle

import pytest
import torch

import declarative
from declarative import SolveError, Status

CORRELATION = """
dim n
param C : S^n
param low : R
var X : S^n
minimize sumsq(X - C)/2
subject to
  one: diag(X) == 1
  cone: X in PSD
  floor: X[0,1] >= low
return X, one.dual, v = value
"""


def compiled(text: str = CORRELATION, **settings):
    return declarative.compile(declarative.parse(text, name="traps"), backend="cone", **settings)


def matrices(*batch: int, n: int = 4) -> torch.Tensor:
    C = torch.randn(*batch, n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (C + C.mT) / 2


@pytest.mark.parametrize("n", [3, 4, 6])
def test_multipliers_of_large_semidefinite_cones_are_in_order(n):
    """Stationarity X - C + diag(nu) - Z = 0 with Z X = 0: an order of entries mixed up breaks both."""
    layer = compiled(
        "dim n; param C : S^n; var X : S^n; minimize sumsq(X - C)/2; subject to; one: diag(X) == 1; p: X in PSD"
    )
    C = matrices(n=n)
    solution = layer.solve(C)
    X, Z = solution.X, solution.duals["p"]
    assert torch.allclose(X - C + torch.diag(solution.duals["one"]), Z, atol=1e-10)
    assert (Z @ X).abs().max() < 1e-10 and torch.linalg.eigvalsh(Z).min() > -1e-10
    assert torch.linalg.eigvalsh(X).min() > -1e-10 and (torch.diagonal(X) - 1).abs().max() < 1e-12


def test_bad_items_of_every_kind_leave_the_others_as_they_are_alone():
    """Infeasible, NaN and hardly feasible items beside good ones; no gradient of theirs is anything but 0."""
    layer = compiled(on_failure="mask")
    C, low = matrices(5), torch.tensor([-2.0, 1.5, -2.0, 0.3, -2.0], dtype=torch.float64)
    C[2, 1, 3] = torch.nan
    inputs = [C.requires_grad_(), low.requires_grad_()]
    solution = layer.solve(*inputs)
    assert solution.status.tolist() == [0, Status.INFEASIBLE, Status.FAILED, 0, 0]
    assert "`floor` (line 10)" in solution.messages[(1,)] and solution.messages[(2,)] == "`C[1, 3]` is NaN"
    total = sum(part.nan_to_num().pow(2).sum() for part in (solution.X, solution.value, *solution.duals.values()))
    gradients = torch.autograd.grad(total, inputs)
    for k in (0, 3, 4):
        own = [t.detach()[k].clone().requires_grad_() for t in inputs]
        alone = layer.solve(*own)
        assert torch.allclose(alone.X, solution.X[k], rtol=1e-12, atol=1e-13)
        loss = sum(part.pow(2).sum() for part in (alone.X, alone.value, *alone.duals.values()))
        for whole, part in zip(gradients, torch.autograd.grad(loss, own), strict=True):
            assert torch.allclose(whole[k], part, rtol=1e-10, atol=1e-12)
    assert all((g[[1, 2]] == 0).all() for g in gradients)
    with pytest.raises(SolveError, match=r"item 1: infeasible"):
        compiled()(C.detach()[:2], low.detach()[:2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_and_gradients_have_the_dtype_of_the_data(dtype):
    C, low = matrices().to(dtype).requires_grad_(), torch.tensor(-2.0, dtype=dtype)
    X, dual, value = compiled()(C, low)
    assert X.dtype == dual.dtype == value.dtype == dtype
    (gradient,) = torch.autograd.grad(X[0, 1] + value, C)
    assert gradient.dtype == dtype
    exact = matrices().requires_grad_()
    X, _, value = compiled()(exact, -2.0)
    (reference,) = torch.autograd.grad(X[0, 1] + value, exact)
    assert torch.allclose(gradient.double(), reference, atol=1e-6 if dtype == torch.float32 else 1e-12)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_layer_that_was_called_can_be_copied(copied):
    text = "dim n; param y : R^n; learn g : R, pos; var x : R^n; minimize sumsq(x - y)/2 + g*norm(x)"
    layer, y = compiled(text), torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    before = layer(y)
    (slope,) = torch.autograd.grad(before.sum(), y)
    other = copied(layer)
    assert torch.equal(other(y), before) and other.state_dict().keys() == layer.state_dict().keys()
    assert torch.equal(torch.autograd.grad(other(y).sum(), y)[0], slope)
    with torch.no_grad():
        other.learn.g.add_(1.0)
    assert not torch.allclose(other(y), before) and torch.equal(layer(y), before)


def test_an_unbounded_item_returns_no_numbers():
    layer = compiled("param c : R^2; var x : R^2; minimize c'*x + norm(x)", on_failure="mask")
    solution = layer.solve(torch.tensor([[0.6, 0.0], [3.0, 4.0]], dtype=torch.float64))
    assert solution.status.tolist() == [Status.SOLVED, Status.UNBOUNDED]
    assert torch.allclose(solution.x[0], torch.zeros(2).double(), atol=1e-10) and solution.x[1].isnan().all()


def test_gradients_have_all_the_digits_of_their_dtype():
    """x = y (1 - g/|y|) in closed form, to 1e-12: nothing passes through single precision."""
    layer = compiled("dim n; param y : R^n; param g : R, pos; var x : R^n; minimize sumsq(x - y)/2 + g*norm(x)")
    y = torch.tensor([[3.0, -4.0, 12.0], [0.1, 0.2, -0.9]], dtype=torch.float64)
    g = torch.tensor(0.7, dtype=torch.float64)
    J = torch.autograd.functional.jacobian(layer, (y, g))
    for k in range(2):
        r, u = y[k].norm(), y[k] / y[k].norm()
        expected = torch.eye(3).double() * (1 - g / r) + g / r * torch.outer(u, u)
        assert torch.allclose(J[0][k, :, k], expected, rtol=1e-12, atol=1e-12)
        assert torch.allclose(J[1][k], -u, rtol=1e-12, atol=1e-12)
    assert (J[0][0, :, 1] == 0).all() and (J[0][1, :, 0] == 0).all()
