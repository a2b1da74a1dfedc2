"""A batch of cone programs as a differentiable function of their data: (P, q, A, b) -> (x, z) and a report.

A bad item harms no other: its x and z are 0, its gradients exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.differentiate.adjoint import Gradients, pull_back, push_forward
from declarative.backends.cone.differentiate.second import Places, pull_twice
from declarative.backends.cone.linear.matrices import Matrices, Pattern, pattern_of
from declarative.backends.cone.methods.solve import solve_items
from declarative.backends.cone.program.blurred import without_blurred
from declarative.backends.cone.program.certificate import Blocks
from declarative.backends.cone.program.item import Items, Point, are_thin
from declarative.backends.cone.program.solved import Solved
from declarative.backends.cone.sets.cones import Cones
from declarative.backends.positional import positional
from declarative.backends.push import forward_mode_twice
from declarative.backends.threads import blas_threads

Parts: TypeAlias = tuple[np.ndarray, ...]

MOST = 64  # patterns are kept


@dataclass(frozen=True)
class Structure:
    """What the items of a batch share. Places (2, k) are the rows and columns of the entries of P and A that are given.

    P's places cover the whole symmetric matrix. `squares`: it is one of squares of sums, with rounding errors of these.
    """

    cones: Cones
    P_at: np.ndarray
    A_at: np.ndarray
    blocks: Blocks
    squares: bool = False
    _patterns: dict[tuple[str, bytes], Pattern] = field(default_factory=dict, repr=False, compare=False)

    @property
    def columns(self) -> int:
        return len(self.blocks.columns)

    @property
    def sparse(self) -> bool:
        """Are the matrices kept sparse, whatever the values at these places?"""
        n, m = self.columns, self.cones.rows
        return are_thin((m, n), *(len(np.unique(rows * n + columns)) for rows, columns in (self.P_at, self.A_at)))

    def items(self, P: np.ndarray, q: np.ndarray, A: np.ndarray, b: np.ndarray) -> Items:
        """The programs of a batch; of what is given for P counts the symmetric part."""
        n, m = self.columns, self.cones.rows
        P_at, P = np.concatenate([self.P_at, self.P_at[::-1]], 1), np.concatenate([P, P], 1) / 2
        return Items(self._matrices("P", P_at, P, (n, n)), q, self._matrices("A", self.A_at, A, (m, n)), b, self.cones)

    def _matrices(self, name: str, places: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Matrices:
        """Without entries that are 0 in every item; the patterns that this leaves are kept for the next calls."""
        used = np.any(values, axis=0)
        key = name, np.packbits(used).tobytes()
        pattern = self._patterns.get(key)
        if pattern is None:
            if len(self._patterns) >= MOST:
                self._patterns.clear()
            pattern = self._patterns[key] = pattern_of(places[:, used], shape)
        return pattern.matrices(values[:, used] if not used.all() else values)


class Report(IntEnum):
    """The columns of the report (B, 8)."""

    STATUS = 0
    ITERATIONS = 1
    PRIMAL = 2
    DUAL = 3
    GAP = 4
    DEGENERATE = 5
    NONUNIQUE = 6
    DUAL_NONUNIQUE = 7


@dataclass
class Outcomes:
    """Filled by the forward pass: an entry for each item. `last`: where it may begin, points of similar programs."""

    items: list[Solved] = field(default_factory=list)
    last: Point | None = None


def solve_batch(
    structure: Structure, P: Tensor, q: Tensor, A: Tensor, b: Tensor, outcomes: Outcomes | None = None
) -> tuple[Tensor, Tensor, Tensor, Outcomes]:
    """x (B, n), z (B, m), the report (B, 8), and the outcomes; P (B, k), q (B, n), A (B, l), b (B, m) of float64.

    Any of them may have a batch of 1, which all items share; its gradient is the sum over them. Where the outcomes are
    known already, nothing is solved again: their answers are connected to these data.
    """
    size = np.broadcast_shapes(*((t.shape[0],) for t in (P, q, A, b)))[0]
    outcomes = outcomes or Outcomes()
    data = [t.expand(size, t.shape[1]) for t in (P, q, A, b)]
    x, z, report = ConeSolve.apply(structure, outcomes, *data)  # pyright: ignore[reportGeneralTypeIssues]
    return x, z, report, outcomes


@positional
class ConeSolve(torch.autograd.Function):
    """See `solve_batch`. First and second derivatives, one of them at least in backward mode; others raise."""

    @staticmethod
    def forward(structure: Structure, outcomes: Outcomes, P, q, A, b):
        if not outcomes.items:
            programs = structure.items(*map(_array, (P, q, A, b)))
            with blas_threads(torch.get_num_threads()):
                found = solve_items(programs, structure.blocks, outcomes.last)
                outcomes.items.extend(
                    without_blurred(programs, found, structure.blocks) if structure.squares else found
                )
        items = outcomes.items
        x = _tensor([item.point.x for item in items], structure.columns, q)
        z = _tensor([item.point.z for item in items], structure.cones.rows, q)
        return x, z, _tensor([_report(structure, item) for item in items], len(Report), q)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.structure, ctx.outcomes = inputs[:2]
        ctx.save_for_backward(*inputs[2:])
        ctx.save_for_forward(*inputs[2:])
        ctx.mark_non_differentiable(output[2])

    @staticmethod
    def backward(ctx, gx, gz, _):
        return None, None, *ConePull.apply(ctx.structure, ctx.outcomes, gx, gz, *ctx.saved_tensors)

    @staticmethod
    def jvp(ctx, _structure, _outcomes, *moves):
        if forward_mode_twice():
            raise NotImplementedError(THIRD)
        return *ConePush.apply(ctx.structure, ctx.outcomes, *moves, *ctx.saved_tensors), None

    @staticmethod
    def vmap(info, in_dims, structure, _outcomes, *data):
        """The mapped axis joins the batch."""
        moved = [
            t.movedim(dim, 0) if dim is not None else t.expand(info.batch_size, *t.shape)
            for t, dim in zip(data, in_dims[2:], strict=True)
        ]
        flat = ConeSolve.apply(structure, Outcomes(), *(t.reshape(-1, t.shape[-1]) for t in moved))
        return tuple(t.reshape(*moved[0].shape[:-1], t.shape[-1]) for t in flat), (0, 0, 0)


class _Derivative(torch.autograd.Function):
    """A derivative of `ConeSolve`, as a function of tensors of which the last four are the data.

    It depends on the data, so that a derivative that nobody has worked out raises and is not taken for 0.
    """

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.structure, ctx.outcomes = inputs[:2]
        ctx.save_for_backward(*inputs[2:])
        ctx.save_for_forward(*inputs[2:])

    @staticmethod
    def backward(ctx, *_):
        raise NotImplementedError(THIRD)

    @staticmethod
    def jvp(ctx, *_):
        raise NotImplementedError(THIRD)


@positional
class ConePull(_Derivative):
    """(gx, gz, data) -> gradients of P, q, A, b."""

    @staticmethod
    def forward(structure: Structure, outcomes: Outcomes, gx, gz, P, q, A, b):
        return _pulled_back(structure, outcomes, _array(gx), _array(gz), (P, q, A, b))

    @staticmethod
    def backward(ctx, *moves):
        gx, gz, *data = ctx.saved_tensors
        own = ConePush.apply(ctx.structure, ctx.outcomes, *moves, *data)
        return None, None, *own, *ConePullTwice.apply(ctx.structure, ctx.outcomes, gx, gz, *moves, *data)

    @staticmethod
    def jvp(ctx, _structure, _outcomes, dx, dz, *moves):
        gx, gz, *data = ctx.saved_tensors
        own = ConePull.apply(ctx.structure, ctx.outcomes, dx, dz, *data)
        bent = ConePullTwice.apply(ctx.structure, ctx.outcomes, gx, gz, *moves, *data)
        return tuple(a + b for a, b in zip(own, bent, strict=True))

    @staticmethod
    def vmap(info, in_dims, structure, outcomes, *tensors):
        return _one_by_one(ConePull, info.batch_size, in_dims[2:], structure, outcomes, tensors)


@positional
class ConePush(_Derivative):
    """(moves of P, q, A, b, data) -> moves of x and z."""

    @staticmethod
    def forward(structure: Structure, outcomes: Outcomes, *tensors):
        like = tensors[1], tensors[3]  # as wide as x and z
        return _each(outcomes, lambda *own: _push_forward(structure, *own), tensors[:4], like)

    @staticmethod
    def backward(ctx, gx, gz):
        saved = ctx.saved_tensors  # checkpoints let it be read once
        moves, data = saved[:4], saved[4:]
        own = ConePull.apply(ctx.structure, ctx.outcomes, gx, gz, *data)
        return None, None, *own, *ConePullTwice.apply(ctx.structure, ctx.outcomes, gx, gz, *moves, *data)

    @staticmethod
    def vmap(info, in_dims, structure, outcomes, *tensors):
        return _one_by_one(ConePush, info.batch_size, in_dims[2:], structure, outcomes, tensors)


@positional
class ConePullTwice(_Derivative):
    """(gx, gz, moves of the data, data) -> how `ConePull` of (gx, gz) changes as the data move."""

    @staticmethod
    def forward(structure: Structure, outcomes: Outcomes, *tensors):
        return _each(outcomes, lambda *own: _pull_twice(structure, *own), tensors[:6], tensors[6:])

    @staticmethod
    def vmap(info, in_dims, structure, outcomes, *tensors):
        return _one_by_one(ConePullTwice, info.batch_size, in_dims[2:], structure, outcomes, tensors)


THIRD = (
    "third derivatives through the cone backend are not available, nor is forward mode within forward mode"
    " (for second derivatives take jacfwd of jacrev, or jacrev of jacfwd)"
)


def _each(outcomes: Outcomes, function, tensors, like: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """`function` of each item and its rows of the tensors; results as wide as `like`."""
    rows = zip(outcomes.items, *map(_array, tensors), strict=True)
    with blas_threads(torch.get_num_threads()):
        parts = list(zip(*(function(*own) for own in rows), strict=True)) or [()] * len(like)
    return tuple(_tensor(part, t.shape[-1], t) for part, t in zip(parts, like, strict=True))


def _one_by_one(function, size: int, dims, structure: Structure, outcomes: Outcomes, tensors):
    """A mapped axis of gradients: the items' factorisations serve every entry of it."""
    rows = [[t if d is None else t.select(d, k) for t, d in zip(tensors, dims, strict=True)] for k in range(size)]
    results = [function.apply(structure, outcomes, *row) for row in rows]
    return tuple(torch.stack(parts) for parts in zip(*results, strict=True)), (0,) * len(results[0])


