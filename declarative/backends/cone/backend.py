"""The `cone` backend: convex problems, with second-order, semidefinite, exponential and power cones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.near_geometric import geometric_remarks
from declarative.backends.cone.assemble import Assembly, assemble
from declarative.backends.cone.differentiate.function import Outcomes, Report, solve_batch
from declarative.backends.cone.envelope import OptimalValue
from declarative.backends.cone.fill import factorisation_work
from declarative.backends.cone.reasons import messages_of
from declarative.backends.cone.rows.epigraph import Conic, to_epigraphs
from declarative.backends.cone.rows.refusals import refusals
from declarative.backends.cone.warm import recalled, remembered
from declarative.backends.hosted import CPU, hosted
from declarative.backends.monotone import MonotoneBackend
from declarative.backends.outcome import Outcome, Plan
from declarative.backends.status import AnsweredBy, Status
from declarative.backends.unanswered import without_unanswered
from declarative.ir.problem import Problem
from declarative.rewrite.extremes import bounds_of_extremes
from declarative.rewrite.implied import without_implied_bounds
from declarative.rewrite.moving_data import free_data
from declarative.rewrite.repair import obstacles, repair
from declarative.rewrite.sets import sets_to_rows
from declarative.rewrite.signs import without_known_signs
from declarative.rewrite.standard import problem_to_standard
from declarative.rewrite.triangles import to_one_triangle
from declarative.source.diagnostic import Diagnostic, error


@dataclass(frozen=True)
class ConeBackend:
    """A problem accepted by this backend: convex, in its conic form."""

    conic: Conic

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> Plan:
        """Its methods are the CPU's, wherever the data are."""
        return hosted(ConePlan(assemble(self.conic, sizes, constants, CPU)), device)

    def remarks(self) -> list[str]:
        """What was rewritten, for `explain`."""
        return list(self.conic.standard.log)


def accept(problem: Problem) -> ConeBackend | MonotoneBackend | list[Diagnostic]:
    """The backend for this problem, or why it cannot take it: the innermost expression, and what would help."""
    if problem.externs:
        return [_no_externs(problem)]
    repaired = repair(problem)
    if not repaired.found.convex:
        return [*obstacles(repaired), *geometric_remarks(problem)]
    standard = without_implied_bounds(replace(problem_to_standard(repaired.problem), log=repaired.steps))
    plain = bounds_of_extremes(sets_to_rows(without_known_signs(to_one_triangle(standard)), balls=False))
    conic = to_epigraphs(free_data(plain))
    backend = ConeBackend(conic)
    whole = backend if repaired.outer is None else MonotoneBackend(backend, repaired.outer)
    return refusals(conic) or whole


def _no_externs(problem: Problem) -> Diagnostic:
    declaration = problem.externs[0]
    text = f"the cone backend calls no functions from outside, such as `{declaration.name}`"
    hint = "where its arguments are data, call it before the layer and give its value as a `param`"
    return error("E302", declaration.origin, text, hints=(hint,))


@dataclass(frozen=True)
class ConePlan:
    """The problem at concrete sizes, on the CPU."""

    assembly: Assembly

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """Solve every item, from the solution of a similar program where that leads to it."""
        P, q, A, b, offset = self._data(inputs, batch)
        begin = Outcomes(last=recalled(start, self.assembly.structure))
        x, z, report, outcomes = solve_batch(self.assembly.structure, P, q, A, b, begin)
        answered = report[:, Report.STATUS] <= Status.INACCURATE
        if not answered.all() or self.assembly.differentiates_at_solution:
            inputs = inputs if answered.all() else without_unanswered(inputs, answered)
            P, q, A, b, offset = self._data(inputs, batch, x[:, : self.assembly.layout.size].detach())
            x, z, report, outcomes = solve_batch(self.assembly.structure, P, q, A, b, outcomes)
        value = self._value((P, q, A, b), x, z) + offset
        value = self.assembly.written.sharpened(value, (q * x).sum(-1), lambda: {**inputs, **self._parts(x)})
        return self._outcome(inputs, x, z, value, report, outcomes)

    def _parts(self, x: Tensor) -> dict[str, Tensor]:
        return self.assembly.layout.split(x[:, : self.assembly.layout.size])

    def _data(
        self, inputs: Mapping[str, Tensor], batch: int, x: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        P, q, A, b, offset = self.assembly.data(inputs, x)
        return P, q.expand(batch, -1), A, b, offset

    def _value(self, data: tuple[Tensor, ...], x: Tensor, z: Tensor) -> Tensor:
        structure = self.assembly.structure
        places = (torch.as_tensor(at, device=x.device) for at in (structure.P_at, structure.A_at))
        return OptimalValue.apply(*(t.expand(x.shape[0], -1) for t in data), x, z, *places)  # pyright: ignore

    def _outcome(
        self,
        inputs: Mapping[str, Tensor],
        x: Tensor,
        z: Tensor,
        value: Tensor,
        report: Tensor,
        outcomes: Outcomes,
    ) -> Outcome:
        assembly, answered = self.assembly, report[:, Report.STATUS] <= Status.INACCURATE
        standard = assembly.conic.standard
        added = {a.variable.name for a in standard.auxiliaries}
        return Outcome(
            variables={name: part for name, part in self._parts(x).items() if name not in added},
            duals=assembly.duals(inputs, x, z),
            value=standard.sign * value,
            status=report[:, Report.STATUS].to(torch.int8),
            iterations=report[:, Report.ITERATIONS].to(torch.int64),
            primal=report[:, Report.PRIMAL],
            dual=report[:, Report.DUAL],
            gap=report[:, Report.GAP],
            degenerate=report[:, Report.DEGENERATE].bool(),
            nonunique=report[:, Report.NONUNIQUE].bool(),
            dual_nonunique=report[:, Report.DUAL_NONUNIQUE].bool() | (answered & assembly.many),
            answered_by=torch.full_like(report[:, 0], int(AnsweredBy.CONE), dtype=torch.int8),
            messages=messages_of(assembly, outcomes),
            memory=remembered(assembly.structure, outcomes),
        )

    def factorisation_work(self) -> float:
        """About how many operations one factorisation of an item's sparse KKT matrix takes."""
        return factorisation_work(self.assembly.structure)

    def describe(self) -> list[str]:
        structure, left_out = self.assembly.structure, self.assembly.left_out
        kinds = {}
        for block in structure.cones.blocks:
            kinds[block.kind] = kinds.get(block.kind, 0) + (block.rows if block.kind.separable else 1)
        listed = ", ".join(f"{count} of {kind.value}" for kind, count in kinds.items())
        more = f"{left_out} more unknown{'s' if left_out > 1 else ''} and what fixes them to 0 left out"
        return [
            f"solved as a cone program: {structure.columns} unknowns, {structure.cones.rows} rows ({listed})",
            *([more] if left_out else []),
            "each item by an interior-point method, then by Newton's method, whose last matrix gives the gradient",
        ]
