"""The language's example programs in Python: each function returns what the file of its name means."""

import declarative as dc
from declarative import Problem


def simplex_projection() -> Problem:
    n = dc.dim("n")
    y, x = dc.param("y", n), dc.var("x", n)
    return dc.problem(
        dc.minimize(1 / 2 * dc.sumsq(x - y)),
        budget=dc.sum(x) == 1,
        sign=x >= 0,
        name="simplex_projection",
    )


def portfolio() -> Problem:
    n, k = dc.dim("n"), dc.dim("k")
    mu, F, gamma = dc.param("mu", n), dc.param("F", k, n), dc.param("gamma", "pos")
    w = dc.var("w", n)
    risk = dc.sumsq(F @ w)
    return dc.problem(
        dc.maximize(mu @ w - gamma * risk),
        budget=dc.sum(w) == 1,
        box=dc.chain(0, w, 0.2),
        outputs={"w": w, "price": "budget.dual"},
        name="portfolio",
    )


def ridge() -> Problem:
    m, n = dc.dim("m"), dc.dim("n")
    A, b = dc.param("A", m, n), dc.param("b", m)
    lam = dc.param("lam", nonneg=True, default=0)
    x = dc.var("x", n)
    return dc.problem(dc.minimize(dc.sumsq(A @ x - b) + lam * dc.sumsq(x)), name="ridge")


def lasso() -> Problem:
    m, n = dc.dim("m"), dc.dim("n")
    A, b, lam = dc.param("A", m, n), dc.param("b", m), dc.param("lam", "nonneg")
    x = dc.var("x", n)
    return dc.problem(dc.minimize(1 / 2 * dc.sumsq(A @ x - b) + lam * dc.norm1(x)), name="lasso")


def minimax() -> Problem:
    m, n = dc.dim("m"), dc.dim("n")
    A, b = dc.param("A", m, n), dc.param("b", m)
    x = dc.var("x", n)
    return dc.problem(dc.minimize(dc.norm(A @ x - b, float("inf"))), name="minimax")


def mpc() -> Problem:
    n, m, T = dc.dim("n"), dc.dim("m"), dc.dim("T", 20)
    x0 = dc.param("x0", n)
    A, B = dc.learn("A", n, n), dc.learn("B", n, m)
    Q, R = dc.param("Q", n, "S", "psd"), dc.param("R", m, symmetric=True, pd=True)
    umax = dc.const("umax", "pos", default=1.0)
    x, u = dc.var("x", n, family=T + 1), dc.var("u", m, family=T)
    cost = dc.quad(x[T], Q) + dc.sum(dc.quad(x[t], Q) + dc.quad(u[t], R) for t in T)
    return dc.problem(
        dc.minimize(cost),
        init=x[0] == x0,
        dyn=(x[t + 1] == A @ x[t] + B @ u[t] for t in dc.range(0, T)),
        box=dc.forall(dc.chain(-umax, u[t], umax) for t in T),
        outputs=[u[0]],
        name="mpc",
    )


def shortest_path() -> Problem:
    n = dc.dim("n")
    E, b = dc.const("E", n, n, "binary"), dc.const("b", n)
    c, tau = dc.param("c", n, n), dc.param("tau", "nonneg", default=0)
    x = dc.var("x", n, n, nonneg=True)
    return dc.problem(
        dc.minimize(dc.sum(c[i, j] * x[i, j] + tau / 2 * x[i, j] ** 2 for i in n for j in n if E[i, j])),
        off=(x[i, j] == 0 for i in n for j in n if not E[i, j]),
        flow=(dc.sum(x[i, j] for j in n if E[i, j]) - dc.sum(x[j, i] for j in n if E[j, i]) == b[i] for i in n),
        name="shortest_path",
    )


def arc_path() -> Problem:
    v, e = dc.dim("v"), dc.dim("e")
    tail, head = dc.index_data("tail", v, e), dc.index_data("head", v, e)
    b, w, tau = dc.const("b", v), dc.param("w", e), dc.param("tau", "pos")
    f = dc.var("f", e, "nonneg")
    out = lambda i: dc.sum(f[k] for k in e if tail[k] == i)  # noqa: E731
    into = lambda i: dc.sum(f[k] for k in e if head[k] == i)  # noqa: E731
    return dc.problem(
        dc.minimize(w @ f + tau / 2 * dc.sumsq(f)),
        flow=(out(i) - into(i) == b[i] for i in v),
        name="arc_path",
    )


