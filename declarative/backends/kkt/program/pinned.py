"""Unknowns that equations hold, one after the other -> the bounds and inequalities of these alone, which say no more.

A car at rest, v == v0 with v >= 0 and v0 = 0, has no point inside its bounds: multipliers of the equation and of the
bound are only told from each other in their sum, and may be as large as one likes. The equation alone says as much, so
that it has the whole multiplier and the bound 0. What the held values violate stays, to be blamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.program.reader import Reader
from declarative.backends.kkt.program.rows import Block
from declarative.backends.layout import Layout
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Slot
from declarative.backends.tape.vectorise import Vectoriser

ROUNDING = 1e-12  # of the largest value that equations hold in the same variable: by which a bound may be missed,
LEAST = 1e-15  # or by this, where all of them are tiny; by which a row may be missed
MOST = 1e-9  # but no more than this, or ROUNDING of the bound: a variable may have the entries 1e9 and -1e-4
SIDES = {"lower": 1, "upper": -1}


@dataclass(frozen=True)
class Pinned:
    """Of the lower and of the upper bounds those whose unknowns `at` are held, in order, and how many each variable has
    of them; the `rows` of g that read held unknowns alone. `slots` are the values and the bounds of the lower ones, of
    the upper ones, each (batch, count), and the values of the rows; the `runner` evaluates them.
    """

    at: tuple[Tensor, Tensor]
    counts: tuple[list[int], list[int]]
    rows: Tensor
    slots: tuple[Slot, ...]
    runner: Runner

    def relaxed(self, lower: Tensor, upper: Tensor, known: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The bounds (batch, n), infinite where the values at the slots, `known`, keep them."""
        low, high = zip(self.at, self.counts, known[0:4:2], known[1:4:2], SIDES.values(), strict=True)
        return _relaxed(lower, *low), _relaxed(upper, *high)

    def kept(self, g: Tensor, known: Sequence[Tensor]) -> Tensor:
        """The rows (batch, q), or -h of Gx - h, without those that the values keep: -inf, as of no row."""
        if len(self.rows) == 0:
            return g
        batch = max(len(g), len(known[4]))
        g, own = g.expand(batch, -1), torch.where(known[4].detach() <= LEAST, -torch.inf, g[:, self.rows])
        return g.index_copy(1, self.rows, own)

    def touched(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(batch or 1,): no room is left to a bound or row that went, so that other multipliers serve as well."""
        known = self.runner({name: t.detach() for name, t in inputs.items()})
        sides = zip(known[0:4:2], known[1:4:2], self.counts, SIDES.values(), strict=True)
        low, high = ((sign * (v - b) <= _leeway(v, b, counts)).any(-1) for v, b, counts, sign in sides)
        return low | high | (-known[4] <= LEAST).any(-1)


def _relaxed(side: Tensor, at: Tensor, counts: list[int], value: Tensor, bound: Tensor, sign: int) -> Tensor:
    if len(at) == 0:
        return side
    own = torch.where(sign * (bound - value) <= _leeway(value, bound, counts), -sign * torch.inf, bound)
    batch = max(len(side), len(own))
    return side.expand(batch, -1).index_copy(1, at, own.expand(batch, -1))


def _leeway(value: Tensor, bound: Tensor, counts: list[int]) -> Tensor:
    """By how much values may miss their bounds, or be apart from them, but for rounding, (batch, count)."""
    if not counts:
        return torch.zeros_like(bound)
    size = torch.cat([v.abs().amax(-1, keepdim=True).expand(v.shape) for v in value.split(counts, 1)], 1)
    own = torch.where(bound.isfinite(), ROUNDING * bound.abs(), 0).clamp(min=MOST)
    return (ROUNDING * size).clamp(min=LEAST).minimum(own)


def pin(
    vectoriser: Vectoriser,
    layout: Layout,
    blocks: Sequence[Block],
    open_domain: np.ndarray,
    constants: Mapping[str, np.ndarray],
    device: torch.device | str,
) -> Pinned | None:
    """Those of a program with these rows, but for the edges of domains; None where there are none."""
    by_kind = {kind: [block for block in blocks if block.kind == kind] for kind in ("c", "g", *SIDES)}
    if not by_kind["c"] or len(by_kind["c"]) == len(blocks):
        return None
    reader = Reader(vectoriser, layout, constants)
    if not len(reader.hold(by_kind["c"])):
        return None
    arrays, numbers, ends, counts, slots = reader.arrays, layout.blocks().numpy(), [], [], []
    for kind, walls in zip(SIDES, open_domain, strict=True):
        columns = np.concatenate([np.zeros(0, dtype=np.int64), *(block.unknowns(layout) for block in by_kind[kind])])
        places = np.flatnonzero(np.isin(columns, reader.held) & ~walls[columns])
        places = places[np.argsort(columns[places])]
        at = columns[places]
        ends.append(torch.as_tensor(at, device=device))
        counts.append(np.unique(numbers[at], return_counts=True)[1].tolist())
        if len(at) == 0:
            slots += [arrays.literal(np.zeros(0))] * 2
            continue
        bounds = arrays.join([block.slot for block in by_kind[kind]])
        slots += [arrays.gather(reader.values, reader.number[at]), arrays.gather(bounds, places)]
    own = reader.rows(by_kind["g"])
    rows = np.flatnonzero(np.bincount(own.row[own.reads(reader.free)], minlength=own.count) == 0)
    if not (len(rows) or any(map(len, ends))):
        return None
    known, low, high = (*slots, reader.at_held(by_kind["g"], rows)), *ends
    runner = Runner(vectoriser.tape(known), known=constants, device=device)
    return Pinned((low, high), (counts[0], counts[1]), torch.as_tensor(rows, device=device), known, runner)
