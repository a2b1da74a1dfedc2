"""CVXPY's own test problems, in `.opt`: the published values to their decimals, and CVXPY's tight answer to 1e-6."""

import inspect
import warnings
from functools import cache

import cvxpy as cp
import numpy as np
import pytest
import torch
from cvxpy.tests import solver_test_helpers as helpers
from layer.cvxpy_problems.table import HERE, SOLVED, WITHOUT_ANSWER, Published

import declarative
from declarative import Status

RUNS = [pytest.param(p, backend, id=f"{p.file}-{backend}") for p in SOLVED for backend in p.backends]
OTHERS = [pytest.param(name, status, b, id=f"{name}-{b}") for name, (status, bs) in WITHOUT_ANSWER.items() for b in bs]


@pytest.fixture(autouse=True)
def double():
    """Programs without parameters answer in the default precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@cache
def _solution(published: Published, backend: str) -> declarative.Solution:
    consts = {n: torch.as_tensor(np.array(v)) for n, v in published.consts(published.made()).items()}
    return declarative.compile(published.path, backend=backend, consts=consts).solve()


@cache
def _tight(published: Published):
    """CVXPY's problem, solved as tightly as its solver can."""
    helper = published.made()
    for tolerance in (1e-12, 1e-11, 1e-10, 1e-9):
        limits = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tolerance)
        with warnings.catch_warnings(action="ignore"):
            helper.solve(cp.CLARABEL, **limits)
        if helper.prob.status == "optimal":
            return helper
    raise AssertionError(helper.prob.status)


def _named(names, values) -> dict[str, list]:
    """What CVXPY has under each of our names: a value, or one for each member of a family; None is not compared."""
    found: dict[str, list] = {}
    for name, value in zip(names, values, strict=True):
        if name is not None and value is not None:
            found.setdefault(name, []).append(value)
    return found


def _array(values: list, shape: tuple[int, ...]) -> np.ndarray:
    """As our array. A cone's dual comes in parts: a family has one row for each cone, with its parts end to end."""
    if not isinstance(values[0], list):
        return np.reshape(np.stack(values).astype(float), shape)
    (parts,) = values
    if len(shape) == 2:
        return np.concatenate([np.reshape(part, (shape[0], -1)) for part in parts], 1)
    return np.concatenate([np.reshape(part, -1) for part in parts])


def _close(found: torch.Tensor, values: list, tolerance: float) -> None:
    expected = _array(values, tuple(found.shape))
    assert np.abs(found.numpy() - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize(("published", "backend"), RUNS)
def test_the_published_values(published, backend):
    helper, solution = published.made(), _solution(published, backend)
    tolerance = 2 * 10.0**-published.places
    assert solution.status.item() == Status.SOLVED
    assert solution.value.item() == pytest.approx(helper.expect_val, abs=tolerance, rel=tolerance)
    for name, expected in _named(published.variables, helper.expect_prim_vars).items():
        _close(solution[name], expected, tolerance)
    for name, expected in _named(published.duals, helper.expect_dual_vars).items():
        if name not in published.unlike:
            _close(solution.duals[name], expected, tolerance)


@pytest.mark.parametrize(("published", "backend"), RUNS)
def test_the_tight_answer(published, backend):
    helper, solution = _tight(published), _solution(published, backend)
    assert solution.value.item() == pytest.approx(helper.prob.value, rel=1e-6, abs=1e-6)
    for name, expected in _named(published.variables, [v.value for v in helper.variables]).items():
        _close(solution[name], expected, 1e-6)
    for name, expected in _named(published.duals, [c.dual_value for c in helper.constraints]).items():
        _close(solution.duals[name], expected, 1e-6)


@pytest.mark.parametrize(("name", "status", "backend"), OTHERS)
def test_those_without_an_answer(name, status, backend):
    solution = declarative.compile(HERE / f"{name}.opt", backend=backend, on_failure="mask").solve()
    assert Status(solution.status.item()).name.lower() == status
    assert solution.value.isnan() and solution.messages[()]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_program_whose_parameters_change(backend):
    """CVXPY's `test_qp_parameter_update`: the second data in a batch with the first."""
    p, q = torch.tensor([[4.0, 0.25], [2.0, 1.0]]), torch.tensor([[-4.0, 2.0], [-6.0, 2.0]])
    a, b = torch.tensor([[1.0, 1.0], [1.0, 2.0]]), torch.tensor([2.0, 1.5])
    found = declarative.compile(HERE / "qp_parameter.opt", backend=backend).solve(p, q, a, b)
    assert found.value.tolist() == pytest.approx([-2.0, -6.75], rel=1e-9)
    assert found.x[1].tolist() == pytest.approx([1.5, 0.0], abs=1e-9)
    assert found.duals["sign"][1].tolist() == pytest.approx([0.0, 8.0], abs=1e-9)
    assert found.duals["cap"].tolist() == pytest.approx([0.0, 3.0], abs=1e-9)


def test_a_solution_that_is_not_unique_is_flagged():
    for name in ("lp_5", "lp_7"):
        (published,) = [p for p in SOLVED if p.file == name]
        for backend in published.backends:
            assert _solution(published, backend).nonunique.item(), (name, backend)


@pytest.mark.parametrize(
    ("file", "a", "b", "sign", "names"),
    [("sdp_1min", 0.6, 0.5, -1, ("low01", "low13")), ("sdp_1max", 0.8, -0.4, 1, ("low02", "high23"))],
)
def test_the_duals_of_bounds_on_correlations(file, a, b, sign, names):
    """The extreme correlation of two that have a and b with a third: a b + s sqrt((1 - a^2)(1 - b^2)), s = -1 or 1."""
    (published,) = [p for p in SOLVED if p.file == file]
    found, root = _solution(published, "cone"), np.sqrt((1 - a**2) * (1 - b**2))
    slopes = b - sign * a * (1 - b**2) / root, a - sign * b * (1 - a**2) / root
    assert found.value.item() == pytest.approx(a * b + sign * root, rel=1e-9)
    for name, slope in zip(names, slopes, strict=True):
        assert found.duals[name].item() == pytest.approx(abs(slope), rel=1e-7)
    idle = set(found.duals) - {*names, "unit", "correlation"}
    assert all(abs(found.duals[name].item()) < 1e-7 for name in idle)


def test_every_continuous_problem_is_here():
    made = {n for n, f in vars(helpers).items() if inspect.isfunction(f) and f.__module__ == helpers.__name__}
    files = {path.stem.removesuffix("min").removesuffix("max") for path in HERE.glob("*.opt")}
    assert {name for name in made if not name.startswith("mi_")} <= files
    assert {path.stem for path in HERE.glob("*.opt")} == {*(p.file for p in SOLVED), *WITHOUT_ANSWER, "qp_parameter"}
