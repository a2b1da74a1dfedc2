"""Strictly convex quadratic programs on a CPU -> their answers, and the system solved there: item by item, compiled.

What is not clear after that (P not definite, weak activity, dependent rows, no solution, data that are not finite) is
left to the method for all quadratic programs, with the point found where there is one.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor

from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.linear.system import ActiveSystem, Right, System, joined
from declarative.backends.kkt.program.program import SmoothProgram
from declarative.backends.kkt.program.quadratic import Quadratic, array
from declarative.backends.kkt.verdict.answer import Answer, Reason, unknown
from declarative.backends.kkt.warm import Warm
from declarative.backends.status import Status

if TYPE_CHECKING:
    from declarative.backends.kkt.compiled.batch import Batch, Data, Factors, Pieces


@dataclass(frozen=True)
class Definite:
    """Answers, right for the items in `clear` (B,); in `known` (B,) items the point is right at least."""

    answer: Answer
    clear: Tensor
    known: Tensor
    system: System | None


@dataclass(frozen=True)
class KeptSystem:
    """The KKT systems at the solutions, by the factors that the solver has kept."""

    factors: "Factors"

    def take(self, items: Tensor) -> "KeptSystem":
        """Those of some items (long, K)."""
        return KeptSystem(self.factors.take(items.numpy()))

    def solve(self, r: Right) -> Right:
        """w with K w = r, refined."""
        if any(is_legacy_batchedtensor(part) for part in (r.x, r.rows, r.bounds)):
            return self.in_torch.solve(r)
        x, rows, bounds = (part.detach().numpy() for part in (r.x, r.rows, r.bounds))
        found = self.factors.solve(x, rows, bounds, torch.get_num_threads())
        return Right(*(torch.from_numpy(part).to(r.x.dtype) for part in found))

    def flat(self, items: Tensor) -> Tensor:
        """Of no entries where nothing is flat, as in all that is solved here."""
        return self.take(items).in_torch.flat(torch.arange(len(items)))

    @cached_property
    def in_torch(self) -> ActiveSystem:
        """The same systems for `vectorize=True` of `torch.autograd.functional`, whose tensors only torch can read."""
        return in_torch(self.factors.data, self.factors.items, *self.factors.active())


@dataclass(frozen=True)
class PieceSystem:
    """The KKT systems of items with dependent rows, of those at `places` (K,)."""

    pieces: "Pieces"
    places: np.ndarray

    def take(self, items: Tensor) -> "PieceSystem":
        """Those of some items (long, K)."""
        return PieceSystem(self.pieces, self.places[items.numpy()])

    def solve(self, r: Right) -> Right:
        """w with K w = r, refined; of least norm where equations depend on each other."""
        if any(is_legacy_batchedtensor(part) for part in (r.x, r.rows, r.bounds)):
            return self.in_torch.solve(r)
        x, rows, bounds = (part.detach().numpy() for part in (r.x, r.rows, r.bounds))
        found = self.pieces.solve(self.places, x, rows, bounds, torch.get_num_threads())
        w = Right(*(torch.from_numpy(part).to(r.x.dtype) for part in found))
        rest = torch.from_numpy(~self.pieces.factors[1][self.places]).nonzero()[:, 0]
        if len(rest) == 0:
            return w
        own = self.take(rest).in_torch.solve(Right(r.x[rest], r.rows[rest], r.bounds[rest]))
        parts = zip((w.x, w.rows, w.bounds), (own.x, own.rows, own.bounds), strict=True)
        return Right(*(all_of_them.index_copy(0, rest, part) for all_of_them, part in parts))

    def flat(self, items: Tensor) -> Tensor:
        """Of no entries where nothing is flat, as in all that is solved here."""
        return self.take(items).in_torch.flat(torch.arange(len(items)))

    @cached_property
    def in_torch(self) -> ActiveSystem:
        """The same systems in torch."""
        return in_torch(self.pieces.data, self.pieces.items[self.places], *self.pieces.active(self.places))


def in_torch(data: "Data", items: np.ndarray, rows: np.ndarray, fixed: np.ndarray) -> ActiveSystem:
    """The systems of some items (K,) with the rows (K, p + m) and bounds (K, n) that are active."""
    P, A, G = (torch.from_numpy(np.take(M, items % len(M), 0)) for M in (data.P, data.A, data.G))
    return ActiveSystem(P, torch.cat([A, G], 1), torch.from_numpy(rows), torch.from_numpy(fixed))


def suits(program: SmoothProgram, qp: Quadratic) -> bool:
    """Can this program be tried here?"""
    suited = qp.q.device.type == "cpu" and program.n > 0 and not program.walled
    return suited and compiles()


def solve_definite(program: SmoothProgram, qp: Quadratic, x0: Tensor, active: Tensor | None = None) -> Definite:
    """Try B items, from a guess (B, q + 2n) of their active sets; x0 (B, n) tells their number and type."""
    from declarative.backends.kkt.compiled.batch import solve_batch

    data = data_of(program, qp)
    batch = solve_batch(data, states(program, active, data.bounded, len(x0)), torch.get_num_threads())
    return judged(program, qp, batch, data.bounded, x0)


def solve_at(program: SmoothProgram, qp: Quadratic, warm: Warm) -> Definite:
    """Try B items near points with what is active there, whether or not it is independent."""
    from declarative.backends.kkt.compiled.batch import solve_batch_at

    data, x = data_of(program, qp), warm.at(program).x
    state, point = states(program, warm.active, data.bounded, len(x)), x.to(torch.float64).clone().numpy()
    return judged(program, qp, solve_batch_at(data, point, state, torch.get_num_threads()), data.bounded, x)


def solve_from(program: SmoothProgram, qp: Quadratic, warm: Warm) -> Definite:
    """Try B linear programs from the active sets of similar ones."""
    from declarative.backends.kkt.compiled.batch import solve_batch_from

    data = data_of(program, qp)
    state = states(program, warm.active, data.bounded, len(warm.point))
    return judged(program, qp, solve_batch_from(data, state, torch.get_num_threads()), data.bounded, warm.point)


def solve_beside(program: SmoothProgram, qp: Quadratic, warm: Warm) -> Definite:
    """Try B items that need not be strictly convex, from the solutions of similar ones."""
    from declarative.backends.kkt.compiled.batch import solve_batch_beside

    data, at = data_of(program, qp), warm.at(program)
    bounds = (at.z_upper - at.z_lower)[:, torch.from_numpy(data.bounded)]
    w = torch.cat([at.y, at.z, bounds], -1).to(torch.float64).numpy()
    guess, x = states(program, warm.active, data.bounded, len(w)), at.x.to(torch.float64).clone().numpy()
    return judged(program, qp, solve_batch_beside(data, x, w, guess, torch.get_num_threads()), data.bounded, at.x)


def judged(program: SmoothProgram, qp: Quadratic, batch: "Batch", bounded: np.ndarray, like: Tensor) -> Definite:
    """What the solver says, and unknown where it knows nothing."""
    answer, system = answers(program, qp, batch, bounded, like), batch.factors and KeptSystem(batch.factors)
    if (pieces := batch.pieces) is not None:
        bent, several = torch.from_numpy(pieces.left.bent), torch.from_numpy(pieces.left.several)
        answer = replace(answer, degenerate=bent, dual_nonunique=several, least=several)
        own = PieceSystem(pieces, np.arange(len(pieces.items)))
        system = joined(system, torch.from_numpy(pieces.items), own, len(like))
    clear, known = torch.from_numpy(batch.clear), torch.from_numpy(batch.known)
    if not batch.clear.all():
        nothing = unknown(len(like), program.n, program.p, program.q, like)
        answer = answer.where(known, nothing)
    return Definite(answer, clear, known, system)


def data_of(program: SmoothProgram, qp: Quadratic) -> "Data":
    """The items as the solver reads them, with the variables that any of them bounds."""
    from declarative.backends.kkt.compiled.batch import Data, outlined

    lower, upper = qp.arrays[-2:]
    bounded = np.flatnonzero(np.isfinite(lower).any(0) | np.isfinite(upper).any(0))
    blocks = np.zeros(program.n, np.int64) if program.blocks is None else program.blocks.numpy()
    return outlined(Data(*[*qp.arrays, bounded, blocks]))


def states(program: SmoothProgram, active: Tensor | None, bounded: np.ndarray, batch: int) -> np.ndarray:
    """The state of each row in the solver's numbering, as guessed; equations it knows itself."""
    p, q, n = program.p, program.q, program.n
    found = np.zeros((batch, p + q + len(bounded)), np.int8)
    if active is not None and active.shape == (batch, q + 2 * n):
        z, lower, upper = np.split(active.numpy().astype(np.int8), [q, q + n], -1)
        found[:, p : p + q], found[:, p + q :] = z, (upper - lower)[:, bounded]
    return found


