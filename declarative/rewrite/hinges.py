"""Functions of one argument r with one kink, where r is 0, as j*pos(r) + k*r: `abs(r)` is 2*pos(r) - r.

Of two with the same r, or with r and -r, one tells the other: with t in the place of pos(r), `negpart(r)` is t - r.
That is exact for bounds too: t >= r and t >= 0 say the same of t as t - r >= -r and t - r >= 0 do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from declarative.atoms.algebra import negative, plus, times
from declarative.ir.expr import Call, Constant, Expr
from declarative.ir.facts import Sign
from declarative.ir.walk import varies

JUMPS = {"abs": (2.0, -1.0), "pos": (1.0, 0.0), "negpart": (1.0, -1.0)}
OF_TWO = {"maximum": (1.0, 0.0), "minimum": (-1.0, 1.0)}  # of r and 0

Terms: TypeAlias = frozenset[tuple[Expr, int]]  # of a sum, how often each stands there; below 0: subtracted


@dataclass(frozen=True)
class Hinge:
    """jump*pos(r) + tilt*r."""

    r: Expr
    jump: float
    tilt: float

    @property
    def vanishes(self) -> bool:
        """Is r a difference of equal terms?"""
        return all(count == 0 for _, count in _terms(self.r))

    def slope(self, sign: Sign) -> float | None:
        """What it multiplies r by, where r has this sign only."""
        return self.jump + self.tilt if sign.nonneg else self.tilt if sign.nonpos else None

    def told_by(self, other: Hinge, value: Expr) -> Expr:
        """By the value of another with the same kink."""
        jump, tilt = (self.jump, self.tilt) if _terms(self.r) == _terms(other.r) else self._turned
        factor = jump / other.jump
        rest = tilt - factor * other.tilt
        return plus(multiple(factor, value), multiple(rest, other.r)) if rest else multiple(factor, value)

    @property
    def _turned(self) -> tuple[float, float]:
        """In terms of -r, since pos(r) = pos(-r) - (-r)."""
        return self.jump, -self.jump - self.tilt

    @property
    def kink(self) -> frozenset[Terms]:
        """The same for all that have their kink where this one has it."""
        terms = _terms(self.r)
        return frozenset((terms, frozenset((term, -count) for term, count in terms)))


def hinge(node: Expr) -> Hinge | None:
    match node:
        case Call(atom=atom, args=(r,)) if atom in JUMPS:
            return Hinge(r, *JUMPS[atom])
        case Call(atom=atom, args=(r, Constant(0.0)) | (Constant(0.0), r)) if atom in OF_TWO and r.shape == node.shape:
            return Hinge(r, *OF_TWO[atom])
        case _:
            return None


def moving_hinge(node: Expr) -> Hinge | None:
    """Of something that varies; that of abs(x) for norm1(x), which is its sum."""
    match node:
        case Call("norm1", (x,)):
            own = Hinge(x, *JUMPS["abs"])
        case _:
            own = hinge(node)
    return own if own is not None and varies(own.r) else None


def either_way(r: Expr) -> Expr:
    """The same for r and -r, to be compared."""
    terms = sorted(_terms(r), key=lambda term: hash(term[0]))
    turned = -1 if next((count for _, count in terms if count), 1) < 0 else 1
    return plus(Constant(0.0), *(times(float(turned * count), term) for term, count in terms))


def multiple(factor: float, e: Expr) -> Expr:
    return e if factor == 1 else negative(e) if factor == -1 else times(factor, e)


def _terms(e: Expr) -> Terms:
    counts: Counter[Expr] = Counter()
    for term, count in _signed(e):
        counts[term] += count
    return frozenset(counts.items())


def _signed(e: Expr) -> Iterator[tuple[Expr, int]]:
    pending = [(e, 1)]
    while pending:
        term, sign = pending.pop()
        match term:
            case Call("add", terms):
                pending.extend((part, sign) for part in terms)
            case Call("neg", (part,)):
                pending.append((part, -sign))
            case Call("mul", (Constant(c), part)) if c < 0:
                pending.append((multiple(-c, part), -sign))
            case Constant(c) if c < 0:
                yield Constant(-c), -sign
            case _:
                yield term, sign
