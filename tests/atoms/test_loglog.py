"""The table of logarithmic forms: each is the logarithm of its function, with the curvature that CVXPY tells."""

import cvxpy as cp
import numpy as np
import pytest
import torch

import declarative
from declarative.analysis.loglog import LogLogTable
from declarative.atoms.loglog import Indices
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Variable
from declarative.ir.facts import Curvature
from declarative.rewrite.logarithm import logarithm

DECLARATIONS = """dim n, m
param a : R, pos
param c : R^n, pos
param e : R
param A : R^(m,n), pos
param E : R^(m,n)
param P : R^(n,n), pos
var s : R, pos
var t : R, pos
var w : R, between(1.5, inf)
var x : R^n, pos
var y : R^n, pos
var X : R^(m,n), pos
var Y : R^(n,m), pos
"""
SIZES = {"n": 3, "m": 2}
VARIABLES = "stwxyXY"
AFFINE, CONVEX, CONCAVE = Curvature.AFFINE, Curvature.CONVEX, Curvature.CONCAVE


def _outer(x: cp.Expression, y: cp.Expression) -> cp.Expression:
    return cp.reshape(x, (3, 1), order="C") @ cp.reshape(y, (1, 3), order="C")


# A scalar expression, its log-log curvature, and the same in CVXPY (None: CVXPY has no such function).
CASES = {
    "a*s*t": (AFFINE, lambda v: v["a"] * v["s"] * v["t"]),
    "s/t^3": (AFFINE, lambda v: v["s"] / v["t"] ** 3),
    "s^e": (AFFINE, None),
    "square(s)*sqrt(t)*inv_pos(s)": (AFFINE, lambda v: cp.square(v["s"]) * cp.sqrt(v["t"]) * cp.inv_pos(v["s"])),
    "abs(s)*pos(t)": (AFFINE, None),
    "geo_mean(x)": (AFFINE, lambda v: cp.geo_mean(v["x"])),
    "geo_mean(x, c)": (AFFINE, lambda v: cp.geo_mean(v["x"], v["c"])),
    "norm(x, 0.5)": (CONVEX, lambda v: cp.pnorm(v["x"], 0.5)),
    "norm(x, -2)": (CONCAVE, lambda v: cp.pnorm(v["x"], -2)),
    "log(w)": (CONCAVE, lambda v: cp.log(v["w"])),
    "log(w)*s/sum(x)": (CONCAVE, None),
    "s/log(2*w)": (CONVEX, lambda v: v["s"] / cp.log(2 * v["w"])),
    "prod(x[i]*c[i] for i in n)": (AFFINE, lambda v: cp.prod(cp.multiply(v["x"], v["c"]))),
    "(x*y')[0,1]*X'[1,0]*[x, s][3]": (AFFINE, None),
    "s + a + t*s": (CONVEX, lambda v: v["s"] + v["a"] + v["t"] * v["s"]),
    "1/(1/s + 1/t)": (CONCAVE, lambda v: 1 / (1 / v["s"] + 1 / v["t"])),
    "sum(x + y + s)": (CONVEX, lambda v: cp.sum(v["x"] + v["y"] + v["s"])),
    "sum((x + y).^2 ./ c)": (CONVEX, lambda v: cp.sum(cp.multiply((v["x"] + v["y"]) ** 2, 1 / v["c"]))),
    "mean(x)": (CONVEX, lambda v: cp.sum(v["x"]) / 3),
    "c'*x": (CONVEX, lambda v: v["c"] @ v["x"]),
    "sum(A*x)": (CONVEX, lambda v: cp.sum(v["A"] @ v["x"])),
    "sum(X*(Y*(A*x)))": (CONVEX, lambda v: cp.sum(v["X"] @ (v["Y"] @ (v["A"] @ v["x"])))),
    "quad(x, P)": (CONVEX, None),
    "trace(X*Y)": (CONVEX, lambda v: cp.trace(v["X"] @ v["Y"])),
    "sumsq(X)": (CONVEX, lambda v: cp.sum_squares(v["X"])),
    "norm1(x)*norm(x)": (CONVEX, lambda v: cp.norm1(v["x"]) * cp.norm(v["x"])),
    "norm(x, 3)": (CONVEX, lambda v: cp.pnorm(v["x"], 3)),
    "normfro(X)": (CONVEX, lambda v: cp.norm(v["X"], "fro")),
    "norm(x, inf)": (CONVEX, lambda v: cp.norm_inf(v["x"])),
    "quad_over_lin(x, s)": (CONVEX, lambda v: cp.quad_over_lin(v["x"], v["s"])),
    "max(x) + max(s, t)": (CONVEX, lambda v: cp.max(v["x"]) + cp.maximum(v["s"], v["t"])),
    "max(x[i]*y[i] for i in n)": (CONVEX, lambda v: cp.max(cp.multiply(v["x"], v["y"]))),
    "exp(s*t)": (CONVEX, lambda v: cp.exp(v["s"] * v["t"])),
    "exp2(s)": (CONVEX, None),
    "prod(x)*prod(X)": (AFFINE, lambda v: cp.prod(v["x"]) * cp.prod(v["X"])),
    "sum(prod(X, axis = 0))": (CONVEX, lambda v: cp.sum(cp.prod(v["X"], axis=0))),
    "cumprod(x)[2]/cumprod(x)[1]": (AFFINE, lambda v: cp.cumprod(v["x"])[2] / cp.cumprod(v["x"])[1]),
    "prod(cumprod(x + y))": (CONVEX, lambda v: cp.prod(cp.cumprod(v["x"] + v["y"]))),
    "prod(gmatmul(E, x))": (AFFINE, lambda v: cp.prod(cp.gmatmul(v["E"], v["x"]))),
    "sum(gmatmul(E, Y))": (CONVEX, lambda v: cp.sum(cp.gmatmul(v["E"], v["Y"]))),
    "one_minus_pos(s*t/200)*t": (CONCAVE, lambda v: cp.one_minus_pos(v["s"] * v["t"] / 200) * v["t"]),
    "diff_pos(200, s + t)": (CONCAVE, lambda v: cp.diff_pos(200, v["s"] + v["t"])),
    "xexp(s)": (CONVEX, lambda v: cp.xexp(v["s"])),
    "pf_eigenvalue(P .* (x*y'))": (CONVEX, lambda v: cp.pf_eigenvalue(cp.multiply(v["P"], _outer(v["x"], v["y"])))),
    "pf_eigenvalue(Y*X)": (CONVEX, lambda v: cp.pf_eigenvalue(v["Y"] @ v["X"])),
    "sum(eye_minus_inv([s, t; t, s]/500))": (
        CONVEX,
        lambda v: cp.sum(cp.eye_minus_inv(cp.bmat([[v["s"], v["t"]], [v["t"], v["s"]]]) / 500)),
    ),
    "sum(eye_minus_inv(x*y'/500))": (CONVEX, None),
    "resolvent(Y*X, 900)[0,1]": (CONVEX, None),
    "upper_tri([s, t; t, s])[0]": (
        AFFINE,
        lambda v: cp.upper_tri(cp.bmat([[v["s"], v["t"]], [v["t"], v["s"]]]))[0, 0],
    ),
    "min(x)*min(s, t)": (CONCAVE, lambda v: cp.min(v["x"]) * cp.minimum(v["s"], v["t"])),
    "harmonic_mean(x)": (CONCAVE, lambda v: cp.harmonic_mean(v["x"])),
    "sum(x[i]*y[j] for i in n, j in n if i != j)": (CONVEX, None),
    "s*sum(sum(P[i,j]*x[j] for j in n if j > i)^2 for i in n if i < 2)": (CONVEX, None),
}


