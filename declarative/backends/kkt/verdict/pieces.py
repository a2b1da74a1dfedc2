"""Dependent active rows -> their multipliers of least norm, and a part of them that is independent.

Where rows depend on each other, N'(A, G) = 0, multipliers w = (y, z) with z >= 0 may go along the columns of N, and
A'y + G'z stays the same. Those of least norm are a projection, min |N t + w| with N t + w >= 0 in the inequalities: a
least distance problem, whose dual has nonnegative variables alone (Lawson and Hanson 1974, chapter 23).

Where such a solution moves it bends. A way among the multipliers ends where one is 0; its row is let go, and so on,
until what remains is independent: a vertex of the set of multipliers (Caratheodory). All rows together have in general
no derivative, for each may move by itself; that of the piece where those that remain are active keeps to the equations.

A row that is weakly active, of a multiplier of 0, belongs to them where it depends on the others: w may go there too.
Most quadratic programs on a CPU have all that from compiled code (`compiled/dependent.py`), by the same rules.
"""

from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import nnls

from declarative.backends.kkt.compiled.constants import WEAK
from declarative.backends.kkt.differentiate.adjoint import active_system
from declarative.backends.kkt.linear.least_norm import RANK
from declarative.backends.kkt.linear.scaling import equilibrate
from declarative.backends.kkt.linear.system import joined
from declarative.backends.kkt.program.certify import Primal, appraise, evaluate
from declarative.backends.kkt.program.program import Active, Result, SmoothProgram, Theta, take
from declarative.backends.kkt.program.quadratic import explicit, model, quadratic
from declarative.backends.kkt.verdict.drowned import drowned, surfaced
from declarative.backends.status import Status

Array = np.ndarray
STILL = 1e-9  # the length of a row of an orthonormal basis that is none
ALIKE = 1e-9  # what differs by less, relatively, is alike


def on_one_piece(program: SmoothProgram, theta: Theta, result: Result, tolerance: float = 1e-6) -> Result:
    """The result with multipliers of least norm, and a system of independent inequalities.

    Items where some were let go are degenerate, except where two rows are the two sides of one equation. Those that are
    not stationary to the tolerance with the least multipliers are not solved.
    """
    several = result.dual_nonunique | result.degenerate
    if not several.any():
        return result
    several = (several & (result.status <= Status.INACCURATE) & ~result.least).nonzero()[:, 0]
    if len(several) == 0 or result.system is None:
        return result
    if program.kind == "qp":
        program, theta = explicit(program), tuple(quadratic(program, theta, result.x).parts())
    names, (p, q, n) = ("y", "z", "z_lower", "z_upper"), (*result.y.shape[1:], *result.z.shape[1:], *result.x.shape[1:])
    x, *multipliers = (part[several] for part in (result.x, *(getattr(result, name) for name in names)))
    here, at = model(program, take(theta, several)), Primal(x, *multipliers)
    there = appraise(here, at, program.blocks, None)
    A, before = torch.cat([there.local.Jc, there.local.Jg], -2), torch.cat(result.active.take(several).parts(), -1)
    idle = (there.shares.slack < WEAK) & result.degenerate[several, None] & ~before
    parts = (A, equilibrate(there.local.H, A)[0], before, idle, torch.cat(multipliers, -1))
    found = [chosen(*(part.cpu().numpy() for part in item)) for item in zip(*parts, strict=True)]
    columns = (torch.from_numpy(np.stack(column)).to(x.device) for column in zip(*found, strict=True))
    least, active, held, bent, many = columns
    parts = dict(zip(names, least.split([p, q, n, n], -1), strict=True))
    now = Primal(x, **parts)
    result = surfaced(result, several, drowned(evaluate(here, now), now, at), tolerance)
    marks = zip(result.active.parts(), active.split([q, n, n], -1), strict=True)
    result = replace(
        result,
        active=Active(*(all_of_them.index_copy(0, several, part) for all_of_them, part in marks)),
        dual_nonunique=result.dual_nonunique.index_fill(0, several[many], True),
        degenerate=result.degenerate.index_fill(0, several[bent], True),
        **{name: getattr(result, name).index_copy(0, several, part) for name, part in parts.items()},
    )
    moved = (held != before).any(-1).nonzero()[:, 0]
    if len(moved) == 0:
        return result
    system = active_system(Active(*held[moved].split([q, n, n], -1)), there.local.H[moved], A[moved])
    return replace(result, system=joined(result.system, several[moved], system, len(result.x)))


