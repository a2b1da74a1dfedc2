"""Each entry of CVXPY's table of functions with known values, written in `.opt`, as the optimum over `x == data`."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
import torch
from layer.cvxpy_pages.atoms import MAXIMIZED, MINIMIZED

import declarative
from declarative import DiagnosticError, Status

with warnings.catch_warnings(action="ignore"):
    from cvxpy.tests.test_constant_atoms import atoms_maximize, atoms_minimize

SYMMETRIC = ("lambda", "log_det", "matrix_frac")  # functions of a matrix that is declared to be so
ENTRIES = [
    pytest.param(sense, text, *entry[2:], id=f"{sense}-{k}-{text}")
    for sense, texts, entries in (("minimize", MINIMIZED, atoms_minimize), ("maximize", MAXIMIZED, atoms_maximize))
    for k, (text, (entry, _)) in enumerate(zip(texts, entries, strict=True))
]


def _space(shape: tuple[int, ...], text: str) -> str:
    if len(shape) == 2:
        return f"S^{shape[0]}" if shape[0] == shape[1] and text.startswith(SYMMETRIC) else f"R^({shape[0]},{shape[1]})"
    return f"R^{shape[0]}" if shape else "R"


@pytest.mark.parametrize(("sense", "text", "arguments", "published"), ENTRIES)
def test_the_optimum_is_the_published_value(sense, text, arguments, published):
    """On the cone backend, which takes all that CVXPY does, and on kkt, where it takes it."""
    with warnings.catch_warnings(action="ignore"):
        data = {f"{n}0": np.array(cp.Constant(a).value, float) for n, a in zip("xyzw", arguments, strict=False)}
    lines = [f"param {n} : {_space(a.shape, text)}; var {n[0]} : {_space(a.shape, text)}" for n, a in data.items()]
    lines += [f"{sense} {text}", "subject to", *(f"  {n[0]} == {n}" for n in data)]
    problem = declarative.parse("\n".join(lines))
    layers = [declarative.compile(problem, backend="cone")]
    try:
        layers.append(declarative.compile(problem, backend="kkt"))
    except DiagnosticError as refused:
        assert {d.code for d in refused.diagnostics} <= {"E301", "E303"}, refused
    for layer in layers:
        found = layer.solve(**{n: torch.as_tensor(a) for n, a in data.items()})
        assert int(found.status) == Status.SOLVED
        assert found.value.item() == pytest.approx(np.sum(published.value), rel=1e-7, abs=1e-7)
