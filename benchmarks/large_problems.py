"""Large programs that people solve: texts, data, and the same for CVXPY."""

# cvxpy and scipy have no stubs that hold:
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Large:
    """`data` are the arguments, in order; `cvxpy` builds the same problem."""

    title: str
    text: str
    data: tuple[np.ndarray | float, ...]
    cvxpy: Callable[[], cp.Problem]
    consts: dict[str, np.ndarray] = field(default_factory=dict)


def lasso(rng: np.random.Generator, n: int = 2000, m: int = 1000) -> Large:
    text = """
dim n, m
const A : R^(m,n)
param b : R^m
param lam : R, nonneg
var x : R^n
minimize 1/2*sumsq(A*x - b) + lam*norm1(x)
"""
    A = sp.random_array((m, n), density=0.01, rng=rng, data_sampler=rng.standard_normal)
    b = A @ (rng.standard_normal(n) * (rng.random(n) < 0.05)) + 0.1 * rng.standard_normal(m)
    lam = 0.1 * np.abs(A.T @ b).max()

    def problem() -> cp.Problem:
        x = cp.Variable(n)
        return cp.Problem(cp.Minimize(cp.sum_squares(sp.csc_array(A) @ x - b) / 2 + lam * cp.norm1(x)))

    return Large(f"lasso, n = {n}, m = {m}, 1 %", text, (b, lam), problem, {"A": A.toarray()})


def linear(rng: np.random.Generator, n: int = 1500, m: int = 800) -> Large:
    text = """
dim n, m
const A : R^(m,n)
param c : R^n
param h : R^m
var x : R^n
minimize c'*x
subject to
  rows: A*x <= h
  low: 0 <= x <= 10
"""
    A = sp.random_array((m, n), density=3 / m, rng=rng, data_sampler=rng.standard_normal)
    h = A @ rng.random(n) + rng.random(m) * (rng.random(m) < 0.5)
    c = -(A.T @ rng.random(m)) + rng.random(n) * (rng.random(n) < 0.5)

    def problem() -> cp.Problem:
        x = cp.Variable(n)
        return cp.Problem(cp.Minimize(c @ x), [sp.csc_array(A) @ x <= h, x >= 0, x <= 10])

    return Large(f"a linear program, n = {n}, m = {m}, 3 entries a column", text, (c, h), problem, {"A": A.toarray()})


def portfolio(rng: np.random.Generator, n: int = 3000, k: int = 50) -> Large:
    text = """
dim n, k
param mu : R^n
param F : R^(k,n)
param d : R^n, pos
var w : R^n
minimize 1/2*sumsq(F*w) + 1/2*sum(d[i]*w[i]^2 for i in n) - mu'*w
subject to
  budget: sum(w) == 1
  long: w >= 0
"""
    F, mu, d = rng.standard_normal((k, n)) / np.sqrt(k), 0.1 * rng.standard_normal(n), rng.random(n) + 0.1

    def problem() -> cp.Problem:
        w = cp.Variable(n)
        risk = cp.sum_squares(F @ w) + cp.sum(cp.multiply(d, cp.square(w)))
        return cp.Problem(cp.Minimize(risk / 2 - mu @ w), [cp.sum(w) == 1, w >= 0])

    return Large(f"a portfolio, n = {n}, {k} factors", text, (mu, F, d), problem)


def transport(rng: np.random.Generator, n: int = 100) -> Large:
    text = """
dim n, m
param C : R^(n,m)
param a : R^n
param b : R^m
var X : R^(n,m), nonneg
minimize sum(C[i,j]*X[i,j] for i in n, j in m)
subject to
  rows: sum(X[i,j] for j in m) == a[i] for i in n
  columns: sum(X[i,j] for i in n) == b[j] for j in m
"""
    C, a, b = rng.random((n, n)), rng.random(n), rng.random(n)
    a, b = a / a.sum(), b / b.sum()

    def problem() -> cp.Problem:
        X = cp.Variable((n, n), nonneg=True)
        goal = cp.Minimize(cp.sum(cp.multiply(C, X)))
        return cp.Problem(goal, [cp.sum(X, axis=1) == a, cp.sum(X, axis=0) == b])

    return Large(f"transport, {n} x {n}", text, (C, a, b), problem)


def image(rng: np.random.Generator, n: int = 100) -> Large:
    text = """
dim n
param y : R^(n,n)
param lam : R, nonneg
var x : R^(n,n)
minimize 1/2*sumsq(x - y) + lam*sum(abs(x[i+1,j] - x[i,j]) for i in 0..n-2, j in 0..n-1) +
  lam*sum(abs(x[i,j+1] - x[i,j]) for i in 0..n-1, j in 0..n-2)
"""
    y = np.kron(rng.standard_normal((n // 10, n // 10)), np.ones((10, 10))) + 0.2 * rng.standard_normal((n, n))

    def problem() -> cp.Problem:
        x = cp.Variable((n, n))
        along = cp.sum(cp.abs(cp.diff(x, axis=0))) + cp.sum(cp.abs(cp.diff(x, axis=1)))
        return cp.Problem(cp.Minimize(cp.sum_squares(x - y) / 2 + 0.3 * along))

    return Large(f"an image of {n} x {n}, total variation", text, (y, 0.3), problem)


LARGE = (lasso, linear, portfolio, transport, image)
