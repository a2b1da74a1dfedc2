"""A smooth program, its parameters and a start -> a certified result for every item; and the result, differentiable."""

import torch
from torch import Tensor

from declarative.backends.kkt.adjoint import Point, Solution, attach
from declarative.backends.kkt.answer import MESSAGES, Answer, Reason, certified, unknown
from declarative.backends.kkt.derivatives import Derivatives
from declarative.backends.kkt.polish import polish
from declarative.backends.kkt.program import Active, Options, Result, SmoothProgram, Theta
from declarative.backends.kkt.qp import solve_quadratic
from declarative.backends.kkt.quadratic import Quadratic, quadratic
from declarative.backends.kkt.rays import Farkas, infeasible, unbounded
from declarative.backends.kkt.scaling import times
from declarative.backends.kkt.system import ActiveSystem
from declarative.backends.status import Status

QP_ITERATIONS = 60
QP_POLISH = 4
MOST_BLAMED = 5
FAR = 1e6


def solve(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options | None = None) -> Result:
    """Solve B items from x0 (B, n); theta's entries are (B, ...) or (1, ...). Nothing is raised for an outcome."""
    options = options or Options()
    theta, x0 = tuple(t.detach() for t in theta), x0.detach()
    with torch.no_grad():
        return quadratic_result(program, theta, x0, options)


def connect(program: SmoothProgram, theta: Theta, result: Result) -> Solution:
    """(x, y, z, z_lower, z_upper) of a result as differentiable functions of theta; see `adjoint.attach`."""
    solved = (result.status == Status.SOLVED) | (result.status == Status.INACCURATE)
    solution = (result.x, result.y, result.z, result.z_lower, result.z_upper)
    return attach(Point(program, result.active, result.system), solution, theta, solved)


def quadratic_result(program: SmoothProgram, theta: Theta, x0: Tensor, options: Options) -> Result:
    """Items with finite data are solved together; what is not solved then is looked at for a ray."""
    qp = quadratic(Derivatives(program, theta), len(x0), x0.dtype, x0.device)
    good = usable(qp).nonzero()[:, 0]
    answer = unknown(len(x0), program.n, program.p, program.q, x0)
    if len(good) == 0:
        return result(answer, {}, None)
    qp = qp.take(good)
    at, iterations = solve_quadratic(qp, QP_ITERATIONS)
    found = polish(qp, at, program.open_domain, program.blocks, QP_POLISH)
    some, blamed = explain(certified(found, iterations, options.tolerance), qp)
    blamed = {int(good[i]): rows for i, rows in blamed.items()}
    return result(answer.put(good, some), blamed, found.system if len(good) == len(x0) else None)


def usable(qp: Quadratic) -> Tensor:
    """(B,): all data finite, infinities allowed as a whole side."""
    finite = [part.flatten(1).isfinite().all(-1) for part in (qp.P, qp.q, qp.A, qp.b, qp.G)]
    sides = (qp.h > -torch.inf, qp.lower < torch.inf, qp.upper > -torch.inf)
    return torch.stack(finite + [side.all(-1) for side in sides]).all(0)


def explain(answer: Answer, qp: Quadratic) -> tuple[Answer, dict[int, list[tuple[str, int]]]]:
    """Items that are not solved: infeasible or unbounded, where a ray proves it."""
    doubtful = ((answer.status != Status.SOLVED) | far_away(answer, qp)).nonzero()[:, 0]
    if len(doubtful) == 0:
        return answer, {}
    rest = qp.take(doubtful)
    farkas = infeasible(rest)
    some = answer.take(doubtful).failed(farkas.proved, Status.INFEASIBLE, Reason.NO_POINT)
    some = some.failed(~farkas.proved & unbounded(rest), Status.UNBOUNDED, Reason.RAY)
    blamed = {int(doubtful[i]): heaviest(farkas, int(i)) for i in farkas.proved.nonzero()[:, 0]}
    return answer.put(doubtful, some), blamed


def far_away(answer: Answer, qp: Quadratic) -> Tensor:
    """(B,): x is so large that the terms of Px drown q, as on the way along a ray."""
    terms, pull = times(qp.P.abs(), answer.x.abs()).amax(-1), qp.q.abs().amax(-1)
    return (pull > 0) & (terms > FAR * pull)


def heaviest(farkas: Farkas, item: int) -> list[tuple[str, int]]:
    """The rows that weigh most in the contradiction."""
    weights = [
        (float(w), kind, i) for kind in ("c", "g", "lower", "upper") for i, w in enumerate(getattr(farkas, kind)[item])
    ]
    weights.sort(key=lambda entry: -entry[0])
    return [(kind, i) for w, kind, i in weights[:MOST_BLAMED] if w > 1e-3 * weights[0][0]]


def result(answer: Answer, blamed: dict[int, list[tuple[str, int]]], system: ActiveSystem | None) -> Result:
    """An answer with its messages."""
    parts = dict(answer.__dict__)
    reason = parts.pop("reason")
    active = Active(parts.pop("active_z"), parts.pop("active_lower"), parts.pop("active_upper"))
    messages = {int(i): MESSAGES[Reason(int(reason[i]))] for i in (answer.status != Status.SOLVED).nonzero()[:, 0]}
    return Result(**parts, active=active, messages=messages, blamed=blamed, system=system)