def chosen(A: Array, units: Array, active: Array, idle: Array, multipliers: Array) -> tuple[Array, ...]:
    """One item: the multipliers y, z, lower, upper (p + q + 2n) of least norm, what is active then (q + 2n), what of it
    remains, whether the solution bends there, and whether there are other multipliers.

    A (p + q, n) has the equations first, `units` (n,) scale its columns. A variable that its bounds fix is an equation.
    """
    n, q = A.shape[1], len(active) - 2 * A.shape[1]
    p, unit = len(A) - q, np.eye(n)
    fixed = active[q : q + n] & active[q + n :]
    free = active | idle
    free[q:] &= ~np.tile(fixed, 2)
    places = free.nonzero()[0]
    rows = np.concatenate([A[p:], -unit, unit])[places]
    at, lower, upper = multipliers.copy(), slice(p + q, p + q + n), slice(p + q + n, None)
    N, e = ways(np.concatenate([A[:p], unit[fixed], rows]) * units), p + int(fixed.sum())
    if not leads(N, e + idle[places].nonzero()[0]):
        return at, active, active, np.array(False), np.array(False)
    w = np.concatenate([at[:p], (at[upper] - at[lower])[fixed], at[p:][places]])
    w = least_norm(w, N, e)
    at[:p], at[p + places] = w[:p], w[e:]
    at[lower][fixed], at[upper][fixed] = np.maximum(-w[p:e], 0), np.maximum(w[p:e], 0)
    out = let_go(N[e:], w[e:])
    now, kept = active.copy(), np.delete(rows, out, 0)
    now[places] |= w[e:] > RANK * np.abs(w).max()
    held = now.copy()
    held[places[out]] = False
    return at, now, held, np.array(not opposites(rows[out], kept).all()), np.array(True)


def leads(N: Array, idle: Array) -> bool:
    """Whether multipliers may go anywhere, N t, that lets none of the `idle` ones, which are 0, become negative.

    Where the idle rows of N are Z and no Z t = 0, that is so but where Z's = 0 for some s > 0 (Stiemke's alternative).
    """
    Z = N[idle]
    if np.linalg.matrix_rank(Z, RANK) < N.shape[1]:
        return True
    return N.shape[1] > 0 and nnls(Z.T, -Z.sum(0))[1] > RANK


def ways(both: Array) -> Array:
    """An orthonormal basis N (m, d) of what combines the rows (m, n) to 0."""
    sizes = np.maximum(np.linalg.norm(both, axis=1), np.finfo(float).tiny)[:, None]
    U, S, _ = np.linalg.svd(both / sizes)
    return np.linalg.qr(U[:, int((S > RANK).sum()) :] / sizes)[0]


def least_norm(w: Array, N: Array, e: int) -> Array:
    """Of all w + N t that are not negative from the entry e on, the least; w (m,) is one of them."""
    least = w - N @ (N.T @ w)
    if (least[e:] >= 0).all():
        return least
    G, h = N[e:], -least[e:]
    r, distance = nnls(np.concatenate([G.T, h[None]]), np.append(np.zeros(N.shape[1]), 1.0))
    if distance < RANK:
        return w
    gap = np.append(G.T @ r, h @ r - 1)
    least = least - N @ (gap[:-1] / gap[-1])
    least[e:] = np.where(r > 0, 0, np.maximum(least[e:], 0))
    return least


def let_go(N: Array, z: Array) -> list[int]:
    """The rows that are let go, one for each independent change of theirs, from multipliers z (k,) >= 0; N (k, d) are
    their rows of an orthonormal basis.

    The least one of the multipliers that can change, the first of several, is led to 0 by the shortest way, or another
    that is 0 on the way; then what changes that one is left out of N.
    """
    N, z, out = N.copy(), without_rounding(z), []
    while N.shape[1]:
        free = np.linalg.norm(N, axis=1) > STILL
        free[out] = False
        if not free.any():
            break
        place = first_of_least(np.where(free, z, np.inf))
        if z[place] > 0:
            move = N @ -N[place]
            falls = free & (-move > RANK * np.abs(move).max())
            steps = np.divide(z, -move, out=np.full_like(z, np.inf), where=falls)
            place = first_of_least(steps)
            z = without_rounding(z + steps[place] * move)
        z[place] = 0
        out.append(place)
        N = still(N, place)
    return out


def without_rounding(z: Array) -> Array:
    """Multipliers with 0 for what is none beside the largest, or negative."""
    return np.where(z > RANK * z.max(initial=0), z, 0)


def first_of_least(sizes: Array) -> int:
    """The place of the least size, or of the first that is about the same."""
    return int((sizes <= (1 + ALIKE) * sizes.min()).argmax())


def still(N: Array, place: int) -> Array:
    """The part (k, d - 1) of a basis N (k, d) that is 0 at a place: turned so that its last column alone is not."""
    v = N[place].copy()
    v[-1] += np.copysign(np.linalg.norm(v), v[-1])
    return (N - np.outer(N @ v, v) * (2 / (v @ v)))[:, :-1]


def opposites(some: Array, others: Array) -> Array:
    """Which of some rows look in the direction opposite to that of another."""
    lengths = np.linalg.norm(some, axis=1)[:, None] * np.linalg.norm(others, axis=1)
    return (some @ others.T < -(1 - RANK) * lengths).any(1)
