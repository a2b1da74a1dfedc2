"""Variants of shortest_path, arc_path, path_flow and entropic_ot: flows and transport on small graphs."""

import cvxpy as cp
import numpy as np
from layer.cases import ARCS, GRAPH, INCIDENCE, SUPPLY
from layer.variants.variant import Answer, Data, Variant, convex

import declarative as dc

ENDS = {"tail": ARCS[:, 0], "head": ARCS[:, 1]}
E = len(ARCS)


def _arc_flow(d: Data, cost, rows=lambda f: []) -> tuple[np.ndarray, float]:
    f = cp.Variable(E)
    found = convex(cp.Minimize(cost(f)), [INCIDENCE @ f == SUPPLY, f >= 0, *rows(f)], f=f)
    return found["f"], found["value"]


def _as_matrix(f: np.ndarray) -> np.ndarray:
    x = np.zeros((5, 5))
    x[ARCS[:, 0], ARCS[:, 1]] = f
    return x


def _capacities(d: Data) -> Answer:
    c, u = d["c"][ARCS[:, 0], ARCS[:, 1]], d["cap"][ARCS[:, 0], ARCS[:, 1]]
    f, value = _arc_flow(d, lambda f: c @ f + d["tau"] / 2 * cp.sum_squares(f), lambda f: [f <= u])
    return {"x": _as_matrix(f), "value": value}


def _path(d: Data) -> Answer:
    """The shortest of all paths, each an LP vertex: Bellman's recursion."""
    c, n = d["c"], 5
    far = np.full(n, np.inf)
    far[0], before = 0, {}
    for i, j in ARCS:
        if far[i] + c[i, j] < far[j]:
            far[j], before[j] = far[i] + c[i, j], i
    x, j = np.zeros((n, n)), n - 1
    while j:
        x[before[j], j], j = 1, before[j]
    return {"x": x, "value": far[-1]}


def _congestion(d: Data) -> Answer:
    f, value = _arc_flow(
        d, lambda f: d["w"] @ f + cp.sum(cp.multiply(d["k"], cp.power(f, 4))) / 4 + cp.sum_squares(f) / 10
    )
    return {"f": f, "value": value}


def _soft(d: Data) -> Answer:
    f, value = _arc_flow(d, lambda f: d["w"] @ f - d["tau"] * cp.sum(cp.entr(f)))
    return {"x": f, "value": value}


def _two_goods(d: Data) -> Answer:
    F = cp.Variable((2, E))
    share = F[0] + F[1] <= d["cap"]
    f = cp.sum(cp.multiply(d["w"], F)) + cp.sum_squares(F) / 2
    rows = [INCIDENCE @ F[0] == SUPPLY, INCIDENCE @ F[1] == SUPPLY / 2, F >= 0, share]
    return convex(cp.Minimize(f), rows, F=F, share=share)


def _assignment(d: Data) -> Answer:
    X = cp.Variable((3, 3))
    f = -cp.sum(cp.multiply(d["S"], X)) + d["t"] * cp.sum_squares(X)
    rows = [cp.sum(X, axis=0) == 1, cp.sum(X, axis=1) == 1, X >= 0, cp.diag(X) == 0]
    return convex(cp.Maximize(-f), rows, X=X)


def _assignment_python():
    n = dc.dim("n")
    S, t = dc.param("S", n, n), dc.param("t", "pos")
    X = dc.var("X", n, n, "nonneg")
    return dc.problem(
        dc.maximize(dc.sum(S * X) - t * dc.sumsq(X)),
        out=(dc.sum(X[i, j] for j in n) == 1 for i in n),
        into=(dc.sum(X[i, j] for i in n) == 1 for j in n),
        off=(X[i, i] == 0 for i in n),
        name="assignment",
    )


