"""Variants of simplex_projection: other sets, other distances, other names, sizes and orders."""

import cvxpy as cp
import numpy as np
import scipy.optimize
from layer.variants.variant import Answer, Data, Variant, convex, spd, symmetric

import declarative as dc


def _sorted_threshold(y: np.ndarray, total: float = 1.0) -> np.ndarray:
    """Held, Wolfe and Crowder 1974."""
    u = np.sort(y)[::-1]
    t = (np.cumsum(u) - total) / np.arange(1, len(y) + 1)
    return np.maximum(y - t[np.nonzero(u > t)[0][-1]], 0)


def _plain_names(d: Data) -> Answer:
    x = _sorted_threshold(d["sum"])
    return {"T": x, "norm": np.sum((x - d["sum"]) ** 2) / 2}


def _weighted(d: Data) -> Answer:
    x = cp.Variable(5)
    total, low, high = d["a"] @ x == d["s"], x >= d["lo"], x <= d["hi"]
    f = cp.sum(cp.multiply(d["q"], cp.square(x - d["y"])))
    return convex(cp.Minimize(f), [total, low, high], x=x, total=total, **{"x.lower": low, "x.upper": high})


def _weighted_python():
    n = dc.dim("n")
    lo, hi, s = dc.param("lo", n), dc.param("hi", n), dc.param("s")
    x = dc.var("x", n, between=(lo, hi))
    y, q, a = dc.param("y", n), dc.param("q", n, "pos"), dc.param("a", n)
    f = dc.sum(q[i] * (x[i] - y[i]) ** 2 for i in n)
    return dc.problem(dc.minimize(f), total=a @ x == s, name="box_projection", params=[lo, hi, s, y, q, a])


def _diamond(d: Data) -> Answer:
    x = cp.Variable(5)
    ball = cp.norm1(x) <= d["r"]
    return convex(cp.Minimize(cp.sum_squares(x - d["y"]) / 2), [ball], x=x, ball=ball)


def _diamond_python():
    n = dc.dim("n")
    y, r = dc.param("y", n), dc.param("r", "pos")
    x = dc.var("x", n)
    return dc.problem(dc.minimize(dc.sumsq(x - y) / 2), ball=dc.norm(x, 1) <= r, name="diamond")


def _cone(d: Data) -> Answer:
    """The closed form of the projection onto the second-order cone."""
    t, y = d["s"], d["y"]
    r = np.linalg.norm(y)
    if r <= t:
        return {"t": t, "x": y}
    if r <= -t:
        return {"t": 0.0, "x": 0 * y}
    return {"t": (t + r) / 2, "x": (t + r) / 2 * y / r}


def _isotonic(d: Data) -> Answer:
    x = cp.Variable(6)
    order = x[:-1] <= x[1:]
    f = cp.sum(cp.multiply(d["w"], cp.square(x - d["y"])))
    return convex(cp.Minimize(f), [order], x=x, order=order)


def _isotonic_python():
    n = dc.dim("n")
    w, y, x = dc.param("w", n, "pos"), dc.param("y", n), dc.var("x", n)
    f = dc.sum(w * (x - y) ** 2)
    return dc.problem(dc.minimize(f), order=(x[i] <= x[i + 1] for i in dc.range(n - 1)), name="isotonic")


def _stochastic(d: Data) -> Answer:
    X = cp.Variable((3, 4))
    rows = cp.sum(X, axis=1) == 1
    return convex(cp.Minimize(cp.sum_squares(X - d["Y"])), [rows, X >= 0], X=X, rows=rows)


def _kl(d: Data) -> Answer:
    x = cp.Variable(4)
    budget = cp.sum(x) == d["s"]
    return convex(cp.Minimize(cp.sum(cp.kl_div(x, d["y"]))), [budget, x <= 1.5], x=x, budget=budget)


def _one_sided(d: Data) -> Answer:
    return {"x": np.clip(d["y"], d["lo"], d["hi"])}


def _three_scalars(d: Data) -> Answer:
    a, b, c = _sorted_threshold(d["y"], d["e"])
    return {"a": a, "b": b, "c": c, "both": a + 2 * b, "x": np.array([a, b, c])}


def _psd(d: Data) -> Answer:
    values, V = np.linalg.eigh(d["C"])
    kept = np.maximum(values, 0)
    return {"X": V * kept @ V.T, "X.psd": 2 * V * (kept - values) @ V.T}


def _ellipsoid(d: Data) -> Answer:
    """x - c = (I + l P)^-1 (y - c), with l by bisection."""
    P, gap = d["P"], d["y"] - d["c"]

    def offset(l: float) -> np.ndarray:
        return np.linalg.solve(np.eye(3) + l * P, gap)

    if gap @ P @ gap <= d["r"] ** 2:
        return {"x": d["y"], "inside": 0.0}
    l = scipy.optimize.brentq(lambda l: offset(l) @ P @ offset(l) - d["r"] ** 2, 0, 1e4, xtol=1e-15, rtol=1e-14)
    return {"x": d["c"] + offset(l), "inside": l}


def _halfspaces(d: Data) -> Answer:
    x = cp.Variable(3)
    half = d["G"] @ x <= d["h"]
    return convex(cp.Minimize(cp.sum_squares(x - d["y"])), [half], x=x, half=half)


