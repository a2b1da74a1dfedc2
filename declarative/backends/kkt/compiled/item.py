"""What the compiled code works on: one quadratic program, its rows in one numbering, and the memory that is used again.

    min 1/2 x'Px + q'x   s.t.   Ax = b,   Gx <= h,   lower <= x <= upper

Rows are numbered: those of A, those of G, then one for each variable that has bounds. The state of a row is 0 where it
is out of the active set, 1 where it holds at its right-hand side or upper bound, -1 where at its lower bound.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import copy, fill
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.outline import NOTHING, Outline
from declarative.backends.kkt.compiled.rows import row_summed

NOISE = 0.1  # of an entry of x beside its block: below 1e-14 of that nothing is told from rounding


class Item(NamedTuple):
    """P (n, n), q (n,), A (p, n), b (p,), G (m, n), h (m,), lower and upper (n,); `bounded`: variables with bounds.

    `blocks` (n,) numbers the variable that an entry of x belongs to, from 0. `outline` says where few entries are.
    """

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray
    G: np.ndarray
    h: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    bounded: np.ndarray
    blocks: np.ndarray
    outline: Outline


class Data(NamedTuple):
    """Items with a leading axis of B, or of one where they share it; `bounded`, `blocks` and `outline` are the same for
    all.
    """

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray
    G: np.ndarray
    h: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    bounded: np.ndarray
    blocks: np.ndarray
    outline: Outline = NOTHING


@inner()
def item_of(data, b):
    """One of the items, as views."""
    return Item(
        data.P[b % len(data.P)], data.q[b % len(data.q)], data.A[b % len(data.A)], data.b[b % len(data.b)],
        data.G[b % len(data.G)], data.h[b % len(data.h)], data.lower[b % len(data.lower)],
        data.upper[b % len(data.upper)], data.bounded, data.blocks, data.outline,
    )  # fmt: skip


class Work(NamedTuple):
    """Memory of one solver, with P = LL'.

    The rows that were ever active are kept in the order in which they came: V (cap, n) holds L^-1 c for each, `gram`
    its products with those before it, `vq` with yq = L^-1 q; `seen` (cap,) is its number, `place` (rows,) the way back
    or -1, `known[0]` their count. `order` (cap,) lists the places of active rows, K the factor of their part of `gram`
    and `multiplier` (cap,) their multipliers.
    `lower`, `upper`, `value`, `size` (rows,): the sides of each row, c'x, and the sum of its absolute terms, of entries
    of at least the `noise` (n,) in x. `first` (cap,) is where the rows of K start, if entries
    are few, and `count` (rows,) memory for it.
    """

    V: np.ndarray
    gram: np.ndarray
    vq: np.ndarray
    seen: np.ndarray
    place: np.ndarray
    known: np.ndarray
    order: np.ndarray
    K: np.ndarray
    multiplier: np.ndarray
    full: np.ndarray
    way: np.ndarray
    yq: np.ndarray
    x: np.ndarray
    noise: np.ndarray
    most: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    value: np.ndarray
    size: np.ndarray
    move: np.ndarray
    best: np.ndarray
    info: np.ndarray
    first: np.ndarray
    count: np.ndarray


def memory(n, rows, cap, kinds):
    """A Work; what is never touched costs nothing."""
    whole = np.int64
    return Work(
        np.empty((cap, n)), np.empty((cap, cap)), np.empty(cap), np.empty(cap, whole), np.full(rows, -1, whole),
        np.zeros(1, whole), np.empty(cap, whole), np.empty(cap * cap), np.empty(cap), np.empty(cap), np.empty(cap),
        np.empty(n), np.empty(n), np.empty(n), np.empty(kinds), np.empty(rows), np.empty(rows), np.empty(rows),
        np.empty(rows), np.empty(rows, np.int8), np.empty(rows, np.int8), np.zeros(1, np.int32), np.empty(cap, whole),
        np.empty(rows, whole),
    )  # fmt: skip


@inner()
def read_sides(item, lower, upper, state):
    """The right-hand sides of all rows, infinite where there is none; equations, which have equal ones, are active.

    A guess that a row holds at an infinite side is dropped. False where a lower side is above the upper one, or is not
    a number.
    """
    p, m = item.A.shape[0], item.G.shape[0]
    copy(item.b, lower)
    copy(item.b, upper)
    for r in range(m):
        lower[p + r], upper[p + r] = -np.inf, item.h[r]
    for k in range(len(item.bounded)):
        j = item.bounded[k]
        lower[p + m + k], upper[p + m + k] = item.lower[j], item.upper[j]
    sound = True
    for r in range(len(state)):
        sound = sound and lower[r] <= upper[r]
        if lower[r] == upper[r]:
            state[r] = 1
        elif not np.isfinite(upper[r] if state[r] > 0 else lower[r]):
            state[r] = 0
    return sound


@inner()
def copy_row(item, r, out):
    """The entries of row r."""
    p, m = item.A.shape[0], item.G.shape[0]
    if r < p:
        copy(item.A[r], out)
    elif r < p + m:
        copy(item.G[r - p], out)
    else:
        fill(out, len(out), 0.0)
        out[item.bounded[r - p - m]] = 1


@inner()
def block_sizes(x, blocks, most, out):
    """For each entry of x the largest of its block; `most` is memory for those."""
    fill(most, len(most), 0.0)
    for j in range(len(x)):
        most[blocks[j]] = max(most[blocks[j]], abs(x[j]))
    for j in range(len(x)):
        out[j] = most[blocks[j]]


@inner()
def visit_rows(item, x, noise, most, value, size):
    """c'x and the sum of absolute terms of every row, where no entry of x counts for less than its noise.

    An entry that is 0 at the solution is found with an error beside those of its block.
    """
    p, m = item.A.shape[0], item.G.shape[0]
    block_sizes(x, item.blocks, most, noise)
    for j in range(len(x)):
        noise[j] = max(abs(x[j]), NOISE * noise[j])
    for r in range(p + m):
        value[r], size[r] = row_summed(item, r, x, noise)
    for k in range(len(item.bounded)):
        j = item.bounded[k]
        value[p + m + k], size[p + m + k] = x[j], noise[j]
