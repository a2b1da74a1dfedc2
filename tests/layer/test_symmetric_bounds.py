"""Bounds of the entries of symmetric matrices: each pair of entries has one row, and half of its multiplier each."""

import pytest
import torch

import declarative

HEAD = "dim n\nparam C : S^n\nparam U : S^n\n"
BOUNDS = {
    "by a number": ("var X : S^n", "c: X <= 0.3", lambda C, U: (C.clamp(max=0.3), 2 * (C - 0.3).clamp(min=0))),
    "by data": ("var X : S^n", "c: U >= X", lambda C, U: (C.clamp(max=U), 2 * (C - U).clamp(min=0))),
    "of both signs": (
        "var X : S^n",
        "c: abs(X) <= 0.3",
        lambda C, U: (C.clamp(-0.3, 0.3), 2 * (C.abs() - 0.3).clamp(min=0)),
    ),
}


def _data() -> tuple[torch.Tensor, torch.Tensor]:
    C, U = (torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (0, 1))
    return (C + C.mT) / 2, (U + U.mT) / 2


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("bound", BOUNDS)
def test_projections_on_bounds(bound, backend):
    declared, constraint, projected = BOUNDS[bound]
    C, U = _data()
    problem = declarative.parse(f"{HEAD}{declared}\nminimize sumsq(X - C)\nsubject to\n  {constraint}")
    s = declarative.compile(problem, backend=backend).solve(C.requires_grad_(), U)
    X, dual = projected(C, U)
    torch.testing.assert_close(s.X, X, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(s.duals["c"], dual, rtol=1e-11, atol=1e-12)
    assert not (s.degenerate | s.dual_nonunique).any()
    weights = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    both = [
        torch.autograd.grad((w * (p + q)).sum(), C, retain_graph=True)[0]
        for w, p, q in ((weights, s.X, s.duals["c"]), (weights, X, dual))
    ]
    torch.testing.assert_close(both[0], (both[1] + both[1].mT) / 2, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_attributes(backend):
    text = "dim n\nparam C : S^n\nvar X : S^n, nonneg\nvar Y[2] : S^n, between(-1, 0.1)\n"
    text += "minimize sumsq(X - C) + sum(sumsq(Y[k] - C) for k in 2)"
    C, _ = _data()
    s = declarative.compile(declarative.parse(text), backend=backend).solve(C)
    torch.testing.assert_close(s.X, C.clamp(min=0), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(s.duals["X.lower"], 2 * (-C).clamp(min=0), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(s.Y[:, 1], C.clamp(-1, 0.1), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(s.duals["Y.upper"][:, 1], 2 * (C - 0.1).clamp(min=0), rtol=1e-11, atol=1e-12)
    assert not (s.degenerate | s.dual_nonunique).any()


def test_a_bound_that_is_not_symmetric_has_a_row_for_each_entry():
    text = "dim n\nparam C : S^n\nparam U : R^(n,n)\nvar X : S^n\nminimize sumsq(X - C)\nsubject to\n  c: X <= U"
    C, U = _data()
    U = U + torch.randn(4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    s = declarative.compile(declarative.parse(text)).solve(C, U)
    torch.testing.assert_close(s.X, C.minimum(torch.minimum(U, U.mT)), rtol=1e-12, atol=1e-12)
