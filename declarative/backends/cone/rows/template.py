"""A function of the library to the cone rows that bound it, by CVXPY: once for each function, shape and options.

`f(y) <= t` for plain variables y and t is A w + s = b, s in K with w = (y, t, auxiliaries). Arguments that hold only
data are variables here too where f is jointly convex; else they are CVXPY parameters, in which A and b are affine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.cone.sets.cones import Block, Kind

Given: TypeAlias = np.ndarray | None  # a known argument; None: one that is an expression


class NotConic(Exception):
    """CVXPY cannot bound the function by cones with these arguments."""


@dataclass(frozen=True)
class Entries:
    """Sparse coefficients: `values[k] * p[params[k]]` at (rows[k], columns[k]), with p[-1] = 1."""

    rows: np.ndarray
    columns: np.ndarray
    params: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Template:
    """Columns of A: the arguments in `moving`, then t, each row by row, then auxiliaries. b has one column, 0.

    `fixed` are the arguments that are parameters p, row by row.
    """

    blocks: tuple[Block, ...]
    moving: tuple[int, ...]
    fixed: tuple[int, ...]
    sizes: tuple[int, ...]  # of the moving arguments, and of t
    auxiliaries: int
    A: Entries
    b: Entries

    @property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)

    @property
    def columns(self) -> int:
        return sum(self.sizes) + self.auxiliaries


@dataclass(frozen=True)
class Wanted:
    """`f(args) <= t` where `convex`, else `f(args) >= t`. `given` are known arguments.

    `data` marks the arguments that hold only data, `nonneg` those that are known to be >= 0.
    """

    atom: str
    form: Form
    convex: bool
    given: tuple[Given, ...]
    data: tuple[bool, ...]
    nonneg: tuple[bool, ...]


def make_template(wanted: Wanted) -> Template:
    """With all arguments as variables, if CVXPY's rules allow it, else with the data as parameters.

    Raises NotConic.
    """
    import cvxpy as cp  # takes a second, and programs of rows and quadratic forms do without

    free = [k for k, value in enumerate(wanted.given) if value is None]
    for fixed in ((), tuple(k for k in free if wanted.data[k])):
        args = [_argument(cp, wanted, k, k in fixed) for k in range(len(wanted.given))]
        t = cp.Variable(wanted.form.shape)
        problem = _bound(cp, wanted, args, t)
        if problem is not None:
            moving = tuple(k for k in free if k not in fixed)
            program = problem.get_problem_data(cp.CLARABEL, ignore_dpp=False)[0]["param_prob"]
            return _template(program, args, t, moving, fixed)
    raise NotConic(wanted.atom)


def _argument(cp: Any, wanted: Wanted, k: int, parameter: bool):
    if wanted.given[k] is not None:
        return wanted.given[k]
    shape = wanted.form.shapes[k]
    return cp.Parameter(shape, nonneg=wanted.nonneg[k]) if parameter else cp.Variable(shape)


def _bound(cp: Any, wanted: Wanted, args: list, t: Any) -> Any:
    """A CVXPY problem, min 0 with the bound as constraint; None where CVXPY's rules refuse it."""
    record = find(wanted.atom)
    assert record is not None
    if record.cvxpy is None:
        return None
    try:
        value = record.cvxpy(cp, wanted.form, *args)
        problem = cp.Problem(cp.Minimize(0), [value <= t if wanted.convex else value >= t])
        return problem if problem.is_dpp() else None
    except (ValueError, TypeError, cp.error.DCPError):
        return None


def _template(program: Any, args: list, t: Any, numbers: tuple[int, ...], places: tuple[int, ...]) -> Template:
    """From CVXPY's canonical program. `numbers`: the arguments that are variables, `places`: that are parameters."""
    moving, fixed = [args[k] for k in numbers], [args[k] for k in places]
    n = program.x.size
    shown = [*moving, t]
    order = np.full(n, -1)  # CVXPY's column -> ours
    start = 0
    for variable in shown:
        at = program.var_id_to_col.get(variable.id)
        if at is not None:
            order[at + _column_major(variable.shape)] = start + np.arange(variable.size)
        start += variable.size
    rest = np.flatnonzero(order < 0)
    order[rest] = start + np.arange(len(rest))
    entries = sp.csc_matrix(program.A)
    entries.eliminate_zeros()
    entries = entries.tocoo()  # ((n + 1) rows, parameters + 1), of the matrix [A b] by columns
    rows = program.constr_size
    row, column = entries.row % rows, entries.row // rows
    params = _parameters(program, fixed)[entries.col]
    left = column < n
    # CVXPY keeps A x + b in K; here A x + s = b.
    values = np.asarray(entries.data, dtype=float)
    A = Entries(row[left], order[column[left]], params[left], -values[left])
    b = Entries(row[~left], 0 * row[~left], params[~left], values[~left])
    sizes = tuple(variable.size for variable in shown)
    return Template(_blocks(program.cone_dims), numbers, places, sizes, len(rest), A, b)


def _column_major(shape: tuple[int, ...]) -> np.ndarray:
    """For each entry, row by row, its place in CVXPY's column-major vector."""
    size = int(np.prod(shape, dtype=np.int64))
    return np.arange(size).reshape(shape, order="F").reshape(-1)


def _parameters(program, fixed: list) -> np.ndarray:
    """CVXPY's parameter column -> ours (row by row); the constant's is the last."""
    width = program.total_param_size
    order, start = np.full(width + 1, width), 0
    for parameter in fixed:
        at = program.param_id_to_col.get(parameter.id)
        if at is not None:
            order[at + _column_major(parameter.shape)] = start + np.arange(parameter.size)
        start += parameter.size
    order[program.param_id_to_col.get(-1, width)] = start
    return order


def _blocks(dims) -> tuple[Block, ...]:
    found = [Block(Kind.ZERO, dims.zero)] * bool(dims.zero) + [Block(Kind.NONNEG, dims.nonneg)] * bool(dims.nonneg)
    found += [Block(Kind.SOC, rows) for rows in dims.soc]
    found += [Block(Kind.PSD, side * (side + 1) // 2) for side in dims.psd]
    found += [Block(Kind.EXP, 3)] * dims.exp + [Block(Kind.POWER, 3, alpha) for alpha in dims.p3d]
    if any(len(powers) > 2 for powers in dims.pnd):
        raise NotConic("power cones of more than three rows")
    found += [Block(Kind.POWER, 3, powers[0]) for powers in dims.pnd]
    return tuple(found)
