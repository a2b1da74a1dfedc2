"""Variants of ridge and lasso: other penalties and losses, other shapes, constraints, several variables."""

import cvxpy as cp
import numpy as np
from layer.variants.variant import Answer, Data, Variant, convex

import declarative as dc


def _rows(m: int, n: int, **more):
    """A regression of m rows and n columns, and further scalars uniform between bounds."""

    def data(g: np.random.Generator) -> Data:
        found = {"A": g.standard_normal((2, m, n)), "b": g.standard_normal((2, m))}
        return found | {name: g.uniform(lo, hi, 2) for name, (lo, hi) in more.items()}

    return data


def _penalised(penalty, loss=cp.sum_squares, constraints=lambda x, d: []):
    """The oracle of loss(A x - b) + penalty(x, d)."""

    def answer(d: Data) -> Answer:
        x = cp.Variable(d["A"].shape[1])
        rows = constraints(x, d)
        named = {c.label: c for c in rows if getattr(c, "label", None)}
        return convex(cp.Minimize(loss(d["A"] @ x - d["b"]) + penalty(x, d)), rows, x=x, **named)

    return answer


def _named(name: str, constraint):
    constraint.label = name
    return constraint


def _ridge(d: Data) -> Answer:
    A, b = d["A"], d["b"]
    return {"x": np.linalg.solve(A.T @ A + d["lam"] * np.eye(A.shape[1]), A.T @ b)}


def _weighted_ridge(d: Data) -> Answer:
    A, W, L = d["A"], np.diag(d["w"]), np.diag(np.exp(d["s"]))
    return {"x": np.linalg.solve(A.T @ W @ A + L, A.T @ W @ d["b"])}


def _weighted_ridge_python():
    m, n = dc.dim("m"), dc.dim("n")
    A, b, w, s = dc.param("A", m, n), dc.param("b", m), dc.param("w", m, "pos"), dc.param("s", n)
    x = dc.var("x", n)
    r = A @ x - b
    fit, penalty = dc.sum(w * r**2), dc.sum(dc.exp(s) * x * x)
    return dc.problem(dc.minimize(fit + penalty), outputs={"x": x, "r": r}, name="weighted_ridge")


def _several_outputs(d: Data) -> Answer:
    A, B = d["A"], d["B"]
    X = np.linalg.solve(A.T @ A + d["lam"] * np.eye(3), A.T @ B)
    return {"X": X, "fitted": A @ X}


def _intercept(d: Data) -> Answer:
    x, c = cp.Variable(3), cp.Variable()
    f = cp.sum_squares(d["A"] @ x + c - d["b"]) + d["lam"] * cp.sum_squares(x)
    return convex(cp.Minimize(f), [], x=x, c=c)


def _learned(d: Data) -> Answer:
    A, b, L = d["A"], d["b"], np.diag(d["pen"])
    return {"x": np.linalg.solve(A.T @ A + L, A.T @ b)}


def _huber(r):
    return cp.sum(cp.huber(r, 0.5))


def _huber_width(d: Data) -> Answer:
    x = cp.Variable(3)
    loss = cp.sum(cp.huber(d["A"] @ x - d["b"], d["M"]))
    return convex(cp.Minimize(loss + 0.1 * cp.sum_squares(x)), [], x=x)


def _group_lasso_python():
    m, n, k = dc.dim("m"), dc.dim("n"), dc.dim("k")
    A, b, lam = dc.param("A", m, n * k), dc.param("b", m), dc.param("lam", "pos")
    x = dc.var("x", n * k)
    groups = dc.sum(dc.norm(dc.reshape(x, n, k)[j, :]) for j in n)
    return dc.problem(dc.minimize(dc.sumsq(A @ x - b) + lam * groups), name="group_lasso")


def _logistic(d: Data) -> Answer:
    x = cp.Variable(d["A"].shape[1])
    loss = cp.sum(cp.logistic(-cp.multiply(d["b"], d["A"] @ x)))
    return convex(cp.Minimize(loss + d["lam"] / 2 * cp.sum_squares(x)), [], x=x)


def _hinge(d: Data) -> Answer:
    w, c, s = cp.Variable(2), cp.Variable(), cp.Variable(6)
    margin = cp.multiply(d["b"], d["A"] @ w + c) >= 1 - s
    f = cp.sum_squares(w) / 2 + d["C"] * cp.sum_squares(s)
    return convex(cp.Minimize(f), [margin, s >= 0], w=w, c=c, s=s, margin=margin)


def _quantile(d: Data) -> Answer:
    x = cp.Variable(2)
    r = d["A"] @ x - d["b"]
    f = cp.sum(d["q"] * cp.pos(r) + (1 - d["q"]) * cp.neg(r)) + 0.1 * cp.sum_squares(x)
    return convex(cp.Minimize(f), [], x=x)


