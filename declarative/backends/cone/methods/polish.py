"""Approximate solutions of cone programs to ones with all the digits that their conditioning allows.

Newton's method on F(x, v) = (Px + q + A'z, Ax + s - b) with s = proj_K(v) and z = s - v: every iterate is exactly in
the cones and exactly complementary, so these two residuals are the whole error. It restores what an interior-point
method loses at the boundary. Items go in step, each with a matrix and a step length of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.cone.program.item import Items, Point
from declarative.backends.cone.program.system import System, conic_systems, newton_steps
from declarative.backends.cone.program.tails import exponential_columns, tails
from declarative.backends.cone.sets.cones import Cones, Kind
from declarative.backends.cone.sets.projections import Spectrum, other_part, project, replaced, together

STEPS = 12
HALVES = 5  # of a step that does not reduce the error, where cones are curved
BOLD = 16  # steps that may lead through larger errors
CREEPING = 750  # steps more that exponentials may take to fall by one e-th each, which is as far as they go
HALF = 0.5  # of the largest term: what balances is far less
FALLING = 0.9  # a step that leaves more of the error than this has no use
LEAP = 10.0  # of the error, may be left by one of the first steps from a solution of a similar program
SMALL = 1e3  # an error within so many floors that does not fall has nowhere to go
NEAR, SAME = 1e-3, 1e-12  # while v has moved by less, its matrix is good enough for a step, or is the one at v


PARTS = ("x", "v", "s", "z", "stationarity", "feasibility", "error", "floor")  # of an iterate, beside the spectrum
ENOUGH = 2.0  # floors
FLOOR = 1e-15  # of the largest entry of a point
ROUNDING = 2e-15  # of the largest term of a row


@dataclass(frozen=True)
class Iterate:
    """Of a batch: x (B, n), v, s and z (B, m). `floor` is what rounding leaves of the error.

    `by_row`: the error is the largest beside the largest term of its own row, so that small rows count as large ones.
    """

    x: np.ndarray
    v: np.ndarray
    s: np.ndarray
    z: np.ndarray
    spectrum: Spectrum
    stationarity: np.ndarray
    feasibility: np.ndarray
    error: np.ndarray  # (B,)
    floor: np.ndarray  # (B,)
    by_row: bool = False

    @property
    def point(self) -> Point:
        return Point(self.x, self.s, self.z)

    def some(self, chosen: np.ndarray) -> Iterate:
        if len(chosen) == len(self.x):
            return self
        parts = {name: getattr(self, name)[chosen] for name in PARTS}
        return Iterate(spectrum=self.spectrum.some(chosen), by_row=self.by_row, **parts)

    def with_some(self, chosen: np.ndarray, new: Iterate) -> Iterate:
        """`new` in the places `chosen`."""
        if len(chosen) == len(self.x):
            return new
        parts = {name: replaced(getattr(self, name), chosen, getattr(new, name)) for name in PARTS}
        return Iterate(spectrum=self.spectrum.with_some(chosen, new.spectrum), by_row=self.by_row, **parts)


@dataclass(frozen=True)
class _Place:
    """What a system depends on, beside the data: v and the eigenvalues there, both (B, m)."""

    v: np.ndarray
    values: np.ndarray

    @staticmethod
    def of(iterate: Iterate) -> _Place:
        return _Place(iterate.v, iterate.spectrum.values)

    def some(self, chosen: np.ndarray) -> _Place:
        return _Place(self.v[chosen], self.values[chosen])

    def with_some(self, chosen: np.ndarray, new: _Place) -> _Place:
        return _Place(replaced(self.v, chosen, new.v), replaced(self.values, chosen, new.values))

    def far(self, other: _Place, cones: Cones, width: float) -> np.ndarray:
        """Where v is farther from `other` than `width`, relative to its norm within some cone, or the eigenvalues."""
        from declarative.backends.cone.linear.conditions import moved_far

        found, work = np.empty(len(self.v), dtype=bool), np.empty((2, cones.count))
        places = (np.ascontiguousarray(part) for own in (self, other) for part in (own.v, own.values))
        moved_far(cones.atomic, ~cones.separable, *places, width, work, found)
        return found


def iterate(items: Items, x: np.ndarray, v: np.ndarray, near: np.ndarray, by_row: bool = False) -> Iterate:
    s, spectrum = project(items.cones, v, near)
    z = other_part(items.cones, v, s)
    stationarity, feasibility = items.missed(x, s, z)
    if by_row:
        sizes = (
            terms_of_columns(items, x, z),
            np.maximum.reduce([items.A.largest_by_row(np.abs(x)), np.abs(items.b), np.abs(s)]),
        )
        off = stationarity / _or_one(sizes[0]), feasibility / _or_one(sizes[1])
        error = np.maximum(*(np.abs(part).max(1, initial=0.0) for part in off))
        floor = np.full(len(x), ROUNDING)
    else:
        error, floor = _error(_beside(items, z), stationarity, feasibility, x, v)
    return Iterate(x, v, s, z, spectrum, stationarity, feasibility, error, floor, by_row)


def _error(beside: np.ndarray, stationarity: np.ndarray, feasibility: np.ndarray, x: np.ndarray, v: np.ndarray):
    """(B,) and (B,): the largest error, and its floor."""
    from declarative.backends.cone.linear.conditions import largest_error

    error, floor = np.empty(len(x)), np.empty(len(x))
    x, v = np.ascontiguousarray(x), np.ascontiguousarray(v)
    largest_error(stationarity, beside, feasibility, x, v, FLOOR, error, floor)
    return error, floor


def terms_of_columns(items: Items, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(B, n): the largest terms of Px + q + A'z."""
    return np.maximum.reduce([items.P.largest_by_row(np.abs(x)), items.A.largest_by_column(np.abs(z)), np.abs(items.q)])


