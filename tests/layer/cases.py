"""Programs of the language with data, and an independent answer for each: one table that several tests drive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import scipy.optimize
import torch

import declarative

EXAMPLES = Path(__file__).parents[2] / "examples"
TIGHT = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}

Data = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`data(rng, batch)` gives parameters by name, those in `shared` without a batch axis. `answer(data of one item)`
    gives each variable that is checked. `backends` lists those that accept; `drop` are clauses left out.
    """

    file: str
    data: Callable[[np.random.Generator, int], Data]
    answer: Callable[[Data], dict[str, np.ndarray]]
    backends: tuple[str, ...] = ("kkt", "cone")
    consts: Data = field(default_factory=dict)
    dims: dict[str, int] = field(default_factory=dict)
    learn: Data = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    auto: bool = False  # the clauses of the file are left to the backend

    def compile(self, backend: str = "auto", **settings: Any):
        if self.auto:
            settings = {"solve": "auto", "differentiate": "auto", **settings}
        learn = {name: torch.tensor(value) for name, value in self.learn.items()}
        path = EXAMPLES / f"{self.file}.opt"
        return declarative.compile(path, backend=backend, consts=self.consts, dims=self.dims, learn=learn, **settings)

    def item(self, data: Data, k: int) -> Data:
        own = {n: v if n in self.shared else v[k] for n, v in data.items()}
        return {**self.consts, **self.learn, **own}


def tensors(data: Data, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, dtype=dtype) for name, value in data.items()}


def _solved(objective, constraints, settings=TIGHT, **variables: cp.Expression) -> dict[str, np.ndarray]:
    problem = cp.Problem(objective, constraints)
    problem.solve(**settings)
    assert problem.status == "optimal"
    return {name: np.asarray(v.value) for name, v in variables.items()}


# --- projections and regressions -------------------------------------------------------------------


def _simplex(d: Data) -> dict[str, np.ndarray]:
    """Sort, then threshold (Held, Wolfe and Crowder 1974)."""
    y = d["y"]
    u = np.sort(y)[::-1]
    t = (np.cumsum(u) - 1) / np.arange(1, len(y) + 1)
    return {"x": np.maximum(y - t[np.nonzero(u > t)[0][-1]], 0)}


def _ridge(d: Data) -> dict[str, np.ndarray]:
    A, b = d["A"], d["b"]
    return {"x": np.linalg.solve(A.T @ A + d.get("lam", 0) * np.eye(A.shape[1]), A.T @ b)}


def _lasso(d: Data) -> dict[str, np.ndarray]:
    x = cp.Variable(d["A"].shape[1])
    return _solved(cp.Minimize(cp.sum_squares(d["A"] @ x - d["b"]) / 2 + d["lam"] * cp.norm1(x)), [], x=x)


def _minimax(d: Data) -> dict[str, np.ndarray]:
    A, b = d["A"], d["b"]
    m, n = A.shape
    ones = np.ones((m, 1))
    G, h = np.block([[A, -ones], [-A, -ones]]), np.concatenate([b, -b])
    out = scipy.optimize.linprog(np.eye(n + 1)[n], A_ub=G, b_ub=h, bounds=(None, None), method="highs")
    return {"x": out.x[:n]}


def _tv(d: Data) -> dict[str, np.ndarray]:
    x = cp.Variable(len(d["y"]))
    return _solved(cp.Minimize(cp.sum_squares(x - d["y"]) / 2 + d["lam"] * cp.norm1(cp.diff(x))), [], x=x)


def _pool(d: Data) -> dict[str, np.ndarray]:
    def slope(y):
        z = (y - d["x"]) / d["d"]
        return np.sum(z / np.sqrt(1 + z**2))

    return {"y": np.asarray(scipy.optimize.brentq(slope, d["x"].min(), d["x"].max(), xtol=1e-15, rtol=1e-14))}


