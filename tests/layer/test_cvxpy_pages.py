"""The programs of CVXPY's pages and tests, written in `.opt`: the same optimum on every backend that takes them."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
import torch
from layer.cvxpy_pages.convex import PAGES, Page
from layer.cvxpy_pages.geometric import PROGRAMS

import declarative
from declarative import DiagnosticError, Status


def _optima(text: str, data: dict) -> list[float]:
    """On the cone backend, which takes all of them, and on kkt, where it takes it."""
    problem = declarative.parse(text)
    fixed = {d.symbol.name for d in problem.parameters if d.symbol.role.value == "const"}
    tensors = {n: torch.as_tensor(np.asarray(v), dtype=torch.float64) for n, v in data.items()}
    consts = {n: t for n, t in tensors.items() if n in fixed}
    layers = [declarative.compile(problem, backend="cone", consts=consts)]
    try:
        layers.append(declarative.compile(problem, backend="kkt", consts=consts))
    except DiagnosticError as refused:
        assert {d.code for d in refused.diagnostics} <= {"E301", "E302", "E303"}, refused
    found = [layer.solve(**{n: t for n, t in tensors.items() if n not in fixed}) for layer in layers]
    assert [int(s.status) for s in found] == [Status.SOLVED] * len(found)
    return [s.value.item() for s in found]


@pytest.fixture(autouse=True)
def double():
    """Programs without parameters answer in the default precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", PROGRAMS)
def test_geometric_programs_have_their_closed_form(name: str):
    text, data, expected = PROGRAMS[name]
    for found in _optima(text, data):
        assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_convex_programs_have_the_optimum_of_cvxpy(page: Page):
    program = page.program(page.data)
    for tolerance in (1e-11, 1e-10, 1e-9, 1e-8):
        with warnings.catch_warnings(action="ignore"):
            program.solve(cp.CLARABEL, **dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tolerance))
        if program.status == "optimal":
            break
    assert program.status == "optimal"
    for found in _optima(page.text, page.data):
        assert found == pytest.approx(program.value, rel=1e-7, abs=1e-7)
