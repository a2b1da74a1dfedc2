"""Variants of mpc: other costs and constraints, horizons from 1 on, data that change with time, duals of families."""

import cvxpy as cp
import numpy as np
from layer.variants.variant import Answer, Data, Variant, convex, spd

import declarative as dc


def _form(x, Q):
    return cp.quad_form(x, cp.psd_wrap(Q))


def _dynamics(d: Data, T: int, n: int = 2, m: int = 1):
    x, u = cp.Variable((T + 1, n)), cp.Variable((T, m))
    return x, u, [x[t + 1] == d["A"] @ x[t] + d["B"] @ u[t] for t in range(T)]


def _stacked(constraints: list) -> np.ndarray:
    return np.stack([c.dual_value for c in constraints])


def _system(g: np.random.Generator) -> Data:
    A = np.array([[1.1, 0.4], [-0.2, 0.9]]) + 0.1 * g.standard_normal((2, 2, 2))
    B = np.array([[0.1], [1.0]]) + 0.1 * g.standard_normal((2, 2, 1))
    return {"x0": g.standard_normal((2, 2)), "A": A, "B": B}


def _one_step(d: Data) -> Answer:
    """x1 = A x0 + B u, the least of x1'x1 + r u'u."""
    A, B, x0 = d["A"], d["B"], d["x0"]
    u = -np.linalg.solve(B.T @ B + d["r"] * np.eye(1), B.T @ A @ x0)
    return {"u": u[None], "x": np.stack([x0, A @ x0 + B @ u])}


def _regulator(d: Data) -> Answer:
    T = 3
    x, u, steps = _dynamics(d, T)
    init = x[0] == d["x0"]
    goal = x[T] == 0
    low, high = [u[t] >= d["lo"] for t in range(T)], [u[t] <= d["hi"] for t in range(T)]
    f = sum(_form(x[t], d["Q"]) + d["r"] * cp.sum_squares(u[t]) for t in range(T))
    found = convex(cp.Minimize(f), [init, goal, *steps, *low, *high], x=x, u=u, init=init, goal=goal)
    return found | {"dyn": _stacked(steps), "box.lower": _stacked(low), "box.upper": _stacked(high)}


def _regulator_python():
    m, n, T = dc.dim("m"), dc.dim("n"), dc.dim("T")
    x0, A, B = dc.param("x0", n), dc.param("A", n, n), dc.param("B", n, m)
    Q, r = dc.param("Q", n, "S", "psd"), dc.param("r", "pos")
    lo, hi = dc.param("lo", m), dc.param("hi", m)
    x, u = dc.var("x", n, family=T + 1), dc.var("u", m, family=T)
    return dc.problem(
        dc.minimize(dc.sum(x[t] @ Q @ x[t] + r * dc.sumsq(u[t]) for t in T)),
        dyn=(x[t + 1] == A @ x[t] + B @ u[t] for t in T),
        box=dc.forall(dc.chain(lo, u[t], hi) for t in T),
        init=x[0] == x0,
        goal=x[T] == 0,
        name="regulator",
    )


def _slew(d: Data) -> Answer:
    T = 4
    x, u, steps = _dynamics(d, T)
    rate = [cp.abs(u[t + 1] - u[t]) <= d["rate"] for t in range(T - 1)]
    f = cp.sum_squares(x) + 0.1 * cp.sum_squares(u) + d["k"] * cp.norm1(u)
    found = convex(cp.Minimize(f), [x[0] == d["x0"], *steps, *rate], x=x, u=u)
    return found | {"first": found["u"][0], "effort": np.sum(found["u"] ** 2), "end": found["x"][T, 0]}


