"""Quadratic forms whose matrix is a parameter, in constraints and other functions: exact derivatives in the matrix."""

import numpy as np
import pytest
import torch

import declarative
from declarative import parse

HEAD = """dim n
param P : S^n, psd
param q : R^n
param r : R, pos
var x : R^n
"""
CAP = "minimize q'*x\nsubject to\n  cap: x'*P*x <= r\n  box: -3 <= x <= 3\nreturn x, cap.dual, value"
ROOT = CAP.replace("x'*P*x <= r", "sqrt(x'*P*x) <= r")
INSIDE = "minimize q'*x + sqrt(r^2 + x'*P*x) + 0.1*sumsq(x - r)\nreturn x, value"
CONCAVE = "maximize q'*x + min(r - x'*P*x, 1)\nsubject to\n  box: -3 <= x <= 3\nreturn x, value"
PROGRAMS = {"cap": CAP, "root": ROOT, "inside": INSIDE, "concave": CONCAVE}


def layer(text, backend="cone"):
    return declarative.compile(parse(HEAD + text), backend=backend)


def data(seed=0, rank=3):
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(rank, 3))
    return [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (F.T @ F, rng.normal(size=3), 1.3)]


def symmetric(run):
    return lambda P, *rest: tuple(run((P + P.mT) / 2, *rest))


@pytest.mark.parametrize("name", PROGRAMS)
def test_outputs_duals_and_value_have_exact_gradients(name):
    assert torch.autograd.gradcheck(symmetric(layer(PROGRAMS[name])), data(), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["cap", "inside", "concave"])
def test_both_backends_agree(name):
    inputs = data()
    results = []
    for backend in ("kkt", "cone"):
        outputs = layer(PROGRAMS[name], backend)(*inputs)
        weighted = sum(((1 + k) * o).sum() for k, o in enumerate(outputs))
        results.append([*outputs, *torch.autograd.grad(weighted, inputs)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def test_the_root_below_r_is_the_form_below_its_square():
    P, q, r = data()
    x, dual, value = layer(ROOT)(P, q, r)
    y, other, same = layer(CAP)(P, q, r**2)
    for one, two in ((x, y), (dual, 2 * r * other), (value, same)):
        torch.testing.assert_close(one, two, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["cap", "root", "inside"])
@pytest.mark.parametrize("rank", [1, 2])
def test_a_singular_matrix_has_its_gradient(name, rank):
    """A Cholesky factor has none there. Moves that keep P semidefinite, so to one side only: w w' in any direction."""
    run, (P, q, r) = layer(PROGRAMS[name]), data(3, rank)

    def loss(matrix):
        return sum(((1 + k) * o).sum() for k, o in enumerate(run(matrix, q, r)))

    (gradient,) = torch.autograd.grad(loss(P), P)
    for w in torch.tensor(np.random.default_rng(1).normal(size=(3, 3))):
        step = 1e-6 * torch.outer(w, w)
        with torch.no_grad():
            # the error of a one-sided difference is of first order; two of them take it away
            slope = (4 * loss(P + step) - 3 * loss(P) - loss(P + 2 * step)) / 2e-6
        torch.testing.assert_close((gradient * torch.outer(w, w)).sum(), slope, rtol=1e-5, atol=1e-5)


def test_a_batch_equals_its_items_and_a_shared_matrix_gets_the_sum():
    run, (P, q, r) = layer(CAP), data()
    others = torch.stack([q, 2 * q.flip(0), q + 1]).detach()
    shared = run(P, others, r)[0]
    (gradient,) = torch.autograd.grad(shared.sum(), P)
    alone = [torch.autograd.grad(run(P, own, r)[0].sum(), P)[0] for own in others]
    torch.testing.assert_close(gradient, sum(alone))
    each = run(torch.stack([P, 2 * P, P.detach() * 0]), others, r)[0]
    for k, own in enumerate(others):
        torch.testing.assert_close(each[k], run((P, 2 * P, 0 * P)[k], own, r)[0])


def test_families_have_a_matrix_each():
    text = """dim n, m
param P[m] : S^n, psd
param c[m] : R^n
var x : R^n
minimize norm(x - 3)
subject to
  caps: quad(x - c[i], P[i]) <= 1 + i for i in m
return x, caps.dual
"""
    run = declarative.compile(parse(text))
    rng = np.random.default_rng(4)
    F = torch.tensor(rng.normal(size=(2, 3, 3)))
    inputs = [(F.mT @ F).requires_grad_(), torch.tensor(rng.normal(size=(2, 3)), requires_grad=True)]
    assert run.backend == "cone"
    assert (run(*inputs)[1] > 1e-3).any()
    assert torch.autograd.gradcheck(symmetric(run), inputs, eps=1e-6, atol=1e-6)


def test_forward_mode_is_the_transpose():
    run, (P, q, r) = layer(CAP), [t.detach() for t in data()]
    w = torch.tensor([0.3, -1.0, 0.7], dtype=torch.float64)
    move = torch.outer(w, w)
    pushed = torch.func.jvp(lambda matrix: run(matrix, q, r)[0], (P,), (move,))[1]
    pulled = torch.func.jacrev(lambda matrix: run(matrix, q, r)[0])(P)
    torch.testing.assert_close(pushed, (pulled * move).sum((1, 2)))


def test_a_second_derivative_in_the_matrix_raises():
    run, (P, q, r) = layer(CAP), data()
    (gradient,) = torch.autograd.grad(run(P, q, r)[0].sum(), P, create_graph=True)
    with pytest.raises(NotImplementedError, match="second derivatives"):
        torch.autograd.grad(gradient.sum(), P)


def test_an_infeasible_item_leaves_the_others_alone():
    text = HEAD + CAP.replace("-3 <= x", "r - 1 <= x") + "\n"
    run = declarative.compile(parse(text), backend="cone", on_failure="mask")
    P, q, _ = data()
    r = torch.tensor([1.3, 3.5], dtype=torch.float64)  # x >= 2.5 in every entry is outside the second ellipsoid
    x = run(P, q, r)[0]
    assert x[0].isfinite().all() and x[1].isnan().all()
    (gradient,) = torch.autograd.grad(x[0].sum(), P)
    torch.testing.assert_close(gradient, torch.autograd.grad(run(P, q, r[0])[0].sum(), P)[0])


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("name", ["cap", "root"])
def test_badly_scaled_matrices_have_the_answer_in_closed_form(name, scale):
    """x = -P^-1 q (r/q'P^-1 q)^(1/2), where the box is left out; r is squared below a root."""
    P, q = (t.detach() for t in data()[:2])
    run = layer(PROGRAMS[name].replace("\n  box: -3 <= x <= 3", ""))
    along = torch.linalg.solve(scale * P, q)
    for size in (1e-6, 1e6):
        reach = size if name == "cap" else size**2
        expected = -along * (reach / (q @ along)).sqrt()
        torch.testing.assert_close(run(scale * P, q, size)[0], expected, rtol=1e-7, atol=0)
