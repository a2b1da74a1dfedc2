"""Variants of nearest_correlation and max_entropy: matrices and entropies."""

import cvxpy as cp
import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.special
from layer.variants.variant import Answer, Data, Variant, convex, spd, symmetric

import declarative as dc


def _weighted_correlation(d: Data) -> Answer:
    X = cp.Variable((3, 3), symmetric=True)
    f = cp.sum(cp.multiply(d["H"], cp.square(X - d["C"])))
    lower = np.tril(np.ones((3, 3)), -1) * d["low"]
    rows = [X >> 0, cp.diag(X) == 1, X[np.tril_indices(3, -1)] >= lower[np.tril_indices(3, -1)]]
    return convex(cp.Minimize(f), rows, X=X)


def _shrunk(d: Data) -> Answer:
    X = cp.Variable((3, 3), symmetric=True)
    total, cone = cp.trace(X) == d["k"], X - d["e"] * np.eye(3) >> 0
    return convex(cp.Minimize(cp.sum_squares(X - d["C"])), [total, cone], X=X, total=total, cone=cone)


def _shrunk_python():
    n = dc.dim("n")
    X = dc.var("X", n, symmetric=True)
    C, k, e, I = dc.param("C", n, "S"), dc.param("k", "pos"), dc.param("e", "pos"), dc.const("I", n, "S")
    return dc.problem(dc.minimize(dc.sumsq(X - C)), cone=dc.psd(X - e * I), total=dc.trace(X) == k, name="shrunk")


def _precision(d: Data) -> Answer:
    """The graphical lasso."""
    X = cp.Variable((3, 3), symmetric=True)
    f = cp.trace(d["S"] @ X) - cp.log_det(X) + d["lam"] * cp.sum(cp.abs(X - cp.diag(cp.diag(X))))
    return convex(cp.Minimize(f), [], X=X)


def _inverse(d: Data) -> Answer:
    return {"X": np.linalg.inv(d["S"] + d["r"] * np.eye(3))}


def _cut(d: Data) -> Answer:
    """The relaxed cut, with the dual of its diagonal."""
    X = cp.Variable((3, 3), symmetric=True)
    unit = cp.diag(X) == 1
    f = cp.trace(d["L"] @ X) / 4 - d["t"] * cp.sum_squares(X)
    return convex(cp.Maximize(f), [unit, X >> 0], X=X, unit=unit)


def _schur(d: Data) -> Answer:
    """[X, x; x', 1] in PSD is X >= x x'."""
    X, x = cp.Variable((2, 2), symmetric=True), cp.Variable(2)
    big = cp.bmat([[X, cp.reshape(x, (2, 1), order="C")], [cp.reshape(x, (1, 2), order="C"), np.ones((1, 1))]])
    f = cp.trace(d["Q"] @ X) + d["c"] @ x + cp.sum_squares(X) / 2
    return convex(cp.Minimize(f), [big >> 0, cp.trace(X) <= 2], X=X, x=x)


def _spectrum(d: Data) -> Answer:
    x = cp.Variable(2)
    A = d["A0"] + x[0] * d["A1"] + x[1] * d["A2"]
    return convex(cp.Minimize(cp.lambda_max(A) + cp.sum_squares(x) * d["k"]), [], x=x)


def _low_rank(d: Data) -> Answer:
    """Singular values, thresholded."""
    U, s, Vt = np.linalg.svd(d["Y"], full_matrices=False)
    return {"X": U * np.maximum(s - d["lam"], 0) @ Vt}


def _moments(d: Data) -> Answer:
    p = cp.Variable(4)
    mean, spread = d["v"] @ p == d["mu"], d["v"] ** 2 @ p <= d["s2"]
    budget = cp.sum(p) == 1
    names = {"mean": mean, "spread": spread, "budget": budget}
    return convex(cp.Maximize(cp.sum(cp.entr(p))), [budget, mean, spread], p=p, **names)