def _time_varying(d: Data) -> Answer:
    T = 3
    x, u = cp.Variable((T + 1, 2)), cp.Variable((T, 1))
    dyn = [x[t + 1] == d["A"][t] @ x[t] + d["B"] @ u[t] + d["w"][t] for t in range(T)]
    safe = [d["h"] @ x[t] <= 1 for t in range(1, T + 1)]
    f = sum(_form(x[t] - d["ref"][t], d["Q"]) for t in range(T + 1)) + cp.sum_squares(u)
    found = convex(cp.Minimize(f), [x[0] == d["ref"][0], *dyn, *safe], x=x, u=u)
    return found | {"dyn": _stacked(dyn), "safe": _stacked(safe)}


def _condensed(d: Data) -> Answer:
    """The path of x0 under A, with the least worst deviation."""
    u = cp.Variable(3)
    x1 = d["a"] * d["x0"] + u[0]
    x2 = d["a"] * x1 + u[1]
    x3 = d["a"] * x2 + u[2]
    peak = cp.maximum(cp.abs(x1), cp.abs(x2), cp.abs(x3))
    return convex(cp.Minimize(peak**2 + d["r"] * cp.sum_squares(u)), [], u=u)


def _ball(d: Data) -> Answer:
    T = 2
    x, u, steps = _dynamics(d, T, 2, 2)
    balls = [cp.norm(u[t]) <= d["r"] for t in range(T)]
    return convex(cp.Minimize(cp.sum_squares(x) + 0.2 * cp.sum_squares(u)), [x[0] == d["x0"], *steps, *balls], u=u)


def _inventory(d: Data) -> Answer:
    """Orders, stock and demand: the stock between 0 and a limit."""
    s, q = cp.Variable(5), cp.Variable(4)
    balance = s[1:] == s[:-1] + q - d["demand"]
    f = d["h"] * cp.sum(s[1:]) + cp.sum_squares(q) / 2 + cp.sum(cp.pos(q - 1)) * d["over"]
    return convex(cp.Minimize(f), [s[0] == d["s0"], balance, s >= 0, s <= 2, q >= 0], s=s, q=q, balance=balance)


