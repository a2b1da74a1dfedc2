"""A conic problem at concrete sizes to the data of a cone program, as functions of the parameters, and the way back.

The unknowns are the variables and the auxiliaries of the templates. Coefficients are read off the tape, or are
derivatives at 0 of what is affine (or quadratic, in the objective): whole tensors of parameters enter at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.differentiate.function import Structure
from declarative.backends.cone.duals import DualSums, dual_sums
from declarative.backends.cone.fixed import Divided, divided, fixed_in_chunks, without
from declarative.backends.cone.program.certificate import Blocks
from declarative.backends.cone.rows.chunks import Chunk, ChunkBuilder
from declarative.backends.cone.rows.coefficients import Differentiated, differentiate
from declarative.backends.cone.rows.epigraph import Conic
from declarative.backends.cone.rows.extract import Extracted, extract
from declarative.backends.cone.rows.memberships import membership_chunk
from declarative.backends.cone.sets.cones import Block, Cones, Kind
from declarative.backends.cone.written import Written
from declarative.backends.layout import Layout, lay_out
from declarative.backends.outcome import Duals
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Parameter
from declarative.rewrite.residuals import with_residuals
from declarative.rewrite.standard import declared_paths


@dataclass(frozen=True)
class Assembly:
    """The structure of the cone program and what computes its numbers."""

    conic: Conic
    structure: Structure
    layout: Layout
    chunks: tuple[Chunk, ...]
    source: Extracted | Differentiated | Divided
    sums: DualSums
    written: Written

    @property
    def differentiates_at_solution(self) -> bool:
        """Are there parameters whose derivatives are found at the solution?"""
        return any(chunk.form is not None for chunk in self.chunks)

    def data(
        self, inputs: Mapping[str, Tensor], x: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """P (B, k), q (B, n), A (B, l), b (B, m) and the constant of the objective (B,); a batch of 1 where shared.

        x (B, n): the solution, once it is known; then the derivatives of all parameters are there.
        """
        P, q, A, b, offset = self.source.read(inputs, x)
        return P, q, A, b, offset

    def duals(self, inputs: Mapping[str, Tensor], x: Tensor, z: Tensor) -> Duals:
        """By path, each (B, *binders, *shape), of the solution x (B, columns) and z (B, rows)."""
        if isinstance(self.source, Divided):
            z = torch.cat([z[:, : self.starts()[-1]], self.source.multipliers(inputs, x, z)], 1)
        return self.sums.of(z)

    @property
    def left_out(self) -> int:
        """How many unknowns equations fix to 0."""
        return self.source.fixed if isinstance(self.source, Divided) else 0

    @property
    def many(self) -> bool:
        """Do other multipliers serve as well for equations that have left the program?"""
        return isinstance(self.source, Divided) and self.source.many

    def starts(self) -> list[int]:
        """The first row of each chunk."""
        return np.cumsum([0, *(chunk.rows for chunk in self.chunks)]).tolist()


def assemble(
    conic: Conic, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device | str
) -> Assembly:
    """Everything on one tape."""
    vectoriser = Vectoriser(sizes, constants)
    objective = vectoriser.value(conic.standard.objective).slot
    whole = _chunks(conic, ChunkBuilder(vectoriser, constants))
    symbols = conic.standard.variables
    shapes = {v.name: vectoriser.shape(v.shape) for v in symbols}
    added = {a.variable.name for a in conic.standard.auxiliaries}
    layout = every = lay_out(symbols, shapes, vectoriser.tape(()), added)
    fixed, left = fixed_in_chunks(vectoriser, whole, every, constants, added), []
    if fixed is not None:
        whole, left = without(fixed, whole, vectoriser)
        layout, every = every.without(fixed.unknowns), every.last(fixed.unknowns)
    chunks = [chunk for chunk in whole if chunk.rows]
    slots = tuple(slot for chunk in chunks for slot in (*chunk.slots, *chunk.data))
    tape = vectoriser.tape((objective, *slots))
    symmetric = frozenset(d.symbol.name for d in conic.standard.problem.parameters if d.symbol.symmetric)
    source = extract(vectoriser, every, objective, chunks, symmetric, constants, device)
    if source is None:
        names, probe = [v.name for v in symbols], _probe(conic, vectoriser, constants, device)
        curved = frozenset(v.name for v in conic.curved)
        source = differentiate(tape, names, every, objective, chunks, probe, curved, device)
    source = source if fixed is None else divided(source, fixed)
    squares = with_residuals(conic.standard.problem) is not None
    structure = replace(_structure(chunks, source, layout, added), squares=squares)
    written = Written(vectoriser.tape((objective,)), constants, device)
    duals = dual_sums([*whole, *left], declared_paths(conic.standard.problem))
    return Assembly(conic, structure, layout, tuple(chunks), source, duals, written)


def _chunks(conic: Conic, builder: ChunkBuilder) -> list[Chunk]:
    found = [builder.affine(row) for row in conic.standard.rows]
    found.extend(membership_chunk(row, builder) for row in conic.standard.cones)
    found.extend(builder.bound(row) for row in conic.atoms)
    return found


def _probe(conic: Conic, vectoriser: Vectoriser, constants: Mapping[str, np.ndarray], device) -> dict[str, Tensor]:
    """Constants as they are and stand-ins for parameters: what depends on the latter shows by its gradient."""
    generator = np.random.default_rng(0)
    found: dict[str, Tensor] = {}
    for declaration in conic.standard.problem.parameters:
        symbol: Parameter = declaration.symbol
        if symbol.name in constants:
            found[symbol.name] = torch.as_tensor(constants[symbol.name], dtype=torch.float64, device=device).unsqueeze(
                0
            )
            continue
        values = _stand_in(generator, vectoriser.shape(symbol.shape))
        found[symbol.name] = torch.tensor(values[None], device=device, requires_grad=True)
    return found


def _stand_in(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Positive numbers; square matrices symmetric and positive definite, so that every function is defined there."""
    values = generator.uniform(0.5, 1.5, shape)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        values = (values + np.swapaxes(values, -1, -2)) / 2 + 2 * shape[-1] * np.eye(shape[-1])
    return values


def _structure(
    chunks: list[Chunk], source: Extracted | Differentiated | Divided, layout: Layout, added: set[str]
) -> Structure:
    lifted = source.lifted
    blocks = tuple(block for chunk in chunks for block in chunk.pattern.blocks * chunk.count)
    blocks += (Block(Kind.ZERO, lifted),) * bool(lifted)
    auxiliaries = sum(chunk.count * chunk.pattern.auxiliaries for chunk in chunks)
    numbers = np.concatenate([layout.blocks().cpu().numpy(), np.arange(auxiliaries) + len(layout.places)])
    numbers = np.concatenate([numbers, np.full(lifted, auxiliaries + len(layout.places))])
    sizes = [*(chunk.rows for chunk in chunks), lifted]
    own = np.repeat(np.arange(len(sizes)), sizes)
    shown = np.zeros(len(numbers), dtype=bool)
    for name, at in layout.places.items():
        if name not in added:
            shown[at[at >= 0]] = True
    return Structure(Cones(blocks), source.P_at, source.A_at, Blocks(numbers, own, shown))
