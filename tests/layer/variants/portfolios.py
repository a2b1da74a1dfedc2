"""Variants of portfolio, knapsack, robust_lp and minimax: other risks, costs and rows; linear programs."""

import cvxpy as cp
import numpy as np
from layer.variants.variant import Answer, Data, Variant, convex, spd

import declarative as dc


def _folio(g: np.random.Generator, **more) -> Data:
    data = {"mu": 0.1 * g.standard_normal((2, 5)), "F": g.standard_normal((2, 3, 5))}
    return data | {name: g.uniform(lo, hi, 2) for name, (lo, hi) in more.items()}


def _long_short(d: Data) -> Answer:
    w = cp.Variable(5)
    net, gross, band = cp.sum(w) == 1, cp.norm1(w) <= d["L"], cp.abs(w[0] - w[1]) <= 0.2
    f = d["mu"] @ w - d["k"] / 2 * cp.quad_form(w, cp.psd_wrap(d["Sigma"]))
    return convex(cp.Maximize(f), [net, gross, band], w=w, net=net, gross=gross)


def _long_short_python():
    n = dc.dim("n")
    w = dc.var("w", n)
    mu, Sigma = dc.param("mu", n), dc.param("Sigma", n, "S", "psd")
    k, L = dc.param("k", "pos"), dc.param("L", "pos", default=1.6)
    return dc.problem(
        dc.maximize(mu @ w - k / 2 * w @ Sigma @ w),
        net=dc.sum(w) == 1,
        gross=dc.norm1(w) <= L,
        band=dc.chain(-0.2, w[0] - w[1], 0.2),
        name="long_short",
    )


def _sectors(d: Data) -> Answer:
    w, S = cp.Variable(5), np.array([0, 1, 0, 1, 1])
    budget, low = cp.sum(w) == 1, w >= 0
    sector = cp.hstack([cp.sum(w[s == S]) for s in (0, 1)]) <= d["cap"]
    f = cp.sum_squares(d["F"] @ w) + d["gamma"] * cp.sum_squares(w) - d["mu"] @ w
    return convex(cp.Minimize(f), [budget, low, sector], w=w, sector=sector, **{"w.lower": low})


def _sectors_python():
    n, k, s = dc.dim("n"), dc.dim("k"), dc.dim("s")
    mu, F, gamma, cap = dc.param("mu", n), dc.param("F", k, n), dc.param("gamma", "pos"), dc.param("cap", s)
    of = dc.index_data("of", s, n)
    w = dc.var("w", n, "nonneg")
    return dc.problem(
        dc.minimize(dc.sumsq(F @ w) + gamma * dc.sumsq(w) - mu @ w),
        budget=dc.sum(w) == 1,
        sector=(dc.sum(w[i] for i in n if of[i] == j) <= cap[j] for j in s),
        name="sectors",
    )


def _deviation(d: Data) -> Answer:
    w = cp.Variable(5)
    budget, target = cp.sum(w) == 1, d["mu"] @ w >= d["r"]
    return convex(cp.Minimize(cp.norm(d["F"] @ w)), [budget, target, w >= 0], w=w, target=target)


def _trading(d: Data) -> Answer:
    w = cp.Variable(5)
    cost = d["c"] * cp.norm1(w - d["w0"]) + 0.5 * cp.sum(cp.power(cp.abs(w - d["w0"]), 1.5))
    f = d["mu"] @ w - cp.sum_squares(d["F"] @ w) - cp.sum_squares(w) - cost
    return convex(cp.Maximize(f), [cp.sum(w) == 1], w=w)


def _growth(d: Data) -> Answer:
    w = cp.Variable(3)
    budget = cp.sum(w) == 1
    return convex(cp.Maximize(d["p"] @ cp.log(d["Q"] @ w)), [budget, w >= 0], w=w, budget=budget)


def _tail(d: Data) -> Answer:
    """Rockafellar and Uryasev 2000, with a quadratic term to make the answer unique."""
    w, t = cp.Variable(3), cp.Variable()
    loss = -d["Q"] @ w
    f = t + cp.sum(cp.pos(loss - t)) / (6 * (1 - d["level"])) + cp.sum_squares(w)
    return convex(cp.Minimize(f), [cp.sum(w) == 1], w=w)


