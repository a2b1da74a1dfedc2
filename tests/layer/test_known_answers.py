"""Classical problems with known answers: closed forms and their derivatives, scikit-learn, CVXPY.

A closed form is written in torch, so that its derivative is one, too: `agree` compares values and gradients with those
of the layer, along random weights, for a batch.
"""

from collections.abc import Callable
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
import torch
from layer.variants.variant import convex
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import Tensor

import declarative

EXAMPLES = Path(__file__).parents[2] / "examples"
Function = Callable[..., tuple[Tensor, ...]]


def _compiled(name: str, backend: str, **settings):
    return declarative.compile(EXAMPLES / f"{name}.opt", backend=backend, **settings)


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def agree(layer: Function, known: Function, *inputs: Tensor, tolerance: float = 1e-6) -> None:
    """Values and gradients, relative to the largest entry of each tensor."""
    inputs = tuple(t.requires_grad_() for t in inputs)
    found, expected = layer(*inputs), known(*inputs)
    for a, b in zip(found, expected, strict=True):
        _near(a, b, tolerance)
    weights = [_random(*b.shape, seed=k) for k, b in enumerate(expected)]
    slopes = [
        torch.autograd.grad([(t * w).sum() for t, w in zip(r, weights, strict=True)], inputs) for r in (found, expected)
    ]
    for a, b in zip(*slopes, strict=True):
        _near(a, b, tolerance)


def _near(found: Tensor, expected: Tensor, tolerance: float) -> None:
    found, expected = found.detach(), expected.detach()
    assert (found - expected).abs().max() <= tolerance * max(1.0, float(expected.abs().max()))


def differences(layer: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-4) -> None:
    """The gradient of a random functional against differences of order four."""
    at, move = at.requires_grad_(), _random(*at.shape, seed=5)
    weights = _random(*layer(at).shape, seed=6)
    (slope,) = torch.autograd.grad((layer(at) * weights).sum(), at)
    with torch.no_grad():
        values = [float((layer(at + k * step * move) * weights).sum()) for k in (-2, -1, 1, 2)]
    expected = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    assert float((slope * move).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-7)


BOTH = pytest.mark.parametrize("backend", ["kkt", "cone"])


@BOTH
def test_ridge_regression(backend):
    def known(A, b, lam):
        return (torch.linalg.solve(A.mT @ A + lam * torch.eye(4), (A.mT @ b.unsqueeze(-1)).squeeze(-1)),)

    layer = _compiled("ridge", backend)
    agree(lambda A, b, lam: (layer(A, b, lam=lam),), known, _random(2, 7, 4), _random(2, 7), torch.tensor(0.3).double())


@BOTH
def test_logistic_regression(backend):
    """Against scikit-learn; the gradient against that of one Newton step from the solution."""
    X, lam = _random(30, 3), torch.tensor(0.7, dtype=torch.float64)
    y = torch.sign(X @ torch.tensor([1.0, -2.0, 0.5]).double() + 0.5 * _random(30, seed=1))
    layer = _compiled("logistic_regression", backend)
    w, b = layer(X, y, lam)
    oracle = LogisticRegression(C=1 / 0.7, tol=1e-12, solver="newton-cholesky", max_iter=100).fit(X.numpy(), y.numpy())
    assert w.detach().numpy() == pytest.approx(oracle.coef_[0], rel=1e-6)
    assert b.item() == pytest.approx(oracle.intercept_[0], rel=1e-6)

    def objective(z, X, lam):
        return torch.nn.functional.softplus(-y * (X @ z[:3] + z[3])).sum() + lam / 2 * (z[:3] ** 2).sum()

    def known(X, lam):
        z = torch.cat([w, b[None]]).detach()
        slope = torch.func.grad(objective)(z, X, lam)
        z = z - torch.linalg.solve(torch.func.hessian(objective)(z, X, lam), slope)
        return z[:3], z[3]

    agree(lambda X, lam: tuple(layer(X, y, lam)), known, X, lam)


