"""Geometric programs, of the literature and of our own: closed forms, or CVXPY's answer by its own transformation."""

import warnings
from typing import Any

import cvxpy as cp
import numpy as np
from layer.cases import EXAMPLES
from layer.variants.variant import Answer, Data, Variant

import declarative as dc


def geometric(objective: cp.Minimize | cp.Maximize, constraints: list, **wanted: Any) -> Answer:
    """CVXPY's answer: values of expressions, and the optimal value."""
    problem = cp.Problem(objective, constraints)
    for tolerance in (1e-12, 1e-11, 1e-10, 1e-9):
        with warnings.catch_warnings(action="ignore"):
            limits = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), tolerance)
            problem.solve(gp=True, solver=cp.CLARABEL, **limits)
        if problem.status == "optimal":
            break
    assert problem.status == "optimal"
    return {"value": problem.value} | {n: w.value for n, w in wanted.items()}


def _positive(*shape: int) -> cp.Variable:
    return cp.Variable(shape, pos=True)


# --- of the literature -----------------------------------------------------------------------------


def _box(d: Data) -> Answer:
    """Boyd, Kim, Vandenberghe and Hassibi 2007, "A tutorial on geometric programming", 2.3."""
    h, w, l = _positive(), _positive(), _positive()
    rows = [2 * (h * w + h * l) <= d["wall"], w * l <= d["floor"], h <= d["aspect"] * w, l <= d["aspect"] * w]
    return geometric(cp.Maximize(h * w * l), rows, h=h, w=w, d=l)


def _box_python():
    wall, floor, aspect = (dc.param(name, "pos") for name in ("wall", "floor", "aspect"))
    h, w, d = (dc.var(name, "pos") for name in ("h", "w", "d"))
    rows = {"walls": 2 * (h * w + h * d) <= wall, "ground": w * d <= floor}
    return dc.problem(dc.maximize(h * w * d), **rows, tall=h <= aspect * w, deep=d <= aspect * w, name="box_design")


def _power(d: Data) -> Answer:
    """All rows are tight: p = (D - ratio * rest)^-1 ratio * noise, and the prices solve the transposed system."""
    G, ratio, noise = d["G"], d["ratio"], d["noise"]
    D = np.diag(np.diag(G))
    p = np.linalg.solve(D - ratio * (G - D), ratio * noise)
    loud = noise + (G - D) @ p  # heard is G_ii p_i/loud_i >= ratio: its price is loud_i times that of the linear row
    return {"p": p, "heard": loud * np.linalg.solve((D - ratio * (G - D)).T, np.ones(len(p))), "value": p.sum()}


def _power_python():
    n = dc.dim("n")
    G, noise = dc.param("G", n, n, "pos"), dc.param("noise", n, "pos")
    ratio, most = dc.param("ratio", "pos"), dc.param("most", "pos")
    p = dc.var("p", n, "pos")
    heard = (G[i, i] * p[i] / (noise[i] + dc.sum(G[i, j] * p[j] for j in n if j != i)) >= ratio for i in n)
    outputs = {"p": p, "price": "heard.dual"}
    return dc.problem(dc.minimize(dc.sum(p)), heard=heard, limit=p <= most, outputs=outputs, name="power_control")


def _cantilever(d: Data) -> Answer:
    """The same tutorial, 6.2."""
    w, h, i = _positive(4), _positive(4), np.arange(4)
    unit = [d["force"] / (w[k] * h[k] ** 3) for k in i]
    rows = [6 * (k + 1) * unit[k] * h[k] <= d["strength"] for k in i]
    rows += [sum(((k + 1) ** 3 - k**3) * unit[k] for k in i) * 4 / d["stiffness"] <= d["sag"], h <= d["slender"] * w]
    return geometric(cp.Minimize(cp.sum(cp.multiply(w, h))), rows, w=w, h=h)


