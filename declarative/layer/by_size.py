"""A convex problem -> the plan for its sizes: dense and batched by kkt, or sparse, item by item, by cone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from declarative.backends.cone.backend import ConePlan
from declarative.backends.cone.differentiate.function import Structure
from declarative.backends.hosted import CPU, hosted
from declarative.backends.kkt.compiled.outline import outline_within
from declarative.backends.layout import entries
from declarative.backends.outcome import Backend, Outcome, Plan
from declarative.backends.second import SecondPlan
from declarative.ir.expr import Variable
from declarative.ir.problem import Problem

LARGE = 300  # unknowns, with those that rewriting adds; below, dense matrices are fast
CURVED = 200  # the same of programs with rows that are not quadratic
KINK = 9  # unknowns that one for a kink counts for there: its two rows take kkt more iterations, each of more work
SPARSE = 200  # times the work of one sparse factorisation: 16 of them, at a twelfth of the speed of dense ones
ONCE, AGAIN = 2, 50  # times that of one dense factorisation: with active sets, and by interior points
NARROW = 1_000  # unknowns; up to there dense methods that pass by what is 0 take 0.2 to 0.9 times as long
MEMORY = 16_000  # unknowns; a dense matrix of this side has 2 GB
SEVERAL = 4_000  # the same where methods keep a dozen such matrices


@dataclass(frozen=True)
class BySize:
    """A problem that both backends accept.

    `added`: the variables of the dense program that are not the user's, perhaps one for each row of data. `curved`: it
    has rows and is not quadratic, and kkt takes tens of factorisations of a matrix with all unknowns.
    """

    problem: Problem
    dense: Backend
    sparse: Backend
    added: tuple[Variable, ...] = ()
    curved: bool = False

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> Plan:
        added, own = entries(self.added, sizes), entries((d.symbol for d in self.problem.variables), sizes)
        plan = self.sparse.plan(sizes, constants, CPU) if self._is_large(own, added) else None
        if isinstance(plan, ConePlan) and self._is_sparse(plan, own - plan.assembly.left_out, added):
            prepare = partial(self.dense.plan, sizes, constants, device) if has_room(plan) else lambda: None
            return SecondPlan(hosted(SparsePlan(plan), device), prepare)
        return self.dense.plan(sizes, constants, device)

    def _is_sparse(self, plan: ConePlan, own: int, added: int) -> bool:
        """Is this plan the faster one, with `own` of the user's unknowns left?"""
        if not self._is_large(own, added):
            return False
        light = self._is_curved(own, added) and plan.factorisation_work() < (own + added) ** 3 / 3
        return light or is_thin(plan, added)

    def _is_large(self, own: int, added: int) -> bool:
        return own + added >= LARGE or self._is_curved(own, added)

    def _is_curved(self, own: int, added: int) -> bool:
        return self.curved and own + KINK * added >= CURVED

    def remarks(self) -> list[str]:
        """What was rewritten, for `explain`."""
        large = CURVED if self.curved else LARGE
        return [*self.dense.remarks(), f"from {large} unknowns on, sparse matrices where they pay, by the cone backend"]


def has_room(plan: ConePlan) -> bool:
    """May a dense method try where the sparse one fails?"""
    structure = plan.assembly.structure
    return structure.columns <= (MEMORY if structure.cones.linear else SEVERAL)


def is_thin(plan: ConePlan, added: int) -> bool:
    """Is a sparse method faster than a dense one with `added` unknowns, by the work of their factorisations?"""
    n, structure = plan.assembly.layout.size + added, plan.assembly.structure
    diagonal = np.unique(structure.P_at[0, structure.P_at[0] == structure.P_at[1]])
    definite = structure.cones.linear and len(diagonal) == structure.columns
    if definite and n == structure.columns <= NARROW and is_narrow(structure):
        return False
    return n > MEMORY or (
        structure.sparse and SPARSE * plan.factorisation_work() < (ONCE if definite else AGAIN) * n**3 / 3
    )


def is_narrow(structure: Structure) -> bool:
    """Do the methods for dense programs pass by what is 0, as where states follow each other?"""
    n, places = structure.columns, (structure.P_at, structure.A_at)
    masks = np.zeros((n, n), bool), np.zeros((structure.cones.rows, n), bool)
    for mask, at in zip(masks, places, strict=True):
        mask[tuple(at)] = True
    return outline_within(*masks, np.zeros(0, np.int64)).thin


@dataclass(frozen=True)
class SparsePlan:
    """A plan of the cone backend that says why it was taken."""

    plan: ConePlan

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        return self.plan.run(inputs, batch, start)

    def describe(self) -> list[str]:
        sparse = self.plan.assembly.structure.sparse
        why = "its matrices are sparse: dense ones would take longer" if sparse else "its factorisations take less work"
        return [*self.plan.describe(), why]
