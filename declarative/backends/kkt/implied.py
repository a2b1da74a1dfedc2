"""Blocks of rows, of which some equations follow from others -> blocks without these, and how their duals come back.

The rows and the columns of a transport plan have one sum, and what flows into a network leaves it: one equation of
these follows from the others, and with it no multiplier is unique and no KKT matrix regular. Where the coefficients are
known numbers, so are the combinations N (p, k) of the equations c that no unknown moves, N'c = N'c(0), and as many
equations can go. Those that stay move by -N N'c(0), as an input of its own: moves of data that contradict each other
count as the nearest that do not, as it is with multipliers of least norm. The numbers that rounding leaves of N'c(0) go
to the equations with large right sides, since beside one of 1e-12 they would be much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from declarative.backends.dependence import DENSE, dependence
from declarative.backends.kkt.fixed import some_rows
from declarative.backends.kkt.linear.scaling import times
from declarative.backends.kkt.program.program import Result
from declarative.backends.kkt.program.reader import Entries, Reader
from declarative.backends.kkt.program.rows import Block
from declarative.backends.kkt.verdict.answer import MESSAGES, MOST_BLAMED, Reason
from declarative.backends.layout import Layout
from declarative.backends.status import Status
from declarative.backends.tape.arrays import Arrays
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Input, Slot
from declarative.backends.tape.vectorise import Vectoriser

ROUNDING = 1e-6  # of its terms: a contradiction that is no more is data rounded to single precision
PART = 1e-9  # of a combination: what is less has no part in a contradiction


@dataclass(frozen=True)
class Implied:
    """N, of the equations that stay, (p, k), and of those that have gone, (k, k).

    The `runner` gives c(0), (batch, p + k), in this order; what those that stay move by is the input `name`.
    """

    kept: Tensor
    left: Tensor
    runner: Runner
    name: str = " what equations move by"  # no user can give it

    def with_moves(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The inputs with what the equations that stay move by, (batch, p)."""
        (at_zero,) = self.runner(inputs)
        N = torch.cat([self.kept, self.left])
        nearest = (at_zero @ N) @ self.kept.T
        number = self._rounding(at_zero.detach(), N)[:, : len(self.kept)] - nearest.detach()
        return {**inputs, self.name: -nearest - number}

    def _rounding(self, at_zero: Tensor, N: Tensor) -> Tensor:
        """What makes c(0) (batch, p + k) agree, shared out in proportion to the squares of its entries."""
        size = at_zero.abs() / _or_one(at_zero.abs().amax(-1, keepdim=True))
        shares = size[:, :, None] * N
        combined = torch.linalg.pinv((shares.mT @ shares).nan_to_num(0, 0, 0), hermitian=True)
        return size * times(shares, times(combined, at_zero @ N))

    def multipliers(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """The least ones that do what y (B, p) does: of the equations that stay, and of those that have gone."""
        share = y @ self.kept
        return y - share @ self.kept.T, -share @ self.left.T

    def judged(self, result: Result, inputs: Mapping[str, Tensor]) -> Result:
        """The result, infeasible where right sides contradict each other by more than rounding."""
        N, (at_zero,) = torch.cat([self.kept, self.left]), self.runner({k: t.detach() for k, t in inputs.items()})
        off, terms = at_zero @ N, at_zero.abs() @ N.abs()
        missed = (self._rounding(at_zero, N).abs() / _or_one(at_zero.abs())).amax(-1)
        result = replace(result, primal=torch.maximum(result.primal, missed.nan_to_num()))
        apart = (off.abs() > ROUNDING * terms).expand(len(result.x), -1)
        if not apart.any():
            return result
        contradicted = apart.any(-1)
        status = torch.where(contradicted, int(Status.INFEASIBLE), result.status).to(result.status.dtype)
        items, columns = contradicted.nonzero()[:, 0].tolist(), apart.int().argmax(-1).tolist()
        blamed = {i: self._rows(columns[i]) for i in items}
        messages = dict.fromkeys(items, MESSAGES[Reason.NO_POINT])
        return replace(result, status=status, messages=result.messages | messages, blamed=result.blamed | blamed)

    def _rows(self, column: int) -> list[tuple[str, int]]:
        """Those of one combination, the heaviest first."""
        parts = [("c", k, share) for k, share in enumerate(self.kept[:, column].abs().tolist())]
        parts += [("implied", k, share) for k, share in enumerate(self.left[:, column].abs().tolist())]
        heavy = sorted((part for part in parts if part[2] > PART), key=lambda part: -part[2])
        return [(kind, k) for kind, k, _ in heavy[:MOST_BLAMED]]


def _or_one(size: Tensor) -> Tensor:
    return torch.where(size > 0, size, 1)


def without_implied(
    vectoriser: Vectoriser,
    layout: Layout,
    blocks: tuple[Block, ...],
    constants: Mapping[str, np.ndarray],
    device: torch.device | str,
) -> tuple[tuple[Block, ...], Implied | None]:
    """The rows that stay, and those that have gone, which are blocks of a kind of their own; None where all stay."""
    own = [block for block in blocks if block.kind == "c"]
    if sum(block.count for block in own) < 2:
        return blocks, None
    reader = Reader(vectoriser, layout, constants)
    rows = reader.rows(own)
    known = _known(rows, np.repeat([block.weight is None for block in own], [block.count for block in own]))
    found = _combinations(rows, known, layout.size)
    if found is None:
        return blocks, None
    N, left = found
    kept = np.setdiff1d(np.arange(rows.count), left)
    order = np.concatenate([kept, left])
    arrays, (p, k) = reader.arrays, (len(kept), len(left))
    read = np.flatnonzero(N.any(1))  # c(0) may be no number elsewhere
    at_zero = arrays.scatter(reader.at_held(own, read), np.argsort(order)[read], p + k)
    runner = Runner(vectoriser.tape((at_zero,)), known=constants, device=device)
    stay, go = (torch.as_tensor(N[some], dtype=runner.dtype, device=device) for some in (kept, left))
    implied = Implied(stay, go, runner)
    return _divided(blocks, left, arrays.emit(Input(implied.name, (p,))), arrays, vectoriser), implied


def _known(rows: Entries, allowed: np.ndarray) -> np.ndarray:
    """(rows,): which of them are linear with numbers that are known, and may go or be changed."""
    unknown = np.bincount(rows.row[np.isnan(rows.number)], minlength=rows.count) > 0
    return allowed & ~unknown


def _combinations(rows: Entries, known: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray] | None:
    """N, of all rows, and which of these go; None where those that are known are independent."""
    numbers, chosen = np.flatnonzero(known), known[rows.row]
    if len(numbers) < 2 or np.bincount(rows.col[chosen], minlength=1).max() > DENSE:
        return None
    place = np.cumsum(known) - 1
    E = sp.csr_array((rows.number[chosen], (place[rows.row[chosen]], rows.col[chosen])), shape=(len(numbers), n))
    found = dependence(E if len(numbers) > DENSE else E.toarray())
    if found is None or not found.exact:
        return None
    N = np.zeros((rows.count, len(found.left)))
    N[numbers] = found.null
    return N, np.sort(numbers[found.left])


def _divided(
    blocks: tuple[Block, ...], left: np.ndarray, moved: Slot, arrays: Arrays, vectoriser: Vectoriser
) -> tuple[Block, ...]:
    """The blocks without the rows `left`, which are blocks of their own; the rest is `moved` (batch, p)."""
    found, first, before = list[Block](), 0, 0
    for block in blocks:
        if block.kind != "c":
            found.append(block)
            continue
        own = np.arange(first, first + block.count)
        stay, go = (np.flatnonzero(mask) for mask in (~np.isin(own, left), np.isin(own, left)))
        if len(stay):
            some = block if len(stay) == block.count else some_rows(block, stay, vectoriser)
            move = arrays.gather(moved, np.arange(before, before + len(stay)))
            found.append(replace(some, slot=arrays.apply("add", some.slot, move)))
        if len(go):
            found.append(replace(some_rows(block, go, vectoriser), kind="implied"))
        first, before = first + block.count, before + len(stay)
    return tuple(found)
