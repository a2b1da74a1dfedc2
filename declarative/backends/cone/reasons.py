"""Why an item is not solved, in words: what was found, and what its ray consists of, by name and line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from declarative.backends.cone.assemble import Assembly
from declarative.backends.cone.differentiate.function import Outcomes
from declarative.backends.cone.program.solved import Solved
from declarative.backends.cone.rows.epigraph import AtomRow
from declarative.backends.status import BROKEN, NOTHING, Status
from declarative.rewrite.standard import ConeRow, Row
from declarative.source.span import Span

T = TypeVar("T")

MOST = 5  # names in a message
SHARE = 1e-3  # of the largest share in a ray; less than this does not count

WORDS = {
    Status.INACCURATE: "the answer misses the tolerance of 1e-6; rescaling the data may help",
    Status.INFEASIBLE: "no point satisfies the constraints (a combination of them is contradictory)",
    Status.UNBOUNDED: "the objective decreases without end along a direction that the constraints allow",
    Status.FAILED: NOTHING,
}
ESCAPES = (
    "no minimum was found: on the way to infinity the objective approaches a limit; a bound or a penalty would hold it"
)
RECEDES = (
    "no minimum was found: the constraints allow a direction to infinity in which the objective does not rise;"
    " a bound or a penalty would hold it"
)
BLURRED = "curvature of the sum of squares is lost in rounding errors of its matrix; scale the rows alike"
BENDS = "the objective decreases without end, ever more slowly, along a curve that the constraints allow"


def messages_of(assembly: Assembly, outcomes: Outcomes) -> dict[int, str]:
    """By item, for those that are not solved."""
    found = {}
    for k, solved in enumerate(outcomes.items):
        if solved.status is not Status.SOLVED:
            found[k] = _words(assembly, solved)
    return found


def _words(assembly: Assembly, solved: Solved) -> str:
    if solved.broken or solved.escapes:
        return BROKEN if solved.broken else ESCAPES
    if solved.blurred:
        return BLURRED
    words = RECEDES if solved.recedes else BENDS if solved.bends else WORDS[solved.status]
    return words + _ray(assembly, solved)


def _ray(assembly: Assembly, solved: Solved) -> str:
    """What the ray consists of."""
    if solved.ray_shares is None:
        return ""
    if solved.status is Status.INFEASIBLE:
        return _listed("; to blame", _constraints(assembly, solved.ray_shares))
    return _listed("; what moves", _variables(assembly, solved.ray_shares))


def _listed(words: str, parts: list[str]) -> str:
    return f"{words}: {', '.join(parts[:MOST])}" if parts else ""


def _variables(assembly: Assembly, shares: np.ndarray) -> list[str]:
    """The user's variables that move, those first that move most."""
    added = {a.variable.name for a in assembly.conic.standard.auxiliaries}
    user = [v for v in assembly.conic.standard.variables if v.name not in added]
    places = [assembly.layout.places[v.name] for v in user]
    parts = [float(shares[at[at >= 0]].max(initial=0.0)) for at in places]
    return [_place(v.name, v.origin) for v in _ordered(parts, user)]


def _constraints(assembly: Assembly, shares: np.ndarray) -> list[str]:
    """The constraints in the contradiction; a function within one of them is not named beside it."""
    starts = assembly.starts()
    parts = [float(shares[at : at + chunk.rows].sum()) for chunk, at in zip(assembly.chunks, starts, strict=False)]
    owners = [chunk.constraint for chunk in _ordered(parts, assembly.chunks)]
    rows = [owner.origin for owner in owners if not isinstance(owner, AtomRow)]
    apart = [o for o in owners if not (isinstance(o, AtomRow) and any(_within(o.origin, row) for row in rows))]
    return list(dict.fromkeys(_place(_name(owner), owner.origin) for owner in apart))


def _ordered(parts: list[float], of: Sequence[T]) -> list[T]:
    """Those with a share that counts, the largest first."""
    most = max(parts, default=0.0)
    order = sorted(range(len(parts)), key=lambda k: -parts[k])
    return [of[k] for k in order if parts[k] > SHARE * most]


def _within(inner: Span | None, outer: Span | None) -> bool:
    return inner is not None and outer is not None and outer.start <= inner.start and inner.end <= outer.end


def _name(owner: Row | ConeRow | AtomRow) -> str:
    path = () if isinstance(owner, AtomRow) else owner.path
    text = " ".join(owner.origin.text.split()) if owner.origin is not None else "a bound on a function"
    return ".".join(path) or text


def _place(name: str, origin: Span | None) -> str:
    return f"`{name}` (line {origin.line})" if origin is not None else f"`{name}`"