def _curve(d: Data) -> dict[str, np.ndarray]:
    def residuals(p):
        return np.sqrt(d["w"]) * (d["y"] - p[0] * np.exp(p[1] * d["x"]))

    out = scipy.optimize.least_squares(residuals, [1.0, -1.0], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return {"a": out.x[0], "b": out.x[1]}


# --- portfolios, control, flows --------------------------------------------------------------------


def _portfolio(d: Data) -> dict[str, np.ndarray]:
    w = cp.Variable(len(d["mu"]))
    budget = cp.sum(w) == 1
    objective = cp.Maximize(d["mu"] @ w - d["gamma"] * cp.sum_squares(d["F"] @ w))
    found = _solved(objective, [budget, w >= 0, w <= 0.2], w=w)
    return {**found, "price": np.asarray(budget.dual_value)}


def _mpc(d: Data) -> dict[str, np.ndarray]:
    A, B, T = d["A"], d["B"], 5
    x, u = cp.Variable((T + 1, A.shape[0])), cp.Variable((T, B.shape[1]))
    cost = sum(cp.quad_form(x[t], cp.psd_wrap(d["Q"])) + cp.quad_form(u[t], cp.psd_wrap(d["R"])) for t in range(T))
    dynamics = [x[t + 1] == A @ x[t] + B @ u[t] for t in range(T)]
    final = cp.quad_form(x[T], cp.psd_wrap(d["Q"]))
    return _solved(cp.Minimize(final + cost), [x[0] == d["x0"], cp.abs(u) <= 1, *dynamics], u_0=u[0], x=x)


GRAPH = np.array([[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=float)
ARCS = np.argwhere(GRAPH > 0)
SUPPLY = np.array([1.0, 0, 0, 0, -1.0])
INCIDENCE = np.zeros((5, len(ARCS)))
for arc, (start, end) in enumerate(ARCS):
    INCIDENCE[start, arc], INCIDENCE[end, arc] = 1, -1


def _flow(costs: np.ndarray, tau: float, upper: bool) -> np.ndarray:
    f = cp.Variable(len(ARCS))
    box = [f >= 0, f <= 1] if upper else [f >= 0]
    return _solved(cp.Minimize(costs @ f + tau / 2 * cp.sum_squares(f)), [INCIDENCE @ f == SUPPLY, *box], f=f)["f"]


def _shortest(d: Data) -> dict[str, np.ndarray]:
    x = np.zeros((5, 5))
    x[ARCS[:, 0], ARCS[:, 1]] = _flow(d["c"][ARCS[:, 0], ARCS[:, 1]], d["tau"], upper=False)
    return {"x": x}


def _knapsack(d: Data) -> dict[str, np.ndarray]:
    x = cp.Variable(len(d["v"]))
    objective = cp.Maximize(d["v"] @ x - d["tau"] / 2 * cp.sum_squares(x))
    return _solved(objective, [x >= 0, x <= 1, d["W"] @ x <= d["cap"]], x=x)


def _robust(d: Data) -> dict[str, np.ndarray]:
    x = cp.Variable(len(d["c"]))
    rows = [a @ x + cp.norm(P.T @ x) <= b for a, P, b in zip(d["a"], d["P"], d["b"], strict=True)]
    return _solved(cp.Minimize(d["c"] @ x), rows, x=x)


# --- matrices, entropies, spheres ------------------------------------------------------------------


def _correlation(d: Data) -> dict[str, np.ndarray]:
    X = cp.Variable(d["C"].shape, PSD=True)
    settings = {"solver": cp.SCS, "eps": 1e-11, "max_iters": 100_000}
    return _solved(cp.Minimize(cp.sum_squares(X - d["C"])), [cp.diag(X) == 1], settings, X=X)


def _softmax(d: Data) -> dict[str, np.ndarray]:
    e = np.exp(d["y"] - d["y"].max())
    return {"p": e / e.sum()}


def _eigen(d: Data) -> dict[str, np.ndarray]:
    values, vectors = np.linalg.eigh(d["A"])
    u = vectors[:, -1]
    return {"u": u * np.sign(u @ d["u0"]), "eigval": values[-1]}


def _trust(d: Data) -> dict[str, np.ndarray]:
    """The secular equation |(H + l I)^-1 g| = r by bisection, l at least minus the least eigenvalue."""
    values, V = np.linalg.eigh(d["H"])
    g = V.T @ d["g"]
    if values[0] > 0 and np.linalg.norm(g / values) <= d["r"]:
        return {"s": -V @ (g / values)}
    low = max(0.0, -values[0])
    l = scipy.optimize.brentq(lambda l: np.linalg.norm(g / (values + l)) - d["r"], low + 1e-12, low + 1e4, xtol=1e-15)
    return {"s": -V @ (g / (values + l))}


def _sinkhorn(d: Data) -> dict[str, np.ndarray]:
    C, a, b, eps = d["C"], d["a"], d["b"], d["eps"]
    K = np.exp(-C / eps)
    v = np.ones(len(b))
    for _ in range(20000):
        u = a / (K @ v)
        v = b / (K.T @ u)
    return {"P": u[:, None] * K * v[None, :]}


def _spd(rng: np.random.Generator, *shape: int) -> np.ndarray:
    M = rng.standard_normal(shape)
    return M @ np.swapaxes(M, -1, -2) / shape[-1] + 0.5 * np.eye(shape[-1])


def _symmetric(rng: np.random.Generator, *shape: int) -> np.ndarray:
    M = rng.standard_normal(shape)
    return (M + np.swapaxes(M, -1, -2)) / 2


def _entropic_data(rng: np.random.Generator, batch: int) -> Data:
    a, b = rng.uniform(0.5, 1.5, (batch, 3)), rng.uniform(0.5, 1.5, (batch, 4))
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    return {"C": rng.uniform(0, 1, (batch, 3, 4)), "a": a, "b": b, "eps": rng.uniform(0.2, 0.5, batch)}


def _curve_data(rng: np.random.Generator, batch: int) -> Data:
    x = rng.uniform(0, 2, (batch, 8))
    y = 2 * np.exp(-0.7 * x) + 0.05 * rng.standard_normal((batch, 8))
    return {"x": x, "y": y, "w": rng.uniform(0.5, 1.5, (batch, 8))}


CASES = [
    Case("simplex_projection", lambda g, B: {"y": g.standard_normal((B, 6))}, _simplex),
    Case(
        "portfolio",
        lambda g, B: {
            "mu": 0.1 * g.standard_normal((B, 8)),
            "F": g.standard_normal((B, 3, 8)),
            "gamma": g.uniform(0.5, 2, B),
        },
        _portfolio,
    ),
    Case(
        "ridge",
        lambda g, B: {
            "A": g.standard_normal((B, 7, 4)),
            "b": g.standard_normal((B, 7)),
            "lam": g.uniform(0.1, 1, B),
        },
        _ridge,
    ),
    Case(
        "lasso",
        lambda g, B: {"A": g.standard_normal((B, 9, 5)), "b": g.standard_normal((B, 9)), "lam": g.uniform(1, 2, B)},
        _lasso,
    ),
    Case("minimax", lambda g, B: {"A": g.standard_normal((B, 9, 3)), "b": g.standard_normal((B, 9))}, _minimax),
    Case(
        "mpc",
        lambda g, B: {"x0": g.standard_normal((B, 2)), "Q": _spd(g, B, 2, 2), "R": _spd(g, B, 1, 1)},
        _mpc,
        dims={"T": 5},
        learn={"A": np.array([[1.1, 0.4], [-0.2, 0.9]]), "B": np.array([[0.1], [1.0]])},
    ),
    Case(
        "shortest_path",
        lambda g, B: {"c": g.uniform(0.1, 1, (B, 5, 5)), "tau": g.uniform(0.5, 1, B)},
        _shortest,
        consts={"E": GRAPH, "b": SUPPLY},
    ),
    Case(
        "arc_path",
        lambda g, B: {"w": g.uniform(0.1, 1, (B, len(ARCS))), "tau": g.uniform(0.5, 1, B)},
        lambda d: {"f": _flow(d["w"], d["tau"], upper=False)},
        consts={"tail": ARCS[:, 0], "head": ARCS[:, 1], "b": SUPPLY},
    ),
    Case(
        "path_flow",
        lambda g, B: {"w": g.uniform(0.1, 1, (B, len(ARCS))), "tau": g.uniform(0.5, 1, B)},
        lambda d: {"x": _flow(d["w"], d["tau"], upper=True)},
        consts={"N": INCIDENCE, "b": SUPPLY},
        auto=True,
    ),
    Case(
        "knapsack",
        lambda g, B: {"v": g.uniform(0, 1, (B, 6)), "tau": g.uniform(0.1, 0.5, B)},
        _knapsack,
        consts={"W": np.random.default_rng(5).uniform(0, 1, (2, 6)), "cap": np.array([1.0, 1.2])},
    ),
    Case(
        "robust_lp",
        lambda g, B: {
            "c": g.standard_normal((B, 3)),
            "a": g.standard_normal((B, 8, 3)),
            "P": 0.3 * g.standard_normal((B, 8, 3, 2)),
            "b": g.uniform(1, 2, (B, 8)),
        },
        _robust,
        backends=("cone",),
    ),
    Case(
        "nearest_correlation",
        lambda g, B: {"C": _symmetric(g, B, 5, 5) + np.eye(5)},
        _correlation,
        backends=("cone",),
    ),
    Case("max_entropy", lambda g, B: {"y": 2 * g.standard_normal((B, 5))}, _softmax),
    Case(
        "top_eigenvector",
        lambda g, B: {"A": _symmetric(g, B, 5, 5), "u0": g.standard_normal((B, 5))},
        _eigen,
        backends=("kkt",),
    ),
    Case(
        "robust_pool",
        lambda g, B: {"x": g.standard_normal((B, 7)), "d": g.uniform(0.5, 1.5, B)},
        _pool,
    ),
    Case(
        "trust_region",
        lambda g, B: {"H": _symmetric(g, B, 5, 5), "g": g.standard_normal((B, 5)), "r": g.uniform(0.5, 1.5, B)},
        _trust,
        backends=("kkt",),
    ),
    Case("tv_denoise", lambda g, B: {"y": g.standard_normal((B, 9)), "lam": g.uniform(0.2, 0.4, B)}, _tv),
    Case("curve_fit", _curve_data, _curve, backends=("kkt",), auto=True),
    Case("entropic_ot", _entropic_data, _sinkhorn),
]