def _or_one(size: np.ndarray) -> np.ndarray:
    return np.where(size > 0, size, 1.0)


def _beside(items: Items, z: np.ndarray) -> np.ndarray:
    """(B, n) or (1, 1): what the errors of stationarity are measured beside.

    Multipliers of exponential cones are exact entry by entry, so that q may be as small as exp(-x) is: where nothing
    else is in a column, its error is one beside q, or beside their own terms where q = 0.
    """
    if not len(items.cones.of_kind(Kind.EXP)):
        return np.ones((1, 1))
    size = np.abs(items.q)
    size = np.where(exponential_columns(items) & (size > 0), size, tails(items, z, z))
    return np.where(size > 0, np.minimum(size, 1.0), 1.0)


def polish(
    items: Items, start: Point, steps: int = STEPS, by_row: bool = False, leaps: int = 0
) -> tuple[Iterate, list[System]]:
    """The best iterates reached from `start` in so many steps, with the systems at them; `items` should be scaled.

    A system serves for several steps, as long as v stays near. The first `leaps` steps are taken whole, unless their
    errors are many times larger: where some cones are on other pieces than at the start, shorter ones stop at kinks.
    """
    now = iterate(items, start.x, start.s - start.z, start.s, by_row)
    made_at = _Place.of(now)
    systems = conic_systems(items, now.spectrum, [None] * len(items))

    def renew(chosen: np.ndarray, width: float) -> np.ndarray:
        """The systems of those of the items that have moved, anew; which they are."""
        nonlocal made_at
        if not len(chosen):
            return chosen
        place = _Place.of(now)
        moved = chosen[place.some(chosen).far(made_at.some(chosen), items.cones, width)]
        if len(moved):
            made_at = made_at.with_some(moved, place.some(moved))
            new = conic_systems(items.some(moved), now.spectrum.some(moved), [systems[k] for k in moved])
            for k, system in zip(moved, new, strict=True):
                systems[k] = system
        return moved

    moving = np.ones(len(items), dtype=bool)
    for number in range(steps):
        live = np.flatnonzero(moving & (now.error > ENOUGH * now.floor))
        if not len(live):
            break
        old = now.some(live)
        most = LEAP if number < leaps else FALLING
        new = _step(items.some(live), old, [systems[k] for k in live], most)
        fell = new.error < most * old.error
        now = now.with_some(live[fell], new.some(np.flatnonzero(fell)))
        stuck = renew(live[~fell & (old.error > SMALL * old.floor)], SAME)
        renew(live[fell], NEAR)
        moving[:] = False
        moving[live[fell]] = moving[stuck] = True
    renew(np.arange(len(items)), SAME)
    return now, systems