VARIANTS = [
    Variant(
        "one_step: T = 1, all of it data",
        """
        dim n, m, T = 20
        param x0 : R^n; param A : R^(n,n); param B : R^(n,m); param r : R, pos
        var x[0..T] : R^n
        var u[0..T-1] : R^m
        minimize sumsq(x[T]) + r*sum(u[t]'*u[t] for t in 0..T-1)
        subject to
          init: x[0] == x0
          dyn: x[t+1] == A*x[t] + B*u[t] for t in 0..T-1
        """,
        lambda g: {**_system(g), "r": g.uniform(0.2, 1, 2)},
        _one_step,
        dims={"T": 1},
    ),
    Variant(
        "regulator: an end that is fixed, vectors as bounds, duals of families and chains",
        """
        dim m, n, T
        param x0 : R^n; param A : R^(n,n); param B : R^(n,m)
        param Q : S^n, psd; param r : R, pos
        param lo : R^m; param hi : R^m
        var x[0..T] : R^n; var u[0..T-1] : R^m
        minimize sum(x[t]'*Q*x[t] + r*sumsq(u[t]) for t in T)
        subject to
          dyn: x[t+1] == A*x[t] + B*u[t] for t in T
          box: lo <= u[t] <= hi for t in T
          init: x[0] == x0
          goal: x[T] == 0
        """,
        lambda g: {
            **_system(g),
            "Q": spd(g, 2, 2, 2),
            "r": g.uniform(0.2, 1, 2),
            "lo": np.full((2, 1), -3.0),
            "hi": np.array([[2.0], [2.5]]),
            "x0": np.array([[-1.0, -0.4], [-0.9, -0.7]]),
        },
        _regulator,
        dims={"T": 3},
        python=_regulator_python,
    ),
    Variant(
        "slew: limits of change, a 1-norm, outputs that are expressions",
        """
        dim n, m, T = 4
        param x0 : R^n; param A : R^(n,n); param B : R^(n,m); param rate : R, pos; param k : R, pos
        var x[0..T] : R^n
        var u[0..T-1] : R^m
        minimize sumsq(x) + 0.1*sumsq(u) + k*norm1(u)
        subject to
          x[0] == x0
          x[t] == A*x[t-1] + B*u[t-1] for t in 1..T
          -rate <= u[t+1] - u[t] <= rate for t in 0..T-2
        return first = u[0], effort = sumsq(u), end = x[T,0], x, u
        """,
        lambda g: {**_system(g), "rate": g.uniform(0.2, 0.4, 2), "k": g.uniform(0.05, 0.2, 2)},
        _slew,
    ),
    Variant(
        "time_varying: a matrix and a disturbance for each time, a path to follow, a safe side",
        """
        dim n, m, T
        param A[0..T-1] : R^(n,n); param w[0..T-1] : R^n; param ref[0..T] : R^n; param h : R^n
        const Q : S^n, psd
        const B : R^(n,m)
        var u[T] : R^m
        var x[T+1] : R^n
        let e[t] = x[t] - ref[t] for t in 0..T
        minimize sum(quad(e[t], Q) for t in 0..T) + sumsq(u)
        subject to
          init: e[0] == 0
          dyn: x[t+1] == A[t]*x[t] + B*u[t] + w[t] for t in T
          safe: h'*x[t] <= 1 for t in 1..T
        """,
        lambda g: {
            "A": np.eye(2) + 0.3 * g.standard_normal((2, 3, 2, 2)),
            "w": 0.2 * g.standard_normal((2, 3, 2)),
            "ref": g.standard_normal((2, 4, 2)),
            "h": g.standard_normal((2, 2)),
        },
        _time_varying,
        consts={"Q": np.array([[2.0, 0.3], [0.3, 1.0]]), "B": np.array([[0.0], [1.0]])},
    ),
    Variant(
        "condensed: the states written out by let, the square of a worst case",
        """
        param x0 : R; param a : R; param r : R, pos
        var u[3] : R
        let x1 = a*x0 + u[0]
        let x2 = a*x1 + u[1]
        let x3 = a*x2 + u[2]
        minimize max(abs(x1), abs(x2), abs(x3))^2 + r*sumsq(u)
        """,
        lambda g: {"x0": np.array([1.0, -1.5]), "a": np.array([1.2, 0.9]), "r": np.array([0.5, 0.8])},
        _condensed,
    ),
    Variant(
        "ball: each input in a ball",
        """
        dim n, m, T = 2
        param x0 : R^n; param A : R^(n,n); param B : R^(n,m); param r : R, pos
        var x[0..T] : R^n
        var u[0..T-1] : R^m
        minimize sumsq(x) + 0.2*sumsq(u)
        subject to
          x[0] == x0
          x[t+1] == A*x[t] + B*u[t] for t in T
          reach: norm(u[t]) <= r for t in T
        """,
        lambda g: {
            "x0": g.standard_normal((2, 2)),
            "A": np.eye(2) + 0.3 * g.standard_normal((2, 2, 2)),
            "B": g.standard_normal((2, 2, 2)),
            "r": g.uniform(0.3, 0.5, 2),
        },
        _ball,
        backends=("cone",),
    ),
    Variant(
        "inventory: numbers in a family, a kink in the cost",
        """
        dim T
        param demand[T] : R; param s0 : R; param h : R, pos; param over : R, pos
        var s[0..T] : R, between(0, 2)
        var q[T] : R, nonneg
        minimize h*sum(s[t] for t in 1..T) + sumsq(q)/2 + over*sum(max(q[t] - 1, 0) for t in T)
        subject to
          start: s[0] == s0
          balance: s[t+1] == s[t] + q[t] - demand[t] for t in T
        """,
        lambda g: {
            "demand": g.uniform(0.3, 2.5, (2, 4)),
            "s0": np.array([0.5, 0.7]),
            "h": g.uniform(0.1, 0.3, 2),
            "over": g.uniform(0.1, 0.4, 2),
        },
        _inventory,
    ),
]
