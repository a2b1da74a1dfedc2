"""The solution of a slightly different program -> the answers that Newton's method finds from it, where they are sure.

The previous active set is taken as it is, and the previous point as near: one factorisation finishes a quadratic
program, a few a smooth one. An answer counts only where the method that begins afresh should end there too, or in
another local minimum: residuals of at most SOUND, and as far as numbers tell strictly complementary, locally unique,
and with one set of multipliers, or with those of least norm where all rows are affine: which of them depend on each
other is then the same wherever x is. All other items are solved as if there had been no previous solution.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import SOUND
from declarative.backends.kkt.program.certify import Model, Primal
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.program.program import Result, SmoothProgram
from declarative.backends.kkt.verdict.polish import Polished, polish

POINT, ACTIVE = "last point", "last active set"  # in the memory of an outcome


@dataclass(frozen=True)
class Warm(Items):
    """A previous point (B, n + p + q + 2n): x, y, z and the bounds' multipliers; and what was active (B, q + 2n)."""

    point: Tensor
    active: Tensor

    def at(self, program: SmoothProgram) -> Primal:
        """The point and its multipliers."""
        n, p, q = program.n, program.p, program.q
        return Primal(*self.point.split([n, p, q, n, n], -1))

    @property
    def usable(self) -> Tensor:
        """(B,): items with a point, whether or not it was an answer: what comes of it is judged like any other."""
        return self.point.isfinite().all(-1)


def remembered(result: Result, program: SmoothProgram) -> dict[str, Tensor]:
    """What a later run may begin with, for the memory of an outcome; of a smooth program no degenerate point, beside
    which others are degenerate in general, too, and then not sure.
    """
    point = torch.cat([result.x, result.y, result.z, result.z_lower, result.z_upper], -1)
    if program.kind != "qp":
        point = torch.where(result.degenerate[:, None], torch.nan, point)
    return {POINT: point, ACTIVE: torch.cat(result.active.parts(), -1)}


def recalled(start: Mapping[str, Tensor] | None, program: SmoothProgram) -> Warm | None:
    """The same, from the memory of an outcome; None where there is none, or that of another program."""
    if start is None or POINT not in start or ACTIVE not in start:
        return None
    warm, inequalities = Warm(start[POINT], start[ACTIVE]), program.q + 2 * program.n
    widths = warm.point.shape[1], warm.active.shape[1]
    return warm if widths == (program.n + program.p + inequalities, inequalities) else None


def resumed(model: Model, program: SmoothProgram, warm: Warm, rounds: int) -> tuple[Polished, Tensor]:
    """At most `rounds` steps for B items, all usable; and which answers (B,) are sure."""
    found = polish(
        model, warm.at(program), program.open_domain, program.blocks, rounds, guess=warm.active, hidden=program.hidden
    )
    loose = found.system.loose if program.hidden is None else found.system.loose & ~program.hidden
    unsure = found.degenerate | loose.any(-1)
    if not program.affine:
        unsure |= found.system.dual_nonunique
    return found, (found.shares.error <= SOUND) & ~unsure
