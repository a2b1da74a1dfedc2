"""The geometric programs of CVXPY's pages and tests (`test_dgp`, `test_dgp2dcp`, `test_dpp`), with their optima."""

import numpy as np
from scipy.optimize import minimize_scalar

FREE = "var x : R, pos; var y : R, pos\n"
AREAS = "var w : R^2, pos; var h : R^2, pos\n"
MATRIX = np.array([[-5.0, 2.0], [1.0, -3.0]])
CUBE = np.arange(1.0, 25.0).reshape(2, 3, 4)
A = 1.7


def _exp_log() -> float:
    """exp(y/x) == log(y) leaves x = y/log(log(y))."""
    return minimize_scalar(lambda y: y**2 / np.log(np.log(y)), (3, 5), tol=1e-15).fun


# name: the text, the data, and the optimum in closed form.
PROGRAMS = {
    "an equation": ("var x : R, pos\nminimize x\nsubject to\n  x == 1", {}, 1.0),
    "a box": (
        "var x : R^3, pos\nminimize 1/prod(x)\nsubject to\n"
        "  2*x[0]*x[1] + 2*x[0]*x[2] + 2*x[1]*x[2] <= 1\n  x[0] >= 2*x[1]",
        {},
        9 * np.sqrt(12) / 2,  # x[0] = 2 x[1], and x[1]^2 = 1/12
    ),
    "a maximum": (FREE + "minimize max(x*y^0.5, 3*x*y^0.5)\nsubject to\n  x == 1\n  y == 4", {}, 6.0),
    "a minimum": (
        FREE + "let a = x*y^0.5\nlet b = 3*x*y^0.5\nmaximize min([a, b, 1/(a + b)])\nsubject to\n  x == 1\n  y == 4",
        {},
        1 / 8,
    ),
    "a quotient": (FREE + "minimize x*y\nsubject to\n  y/3 <= x\n  y >= 1", {}, 1 / 3),
    "one_minus_pos": ("var x : R, pos\nmaximize x\nsubject to\n  one_minus_pos(x) >= 0.4", {}, 0.6),
    "one_minus_pos of a ratio": (
        FREE + "minimize x*y\nsubject to\n  (y*one_minus_pos(x/y))^2 >= 1\n  x >= y/3",
        {},
        3 / 4,  # y - x = 1 and x = y/3
    ),
    "eye_minus_inv": (
        "var X : R^(2,2), pos\nminimize trace(eye_minus_inv(X))\nsubject to\n"
        "  geo_mean(diag(X)) == 0.1\n  geo_mean([X[0,1], X[1,0]]) == 0.1",
        {},
        9 / 4,
    ),
    "exp and log": (FREE + "minimize x*y\nsubject to\n  exp(y/x) <= log(y)", {}, _exp_log()),
    "the page of the tutorial": (
        "var x : R, pos; var y : R, pos; var z : R, pos\nmaximize x*y*z\nsubject to\n"
        "  4*x*y*z + 2*x*z <= 10\n  x <= 2*y\n  y <= 2*x\n  z >= 1",
        {},
        2.0,  # at (1, 2, 1)
    ),
    "sums": (AREAS + "minimize sum(h)\nsubject to\n  w.*h >= 10\n  sum(w) <= 10", {}, 4.0),
    "sums of squares": (AREAS + "minimize sumsq(h)\nsubject to\n  w.*h >= 10\n  sum(w) <= 10", {}, 8.0),
    "sums of matrices": (
        AREAS.replace("R^2", "R^(2,2)") + "minimize sum(h)\nsubject to\n  w.*h >= 10\n  sum(w) <= 20",
        {},
        8.0,
    ),
    "a trace": ("var w : R^(1,1), pos; var h : R, pos\nminimize h\nsubject to\n  w*h >= 10\n  trace(w) <= 5", {}, 2.0),
    "gmatmul": (
        "param A : R^(2,2); param b : R^2, pos; var x : R^2, pos\nminimize sum(x)\nsubject to\n  gmatmul(A, x) == b",
        {"A": MATRIX, "b": np.array([3.0, 2.0])},
        np.exp(np.linalg.solve(MATRIX, np.log([3.0, 2.0]))).sum(),
    ),
    "xexp": ("var x : R^2, pos\nminimize prod(xexp(x))\nsubject to\n  x >= [1, 0.5]", {}, 0.5 * np.exp(1.5)),
    "a norm of data": (
        "var x : R, pos\nminimize norm([1.5, 3, 2], 3)*x^2\nsubject to\n  x >= 1",
        {},
        np.linalg.norm([1.5, 3, 2], 3),
    ),
    "a negative norm": ("var x : R^3, pos\nmaximize norm(x, -1)\nsubject to\n  x <= 2\n  x >= 0.5", {}, 2 / 3),
    "norm1": ("var x : R^2, pos\nminimize norm(x, 1)\nsubject to\n  x[0]*x[1] >= 4", {}, 4.0),
    "a quadratic form": (
        "var x : R^2, pos\nminimize quad(x, [2, 1; 1, 3])\nsubject to\n  x[0]*x[1] >= 4",
        {},
        8 + 8 * np.sqrt(6),
    ),
    "bounds of data": (
        "param lo : R, pos; param hi : R, pos; var x : R, between(lo, hi); var y : R, between(lo, inf)\nminimize y/x",
        {"lo": 2.0, "hi": 5.0},
        2 / 5,
    ),
    "three axes": (
        "param c[2] : R^(3,4), pos; var x[2] : R^(3,4), pos; var t : R, pos\n"
        "minimize t*sum((1 + i + j)*sum(x[i,:,j]) for i in 2, j in 4)\nsubject to\n  x[i] >= c[i] for i in 2\n  t >= 2",
        {"c": CUBE},
        2 * (CUBE.sum(1) * np.add.outer(np.arange(1, 3), np.arange(4))).sum(),
    ),
    "a power of a sum": (
        "param a : R, pos\n" + FREE + "minimize (x + y)^a\nsubject to\n  x*y >= a^2",
        {"a": A},
        (2 * A) ** A,
    ),
    "a parameter in an exponent and elsewhere": (
        "param a : R, pos\n" + FREE + "minimize x^a + a*y\nsubject to\n  x*y >= a",
        {"a": A},
        A ** (A / (A + 1)) + A ** (2 - 1 / (A + 1)),  # x^(a+1) = a
    ),
    "an exponent of data": (
        "param a : R\n" + FREE + "minimize x*y\nsubject to\n  x^a >= 2*y^-1\n  x >= 1\n  y >= 1",
        {"a": 1.5},
        2 ** (2 / 3),
    ),
}
