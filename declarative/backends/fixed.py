"""Equations that fix entries of variables to 0, once sizes and consts are known -> the unknowns and rows that can go.

A row a*x = 0, whose number a != 0 is known and whose only unknown is x, says that x is none. What is left of the other
rows stays as it is, but for those that then say 0 = 0 or -1 <= 0: they go, too. A row that would be left without
unknowns and may be wrong (x >= p, or x == 1 beside x == 0) keeps its unknowns, so that what contradicts it is still
there to blame; so do rows that are not affine, where all would go that their family reads; and a program keeps one
unknown.

The multipliers come back by stationarity: with g the derivative, at x = 0, of the Lagrangian of what is left, the rows
a_k*x = 0 have multipliers y_k with g + sum a_k y_k = 0. Of these the least are y_k = -g a_k / sum a_k^2; bounds that
hold there as well have multipliers 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from declarative.backends.layout import Layout, entries_read
from declarative.backends.tape.evaluate import known_values
from declarative.backends.tape.polynomial import NotPolynomial, Polynomials
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.tape import Slot, Tape, needs
from declarative.backends.tape.terms import Linear, Term, X, selection
from declarative.backends.tape.vectorise import Vectoriser


@dataclass(frozen=True)
class Family:
    """Rows `body == 0` or `body <= 0` (`strict`: < 0) with the bodies (batch, count) at `slot`.

    `removable`: the family can do without some of its rows. `needed`: no row may be left without unknowns. Of bounds,
    the body is `sign` times what is at `slot`, less or plus one unknown, of which `unknowns` (count,) has the numbers.
    """

    slot: Slot
    count: int
    equality: bool
    strict: bool = False
    removable: bool = True
    needed: bool = False
    unknowns: np.ndarray | None = None
    sign: int = 1


@dataclass(frozen=True)
class Fixing:
    """Of one family the rows that fix an unknown: row `rows[k]` fixes the one that comes `of[k]`-th among the fixed.

    Its multiplier is `shares[k]` times the derivative of the Lagrangian.
    """

    rows: np.ndarray
    of: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Fixed:
    """`unknowns` (bool, of the whole layout): those that are 0. By family: the rows that stay, and those that fix.

    `many`: other multipliers serve as well.
    """

    unknowns: np.ndarray
    kept: tuple[np.ndarray, ...]
    fixing: tuple[Fixing, ...]
    many: bool

    @cached_property
    def count(self) -> int:
        return int(self.unknowns.sum())


@dataclass(frozen=True)
class _Read:
    """A family as far as it is known: which unknowns its rows may read, a constant for each (NaN: not known), and the
    rows with one unknown whose coefficient is known, with both.
    """

    terms: Linear
    constant: np.ndarray
    rows: np.ndarray
    unknowns: np.ndarray
    numbers: np.ndarray


def fixed_unknowns(
    vectoriser: Vectoriser,
    layout: Layout,
    families: Sequence[Family],
    constants: Mapping[str, np.ndarray],
    held: Mapping[str, np.ndarray],
) -> Fixed | None:
    """What can go of a program with these unknowns and rows; None where nothing can. `held`: entries that stay."""
    reader = _Reader(vectoriser, layout, constants)
    known = reader.read({k: family for k, family in enumerate(families) if family.equality and family.removable})
    fixed = np.zeros(layout.size, dtype=bool)
    for read in known.values():
        fixed[read.unknowns[read.constant[read.rows] == 0]] = True
    fixed[_numbers(layout, held)] = False
    if not fixed.any():
        return None
    known |= reader.read({k: family for k, family in enumerate(families) if k not in known})
    for family in (family for k, family in enumerate(families) if k not in known):
        own = _read_by(family.slot, vectoriser, layout)
        fixed[own] &= not fixed[own].all()
    for k, read in known.items():
        wrong = ~_alive(read, fixed) & ~_holds(families[k], read.constant)
        fixed[_within(read.terms, wrong)] = False
    if fixed.all():
        fixed[0] = False
    return _without(families, known, fixed) if fixed.any() else None


def _numbers(layout: Layout, entries: Mapping[str, np.ndarray]) -> np.ndarray:
    """The unknowns that these entries (flat) of variables are."""
    parts = [layout.places[name].reshape(-1)[at] for name, at in entries.items()]
    found = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    return found[found >= 0]


def _read_by(slot: Slot, vectoriser: Vectoriser, layout: Layout) -> np.ndarray:
    """The unknowns that a slot is made of."""
    tape = Tape(tuple(vectoriser.instructions), (slot,))
    read = entries_read(tape, needs(tape, (slot,)))
    return _numbers(layout, {name: at.nonzero()[0] for name, at in read.items() if name in layout.places})


def every(layout: Layout, names: Iterable[str]) -> dict[str, np.ndarray]:
    """All entries of these variables."""
    return {name: np.arange(layout.places[name].size) for name in names}


def _without(families: Sequence[Family], known: Mapping[int, _Read], fixed: np.ndarray) -> Fixed:
    squares, times = np.zeros(len(fixed)), np.zeros(len(fixed), dtype=np.int64)
    kept, found, many = [], [], False
    for k, family in enumerate(families):
        stay, own = np.ones(family.count, dtype=bool), (np.zeros(0, dtype=np.int64),) * 3
        if (read := known.get(k)) is not None and family.removable:
            stay = _alive(read, fixed) | ~_holds(family, read.constant)
            of = fixed[read.unknowns] & ~stay[read.rows] & family.equality
            own = read.rows[of], read.unknowns[of], read.numbers[of]
            np.add.at(squares, own[1], own[2] ** 2)
            np.add.at(times, own[1], 1)
            idle = ~stay & (read.constant == 0)
            idle[own[0]] = False
            many |= bool(idle.any())
        kept.append(np.flatnonzero(stay))
        found.append(own)
    number = np.cumsum(fixed) - 1
    fixing = tuple(Fixing(rows, number[of], -numbers / squares[of]) for rows, of, numbers in found)
    return Fixed(fixed, tuple(kept), fixing, many or bool((times > 1).any()))


def _holds(family: Family, constant: np.ndarray) -> np.ndarray:
    """Is a row without unknowns known to be true?"""
    if family.needed:
        return np.zeros(len(constant), dtype=bool)
    if family.equality:
        return constant == 0
    return constant < 0 if family.strict else constant <= 0


def _alive(read: _Read, fixed: np.ndarray) -> np.ndarray:
    """Which rows may read an unknown that is not fixed."""
    alive = np.zeros(len(read.constant), dtype=bool)
    for term in read.terms:
        alive[term.rows[~fixed[term.cols].all(1)].reshape(-1)] = True
    return alive


def _within(terms: Linear, rows: np.ndarray) -> np.ndarray:
    """The unknowns in these rows."""
    parts = (term.cols[rows[term.rows].any(1)].reshape(-1) for term in terms)
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


class _Reader:
    def __init__(self, vectoriser: Vectoriser, layout: Layout, constants: Mapping[str, np.ndarray]):
        self.constants = constants
        self.polynomials = Polynomials(vectoriser.instructions, layout.places, frozenset(), RULES)

    def read(self, families: Mapping[int, Family]) -> dict[int, _Read]:
        """Those that are affine, by their numbers."""
        found = {k: affine for k, family in families.items() if (affine := self._affine(family)) is not None}
        singles = [term for terms, _ in found.values() for term in terms if term.sizes[2] == 1]
        slots = {id(term): self.polynomials.maps.values(term) for term in singles}
        wanted = [*slots.values(), *(slot for _, slot in found.values() if slot is not None)]
        values = known_values(self.polynomials.arrays.instructions, wanted, self.constants)
        numbers = {name: values[slot] for name, slot in slots.items() if slot in values}
        return {
            k: _read(families[k], terms, numbers, np.zeros(()) if slot is None else values.get(slot))
            for k, (terms, slot) in found.items()
        }

    def _affine(self, family: Family) -> tuple[Linear, Slot | None] | None:
        """Its terms, and the slot of its constants, if there are any."""
        if family.unknowns is not None:
            return selection(X, family.unknowns), family.slot
        try:
            value = self.polynomials(family.slot)
        except NotPolynomial:
            return None
        return (value.terms, value.constant) if value.affine else None


def _read(family: Family, terms: Linear, numbers: Mapping[int, np.ndarray], constant: np.ndarray | None) -> _Read:
    """`numbers` has the coefficients of terms that are known; the constant may not be."""
    doubtful = np.zeros(family.count, dtype=bool)
    rows, unknowns, own = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    others = []
    for term in terms:
        if id(term) in numbers:
            rows.append(term.rows.reshape(-1))
            unknowns.append(np.broadcast_to(term.cols, term.rows.shape).reshape(-1))
            own.append(numbers[id(term)].reshape(-1))
        else:
            doubtful[term.rows.reshape(-1)] = True
            others.append(term)
    (row, unknown), number = _summed(np.stack([np.concatenate(rows), np.concatenate(unknowns)]), np.concatenate(own))
    sure = (np.bincount(row, minlength=family.count)[row] == 1) & ~doubtful[row]
    constant = np.full(family.count, np.nan) if constant is None else family.sign * constant.reshape(-1)
    return _Read(
        terms=(*others, Term(X, row[:, None], unknown[:, None])),
        constant=np.broadcast_to(constant, family.count),
        rows=row[sure],
        unknowns=unknown[sure],
        numbers=number[sure],
    )


def _summed(places: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The entries of a sparse matrix, each once, without zeros."""
    places, which = np.unique(places, axis=1, return_inverse=True)
    total = np.bincount(which.reshape(-1), numbers, minlength=places.shape[1])
    return places[:, total != 0], total[total != 0]