def _moments_python():
    n = dc.dim("n")
    v, mu, s2 = dc.param("v", n), dc.param("mu"), dc.param("s2")
    p = dc.var("p", n)
    return dc.problem(
        dc.maximize(dc.sum(dc.entr(p[i]) for i in n)),
        budget=dc.sum(p) == 1,
        mean=v @ p == mu,
        spread=dc.sum(v[i] ** 2 * p[i] for i in n) <= s2,
        name="moments",
    )


def _tempered(d: Data) -> Answer:
    p = scipy.special.softmax(d["y"] / d["T"] + np.log(d["q"]))
    return {"p": p, "entropy": -np.sum(p * np.log(p))}


def _sparsemax(d: Data) -> Answer:
    p = cp.Variable(4)
    return convex(cp.Maximize(d["y"] @ p - cp.sum_squares(p) / 2), [p >= 0, cp.sum(p) == 1, p <= d["u"]], p=p)


def _smooth_max(d: Data) -> Answer:
    x = cp.Variable(2)
    f = cp.log_sum_exp(d["A"] @ x + d["b"]) + cp.sum_squares(x) / 2
    return convex(cp.Minimize(f), [], x=x)


def _rows_of_softmax(d: Data) -> Answer:
    return {"P": scipy.special.softmax(d["Y"], axis=1)}


