"""What a solved item must satisfy, by the texts of a program alone, in the user's units; and IPOPT's word.

L = f + sum of multiplier * row over rows == 0 and <= 0, with the multiplier of an inequality at least 0, and -f where
the user maximises.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from nonconvex.programs import TORCH, Env, Program, reader
from torch import Tensor
from torch.func import grad, hessian, jacrev

from declarative.layer.solution import Solution

WEAK = 1e-5  # an inequality with a slack and a force both below this share of its terms may be active or not


@dataclass(frozen=True)
class Point:
    """One item at a point x (n,) with multipliers of its equations y (p,) and inequalities z (q,)."""

    program: Program
    data: Env
    x: Tensor
    y: Tensor
    z: Tensor

    def env(self, x: Tensor) -> Env:
        sizes = self.program.sizes
        parts = x.split([math.prod(shape) for shape in sizes.values()])
        return self.data | {n: v.reshape(s) for (n, s), v in zip(sizes.items(), parts, strict=True)}

    @cached_property
    def _readers(self):
        return reader(self.program.objective, TORCH), [(r.equality, reader(r.text, TORCH)) for r in self.program.rows]

    def f(self, x: Tensor) -> Tensor:
        return self.program.sign * self._readers[0](self.env(x))

    def rows(self, x: Tensor, equality: bool) -> Tensor:
        e = self.env(x)
        return torch.stack([value(e) for kind, value in self._readers[1] if kind == equality] or [x.sum()])[
            : self.count(equality)
        ]

    def count(self, equality: bool) -> int:
        return sum(r.equality == equality for r in self.program.rows)

    def lagrangian(self, x: Tensor) -> Tensor:
        return self.f(x) + self.y @ self.rows(x, True) + self.z @ self.rows(x, False)


def point(program: Program, solution: Solution, item: int) -> Point:
    """An item of a solution."""

    def duals(equality: bool) -> Tensor:
        own = [r for r in program.rows if r.equality == equality]
        return solution.value.new_tensor(
            [r.share * float(solution.duals[r.dual].detach()[(item, *r.place)]) for r in own]
        )

    x = torch.cat([solution.values[n][item].reshape(-1) for n in program.sizes]).detach()
    return Point(program, {k: v[item] for k, v in program.data.items()}, x, duals(True).double(), duals(False).double())


@dataclass(frozen=True)
class Conditions:
    """Residuals of the first-order conditions beside their terms; the least curvature along the rows that hold, beside
    the largest entry of the Hessian, and whether some of these rows may be inactive."""

    feasible: float
    stationary: float
    sign: float
    complementary: float
    curvature: float
    weak: bool


def conditions(at: Point) -> Conditions:
    """The conditions of Karush, Kuhn and Tucker, and of second order."""
    x, X = at.x, at.x.abs().max()
    c, g = at.rows(x, True), at.rows(x, False)
    Jc, Jg = (jacrev(lambda x, k=k: at.rows(x, k))(x).reshape(-1, len(x)) for k in (True, False))
    slope, H = grad(at.f)(x), hessian(at.lagrangian)(x)
    size_c, size_g = ((J.abs() * X).amax(-1).maximum((r - J @ x).abs()) for J, r in ((Jc, c), (Jg, g)))
    forces = torch.cat([Jc * at.y[:, None], Jg * at.z[:, None]])
    terms = torch.stack([slope.abs(), (H.abs() * X).amax(-1), (slope - H @ x).abs()])
    T = torch.cat([terms, forces.abs()]).amax(0)
    T = T.maximum(1e-8 * T.max())
    slack = beside(-g, size_g)
    force = beside(Jg * at.z[:, None], T).abs().amax(-1) * at.z.sign()
    weak = (slack.abs() <= WEAK) & (force <= WEAK)
    Z = null_space(torch.cat([Jc, Jg[(force > WEAK) | weak]]))
    curvature = (
        torch.linalg.eigvalsh(Z.T @ H @ Z).min() / H.abs().max().clamp(min=1e-300) if Z.shape[1] else X.new_zeros(())
    )
    return Conditions(
        worst(beside(c, size_c).abs(), -slack), worst(beside(slope + forces.sum(0), T).abs()), worst(-force),
        worst(slack.minimum(force)), float(curvature), bool(weak.any()),
    )  # fmt: skip


def beside(value: Tensor, terms: Tensor) -> Tensor:
    """value / terms, with 0/0 = 0."""
    return torch.where(value == 0, 0, value / terms)


def worst(*values: Tensor) -> float:
    """The largest of all, at least 0; infinite where one is not a number."""
    return float(torch.cat([*values, torch.zeros(1, dtype=torch.float64)]).nan_to_num(nan=torch.inf).max())


def null_space(J: Tensor) -> Tensor:
    """Orthonormal directions along which the rows stand still, as columns."""
    unit = J / J.norm(dim=1, keepdim=True).clamp(min=1e-300)
    _, S, V = torch.linalg.svd(unit, full_matrices=True)
    return V[int((S > 1e-8).sum()) :].T


def violation(at: Point, x: Tensor) -> float:
    """The worst violation of a row, beside its terms."""
    X, found = x.abs().max(), []
    for equality in (True, False):
        r, J = at.rows(x, equality), jacrev(lambda x, k=equality: at.rows(x, k))(x).reshape(-1, len(x))
        share = beside(r, (J.abs() * X).amax(-1).maximum((r - J @ x).abs()))
        found.append(share.abs() if equality else share)
    return worst(*found)


@dataclass(frozen=True)
class Word:
    """What IPOPT says: whether it has arrived, its point, and the objective there."""

    solved: bool
    x: Tensor
    value: float


def ipopt(at: Point, start: Tensor, stay: bool = False) -> Word:
    """IPOPT on the texts of a program, read by CasADi; to `stay`, it begins with the multipliers and a tiny barrier."""
    import casadi  # an optional package

    functions = {name: getattr(casadi, name, None) for name in TORCH} | {"sigmoid": lambda x: 1 / (1 + casadi.exp(-x))}
    X, env, parts = casadi.SX.sym("x", len(start)), {k: v.tolist() for k, v in at.data.items()}, 0
    for name, shape in at.program.sizes.items():
        count = math.prod(shape)
        own, parts = X[parts : parts + count], parts + count
        env[name] = casadi.reshape(own, *reversed(shape)).T if len(shape) == 2 else own
    c, g = ([reader(r.text, functions)(env) for r in at.program.rows if r.equality == k] for k in (True, False))
    f = at.program.sign * reader(at.program.objective, functions)(env)
    settings = {"ipopt.print_level": 0, "print_time": 0, "ipopt.sb": "yes", "ipopt.tol": 1e-10, "ipopt.max_iter": 300,
                "show_eval_warnings": False}  # fmt: skip
    known = {}
    if stay:
        push = ("bound_push", "bound_frac", "slack_bound_push", "slack_bound_frac", "mult_bound_push")
        settings |= {f"ipopt.warm_start_{name}": 1e-9 for name in push}
        settings |= {"ipopt.warm_start_init_point": "yes", "ipopt.mu_init": 1e-10}
        known = {"lam_g0": torch.cat([at.y, at.z]).numpy()}
    solver = casadi.nlpsol("item", "ipopt", {"x": X, "f": f, "g": casadi.vertcat(*c, *g)}, settings)
    lower = np.r_[np.zeros(len(c)), np.full(len(g), -np.inf)]
    found = solver(x0=start.numpy(), lbg=lower, ubg=np.zeros(len(lower)), **known)
    x = torch.as_tensor(np.array(found["x"]), dtype=torch.float64).reshape(-1)
    return Word(solver.stats()["return_status"] == "Solve_Succeeded" and violation(at, x) < 1e-6, x, float(at.f(x)))
