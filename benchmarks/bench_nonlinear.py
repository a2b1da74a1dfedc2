"""Batches of nonlinear programs, forward and with gradients, beside a loop of IPOPT through CasADi on the same items.

IPOPT has exact derivatives of a symbolic problem that CasADi compiles once, with the data as parameters. Its backward
pass is the implicit function theorem by CasADi too: one factorisation of the KKT matrix that it formed symbolically.
Errors are those of the solution beside IPOPT's at tolerance 1e-12, of the items that end in the same minimum; a
nonconvex item may have several, and the first line of a table says how often one way found a lower one.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import casadi as ca
import numpy as np
import torch
from side_by_side import Way, measure, show

import declarative

LANGUAGE = Path(__file__).parents[1] / "examples"
CAR = """
dim T
param x0 : R^4
param goal : R^2
var x[T+1] : R^4
var u[T] : R^2
minimize 10*sumsq(x[T][0:2] - goal) + sum(sumsq(u[t])/10 + sumsq(x[t+1][0:2] - goal)/2 for t in T)
subject to
  x[0] == x0
  x[t+1][0] == x[t][0] + 0.1*x[t][3]*cos(x[t][2]) for t in T
  x[t+1][1] == x[t][1] + 0.1*x[t][3]*sin(x[t][2]) for t in T
  x[t+1][2] == x[t][2] + 0.2*x[t][3]*tan(u[t][0]) for t in T
  x[t+1][3] == x[t][3] + 0.1*u[t][1] for t in T
  abs(u[t][0]) <= 0.5 for t in T
  abs(u[t][1]) <= 2 for t in T
"""
PATH = """
dim T, k
param a : R^2
param b : R^2
param c : R^(k,2)
param r : R^k, pos
param mid : R^2
var x[0..T] : R^2, start(mid)
minimize sum(sumsq(x[t+1] - x[t]) for t in T) + 0.5*sum(sumsq(x[t+1] - 2*x[t] + x[t-1]) for t in 1..T-1)
subject to
  x[0] == a
  x[T] == b
  sumsq(x[t] - c[j,:]) >= r[j]^2 for t in T, j in k
"""
QUIET = {"ipopt.print_level": 0, "print_time": 0, "ipopt.sb": "yes"}
Data = Mapping[str, Any]  # tensors for us, arrays for the peer


@dataclass(frozen=True)
class Peer:
    """A problem in CasADi: x, p, f, g with lower <= g <= 0, and what makes x0 and p of an item's data."""

    x: Any
    p: Any
    f: Any
    g: Any
    equal: bool
    start: Callable[[Data, int], np.ndarray]
    data: Callable[[Data, int], np.ndarray]
    most: Any = np.inf  # bounds of |x|
    dense: bool = True  # small enough for CasADi to factor the KKT matrix symbolically
    low: Any = None  # of g, where some rows are equations

    def solver(self, tolerance: float) -> Any:
        problem = {"x": self.x, "p": self.p, "f": self.f, "g": self.g}
        return ca.nlpsol("peer", "ipopt", problem, {**QUIET, "ipopt.tol": tolerance, "ipopt.bound_relax_factor": 0})

    def loop(self, solver: Any, data: Data, batch: int) -> list[Any]:
        """All items, one after the other."""
        low = self.low if self.low is not None else 0 if self.equal else -np.inf
        ends = {"lbg": low, "ubg": 0, "lbx": -self.most, "ubx": self.most}
        return [solver(x0=self.start(data, k), p=self.data(data, k), **ends) for k in range(batch)]

    def pullback(self) -> Any:
        """(x, multipliers, p, weights) -> the gradient of weights'x in p, active rows as equations."""
        lam, w = ca.SX.sym("lam", self.g.shape[0]), ca.SX.sym("w", self.x.shape[0])
        L = self.f + ca.dot(lam, self.g)
        F = ca.vertcat(ca.gradient(L, self.x), self.g if self.equal else lam * self.g + (ca.fabs(lam) < 1e-8) * lam)
        z = ca.vertcat(self.x, lam)
        u = ca.solve(ca.jacobian(F, z).T, ca.vertcat(w, ca.SX.zeros(lam.shape[0])))
        return ca.Function("pull", [self.x, lam, self.p, w], [ca.jtimes(F, self.p, u, True)])


Problem = tuple[str, declarative.Problem, Data, Peer]


def normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def trust_region(n: int = 20, batch: int = 256) -> Problem:
    g = torch.Generator().manual_seed(0)
    H = normal(g, batch, n, n)
    data = {"H": (H + H.mT) / 2, "g": normal(g, batch, n), "r": normal(g, batch).abs() + 0.5}
    s, M, v, r = ca.SX.sym("s", n), ca.SX.sym("H", n, n), ca.SX.sym("g", n), ca.SX.sym("r")
    p = ca.vertcat(ca.vec(M), v, r)
    objective = s.T @ M @ s / 2 + v.T @ s
    peer = Peer(
        s, p, objective, s.T @ s - r**2, False, lambda d, k: np.zeros(n),
        lambda d, k: np.concatenate([d["H"][k].ravel(), d["g"][k], d["r"][k : k + 1]]),
    )  # fmt: skip
    return "trust_region", declarative.parse((LANGUAGE / "trust_region.opt").read_text()), data, peer


