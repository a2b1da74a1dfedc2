"""Data on another device than the CPU: the CPU's answers and gradients, on the device of the data."""

import numpy as np
import pytest
import torch
from layer.cases import CASES, Case, tensors
from torch import Tensor

import declarative
import declarative.layer.by_device as by_device
from declarative import DiagnosticError, Status
from declarative.layer.by_device import place_of

QP = """
dim n, m
param P : S^n, psd
param q : R^n
param G : R^(m,n)
param h : R^m
var x : R^n
minimize 1/2*quad(x, P) + q'*x
subject to
  rows: G*x <= h
return x, price = rows.dual, v = value
"""
HERE, DOUBLE = torch.device("cpu"), torch.float64


@pytest.fixture
def device():
    """A GPU where there is one; torch takes no second device beside it."""
    if torch.cuda.is_available():
        yield torch.device("cuda", 0)
        return
    from elsewhere import elsewhere

    swapped = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    with elsewhere() as made:
        yield made
    torch.__future__.set_overwrite_module_params_on_conversion(swapped)


@pytest.fixture(params=["solved on the CPU", "solved there"])
def place(request, monkeypatch) -> str:
    if request.param == "solved there":
        monkeypatch.setattr(by_device, "EQUAL", 0.0)
    return request.param


def results(layer, data: dict[str, Tensor], device: torch.device) -> list[Tensor]:
    """Outputs, then gradients: on the device, and given back on the CPU."""
    leaves = {name: t.to(device).detach().requires_grad_() for name, t in data.items()}
    solution = layer.solve(**leaves)
    assert (solution.status == Status.SOLVED).all()
    found = [solution[name] for name in solution.output_names] + [solution.value]
    moved = list(leaves.values()) + list(layer.parameters())
    found += torch.autograd.grad(sum(t.sin().sum() for t in found), moved, allow_unused=True)
    kept = [t for t in found if t is not None]
    assert {t.device for t in (*kept, solution.status, solution.primal_residual)} == {device}
    return [t.detach().cpu() for t in kept]


def agree(a: list[Tensor], b: list[Tensor], tolerance: float) -> bool:
    return all(torch.allclose(x, y, rtol=tolerance, atol=tolerance) for x, y in zip(a, b, strict=True))


def random_qp(n: int = 4, m: int = 5, batch: int = 3) -> dict[str, Tensor]:
    F = torch.randn(batch, n, n, dtype=DOUBLE)
    q, G = torch.randn(batch, n, dtype=DOUBLE), torch.randn(batch, m, n, dtype=DOUBLE)
    h = torch.rand(batch, m, dtype=DOUBLE)
    return {"P": F @ F.mT + torch.eye(n, dtype=DOUBLE), "q": q, "G": G, "h": h}


@pytest.mark.parametrize("case", CASES, ids=[case.file for case in CASES])
def test_programs_have_the_answers_and_gradients_of_the_cpu(case: Case, device):
    layer, data = case.compile(), tensors(case.data(np.random.default_rng(3), 3))
    expected = results(layer, data, HERE)
    assert agree(results(layer.to(device), data, device), expected, 1e-12)


def test_a_batch_of_quadratic_programs(device, place):
    layer, data = declarative.compile(declarative.parse(QP)), random_qp()
    expected = results(layer, data, HERE)
    assert agree(results(layer, data, device), expected, 1e-8)
    assert ("solved on the CPU" in layer.explain()) == (place == "solved on the CPU")


def test_items_without_an_answer_are_marked(device, place):
    data = random_qp()
    data["q"][0, 1] = torch.nan
    data["G"][1], data["h"][1] = torch.cat([torch.eye(4), -torch.ones(1, 4)]), torch.tensor([-1.0, -1, -1, -1, 3])
    layer = declarative.compile(declarative.parse(QP), on_failure="mask")
    solution = layer.solve(**{name: t.to(device) for name, t in data.items()})
    assert solution.status.cpu().tolist() == [Status.FAILED, Status.INFEASIBLE, Status.SOLVED]
    assert solution.x.cpu().isnan().all(1).tolist() == [True, True, False]
    assert "`q[1]` is NaN" in solution.messages[0,] and "`rows`" in solution.messages[1,]


def test_a_previous_solution_and_the_report_may_be_anywhere(device, place):
    layer, data = declarative.compile(declarative.parse(QP)), random_qp()
    there = {name: t.to(device) for name, t in data.items()}
    cold, first = layer.solve(**there), layer.solve(**data)
    for warm in (first, cold):
        assert torch.allclose(layer.solve(**there, warm=warm).x.cpu(), first.x, atol=1e-9)
    assert torch.equal(cold.report.rank.cpu(), first.report.rank)
    assert cold.report.rank.device == device


def test_learned_parameters_and_data_are_on_one_device(device):
    text = "dim n; param y : R^n; learn w : R, pos; var x : R^n; minimize sumsq(x - y) + w*sumsq(x)"
    layer = declarative.compile(declarative.parse(text), learn={"w": 0.5})
    y = torch.ones(2, 3, dtype=DOUBLE)
    expected = layer(y)
    with pytest.raises(DiagnosticError, match=r"one device: `y` on .*:0, `w` on cpu"):
        layer(y.to(device))
    layer.to(device)
    found = layer(y.to(device))
    found.sum().backward()
    assert found.device == device and torch.allclose(found.cpu(), expected, rtol=1e-14, atol=0)
    assert all(p.grad is not None and p.grad.device == device for p in layer.parameters())


def test_where_items_are_solved():
    gpu = torch.device("cuda", 1)
    assert place_of(HERE, DOUBLE, 10, 10**6) == HERE
    assert place_of(gpu, torch.float32, 10, 1) == gpu  # compiled code is for double precision
    batches = {10: (1000, 10_000), 128: (100, 1000), 500: (4, 100)}
    for unknowns, (few, many) in batches.items():
        assert place_of(gpu, DOUBLE, unknowns, few) == HERE
        assert place_of(gpu, DOUBLE, unknowns, many) == gpu