def path_flow() -> Problem:
    v, e = dc.dim("v"), dc.dim("e")
    N, b = dc.const("N", v, e), dc.const("b", v)
    w, tau = dc.param("w", e), dc.param("tau", "pos")
    x = dc.var("x", e, between=(0, 1))
    return dc.problem(
        dc.minimize(w.T @ x + tau / 2 * dc.sumsq(x)),
        flow=N @ x == b,
        solve=dc.method("davis_yin", step=0.5),
        differentiate="one_step",
        name="path_flow",
    )


def knapsack() -> Problem:
    k, n = dc.dim("k"), dc.dim("n")
    W, cap = dc.const("W", k, n, "nonneg"), dc.const("cap", k, "pos")
    v, tau = dc.param("v", n), dc.param("tau", "pos")
    x = dc.var("x", n, between=(0, 1))
    return dc.problem(dc.maximize(v @ x - tau / 2 * dc.sumsq(x)), capacity=W @ x <= cap, name="knapsack")


def robust_lp() -> Problem:
    m, n, k = dc.dim("m"), dc.dim("n"), dc.dim("k")
    c, a = dc.param("c", n), dc.param("a", n, family=m)
    P, b = dc.param("P", n, k, family=m), dc.param("b", m)
    x = dc.var("x", n)
    return dc.problem(
        dc.minimize(c @ x),
        robust=(a[i] @ x + dc.norm(P[i].T @ x) <= b[i] for i in m),
        name="robust_lp",
    )


def nearest_correlation() -> Problem:
    n = dc.dim("n")
    C, X = dc.param("C", n, "S"), dc.var("X", n, "S")
    return dc.problem(dc.minimize(dc.sumsq(X - C)), unit=dc.diag(X) == 1, cone=X >> 0, name="nearest_correlation")


def max_entropy() -> Problem:
    n = dc.dim("n")
    y, p = dc.param("y", n), dc.var("p", n)
    return dc.problem(dc.maximize(y @ p + dc.sum(dc.entr(p))), budget=dc.sum(p) == 1, name="max_entropy")


def top_eigenvector() -> Problem:
    n = dc.dim("n")
    A, u0 = dc.param("A", n, "S"), dc.param("u0", n)
    u = dc.var("u", n, start=u0)
    unit = u.T @ u == 1
    return dc.problem(
        dc.maximize(u.T @ A @ u), unit=unit, outputs={"u": u, "eigval": dc.dual(unit)}, name="top_eigenvector"
    )


def robust_pool() -> Problem:
    n = dc.dim("n")
    x, d = dc.param("x", n), dc.param("d", "pos")
    y = dc.var("y")

    def phi(z, d):
        return d**2 * (dc.sqrt(1 + (z / d) ** 2) - 1)

    return dc.problem(dc.minimize(dc.sum(phi(y - x[i], d) for i in n)), name="robust_pool")


def welsch_pool() -> Problem:
    n = dc.dim("n")
    x, d = dc.param("x", n), dc.param("d", "pos")
    y = dc.var("y", start=dc.sum(x) / n)
    loss = dc.sum(1 - dc.exp(-((y - x[i]) ** 2) / (2 * d**2)) for i in n)
    return dc.problem(dc.minimize(loss), solve=dc.method("newton", starts=8), name="welsch_pool")


def trust_region() -> Problem:
    n = dc.dim("n")
    H, g, r = dc.param("H", n, "S"), dc.param("g", n), dc.param("r", "pos")
    s = dc.var("s", n)
    return dc.problem(
        dc.minimize(1 / 2 * s.T @ H @ s + g.T @ s),
        ball=s.T @ s <= r**2,
        outputs={"s": s, "v": dc.value},
        name="trust_region",
    )


def tv_denoise() -> Problem:
    n = dc.dim("n")
    y, lam = dc.param("y", n), dc.param("lam", "nonneg")
    x = dc.var("x", n)
    total = dc.sum(abs(x[i + 1] - x[i]) for i in dc.range(n - 1))
    return dc.problem(dc.minimize(1 / 2 * dc.sumsq(x - y) + lam * total), name="tv_denoise")


def tv_image() -> Problem:
    h, w = dc.dim("h"), dc.dim("w")
    y, lam = dc.param("y", h, w), dc.param("lam", "nonneg")
    eps = dc.const("eps", "pos", default=0.001)
    x = dc.var("x", (h, w))
    total = dc.sum(
        dc.sqrt((x[i + 1, j] - x[i, j]) ** 2 + (x[i, j + 1] - x[i, j]) ** 2 + eps**2)
        for i in dc.range(h - 1)
        for j in dc.range(w - 1)
    )
    return dc.problem(dc.minimize(1 / 2 * dc.sumsq(x - y) + lam * total), name="tv_image")


