"""Ways to solve a batch of dense quadratic programs and take the gradient for all data: ours and the neighbours'."""

# The peers come without types, or with types of another version.
# pyright: reportAttributeAccessIssue=false, reportPrivateImportUsage=false, reportArgumentType=false
# pyright: reportMissingImports=false, reportGeneralTypeIssues=false, reportCallIssue=false, reportReturnType=false, reportOptionalSubscript=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from qp_problems import Problems
from torch import Tensor

import declarative
from declarative.backends.kkt.program.program import SmoothProgram, Theta
from declarative.backends.kkt.program.quadratic import explicit
from declarative.backends.kkt.solve import connect, solve

TEXT = """
problem dense "a quadratic program with all its data as parameters"
dim n, m
param P : S^n, psd
param q : R^n
param G : R^(m,n)
param h : R^m
var x : R^n
minimize 1/2*quad(x, P) + q'*x
subject to
  rows: G*x <= h
"""
EQUATIONS = TEXT.replace("dim n, m", "dim n, m, p").replace(
    "var x", "param A : R^(p,n)\nparam b : R^p\nvar x"
) + "  equations: A*x == b\n"  # fmt: skip

Solver = Callable[[tuple[Tensor, ...]], Tensor]  # P, q, A, b, G, h to x


@dataclass(frozen=True)
class Run:
    """Forward, and backward through `weight`'x: x and the gradients of P, q, A, b, G, h."""

    solver: Solver
    problems: Problems

    def __call__(self) -> tuple[Tensor, tuple[Tensor | None, ...]]:
        data = tuple(t.detach().requires_grad_() for t in self.problems.data)
        x = self.solver(data)
        (x * self.problems.weight).sum().backward()
        return x.detach(), tuple(t.grad for t in data)


def engine(problems: Problems) -> Solver:
    """The engine of the `kkt` backend on plain tensors."""
    (batch, n), p, m = problems.q.shape, problems.b.shape[1], problems.h.shape[1]
    infinite = torch.full((1, n), torch.inf, dtype=torch.float64)
    walls = torch.zeros(2, n, dtype=torch.bool)
    program = explicit(SmoothProgram(n, p, m, _unused, _unused, _unused, _no_bounds, walls, "qp"))
    constant, start = torch.zeros(1, dtype=torch.float64), torch.zeros(batch, n, dtype=torch.float64)

    def run(data: tuple[Tensor, ...]) -> Tensor:
        P, q, A, b, G, h = data
        theta = (P, q, constant, A, b, G, h, -infinite, infinite)
        return connect(program, theta, solve(program, theta, start))[0]

    return run


def _unused(x: Tensor, theta: Theta) -> Tensor:
    raise AssertionError("an explicit program replaces its functions")


def _no_bounds(theta: Theta) -> tuple[Tensor, Tensor]:
    raise AssertionError("an explicit program replaces its functions")


def layer(problems: Problems, check: str = "always") -> Solver:
    """A compiled layer, called as a user would."""
    has_equations = problems.b.shape[1] > 0
    module = declarative.compile(declarative.parse(EQUATIONS if has_equations else TEXT), check=check)

    def run(data: tuple[Tensor, ...]) -> Tensor:
        P, q, A, b, G, h = data
        return module(P, q, G, h, A, b) if has_equations else module(P, q, G, h)

    return run


def moreau_layer(problems: Problems) -> Solver:
    """moreau's torch layer with its own choice of method."""
    import moreau
    import moreau.torch

    (batch, n), p, m = problems.q.shape, problems.b.shape[1], problems.h.shape[1]
    solver = moreau.torch.Solver(
        n, p + m, *_dense_pattern(n, n), *_dense_pattern(p + m, n),
        cones=moreau.Cones(num_zero_cones=p, num_nonneg_cones=m),
        settings=moreau.Settings(device="cpu", batch_size=batch, enable_grad=True),
    )  # fmt: skip

    def run(data: tuple[Tensor, ...]) -> Tensor:
        P, q, A, b, G, h = data
        rows = torch.cat([A, G], 1).flatten(1)
        return solver.solve(P.flatten(1), rows, q, torch.cat([b, h], 1)).x

    return run


def _dense_pattern(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Row offsets and column indices of a matrix without zeros."""
    return torch.arange(0, rows * columns + 1, columns), torch.arange(columns).repeat(rows)


def qpth_layer(problems: Problems) -> Solver:
    """qpth, without its check of P."""
    from qpth.qp import QPFunction

    p = problems.b.shape[1]

    def run(data: tuple[Tensor, ...]) -> Tensor:
        P, q, A, b, G, h = data
        equations = (A, b) if p else (P.new_empty(0), P.new_empty(0))
        return QPFunction(verbose=-1, check_Q_spd=False)(P, q, G, h, *equations)

    return run


def cvxpylayers_layer(problems: Problems) -> Solver:
    """cvxpylayers with its defaults, on |L'x|^2, since quad_form(x, P) has no gradient for P there."""
    import cvxpy as cp
    from cvxpylayers.torch import CvxpyLayer

    n, p, m = problems.q.shape[1], problems.b.shape[1], problems.h.shape[1]
    x, R, q = cp.Variable(n), cp.Parameter((n, n)), cp.Parameter(n)
    G, h = cp.Parameter((m, n)), cp.Parameter(m)
    constraints, parameters = [G @ x <= h], [R, q, G, h]
    if p:
        A, b = cp.Parameter((p, n)), cp.Parameter(p)
        constraints, parameters = [*constraints, A @ x == b], [*parameters, A, b]
    module = CvxpyLayer(
        cp.Problem(cp.Minimize(cp.sum_squares(R @ x) / 2 + q @ x), constraints), parameters, variables=[x]
    )

    def run(data: tuple[Tensor, ...]) -> Tensor:
        P, q, A, b, G, h = data
        R = torch.linalg.cholesky(P).mT
        return module(R, q, G, h, *((A, b) if p else ()))[0]

    return run