def polish_boldly(items: Items, now: Iterate, system: System) -> tuple[Iterate, System]:
    """The best of the iterates of full Newton steps from `now`, for a batch of one.

    Where a kink is close the error may rise before it falls, and no shorter step makes it fall. Where no cone is
    curved, each step solves for one set of active rows, and the signs that it leaves make the next. Where exponential
    cones alone push, each step leaves 1/e of that, on the way to what they push against.
    """
    best, made_at = (now, system), _Place.of(now)
    left, creeping = BOLD, 0 if items.sparse else CREEPING
    creeps = creeping > 0 and _creeps(items, now)
    while left and best[0].error > best[0].floor:
        chosen = _creeping_system(items, now) if creeps and system.matrix.singular else system
        dx, dv = _directions([chosen], now.stationarity, now.feasibility)
        new = iterate(items, now.x + dx, now.v + dv, now.s, now.by_row)
        if not np.isfinite(new.error).all():
            break
        ended = items.cones.linear and SMALL * new.floor > new.error > FALLING * now.error
        now = new
        if _Place.of(now).far(made_at, items.cones, SAME)[0]:
            made_at, (system,) = _Place.of(now), conic_systems(items, now.spectrum, [system])
        best = min(best, (now, system), key=lambda pair: float(pair[0].error[0]))
        if ended:
            break
        creeps = creeping > 0 and _creeps(items, now)
        if creeps:
            creeping -= 1
        else:
            left -= 1
    return best


def _creeps(items: Items, now: Iterate) -> bool:
    own = tails(items, now.z, now.z)
    return bool((np.abs(now.stationarity) >= HALF * own)[own > 0].any())


def _creeping_system(items: Items, now: Iterate) -> System:
    """Where exponentials push with e, what they push may move by 1/e beside what balances there."""
    own = tails(items, now.z, now.z)[0]
    steps = 1 / np.sqrt(np.where((own > 0) & (own < 1), own, 1.0))
    return conic_systems(items, now.spectrum, [None], None if items.sparse else steps)[0]


def _step(items: Items, now: Iterate, systems: list[System], most: float) -> Iterate:
    """Newton's steps, each halved until at `most` so much of its error is left."""
    dx, dv = _directions(systems, now.stationarity, now.feasibility)
    new = iterate(items, now.x + dx, now.v + dv, now.s, now.by_row)
    length = 1.0
    for _ in range(0 if items.cones.linear else HALVES):
        long = np.flatnonzero(~(new.error < most * now.error) & (now.error > SMALL * now.floor))
        if not len(long):
            break
        length /= 2
        x, v = now.x[long] + length * dx[long], now.v[long] + length * dv[long]
        shorter = iterate(items.some(long), x, v, now.s[long], now.by_row)
        new = new.with_some(long, shorter)
    return new


def _directions(
    systems: list[System], stationarity: np.ndarray, feasibility: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's steps dx (B, n) and dv (B, m)."""
    frames = together([system.spectrum for system in systems])
    h = -feasibility
    frames.each_to_frame(h[:, None])
    dx, dv = newton_steps(systems, -stationarity, h)
    frames.each_from_frame(dv[:, None])
    return dx, dv