def _signs(g: np.random.Generator, m: int, n: int, **more) -> Data:
    data = _rows(m, n, **more)(g)
    return data | {"b": np.where(data["b"] > 0, 1.0, -1.0)}


def _smooth_curve(d: Data) -> Answer:
    y, n = d["y"], len(d["y"])
    D = np.diff(np.eye(n), n=2, axis=0)
    return {"x": np.linalg.solve(np.eye(n) + d["lam"] * D.T @ D, y)}


VARIANTS = [
    Variant(
        "wide: fewer rows than columns, renamed",
        "dim p, e; param Phi : R^(p,e); param y : R^p; param k : R, pos; var theta : R^e\n"
        "minimize k*theta'*theta + (Phi*theta - y)'*(Phi*theta - y)",
        lambda g: {"Phi": g.standard_normal((2, 3, 5)), "y": g.standard_normal((2, 3)), "k": g.uniform(0.2, 1, 2)},
        lambda d: {"theta": _ridge({"A": d["Phi"], "b": d["y"], "lam": d["k"]})["x"]},
    ),
    Variant(
        "one_column: n = 1",
        "dim m, n; param A : R^(m,n); param b : R^m; param lam : R, nonneg = 0; var x : R^n\n"
        "minimize sumsq(A*x - b) + lam*sumsq(x)",
        _rows(4, 1, lam=(0.1, 1)),
        _ridge,
    ),
    Variant(
        "weighted_ridge: weights of rows, exp of data as penalties",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param w : R^m, pos; param s : R^n
        var x : R^n
        let r = A*x - b
        minimize sum(w.*r.^2) + sum(exp(s).*x.*x)
        return x, r
        """,
        lambda g: {**_rows(6, 3)(g), "w": g.uniform(0.5, 2, (2, 6)), "s": g.standard_normal((2, 3))},
        _weighted_ridge,
        python=_weighted_ridge_python,
    ),
    Variant(
        "several_outputs: a matrix of unknowns",
        """
        dim m, n, k
        param A : R^(m,n); param B : R^(m,k); param lam : R, pos
        var X : R^(n,k)
        minimize sumsq(A*X - B) + lam*sumsq(X)
        return X, fitted = A*X
        """,
        lambda g: {"A": g.standard_normal((2, 5, 3)), "B": g.standard_normal((2, 5, 2)), "lam": g.uniform(0.1, 1, 2)},
        _several_outputs,
    ),
    Variant(
        "intercept: two variables, one a number",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param lam : R, pos
        var c : R; var x : R^n
        minimize sum((A[i,:]'*x + c - b[i])^2 for i in m) + lam*sumsq(x)
        """,
        _rows(6, 3, lam=(0.1, 1)),
        _intercept,
    ),
    Variant(
        "learned_ridge: a penalty for each column that is learned",
        "dim m, n; param A : R^(m,n); param b : R^m; learn pen : R^n, pos; var x : R^n\n"
        "minimize sumsq(A*x - b) + x'*diag(pen)*x",
        _rows(6, 3),
        _learned,
        learn={"pen": np.array([0.1, 1.0, 3.0])},
    ),
    Variant(
        "constrained: nonnegative, with a row that sums",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param s : R, pos
        var x : R^n, nonneg
        minimize sumsq(A*x - b)
        subject to
          total: sum(x) == s
        return x, total.dual, x.lower.dual
        """,
        _rows(6, 4, s=(0.5, 1)),
        _penalised(
            lambda x, d: 0,
            constraints=lambda x, d: [_named("total_dual", cp.sum(x) == d["s"]), _named("x_lower_dual", x >= 0)],
        ),
    ),
    Variant(
        "huber_loss: a robust loss",
        "dim m, n; param A : R^(m,n); param b : R^m; param lam : R, pos; var x : R^n\n"
        "minimize sum(huber(A*x - b, 0.5)) + lam*sumsq(x)",
        _rows(7, 3, lam=(0.1, 0.5)),
        _penalised(lambda x, d: d["lam"] * cp.sum_squares(x), _huber),
    ),
    Variant(
        "huber_width: whose width is data",
        "dim m, n; param A : R^(m,n); param b : R^m; param M : R, pos; var x : R^n\n"
        "minimize sum(huber(A[i,:]'*x - b[i], M) for i in m) + 0.1*sumsq(x)",
        _rows(7, 3, M=(0.4, 0.6)),
        _huber_width,
    ),
    Variant(
        "elastic_net: both norms, each with a weight made of data",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param lam : R, pos; param mix : R, between(0, 1)
        var x : R^n
        minimize sumsq(A*x - b)/2 + lam*mix*norm1(x) + lam*(1 - mix)/2*sumsq(x)
        """,
        _rows(7, 4, lam=(1, 2), mix=(0.3, 0.7)),
        _penalised(
            lambda x, d: d["lam"] * (d["mix"] * cp.norm1(x) + (1 - d["mix"]) / 2 * cp.sum_squares(x)),
            lambda r: cp.sum_squares(r) / 2,
        ),
    ),
    Variant(
        "group_lasso: the norms of slices",
        """
        dim m, n, k
        param A : R^(m,n*k); param b : R^m; param lam : R, pos
        var x : R^(n*k)
        minimize sumsq(A*x - b) + lam*sum(norm(reshape(x, n, k)[j,:]) for j in n)
        """,
        _rows(8, 6, lam=(1.5, 2.5)),
        _penalised(lambda x, d: d["lam"] * sum(cp.norm(x[2 * j : 2 * j + 2]) for j in range(3))),
        backends=("cone",),
        dims={"n": 3, "k": 2},
        python=_group_lasso_python,
    ),
    Variant(
        "sum_abs: written as a sum of absolute values, with weights",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param w : R^n, nonneg
        var x : R^n
        minimize 1/2*sumsq(A*x - b) + sum(w[j]*abs(x[j]) for j in n)
        """,
        lambda g: {**_rows(7, 4)(g), "w": g.uniform(0.5, 2, (2, 4))},
        _penalised(lambda x, d: d["w"] @ cp.abs(x), lambda r: cp.sum_squares(r) / 2),
    ),
    Variant(
        "fused: differences and sizes",
        "dim m, n; param A : R^(m,n); param b : R^m; param lam : R, pos; var x : R^n\n"
        "minimize 1/2*sumsq(A*x - b) + lam*norm1(x) + lam/2*norm1(diff(x))",
        _rows(7, 4, lam=(0.5, 1)),
        _penalised(lambda x, d: d["lam"] * (cp.norm1(x) + cp.norm1(cp.diff(x)) / 2), lambda r: cp.sum_squares(r) / 2),
    ),
    Variant(
        "root: the square-root lasso",
        "dim m, n; param A : R^(m,n); param b : R^m; param lam : R, pos; var x : R^n\n"
        "minimize norm(A*x - b) + lam*norm1(x)",
        _rows(7, 3, lam=(0.1, 0.3)),
        _penalised(lambda x, d: d["lam"] * cp.norm1(x), cp.norm),
        backends=("cone",),
    ),
    Variant(
        "worst: the greatest coefficient is penalised",
        "dim m, n; param A : R^(m,n); param b : R^m; param lam : R, pos; var x : R^n\n"
        "minimize sumsq(A*x - b) + lam*norminf(x) + lam*max(x)",
        _rows(7, 3, lam=(0.5, 1)),
        _penalised(lambda x, d: d["lam"] * (cp.norm_inf(x) + cp.max(x))),
    ),
    Variant(
        "logistic: classification",
        "dim m, n; param A : R^(m,n); param b : R^m; param lam : R, pos; var x : R^n\n"
        "minimize sum(logistic(-b[i]*(A[i,:]'*x)) for i in m) + lam/2*sumsq(x)",
        lambda g: _signs(g, 6, 2, lam=(0.2, 1)),
        _logistic,
    ),
    Variant(
        "soft_margin: slacks as a second variable, duals of a family",
        """
        dim m, n
        param A : R^(m,n); param b : R^m; param C : R, pos
        var w : R^n; var c : R; var s : R^m, nonneg
        minimize sumsq(w)/2 + C*sumsq(s)
        subject to
          margin: b[i]*(A[i,:]'*w + c) >= 1 - s[i] for i in m
        """,
        lambda g: _signs(g, 6, 2, C=(0.5, 2)),
        _hinge,
        fixed=("b",),
    ),
    Variant(
        "quantile: a tilted loss from its parts",
        "dim m, n; param A : R^(m,n); param b : R^m; param q : R, between(0, 1); var x : R^n\n"
        "minimize sum(q*pos(A*x - b) + (1 - q)*negpart(A*x - b)) + 0.1*sumsq(x)",
        _rows(5, 2, q=(0.2, 0.8)),
        _quantile,
    ),
    Variant(
        "smooth_curve: second differences, by index",
        "dim n; param y : R^n; param lam : R, pos; var x : R^n\n"
        "minimize sumsq(x - y) + lam*sum((x[i] - 2*x[i+1] + x[i+2])^2 for i in 0..n-3)",
        lambda g: {"y": g.standard_normal((2, 6)), "lam": g.uniform(0.5, 2, 2)},
        _smooth_curve,
    ),
]