def _knapsack(d: Data) -> Answer:
    x = cp.Variable(5)
    full, few, low, high = d["W"] @ x <= d["cap"], cp.sum(x) == 2, x >= 0, x <= d["u"]
    f = cp.sum(cp.multiply(d["tau"], cp.square(x))) / 2 - d["v"] @ x
    names = {"full": full, "few": few, "x.lower": low, "x.upper": high}
    return convex(cp.Minimize(f), [full, few, low, high], x=x, **names)


def _entropic_knapsack(d: Data) -> Answer:
    x = cp.Variable(4)
    full = d["w"] @ x <= d["cap"]
    f = d["v"] @ x + d["tau"] * cp.sum(cp.entr(x) + cp.entr(1 - x))
    return convex(cp.Maximize(f), [full], x=x, full=full)


def _robust(d: Data) -> Answer:
    x = cp.Variable(3)
    rows = [a @ x + d["rho"] * cp.norm(P @ x) <= b for a, P, b in zip(d["a"], d["P"], d["b"], strict=True)]
    found = convex(cp.Minimize(d["c"] @ x), rows, x=x)
    return found | {"safe": np.array([r.dual_value for r in rows])}


def _robust_python():
    n, m, k = dc.dim("n"), dc.dim("m"), dc.dim("k")
    x = dc.var("x", n)
    P, a = dc.param("P", k, n, family=m), dc.param("a", n, family=m)
    c, b, rho = dc.param("c", n), dc.param("b", m), dc.param("rho", "pos")
    return dc.problem(
        dc.minimize(x @ c), safe=(rho * dc.norm(P[i] @ x) + a[i] @ x <= b[i] for i in m), name="ellipsoids"
    )


def _boxes(d: Data) -> Answer:
    x = cp.Variable(2)
    f = d["c"] @ x + cp.sum_squares(x) / 2
    rows = d["A"] @ x + d["D"] @ cp.abs(x) <= d["b"]
    return convex(cp.Minimize(f), [rows], x=x, rows=rows)


def _members(d: Data) -> Answer:
    x = cp.Variable(2)
    cones = [cp.norm(G @ x + h) <= e @ x + 1 for G, h, e in zip(d["G"], d["h"], d["e"], strict=True)]
    return convex(cp.Minimize(d["c"] @ x), cones, x=x)


def _centre(d: Data) -> Answer:
    x, r = cp.Variable(2), cp.Variable()
    rows = d["A"] @ x + r * np.linalg.norm(d["A"], axis=1) <= d["b"]
    return convex(cp.Maximize(r), [rows], x=x, r=r, rows=rows)


def _worst_piece(d: Data) -> Answer:
    x = cp.Variable(2)
    f = cp.max(d["A"] @ x + d["b"]) + d["k"] * cp.sum_squares(x) / 2 + cp.maximum(x[0], x[1], 0)
    return convex(cp.Minimize(f), [], x=x)


def _epigraph(d: Data) -> Answer:
    x, t = cp.Variable(2), cp.Variable()
    r = cp.multiply(d["w"], d["A"] @ x - d["b"])
    low, high = r >= -t, r <= t
    return convex(cp.Minimize(t), [low, high], x=x, t=t, **{"band.lower": low, "band.upper": high})


