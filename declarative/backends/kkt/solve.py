"""A smooth program, its parameters and a start -> a certified result for every item; and the result, differentiable."""

from dataclasses import replace
from typing import assert_never

import torch
from torch import Tensor

from declarative.backends.kkt.adjoint import Point, Solution, attach
from declarative.backends.kkt.answer import MESSAGES, Answer, Reason, certified, unknown
from declarative.backends.kkt.certify import worst
from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.polish import polish
from declarative.backends.kkt.program import Active, Options, Result, SmoothProgram, Theta, take
from declarative.backends.kkt.qp import solve_quadratic
from declarative.backends.kkt.quadratic import Quadratic, explicit, quadratic
from declarative.backends.kkt.rays import infeasible, unbounded
from declarative.backends.kkt.scaling import inverse_root, times
from declarative.backends.kkt.smooth import Blamed, screened, second_order, solve_smooth
from declarative.backends.kkt.spherical import minimise_in_ellipsoid
from declarative.backends.kkt.system import ActiveSystem
from declarative.backends.mode import IMPLICIT, Mode
from declarative.backends.status import Status

QP_ITERATIONS = 60
QP_POLISH = 4
SPHERE_POLISH = 2
PSD = 1e-9
FAR = 1e6


def solve(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options | None = None) -> Result:
    """Solve B items from x0 (B, n); theta's entries are (B, ...) or (1, ...). Nothing is raised for an outcome."""
    options = options or Options()
    theta, x0 = tuple(t.detach() for t in theta), x0.detach()
    with torch.no_grad():
        match program.kind:
            case "qp":
                return quadratic_result(program, theta, x0, options)
            case "nlp":
                return result(*solve_smooth(program, theta, x0, options), None)
            case "sphere":
                return spherical_result(program, theta, x0, options)
            case _:
                assert_never(program.kind)


def connect(program: SmoothProgram, theta: Theta, result: Result, mode: Mode = IMPLICIT) -> Solution:
    """(x, y, z, z_lower, z_upper) of a result as differentiable functions of theta; see `adjoint.attach`."""
    solved = (result.status == Status.SOLVED) | (result.status == Status.INACCURATE)
    solution = (result.x, result.y, result.z, result.z_lower, result.z_upper)
    if program.kind == "qp":
        program, theta = explicit(program), tuple(quadratic(program, theta, result.x).parts())
    return attach(Point(program, result.active, result.system, mode), solution, theta, solved)


def quadratic_result(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> Result:
    """Items with finite data are solved together; those that are not convex go to the method for smooth programs."""
    qp = quadratic(program, theta, x0).expand(len(x0))
    answer, sound = unknown(len(x0), program.n, program.p, program.q, x0), usable(qp)
    curved = sound & ~convex(qp)
    answer, blamed, system = quadratic_answer(program, qp, answer, (sound & ~curved).nonzero()[:, 0], options)
    if curved.any():
        items = curved.nonzero()[:, 0]
        some, found = solve_smooth(program, take(theta, items), x0[items], options)
        answer, blamed = answer.put(items, some), blamed | {int(items[i]): rows for i, rows in found.items()}
    return result(answer, blamed, system)


def quadratic_answer(
    program: SmoothProgram, qp: Quadratic, answer: Answer, items: Tensor, options: Options
) -> tuple[Answer, Blamed, ActiveSystem | None]:
    """The answers of some items (long, K) put in their places, the rows to blame, and the factorisation if for all."""
    if len(items) == 0:
        return answer, {}, None
    every = len(items) == len(answer.x)
    qp = qp if every else qp.take(items)
    at, iterations = solve_quadratic(qp, QP_ITERATIONS)
    found = polish(qp, at, program.open_domain, program.blocks, QP_POLISH)
    some, blamed = explain(certified(found, iterations, options.tolerance), qp)
    blamed = {int(items[i]): rows for i, rows in blamed.items()}
    return answer.put(items, some), blamed, found.system if every else None


def spherical_result(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> Result:
    """The global minimum on a sphere or in a ball; items with data that are not finite are marked."""
    answer, _ = screened(program, theta, x0)
    items = (answer.reason == Reason.STALLED).nonzero()[:, 0]
    if len(items) == 0:
        return result(answer, {}, None)
    d = Derivatives(program, take(theta, items))
    at, nonunique, empty = minimise_in_ellipsoid(d, x0[items])
    found = polish(d, at, program.open_domain, program.blocks, SPHERE_POLISH)
    some = certified(found, torch.ones_like(items), options.tolerance)
    some = replace(some, nonunique=some.nonunique | nonunique, minimum=second_order(found.system)[0])
    some = some.marked(empty, Status.INFEASIBLE, Reason.NO_POINT)
    row = ("c" if program.p else "g", 0)
    blamed: Blamed = {int(items[i]): [row] for i in empty.nonzero()[:, 0]}
    return result(answer.put(items, some), blamed, found.system if len(items) == len(x0) else None)


def usable(qp: Quadratic) -> Tensor:
    """(B,): all data finite, infinities allowed as a whole side."""
    finite = [part.flatten(1).isfinite().all(-1) for part in (qp.P, qp.q, qp.A, qp.b, qp.G)]
    sides = (qp.h > -torch.inf, qp.lower < torch.inf, qp.upper > -torch.inf)
    return torch.stack(finite + [side.all(-1) for side in sides]).all(0)


def convex(qp: Quadratic) -> Tensor:
    """(B,): P is positive semidefinite to rounding, in units in which its diagonal is one."""
    size = qp.P.diagonal(dim1=-2, dim2=-1).abs()
    D = inverse_root(torch.maximum(size, 1e-12 * size.amax(-1, keepdim=True)) if qp.P.shape[1] else size)
    P = D[:, :, None] * qp.P * D[:, None] + PSD * torch.eye(qp.P.shape[1], dtype=qp.P.dtype, device=qp.P.device)
    return torch.linalg.cholesky_ex(P.nan_to_num(0, 0, 0))[1] == 0


def explain(answer: Answer, qp: Quadratic) -> tuple[Answer, Blamed]:
    """Items that are not solved: infeasible or unbounded, where a ray proves it."""
    doubtful = ((answer.status != Status.SOLVED) | far_away(answer, qp)).nonzero()[:, 0]
    if len(doubtful) == 0:
        return answer, {}
    rest = qp.take(doubtful)
    contradictory, blame = infeasible(rest)
    some = answer.take(doubtful).marked(contradictory, Status.INFEASIBLE, Reason.NO_POINT)
    some = some.marked(~contradictory & unbounded(rest), Status.UNBOUNDED, Reason.RAY)
    blamed = {int(doubtful[i]): blame.heaviest(int(i)) for i in contradictory.nonzero()[:, 0]}
    return answer.put(doubtful, some), blamed


def far_away(answer: Answer, qp: Quadratic) -> Tensor:
    """(B,): x is so large that the terms of Px drown q, as on the way along a ray."""
    terms, pull = worst(times(qp.P.abs(), answer.x.abs())), worst(qp.q.abs())
    return (pull > 0) & (terms > FAR * pull)


def result(answer: Answer, blamed: Blamed, system: ActiveSystem | None) -> Result:
    """An answer with its messages."""
    parts = dict(answer.__dict__)
    reason = parts.pop("reason")
    active = Active(parts.pop("active_z"), parts.pop("active_lower"), parts.pop("active_upper"))
    messages = {int(i): MESSAGES[Reason(int(reason[i]))] for i in (answer.status != Status.SOLVED).nonzero()[:, 0]}
    return Result(**parts, active=active, messages=messages, blamed=blamed, system=system)
