"""A standard problem at concrete sizes -> the smooth program that the engine takes, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.classify import classify
from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.fixed import Multipliers, fixed_in_blocks, multipliers, without
from declarative.backends.kkt.functions import program_of
from declarative.backends.kkt.implied import Implied, without_implied
from declarative.backends.kkt.origin import origin
from declarative.backends.kkt.program.duals import DualReader
from declarative.backends.kkt.program.extract import extract
from declarative.backends.kkt.program.numeric import on_numbers
from declarative.backends.kkt.program.pinned import Pinned, pin
from declarative.backends.kkt.program.program import Result, SmoothProgram, Theta
from declarative.backends.kkt.program.quadratic import explicit, quadratic
from declarative.backends.kkt.program.rows import Block, Kind, RowBuilder, offsets
from declarative.backends.kkt.program.shape import has_affine_rows, kind_of
from declarative.backends.kkt.program.structure import WEIGHTS, TapeStructure, structure_groups
from declarative.backends.kkt.room import check_room
from declarative.backends.layout import Layout, entries, lay_out
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.external import External
from declarative.backends.tape.tape import Slot
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Expr, Stack
from declarative.rewrite.standard import Auxiliary, Standard

Duals = dict[tuple[str, ...], Tensor]


@dataclass(frozen=True)
class Assembly:
    """The program, and what leads from parameters to its theta and from its rows to the user's constraints.

    `read` gives theta; for a quadratic program these are its data. `functions` is the same program as functions of
    what the runner prepares.
    """

    standard: Standard
    program: SmoothProgram
    read: Callable[[Mapping[str, Tensor]], Theta]
    functions: SmoothProgram
    runner: Runner
    layout: Layout
    blocks: tuple[Block, ...]
    starts: tuple[tuple[str, Slot], ...]  # given start points: variable, slot of a value (batch, *shape)
    fixed: Multipliers | None = None  # of equations that have left the program, with the unknowns that they fix to 0
    pinned: Pinned | None = None
    implied: Implied | None = None

    def __post_init__(self):
        # Made now: a tensor made inside a transform of torch.func does not outlive it.
        _ = self._readers, self._origins

    def theta(self, inputs: Mapping[str, Tensor]) -> Theta:
        """What the program's functions read: everything that depends on parameters only, computed once."""
        return self.read(self._known(inputs))

    def _known(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The inputs of the runner."""
        return inputs if self.implied is None else self.implied.with_moves(inputs)

    def start(
        self,
        inputs: Mapping[str, Tensor],
        batch: int,
        given: Mapping[str, Tensor] | None = None,
        theta: Theta | None = None,
    ) -> Tensor:
        """The starting point (batch, n): `given` where it is finite, else `start`, else `origin`.

        Auxiliaries start where they stand. A quadratic program has no use for their starts. `theta`: that of these
        inputs, detached, if it is known.
        """
        if self.program.explicit and not self.starts and given is None:
            return torch.zeros(batch, self.layout.size, dtype=self.runner.dtype, device=self.runner.device)
        if theta is None or self.program.explicit:
            theta = self.runner.prepare(self._known({name: t.detach() for name, t in inputs.items()}))
        parts = self._declared_starts(theta)
        known = {name: value for name, value in (given or {}).items() if name in parts}
        parts.update({name: torch.where(value.isfinite(), value, parts[name]) for name, value in known.items()})
        for auxiliary in self.standard.auxiliaries:
            name = auxiliary.variable.name
            if f"start {name}" in self.runner.groups:
                (value,) = self.runner.finish(theta, parts, f"start {name}")
                parts[name] = torch.where(value.isfinite(), value, torch.ones_like(value))
        return self.layout.join(parts, batch)

    def _declared_starts(self, theta: Theta) -> dict[str, Tensor]:
        values = dict(zip((name for name, _ in self.starts), self.runner.finish(theta, {}, "starts"), strict=True))
        return {name: values.get(name, start) for name, start in self._origins.items()}

    @cached_property
    def _origins(self) -> dict[str, Tensor]:
        places = {v: self.layout.places[v.name] for v in self.standard.variables}
        like = {"dtype": self.runner.dtype, "device": self.runner.device}
        return {v.name: origin(v, of.shape).to(**like)[None] for v, of in places.items()}

    def value(self, value: Tensor, x: Tensor, theta: Theta, inputs: Mapping[str, Tensor]) -> Tensor:
        """The objective (B,) at x: of a quadratic with a constant, as the user wrote it.

        In 1/2 x'Px + q'x + k the terms of (x - c)^2 cancel, and leave what may be negative.
        """
        if not self.program.explicit or not theta[2].any() or not (written := (theta[2] != 0) & ~value.isnan()).any():
            return value
        with torch.no_grad():
            prepared = self.runner.prepare({name: t.detach() for name, t in inputs.items()})
            return torch.where(written, self.functions.objective(x.detach(), prepared), value)

    def duals(self, solution: tuple[Tensor, ...], inputs: Mapping[str, Tensor]) -> Duals:
        """The user's duals, each (batch, *binders, *shape), of x and the engine's y, z, z_lower, z_upper."""
        x, y, z, lower, upper = solution
        parts: dict[Kind, Tensor] = {"c": y, "g": z, "lower": lower, "upper": upper}
        if self.fixed is not None:
            parts["fixed"] = self.fixed(x, y, z, self.runner.prepare(self._known(inputs)))
        if self.implied is not None:
            parts["c"], parts["implied"] = self.implied.multipliers(y)
        return self.by_path(parts, x, inputs)

    def by_path(self, parts: Mapping[Kind, Tensor], x: Tensor, inputs: Mapping[str, Tensor]) -> Duals:
        """The same of the multipliers of all rows by kind, those that have left the program included."""
        found: Duals = {}
        weights = iter(self._weights(x, inputs))
        for block, reader in zip(self.blocks, self._readers, strict=True):
            weight = next(weights) if block.weight is not None else None
            if path := block.row.path:
                dual = reader(parts[block.kind], weight)
                found[path] = found[path] + dual if path in found else dual
        return found

    def active(self, result: Result, inputs: Mapping[str, Tensor]) -> Duals:
        """Where rows hold and push, shaped as their duals; not 0 there."""
        held = result.active
        marks = {"g": held.z, "lower": held.lower, "upper": held.upper}
        parts: dict[Kind, Tensor] = {"c": torch.ones_like(result.y)}
        parts |= {kind: mark.to(result.x.dtype) for kind, mark in marks.items()}  # pyright: ignore
        if self.fixed is not None:
            parts["fixed"] = result.x.new_ones(len(result.x), len(self.fixed.of))
        if self.implied is not None:
            parts["implied"] = result.x.new_ones(len(result.x), len(self.implied.left))
        return self.by_path(parts, result.x, inputs)

    @property
    def left_out(self) -> int:
        """How many unknowns equations fix to 0."""
        return 0 if self.fixed is None else self.fixed.layout.size - self.layout.size

    @cached_property
    def _readers(self) -> list[DualReader]:
        starts = offsets(list(self.blocks)).values()
        columns = [
            first + np.arange(b.count) if b.entries is None else b.unknowns(self.layout)
            for b, first in zip(self.blocks, starts, strict=True)
        ]
        return [DualReader(b, of, self.runner.device) for b, of in zip(self.blocks, columns, strict=True)]

    def _weights(self, x: Tensor, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        if not self.runner.groups["weights"]:
            return ()
        return self.runner.finish(self.runner.prepare(self._known(inputs)), self.layout.split(x), "weights")

    def row_of(self, kind: Kind, index: int) -> Block | None:
        """The constraint that one of the engine's rows came from."""
        for block, offset in zip(self.blocks, offsets(list(self.blocks)).values(), strict=True):
            if block.kind != kind:
                continue
            if block.entries is not None and index in block.unknowns(self.layout):
                return block
            if block.entries is None and offset <= index < offset + block.count:
                return block
        return None


def assemble(
    standard: Standard,
    sizes: Mapping[str, int],
    constants: Mapping[str, np.ndarray],
    device: torch.device | str = "cpu",
    residuals: tuple[Expr, ...] = (),
    externs: Mapping[str, External] | None = None,
    reduce: bool = True,
) -> Assembly:
    """Put objective, rows, bounds and starts on one tape, number the unknowns, wrap them as functions of (x, theta).

    `reduce`: without the unknowns that equations fix to 0. Raises DiagnosticError (E325) where there is no room.
    """
    vectoriser = Vectoriser(sizes, constants, externs)
    objective = vectoriser.value(standard.objective).slot
    builder = RowBuilder(vectoriser)
    ordered = sorted(standard.rows, key=lambda row: row.open_domain or not row.path)  # the user's bounds come first
    blocks = tuple(block for row in ordered if (block := builder.block(row)) is not None)
    starts = _given_starts(standard, vectoriser)
    groups: dict[str, tuple[Slot, ...]] = {"objective": (objective,)}
    groups["residuals"] = tuple(_flat(vectoriser, e) for e in residuals)
    groups["starts"] = tuple(slot for _, slot in starts)
    groups |= {f"start {a.variable.name}": (slot,) for a in standard.auxiliaries if (slot := _stands(a, vectoriser))}
    shapes, added = {v.name: vectoriser.shape(v.shape) for v in standard.variables}, _added(standard)
    layout = whole = lay_out(standard.variables, shapes, vectoriser.tape(()), added)
    fixed = fixed_in_blocks(builder, blocks, whole, constants, added) if reduce else None
    if fixed is not None:
        blocks, layout = without(fixed, blocks, vectoriser), whole.without(fixed.unknowns)
    check_room(_entries(standard, sizes) - whole.size + layout.size, torch.device(device))
    kind, implied = kind_of(standard), None
    if kind == "nlp" and reduce:
        blocks, implied = without_implied(vectoriser, layout, blocks, constants, device)
    groups |= {kind: tuple(b.slot for b in blocks if b.kind == kind) for kind in ("c", "g", "lower", "upper")}
    groups["weights"] = tuple(b.weight for b in blocks if b.weight is not None)
    walls = _open_domain(builder, layout, blocks)
    pinned = pin(vectoriser, layout, blocks, walls, constants, device) if reduce else None
    groups["pinned"] = pinned.slots if pinned is not None else ()
    derived = structure_groups(standard, vectoriser, layout, objective, blocks) if kind != "qp" else None
    tape = vectoriser.tape((objective, *(b.slot for b in blocks)))
    runner = Runner(tape, (*shapes, *WEIGHTS), groups | (derived or {}), known=constants, device=device)
    program = program_of(kind, runner, layout, blocks, walls, pinned)
    program = replace(program, affine=has_affine_rows(standard), hidden=_hidden(standard, layout, device))
    program = replace(program, settled=_settled(standard, runner, layout))
    if derived is not None:
        program = replace(program, structure=TapeStructure(runner, layout, pinned))
    if derived is not None and kind == "nlp" and compiles():
        program = replace(program, numeric=on_numbers(program))
    back = None if fixed is None else multipliers(fixed, runner, whole, (objective, *groups["c"], *groups["g"]))
    left_out = back, pinned, implied
    assembly = Assembly(standard, program, runner.prepare, program, runner, layout, blocks, starts, *left_out)
    if kind != "qp":
        return assembly
    slots = extract(standard, vectoriser, layout, objective, blocks)
    read = differentiated(program, runner)
    if slots is not None:
        known = pinned.slots if pinned is not None else ()
        read = Runner(vectoriser.tape((*slots, *known)), known=constants, device=device)
        read = read if pinned is None else _without_what_is_held(read, pinned)
    return replace(assembly, program=explicit(program), read=read)


def differentiated(program: SmoothProgram, runner: Runner) -> Callable[[Mapping[str, Tensor]], Theta]:
    """What reads the data of a quadratic program off its functions, by their derivatives."""

    def read(inputs: Mapping[str, Tensor]) -> Theta:
        theta = runner.prepare(inputs)
        batch = max((len(t) for t in theta), default=1)
        zero = torch.zeros(batch, program.n, dtype=runner.dtype, device=runner.device)
        return tuple(quadratic(program, theta, zero).parts())

    return read


def _without_what_is_held(runner: Runner, pinned: Pinned) -> Callable[[Mapping[str, Tensor]], Theta]:
    """What reads the data of a quadratic program, with infinite sides for what held values keep."""

    def read(inputs: Mapping[str, Tensor]) -> Theta:
        found = runner(inputs)
        (*data, h, lower, upper), known = found[:9], found[9:]
        return (*data, -pinned.kept(-h, known), *pinned.relaxed(lower, upper, known))

    return read


def _flat(vectoriser: Vectoriser, e: Expr) -> Slot:
    """The slot of all entries of an expression, (batch, entries)."""
    value = vectoriser.value(e)
    return vectoriser.flat(value, (), value.shape)


def _given_starts(standard: Standard, vectoriser: Vectoriser) -> tuple[tuple[str, Slot], ...]:
    found = []
    for variable in standard.variables:
        for attribute in variable.attributes:
            if attribute.name == "start":
                shape = vectoriser.shape(variable.shape)
                value = vectoriser.value(attribute.args[0])
                slot = value.slot if value.shape == shape else vectoriser.aligned(value, (), shape, expand=True)
                found.append((variable.name, slot))
    return tuple(found)


def _stands(auxiliary: Auxiliary, vectoriser: Vectoriser) -> Slot | None:
    """The slot of what an auxiliary variable stands for, over all its index tuples."""
    if auxiliary.stands_for is None:
        return None
    whole = Stack(auxiliary.stands_for, auxiliary.binders) if auxiliary.binders else auxiliary.stands_for
    return vectoriser.value(whole).slot


def _open_domain(builder: RowBuilder, layout: Layout, blocks: tuple[Block, ...]) -> np.ndarray:
    """Bool (2, n): the lower, the upper bounds that only say where functions are defined."""
    found = np.zeros((2, layout.size), dtype=bool)
    own = [(*b.entries, b.kind) for b in blocks if b.entries is not None and b.row.open_domain]
    stated = [(name, np.asarray(sorted(at), int), kind) for (name, kind), at in builder.opened.items()]
    for name, at, kind in [*own, *stated]:
        found[0 if kind == "lower" else 1, layout.places[name].reshape(-1)[at]] = True
    return found


def _hidden(standard: Standard, layout: Layout, device: torch.device | str) -> Tensor | None:
    """Bool (n,): the unknowns of variables that a rewrite has added; None if there are none."""
    added = _added(standard)
    return torch.as_tensor(layout.of(added), device=device) if added else None


def _settled(standard: Standard, runner: Runner, layout: Layout):
    """(x, theta) -> x with each variable that a rewrite has added at its value, where that is known.

    None where there are none, and for a convex problem, whose rows hold them wherever that matters.
    """
    known = [a.variable.name for a in standard.auxiliaries if a.value and f"start {a.variable.name}" in runner.groups]
    added = [] if classify(standard.problem).convex else known

    def settled(x: Tensor, theta: Theta) -> Tensor:
        parts = layout.split(x)
        for name in added:
            (value,) = runner.finish(theta, parts, f"start {name}")
            parts[name] = torch.where(value.isfinite(), value, parts[name])
        return layout.join(parts, len(x))

    return settled if added else None


def variables_of(assembly: Assembly, x: Tensor) -> dict[str, Tensor]:
    """The user's variables, each (batch, *shape)."""
    added = _added(assembly.standard)
    return {name: part for name, part in assembly.layout.split(x).items() if name not in added}


def _added(standard: Standard) -> set[str]:
    """The variables that rewrites have added."""
    return {a.variable.name for a in standard.auxiliaries}


def _entries(standard: Standard, sizes: Mapping[str, int]) -> int:
    """How many entries the user's variables have."""
    return entries((d.symbol for d in standard.problem.variables), sizes)