VARIANTS = [
    Variant(
        "long_short: a full covariance, a gross exposure, a band, a default",
        """
        dim n
        var w : R^n
        param mu : R^n
        param Sigma : S^n, psd
        param k : R, pos
        param L : R, pos = 1.6
        maximize mu'*w - k/2*w'*Sigma*w
        subject to
          net: sum(w) == 1
          gross: norm1(w) <= L
          band: -0.2 <= w[0] - w[1] <= 0.2
        """,
        lambda g: {
            "mu": g.standard_normal((2, 5)),
            "Sigma": spd(g, 2, 5, 5),
            "k": g.uniform(0.5, 2, 2),
            "L": np.array([1.5, 2.0]),
        },
        _long_short,
        python=_long_short_python,
    ),
    Variant(
        "sectors: sums over the members of each, by integer data",
        """
        dim n, k, s
        param mu : R^n
        param F : R^(k,n)
        param gamma : R, pos
        param cap : R^s
        const of[n] : index(s)
        var w : R^n, nonneg
        minimize sumsq(F*w) + gamma*sumsq(w) - mu'*w
        subject to
          budget: sum(w) == 1
          sector: sum(w[i] for i in n if of[i] == j) <= cap[j] for j in s
        """,
        lambda g: {**_folio(g, gamma=(0.5, 1)), "cap": np.array([[0.3, 0.9], [0.8, 0.4]])},
        _sectors,
        consts={"of": np.array([0, 1, 0, 1, 1])},
        python=_sectors_python,
    ),
    Variant(
        "deviation: the norm as the risk, a required return",
        """
        dim n, k
        param mu : R^n; param F : R^(k,n); param r : R
        var w : R^n
        minimize norm(F*w)
        subject to
          0 <= w
          budget: sum(w) == 1
          target: mu'*w >= r
        """,
        lambda g: {"mu": g.standard_normal((2, 5)), "F": g.standard_normal((2, 6, 5)), "r": np.array([0.1, 0.2])},
        _deviation,
        backends=("cone",),
    ),
    Variant(
        "trading: costs of two powers",
        """
        dim n, k
        param mu : R^n; param F : R^(k,n); param w0 : R^n; param c : R, nonneg
        var w : R^n
        let trade = w - w0
        maximize mu'*w - sumsq(F*w) - sumsq(w) - c*norm1(trade) - 0.5*sum(abs(trade).^1.5)
        subject to
          sum(w) == 1
        """,
        lambda g: {**_folio(g, c=(0.01, 0.05)), "w0": np.full((2, 5), 0.1) + 0.1 * g.standard_normal((2, 5))},
        _trading,
    ),
    Variant(
        "growth: the logarithm of wealth",
        """
        dim m, n
        param Q : R^(m,n), pos; param p : R^m, simplex
        var w : R^n, nonneg
        maximize sum(p[i]*log(Q[i,:]'*w) for i in m)
        subject to
          budget: sum(w) == 1
        """,
        lambda g: {"Q": g.uniform(0.5, 2, (2, 5, 3)), "p": np.full((2, 5), 0.2)},
        _growth,
        step=lambda name, step: step - step.mean(-1, keepdim=True) if name == "p" else step,
    ),
    Variant(
        "tail: the expected tail loss",
        """
        dim m, n
        param Q : R^(m,n); param level : R, between(0, 0.95)
        var w : R^n; var t : R
        minimize t + sum(pos(-Q[i,:]'*w - t) for i in m)/(m*(1 - level)) + sumsq(w)
        subject to
          sum(w) == 1
        """,
        lambda g: {"Q": g.standard_normal((2, 6, 3)), "level": np.array([0.7, 0.6])},
        _tail,
    ),
    Variant(
        "knapsack: an equality, an upper bound and a smoothing for each item, minimised",
        """
        dim k, n
        param v : R^n; param tau : R^n, pos; param u : R^n, pos
        const cap : R^k, pos
        const W : R^(k,n), nonneg
        var x : R^n, between(0, u)
        minimize sum(tau[i]*x[i]^2 for i in n)/2 - v'*x
        subject to
          full: W*x <= cap
          few: sum(x) == 2
        """,
        lambda g: {"v": g.uniform(0, 1, (2, 5)), "tau": g.uniform(0.1, 0.5, (2, 5)), "u": g.uniform(0.6, 1.1, (2, 5))},
        _knapsack,
        consts={"W": np.random.default_rng(5).uniform(0, 1, (2, 5)), "cap": np.array([0.9, 1.2])},
    ),
    Variant(
        "entropic_knapsack: another smoothing",
        """
        dim n
        param v : R^n; param w : R^n, pos; param cap : R; param tau : R, pos
        var x : R^n
        maximize v'*x + tau*sum(entr(x) + entr(1 - x))
        subject to
          full: w'*x <= cap
        """,
        lambda g: {
            "v": g.uniform(0, 1, (2, 4)),
            "w": g.uniform(0.5, 1, (2, 4)),
            "cap": g.uniform(1, 1.5, 2),
            "tau": g.uniform(0.1, 0.3, 2),
        },
        _entropic_knapsack,
    ),
    Variant(
        "ellipsoids: rows that lie the other way, with a radius",
        """
        dim n, m, k
        var x : R^n
        param P[m] : R^(k,n)
        param a[m] : R^n
        param c : R^n
        param b : R^m
        param rho : R, pos
        minimize x'*c
        subject to
          safe: rho*norm(P[i]*x) + a[i]'*x <= b[i] for i in m
        """,
        lambda g: {
            "P": 0.3 * g.standard_normal((2, 8, 2, 3)),
            "a": g.standard_normal((2, 8, 3)),
            "c": g.standard_normal((2, 3)),
            "b": g.uniform(1, 2, (2, 8)),
            "rho": g.uniform(0.5, 1, 2),
        },
        _robust,
        backends=("cone",),
        python=_robust_python,
    ),
    Variant(
        "intervals: rows that vary in boxes",
        """
        dim m, n
        param A : R^(m,n); param D : R^(m,n), nonneg; param b : R^m; param c : R^n
        var x : R^n
        minimize c'*x + x'*x/2
        subject to
          rows: A[i,:]'*x + sum(D[i,j]*abs(x[j]) for j in n) <= b[i] for i in m
        """,
        lambda g: {
            "A": g.standard_normal((2, 4, 2)),
            "D": g.uniform(0, 0.5, (2, 4, 2)),
            "b": g.uniform(0.1, 0.5, (2, 4)),
            "c": 2 * g.standard_normal((2, 2)),
        },
        _boxes,
    ),
    Variant(
        "members: second-order cones, one for each index",
        """
        dim m, n, k
        param c : R^n; param G[m] : R^(k,n); param h[m] : R^k; param e[m] : R^n
        var x : R^n
        minimize c'*x
        subject to
          K: (e[i]'*x + 1, G[i]*x + h[i]) in SOC for i in m
        """,
        lambda g: {
            "c": g.standard_normal((2, 2)),
            "G": g.standard_normal((2, 3, 2, 2)),
            "e": 0.3 * g.standard_normal((2, 3, 2)),
            "h": 0.1 * g.standard_normal((2, 3, 2)),
        },
        _members,
        backends=("cone",),
    ),
    Variant(
        "centre: the greatest ball in a polyhedron, norms of data",
        """
        dim m, n
        param A : R^(m,n); param b : R^m
        var x : R^n; var r : R
        maximize r
        subject to
          rows: A[i,:]'*x + r*norm(A[i,:]) <= b[i] for i in m
        """,
        lambda g: {
            "A": np.array([[1.0, 0], [0, 1], [-1, 0.2], [0.3, -1], [1, 1]]) + 0.1 * g.standard_normal((2, 5, 2)),
            "b": g.uniform(1, 2, (2, 5)),
        },
        _centre,
    ),
    Variant(
        "pieces: the greatest of affine pieces, and of several arguments",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param k : R, pos
        var x : R^n
        minimize max(sum(A[i,j]*x[j] for j in n) + b[i] for i in m) + k*sumsq(x)/2 + max(x[0], x[1], 0)
        """,
        lambda g: {"A": g.standard_normal((2, 4, 2)), "b": g.standard_normal((2, 4)), "k": g.uniform(1, 2, 2)},
        _worst_piece,
    ),
    Variant(
        "epigraph: the Chebyshev fit with its bound as a variable",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param w : R^m, pos
        var t : R; var x : R^n
        minimize t
        subject to
          band: -t <= w.*(A*x - b) <= t
        """,
        lambda g: {"A": g.standard_normal((2, 6, 2)), "b": g.standard_normal((2, 6)), "w": g.uniform(0.5, 2, (2, 6))},
        _epigraph,
    ),
]
