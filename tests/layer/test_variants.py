"""Variants of the language's programs: other names, sizes, penalties, constraints, orders, and the same in Python.

Each is held against an independent answer and against central differences, on every backend that takes it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from layer.variants import (
    control,
    flows,
    geometric,
    matrices,
    portfolios,
    projections,
    regressions,
    signals,
    smooth,
    spheres,
)
from layer.variants.variant import BATCH, Variant

import declarative
from declarative import DiagnosticError

TABLES = (projections, regressions, portfolios, control, flows, matrices, spheres, smooth, signals, geometric)
VARIANTS: list[Variant] = [v for table in TABLES for v in table.VARIANTS]
STEP = 1e-5


def _id(variant: Variant, backend: str = "") -> str:
    return variant.name.split(":")[0] + (f"-{backend}" if backend else "")


RUNS = [pytest.param(v, b, id=_id(v, b)) for v in VARIANTS for b in v.backends]
EACH = [pytest.param(v, id=_id(v)) for v in VARIANTS]
BOTH = [pytest.param(v, id=_id(v)) for v in VARIANTS if len(v.backends) == 2]
ONE = [pytest.param(v, id=_id(v)) for v in VARIANTS if len(v.backends) == 1]
PYTHON = [pytest.param(v, id=_id(v)) for v in VARIANTS if v.python is not None]


@dataclass(frozen=True, eq=False)
class Solved:
    """A layer at the variant's data, with the gradients of a random functional of all that it gives."""

    layer: declarative.DeclarativeLayer
    solution: declarative.Solution
    results: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]
    gradients: dict[str, torch.Tensor]


@cache
def _solved(variant: Variant, backend: str) -> Solved:
    layer = variant.compile(backend)
    inputs = {n: t.requires_grad_(n not in variant.fixed) for n, t in variant.tensors().items()}
    solution = layer.solve(**inputs)
    results = _results(variant, solution)
    make = torch.Generator().manual_seed(1)
    weights = {n: torch.randn(r.shape, generator=make, dtype=r.dtype) for n, r in sorted(results.items())}
    _functional(results, weights).sum().backward()
    learned = {n.removeprefix("learn."): p for n, p in layer.named_parameters()}
    moving = {n: t for n, t in inputs.items() if t.requires_grad} | learned
    gradients = {n: t.grad if t.grad is not None else torch.zeros_like(t) for n, t in moving.items()}
    detached = {n: r.detach() for n, r in results.items()}
    return Solved(layer, solution, detached, weights, gradients)


def _results(variant: Variant, solution) -> dict[str, torch.Tensor]:
    """Outputs, the value, and the duals where they count: each (..., BATCH, *shape)."""
    found = {name: solution[name] for name in solution.output_names} | {"the value": solution.value}
    return found | ({f"dual of {n}": d for n, d in solution.duals.items()} if variant.duals else {})


def _functional(results, weights) -> torch.Tensor:
    """One number for each leading entry: (...,) from (..., BATCH, *shape)."""
    parts = [(r * weights[n]).flatten(r.dim() - weights[n].dim()).sum(-1) for n, r in results.items()]
    return torch.stack(parts).sum(0)


def _error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-3))


@pytest.mark.parametrize(("variant", "backend"), RUNS)
def test_it_has_the_independent_answer(variant, backend):
    solution = _solved(variant, backend).solution
    assert solution.status.tolist() == [0] * BATCH, dict(solution.messages)
    for k in range(BATCH):
        for name, expected in variant.answer(variant.item(k)).items():
            found = solution.value if name == "value" else solution[name]
            found = found[k].detach().numpy()
            assert _error(found, np.reshape(expected, found.shape)) < 1e-6, (name, k)


@pytest.mark.parametrize(("variant", "backend"), RUNS)
def test_its_gradient_is_the_central_difference(variant, backend):
    solved = _solved(variant, backend)
    make = torch.Generator().manual_seed(2)
    steps = {n: torch.randn(g.shape, generator=make, dtype=g.dtype) for n, g in solved.gradients.items()}
    steps = {n: variant.step(n, _kept(solved, n, s)) for n, s in steps.items()}
    expected = _differences(variant, solved, steps)
    for name, step in steps.items():
        found = float((solved.gradients[name] * step).sum())
        assert found == pytest.approx(expected[name], rel=1e-5, abs=1e-5), name


