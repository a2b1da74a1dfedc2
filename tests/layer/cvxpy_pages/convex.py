"""Convex programs of CVXPY's pages and tests, in `.opt` and in CVXPY, beside those of the variants and cone tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

Data = dict[str, Any]
rng = np.random.default_rng(3)


def _normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def _definite(n: int) -> np.ndarray:
    M = _normal(n, n)
    return M @ M.T / n + 0.5 * np.eye(n)


def _symmetric(*shape: int) -> np.ndarray:
    M = _normal(*shape)
    return (M + np.swapaxes(M, -1, -2)) / 2


@dataclass(frozen=True, eq=False)
class Page:
    name: str
    text: str
    data: Data
    program: Callable[[Data], cp.Problem]


def _cones(d: Data) -> cp.Problem:
    x = cp.Variable(5)
    rows = [cp.norm(A @ x + b) <= c @ x + e for A, b, c, e in zip(d["A"], d["b"], d["c"], d["d"], strict=True)]
    return cp.Problem(cp.Minimize(d["f"] @ x), [*rows, cp.norm(x) <= 4])


def _semidefinite(d: Data) -> cp.Problem:
    X = cp.Variable((4, 4), PSD=True)
    rows = [cp.trace(A @ X) == b for A, b in zip(d["A"], d["b"], strict=True)]
    return cp.Problem(cp.Minimize(cp.trace(d["C"] @ X)), [*rows, cp.trace(X) <= 9])


def _factors(d: Data) -> cp.Problem:
    w, f = cp.Variable(8), cp.Variable(3)
    risk = cp.quad_form(f, d["Omega"]) + cp.sum(cp.multiply(d["D"], cp.square(w)))
    rows = [cp.sum(w) == 1, f == d["F"].T @ w, cp.norm1(w) <= d["L"]]
    return cp.Problem(cp.Maximize(d["mu"] @ w - d["gamma"] * risk), rows)


def _quantile(d: Data) -> cp.Problem:
    return cp.Problem(cp.Minimize(cp.sum(cp.scalene(d["A"] @ cp.Variable(5) - d["b"], d["tau"], 1 - d["tau"]))))


def _precision(d: Data) -> cp.Problem:
    S = cp.Variable((4, 4), symmetric=True)
    return cp.Problem(cp.Maximize(cp.log_det(S) - cp.trace(S @ d["Y"])), [cp.sum(cp.abs(S)) <= d["alpha"]])


def _worst_case(d: Data) -> cp.Problem:
    Sigma, Delta = cp.Variable((4, 4), PSD=True), cp.Variable((4, 4), symmetric=True)
    rows = [Sigma == d["S"] + Delta, cp.diag(Delta) == 0, cp.abs(Delta) <= d["d"]]
    return cp.Problem(cp.Maximize(cp.quad_form(d["w"], Sigma)), rows)


def _advertising(d: Data) -> cp.Problem:
    D = cp.Variable((3, 5), nonneg=True)
    revenue = cp.sum([cp.minimum(r * (p @ D[i]), b) for i, (r, p, b) in enumerate(zip(d["R"], d["P"], d["B"]))])  # noqa: B905
    return cp.Problem(cp.Maximize(revenue), [cp.sum(D, axis=0) <= d["T"], cp.sum(D, axis=1) >= d["c"]])


def _inpainting(d: Data) -> cp.Problem:
    U = cp.Variable((5, 5))
    return cp.Problem(cp.Minimize(cp.tv(U)), [cp.multiply(d["K"], U) == d["K"] * d["C"]])


def _channel(d: Data) -> cp.Problem:
    x = cp.Variable(3, nonneg=True)
    value = np.sum(d["P"] * np.log(d["P"]), axis=0) @ x + cp.sum(cp.entr(d["P"] @ x))
    return cp.Problem(cp.Maximize(value), [cp.sum(x) == 1])


def _design(measure: Callable[[cp.Expression], Any]) -> Callable[[Data], cp.Problem]:
    def program(d: Data) -> cp.Problem:
        lam = cp.Variable(6, nonneg=True)
        return cp.Problem(measure(d["V"] @ cp.diag(lam) @ d["V"].T), [cp.sum(lam) == 1])

    return program


def _ellipsoid(d: Data) -> cp.Problem:
    A, b = cp.Variable((2, 2), PSD=True), cp.Variable(2)
    return cp.Problem(cp.Maximize(cp.log_det(A)), [cp.norm(A @ p + b) <= 1 for p in d["p"]])


def _kelly(d: Data) -> cp.Problem:
    b = cp.Variable(4, nonneg=True)
    growth = cp.log(d["r"] @ b)
    rows = [cp.sum(b) == 1, cp.log_sum_exp(np.log(d["p"]) - d["lam"] * growth) <= 0]
    return cp.Problem(cp.Maximize(d["p"] @ growth), rows)


def _deconvolution(d: Data) -> cp.Problem:
    return cp.Problem(cp.Minimize(cp.norm1(cp.convolve(d["a"], cp.Variable(7)) - d["y"])))


def _lml(d: Data) -> cp.Problem:
    y = cp.Variable(4)
    value = -d["x"] @ y - cp.sum(cp.entr(y)) - cp.sum(cp.entr(1 - y))
    return cp.Problem(cp.Minimize(value), [cp.sum(y) == d["k"]])


def _ratio(d: Data) -> cp.Problem:
    x = cp.Variable()
    return cp.Problem(cp.Minimize(cp.quad_over_lin(x, d["p"]) + x))


def _running(d: Data) -> cp.Problem:
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.norm1(x)), [cp.cumsum(x) >= np.cumsum(d["p"])])


def _support(d: Data) -> cp.Problem:
    """CVXPY has the support function of a set; here it is written out by duality."""
    x, y = cp.Variable(3), cp.Variable(3)
    support = cp.suppfunc(y, [d["D"] @ y <= d["d"]])
    return cp.Problem(cp.Minimize(support(x) + cp.sum_squares(x - d["a"])))


def _tail(d: Data) -> cp.Problem:
    w = cp.Variable(8, nonneg=True)
    return cp.Problem(cp.Maximize(d["mu"] @ w - d["g"] * cp.cvar(-d["R"] @ w, 0.9)), [cp.sum(w) == 1])


def _perspective(d: Data) -> cp.Problem:
    x, t = cp.Variable(3), cp.Variable(nonneg=True)
    value = cp.perspective(cp.log_sum_exp(x), t)
    return cp.Problem(cp.Minimize(value + cp.sum_squares(x - d["a"]) + (t - 1) ** 2))


def _order(d: Data) -> cp.Problem:
    X = cp.Variable((3, 3), symmetric=True)
    return cp.Problem(cp.Minimize(cp.trace(X)), [X - d["S"] >> 0, X - np.diag(d["a"]) >> 0])


def _eigenvalues(d: Data) -> cp.Problem:
    x = cp.Variable(3)
    return cp.Problem(cp.Minimize(cp.lambda_sum_largest(d["S"] + cp.diag(x), 2) + cp.sum_squares(x)))


def _kronecker(d: Data) -> cp.Problem:
    gap = cp.kron(d["S"], cp.Variable((2, 2), symmetric=True)) - np.kron(d["K"], d["K"])
    return cp.Problem(cp.Minimize(cp.norm(gap, "fro")))


def _upper(d: Data) -> cp.Problem:
    R = cp.vec_to_upper_tri(cp.Variable(6))
    return cp.Problem(cp.Minimize(cp.norm(R @ d["M"] - d["K"], "fro")))


POINTS = [[0.55, 0], [0.25, 0.35], [-0.2, 0.2], [-0.25, -0.1], [0, -0.3], [0.4, -0.2]]
MATRICES, CHANNEL = _symmetric(3, 4, 4), rng.uniform(0.1, 1, (3, 3))
DIRECTIONS, RETURNS = _normal(3, 6), 0.1 * _normal(20, 8) + 0.02
PAGES = [
    Page(
        "second-order cones",
        """
        dim k, m, n
        param A[k] : R^(m,n); param b[k] : R^m; param c[k] : R^n; param d : R^k; param f : R^n
        var x : R^n
        minimize f'*x
        subject to
          norm(A[i]*x + b[i]) <= c[i]'*x + d[i] for i in k
          norm(x) <= 4
        """,
        {"A": _normal(3, 4, 5), "b": _normal(3, 4), "c": _normal(3, 5), "d": np.full(3, 6.0), "f": _normal(5)},
        _cones,
    ),
    Page(
        "a semidefinite program",
        """
        dim p, n
        param C : S^n; param A[p] : S^n; param b : R^p
        var X : S^n, psd
        minimize trace(C*X)
        subject to
          trace(A[i]*X) == b[i] for i in p
          trace(X) <= 9
        """,
        {"C": _definite(4) - np.eye(4), "A": MATRICES, "b": np.trace(MATRICES, axis1=1, axis2=2)},
        _semidefinite,
    ),
    Page(
        "a portfolio with factors",
        """
        dim n, k
        param mu : R^n; param F : R^(n,k); param Omega : S^k, psd; param D : R^n, nonneg
        param gamma : R, nonneg; param L : R, nonneg
        var w : R^n; var f : R^k
        maximize mu'*w - gamma*(quad(f, Omega) + sum(D .* w.^2))
        subject to
          sum(w) == 1
          f == F'*w
          norm1(w) <= L
        """,
        {"mu": np.abs(_normal(8)), "F": _normal(8, 3), "Omega": _definite(3), "D": rng.uniform(0.1, 1, 8)}
        | {"gamma": 0.3, "L": 2.0},
        _factors,
    ),
    Page(
        "quantile regression",
        "dim m, n; param A : R^(m,n); param b : R^m; param tau : R, between(0, 1); var x : R^n\n"
        "minimize sum(scalene(A*x - b, tau, 1 - tau))",
        {"A": _normal(12, 5), "b": _normal(12), "tau": 0.7},
        _quantile,
    ),
    Page(
        "a sparse precision matrix",
        "dim n; param Y : S^n, psd; param alpha : R, pos; var S : S^n\n"
        "maximize log_det(S) - trace(S*Y)\nsubject to\n  norm1(S) <= alpha",
        {"Y": _definite(4), "alpha": 4.0},
        _precision,
    ),
    Page(
        "the worst covariance",
        "dim n; param w : R^n; param S : S^n; param d : R, pos; var Sigma : S^n, psd; var Delta : S^n\n"
        "maximize quad(w, Sigma)\nsubject to\n  Sigma == S + Delta\n  diag(Delta) == 0\n  abs(Delta) <= d",
        {"w": _normal(4), "S": _definite(4), "d": 0.2},
        _worst_case,
    ),
    Page(
        "advertising",
        """
        dim m, n
        param R : R^m, pos; param P : R^(m,n), nonneg; param B : R^m, pos; param T : R^n, pos; param c : R^m
        var D : R^(m,n), nonneg
        maximize sum(min(R[i]*(P[i,:]'*D[i,:]), B[i]) for i in m)
        subject to
          sum(D, axis = 0) <= T
          sum(D, axis = 1) >= c
        """,
        {"R": np.array([0.8, 2.0, 1.1]), "P": rng.uniform(0.1, 1, (3, 5)), "B": np.array([1.0, 2.0, 0.5])}
        | {"T": np.full(5, 2.0), "c": np.array([0.5, 1.0, 0.2])},
        _advertising,
    ),
    Page(
        "inpainting",
        "dim m, n; const K : R^(m,n), binary; param C : R^(m,n); var U : R^(m,n)\n"
        "minimize tv(U)\nsubject to\n  U[i,j] == C[i,j] for i in m, j in n if K[i,j]",
        {"K": (rng.uniform(size=(5, 5)) > 0.4) * 1.0, "C": rng.uniform(0, 3, (5, 5))},
        _inpainting,
    ),
    Page(
        "the capacity of a channel",
        "dim m, n; param P : R^(m,n), pos; var x : R^n\n"
        "maximize sum(xlogx(P), axis = 0)'*x + sum(entr(P*x))\nsubject to\n  x in Simplex",
        {"P": CHANNEL / CHANNEL.sum(0)},
        _channel,
    ),
    *[
        Page(
            f"an experiment by {name}",
            f"dim p, q; param V : R^(q,p); var lam : R^p\n{name}(V*diag(lam)*V')\nsubject to\n  lam in Simplex",
            {"V": DIRECTIONS},
            _design(measure),
        )
        for name, measure in (
            ("minimize tr_inv", lambda M: cp.Minimize(cp.tr_inv(M))),
            ("maximize log_det", lambda M: cp.Maximize(cp.log_det(M))),
            ("maximize lambda_min", lambda M: cp.Maximize(cp.lambda_min(M))),
        )
    ],
    Page(
        "an ellipsoid around points",
        "dim k, n; param p[k] : R^n; var A : S^n, psd; var b : R^n\n"
        "maximize log_det(A)\nsubject to\n  norm(A*p[i] + b) <= 1 for i in k",
        {"p": np.array(POINTS)},
        _ellipsoid,
    ),
    Page(
        "bets with a bound on the drawdown",
        "dim n, k; param r : R^(k,n), pos; param p : R^k, pos; param lam : R, pos; var b : R^n\n"
        "maximize p'*log(r*b)\nsubject to\n  b in Simplex\n  logsumexp(log(p) - lam*log(r*b)) <= 0",
        {"r": np.hstack([rng.uniform(0.5, 1.7, (10, 3)), np.ones((10, 1))]), "p": np.full(10, 0.1), "lam": 2.0},
        _kelly,
    ),
    Page(
        "deconvolution",
        "dim n, k; param a : R^k; param y : R^(n+k-1); var x : R^n\nminimize norm1(conv(a, x) - y)",
        {"a": _normal(3), "y": _normal(9)},
        _deconvolution,
    ),
    Page(
        "a layer of limited labels",
        "param x : R^4; param k : R; var y : R^4\n"
        "minimize -x'*y - sum(entr(y)) - sum(entr(1 - y))\nsubject to\n  sum(y) == k",
        {"x": np.array([1.0, -1.0, -1.0, -1.0]), "k": 2.0},
        _lml,
    ),
    Page("a parameter below", "param p : R, pos; var x : R\nminimize quad_over_lin(x, p) + x", {"p": 7.0}, _ratio),
    Page(
        "running sums of data",
        "param p : R^3; var x : R^3\nminimize norm1(x)\nsubject to\n  cumsum(x) >= cumsum(p)",
        {"p": np.array([1.0, -2.0, 3.0])},
        _running,
    ),
    Page(
        "a support function",
        "dim k, n; param D : R^(k,n); param d : R^k; param a : R^n; var x : R^n; var v : R^k, nonneg\n"
        "minimize d'*v + sumsq(x - a)\nsubject to\n  D'*v == x",
        {"D": np.vstack([np.eye(3), -np.eye(3), _normal(2, 3)]), "d": np.array([1.0] * 6 + [0.8] * 2)}
        | {"a": np.array([1.0, 2.0, -1.0])},
        _support,
    ),
    Page(
        "the tail of a loss",
        "dim n, m; param R : R^(m,n); param mu : R^n; param g : R, pos; var w : R^n\n"
        "maximize mu'*w - g*cvar(-R*w, 0.9)\nsubject to\n  w in Simplex",
        {"R": RETURNS, "mu": RETURNS.mean(0), "g": 0.5},
        _tail,
    ),
    Page(
        "a perspective",
        "param a : R^3; var x : R^3; var t : R, pos\nminimize perspective(logsumexp(x), t) + sumsq(x - a) + (t - 1)^2",
        {"a": np.array([1.0, 0.5, 2.0])},
        _perspective,
    ),
    Page(
        "above two matrices",
        "param S : S^3; param a : R^3; var X : S^3\n"
        "minimize trace(X)\nsubject to\n  X - S in PSD\n  X - diag(a) in PSD",
        {"S": _definite(3), "a": np.array([1.0, 2.0, 0.5])},
        _order,
    ),
    Page(
        "a sum of eigenvalues",
        "param S : S^3; var x : R^3\nminimize lambda_sum_largest(S + diag(x), 2) + sumsq(x)",
        {"S": _definite(3)},
        _eigenvalues,
    ),
    Page(
        "a Kronecker product",
        "param S : S^2; param K : S^2; var X : S^2\nminimize normfro(kron(S, X) - kron(K, K))",
        {"S": _definite(2), "K": _definite(2)},
        _kronecker,
    ),
    Page(
        "a triangular matrix",
        "param M : R^(3,3); param K : S^3; var x : R^6\nminimize normfro(vec_to_upper_tri(x)*M - K)",
        {"M": _normal(3, 3), "K": _definite(3)},
        _upper,
    ),
]
