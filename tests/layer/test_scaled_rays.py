"""Programs without a solution in other units: each is told from those that have one far away.

u is the unit of the variables, d the size of the data, r one row or cone.
"""

import math

import pytest
import torch

import declarative
from declarative import Status

SIZES = (1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9)
CASES = [(where, size) for where in ("u", "d", "r", "ud", "udr") for size in SIZES]
INFEASIBLE = {
    "inequalities": "var x : R^3; minimize norm(u*x); subject to; r*sum(u*x) >= 4*d*r; u*x <= d",
    "equations": "var x : R^3; minimize norm(u*x); subject to; r*sum(u*x) == d*r; 2*sum(u*x) == 3*d",
    "second-order": "var x : R^3; minimize sum(u*x); subject to; r*norm(u*x) <= d*r; u*x[0] >= 1.0001*d",
    "semidefinite": "var x : S^4; minimize u*trace(x); subject to; r*u*x in PSD; u*diag(x) == d; u*sum(x) <= -d",
    "exponential": "var x : R^2; minimize u*x[0]; subject to; d*exp(u*x[0]/d) <= u*x[1]; r*u*x[1] <= d*r; u*x[0] >= d",
    "logarithm": "var x : R^3; minimize u*x[0]; subject to; sum(log(u*x/d)) >= 1; r*sum(u*x) <= 3*d*r",
    "power": "var x : R^3; minimize 0; subject to; (r*u*x[0], r*u*x[1], r*u*x[2]) in POW(0.3); u*x[2] >= 2*d"
    "; u*x[0] + u*x[1] <= d",
}
UNBOUNDED = {
    "linear": "var x : R^3; minimize d*u*x[0]; subject to; r*u*x[1] >= d*r; u*x[2] == 3*d",
    "second-order": "var x : R^3; var t : R; minimize d*u*(x[0] - t); subject to; norm(u*r*x) <= u*r*t; u*x[1] == d",
    "quadratic": "var x : R^3; minimize sumsq(u*x[0] - u*x[1]) - d*sum(u*x); subject to; r*u*x[2] == 0",
    "semidefinite": "var x : S^4; minimize d*u*(trace(x) - 2*x[0,1] - 2*x[2,3] - 0.01*sum(x)); subject to"
    "; r*u*x in PSD",
    "exponential": "var x : R^2; minimize d*u*x[0]; subject to; exp(u*x[0]/d) <= u*x[1]/d; r*u*x[1] <= 3*d*r",
    "power": "var x : R^3; minimize -u*d*x[2]; subject to; (r*u*x[0], r*u*x[1], r*u*x[2]) in POW(0.3)",
}
FAMILIES = [pytest.param(text, Status.INFEASIBLE, id=f"{name}, infeasible") for name, text in INFEASIBLE.items()]
FAMILIES += [pytest.param(text, Status.UNBOUNDED, id=f"{name}, unbounded") for name, text in UNBOUNDED.items()]


@pytest.mark.parametrize(("text", "status"), FAMILIES)
def test_what_has_no_solution_has_none_in_any_units(text, status):
    layer = compiled("param u : R, pos; param d : R, pos; param r : R, pos; " + text)
    scales = {n: torch.tensor([s if n in where else 1.0 for where, s in CASES]).double() for n in "udr"}
    found = layer.solve(**scales).status.tolist()
    assert found == [status] * len(CASES)


def compiled(text: str, backend: str = "cone"):
    return declarative.compile(declarative.parse(text, name="rays"), backend=backend, on_failure="mask")


FAR = {  # by e; the value of a solution that lies ever farther away as e grows
    "exponential": ("var x : R^3; minimize exp(sum(x)); subject to; x >= e/3", lambda e: math.exp(e)),
    "entropy": ("var x : R; minimize -entr(x) - (e + 1)*x", lambda e: -math.exp(e)),
    "logarithm": ("var x : R; minimize x; subject to; log(x) >= e", lambda e: math.exp(e)),
    "sums": (
        "var x : R^2; minimize logsumexp(x) - x[0]/2 + exp(x[1]); subject to; x[1] >= e",
        lambda e: math.log(2) + e / 2 + math.exp(e),
    ),
    "semidefinite": ("var t : R; minimize t; subject to; [t, 1; 1, exp(-e)] in PSD", lambda e: math.exp(e)),
    "second-order": ("var t : R; var y : R; minimize t; subject to; quad_over_lin(1, y) <= t; y <= exp(-e)", math.exp),
    "power": (
        "var x : R; var y : R; minimize x; subject to; (x, y, 1) in POW(0.5); y <= exp(-e)",
        lambda e: math.exp(e),
    ),
    "linear": (
        "var x : R^2; minimize x[0]; subject to; x[0] - x[1] == 1; x[0] == (1 + exp(-e))*x[1]",
        lambda e: 1 + math.exp(e),
    ),
}


@pytest.mark.parametrize(("name", "backend"), [(name, "cone") for name in FAR] + [("entropy", "kkt"), ("sums", "kkt")])
def test_a_solution_far_away_is_found_or_not_but_never_denied(name, backend):
    text, value = FAR[name]
    e = torch.tensor([1.0, 12.0, 24.0, 36.0, 42.0, 49.0, 300.0]).double()
    solution = compiled("param e : R; " + text, backend).solve(e)
    found = solution.status.tolist()
    assert found[0] == Status.SOLVED
    for status, at, own in zip(found, e.tolist(), solution.value.tolist(), strict=True):
        if name == "linear" and at > 25:  # the data do not tell any more
            continue
        assert status not in (Status.INFEASIBLE, Status.UNBOUNDED), at
        assert status != Status.SOLVED or abs(own - value(at)) <= 1e-5 * abs(value(at)), at
