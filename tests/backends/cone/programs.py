"""CVXPY problems as data of our own solver, and the gradients that central differences give."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import torch

from declarative.backends.cone.differentiate.function import Structure, solve_batch
from declarative.backends.cone.methods.solve import solve_items
from declarative.backends.cone.program.certificate import Blocks
from declarative.backends.cone.program.item import Item, alone
from declarative.backends.cone.sets.cones import Block, Cones, Kind


def item_of(problem: cp.Problem) -> Item:
    """The cone program that CVXPY hands to Clarabel."""
    data = problem.get_problem_data(cp.CLARABEL)[0]
    dims, n = data["dims"], len(data["c"])
    blocks = [Block(Kind.ZERO, dims.zero)] * bool(dims.zero) + [Block(Kind.NONNEG, dims.nonneg)] * bool(dims.nonneg)
    blocks += [Block(Kind.SOC, rows) for rows in dims.soc]
    blocks += [Block(Kind.PSD, side * (side + 1) // 2) for side in dims.psd]
    blocks += [Block(Kind.EXP, 3)] * dims.exp + [Block(Kind.POWER, 3, alpha) for alpha in dims.p3d]
    P = data["P"].toarray() if "P" in data else np.zeros((n, n))
    return Item((P + P.T) / 2, data["c"], data["A"].toarray(), data["b"], Cones(tuple(blocks)))


def blocks_of(item: Item) -> Blocks:
    return Blocks(np.zeros(len(item.q), dtype=int), item.cones.atomic, np.ones(len(item.q), dtype=bool))


def solved(problem: cp.Problem):
    item = item_of(problem)
    return item, solve_items(alone(item), blocks_of(item))[0]


def structure_of(item: Item) -> Structure:
    """Every nonzero entry of P and A is data."""
    P_at, A_at = np.stack(np.nonzero(item.P)), np.stack(np.nonzero(item.A))
    return Structure(item.cones, P_at, A_at, blocks_of(item))


def tensors_of(item: Item) -> list[torch.Tensor]:
    parts = (item.P[np.nonzero(item.P)], item.q, item.A[np.nonzero(item.A)], item.b)
    return [torch.tensor(part).reshape(1, -1) for part in parts]


def scalar_of(structure: Structure, gx, gz):
    """A function of the data whose gradients are those of gx'x + gz'z."""

    def value(*data: torch.Tensor) -> torch.Tensor:
        x, z, _, _ = solve_batch(structure, *data)  # pyright: ignore
        return (x @ gx + z @ gz).sum()

    return value


def symmetric(structure: Structure, moves: torch.Tensor) -> torch.Tensor:
    """A direction for the entries of P that keeps P symmetric."""
    full = torch.zeros(structure.columns, structure.columns, dtype=moves.dtype)
    full[tuple(structure.P_at)] = moves[0]
    return (full + full.T)[tuple(structure.P_at)].reshape(1, -1)


def with_b(item: Item, b: np.ndarray) -> Item:
    return replace(item, b=b)
