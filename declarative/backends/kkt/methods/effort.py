"""An attempt's effort -> a point near a solution and why the method stopped: one of the forward methods, in good units.

Whatever the method is, what it returns is only where the polishing steps begin; nothing it says is believed.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

from torch import Tensor

from declarative.backends.kkt.methods.foreign import ask
from declarative.backends.kkt.methods.ipopt import ask_ipopt
from declarative.backends.kkt.methods.lbfgs import lbfgs
from declarative.backends.kkt.methods.nlp import LEEWAY, Stop, barrier_method
from declarative.backends.kkt.methods.trust_region import trust_region
from declarative.backends.kkt.methods.variants import Factors, factors, gauss_newton, scaled, unscaled
from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Options, SmoothProgram, Theta, take

Reached = tuple[Primal, Stop, Tensor]
Own = Literal["auto", "newton", "gauss_newton", "interior_point", "lbfgs"]
SMALLER = 1e6  # times


@dataclass(frozen=True)
class Effort:
    """One attempt: the method's tolerance for all residuals, what it does about negative curvature, how much more than
    at the start the constraints may be violated on the way, and how often it goes on in the units of where it came to.
    """

    tolerance: float
    reflect: bool
    leeway: float
    renewals: int = 40
    first_order: bool = False  # by L-BFGS and the augmented Lagrangian, whatever the user has chosen


LITTLE = 10.0  # where nearly linear objectives lead far away
HARDLY = 0.1  # where they lead out of a narrow place in which the rows hold, to one where they do not
EFFORTS = (
    Effort(1e-9, reflect=False, leeway=LEEWAY, renewals=0),
    Effort(1e-12, reflect=True, leeway=LITTLE),
    Effort(1e-14, reflect=False, leeway=LITTLE),
    Effort(1e-14, reflect=True, leeway=LEEWAY),
    Effort(1e-14, reflect=True, leeway=HARDLY),
)
BY_MULTIPLIERS = Effort(1e-9, reflect=False, leeway=LEEWAY, first_order=True)  # for rows that depend on each other


def efforts(options: Options) -> tuple[Effort, ...]:
    """Those that an item may take; a method that is not ours has one."""
    return EFFORTS[:1] if options.forward.name in ("ipopt", "given") else EFFORTS


def approach(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options, effort: Effort) -> Reached:
    """The point with its multipliers, why each item stopped, and its iterations."""
    name = "lbfgs" if effort.first_order else options.forward.name
    if name == "ipopt":
        return ask_ipopt(program, theta, x0, options)
    if name == "given":
        return ask(program, theta, x0, options)
    by = factors(program, theta, x0)
    found = in_units(program, theta, x0, by, name, options.max_iterations, effort)
    if not effort.renewals or not free(program, theta):
        return found
    return renewed(program, theta, x0, by, found, name, options.max_iterations, effort)


def renewed(
    program: SmoothProgram, theta: Theta, x0: Tensor, by: Factors, found: Reached, name: Own, limit: int, effort: Effort
) -> Reached:
    """The same, gone on with in the units of where it came to, as long as f and its slopes are much smaller there:
    exp(x) - x, begun at 300, is 1e-12 of itself after 27 steps, and its slope is nothing beside that at 300.
    """
    at, stop, count = found
    items = stop.converged.nonzero()[:, 0]
    steep, value = by.f[:, 0].expand(len(at.x)), Derivatives(program, theta).f(x0).abs()
    for _ in range(effort.renewals):
        items = items[count[items] < limit]
        x, own = at.x[items], take(theta, items)
        by, here = factors(program, own, x), Derivatives(program, own).f(x).abs()
        less = ((by.f[:, 0] > SMALLER * steep[items]) & (SMALLER * here < value[items])).nonzero()[:, 0]
        if len(less) == 0:
            break
        items, by = items[less], by.take(less)
        some, why, more = in_units(program, take(theta, items), at.x[items], by, name, limit, effort)
        at, stop, count = at.put(items, some), stop.put(items, why), count.index_add(0, items, more)
        steep, value = steep.index_put((items,), by.f[:, 0]), value.index_put((items,), here[less])
        items = items[why.converged]
    return at, stop, count


def in_units(
    program: SmoothProgram, theta: Theta, x0: Tensor, by: Factors, name: Own, limit: int, effort: Effort
) -> Reached:
    """The same by a method of ours, in such units."""
    units, data, start = scaled(program), (*theta, *by.parts()), x0 / by.x
    match name:
        case "gauss_newton":
            run = trust_region if free(program, theta) else barrier_method
            at, stop, count = run(gauss_newton(units), data, start, limit, effort.tolerance)
        case "lbfgs":
            at, stop, count = lbfgs(units, data, start, limit, effort.tolerance)
        case "auto" | "newton" if free(program, theta):
            at, stop, count = trust_region(units, data, start, limit, effort.tolerance)
        case "auto" | "interior_point" | "newton":
            pursued = (effort.tolerance, effort.reflect, effort.leeway)
            at, stop, count = barrier_method(units, data, start, limit, *pursued)
        case _:
            assert_never(name)
    return unscaled(at, by), stop, count


def free(program: SmoothProgram, theta: Theta) -> bool:
    """No constraints and no bounds, open domains included."""
    lower, upper = program.bounds(theta)
    return program.p + program.q == 0 and bool(lower.isinf().all() and upper.isinf().all())