def _perron(d: Data) -> Answer:
    """Agrawal, Diamond and Boyd 2019, 5.1."""
    X = _positive(3, 3)
    known = d["known"].astype(bool)
    rows = [X[i, j] == d["A"][i, j] for i, j in np.argwhere(known)]
    rows.append(cp.prod(cp.hstack([X[i, j] for i, j in np.argwhere(~known)])) == 1)
    return geometric(cp.Minimize(cp.pf_eigenvalue(X)), rows, X=X)


def _radius(d: Data) -> Answer:
    """The same paper's 5.1 by the function itself, and with weights."""
    X = _positive(3, 3)
    rows = [X[i, j] == d["A"][i, j] for i, j in ((0, 0), (0, 2), (1, 1), (2, 0), (2, 1))]
    rows.append(X[0, 1] * X[1, 0] * X[1, 2] * X[2, 2] == 1)
    return geometric(cp.Minimize(cp.pf_eigenvalue(cp.multiply(d["weights"], X))), rows, X=X)


def _radius_python():
    A, weights = dc.param("A", 3, 3, "pos"), dc.param("weights", 3, 3, "pos")
    X = dc.var("X", 3, 3, "pos")
    rows = {f"given{i}{j}": X[i, j] == A[i, j] for i, j in ((0, 0), (0, 2), (1, 1), (2, 0), (2, 1))}
    rows["free"] = X[0, 1] * X[1, 0] * X[1, 2] * X[2, 2] == 1
    return dc.problem(dc.minimize(dc.pf_eigenvalue(weights * X)), **rows, name="radius")


def _resolvents(d: Data) -> Answer:
    """R >= (s I - Z)^-1 where s R >= I + R Z: CVXPY's own form of it ends before it is exact."""
    X, Y, rows, f = _positive(2, 2), _positive(2, 2), [], 0
    for Z, p in ((X, d["p"]), (Y, d["p"] / 2)):
        R = _positive(2, 2)
        products = R @ Z
        rows += [(products[i, j] + 1 if i == j else products[i, j]) <= d["s"] * R[i, j] for i in (0, 1) for j in (0, 1)]
        rows.append(cp.prod(Z) >= p)
        f += cp.sum(cp.multiply(d["c"], R))
    return geometric(cp.Minimize(f), rows, X=X, Y=Y)


def _differences(d: Data) -> Answer:
    x, y = _positive(3), _positive()
    E = np.array([[1.0, -0.5, 0.0], [0.2, 0.0, 1.0]])
    rows = [cp.xexp(y) <= d["top"], cp.gmatmul(E, x) >= d["low"], y * cp.one_minus_pos(x[1]) >= x[0]]
    f = cp.diff_pos(d["a"], cp.sum(x)) * y * cp.cumprod(x)[2] ** 0.2
    return geometric(cp.Maximize(f), rows, x=x, y=y)


def _floor_plan(d: Data) -> Answer:
    """The tutorial's 6.1: A over B beside C over D."""
    w, h = _positive(4), _positive(4)
    width = cp.maximum(w[0], w[1]) + cp.maximum(w[2], w[3])
    height = cp.maximum(h[0] + h[1], h[2] + h[3])
    rows = [cp.multiply(w, h) == d["area"], h <= d["aspect"] * w, w <= d["aspect"] * h]
    return geometric(cp.Minimize(width * height * (1 + 0.1 * cp.sum(w) + 0.1 * cp.sum(h))), rows, w=w, h=h)


# --- closed forms ----------------------------------------------------------------------------------


def _can(d: Data) -> Answer:
    """The least surface 2 pi r (r + h) for a volume: h = 2 r."""
    r = (d["V"] / (2 * np.pi)) ** (1 / 3)
    return {"r": r, "h": 2 * r, "value": 6 * np.pi * r**2, "room": 2 / r}


def _arithmetic(d: Data) -> Answer:
    """All three terms are equal at the least of a x y + b/x + c/y, so that it is 3 (a b c)^(1/3)."""
    a, b, c = d["a"], d["b"], d["c"]
    term = (a * b * c) ** (1 / 3)
    return {"x": b / term, "y": c / term, "value": 3 * term - d["a"]}


