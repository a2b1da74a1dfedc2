"""A template with rows `aux <= t` to one without them: t takes the place of the auxiliary variable.

CVXPY bounds a function by a variable of its own, f(y) <= aux, and then compares aux with t. The rest of the rows hold
for every larger aux, so aux = t says the same. Before: norm(y) <= aux, aux <= t. After: norm(y) <= t.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.backends.cone.rows.template import Entries, Template
from declarative.backends.cone.sets.cones import Block, Kind


def tighten(template: Template) -> Template:
    """The same bound in fewer rows and columns."""
    found = _pairs(template)
    if not found:
        return template
    rows, auxiliaries = set(found), {aux for aux, _ in found.values()}
    into = dict(found.values())
    A, shown = template.A, sum(template.sizes)
    kept = ~np.isin(A.rows, list(rows))
    columns = np.array([into.get(c, c) for c in A.columns.tolist()], dtype=np.int64)
    columns -= np.array([sum(aux < c for aux in auxiliaries) if c >= shown else 0 for c in columns.tolist()])
    order = np.cumsum(~np.isin(np.arange(template.rows), list(rows))) - 1
    return replace(
        template,
        blocks=_without(template.blocks, rows),
        auxiliaries=template.auxiliaries - len(auxiliaries),
        A=Entries(order[A.rows[kept]], columns[kept], A.params[kept], A.values[kept]),
        b=replace(template.b, rows=order[template.b.rows]),
    )


def _pairs(template: Template) -> dict[int, tuple[int, int]]:
    """Row -> (auxiliary, entry of t), for rows `aux - t <= 0` or `t - aux <= 0` that alone hold this entry of t."""
    A, shown, constant = template.A, sum(template.sizes), int(template.A.params.max(initial=0))
    inequality = _rows_of(template.blocks, Kind.NONNEG) - set(template.b.rows.tolist())
    uses = np.bincount(A.columns, minlength=template.columns)
    found: dict[int, tuple[int, int]] = {}
    taken: set[int] = set()
    for row in sorted(inequality):
        at = np.flatnonzero(A.rows == row)
        if len(at) != 2 or A.values[at].sum() != 0 or np.abs(A.values[at]).max() != 1:
            continue
        t, aux = sorted(A.columns[at].tolist())
        own = shown - template.sizes[-1] <= t < shown <= aux and uses[t] == 1
        if own and aux not in taken and (A.params[at] == constant).all():
            found[row] = (aux, t)
            taken.add(aux)
    return found


def _rows_of(blocks: tuple[Block, ...], kind: Kind) -> set[int]:
    found, start = set(), 0
    for block in blocks:
        if block.kind is kind:
            found |= set(range(start, start + block.rows))
        start += block.rows
    return found


def _without(blocks: tuple[Block, ...], rows: set[int]) -> tuple[Block, ...]:
    found, start = [], 0
    for block in blocks:
        left = sum(start + k not in rows for k in range(block.rows))
        start += block.rows
        if left:
            found.append(replace(block, rows=left))
    return tuple(found)