@BOTH
def test_weights_of_a_support_vector_machine(backend):
    """The duals are scikit-learn's: y[i] times its coefficients, 0 away from the margin, C on the wrong side."""
    X = _random(24, 2)
    y = torch.sign(X[:, 0] - X[:, 1] + 0.8 * _random(24, seed=1))
    layer = _compiled("svm", backend)
    w, b, weights = layer(X, y, torch.tensor(0.8, dtype=torch.float64))
    oracle = SVC(kernel="linear", C=0.8, tol=1e-10).fit(X.numpy(), y.numpy())
    expected = np.zeros(24)
    expected[oracle.support_] = oracle.dual_coef_[0]
    assert (weights * y).detach().numpy() == pytest.approx(expected, abs=1e-6)
    assert w.detach().numpy() == pytest.approx(oracle.coef_[0], abs=1e-6)
    assert b.item() == pytest.approx(oracle.intercept_[0], abs=1e-6)
    assert {0.0, 0.8} < set(weights.detach().numpy().round(9).tolist())
    C = torch.tensor(0.8, dtype=torch.float64)
    differences(lambda at: torch.cat([t.reshape(-1) for t in layer(at, y, C)]), X.clone())


@BOTH
def test_water_filling(backend):
    """Channels below the level are filled up to it."""

    def known(noise, power):
        low = noise.sort(-1).values
        levels = (power[:, None] + low.cumsum(-1)) / torch.arange(1, 6)
        filled = (low < levels).sum(-1, keepdim=True)  # the channels with power are the first so many
        level = levels.gather(-1, filled - 1)
        return (level - noise).clamp(min=0), 1 / level[:, 0]

    layer = _compiled("water_filling", backend)
    noise = torch.tensor([[0.5, 1.0, 2.0, 0.1, 3.0], [0.3, 0.2, 0.9, 0.4, 0.25]], dtype=torch.float64)
    agree(lambda *data: tuple(layer(*data)), known, noise, torch.tensor([1.5, 4.0], dtype=torch.float64))


@BOTH
def test_the_chebyshev_centre_of_a_triangle(backend):
    """It is the centre of the incircle: the mean of the corners, weighted by the opposite sides."""

    def polyhedron(corners):
        turned = corners.roll(1, -2) - corners
        A = torch.stack([turned[..., 1], -turned[..., 0]], -1)  # outward, for corners that go round to the left
        return -A, -(A * corners).sum(-1)

    def known(corners):
        sides = (corners.roll(-1, -2) - corners.roll(1, -2)).norm(dim=-1)
        u, v = corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
        area = (u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]) / 2
        total = sides.sum(-1)
        return (sides[..., None] * corners).sum(-2) / total[..., None], 2 * area / total

    layer = _compiled("chebyshev", backend)
    corners = torch.tensor([[[0.0, 0], [4, 0], [0, 3]], [[-1, 0.5], [2, -1], [1, 3]]], dtype=torch.float64)
    agree(lambda corners: tuple(layer(*polyhedron(corners))), known, corners)


@BOTH
def test_the_frontier_of_markowitz(backend):
    """Two funds: w = g + h r, from the two Lagrange equations; the variance is a parabola in r."""

    def known(S, mu, target):
        E = torch.stack([torch.ones_like(mu), mu], -1)
        inverse = torch.linalg.solve(S, E)
        w = inverse @ torch.linalg.solve(E.mT @ inverse, torch.stack([torch.ones_like(target), target], -1)[..., None])
        return w[..., 0], (w.mT @ S @ w)[..., 0, 0]

    M = _random(2, 4, 6)
    layer, S = _compiled("frontier", backend), M @ M.mT / 6 + 0.1 * torch.eye(4)
    mu, target = 0.1 * _random(2, 4, seed=1), torch.tensor([0.05, 0.12], dtype=torch.float64)
    halves = [lambda S, *rest, f=f: tuple(f((S + S.mT) / 2, *rest)) for f in (layer, known)]
    agree(*halves, S, mu, target)


def _graph(n: int, edges) -> Tensor:
    W = torch.zeros(n, n, dtype=torch.float64)
    for i, j in edges:
        W[i, j] = W[j, i] = 1
    return W


PETERSEN = (
    [(i, (i + 1) % 5) for i in range(5)] + [(i, i + 5) for i in range(5)] + [(5 + i, 5 + (i + 2) % 5) for i in range(5)]
)


