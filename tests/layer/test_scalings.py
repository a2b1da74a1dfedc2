"""Programs of every kind in other units: the right answer, or a status that is not `solved`; never a wrong one solved.

o scales the objective, u the unit of the variables, d the data (and with them the answer), r one row or cone.
"""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

import declarative
from declarative import Status

SIZES = (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)
WHERE = ("o", "u", "d", "r", "ou", "oudr")
CASES = [("", 1.0), *((where, size) for where in WHERE for size in SIZES)]

Y = torch.tensor([0.5, -1.0, 0.8, 0.1, 0.3], dtype=torch.float64)
C = torch.tensor([[1.0, 2, 0, -1], [2, -1, 0.5, 0], [0, 0.5, -2, 1], [-1, 0, 1, 0.5]], dtype=torch.float64)
A = torch.tensor([[3.0, 1, 1], [1, 4, 1], [1, 1, 5], [2, 2, 1]], dtype=torch.float64)
VALUES = {"y": Y, "C": C, "A": A, "a": A[0], "E": torch.eye(4, dtype=torch.float64)}
SPACES = {"y": "R^5", "C": "S^4", "A": "R^(4,3)", "a": "R^3", "E": "S^4"}


def simplex_projection() -> Tensor:
    high = Y.sort(descending=True).values
    level = (high.cumsum(0) - 1) / torch.arange(1, 6)
    return (Y - level[(high > level).sum() - 1]).clamp(min=0)


def positive_part() -> Tensor:
    values, Q = torch.linalg.eigh(C)
    return Q @ torch.diag(values.clamp(min=0)) @ Q.T


@dataclass(frozen=True)
class Kind:
    """`answer(d)` is that for u = 1. `hard` are the places of scalings that change the shape of the problem itself."""

    text: str
    data: str
    answer: object
    hard: tuple[str, ...] = ()
    kkt: bool = False


KINDS = {
    "linear": Kind(
        "var x : R^5; minimize o*(y'*(u*x)); subject to; one: r*sum(u*x) == r*d; x >= 0",
        "y",
        lambda d: d * torch.eye(5, dtype=torch.float64)[1],
        kkt=True,
    ),
    "mixed rows": Kind(  # the first three rows hold with equality
        "var x : R^3; maximize o*(5*u*x[0] + 6*u*x[1] + 7*u*x[2]); subject to"
        "; c: r*10^(3*i - 6)*(A[i,:]'*(u*x)) <= 7*r*10^(3*i - 6)*d for i in 4; x >= 0",
        "A",
        lambda d: d * torch.linalg.solve(A[:3], torch.full((3,), 7.0).double()),
        kkt=True,
    ),
    "quadratic": Kind(
        "var x : R^5; minimize o*sumsq(u*x - d*y); subject to; one: r*sum(u*x) == r*d; x >= 0",
        "y",
        lambda d: d * simplex_projection(),
        kkt=True,
    ),
    "ball": Kind(
        "var x : R^5; minimize o*(y'*(u*x)); subject to; ball: r*norm(u*x) <= r*d", "y", lambda d: -d * Y / Y.norm()
    ),
    "cone": Kind(
        "var x : R^5; minimize o*(y'*(u*x)); subject to; ball: (r*d, r*u*x) in SOC", "y", lambda d: -d * Y / Y.norm()
    ),
    "shrinkage": Kind(
        "var x : R^5; minimize o*(sumsq(u*x - d*y)/2 + d*norm(u*x)/2)", "y", lambda d: d * Y * (1 - 0.5 / Y.norm())
    ),
    "semidefinite": Kind(
        "var x : S^4; minimize o*sumsq(u*x - d*C); subject to; c: r*u*x in PSD", "C", lambda d: d * positive_part()
    ),
    "eigenvalue": Kind(
        "var x : R; minimize o*u*x; subject to; c: r*u*x*E - r*d*C in PSD",
        "CE",
        lambda d: d * torch.linalg.eigvalsh(C)[-1],
    ),
    "entropy": Kind(
        "var x : R^5; maximize o*(d*y'*(u*x) + sum(entr(u*x))); subject to; one: r*sum(u*x) == r",
        "y",
        lambda d: torch.softmax(d * Y, 0),
        hard=("d", "oudr"),
    ),
    "exponential": Kind(
        "var x : R^5; minimize o*(sum(exp(u*x)) - d*sum(u*x)); subject to; cap: r*u*x[0] <= r",
        "",
        lambda d: torch.log(d.expand(5)).clamp(max=torch.tensor([1.0] + [torch.inf] * 4, dtype=torch.float64)),
        hard=("d", "oudr"),
    ),
    "exponential cone": Kind(
        "var x : R^2; minimize o*u*x[1]; subject to; k: r*u*x[0] == r*d; c: (r*u*x[0], r*d, r*u*x[1]) in EXP",
        "",
        lambda d: torch.stack([d, d * torch.e]),
    ),
    "power": Kind(
        "var x : R^5; minimize o*(sum((u*x).^1.5)/1.5*sqrt(d) - d*sum(u*x)); subject to; cap: r*u*x[0] <= r*d*4",
        "",
        lambda d: d.expand(5),
        hard=("d", "oudr"),
    ),
    "power cone": Kind(
        "var x : R^3; minimize o*(u*x[0] + u*x[1] - 2.5*u*x[2]); subject to; cap: r*u*x[2] <= r*d"
        "; c: (u*x[0], u*x[1], u*x[2]) in POW(0.25)",
        "",
        lambda d: d * torch.tensor([3**-0.75, 3**0.25, 1.0], dtype=torch.float64),
    ),
    "geometric mean": Kind(
        "var x : R^3; maximize o*geo_mean(u*x); subject to; budget: r*(a'*(u*x)) <= r*d", "a", lambda d: d / 3 / A[0]
    ),
}
RUNS = [(name, "cone") for name in KINDS] + [(name, "kkt") for name, kind in KINDS.items() if kind.kkt]


def solved(kind: Kind, backend: str):
    data = "; ".join(f"param {name} : {SPACES[name]}" for name in kind.data)
    text = f"param o : R, pos; param u : R, pos; param d : R, pos; param r : R, pos; {data}; {kind.text}"
    layer = declarative.compile(declarative.parse(text, name="scaled"), backend=backend, on_failure="mask")
    scales = {n: torch.tensor([s if n in where else 1.0 for where, s in CASES], dtype=torch.float64) for n in "oudr"}
    return layer.solve(**scales, **{name: VALUES[name] for name in kind.data}), scales


def check(name: str, backend: str, hard: tuple[str, ...]) -> None:
    solution, scales = solved(KINDS[name], backend)
    for k, (where, size) in enumerate(CASES):
        expected = KINDS[name].answer(scales["d"][k])
        if solution.status[k] == Status.SOLVED:
            error = (solution.x[k] * scales["u"][k] - expected).abs().max()
            largest = max(1.0, expected.abs().max()) if name == "exponential" else expected.abs().max()
            assert error <= 1e-6 * largest, (where, size)
        else:
            assert where in hard, (where, size, solution.messages[(k,)])


@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_scaled_programs_are_solved_rightly_or_not_called_solved(name, backend):
    check(name, backend, KINDS[name].hard)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["entropy", "exponential", "power", "geometric mean"])
def test_scaled_smooth_programs_on_the_other_backend(name):
    check(name, "kkt", ("d", "oudr"))