def _norms(d: Data) -> Answer:
    x, t = _positive(3), _positive()
    f = cp.pnorm(x, 3) * cp.sum_squares(d["A"] @ x) / t + cp.norm_inf(x) ** 0.5
    rows = [cp.geo_mean(x) >= 1, cp.harmonic_mean(x) >= d["low"], t + cp.norm(x) <= 4, cp.exp(t) <= d["top"]]
    return geometric(cp.Minimize(f), rows, x=x, t=t)


def _least(d: Data) -> Answer:
    x = _positive(3)
    rows = [cp.prod(x) * cp.sum(x) <= d["c"], x >= d["lo"], x <= 2.0]
    return geometric(cp.Maximize(cp.min(cp.multiply(d["k"], x)) * x[0] ** 0.5 * x[2]), rows, x=x)


def _gains(g: np.random.Generator) -> Data:
    G = 0.05 * g.uniform(0.5, 1.5, (2, 4, 4)) + g.uniform(1, 2, (2, 4))[..., None] * np.eye(4)
    return {"G": G, "noise": g.uniform(0.1, 0.3, (2, 4)), "ratio": np.array([2.0, 3.0]), "most": np.array([5.0, 9.0])}


def _example(name: str) -> str:
    return (EXAMPLES / f"{name}.opt").read_text()