@pytest.mark.parametrize(
    ("W", "bound"),
    [
        (_graph(5, [(i, (i + 1) % 5) for i in range(5)]), 5 / 4 * (2 + 2 * np.cos(np.pi / 5))),
        (_graph(10, PETERSEN), 12.5),
        (_graph(4, [(0, 1), (1, 2), (2, 3), (3, 0)]), 4.0),
    ],
    ids=["pentagon", "Petersen", "square"],
)
def test_the_relaxation_of_the_greatest_cut(W, bound):
    """For graphs whose vertices are alike it is n/4 times the largest eigenvalue of the Laplacian (Delorme, Poljak)."""
    X, value = _compiled("max_cut", "auto")(W.requires_grad_())
    assert value.item() == pytest.approx(bound, rel=1e-8)
    value.backward()  # by the envelope theorem
    assert torch.allclose(W.grad, (1 - X.detach()) / 4, atol=1e-6)


def test_the_relaxation_of_the_greatest_cut_of_random_weights():
    """CVXPY's bound; X is right where S = W/4 + diag(nu) proves it: S and X semidefinite, and S X = 0."""
    W = _random(2, 5, 5).abs()
    W = (W + W.mT) / 2
    layer = _compiled("max_cut", "auto")
    found = layer.solve(W)
    S = W / 4 + torch.diag_embed(found.duals["unit"])
    assert torch.linalg.eigvalsh(S).min() > -1e-9 and torch.linalg.eigvalsh(found.X).min() > -1e-9
    assert (S @ found.X).abs().max() < 1e-9 and (found.X.diagonal(dim1=-2, dim2=-1) - 1).abs().max() < 1e-9
    for k in range(2):
        Y = cp.Variable((5, 5), symmetric=True)
        oracle = convex(cp.Maximize(cp.sum(cp.multiply(W[k].numpy(), 1 - Y)) / 4), [cp.diag(Y) == 1, Y >> 0])
        assert found.value[k].item() == pytest.approx(oracle["value"], rel=1e-7)
    differences(lambda W: layer((W + W.mT) / 2)[1], W.clone())


def test_the_ellipsoid_around_the_corners_of_an_octahedron():
    """Around B e_i + c and -B e_i + c it is the image of the ball: A = (B B')^(-1/2), b = -A c."""

    def known(B, c):
        values, vectors = torch.linalg.eigh(B @ B.mT)
        A = vectors @ (values**-0.5)[..., None].mul(vectors.mT)
        return A, -(A @ c.unsqueeze(-1)).squeeze(-1)

    def corners(B, c):
        return torch.cat([B.mT, -B.mT], -2) + c.unsqueeze(-2)

    layer = _compiled("covering_ellipsoid", "auto")
    B = torch.eye(3, dtype=torch.float64) + 0.3 * _random(2, 3, 3)
    agree(lambda B, c: tuple(layer(corners(B, c))), known, B, _random(2, 3, seed=1))


def test_the_ellipsoid_around_random_points():
    p = _random(8, 2)
    layer = _compiled("covering_ellipsoid", "auto")
    A, b = layer(p)
    X, c = cp.Variable((2, 2), symmetric=True), cp.Variable(2)
    oracle = convex(cp.Maximize(cp.log_det(X)), [cp.norm(X @ q + c) <= 1 for q in p.numpy()], X=X, c=c)
    assert A.detach().numpy() == pytest.approx(oracle["X"], rel=1e-6, abs=1e-7)
    assert b.detach().numpy() == pytest.approx(oracle["c"], rel=1e-6, abs=1e-7)
    differences(lambda p: torch.cat([t.reshape(-1) for t in layer(p)]), p.clone())


def test_the_completion_of_a_row_has_rank_one():
    """With M[0,0] and the rest of the first row known, the least trace is that of M[0,:]'M[0,:]/M[0,0]."""
    given = torch.zeros(4, 4)
    given[0] = given[:, 0] = 1
    layer = _compiled("completion", "auto", consts={"known": given})
    rows = torch.tensor([[2.0, 1.0, -0.5, 0.3], [1.0, -2.0, 1.5, 1.0]], dtype=torch.float64)

    def matrix(row):
        first = torch.zeros(*row.shape, 4, dtype=torch.float64)
        M = torch.cat([row[..., None, :], first[..., 1:, :]], -2)
        return M + M.mT - torch.diag_embed(torch.cat([row[..., :1], first[..., 0, 1:]], -1))

    agree(
        lambda row: (layer(matrix(row)),),
        lambda row: (row[..., :, None] * row[..., None, :] / row[..., :1, None],),
        rows,
    )
