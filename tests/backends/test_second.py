"""Items that fail on kkt and have an answer on cone get it, and the others keep theirs."""

import copy
import pickle

import pytest
import torch

import declarative
from declarative import Status

LOGS = "dim n; param a : R^n, pos; param u : R; var p : R^n; maximize sum(a.*log(p)); subject to; budget: sum(p) <= u"
FALLING = """
param a : R, pos; param b : R
var x : R, pos; var y : R, pos
minimize a/(x*y) + 1/x
subject to
  row: y/sqrt(x) <= a
  cap: x <= exp(b)
"""


def _compiled(text: str, backend: str = "auto", **settings):
    problem = declarative.parse(text, name="program")
    return declarative.compile(problem, backend=backend, on_failure="mask", **settings)


def test_a_contradiction_that_only_a_ray_shows():
    """Item 1 has no point. The others: p = u a/sum(a), with the dual sum(a)/u."""
    u = torch.tensor([0.5, -0.1, 2.0], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True)
    assert _compiled(LOGS, "kkt").solve(a, u).status[1].item() in (Status.FAILED, Status.INFEASIBLE)
    found = _compiled(LOGS).solve(a, u)
    assert found.status.tolist() == [Status.SOLVED, Status.INFEASIBLE, Status.SOLVED]
    assert "`budget` (line 1)" in found.messages[1,]
    assert found.p[[0, 2]].tolist() == [pytest.approx([0.125, 0.375]), pytest.approx([0.5, 1.5])]
    assert found.p[1].isnan().all()
    found.value[[0, 2]].sum().backward()
    assert u.grad.tolist() == pytest.approx([8.0, 0.0, 2.0])
    assert torch.allclose(a.grad, found.p[[0, 2]].log().sum(0).detach())


def test_a_geometric_program_that_has_no_least_value():
    layer = _compiled(FALLING.replace("  cap: x <= exp(b)\n", "").replace("; param b : R", ""))
    assert layer.solve(torch.tensor([1.0, 2.0])).status.tolist() == [Status.UNBOUNDED] * 2
    assert _compiled(FALLING).solve(torch.tensor([1.0, 2.0]), 0.0).status.tolist() == [Status.SOLVED] * 2


SHORT = {"max_iterations": 1}  # too few for either


def test_an_item_that_kkt_leaves_unfinished():
    """exp(x) - a x is least at log(a)."""
    text = "param a : R, pos; var x : R, start(200); minimize exp(x) - a*x"
    a = torch.tensor([50.0, 0.01], dtype=torch.float64, requires_grad=True)
    assert (_compiled(text, "kkt", options=SHORT).solve(a).status != Status.SOLVED).all()
    found = _compiled(text, options=SHORT).solve(a)
    assert found.status.tolist() == [Status.SOLVED] * 2
    found.x.sum().backward()
    assert torch.allclose(found.x.detach(), a.detach().log()) and torch.allclose(a.grad, 1 / a.detach())


def test_what_no_other_backend_takes_stays_as_it_is():
    text = "param a : R; var x : R^2, start([-1.2, 1]); minimize (1 - x[0])^4 + exp(20*(x[1] - x[0]^4)^2) + a*x[0]"
    alone, both = (_compiled(text, backend, options=SHORT).solve(torch.tensor(0.1)) for backend in ("kkt", "auto"))
    assert alone.status.item() != Status.SOLVED and alone.status.item() == both.status.item()


def test_layers_with_a_second_backend_are_copied_and_pickled():
    layer = _compiled(LOGS, options={"max_iterations": 30})
    a, u = torch.tensor([1.0, 3.0], dtype=torch.float64), torch.tensor([0.5, -0.1], dtype=torch.float64)
    for other in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert other.solve(a, u).status.tolist() == [Status.SOLVED, Status.INFEASIBLE]
