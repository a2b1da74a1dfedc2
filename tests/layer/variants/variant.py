"""A variant of a program: text, data, and an independent answer; how both are held against each other."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np
import torch

import declarative
from declarative.ir.problem import Problem

BATCH = 2
SOLVERS = (
    {"solver": cp.CLARABEL, "tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12},
    {"solver": cp.SCS, "eps": 1e-11, "max_iters": 100_000},  # where that is out of an interior point's reach
)

Data = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Variant:
    """`data(rng)` gives parameters by name, with a batch axis but for those in `shared`. `answer(data of one item)`
    gives what is checked: variables, outputs, duals as "box.lower", "value". `backends` lists those that accept.
    """

    name: str
    text: str
    data: Callable[[np.random.Generator], Data]
    answer: Callable[[Data], Answer]
    backends: tuple[str, ...] = ("kkt", "cone")
    consts: Data = field(default_factory=dict)
    dims: dict[str, int] = field(default_factory=dict)
    learn: Data = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    python: Callable[[], Problem] | None = None  # the same through the embedded language
    step: Callable[[str, torch.Tensor], torch.Tensor] = lambda name, step: step  # keeps promises among data
    fixed: tuple[str, ...] = ()  # parameters without a derivative here
    duals: bool = True  # whether duals, too, are differentiated

    def problem(self) -> Problem:
        return declarative.parse(self.text, name=self.name.split(":")[0])

    def compile(self, backend: str = "auto", problem: Problem | None = None):
        learn = {name: torch.tensor(value) for name, value in self.learn.items()}
        problem = self.problem() if problem is None else problem
        return declarative.compile(problem, backend=backend, consts=self.consts, dims=self.dims, learn=learn)

    def tensors(self) -> dict[str, torch.Tensor]:
        data = self.data(np.random.default_rng(4))
        return {name: torch.as_tensor(np.asarray(value), dtype=torch.float64) for name, value in data.items()}

    def item(self, k: int) -> Data:
        own = {n: t.numpy() if n in self.shared else t.numpy()[k] for n, t in self.tensors().items()}
        return {**self.consts, **self.learn, **own}


def convex(objective: cp.Minimize | cp.Maximize, constraints: list, **wanted: Any) -> Answer:
    """CVXPY's answer, tight: values of expressions, duals of constraints, and the optimal value."""
    problem = cp.Problem(objective, constraints)
    for settings in SOLVERS:
        with warnings.catch_warnings(action="ignore"):
            problem.solve(**settings)
        if problem.status == "optimal":
            break
    else:
        raise AssertionError(f"the oracle ended with {problem.status}")
    return {"value": problem.value} | {n: _value(w) for n, w in wanted.items()}


def _value(wanted: Any) -> Any:
    return wanted.dual_value if isinstance(wanted, cp.Constraint) else wanted.value


def spd(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random positive definite matrices."""
    M = rng.standard_normal(shape)
    return M @ np.swapaxes(M, -1, -2) / shape[-1] + 0.5 * np.eye(shape[-1])


def symmetric(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random symmetric matrices."""
    M = rng.standard_normal(shape)
    return (M + np.swapaxes(M, -1, -2)) / 2
