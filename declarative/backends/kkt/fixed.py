"""Blocks of rows, of which some equations fix unknowns to 0 -> blocks without these, and how their duals come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.func import vjp

from declarative.backends.fixed import Family, Fixed, every, fixed_unknowns
from declarative.backends.kkt.program.program import Theta
from declarative.backends.kkt.program.rows import Block, RowBuilder
from declarative.backends.layout import Layout, entries_read
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Gather, Literal, Slot, Tape, needs
from declarative.backends.tape.vectorise import Vectoriser


def fixed_in_blocks(
    builder: RowBuilder,
    blocks: tuple[Block, ...],
    layout: Layout,
    constants: Mapping[str, np.ndarray],
    added: set[str],
) -> Fixed | None:
    """What can go; variables that rewrites have added stay, and entries whose bounds are the edge of a domain."""
    held = every(layout, added)
    for (name, _), entries in builder.opened.items():
        held[name] = np.union1d(held.get(name, []), sorted(entries)).astype(np.int64)
    families = [_family(block, layout) for block in blocks]
    return fixed_unknowns(builder.vectoriser, layout, families, constants, held)


def _family(block: Block, layout: Layout) -> Family:
    removable, strict = block.weight is None, block.row.open_domain
    if block.entries is None:
        return Family(block.slot, block.count, block.kind == "c", strict, removable)
    name, entries = block.entries
    unknowns, sign = layout.places[name].reshape(-1)[entries], 1 if block.kind == "lower" else -1
    return Family(block.slot, block.count, False, strict, unknowns=unknowns, sign=sign)


def without(fixed: Fixed, blocks: tuple[Block, ...], vectoriser: Vectoriser) -> tuple[Block, ...]:
    """The rows that stay; those that fix unknowns are blocks of a kind of their own."""
    found = []
    for block, kept, fixing in zip(blocks, fixed.kept, fixed.fixing, strict=True):
        found.append(block if len(kept) == block.count else some_rows(block, kept, vectoriser))
        if len(fixing.rows):
            found.append(replace(some_rows(block, fixing.rows, vectoriser), kind="fixed"))
    return tuple(found)


def some_rows(block: Block, rows: np.ndarray, vectoriser: Vectoriser) -> Block:
    """Those of a block with the numbers `rows`."""
    slot = vectoriser.emit(Gather(block.slot, rows) if len(rows) else Literal(np.zeros(0)))
    entries = block.entries and (block.entries[0], block.entries[1][rows])
    return replace(block, slot=slot, count=len(rows), places=block.places[rows], entries=entries)


@dataclass(frozen=True)
class Multipliers:
    """The multipliers of the rows that fix unknowns. `layout` has these last.

    Row k has `shares[k]` times the derivative of the Lagrangian with respect to the fixed unknown `of[k]`, which is 0
    where nothing but these rows reads fixed unknowns (`read` is false). `many`: other multipliers serve as well.
    """

    runner: Runner
    layout: Layout
    of: Tensor
    shares: Tensor
    read: bool
    many: bool

    def __call__(self, x: Tensor, y: Tensor, z: Tensor, theta: Theta) -> Tensor:
        """(B, rows), of x, y, z and what the runner has prepared, differentiable in all of them."""
        if not self.read:
            return x.new_zeros(len(x), len(self.of))

        def lagrangian(u: Tensor) -> Tensor:
            variables = self.layout.split(torch.cat([x, u], 1))
            (f,) = self.runner.finish(theta, variables, "objective")
            rows = [
                part.expand(len(x), -1) * own
                for group, multipliers in (("c", y), ("g", z))
                if (parts := self.runner.finish(theta, variables, group))
                for part, own in zip(parts, multipliers.split([p.shape[1] for p in parts], 1), strict=True)
            ]
            return f.expand(len(x)) + sum(row.sum(-1) for row in rows)

        value, pull = vjp(lagrangian, x.new_zeros(len(x), self.layout.size - x.shape[1]))[:2]
        (slope,) = pull(torch.ones_like(value))
        return slope.index_select(1, self.of) * self.shares


def multipliers(fixed: Fixed, runner: Runner, layout: Layout, slots: tuple[Slot, ...]) -> Multipliers:
    """`layout`: that of all unknowns. `slots`: those of the objective and of the rows that stay."""
    of = np.concatenate([fixing.of for fixing in fixed.fixing])
    shares = np.concatenate([fixing.shares for fixing in fixed.fixing])
    return Multipliers(
        runner,
        layout.last(fixed.unknowns),
        torch.as_tensor(of, device=runner.device),
        torch.as_tensor(shares, dtype=runner.dtype, device=runner.device),
        read=_reads(runner.tape, slots, layout, fixed.unknowns),
        many=fixed.many,
    )


def _reads(tape: Tape, slots: tuple[Slot, ...], layout: Layout, unknowns: np.ndarray) -> bool:
    """Are these slots made of any of the unknowns?"""
    found = entries_read(tape, needs(tape, slots))
    padded = np.append(unknowns, False)
    return any(padded[places.reshape(-1)[found[name]]].any() for name, places in layout.places.items() if name in found)
