"""Sums over all pairs, of what is the same for (i, j) and (j, i), against the same sums written in three parts."""

import pytest
import torch

import declarative
from declarative.rewrite.graph_forms import to_graph_forms
from declarative.rewrite.standard import problem_to_standard
from declarative.rewrite.triangles import to_one_triangle

HEAD = """dim n, k
param C : S^n
param W : R^(n,n), nonneg
param S : S^n, nonneg
const Z : S^n
const g : R^n
param a : R^n
param F : R^(k,n)
var P : S^n
var x : R^n
var X : R^(k,n)
"""
TEXT = HEAD + "minimize sumsq(P - C) + sumsq(x - a) + sumsq(X - F) + {}"
THREE = " + ".join(f"sum({{body}} for i in n, j in n if i {order} j{{more}})" for order in ("<", "==", ">"))
SAME = [  # a function, the body of its sum over all (i, j), and which of them count
    ("norm1(P)", "abs(P[i,j])", ""),
    ("sum(abs(P - C/3))", "abs(P[i,j] - C[i,j]/3)", ""),
    ("sum(S .* abs(P))", "S[i,j]*abs(P[i,j])", ""),
    ("sum(abs(P[i,j]) for i in n, j in n if i != j)", "abs(P[i,j])", "i != j"),
    ("sum(S[i,j]*pos(P[j,i] - 0.1) for i in n, j in n)", "S[i,j]*pos(P[j,i] - 0.1)", ""),
    ("sum(max(P[i,j], 2*P[i,j] - 1) for i in n, j in n)", "max(P[i,j], 2*P[i,j] - 1)", ""),
    ("sum(abs(P[i,j]) for i in n, j in n if Z[i,j] != 0)", "abs(P[i,j])", "Z[i,j] != 0"),
    ("sum(abs(P[i,j]) for i in n, j in n if g[i] != g[j])", "abs(P[i,j])", "g[i] != g[j]"),
    ("sum(abs(P[i,j]) for i in n, j in n if i != 1)", "abs(P[i,j])", "i != 1"),
    ("sum(abs(P[i,j]) for i in n, j in n if i + j != 2)", "abs(P[i,j])", "i + j != 2"),
    ("sum(W[i,j]*abs(P[i,j]) for i in n, j in n)", "W[i,j]*abs(P[i,j])", ""),
    ("sum(abs(x[i] - x[j]) for i in n, j in n)", "abs(x[i] - x[j])", "i != j"),
    ("sum(S[i,j]*abs(x[j] - x[i]) for i in n, j in n if i != j)", "S[i,j]*abs(x[i] - x[j])", "i != j"),
    ("sum(pos(x[i] - x[j]) for i in n, j in n)", "pos(x[i] - x[j])", "i != j"),
]
OF_NORMS = ("sum(norm(X[:,i] - X[:,j]) for i in n, j in n)", "norm(X[:,i] - X[:,j])", "i != j")
CASES = [(backend, *case) for case in SAME for backend in ("kkt", "cone")] + [("cone", *OF_NORMS)]
LEFT = ("i != 1", "i + j != 2", "W[i", "sum(pos(x")  # which are no sums of equal pairs, or not seen to be
N, K = 4, 2


def data(seed: int) -> dict[str, torch.Tensor]:
    make = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=make, dtype=torch.float64)

    C, S, W = random(N, N), random(N, N), random(N, N)
    return {"C": C + C.T, "W": W.abs(), "S": 0.3 * (S + S.T).abs(), "a": random(N), "F": random(K, N)}


def constants() -> dict[str, torch.Tensor]:
    Z = torch.eye(N, dtype=torch.float64)
    Z[0, 2] = Z[2, 0] = Z[1, 3] = Z[3, 1] = 1
    return {"Z": Z, "g": torch.tensor([0.0, 1.0, 1.0, 2.0], dtype=torch.float64)}


def answers(text: str, backend: str, inputs: dict[str, torch.Tensor]):
    """The value, the solution, and the derivatives of a sum of its entries."""
    layer = declarative.compile(declarative.parse(text), backend=backend, consts=constants())
    inputs = {name: t.clone().requires_grad_() for name, t in inputs.items()}
    found = layer.solve(**inputs)
    assert found.solved
    out = torch.cat([found.value.reshape(1), *(found[name].reshape(-1) for name in ("P", "x", "X"))])
    weights = torch.linspace(0.3, -1.1, len(out), dtype=torch.float64)
    slopes = torch.autograd.grad(out @ weights, list(inputs.values()), materialize_grads=True)
    return torch.cat([out.detach(), *[g.reshape(-1) for g in slopes]]), found


@pytest.mark.parametrize(("backend", "written", "body", "which"), CASES)
def test_the_answers_are_those_of_the_sum_in_three_parts(backend, written, body, which):
    parts = THREE.format(body=body, more=f" and {which}" if which else "")
    for seed in range(3):
        got, found = answers(TEXT.format(written), backend, data(seed))
        expected, _ = answers(TEXT.format(parts), backend, data(seed))
        torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-8)
        if "P" in written and not any(part in written for part in LEFT):  # kinks of differences depend on each other
            assert not found.degenerate


@pytest.mark.parametrize("written", [case[0] for case in SAME])
def test_each_pair_has_one_kink(written):
    standard = to_one_triangle(problem_to_standard(declarative.parse(TEXT.format(written))))
    assert bool(standard.log) is not any(part in written for part in LEFT)
    assert not to_graph_forms(standard).cones