VARIANTS = [
    Variant(
        "weighted_correlation: weights of entries, bounds of some",
        """
        dim n
        param H : S^n, pos; param C : S^n; param low : R
        var X : S^n, psd
        minimize sum(H.*(X - C).^2)
        subject to
          diag(X) == 1
          apart: X[i,j] >= low for i in n, j in n if j < i
        """,
        lambda g: {
            "H": symmetric(g, 2, 3, 3) ** 2 + 0.5,
            "C": 1.5 * symmetric(g, 2, 3, 3),
            "low": np.array([-0.2, -0.1]),
        },
        _weighted_correlation,
        backends=("cone",),
    ),
    Variant(
        "shrunk: eigenvalues from below, a given trace",
        """
        dim n
        var X : S^n
        param C : S^n; param k : R, pos; param e : R, pos
        const I : S^n
        minimize sumsq(X - C)
        subject to
          cone: X - e*I in PSD
          total: trace(X) == k
        """,
        lambda g: {"C": symmetric(g, 2, 3, 3), "k": np.array([2.0, 2.5]), "e": np.array([0.1, 0.2])},
        _shrunk,
        backends=("cone",),
        consts={"I": np.eye(3)},
        python=_shrunk_python,
    ),
    Variant(
        "precision: the graphical lasso",
        """
        dim n
        param S : S^n, psd; param lam : R, pos
        var X : S^n, pd
        minimize trace(S*X) - log_det(X) + lam*sum(abs(X[i,j]) for i in n, j in n if i != j)
        """,
        lambda g: {"S": spd(g, 2, 3, 3), "lam": np.array([0.05, 0.1])},
        _precision,
        backends=("cone",),
    ),
    Variant(
        "inverse: the determinant alone",
        "dim n; param S : S^n, psd; param r : R, pos; var X : S^n\nmaximize log_det(X) - sum(S.*X) - r*trace(X)",
        lambda g: {"S": spd(g, 2, 3, 3), "r": np.array([0.1, 0.3])},
        _inverse,
        backends=("cone",),
    ),
    Variant(
        "cut: maximised, with the dual of the diagonal",
        """
        dim n
        param L : S^n; param t : R, pos
        var X : S^n
        maximize trace(L*X)/4 - t*sumsq(X)
        subject to
          unit: diag(X) == 1
          X in PSD
        return X, unit.dual
        """,
        lambda g: {"L": 4 * symmetric(g, 2, 3, 3), "t": np.array([0.1, 0.2])},
        lambda d: {("unit_dual" if n == "unit" else n): v for n, v in _cut(d).items()},
        backends=("cone",),
    ),
    Variant(
        "schur: blocks that must be semidefinite",
        """
        dim n
        param Q : S^n; param c : R^n
        var X : S^n; var x : R^n
        minimize trace(Q*X) + c'*x + sumsq(X)/2
        subject to
          [X, x; x', 1] in PSD
          size: trace(X) <= 2
        """,
        lambda g: {"Q": symmetric(g, 2, 2, 2), "c": 2 * g.standard_normal((2, 2))},
        _schur,
        backends=("cone",),
    ),
    Variant(
        "spectrum: the greatest eigenvalue of an affine family",
        """
        dim n
        param A0 : S^n; param A1 : S^n; param A2 : S^n; param k : R, pos
        var x : R^2
        minimize lambda_max(A0 + x[0]*A1 + x[1]*A2) + k*sumsq(x)
        """,
        lambda g: {
            "A0": symmetric(g, 2, 3, 3),
            "A1": symmetric(g, 2, 3, 3),
            "A2": symmetric(g, 2, 3, 3),
            "k": np.array([1.0, 2.0]),
        },
        _spectrum,
        backends=("cone",),
    ),
    Variant(
        "low_rank: the nuclear norm",
        "dim m, n; param Y : R^(m,n); param lam : R, pos; var X : R^(m,n); minimize sumsq(X - Y)/2 + lam*normnuc(X)",
        lambda g: {"Y": g.standard_normal((2, 3, 2)), "lam": np.array([0.4, 0.6])},
        _low_rank,
        backends=("cone",),
    ),
    Variant(
        "moments: entropy under constraints, written as a sum over an index",
        """
        dim n
        param v : R^n; param mu : R; param s2 : R
        var p : R^n
        maximize sum(entr(p[i]) for i in n)
        subject to
          budget: sum(p) == 1
          mean: v'*p == mu
          spread: sum(v[i]^2*p[i] for i in n) <= s2
        """,
        lambda g: {
            "v": np.arange(4.0) + 0.1 * g.standard_normal((2, 4)),
            "mu": np.array([1.2, 1.7]),
            "s2": np.array([2.0, 3.2]),
        },
        _moments,
        python=_moments_python,
    ),
    Variant(
        "tempered: a temperature called T, a prior, an output with its own name",
        """
        dim n
        param y : R^n; param T : R, pos; param q : R^n, pos
        var p : R^n
        let entropy = sum(entr(p))
        minimize -y'*p/T + sum(rel_entr(p, q))
        subject to
          sum(p) == 1
        return p, entropy
        """,
        lambda g: {"y": g.standard_normal((2, 4)), "T": g.uniform(0.5, 2, 2), "q": g.uniform(0.1, 1, (2, 4))},
        _tempered,
    ),
    Variant(
        "sparsemax: a quadratic in place of the entropy, and an upper bound",
        """
        dim n
        param y : R^n; param u : R, pos
        var p : R^n, simplex
        maximize y'*p - sumsq(p)/2
        subject to
          p <= u
        """,
        lambda g: {"y": g.standard_normal((2, 4)), "u": np.array([0.55, 0.6])},
        _sparsemax,
    ),
    Variant(
        "smooth_max: the conjugate of the entropy",
        "dim m, n; param A : R^(m,n); param b : R^m; var x : R^n; minimize logsumexp(A*x + b) + x'*x/2",
        lambda g: {"A": g.standard_normal((2, 4, 2)), "b": g.standard_normal((2, 4))},
        _smooth_max,
    ),
    Variant(
        "rows_of_softmax: a family of vectors",
        """
        dim m, n
        param Y[m] : R^n
        var P[m] : R^n
        maximize sum(Y[i]'*P[i] + sum(entr(P[i])) for i in m)
        subject to
          one: sum(P[i]) == 1 for i in m
        """,
        lambda g: {"Y": g.standard_normal((2, 2, 3))},
        _rows_of_softmax,
    ),
]