def pnp(n: int = 20, batch: int = 64) -> Problem:
    g = torch.Generator().manual_seed(0)
    points, R = normal(g, batch, n, 3), torch.linalg.qr(normal(g, batch, 3, 3))[0]
    t = torch.tensor([0, 0, 6.0], dtype=torch.float64) + 0.3 * normal(g, batch, 3)
    c = torch.einsum("bij,bnj->bni", R, points) + t[:, None]
    R0 = torch.linalg.qr(R + 0.2 * normal(g, batch, 3, 3))[0]
    R0 = R0 * torch.einsum("bij,bij->bj", R0, R).sign()[:, None]
    pixels = c[..., :2] / c[..., 2:] + 0.005 * normal(g, batch, n, 2)
    data = {"p": points, "q": pixels, "w": normal(g, batch, n).abs() + 0.5, "R0": R0, "t0": t + normal(g, batch, 3) / 5}
    P, Q, w = ca.SX.sym("p", n, 3), ca.SX.sym("q", n, 2), ca.SX.sym("w", n)
    turn, move = ca.SX.sym("R", 3, 3), ca.SX.sym("t", 3)
    seen = P @ turn.T + ca.repmat(move.T, n, 1)
    f = ca.sum1(w * ((seen[:, 0] / seen[:, 2] - Q[:, 0]) ** 2 + (seen[:, 1] / seen[:, 2] - Q[:, 1]) ** 2))
    gram = turn.T @ turn - ca.DM.eye(3)
    rows = ca.vertcat(*[gram[i, j] for i in range(3) for j in range(i, 3)])
    peer = Peer(
        ca.vertcat(ca.vec(turn.T), move), ca.vertcat(ca.vec(P.T), ca.vec(Q.T), w), f, rows, True,
        lambda d, k: np.concatenate([d["R0"][k].ravel(), d["t0"][k]]),
        lambda d, k: np.concatenate([d["p"][k].ravel(), d["q"][k].ravel(), d["w"][k]]),
    )  # fmt: skip
    return "pnp", declarative.parse((LANGUAGE / "pnp.opt").read_text()), data, peer


def welsch_pool(n: int = 50, batch: int = 1024) -> Problem:
    g = torch.Generator().manual_seed(0)
    data = {"x": normal(g, batch, n), "d": normal(g, batch).abs() / 2 + 0.5}
    x, d, y = ca.SX.sym("x", n), ca.SX.sym("d"), ca.SX.sym("y")
    f = ca.sum1(1 - ca.exp(-((y - x) ** 2) / (2 * d**2)))
    peer = Peer(
        y, ca.vertcat(x, d), f, ca.SX.zeros(0), True, lambda d, k: d["x"][k].mean(),
        lambda d, k: np.append(d["x"][k], d["d"][k]),
    )  # fmt: skip
    return "welsch_pool", declarative.parse((LANGUAGE / "welsch_pool.opt").read_text()), data, peer


def car(steps: int, batch: int = 64) -> Problem:
    g = torch.Generator().manual_seed(0)
    start = torch.tensor([0, 0, 0, 0.5], dtype=torch.float64) + normal(g, batch, 4) / 10
    data = {"x0": start, "goal": torch.tensor([1, 0.5], dtype=torch.float64) + 0.3 * normal(g, batch, 2)}
    x, u, x0, goal = ca.SX.sym("x", 4, steps + 1), ca.SX.sym("u", 2, steps), ca.SX.sym("x0", 4), ca.SX.sym("goal", 2)
    rates = ca.vertcat(x[3, :-1] * ca.cos(x[2, :-1]), x[3, :-1] * ca.sin(x[2, :-1]), 2 * x[3, :-1] * ca.tan(u[0, :]))
    apart = x[:2, 1:] - ca.repmat(goal, 1, steps)
    f = ca.sumsqr(u) / 10 + ca.sumsqr(apart) / 2 + 10 * ca.sumsqr(apart[:, -1])
    step = x[:, 1:] - x[:, :-1] - 0.1 * ca.vertcat(rates, u[1, :])
    peer = Peer(
        ca.vertcat(ca.vec(x), ca.vec(u)), ca.vertcat(x0, goal), f, ca.vertcat(x[:, 0] - x0, ca.vec(step)), True,
        lambda d, k: np.zeros(4 * (steps + 1) + 2 * steps), lambda d, k: np.concatenate([d["x0"][k], d["goal"][k]]),
        most=np.concatenate([np.full(4 * (steps + 1), np.inf), np.tile([0.5, 2], steps)]), dense=False,
    )  # fmt: skip
    return f"car, {steps} steps", declarative.parse(CAR.replace("dim T", f"dim T = {steps}")), data, peer