def _array(t: Tensor) -> np.ndarray:
    return t.detach().cpu().numpy().astype(float)


def _tensor(parts, width: int, like: Tensor) -> Tensor:
    array = np.array(parts, dtype=float).reshape(len(parts), width)
    return torch.as_tensor(array, dtype=like.dtype, device=like.device)


def _report(structure: Structure, solved: Solved) -> tuple[float, ...]:
    r = solved.residuals
    parts = solved.loose_parts(structure.blocks.shown) if solved.system is not None else (False, False, False)
    x, multipliers, inequalities = parts
    degenerate = solved.degenerate or inequalities
    return (float(solved.status), float(solved.iterations), r.primal, r.dual, r.gap, degenerate, x, multipliers)


def _zeros(structure: Structure) -> Parts:
    k, n, l, m = structure.P_at.shape[1], structure.columns, structure.A_at.shape[1], structure.cones.rows
    return np.zeros(k), np.zeros(n), np.zeros(l), np.zeros(m)


def _pulled_back(structure: Structure, outcomes: Outcomes, gx: np.ndarray, gz: np.ndarray, like) -> tuple[Tensor, ...]:
    """Items that have no solution, or whose gradients are 0, are left out."""
    some = np.any(gx, axis=1) | np.any(gz, axis=1)
    live = [k for k, solved in enumerate(outcomes.items) if solved.usable and some[k]]
    parts = [np.zeros((len(gx), t.shape[-1])) for t in like]
    if live:
        with blas_threads(torch.get_num_threads()):
            own = pull_back([outcomes.items[k] for k in live], gx[live], gz[live], structure.P_at, structure.A_at)
        for part, found in zip(parts, own.parts, strict=True):
            part[live] = found
    return tuple(_tensor(part, t.shape[-1], t) for part, t in zip(parts, like, strict=True))


def _push_forward(structure: Structure, solved: Solved, *moves: np.ndarray) -> Parts:
    if not solved.usable:
        return _zeros(structure)[1::2]
    return push_forward(solved, Gradients(*moves), structure.P_at, structure.A_at)


def _pull_twice(structure: Structure, solved: Solved, gx: np.ndarray, gz: np.ndarray, *moves: np.ndarray) -> Parts:
    if not solved.usable or not (gx.any() or gz.any()):
        return _zeros(structure)
    return pull_twice(solved, gx, gz, Gradients(*moves), Places(structure.P_at, structure.A_at)).parts