def _body(text: str):
    return declarative.parse(f"{DECLARATIONS}minimize {text}", name="law").objective.body


def _values(e, data: dict[str, torch.Tensor]) -> torch.Tensor:
    vectoriser = Vectoriser(SIZES, {})
    return Runner(vectoriser.tape([vectoriser.value(e).slot]))(data)[0]


def _data(seed: int) -> dict[str, torch.Tensor]:
    """Positive numbers over three decades, and exponents of either sign; 40 items."""
    make = torch.Generator().manual_seed(seed)
    shapes = {"s": (), "t": (), "x": (3,), "y": (3,), "X": (2, 3), "Y": (3, 2)}
    shapes |= {"a": (), "c": (3,), "A": (2, 3), "P": (3, 3)}
    drawn = {n: torch.randn(40, *shape, generator=make, dtype=torch.float64).exp() for n, shape in shapes.items()}
    drawn["w"] = 1.5 * torch.maximum(drawn["s"], 1 / drawn["s"])
    signed = {"e": (), "E": (2, 3)}
    return drawn | {n: torch.randn(40, *shape, generator=make, dtype=torch.float64) for n, shape in signed.items()}


def _log(body):
    declared = declarative.parse(f"{DECLARATIONS}minimize s", name="law").variables
    return logarithm(body, {d.symbol: Variable(d.symbol.name, d.symbol.shape) for d in declared}, Indices())


def _moved(data: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same parameters, other variables."""
    return {n: other[n] if n in VARIABLES else t for n, t in data.items()}


def _logs(data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n: t.log() if n in VARIABLES else t for n, t in data.items()}


@pytest.mark.parametrize("text", CASES)
def test_the_form_is_the_logarithm(text):
    body, data = _body(text), _data(1)
    assert torch.allclose(_values(_log(body), _logs(data)), _values(body, data).log(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("text", CASES)
def test_the_table_tells_the_curvature(text):
    """The value midway between two points, in logarithms, against the mean of their values."""
    body, first = _body(text), _data(1)
    second = _moved(first, _data(2))
    middle = _moved(first, {n: (first[n] * second[n]).sqrt() for n in VARIABLES})
    gap = _values(body, middle).log() - (_values(body, first).log() + _values(body, second).log()) / 2
    told = LogLogTable(body)(body)
    assert told is CASES[text][0]
    assert (gap <= 1e-9).all() if told.convex else (gap >= -1e-9).all()
    assert (gap.abs() <= 1e-9).all() == told.affine


@pytest.mark.parametrize("text", [text for text, (_, oracle) in CASES.items() if oracle is not None])
def test_cvxpy_tells_the_same(text):
    wanted, oracle = CASES[text]
    shapes = {"s": (), "t": (), "x": (3,), "y": (3,), "X": (2, 3), "Y": (3, 2)}
    shapes["w"] = ()
    known: dict = {n: cp.Variable(shape, pos=True) for n, shape in shapes.items()}
    known |= {"a": 2.0, "c": np.ones(3), "A": np.ones((2, 3)), "P": np.ones((3, 3)), "E": np.eye(2, 3)}
    e = oracle(known)
    assert (e.is_log_log_convex(), e.is_log_log_concave()) == (wanted.convex, wanted.concave)


@pytest.mark.parametrize(
    "text",
    [
        "s - t",
        "sin(s)",
        "s*e",
        "log(s)",
        "min(s + t, s)",
        "s^t",
        "diag(x)[0,1]",
        "(s - 1)^2",
        "one_minus_pos(s/(s + t))",
    ],
)
def test_what_has_no_logarithmic_form(text):
    body = _body(text)
    assert LogLogTable(body)(body) is Curvature.UNKNOWN