def curve_fit() -> Problem:
    m = dc.dim("m")
    x, y, w = dc.param("x", m), dc.param("y", m), dc.param("w", m, "nonneg")
    a, b = dc.var("a", start=1), dc.var("b", start=-1)
    return dc.problem(
        dc.minimize(dc.sum(w[i] * (y[i] - a * dc.exp(b * x[i])) ** 2 for i in m)),
        solve="gauss_newton",
        name="curve_fit",
    )


def entropic_ot() -> Problem:
    m, n = dc.dim("m"), dc.dim("n")
    C, a, b = dc.param("C", m, n), dc.param("a", m, "pos"), dc.param("b", n, "pos")
    eps = dc.param("eps", pos=True)
    P = dc.var("P", m, n)
    return dc.problem(
        dc.minimize(dc.sum(C * P) - eps * dc.sum(dc.entr(P))),
        rows=(dc.sum(P[i, j] for j in n) == a[i] for i in m),
        cols=(dc.sum(P[i, j] for i in m) == b[j] for j in n),
        assume=[dc.sum(a) == dc.sum(b)],
        name="entropic_ot",
    )


def box_design() -> Problem:
    wall, floor, aspect = (dc.param(name, "pos") for name in ("wall", "floor", "aspect"))
    h, w, d = (dc.var(name, "pos") for name in ("h", "w", "d"))
    return dc.problem(
        dc.maximize(h * w * d),
        walls=2 * (h * w + h * d) <= wall,
        ground=w * d <= floor,
        tall=h <= aspect * w,
        deep=d <= aspect * w,
        name="box_design",
    )


def procrustes() -> Problem:
    d, k = dc.dim("d"), dc.dim("k")
    H, M, U0 = dc.param("H", d, k), dc.param("M", k, k), dc.param("U0", d, k)
    delta = dc.const("delta", "nonneg", default=0.001)
    U = dc.var("U", d, k, orthonormal=True, start=U0)
    return dc.problem(dc.minimize(dc.sumsq(H - U @ M) + delta / 2 * dc.sumsq(U - U0)), name="procrustes")


def pnp() -> Problem:
    n = dc.dim("n")
    p, q = dc.param("p", 3, family=n), dc.param("q", 2, family=n)
    weight = dc.param("w", n, "nonneg")
    R0, t0 = dc.param("R0", 3, 3), dc.param("t0", 3)
    R, t = dc.var("R", 3, 3, orthonormal=True, start=R0), dc.var("t", 3, start=t0)

    def error(i):
        c = R @ p[i] + t
        return (c[0] / c[2] - q[i][0]) ** 2 + (c[1] / c[2] - q[i, 1]) ** 2

    return dc.problem(dc.minimize(dc.sum(weight[i] * error(i) for i in n)), name="pnp")


def tomography() -> Problem:
    m, n, k = dc.dim("m"), dc.dim("n"), dc.dim("k")
    A, b, K = dc.const("A", m, n), dc.param("b", m), dc.learn("K", k, n)
    eps = dc.const("eps", "pos", default=0.01)
    x = dc.var("x", n, between=(0, 1))
    z = K @ x
    return dc.problem(dc.minimize(dc.sum(dc.sqrt(z[i] ** 2 + eps**2) for i in k)), data=A @ x == b, name="tomography")


def babylonian() -> Problem:
    x = dc.param("x", "pos")
    y = dc.var("y", start=x / 2)
    return dc.problem(
        dc.find(y),
        fixed=y == 1 / 2 * (y + x / y),
        solve=dc.method("picard", steps=12),
        differentiate="unroll",
        name="babylonian",
    )


def equilibrium() -> Problem:
    n, d = dc.dim("n"), dc.dim("d")
    x = dc.param("x", d)
    f = dc.extern("f", [n, d], n)
    z = dc.var("z", n)
    return dc.problem(
        dc.find(z),
        fixed=z == f(z, x),
        solve=dc.method("anderson", memory=5),
        differentiate=dc.method("implicit"),
        name="equilibrium",
    )


def follower() -> Problem:
    q1 = dc.param("q1")
    a, b, c2 = dc.const("a", default=10), dc.const("b", "pos", default=1), dc.const("c2", default=2)
    q = dc.var("q")
    return dc.problem(dc.maximize(q * (a - b * (q1 + q)) - c2 * q), name="follower")


def stackelberg() -> Problem:
    c1 = dc.param("c1")
    a, b = dc.const("a", default=10), dc.const("b", "pos", default=1)
    q1 = dc.var("q1")
    q2 = dc.nested(follower())(q1, a=a, b=b).q
    return dc.problem(
        dc.maximize(q1 * (a - b * (q1 + q2)) - c1 * q1),
        outputs={"q1": q1, "q2": q2, "profit": "value"},
        name="stackelberg",
    )
