"""The barrier method for a batch of small or sparse programs whose functions are lists of scalar operations: compiled.

The same method as `nlp.py`, from the same start, by `compiled/barrier.py`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from declarative.backends.kkt.methods.barrier import Bounds, Columns, Iterate
from declarative.backends.kkt.program.numeric import NumericStructure
from declarative.backends.kkt.program.program import SmoothProgram, Theta
from declarative.backends.kkt.program.structures import ScaledStructure

if TYPE_CHECKING:
    from declarative.backends.kkt.compiled.lanes import Functions


@dataclass(frozen=True)
class Start:
    """Where the method begins: the iterate, the filter's limit (B,), the size of x (B,), and an objective (B,) below
    which nothing is left to do.
    """

    bounds: Bounds
    columns: Columns
    at: Iterate
    limit: Tensor
    size: Tensor
    goal: Tensor


def functions(program: SmoothProgram, theta: Theta, x: Tensor, reflect: bool) -> "Functions | None":
    """The compiled functions of a program in the method's units, if it has them, and matrices for which they are worth
    it.
    """
    structure = numeric(program, x)
    found = structure and structure.functions(x, theta[:-4], program.p, program.q)
    return found.reflecting if found and reflect else found


def numeric(program: SmoothProgram, x: Tensor) -> NumericStructure | None:
    """The derivatives of which a program in a method's units is made, where they are lists of operations."""
    structure = program.structure
    if not isinstance(structure, ScaledStructure) or not isinstance(structure.inner, NumericStructure):
        return None
    return None if program.linearised or program.n == 0 or len(x) == 0 else structure.inner


def solve_blocks(
    functions: "Functions", start: Start, theta: Theta, iterations: int, tolerance: float
) -> tuple[Iterate, list[Tensor], Tensor]:
    """The last iterate of each item; whether it converged, is stuck, or diverged, each (B,); its iterations (B,)."""
    from declarative.backends.kkt.compiled.lanes import ENDS, run

    at, bounds, batch = start.at, start.bounds, len(start.at.x)
    scalars = torch.stack([at.mu, at.lift, start.limit, start.size, start.goal], 1)
    ends = [bounds.lower, bounds.upper, bounds.wall_lower, bounds.wall_upper, bounds.fixed]
    parts = [at.x, at.y, at.s, at.z, scalars, bounds.on, *ends, *theta[-4:]]
    given = torch.cat([part if part.shape[0] == batch else part.expand(batch, -1) for part in parts], 1)
    low, high = start.columns.low.numpy(), start.columns.high.numpy()
    why, rounds = run(functions, given.numpy(), low, high, theta[:-4], iterations, tolerance)
    sizes = [part.shape[1] for part in (at.x, at.y, at.s, at.z)]
    x, y, s, z = given[:, : sum(sizes)].split(sizes, 1)
    return Iterate(x, y, s, z, at.mu, at.lift), [torch.from_numpy(why == end) for end in ENDS], torch.from_numpy(rounds)
