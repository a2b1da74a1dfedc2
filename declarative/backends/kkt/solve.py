"""A smooth program, its parameters and a start -> a certified result for every item; and the result, differentiable."""

from dataclasses import replace
from typing import assert_never

import torch
from torch import Tensor

from declarative.backends.kkt.attempt import second_order
from declarative.backends.kkt.convex import solve_convex
from declarative.backends.kkt.differentiate.adjoint import Point, Solution, attach
from declarative.backends.kkt.linear.system import System, joined
from declarative.backends.kkt.methods.spherical import minimise_in_ellipsoid
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.ellipsoid import ellipsoid
from declarative.backends.kkt.program.program import Active, Options, Result, SmoothProgram, Theta, repeated, take
from declarative.backends.kkt.program.quadratic import explicit, quadratic
from declarative.backends.kkt.smooth import Blamed, Solved, following, rescued, screened, solve_smooth
from declarative.backends.kkt.spread import kept, spread
from declarative.backends.kkt.verdict.answer import MESSAGES, Answer, Reason, certified
from declarative.backends.kkt.verdict.pieces import on_one_piece
from declarative.backends.kkt.verdict.polish import polish
from declarative.backends.kkt.warm import Warm
from declarative.backends.mode import IMPLICIT, Mode
from declarative.backends.numbers import numbers, numbers_only
from declarative.backends.status import Status

SPHERE_POLISH = 2


def solve(
    program: SmoothProgram, theta: Theta, x0: Tensor, options: Options | None = None, warm: Warm | None = None
) -> Result:
    """Solve B items from x0 (B, n); theta's entries are (B, ...) or (1, ...). Nothing is raised for an outcome.

    `warm` is what was remembered of the result of a similar program.
    """
    options = options or Options()
    own = options.forward.name in ("auto", "interior_point", "newton")
    with numbers_only():
        theta, x0 = tuple(numbers(t.detach()) for t in theta), numbers(x0.detach())
        plain = x0.device.type == "cpu" and x0.dtype == torch.float64 and not options.forward.differentiates
        written = program
        if program.numeric is not None and plain:
            program = program.numeric
        match program.kind:
            case "qp" if own or options.forward.name == "gauss_newton":  # which is Newton's method here
                found = result(*solve_convex(program, theta, x0, options, warm))
            case "sphere" if own:
                return spherical_result(program, theta, x0, options)
            case "qp" | "sphere" | "nlp":
                found = following(from_starts, program, theta, x0, options, warm)
                found = result(*rescued(written, theta, x0, options, found))
            case _:
                assert_never(program.kind)
        fixed = found.active.lower & found.active.upper
        found = on_one_piece(program, theta, found, options.tolerance)
        return replace(found, dual_nonunique=found.dual_nonunique | fixed.any(-1)) if fixed.any() else found


def from_starts(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> Solved:
    """The answer from one start, or the one to keep of those from several, which are items of one larger batch."""
    starts = options.forward.starts
    if starts == 1:
        return solve_smooth(program, theta, x0, options)
    places = spread(x0, *Derivatives(program, theta).bounds(x0), starts)
    answer, blamed, system = solve_smooth(program, repeated(theta, starts), places, options, starts)
    chosen = kept(answer, x0, starts, options.forward.keep)
    blamed = {i: blamed[k] for i, k in enumerate(chosen.tolist()) if k in blamed}
    return answer.take(chosen), blamed, system and system.take(chosen)


def connect(program: SmoothProgram, theta: Theta, result: Result, mode: Mode = IMPLICIT) -> Solution:
    """(x, y, z, z_lower, z_upper) of a result as differentiable functions of theta; see `adjoint.attach`."""
    solution = (result.x, result.y, result.z, result.z_lower, result.z_upper)
    if program.kind == "qp":
        program, theta = explicit(program), tuple(quadratic(program, theta, result.x).parts())
    return attach(Point(program, result.active, result.system, mode), solution, theta, result.answered)


def spherical_result(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> Result:
    """The global minimum on a sphere or in a ball; items with data that are not finite are marked."""
    answer, *_ = screened(program, theta, x0)
    items = (answer.reason == Reason.STALLED).nonzero()[:, 0]
    if len(items) == 0:
        return result(answer, {}, None)
    data = ellipsoid(Derivatives(program, take(theta, items)), x0[items])
    at, nonunique, empty = minimise_in_ellipsoid(data, x0[items])
    found = polish(data, at, program.open_domain, program.blocks, SPHERE_POLISH)
    some = certified(found, torch.ones_like(items), options.tolerance)
    some = replace(some, nonunique=some.nonunique | nonunique, minimum=second_order(found.system)[0])
    some = some.marked(empty, Status.INFEASIBLE, Reason.NO_POINT)
    row = ("c" if program.p else "g", 0)
    blamed: Blamed = {int(items[i]): [row] for i in empty.nonzero()[:, 0]}
    return result(answer.put(items, some), blamed, joined(None, items, found.system, len(x0)))


def result(answer: Answer, blamed: Blamed, system: System | None) -> Result:
    """An answer with its messages."""
    parts = dict(answer.__dict__)
    reason = parts.pop("reason")
    active = Active(parts.pop("active_z"), parts.pop("active_lower"), parts.pop("active_upper"))
    unsolved = answer.status != Status.SOLVED
    items = unsolved.nonzero()[:, 0].tolist() if unsolved.any() else []
    messages = {i: MESSAGES[Reason(int(reason[i]))] for i in items}
    return Result(**parts, active=active, messages=messages, blamed=blamed, system=system)