VARIANTS = [
    Variant(
        "box_design: the example",
        _example("box_design"),
        lambda g: {"wall": np.array([100.0, 40.0]), "floor": np.array([10.0, 9.0]), "aspect": np.array([2.0, 0.5])},
        _box,
        python=_box_python,
    ),
    Variant(
        "box: a negative objective, a maximum, terms on either side",
        """
        param wall : R, pos; param floor : R, pos; param aspect : R, pos
        var d : R, pos; var w : R, pos, start(wall); var h : R, between(0, inf)
        minimize -h*w*d
        subject to
          walls: 2*h*w - wall <= -2*h*d
          ground: floor >= w*d
          h >= 1e-3
          max(h, d) <= aspect*w
        """,
        lambda g: {"wall": np.array([10.0, 8.0]), "floor": np.array([3.0, 5.0]), "aspect": np.array([1.5, 2.0])},
        lambda d: {n: -x if n == "value" else x for n, x in _box(d).items()},
    ),
    Variant(
        "can: a closed form",
        """
        param V : R, pos
        var r : R, pos; var h : R, pos
        minimize 2*3.14159265358979323846*r*(r + h)
        subject to
          room: 3.14159265358979323846*r^2*h >= V
        """,
        lambda g: {"V": np.array([2.0, 0.3])},
        _can,
    ),
    Variant(
        "arithmetic: equal terms, a constant beside them",
        "param a : R, pos; param b : R, pos; param c : R, pos; var x : R, pos; var y : R, pos\n"
        "minimize a*x*y + b/x + c/y - a",
        lambda g: {"a": np.array([2.0, 0.3]), "b": np.array([1.0, 4.0]), "c": np.array([0.5, 2.0])},
        _arithmetic,
    ),
    Variant("power_control: sums that leave one out", _example("power_control"), _gains, _power, python=_power_python),
    Variant(
        "cantilever: a family of stresses, a sum of deflections",
        _example("cantilever"),
        lambda g: {
            "force": np.array([1.0, 1.2]),
            "stiffness": np.array([200.0, 300.0]),
            "strength": np.array([10.0, 8.0]),
            "sag": np.array([0.25, 0.14]),
            "slender": np.array([5.0, 4.0]),
        },
        _cantilever,
        dims={"n": 4},
    ),
    Variant(
        "perron_frobenius: equations between monomials, a product of what is not known",
        _example("perron_frobenius"),
        lambda g: {"A": g.uniform(0.5, 3, (2, 3, 3))},
        _perron,
        consts={"known": np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])},
        duals=False,
    ),
    Variant(
        "radius: the spectral radius of a matrix, as a function",
        """
        param A : R^(3,3), pos; param weights : R^(3,3), pos
        var X : R^(3,3), pos
        minimize pf_eigenvalue(weights .* X)
        subject to
          given00: X[0,0] == A[0,0]
          given02: X[0,2] == A[0,2]
          given11: X[1,1] == A[1,1]
          given20: X[2,0] == A[2,0]
          given21: X[2,1] == A[2,1]
          free: X[0,1]*X[1,0]*X[1,2]*X[2,2] == 1
        """,
        lambda g: {"A": g.uniform(0.5, 3, (2, 3, 3)), "weights": g.uniform(0.5, 2, (2, 3, 3))},
        _radius,
        python=_radius_python,
    ),
    Variant(
        "resolvents: a family of them",
        """
        param c : R^(2,2), pos; param s : R, pos; param p : R, pos
        var Z[2] : R^(2,2), pos
        minimize sum(sum(c .* resolvent(Z[k], s)) for k in 2)
        subject to
          prod(Z[k]) >= p/(1 + k) for k in 2
        return X = Z[0], Y = Z[1]
        """,
        lambda g: {"c": g.uniform(0.5, 2, (2, 2, 2)), "s": np.array([2.0, 3.0]), "p": np.array([0.01, 0.3])},
        _resolvents,
    ),
    Variant(
        "differences: what is subtracted from something greater, running products, products of powers",
        """
        param a : R, pos; param top : R, pos; param low : R, pos
        const E : R^(2,3) = [1, -0.5, 0; 0.2, 0, 1]
        var x : R^3, pos; var y : R, pos
        maximize diff_pos(a, sum(x))*y*cumprod(x)[2]^0.2
        subject to
          xexp(y) <= top
          gmatmul(E, x) >= low
          y*one_minus_pos(x[1]) >= x[0]
        """,
        lambda g: {"a": np.array([6.0, 4.0]), "top": np.array([3.0, 5.0]), "low": np.array([0.2, 0.1])},
        _differences,
    ),
    Variant(
        "floor_plan: maxima inside sums and products",
        """
        param area : R^4, pos; param aspect : R, pos
        var w : R^4, pos; var h : R^4, pos
        let width = max(w[0], w[1]) + max(w[2], w[3])
        let height = max(h[0] + h[1], h[2] + h[3])
        minimize width*height*(1 + 0.1*sum(w) + 0.1*sum(h))
        subject to
          size: w.*h == area
          tall: h <= aspect*w
          wide: w <= aspect*h
        """,
        lambda g: {"area": g.uniform(0.5, 2, (2, 4)), "aspect": np.array([2.0, 3.0])},
        _floor_plan,
    ),
    Variant(
        "norms: norms, means, roots and exponentials",
        """
        param A : R^(2,3), pos; param low : R, pos; param top : R, pos
        var x : R^3, pos; var t : R, pos
        minimize norm(x, 3)*sumsq(A*x)/t + sqrt(norm(x, inf))
        subject to
          geo_mean(x) >= 1
          harmonic_mean(x) >= low
          t + norm(x) <= 4
          exp(t) <= top
        """,
        lambda g: {"A": g.uniform(0.5, 1.5, (2, 2, 3)), "low": np.array([0.9, 0.5]), "top": np.array([3.0, 5.0])},
        _norms,
    ),
    Variant(
        "least: a concave objective, bounds, parameters in exponents",
        """
        param k : R^3, pos; param c : R, pos; param lo : R^3, pos; param e : R = 0.5
        var x : R^3, between(0.01, 2)
        maximize min(k.*x)*x[0]^e*x[2]
        subject to
          prod(x[i] for i in 3)*sum(x) <= c
          low: x >= lo
        """,
        lambda g: {"k": g.uniform(0.5, 2, (2, 3)), "c": np.array([3.0, 5.0]), "lo": g.uniform(0.1, 0.3, (2, 3))},
        _least,
    ),
]
