"""Flows that rows force to be 0, so that no feasible point is inside all bounds: on the way multipliers have no bounds.

Three pairs of ends share the streets of a grid, whose cost grows with the fifth power of their flow. A pair that begins
at another corner cannot use the streets behind it.
"""

import numpy as np
import torch

import declarative

FLOAT = torch.float64
SIDE, ITEMS = 4, 12
TEXT = """
dim k, n, e
const N : R^(n,e)
const B : R^(k,n)
param t0 : R^e, pos
param cap : R^e, pos
param q : R^k, pos
var v : R^e, nonneg
var F : R^(k,e), nonneg
minimize sum(t0[a]*v[a] + t0[a]*0.03/cap[a]^4*v[a]^5 for a in e)
subject to
  total: v[a] == sum(F[c,a] for c in k) for a in e
  balance: N*F[c,:] == q[c]*B[c,:] for c in k
"""


def layer(backend: str):
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    arcs = [*zip(node[:, :-1].flat, node[:, 1:].flat, strict=True), *zip(node[:-1].flat, node[1:].flat, strict=True)]
    N = np.stack([np.eye(SIDE * SIDE)[i] - np.eye(SIDE * SIDE)[j] for i, j in arcs], 1)
    B = np.zeros((3, SIDE * SIDE))
    for c, (first, last) in enumerate([(0, 15), (0, 11), (4, 15)]):
        B[c, first], B[c, last] = 1, -1
    return declarative.compile(declarative.parse(TEXT), consts={"N": N, "B": B}, backend=backend, on_failure="mask")


def test_flows_in_equilibrium_and_their_gradients_are_those_of_the_cone_program():
    rng = np.random.default_rng(1)
    data = [torch.tensor(rng.uniform(*ends, (64, size))) for *ends, size in ((1, 2, 24), (2, 4, 24), (3, 5, 3))]
    data = [part[5 : 5 + ITEMS].requires_grad_() for part in data]
    found, expected = (layer(backend).solve(*data) for backend in ("kkt", "cone"))
    assert found.solved.all() and expected.solved.all()
    torch.testing.assert_close(found.value, expected.value, rtol=1e-10, atol=0)
    torch.testing.assert_close(found["v"], expected["v"], rtol=0, atol=1e-6)
    assert all(dual.abs().max() < 1e3 for dual in found.duals.values())
    weight = torch.linspace(-1, 1, 24, dtype=FLOAT)
    own, other = (torch.autograd.grad((s["v"] @ weight).sum(), data) for s in (found, expected))
    for slope, right in zip(own, other, strict=True):
        torch.testing.assert_close(slope, right, rtol=1e-5, atol=1e-5)