def answers(program: SmoothProgram, qp: Quadratic, batch: "Batch", bounded: np.ndarray, like: Tensor) -> Answer:
    """What the solver says, as if all of it were right."""
    found, p, q, size = batch.answers, program.p, program.q, len(like)
    y, z, b, state = found.w[:, :p], found.w[:, p : p + q], found.w[:, p + q :], found.state[:, p + q :]
    lower, upper = np.zeros_like(found.x), np.zeros_like(found.x)
    at_lower, at_upper, loose = np.zeros((3, *found.x.shape), bool)
    if len(bounded):
        lower[:, bounded], upper[:, bounded] = np.maximum(-b, 0), np.maximum(b, 0)
        at_lower[:], at_upper[:] = qp.arrays[-2] == qp.arrays[-1], qp.arrays[-2] == qp.arrays[-1]
        at_lower[:, bounded] |= state < 0
        at_upper[:, bounded] |= state > 0
    status, reason = np.full((2, size), [[int(Status.SOLVED)], [int(Reason.NONE)]], np.int8)
    degenerate, nonunique, several, least = np.zeros((4, size), bool)
    with np.errstate(invalid="ignore"):  # of data so large that both are infinite
        value = found.value + array(qp.k)
    parts = (
        found.x, y, z, lower, upper, value, status, reason, found.rounds, *found.measures.T,
        found.state[:, p : p + q] > 0, at_lower, at_upper, degenerate, nonunique, several, ~least, loose, least,
    )  # fmt: skip
    whole = Answer(*map(torch.from_numpy, parts))
    if like.dtype == torch.float64:
        return whole
    return Answer(*(part.to(like.dtype) if part.is_floating_point() else part for part in whole.parts()))
