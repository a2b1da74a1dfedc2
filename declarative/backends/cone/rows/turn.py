"""A template with squares in second-order cones to one with rotated cones: |w|^2 <= u v for (u + v, u - v, 2w).

CVXPY writes x^2 <= t as |(1 - t, 2x)| <= 1 + t. There t is lost beside 1, or 1 beside t, where one of them is a
billionth of the other. A rotated cone has rows of their own for both, which are exact and can be scaled apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.backends.cone.rows.template import Entries, Template
from declarative.backends.cone.sets.cones import ROOT_HALF, Block, Kind

U, V = 1.0, -1.0  # the sign with which what is in a cone's first row is in its second


def turn(template: Template) -> Template:
    """The same bound."""
    A, b, start, blocks = template.A, template.b, 0, []
    for block in template.blocks:
        if block.kind is Kind.SOC and block.rows > 2:
            in_A, in_b = _signs(A, start), _signs(b, start)
            if in_A is not None and in_b is not None and {U, V} <= {*in_A.values(), *in_b.values()}:
                A, b = _turned(A, start, block.rows, in_A), _turned(b, start, block.rows, in_b)
                block = Block(Kind.ROTATED, block.rows)
        blocks.append(block)
        start += block.rows
    return replace(template, blocks=tuple(blocks), A=A, b=b)


def _signs(entries: Entries, row: int) -> dict[tuple[int, int], float] | None:
    """By column and parameter U or V, as an entry of this row is in the next; None where another one is there."""
    first, second = ([((c, p), v) for r, c, p, v in _listed(entries) if r == row + k] for k in (0, 1))
    there = dict(second)
    found = {at: sign for at, v in first for sign in (U, V) if there.get(at) == sign * v}
    return found if len(found) == len(first) == len(second) else None


def _turned(entries: Entries, start: int, rows: int, signs: dict[tuple[int, int], float]) -> Entries:
    """u and v have the places of u + v and u - v."""
    kept = []
    for r, c, p, v in _listed(entries):
        match r - start:
            case 0 if signs[c, p] == U:
                kept.append((r, c, p, v))
            case 0:
                kept.append((r + 1, c, p, v))
            case 1:
                pass
            case k:
                kept.append((r, c, p, v * (ROOT_HALF if 1 < k < rows else 1.0)))
    r, c, p = (np.array([entry[k] for entry in kept], dtype=np.int64) for k in range(3))
    return Entries(r, c, p, np.array([entry[3] for entry in kept], dtype=float))


def _listed(entries: Entries) -> list[tuple[int, int, int, float]]:
    parts = (entries.rows, entries.columns, entries.params, entries.values)
    return list(zip(*(part.tolist() for part in parts), strict=True))
