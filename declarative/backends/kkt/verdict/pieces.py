"""Dependent active rows -> a part of them that is independent: where solutions bend, one of the pieces that meet there.

Where inequalities G depend on each other, given the equations A (G'v = A'u), multipliers z >= 0 may go along v, and
G'z + A'y stays the same with another y. The way ends where a multiplier is 0; its row is let go, and so on, until what
remains is independent: a vertex of the set of multipliers (Caratheodory). All rows together have in general no
derivative, for each may move by itself; that of the piece where those that remain are active keeps to the equations.
"""

from dataclasses import replace

import numpy as np
import torch

from declarative.backends.kkt.differentiate.adjoint import active_system, matrices
from declarative.backends.kkt.linear.least_norm import RANK
from declarative.backends.kkt.linear.scaling import equilibrate
from declarative.backends.kkt.linear.system import joined
from declarative.backends.kkt.program.program import Active, Result, SmoothProgram, Theta, take
from declarative.backends.kkt.program.quadratic import explicit, model, quadratic
from declarative.backends.status import Status

Array = np.ndarray


def on_one_piece(program: SmoothProgram, theta: Theta, result: Result) -> Result:
    """The result with a system of independent inequalities; items where some were let go are degenerate."""
    several = (result.dual_nonunique & (result.status <= Status.INACCURATE)).nonzero()[:, 0]
    if len(several) == 0 or result.system is None:
        return result
    if program.kind == "qp":
        program, theta = explicit(program), tuple(quadratic(program, theta, result.x).parts())
    solution = tuple(part[several] for part in (result.x, result.y, result.z, result.z_lower, result.z_upper))
    H, A = matrices(model(program, take(theta, several)), solution)
    units, active, (q, n) = equilibrate(H, A)[0], result.active.take(several), (result.z.shape[1], H.shape[1])
    known = (A * units[:, None], torch.cat(active.parts(), -1), torch.cat(solution[2:], -1))
    kept = [remaining(*(part.cpu().numpy() for part in item)) for item in zip(*known, strict=True)]
    held = torch.from_numpy(np.stack(kept)).to(active.z.device)
    bent = (held != known[1]).any(-1).nonzero()[:, 0]
    if len(bent) == 0:
        return result
    system = active_system(Active(*held[bent].split([q, n, n], -1)), H[bent], A[bent])
    items = several[bent]
    return replace(
        result,
        degenerate=result.degenerate.index_fill(0, items, True),
        system=joined(result.system, items, system, len(result.x)),
    )


def remaining(A: Array, active: Array, multipliers: Array) -> Array:
    """Of what is active (q + 2n), bool, what remains; A (p + q, n) has the equations first, in units of its columns.

    A variable that its bounds fix is an equation.
    """
    n, q = A.shape[1], len(active) - 2 * A.shape[1]
    lower, upper = active[q : q + n], active[q + n :]
    fixed, unit = lower & upper, np.eye(n)
    rows, free = np.concatenate([A[len(A) - q :], -unit, unit]), active.copy()
    free[q:] &= ~np.tile(fixed, 2)
    places = free.nonzero()[0]
    kept = active.copy()
    let_go = dependent(np.concatenate([A[: len(A) - q], unit[fixed]]), rows[places], multipliers[places])
    kept[places[let_go]] = False
    return kept


def dependent(equations: Array, rows: Array, multipliers: Array) -> list[int]:
    """The rows (k, n), with multipliers (k,) >= 0, that are let go, so that the others are independent of each other
    and of the equations (e, n).
    """
    sizes = np.linalg.norm(rows, axis=1)
    rows, z = rows / np.where(sizes > 0, sizes, 1)[:, None], multipliers * sizes
    equations = equations / np.maximum(np.linalg.norm(equations, axis=1), np.finfo(float).tiny)[:, None]
    _, S, Vt = np.linalg.svd(equations, full_matrices=False)
    Q = Vt[S > RANK]
    U, S, _ = np.linalg.svd(rows - (rows @ Q.T) @ Q)
    N, let_go = U[:, int((S > RANK).sum()) :], []  # columns v with rows'v = equations'u
    for column in range(N.shape[1]):
        v = N[:, column]
        sure = np.abs(v) > RANK * np.abs(v).max()
        ways = [np.where(sure & (way < 0), z / np.where(sure, np.abs(v), 1), np.inf) for way in (v, -v)]
        sign, reach = min(((1, ways[0]), (-1, ways[1])), key=lambda choice: choice[1].min())
        out = int(reach.argmin())
        z = z + sign * reach[out] * v
        z[out] = 0
        N = N - np.outer(v, N[out] / v[out])
        let_go.append(out)
    return let_go
