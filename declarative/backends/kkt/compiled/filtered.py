"""The parts of a way along which a Lagrangian is hardly curved (`kkt/verdict/portions.py`), of large sparse systems.

With M and the rows J in units of the way, and u the signs of its entries, solving [[M + s, J'], [J, 0]] (v, .) = (s u,
0) leaves s/(c + s) of what u has along an eigenvector of curvature c: (1 + M/s)^-1 as a filter. Several times, it is
nearly a projection on what is curved less than s.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.jit import inner, outer
from declarative.backends.kkt.compiled.newton import System, factor, solve
from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.compiled.sparse import BLOCK, gather, memory, set_all
from declarative.backends.kkt.compiled.vectors import multiply

PASSES = 8  # what is curved a hundred times more than a cut, or less, is gone, or still there
ROUNDING = 1e-16  # beside the largest entry: no curvature
POWERS = 4  # steps of power iteration, for about the largest curvature
SEEN, OTHER = 0.02, 1e-12  # of a unit: a part that is less is none, and one that differs by less no other


class Room(NamedTuple):
    """Memory of a block: its system, the entries of M without a shift, v and the part before it (n), multipliers (m),
    and sizes (1).
    """

    system: System
    M: np.ndarray
    v: np.ndarray
    last: np.ndarray
    y: np.ndarray
    size: np.ndarray


def room(shape: Pattern) -> Room:
    """That of a block."""
    sizes = len(shape.M), len(shape.diagonal), len(shape.diagonal), len(shape.squared), 1
    return Room(memory(shape), *(np.zeros((size, BLOCK)) for size in sizes))


@inner()
def by_way(shape, room, given, way, first, count):
    """M and J in units of the way, 0 where a variable is fixed; the largest entry of M is the unit of M."""
    system, M, unit, size = room.system, room.M, room.v, room.size[0]
    gather(shape, system, given, first, count)
    for i in range(len(unit)):
        for j in range(count):
            unit[i, j] = 0.0 if given.fixed[first + j, i] else abs(way[first + j, i])
    for j in range(count):
        size[j] = 0.0
    for e in range(len(shape.M)):
        multiply(M[e], system.M[e], unit[shape.M[e, 0]], count)
        multiply(M[e], M[e], unit[shape.M[e, 1]], count)
        for j in range(count):
            size[j] = max(size[j], abs(M[e, j]))
    for e in range(len(M)):
        for j in range(count):
            M[e, j] /= size[j] if size[j] > 0 else 1.0
    for e in range(len(shape.Jc)):
        multiply(system.J[e], system.J[e], unit[shape.Jc[e, 1]], count)
    set_all(system.D, 1.0)


@inner()
def shifted(shape, room, given, way, first, count, share, shifts):
    """The factors of a `share` of M with its diagonal shifted by `shifts` (BLOCK), by 1 where nothing moves."""
    system = room.system
    for e in range(len(room.M)):
        for j in range(count):
            system.M[e, j] = share * room.M[e, j]
    for i in range(len(shape.diagonal)):
        diagonal = system.M[shape.diagonal[i]]
        for j in range(count):
            still = given.fixed[first + j, i] or way[first + j, i] == 0
            diagonal[j] += 1.0 if still else shifts[j]
    factor(shape, system, count)


@inner()
def signs(room, given, way, first, count):
    """v of the signs of the way's entries."""
    for i in range(len(room.v)):
        for j in range(count):
            room.v[i, j] = 0.0 if given.fixed[first + j, i] else np.sign(way[first + j, i])


@inner()
def pass_through(shape, room, factors, count):
    """v becomes the solution for v times `factors` (BLOCK)."""
    system = room.system
    for i in range(len(room.v)):
        multiply(system.rx[i], room.v[i], factors, count)
    set_all(system.rc, 0.0)
    solve(shape, system, room.v, room.y, count)


@inner()
def largest_curvature(shape, room, given, way, first, count, ones, least, found):
    """About the largest curvature along the rows, as a share of the largest entry of M; `least` (BLOCK) at least."""
    v, Mv = room.v, room.last
    shifted(shape, room, given, way, first, count, 0.0, ones)
    signs(room, given, way, first, count)
    pass_through(shape, room, ones, count)
    for _ in range(POWERS):
        for j in range(count):
            size = 0.0
            for i in range(len(v)):
                size = max(size, abs(v[i, j]))
            for i in range(len(v)):
                v[i, j] /= size if size > 0 else 1.0
                Mv[i, j] = 0.0
        for e in range(len(room.M)):
            i, k = shape.M[e, 0], shape.M[e, 1]
            for j in range(count):
                Mv[i, j] += room.M[e, j] * v[k, j]
                if i != k:
                    Mv[k, j] += room.M[e, j] * v[i, j]
        for i in range(len(v)):
            for j in range(count):
                v[i, j] = Mv[i, j]
        pass_through(shape, room, ones, count)
        for j in range(count):
            found[j] = least[j]
            for i in range(len(v)):
                found[j] = max(found[j], abs(v[i, j]))


@inner()
def keep(room, way, first, count, cut, hardly, parts):
    """The parts for a cut in their places, where v is one, and another than the last."""
    v, last = room.v, room.last
    for j in range(count):
        most, change = 0.0, 0.0
        for i in range(len(v)):
            most, change = max(most, abs(v[i, j])), max(change, abs(v[i, j] - last[i, j]))
        if hardly[j] != 0 and most > SEEN and change > OTHER * most:
            for i in range(len(v)):
                parts[first + j, cut, i], last[i, j] = abs(way[first + j, i]) * v[i, j], v[i, j]


@outer
def filter_block(shape, room, given, way, least, cuts, first, count, work, parts):
    """The parts (B, cuts, n) of the ways (B, n) of so many items from the `first` on, 0 where there is none or no other
    than that for the cut before; for curvatures below `least` (B,) alone. `work` (5, BLOCK) is memory.
    """
    size, sound = room.size[0], room.system.sound[0]
    shifts, ones, floor, top, hardly = work[0], work[1], work[2], work[3], work[4]
    by_way(shape, room, given, way, first, count)
    for j in range(count):
        ones[j], floor[j] = 1.0, ROUNDING
        shifts[j] = -least[first + j] / size[j] if size[j] > 0 else 0.0
    shifted(shape, room, given, way, first, count, 1.0, shifts)
    some = False
    for j in range(count):
        hardly[j] = 1.0 - sound[j]
        some = some or hardly[j] != 0
    if not some:
        return
    largest_curvature(shape, room, given, way, first, count, ones, floor, top)
    set_all(room.last, 0.0)
    for cut in range(len(cuts)):
        for j in range(count):
            shifts[j] = cuts[cut] * top[j]
        shifted(shape, room, given, way, first, count, 1.0, shifts)
        signs(room, given, way, first, count)
        for _ in range(PASSES):
            pass_through(shape, room, shifts, count)
        keep(room, way, first, count, cut, hardly, parts)