def path(steps: int = 12, count: int = 2, batch: int = 64) -> Problem:
    """A robot's way around round obstacles; no point of its start is feasible."""
    g = torch.Generator().manual_seed(0)
    a, b = (torch.tensor([end, 0.0], dtype=torch.float64) + normal(g, batch, 2) / 10 for end in (0.0, 4.0))
    c = torch.tensor([[1.3, 0.2], [2.7, -0.3]], dtype=torch.float64) + normal(g, batch, count, 2) / 10
    r = torch.rand(batch, count, generator=g, dtype=torch.float64) / 5 + 0.5
    mid = torch.tensor([2.0, 1.0], dtype=torch.float64) + normal(g, batch, 2) / 10
    x, ends, C, R = (
        ca.SX.sym("x", 2, steps + 1),
        ca.SX.sym("ends", 2, 2),
        ca.SX.sym("c", 2, count),
        ca.SX.sym("r", count),
    )
    step = x[:, 1:] - x[:, :-1]
    f = ca.sumsqr(step) + ca.sumsqr(step[:, 1:] - step[:, :-1]) / 2
    outside = [R[j] ** 2 - ca.sumsqr(x[:, t] - C[:, j]) for t in range(steps) for j in range(count)]
    fixed = ca.vertcat(x[:, 0] - ends[:, 0], x[:, -1] - ends[:, 1])
    peer = Peer(
        ca.vec(x), ca.vertcat(ca.vec(ends), ca.vec(C), R), f, ca.vertcat(fixed, *outside), False,
        lambda d, k: np.tile(d["mid"][k], steps + 1),
        lambda d, k: np.concatenate([d["a"][k], d["b"][k], d["c"][k].ravel(), d["r"][k]]), dense=False,
        low=np.concatenate([np.zeros(4), np.full(len(outside), -np.inf)]),
    )  # fmt: skip
    text = PATH.replace("dim T, k", f"dim T = {steps}\ndim k")
    return f"path, {steps} steps", declarative.parse(text), {"a": a, "b": b, "c": c, "r": r, "mid": mid}, peer


def compare(name: str, problem: declarative.Problem, data: Data, peer: Peer) -> None:
    batch = len(next(iter(data.values())))
    layer = declarative.compile(problem, solve="auto", on_failure="mask")
    flat = {key: value.numpy() for key, value in data.items()}
    ours = layer.solve(**data)
    names = [declared.symbol.name for declared in layer.problem.variables]
    answer = np.concatenate([ours[v].reshape(batch, -1).numpy() for v in names], 1)
    exact = peer.loop(peer.solver(1e-12), flat, batch)
    best = np.array([np.array(r["x"]).ravel() for r in exact])
    solver = peer.solver(1e-8)

    def forward():
        solution = layer.solve(**data)
        return np.concatenate([solution[v].reshape(batch, -1).numpy() for v in names], 1)

    def both():
        inputs = {key: value.clone().requires_grad_() for key, value in data.items()}
        solution = layer.solve(**inputs)
        torch.stack([solution[v].sum() for v in names]).sum().backward()
        return np.concatenate([solution[v].detach().reshape(batch, -1).numpy() for v in names], 1)

    def looped():
        return np.array([np.array(r["x"]).ravel() for r in peer.loop(solver, flat, batch)])

    pull = peer.pullback() if peer.dense else None

    def looped_both():
        assert pull is not None
        found = peer.loop(solver, flat, batch)
        for k, r in enumerate(found):
            pull(r["x"], r["lam_g"], peer.data(flat, k), 1)
        return np.array([np.array(r["x"]).ravel() for r in found])

    def error(x: np.ndarray) -> float:
        """Of the items that ended in the same minimum."""
        apart = np.abs(x - best).max(1) / np.abs(best).max(1).clip(1e-12)
        return float(apart[apart < 1e-3].max())

    value = ca.Function("value", [peer.x, peer.p], [peer.f])
    values = [np.array([float(value(x[k], peer.data(flat, k))) for k in range(batch)]) for x in (answer, looped())]
    below, above = int((values[0] < values[1] - 1e-6).sum()), int((values[0] > values[1] + 1e-6).sum())
    print(f"\n{name}: {int((ours.status == 0).sum())} of {batch} solved; lower than IPOPT's: {below}, higher: {above}")
    show("forward", measure([Way("declarative", forward, error), Way("IPOPT, a loop", looped, error)], rounds=3))
    ways = [Way("declarative", both, error)]
    ways += [Way("IPOPT and CasADi, a loop", looped_both, error)] if pull is not None else []
    show("forward and backward", measure(ways, rounds=3))


if __name__ == "__main__":
    for problem in (trust_region(), pnp(), welsch_pool(), car(5), car(10), car(30), path()):
        compare(*problem)