def _kept(solved: Solved, name: str, step: torch.Tensor) -> torch.Tensor:
    """Symmetric data stay symmetric."""
    symbols = {d.symbol.name: d.symbol for d in solved.layer.problem.parameters}
    return (step + step.mT) / 2 if symbols[name].symmetric else step


def _differences(variant: Variant, solved: Solved, steps: dict[str, torch.Tensor]) -> dict[str, float]:
    """One call for all data, each moved up and down; two for each learned parameter."""
    data, found = variant.tensors(), {}
    moved = [(n, sign) for n in steps if n in data for sign in (1, -1)]
    if moved:
        whole = {n: t.expand(BATCH, *t.shape) if n in variant.shared else t for n, t in data.items()}
        copies = {n: torch.stack([t + _move(n, own, steps) for own in moved]) for n, t in whole.items()}
        values = _values(variant, solved, copies)
        found = {
            n: float(values[2 * k] - values[2 * k + 1]) / (2 * STEP) for k, n in enumerate(n for n, s in moved if s > 0)
        }
    for name in steps.keys() - data.keys():
        found[name] = _learned_difference(variant, solved, name, steps[name])
    return found


def _move(name: str, own: tuple[str, int], steps: dict[str, torch.Tensor]) -> torch.Tensor | float:
    return own[1] * STEP * steps[name] if own[0] == name else 0.0


def _values(variant: Variant, solved: Solved, data: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        solution = solved.layer.solve(**data)
    assert (solution.status == 0).all()
    return _functional(_results(variant, solution), solved.weights)


def _learned_difference(variant: Variant, solved: Solved, name: str, step: torch.Tensor) -> float:
    parameter, values = getattr(solved.layer.learn, name), []
    for sign in (1, -2):  # up, then down from there
        with torch.no_grad():
            parameter.add_(sign * STEP * step)
        values.append(float(_values(variant, solved, variant.tensors())))
    with torch.no_grad():
        parameter.add_(STEP * step)
    return (values[0] - values[1]) / (2 * STEP)


@pytest.mark.parametrize("variant", BOTH)
def test_both_backends_agree(variant):
    kkt, cone = (_solved(variant, backend) for backend in ("kkt", "cone"))
    for name, expected in kkt.results.items():
        assert _error(cone.results[name].numpy(), expected.numpy()) < 1e-5, name
    for name, expected in kkt.gradients.items():
        found, expected = (variant.step(name, g).numpy() for g in (cone.gradients[name], expected))
        assert _error(found, expected) < 1e-5, name


@pytest.mark.parametrize("variant", ONE)
def test_the_other_backend_says_where_it_cannot(variant):
    with pytest.raises(DiagnosticError) as refused:
        variant.compile("cone" if variant.backends == ("kkt",) else "kkt")
    assert all(d.span is not None for d in refused.value.diagnostics)


@pytest.mark.parametrize("variant", PYTHON)
def test_the_same_in_python(variant):
    assert variant.python is not None and variant.python() == variant.problem()


@pytest.mark.parametrize("variant", EACH)
def test_its_text_is_read_back(variant):
    problem = variant.problem()
    assert declarative.parse(str(problem), name=problem.name) == problem


def test_an_answer_at_the_edge_of_an_open_domain():
    """|x - y|^2/t + t is 2|x - y| at the best t, so that x = y and t = 0 where |y| < 1."""
    text = "dim n; param y : R^n; var x : R^n; var t : R, pos; minimize quad_over_lin(x - y, t) + t + sumsq(x)"
    y = torch.tensor([0.3, 0.1], dtype=torch.float64, requires_grad=True)
    solution = declarative.compile(declarative.parse(text, name="edge"), backend="kkt").solve(y)
    (gradient,) = torch.autograd.grad(solution.x[0], y)
    exact = torch.allclose(gradient, torch.tensor([1.0, 0.0]).double(), atol=1e-5)
    assert exact or bool(solution.degenerate) or solution.status != 0


def test_a_domain_and_a_row_that_contradict_each_other_are_infeasible():
    text = "dim n; param u : R; var p : R^n; maximize sum(log(p)); subject to; budget: sum(p) <= u"
    layer = declarative.compile(declarative.parse(text, name="logs"), dims={"n": 2}, on_failure="mask")
    assert layer.solve(torch.tensor([0.5, -0.1], dtype=torch.float64)).status.tolist() == [0, 2]
