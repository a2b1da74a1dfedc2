"""Gram matrices computed in single precision: psd but for their rounding, and taken as such."""

import pytest
import torch

import declarative
from declarative import Status

TEXT = (
    "dim n; param Q : S^n, psd; param c : R^n; var x : R^n; minimize quad(x, Q)/2 + c'*x; subject to; b: -1 <= x <= 1"
)


def grams(n: int, rank: int, dtype: torch.dtype, size: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A (B, rank, n), the Gram matrices and slopes that put minima of the form between the bounds."""
    generator = torch.Generator().manual_seed(n)
    A = torch.randn(6, rank, n, generator=generator, dtype=torch.float64).mul(size).to(dtype)
    inner = torch.rand(6, n, 1, generator=generator, dtype=torch.float64).to(dtype) - 0.5
    return A, A.mT @ A, -(A.mT @ (A @ inner))[..., 0]


def compiled(backend: str, **settings):
    return declarative.compile(declarative.parse(TEXT, name="gram"), backend=backend, on_failure="mask", **settings)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize(("n", "rank"), [(2, 1), (5, 2), (20, 5), (60, 10)])
@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_gram_matrix_of_deficient_rank_is_taken(backend, n, rank, size):
    A, Q, c = grams(n, rank, torch.float32, size)
    assert (torch.linalg.eigvalsh(Q.double())[:, 0] < 0).any()
    x = compiled(backend).solve(Q.requires_grad_(), c)
    assert (x.status == Status.SOLVED).all()
    exact = compiled(backend).solve(A.double().mT @ A.double(), c.double())
    seen = [(A.double() @ found["x"].double()[..., None])[..., 0] for found in (x, exact)]
    assert (seen[0] - seen[1]).abs().max() <= 1e-3 * seen[1].abs().max()
    x["x"].sum().backward()
    assert Q.grad is not None and Q.grad.isfinite().all()


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_what_is_indefinite_by_more_than_rounding_is_refused_alone(backend):
    _, Q, c = grams(8, 3, torch.float32)
    Q[2] -= 1e-4 * Q[2].diagonal().max() * torch.eye(8)
    Q[4, 1, 1] = torch.nan
    status = compiled(backend).solve(Q, c).status.tolist()
    assert status == [0, 0, Status.FAILED, 0, Status.FAILED, 0]
    _, Q, c = grams(8, 3, torch.float64)
    Q[1] -= 1e-7 * Q[1].diagonal().max() * torch.eye(8)
    assert compiled(backend).solve(Q, c).status.tolist() == [0, Status.FAILED, 0, 0, 0, 0]


def test_a_const_too():
    text = TEXT.replace("param Q", "const Q")
    _, Q, c = grams(20, 5, torch.float32)
    layer = declarative.compile(declarative.parse(text, name="gram"), consts={"Q": Q[0]})
    assert layer.solve(c[0]).status == Status.SOLVED


def test_numbers_of_python_keep_their_digits():
    layer = declarative.compile(
        declarative.parse("dim n; param a : R^n; param c : R; var x : R^n; minimize sumsq(x - c*a)")
    )
    double = layer(torch.ones(2, dtype=torch.float64), 0.1)
    assert double.dtype == torch.float64 and torch.allclose(double, torch.full_like(double, 0.1), rtol=1e-15)
    assert layer(torch.ones(2), 0.1).dtype == layer([1.0, 1.0], 0.1).dtype == torch.float32


def test_numbers_of_python_keep_their_digits_as_consts_too():
    text = "dim n; param a : R^n; const c : R; learn w : R; var x : R^n; minimize sumsq(x - c*a - w)"
    layer = declarative.compile(declarative.parse(text), consts={"c": 0.1}, learn={"w": 0.0})
    x = layer(torch.ones(2, dtype=torch.float64))
    assert torch.allclose(x, torch.full_like(x, 0.1), rtol=1e-15)
    assert layer.learn.w.dtype == torch.get_default_dtype()
