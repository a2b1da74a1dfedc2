"""A solver that is a Python function of the user's -> points near solutions, for the polishing steps.

It is not believed: multipliers are fitted to the points that come back, and the certificate judges as always.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from declarative.backends.kkt.methods.multipliers import fitted
from declarative.backends.kkt.methods.nlp import Stop
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta
from declarative.source.diagnostic import DiagnosticError, error


@dataclass(frozen=True)
class Task:
    """What a solver of the user's is given: minimise objective(x) s.t. equalities(x) == 0, inequalities(x) <= 0 and
    lower <= x <= upper, for B items at once; x (B, n) holds the variables in order of declaration, row by row.

    The functions are torch functions of x alone, (B,), (B, p) and (B, q); lower and upper are (B, n).
    """

    objective: Callable[[Tensor], Tensor]
    equalities: Callable[[Tensor], Tensor]
    inequalities: Callable[[Tensor], Tensor]
    lower: Tensor
    upper: Tensor


def ask(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> tuple[Primal, Stop, Tensor]:
    """The user's function called on a `Task` and the start (B, n); it returns x (B, n)."""
    d, forward = Derivatives(program, theta), options.forward
    assert forward.solver is not None
    with torch.enable_grad():
        found = forward.solver(Task(d.f, d.c, d.g, *d.bounds(x0)), x0.clone(), **dict(forward.settings))
    return arrived(d, _points(found, x0, forward.called))


def _points(found: Any, x0: Tensor, name: str) -> Tensor:
    """What the function returned as a tensor like the start."""
    try:
        x = torch.as_tensor(found).detach().to(x0)
    except (TypeError, ValueError, RuntimeError):
        x = x0[:0]
    if x.shape != x0.shape:
        text = f"`{name}` returns the points of all items, a tensor of shape {tuple(x0.shape)}, not {found!r:.60}"
        raise DiagnosticError([error("E324", None, text)])
    return x


def arrived(d: Derivatives, x: Tensor, iterations: Tensor | None = None) -> tuple[Primal, Stop, Tensor]:
    """Points with fitted multipliers."""
    finite = x.isfinite().all(-1)
    at = fitted(d, torch.where(finite[:, None], x, 0))
    count = torch.ones(len(x), dtype=torch.int64, device=x.device) if iterations is None else iterations
    return at, Stop(finite, ~finite, torch.zeros_like(finite)), count
