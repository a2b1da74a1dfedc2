"""Variants of tv_denoise, tv_image and tomography: signals and images."""

import cvxpy as cp
import numpy as np
from layer.variants.variant import Answer, Data, Variant, convex

import declarative as dc


def _descended(f, start: np.ndarray) -> np.ndarray:
    """Newton's method with central differences of a smooth f, from a point near the answer."""
    x, h = np.asarray(start, float), 1e-4
    eye = np.eye(len(x))
    for _ in range(30):
        g = np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in eye])
        H = np.array(
            [
                [
                    (f(x + h * (a + b)) - f(x + h * (a - b)) - f(x - h * (a - b)) + f(x - h * (a + b))) / (4 * h * h)
                    for a in eye
                ]
                for b in eye
            ]
        )
        x = x - np.linalg.solve(H, g)
    return x


def _denoise(penalty):
    def answer(d: Data) -> Answer:
        x = cp.Variable(d["y"].shape)
        return convex(cp.Minimize(cp.sum_squares(x - d["y"]) / 2 + d["lam"] * penalty(x)), [], x=x)

    return answer


def _bounded_denoise(d: Data) -> Answer:
    x = cp.Variable(6)
    variation = cp.norm1(cp.diff(x)) <= d["v"]
    rows = [variation, x >= d["lo"], cp.sum(x) == np.sum(d["y"])]
    return convex(cp.Minimize(cp.sum_squares(x - d["y"])), rows, x=x, variation=variation)


def _tv_python():
    n = dc.dim("n")
    x, z, lam = dc.var("x", n), dc.param("y", n), dc.param("lam", "nonneg")
    return dc.problem(dc.minimize(dc.sumsq(x - z) / 2 + lam * dc.norm1(dc.diff(x))), name="tv_vector")


def _squares(x):
    return cp.sum([cp.maximum(cp.abs(x[i + 1] - x[i]) - 0.1, 0) for i in range(5)])


def _image(x):
    h, w = x.shape
    return cp.sum([cp.abs(x[i + 1, j] - x[i, j]) for i in range(h - 1) for j in range(w)]) + cp.sum(
        [cp.abs(x[i, j + 1] - x[i, j]) for i in range(h) for j in range(w - 1)]
    )


def _smooth_image(d: Data) -> Answer:
    y = d["y"]

    def f(v):
        x = v.reshape(y.shape)
        down, right = np.diff(x, axis=0)[:, :-1], np.diff(x, axis=1)[:-1]
        return np.sum((x - y) ** 2) / 2 + d["lam"] * np.sum(np.sqrt(down**2 + right**2 + 0.3**2))

    return {"x": _descended(f, y.ravel()).reshape(y.shape)}


def _tomography(d: Data) -> Answer:
    x = cp.Variable(4)
    z = d["K"] @ x
    f = cp.sum([cp.norm(cp.hstack([z[i], d["eps"]])) for i in range(3)])
    data = d["A"] @ x == d["b"]
    return convex(cp.Minimize(f), [data, x >= 0, x <= 1], x=x, data=data)


VARIANTS = [
    Variant(
        "tv_vector: by functions of vectors",
        "dim n; param y : R^n; param lam : R, nonneg; var x : R^n; minimize sumsq(x - y)/2 + lam*norm1(diff(x))",
        lambda g: {"y": g.standard_normal((2, 6)), "lam": g.uniform(0.2, 0.4, 2)},
        _denoise(lambda x: cp.norm1(cp.diff(x))),
        python=_tv_python,
    ),
    Variant(
        "trend: second differences in the 1-norm",
        "dim n; param y : R^n; param lam : R, nonneg; var x : R^n\n"
        "minimize sumsq(x - y)/2 + lam*sum(abs(x[i] - 2*x[i+1] + x[i+2]) for i in 0..n-3)",
        lambda g: {"y": g.standard_normal((2, 6)), "lam": g.uniform(0.1, 0.2, 2)},
        _denoise(lambda x: cp.norm1(cp.diff(x, 2))),
    ),
    Variant(
        "deadzone: small steps are free, a sum of maxima",
        "dim n; param y : R^n; param lam : R, nonneg; var x : R^n\n"
        "minimize sumsq(x - y)/2 + lam*sum(max(abs(x[i+1] - x[i]) - 0.1, 0) for i in 0..n-2)",
        lambda g: {"y": g.standard_normal((2, 6)), "lam": g.uniform(0.2, 0.4, 2)},
        _denoise(_squares),
    ),
    Variant(
        "bounded_variation: the variation as a constraint, the mean kept",
        """
        dim n
        param v : R, pos; param y : R^n; param lo : R
        var x : R^n
        minimize sumsq(x - y)
        subject to
          variation: sum(abs(x[i+1] - x[i]) for i in 0..n-2) <= v
          x >= lo
          sum(x) == sum(y)
        """,
        lambda g: {"y": 2 * g.standard_normal((2, 6)), "v": np.array([1.0, 1.5]), "lo": np.array([-0.9, -0.8])},
        _bounded_denoise,
    ),
    Variant(
        "image: kinks along rows and columns",
        """
        dim h, w
        param y : R^(h,w); param lam : R, nonneg
        var x : R^(h,w)
        let down = sum(abs(x[i+1,j] - x[i,j]) for i in 0..h-2, j in w)
        let right = sum(abs(x[i,j+1] - x[i,j]) for i in h, j in 0..w-2)
        minimize 1/2*sumsq(x - y) + lam*(down + right)
        """,
        lambda g: {"y": g.standard_normal((2, 3, 3)), "lam": g.uniform(0.1, 0.2, 2)},
        _denoise(_image),
    ),
    Variant(
        "smooth_image: rounder than the original",
        """
        dim h, w
        param y : R^(h,w); param lam : R, nonneg
        const eps : R, pos = 0.3
        var x : R^(h,w)
        minimize 1/2*sumsq(x - y) +
          lam*sum(sqrt((x[i+1,j] - x[i,j])^2 + (x[i,j+1] - x[i,j])^2 + eps^2) for i in 0..h-2, j in 0..w-2)
        """,
        lambda g: {"y": g.standard_normal((2, 2, 3)), "lam": g.uniform(0.1, 0.3, 2)},
        _smooth_image,
    ),
    Variant(
        "tomography: the norm of a pair in place of the root",
        """
        dim m, n, k
        const A : R^(m,n)
        param b : R^m
        learn K : R^(k,n)
        const eps : R, pos = 0.1
        var x : R^n, between(0, 1)
        let z = K*x
        minimize sum(norm([z[i], eps]) for i in k)
        subject to
          data: A*x == b
        """,
        lambda g: {"b": np.array([[0.6, 0.4], [0.8, 0.7]])},
        _tomography,
        backends=("cone",),
        consts={"A": np.array([[0.5, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]]), "eps": 0.1},
        learn={"K": np.random.default_rng(2).standard_normal((3, 4))},
    ),
]
