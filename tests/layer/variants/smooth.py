"""Variants of the smooth and the nonconvex programs: pools, curves, poses, frames, boxes."""

import cvxpy as cp
import numpy as np
import scipy.optimize
from layer.variants.variant import Answer, Data, Variant, convex

import declarative as dc


def _root(slope, lo: float, hi: float) -> float:
    return scipy.optimize.brentq(slope, lo, hi, xtol=1e-15, rtol=1e-14)


def _fit(residuals, start) -> np.ndarray:
    return scipy.optimize.least_squares(residuals, start, xtol=1e-15, ftol=1e-15, gtol=1e-15).x


def _weighted_pool(d: Data) -> Answer:
    def slope(y):
        z = (y - d["x"]) / d["d"]
        return np.sum(d["w"] * z / np.sqrt(1 + z**2))

    return {"y": _root(slope, d["x"].min(), d["x"].max())}


def _weighted_pool_python():
    n = dc.dim("n")
    x, w, d = dc.param("x", n), dc.param("w", n, "pos"), dc.param("d", "pos")
    y = dc.var("y")
    return dc.problem(dc.minimize(dc.sum(w * dc.pseudo_huber(y - x, d))), name="weighted_pool")


def _log_cosh(d: Data) -> Answer:
    return {"c": _root(lambda y: np.sum(np.tanh((y - d["x"]) / d["d"])), d["x"].min(), d["x"].max())}


def _points(d: Data) -> Answer:
    """The geometric median, smoothed."""
    y = cp.Variable(2)
    f = sum(cp.norm(cp.hstack([y - p, d["e"]])) for p in d["p"])
    return convex(cp.Minimize(f), [y[0] >= d["k"]], y=y)


def _huber_pool(d: Data) -> Answer:
    return {"y": _root(lambda y: np.sum(np.clip(y - d["x"], -d["d"], d["d"])), d["x"].min(), d["x"].max())}


def _median(d: Data) -> Answer:
    return {"y": np.median(d["x"]), "value": np.abs(d["x"] - np.median(d["x"])).sum()}


def _welsch(d: Data) -> Answer:
    def f(y):
        return np.sum(1 - np.exp(-((y[0] - d["x"]) ** 2) / (2 * d["d"] ** 2)))

    def slope(y):
        z = y - d["x"]
        return np.sum(z * np.exp(-(z**2) / (2 * d["d"] ** 2)))

    middle = d["x"].mean()
    return {"y": _root(slope, middle - 0.5, middle + 0.5)}


def _growth_curve(d: Data) -> Answer:
    K, r, t0 = _fit(lambda p: d["y"] - p[0] / (1 + np.exp(-p[1] * (d["t"] - p[2]))), [1.0, 1.0, 1.0])
    return {"K": K, "r": r, "t0": t0}