def _scaled(K: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    v = np.ones(len(b))
    for _ in range(20000):
        u = a / (K @ v)
        v = b / (K.T @ u)
    return u[:, None] * K * v[None, :]


def _marginals(g: np.random.Generator, m: int, n: int) -> Data:
    a, b = g.uniform(0.5, 1.5, (2, m)), g.uniform(0.5, 1.5, (2, n))
    return {"a": a / a.sum(1, keepdims=True), "b": b / b.sum(1, keepdims=True)}


def _prior(d: Data) -> Answer:
    """The plan nearest to a prior, by relative entropy."""
    return {"pi": _scaled(d["M"] * np.exp(-d["cost"] / d["e"]), d["r"], d["c"])}


def _quadratic(d: Data) -> Answer:
    P = cp.Variable((3, 4))
    rows, cols = cp.sum(P, axis=1) == d["a"], cp.sum(P, axis=0) == d["b"]
    f = cp.sum(cp.multiply(d["C"], P)) + d["eps"] / 2 * cp.sum_squares(P)
    return convex(cp.Minimize(f), [rows, cols, P >= 0], P=P)


def _quadratic_python():
    n, m = dc.dim("n"), dc.dim("m")
    a, b, C = dc.param("a", m), dc.param("b", n), dc.param("C", m, n)
    eps = dc.param("eps", "pos")
    P = dc.var("P", m, n, "nonneg")
    return dc.problem(
        dc.minimize(dc.sum(C * P) + eps / 2 * dc.sumsq(P)),
        rows=(dc.sum(P[i, :]) == a[i] for i in m),
        cols=(dc.sum(P[:, j]) == b[j] for j in n),
        name="quadratic_ot",
    )


def _unbalanced(d: Data) -> Answer:
    P = cp.Variable((2, 3))
    loss = cp.sum(cp.kl_div(cp.sum(P, axis=1), d["a"])) + cp.sum(cp.kl_div(cp.sum(P, axis=0), d["b"]))
    return convex(cp.Minimize(cp.sum(cp.multiply(d["C"], P)) + d["k"] * loss - 0.3 * cp.sum(cp.entr(P))), [], P=P)


def _keep_sums(name, step):
    return step - step.mean(-1, keepdim=True) if name in ("a", "b", "r", "c") else step


VARIANTS = [
    Variant(
        "capacities: an upper bound for each arc, the smoothing outside the sum",
        """
        dim n
        param c : R^(n,n); param cap : R^(n,n); param tau : R, pos
        const E : R^(n,n), binary
        const b : R^n
        var x : R^(n,n), nonneg
        minimize sum(c[i,j]*x[i,j] for i in n, j in n if E[i,j]) + tau/2*sum(x[i,j]^2 for i in n, j in n if E[i,j])
        subject to
          off: x[i,j] == 0 for i in n, j in n if E[i,j] == 0
          full: x[i,j] <= cap[i,j] for i in n, j in n if E[i,j]
          flow: sum(x[i,j] for j in n if E[i,j]) == sum(x[j,i] for j in n if E[j,i]) + b[i] for i in n
        """,
        lambda g: {
            "c": g.uniform(0.1, 1, (2, 5, 5)),
            "cap": g.uniform(0.45, 0.7, (2, 5, 5)),
            "tau": g.uniform(0.3, 0.5, 2),
        },
        _capacities,
        consts={"E": GRAPH, "b": SUPPLY},
        duals=False,
    ),
    Variant(
        "linear_path: no smoothing at all",
        """
        dim n
        const E : R^(n,n), binary
        const b : R^n
        param c : R^(n,n)
        var x : R^(n,n), nonneg
        minimize sum(c[i,j]*x[i,j] for i in n, j in n if E[i,j])
        subject to
          off: x[i,j] == 0 for i in n, j in n if not E[i,j]
          flow: sum(x[i,j] for j in n if E[i,j]) - sum(x[j,i] for j in n if E[j,i]) == b[i] for i in n
        """,
        lambda g: {"c": g.uniform(0.1, 1, (2, 5, 5))},
        _path,
        consts={"E": GRAPH, "b": SUPPLY},
        duals=False,
    ),
    Variant(
        "congestion: costs of the fourth power",
        """
        dim v, e
        param w : R^e; param k : R^e, pos
        const head[e] : index(v)
        const b : R^v
        const tail[e] : index(v)
        var f : R^e, nonneg
        minimize w'*f + sum(k[a]*f[a]^4 for a in e)/4 + sumsq(f)/10
        subject to
          flow: sum(f[a] for a in e if tail[a] == i) - sum(f[a] for a in e if head[a] == i) == b[i] for i in v
        """,
        lambda g: {"w": g.uniform(0.1, 1, (2, E)), "k": g.uniform(0.5, 1, (2, E))},
        _congestion,
        consts={**ENDS, "b": SUPPLY},
    ),
    Variant(
        "soft_flow: entropy keeps all arcs in use",
        """
        dim v, e
        const N : R^(v,e)
        const b : R^v
        param w : R^e; param tau : R, pos
        var x : R^e
        minimize w'*x - tau*sum(entr(x))
        subject to
          flow: N*x == b
        """,
        lambda g: {"w": g.uniform(0.1, 1, (2, E)), "tau": g.uniform(0.2, 0.5, 2)},
        _soft,
        consts={"N": INCIDENCE, "b": SUPPLY},
        duals=False,
    ),
    Variant(
        "two_goods: a family of flows that share the arcs",
        """
        dim v, e, k
        const N : R^(v,e)
        const s[k] : R^v
        param w[k] : R^e; param cap : R^e
        var F[k] : R^e, nonneg
        minimize sum(w[g]'*F[g] for g in k) + sumsq(F)/2
        subject to
          flow: N*F[g] == s[g] for g in k
          share: sum(F[g] for g in k) <= cap
        """,
        lambda g: {"w": g.uniform(0.1, 1, (2, 2, E)), "cap": g.uniform(0.8, 0.9, (2, E))},
        _two_goods,
        consts={"N": INCIDENCE, "s": np.stack([SUPPLY, SUPPLY / 2])},
        duals=False,
    ),
    Variant(
        "assignment: doubly stochastic, without the diagonal",
        """
        dim n
        param S : R^(n,n); param t : R, pos
        var X : R^(n,n), nonneg
        maximize sum(S.*X) - t*sumsq(X)
        subject to
          out: sum(X[i,j] for j in n) == 1 for i in n
          into: sum(X[i,j] for i in n) == 1 for j in n
          off: X[i,i] == 0 for i in n
        """,
        lambda g: {"S": 0.5 * g.standard_normal((2, 3, 3)), "t": g.uniform(1, 2, 2)},
        _assignment,
        python=_assignment_python,
        duals=False,
    ),
    Variant(
        "sinkhorn: a prior in place of the entropy, renamed, products with vectors of ones",
        """
        dim p, q
        param r : R^p, pos; param c : R^q, pos
        param M : R^(p,q), pos
        param cost : R^(p,q)
        param e : R, pos
        const one_p : R^p
        const one_q : R^q
        var pi : R^(p,q)
        assume sum(r) == sum(c)
        minimize sum(cost.*pi) + e*sum(rel_entr(pi, M))
        subject to
          left: pi*one_q == r
          right: pi'*one_p == c
        """,
        lambda g: {
            "r": (m := _marginals(g, 3, 2))["a"],
            "c": m["b"],
            "M": g.uniform(0.5, 1.5, (2, 3, 2)),
            "cost": g.uniform(0, 1, (2, 3, 2)),
            "e": g.uniform(0.3, 0.5, 2),
        },
        _prior,
        consts={"one_p": np.ones(3), "one_q": np.ones(2)},
        step=_keep_sums,
        duals=False,
    ),
    Variant(
        "quadratic_ot: another regularisation",
        """
        dim n, m
        param a : R^m; param b : R^n; param C : R^(m,n)
        param eps : R, pos
        var P : R^(m,n), nonneg
        minimize sum(C .* P) + eps/2*sumsq(P)
        subject to
          rows: sum(P[i,:]) == a[i] for i in m
          cols: sum(P[:,j]) == b[j] for j in n
        """,
        lambda g: {**_marginals(g, 3, 4), "C": g.uniform(0, 1, (2, 3, 4)), "eps": g.uniform(1, 2, 2)},
        _quadratic,
        step=_keep_sums,
        python=_quadratic_python,
        duals=False,
    ),
    Variant(
        "unbalanced_ot: marginals that may be missed",
        """
        dim m, n
        param C : R^(m,n); param a : R^m, pos; param b : R^n, pos; param k : R, pos
        var P : R^(m,n)
        let out[i] = sum(P[i,j] for j in n) for i in m
        let into[j] = sum(P[i,j] for i in m) for j in n
        minimize sum(C.*P) + k*(sum(kl_div(out, a)) + sum(kl_div(into, b))) - 0.3*sum(entr(P))
        """,
        lambda g: {
            "C": g.uniform(0, 1, (2, 2, 3)),
            "a": g.uniform(0.5, 1, (2, 2)),
            "b": g.uniform(0.3, 1, (2, 3)),
            "k": g.uniform(0.5, 1, 2),
        },
        _unbalanced,
    ),
]
