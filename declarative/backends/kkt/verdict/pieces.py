"""Dependent active rows -> their multipliers of least norm, and a part of them that is independent.

Where inequalities G depend on each other, given the equations A (G'v = A'u), multipliers z >= 0 may go along v, and
G'z + A'y stays the same with another y. Those of least norm are y = A s, z = max(G s, 0) for some s, which Newton's
method finds: z = G s in the rows where that is positive.

Where such a solution moves it bends. A way along v ends where a multiplier is 0; its row is let go, and so on, until
what remains is independent: a vertex of the set of multipliers (Caratheodory). All rows together have in general no
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
EXACT, ROUNDS = 1e-13, 20


def on_one_piece(program: SmoothProgram, theta: Theta, result: Result) -> Result:
    """The result with multipliers of least norm, and a system of independent inequalities.

    Items where some were let go are degenerate, except where two rows are the two sides of one equation.
    """
    several = (result.dual_nonunique & (result.status <= Status.INACCURATE)).nonzero()[:, 0]
    if len(several) == 0 or result.system is None:
        return result
    if program.kind == "qp":
        program, theta = explicit(program), tuple(quadratic(program, theta, result.x).parts())
    names, (p, q, n) = ("y", "z", "z_lower", "z_upper"), (*result.y.shape[1:], *result.z.shape[1:], *result.x.shape[1:])
    x, *multipliers = (part[several] for part in (result.x, *(getattr(result, name) for name in names)))
    d, active = model(program, take(theta, several)), result.active.take(several)
    H, A = matrices(d, (x, *multipliers))
    slope = d.lagrangian_gradient(x, *(torch.zeros_like(part) for part in multipliers[:2]))
    parts = (slope, A, equilibrate(H, A)[0], torch.cat(active.parts(), -1), torch.cat(multipliers, -1))
    found = [chosen(*(part.cpu().numpy() for part in item)) for item in zip(*parts, strict=True)]
    least, held, bent = (torch.from_numpy(np.stack(column)).to(x.device) for column in zip(*found, strict=True))
    least = dict(zip(names, least.split([p, q, n, n], -1), strict=True))
    result = replace(
        result, **{name: getattr(result, name).index_copy(0, several, part) for name, part in least.items()}
    )
    moved = (held != parts[3]).any(-1).nonzero()[:, 0]
    if len(moved) == 0:
        return result
    system = active_system(Active(*held[moved].split([q, n, n], -1)), H[moved], A[moved])
    return replace(
        result,
        degenerate=result.degenerate.index_fill(0, several[bent], True),
        system=joined(result.system, several[moved], system, len(result.x)),
    )


def chosen(slope: Array, A: Array, units: Array, active: Array, multipliers: Array) -> tuple[Array, Array, bool]:
    """One item: the multipliers y, z, lower, upper (p + q + 2n) of least norm, what of the active rows and bounds
    (q + 2n) remains, and whether the solution bends there.

    A (p + q, n) has the equations first, `units` (n,) scale its columns, `slope` (n,) is the objective's gradient. A
    variable that its bounds fix is an equation.
    """
    n, q = A.shape[1], len(active) - 2 * A.shape[1]
    p, unit = len(A) - q, np.eye(n)
    fixed = active[q : q + n] & active[q + n :]
    free = active.copy()
    free[q:] &= ~np.tile(fixed, 2)
    places = free.nonzero()[0]
    equations, rows = np.concatenate([A[:p], unit[fixed]]), np.concatenate([A[p:], -unit, unit])[places]
    at, z = multipliers.copy(), multipliers[p:][places]
    least = of_least_norm(slope, equations, rows, z)
    if least is not None:
        y, z = least
        at[:p], at[p + places] = y[:p], z
        at[p + q : p + q + n][fixed], at[p + q + n :][fixed] = np.maximum(-y[p:], 0), np.maximum(y[p:], 0)
    let_go = dependent(equations * units, rows * units, z)
    held = active.copy()
    held[places[let_go]] = False
    kept, out = rows[~np.isin(np.arange(len(rows)), let_go)], rows[let_go]
    return at, held, not all(any(opposite(row, other) for other in kept) for row in out)


def opposite(a: Array, b: Array) -> bool:
    """Two rows that look in opposite directions."""
    return float(a @ b) < -(1 - RANK) * float(np.linalg.norm(a) * np.linalg.norm(b))


def of_least_norm(slope: Array, equations: Array, rows: Array, z: Array) -> tuple[Array, Array] | None:
    """y (e,) and z (k,) >= 0 of least norm with slope + equations'y + rows'z = 0, from some z; None where rounding
    hides them.

    s minimises |equations s|^2/2 + |max(rows s, 0)|^2/2 + slope's, and a step that does not lower this is shortened.
    """
    both, e, sizes = np.concatenate([equations, rows]), len(equations), np.linalg.norm(rows, axis=1)

    def signs(s: Array) -> Array:
        return rows @ s > EXACT * sizes * np.linalg.norm(s)

    def height(s: Array) -> float:
        return float(((equations @ s) ** 2).sum() + (np.maximum(rows @ s, 0) ** 2).sum()) / 2 + float(slope @ s)

    s, above = np.zeros(both.shape[1]), z > 0
    for _ in range(len(rows) + ROUNDS):
        used, w = np.concatenate([np.full(e, True), above]), np.zeros(len(both))
        w[used] = np.linalg.lstsq(both[used].T, -slope, rcond=RANK)[0]
        way = np.linalg.lstsq(both[used], w[used], rcond=RANK)[0] - s
        if (signs(s + way) == above).all():
            terms = np.abs(slope) + np.abs(both.T) @ np.abs(w)
            exact = (np.abs(slope + both.T @ w) <= EXACT * terms).all() and (w[e:] >= 0).all()
            return (w[:e], w[e:]) if exact else None
        lengths = 0.5 ** np.arange(ROUNDS)
        s = s + way * lengths[int(np.argmin([height(s + t * way) for t in lengths]))]
        above = signs(s)
    return None


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