def _bounded_curve(d: Data) -> Answer:
    out = scipy.optimize.least_squares(
        lambda p: d["y"] - p[0] * np.exp(p[1] * d["x"]),
        [1.0, -0.5],
        bounds=([0, -0.6], [5, 0]),
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    a = np.sum(d["y"] * np.exp(-0.6 * d["x"])) / np.sum(np.exp(-1.2 * d["x"]))
    assert abs(out.x[1] + 0.6) < 1e-6
    return {"a": a, "b": -0.6}


def _bounded_curve_python():
    m = dc.dim("m")
    x, y = dc.param("x", m), dc.param("y", m)
    a, b = dc.var("a", start=1, between=(0, 5)), dc.var("b", start=-0.5, between=(-0.6, 0))
    return dc.problem(dc.minimize(dc.sumsq(y - a * dc.exp(b * x))), name="bounded_curve")


def _circle(d: Data) -> Answer:
    p = d["p"]
    cx, cy, r = _fit(lambda q: np.hypot(p[:, 0] - q[0], p[:, 1] - q[1]) ** 2 - q[2] ** 2, [0.0, 0.0, 1.0])
    return {"c": np.array([cx, cy]), "r": r}


def _polar(d: Data) -> Answer:
    """The nearest orthonormal frame is the polar factor."""
    U, _, Vt = np.linalg.svd(d["H"], full_matrices=False)
    return {"Q": U @ Vt}


def _frame(d: Data) -> Answer:
    """|H - U M|^2 over orthonormal U: the polar factor of H M', as |U M| does not depend on U."""
    U, _, Vt = np.linalg.svd(d["H"] @ d["M"].T + d["k"] / 2 * d["U0"], full_matrices=False)
    return {"U": U @ Vt}


def _frame_python():
    k, n = dc.dim("k"), dc.dim("n")
    H, M, U0, weight = dc.param("H", n, k), dc.param("M", k, k), dc.param("U0", n, k), dc.param("k_", "pos")
    U = dc.var("U", n, k, orthonormal=True, start=U0)
    return dc.problem(dc.minimize(dc.sumsq(H - U @ M) + weight / 2 * dc.sumsq(U - U0)), name="frame")


def _rotation(d: Data) -> Answer:
    """Kabsch 1976, for a reflection-free answer near the start."""
    c, e = d["a"].mean(0), d["b"].mean(0)
    U, _, Vt = np.linalg.svd((d["b"] - e).T @ (d["a"] - c))
    R = U @ Vt
    return {"R": R, "t": e - R @ c}


def _pose_2d(d: Data) -> Answer:
    """One angle and a shift, from bearings."""
    angle, tx, ty = _fit(lambda q: np.append(_bearings(d, q), q[1:]), [0.0, 0.0, 0.0])
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return {"R": R, "t": np.array([tx, ty])}


def _bearings(d: Data, q: np.ndarray) -> np.ndarray:
    R = np.array([[np.cos(q[0]), -np.sin(q[0])], [np.sin(q[0]), np.cos(q[0])]])
    c = d["p"] @ R.T + q[1:]
    return np.sqrt(d["w"]) * (c[:, 0] / c[:, 1] - d["q"])


def _box(d: Data) -> Answer:
    """A geometric program is convex in the logarithms."""
    log = cp.Variable(3)
    h, w, l = log
    walls = cp.log_sum_exp(cp.hstack([h + w, h + l])) <= np.log(d["wall"] / 2)
    rows = [walls, w + l <= np.log(d["floor"]), h <= np.log(d["r"]) + w, l <= np.log(d["r"]) + w]
    convex(cp.Maximize(cp.sum(log)), rows)
    return dict(zip("hwd", np.exp(log.value), strict=True))


def _can(d: Data) -> Answer:
    """The least surface 2 pi r (r + h) for a volume: h = 2 r."""
    r = (d["V"] / (2 * np.pi)) ** (1 / 3)
    return {"r": r, "h": 2 * r, "value": 6 * np.pi * r**2}


def _poses(g: np.random.Generator) -> Data:
    p = g.uniform(-1, 1, (2, 6, 2)) + np.array([0.0, 4.0])
    q = p[..., 0] / p[..., 1] + 0.02 * g.standard_normal((2, 6)) + 0.05
    return {
        "p": p,
        "q": q,
        "w": g.uniform(0.5, 1, (2, 6)),
        "R0": np.eye(2)[None].repeat(2, 0),
        "t0": np.zeros((2, 2)),
    }


def _clouds(g: np.random.Generator) -> Data:
    a = g.standard_normal((2, 5, 3))
    R0 = np.linalg.qr(g.standard_normal((2, 3, 3)))[0]
    b = np.einsum("bij,bnj->bni", R0, a) + 0.1 * g.standard_normal((2, 5, 3)) + 1
    return {"a": a, "b": b, "R0": R0}


VARIANTS = [
    Variant(
        "weighted_pool: the library's penalty, weighted",
        "dim n; param x : R^n; param w : R^n, pos; param d : R, pos; var y : R\n"
        "minimize sum(w.*pseudo_huber(y - x, d))",
        lambda g: {"x": g.standard_normal((2, 5)), "w": g.uniform(0.5, 2, (2, 5)), "d": g.uniform(0.5, 1, 2)},
        _weighted_pool,
        python=_weighted_pool_python,
    ),
    Variant(
        "log_cosh_pool: a def of a let, 1/d of data",
        """
        dim n
        param x : R^n; param d : R, pos
        var c : R
        def rho(z : R) : R = log(cosh(z))
        let s = 1/d
        let r[i] = s*(c - x[i]) for i in n
        minimize sum(rho(r[i]) for i in n)
        """,
        lambda g: {"x": g.standard_normal((2, 5)), "d": g.uniform(0.5, 1, 2)},
        _log_cosh,
        backends=("kkt",),
    ),
    Variant(
        "points: a pool of points in the plane, on one side",
        """
        dim m, n
        param p[m] : R^n; param e : R, pos; param k : R
        var y : R^n
        minimize sum(sqrt(sumsq(y - p[i]) + e^2) for i in m)
        subject to
          y[0] >= k
        """,
        lambda g: {"p": g.standard_normal((2, 5, 2)), "e": g.uniform(0.1, 0.5, 2), "k": np.array([1.0, -3.0])},
        _points,
    ),
    Variant(
        "huber_pool: the kinked one",
        "dim n; param x : R^n; param d : R, pos; var y : R; minimize sum(huber(y - x[i], d) for i in n)",
        lambda g: {"x": 2 * g.standard_normal((2, 5)), "d": g.uniform(0.8, 1, 2)},
        _huber_pool,
    ),
    Variant(
        "median: a linear program",
        "dim n; param x : R^n; var y : R; minimize norm1(y - x)",
        lambda g: {"x": g.standard_normal((2, 5))},
        _median,
    ),
    Variant(
        "welsch: without starts, from the mean",
        """
        dim n
        param x : R^n
        param d : R, pos
        var y : R, start(mean(x))
        minimize sum(1 - exp(-(y - x[i])^2/(2*d^2)) for i in n)
        """,
        lambda g: {"x": 0.5 * g.standard_normal((2, 6)), "d": g.uniform(0.9, 1.5, 2)},
        _welsch,
        backends=("kkt",),
    ),
    Variant(
        "growth_curve: three parameters, a sigmoid",
        """
        dim m
        param t : R^m; param y : R^m
        var K : R, start(1); var r : R, start(1); var t0 : R, start(1)
        let model[i] = K/(1 + exp(-r*(t[i] - t0))) for i in m
        minimize sumsq(y - model)
        """,
        lambda g: {
            "t": (t := np.sort(g.uniform(0, 4, (2, 8)))),
            "y": 2 / (1 + np.exp(-1.5 * (t - 1.5))) + 0.02 * g.standard_normal((2, 8)),
        },
        _growth_curve,
        backends=("kkt",),
    ),
    Variant(
        "bounded_curve: bounds as attributes, one of them active",
        """
        dim m
        param x : R^m; param y : R^m
        var a : R, start(1), between(0, 5)
        var b : R, start(-0.5), between(-0.6, 0)
        minimize sumsq(y - a*exp(b*x))
        """,
        lambda g: {"x": (x := g.uniform(0, 2, (2, 6))), "y": 2 * np.exp(-0.9 * x) + 0.02 * g.standard_normal((2, 6))},
        _bounded_curve,
        backends=("kkt",),
        python=_bounded_curve_python,
    ),
    Variant(
        "circle: a family of points, a positive unknown",
        """
        dim n
        param p[n] : R^2
        var c : R^2
        var r : R, pos, start(1)
        minimize sum((sumsq(p[i] - c) - r^2)^2 for i in n)
        """,
        lambda g: {
            "p": np.stack([np.cos(a := g.uniform(0, 6, (2, 7))), np.sin(a)], -1) * 1.5
            + 0.1 * g.standard_normal((2, 7, 2))
            + 0.3
        },
        _circle,
        backends=("kkt",),
    ),
    Variant(
        "polar: the nearest orthonormal frame",
        "dim m, k; param H : R^(m,k); var Q : R^(m,k), orthonormal, start(H); minimize sumsq(Q - H)",
        lambda g: {"H": g.standard_normal((2, 4, 2))},
        _polar,
        backends=("kkt",),
    ),
    Variant(
        "frame: the weight is a parameter, sizes renamed",
        """
        dim k, n
        param H : R^(n,k); param M : R^(k,k); param U0 : R^(n,k); param k_ : R, pos
        var U : R^(n,k), orthonormal, start(U0)
        minimize sumsq(H - U*M) + k_/2*sumsq(U - U0)
        """,
        lambda g: {
            "H": g.standard_normal((2, 4, 2)),
            "M": np.eye(2) + 0.3 * g.standard_normal((2, 2, 2)),
            "U0": np.linalg.qr(g.standard_normal((2, 4, 2)))[0],
            "k_": np.array([0.2, 0.5]),
        },
        lambda d: _frame({**d, "k": d["k_"]}),
        backends=("kkt",),
        python=_frame_python,
    ),
    Variant(
        "rotation: two clouds of points, a frame and a shift",
        """
        dim n
        param a[n] : R^3; param b[n] : R^3; param R0 : R^(3,3)
        var t : R^3
        var R : R^(3,3), orthonormal, start(R0)
        minimize sum(sumsq(R*a[i] + t - b[i]) for i in n)
        """,
        _clouds,
        _rotation,
        backends=("kkt",),
        fixed=("R0",),
    ),
    Variant(
        "bearings: a camera in the plane",
        """
        dim n
        param p[n] : R^2; param q : R^n; param w : R^n, nonneg
        param R0 : R^(2,2); param t0 : R^2
        var R : R^(2,2), orthonormal, start(R0)
        var t : R^2, start(t0)
        let c[i] = R*p[i] + t for i in n
        minimize sum(w[i]*(c[i][0]/c[i][1] - q[i])^2 for i in n) + sumsq(t - t0)
        """,
        _poses,
        lambda d: _pose_2d(d),
        backends=("kkt",),
        fixed=("R0",),
    ),
    Variant(
        "box: sides that may be 0, so that it is no geometric program",
        """
        param wall : R, pos; param floor : R, pos; param r : R, pos
        var d : R, nonneg, start(1); var w : R, nonneg, start(1); var h : R, nonneg, start(1)
        minimize -h*w*d
        subject to
          walls: 2*h*(w + d) <= wall
          ground: floor >= w*d
          max(h, d) <= r*w
        """,
        lambda g: {"wall": np.array([10.0, 8.0]), "floor": np.array([3.0, 5.0]), "r": np.array([1.5, 2.0])},
        _box,
        backends=("kkt",),
    ),
    Variant(
        "can: a constraint that is not convex, a number that is not exact",
        """
        param V : R, pos
        var r : R, pos, start(1)
        var h : R, pos, start(1)
        const pi : R = 3.141592653589793
        minimize 2*pi*r*(r + h)
        subject to
          volume: pi*r^2*h == V
        """,
        lambda g: {"V": np.array([1.0, 3.0])},
        _can,
        backends=("kkt",),
    ),
]