VARIANTS = [
    Variant(
        "names: symbols called as functions, spaces, methods and attributes are",
        """
        dim index
        param sum : R^index
        var T : R^index
        let R = T - sum
        minimize 1/2*sumsq(R)
        subject to
          unit: max(0, 0)*T[0] + sum(T[i] for i in index) == 1
          nonneg: 0 <= T
        return T, norm = value, e = unit.dual
        """,
        lambda g: {"sum": g.standard_normal((2, 5))},
        _plain_names,
    ),
    Variant(
        "box_projection: a weighted distance, data as bounds, one weighted row, declarations in another order",
        """
        dim n
        param lo : R^n; param hi : R^n; param s : R
        var x : R^n, between(lo, hi)
        param y : R^n
        param q : R^n, pos
        param a : R^n
        minimize sum(q[i]*(x[i] - y[i])^2 for i in n)
        subject to
          total: a'*x == s
        """,
        lambda g: {
            "lo": g.uniform(-1, 0, (2, 5)),
            "hi": g.uniform(0.2, 1, (2, 5)),
            "s": g.uniform(0, 0.3, 2),
            "y": 2 * g.standard_normal((2, 5)),
            "q": g.uniform(0.5, 2, (2, 5)),
            "a": g.uniform(0.5, 1, (2, 5)),
        },
        _weighted,
        python=_weighted_python,
    ),
    Variant(
        "diamond: the ball of the 1-norm",
        "dim n; param y : R^n; param r : R, pos; var x : R^n; minimize sumsq(x - y)/2\n"
        "subject to; ball: norm(x, 1) <= r",
        lambda g: {"y": g.standard_normal((2, 5)), "r": g.uniform(0.5, 1, 2)},
        _diamond,
        python=_diamond_python,
    ),
    Variant(
        "cone: the second-order cone",
        """
        dim n
        param s : R; param y : R^n
        var t : R; var x : R^n
        minimize (t - s)^2 + sumsq(x - y)
        subject to
          K: (t, x) in SOC
        """,
        lambda g: {"s": np.array([0.3, -0.4]), "y": g.standard_normal((2, 3))},
        _cone,
        backends=("cone",),
    ),
    Variant(
        "isotonic: an increasing sequence",
        """
        dim n
        param w : R^n, pos; param y : R^n
        var x : R^n
        minimize sum(w.*(x - y).^2)
        subject to
          order: x[i] <= x[i+1] for i in 0..n-2
        """,
        lambda g: {"w": g.uniform(0.5, 2, (2, 6)), "y": g.standard_normal((2, 6))},
        _isotonic,
        python=_isotonic_python,
    ),
    Variant(
        "stochastic: a matrix with each row on the simplex",
        """
        dim m, n
        param Y : R^(m,n)
        var X : R^(m,n), nonneg
        minimize sumsq(X - Y)
        subject to
          rows: sum(X[i,:]) == 1 for i in m
        """,
        lambda g: {"Y": g.standard_normal((2, 3, 4))},
        _stochastic,
    ),
    Variant(
        "kl_projection: another divergence, with an upper bound",
        """
        dim n
        param y : R^n, pos
        param s : R, pos
        var x : R^n
        minimize sum(kl_div(x, y))
        subject to
          budget: sum(x) == s
          x <= 1.5
        """,
        lambda g: {"y": g.uniform(0.2, 2, (2, 4)), "s": np.array([3.0, 4.0])},
        _kl,
    ),
    Variant(
        "one_sided: sides that are infinite",
        "dim n; param y : R^n; param lo : R^n; param hi : R^n; var x : R^n; minimize sumsq(x - y)\n"
        "subject to; lo <= x <= hi",
        lambda g: {
            "y": 2 * g.standard_normal((2, 3)),
            "lo": np.array([[-1.0, -np.inf, 0.0], [-np.inf, -0.5, -np.inf]]),
            "hi": np.array([[np.inf, 0.5, 1.0], [np.inf, 0.5, 0.25]]),
        },
        _one_sided,
        fixed=("lo", "hi"),
    ),
    Variant(
        "three_scalars: scalars joined to a vector, an output that is an expression",
        """
        param y : R^3
        param e : R, pos
        var a : R, nonneg; var b : R, pos; var c : R
        let x = [a, b, c]
        minimize sumsq(x - y)
        subject to
          budget: a + b + c == e
          last: c >= 0
        return a, b, c, both = a + 2*b, x
        """,
        lambda g: {"y": g.standard_normal((2, 3)), "e": g.uniform(0.5, 2, 2)},
        _three_scalars,
    ),
    Variant(
        "one_place: the simplex of one entry",
        "dim n; param y : R^n; var x : R^n, simplex; minimize sumsq(x - y)",
        lambda g: {"y": g.standard_normal((2, 1))},
        lambda d: {"x": np.ones(1), "value": float(((1 - d["y"]) ** 2).sum())},
        dims={"n": 1},
        duals=False,
    ),
    Variant(
        "psd_projection: a symmetric variable with an attribute",
        "dim n; param C : S^n; var X : S^n, psd; minimize sumsq(X - C)",
        lambda g: {"C": symmetric(g, 2, 4, 4)},
        _psd,
        backends=("cone",),
    ),
    Variant(
        "ellipsoid: a quadratic constraint around a centre",
        """
        dim n
        param P : S^n, pd
        param c : R^n; param y : R^n; param r : R, pos
        var x : R^n
        minimize sumsq(x - y)
        subject to
          inside: quad(x - c, P) <= r^2
        """,
        lambda g: {
            "P": spd(g, 2, 3, 3),
            "c": g.standard_normal((2, 3)),
            "y": 3 * g.standard_normal((2, 3)),
            "r": g.uniform(0.5, 1, 2),
        },
        _ellipsoid,
    ),
    Variant(
        "halfspaces: rows of a shared matrix",
        "dim m, n; param G : R^(m,n); param h : R^m; param y : R^n; var x : R^n; minimize sumsq(x - y)\n"
        "subject to; half: G*x <= h",
        lambda g: {"G": g.standard_normal((5, 3)), "h": g.uniform(0.1, 1, (2, 5)), "y": 3 * g.standard_normal((2, 3))},
        _halfspaces,
        shared=("G",),
    ),
]
