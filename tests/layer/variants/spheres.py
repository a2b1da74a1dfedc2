"""Variants of top_eigenvector and trust_region: spheres, balls, ellipsoids."""

import cvxpy as cp
import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.special
from layer.cases import _trust
from layer.variants.variant import Answer, Data, Variant, convex, spd, symmetric


def _least_eigenvector(d: Data) -> Answer:
    values, vectors = np.linalg.eigh(d["M"])
    v = vectors[:, 0] * np.sign(vectors[:, 0] @ d["start"])
    return {"v": v, "value": values[0], "lam": values[0]}


def _generalised(d: Data) -> Answer:
    values, vectors = scipy.linalg.eigh(d["A"], d["B"])
    u = vectors[:, -1] * np.sign(vectors[:, -1] @ d["u0"])
    return {"u": u, "value": values[-1]}


def _longer(d: Data) -> Answer:
    values, vectors = np.linalg.eigh(d["A"])
    u = vectors[:, -1] * np.sign(vectors[:, -1] @ d["u0"]) * d["r"]
    return {"u": u, "value": values[-1] * d["r"] ** 2 + 1}


def _around(d: Data) -> Answer:
    moved = _trust({"H": d["H"], "g": d["g"] + d["H"] @ d["c"], "r": d["r"]})
    return {"s": moved["s"] + d["c"]}


def _ellipsoid(d: Data) -> Answer:
    """s = L'^-1 t turns s'Ps <= 1 into t't <= 1."""
    L = np.linalg.cholesky(d["P"])
    back = np.linalg.inv(L.T)
    t = _trust({"H": back.T @ d["H"] @ back, "g": back.T @ d["g"], "r": 1.0})["s"]
    return {"s": back @ t}


def _convex_ball(d: Data) -> Answer:
    s = cp.Variable(3)
    ball, side = cp.sum_squares(s) <= d["r"] ** 2, s[0] + s[1] >= d["k"]
    f = cp.quad_form(s, cp.psd_wrap(d["H"])) / 2 + d["g"] @ s
    return convex(cp.Minimize(f), [ball, side], s=s, ball=ball, side=side)


VARIANTS = [
    Variant(
        "bottom_eigenvector: minimised, with other words for the same",
        """
        dim k
        param start : R^k; param M : S^k
        var v : R^k, start(start)
        minimize quad(v, M)
        subject to
          norm: 1 == sumsq(v)
        return v, lam = value
        """,
        lambda g: {"M": symmetric(g, 2, 4, 4), "start": g.standard_normal((2, 4))},
        _least_eigenvector,
        backends=("kkt",),
        fixed=("start",),
    ),
    Variant(
        "generalised_eigenvector: the unit sphere of another matrix",
        """
        dim n
        param A : S^n; param B : S^n, pd; param u0 : R^n
        var u : R^n, start(u0)
        maximize u'*A*u
        subject to
          unit: u'*B*u == 1
        """,
        lambda g: {"A": symmetric(g, 2, 3, 3), "B": spd(g, 2, 3, 3), "u0": g.standard_normal((2, 3))},
        _generalised,
        backends=("kkt",),
        fixed=("u0",),
    ),
    Variant(
        "longer_eigenvector: an attribute in place of the constraint, a length, a constant",
        """
        dim n
        param A : S^n; param u0 : R^n; param r : R, pos
        var w : R^n, unit, start(u0)
        maximize r^2*w'*A*w + 1
        return u = r*w
        """,
        lambda g: {"A": symmetric(g, 2, 3, 3), "u0": g.standard_normal((2, 3)), "r": np.array([0.5, 2.0])},
        _longer,
        backends=("kkt",),
        fixed=("u0",),
    ),
    Variant(
        "around: a ball around another centre",
        """
        dim n
        param H : S^n; param g : R^n; param r : R, pos; param c : R^n
        var s : R^n, start(c)
        minimize g'*s + quad(s, H)/2
        subject to
          sumsq(s - c) <= r^2
        """,
        lambda g: {
            "H": symmetric(g, 2, 3, 3),
            "g": g.standard_normal((2, 3)),
            "r": g.uniform(0.5, 1.5, 2),
            "c": g.standard_normal((2, 3)),
        },
        _around,
        backends=("kkt",),
    ),
    Variant(
        "nonconvex_ellipsoid: a quadratic in an ellipsoid",
        """
        dim n
        param H : S^n; param g : R^n; param P : S^n, pd
        var s : R^n
        minimize 1/2*s'*H*s + g'*s
        subject to
          inside: s'*P*s <= 1
        """,
        lambda g: {"H": symmetric(g, 2, 3, 3), "g": g.standard_normal((2, 3)), "P": spd(g, 2, 3, 3)},
        _ellipsoid,
        backends=("kkt",),
    ),
    Variant(
        "convex_ball: convex, with one more side",
        """
        dim n
        param g : R^n; param r : R, pos; param k : R
        param H : S^n, psd
        var s : R^n
        minimize 1/2*s'*H*s + g'*s
        subject to
          ball: s'*s <= r^2
          side: s[0] + s[1] >= k
        """,
        lambda g: {
            "H": spd(g, 2, 3, 3),
            "g": 3 * g.standard_normal((2, 3)),
            "r": np.array([1.0, 0.8]),
            "k": np.array([0.5, 0.7]),
        },
        _convex_ball,
    ),
]
