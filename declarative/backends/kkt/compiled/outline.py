"""Where the entries of quadratic programs are, if they are few, so that the compiled methods visit nothing else.

With P = LL' and the rows C, what solves for active sets is V = C L'^-1 and VV': see `pivot.py`. P's factor stays within
P's envelope; that of VV' has an envelope as narrow as the reverse order of Cuthill and McKee (1969) makes it. All of
this is worked out once for a pattern.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

SMALLEST = 32  # unknowns
FEW = 6  # times fewer entries than places
NARROW = 3  # times fewer places in the envelope of VV' than in its triangle

Array = np.ndarray


class Outline(NamedTuple):
    """Of all items of a batch; `thin`: are entries few? If not, the rest says nothing.

    Row i of P has its entries from `span[0, i]` to before `span[1, i]`, which i is between. Row r of A and G has
    `count[r]` of them, for the variables `places[r]`. Row r of V, in the numbering of A, G and the bounds, has
    `many[r]`, for the variables `spots[r]`; those of variable j are in the rows `users`, from `start[j]` to before
    `start[j + 1]`. `order` lists the rows of V so that the envelope of VV' is narrow, `low` where it begins.
    """

    thin: bool
    span: Array
    places: Array
    count: Array
    spots: Array
    many: Array
    start: Array
    users: Array
    order: Array
    low: Array


NOTHING = Outline(False, *(np.zeros((0,) * axes, np.int64) for axes in (2, 2, 1, 2, 1, 1, 1, 1, 1)))


def outline_of(P: Array, A: Array, G: Array, bounded: Array) -> Outline:
    """Of P (., n, n), A (., p, n), G (., m, n), each with items or one for all, and the variables that have bounds."""
    n = P.shape[-1]
    if n < SMALLEST or any(len(part) == 0 or is_full(part[0]) for part in (P, A, G)):
        return NOTHING
    masks = [(part != 0).any(0) for part in (P, A, G)]
    if any(is_full(mask) for mask in masks):
        return NOTHING
    return outline_within(masks[0], np.concatenate(masks[1:]), bounded)


def outline_within(curved: Array, rows: Array, bounded: Array) -> Outline:
    """The same, of masks of P (n, n) and of the rows (k, n), which say where there may be entries."""
    bits = (np.packbits(mask).tobytes() for mask in (curved, rows))
    return worked_out(*bits, len(curved), len(rows), tuple(bounded.tolist()))


def is_full(entries: Array) -> bool:
    """Does a matrix have more entries than few?"""
    return bool(FEW * np.count_nonzero(entries) > entries.size > 0)


@lru_cache(maxsize=64)
def worked_out(curved: bytes, rows: bytes, n: int, count: int, bounded: tuple[int, ...]) -> Outline:
    """The same, of the bits of masks (n, n) and (count, n)."""
    P, C = (unpacked(bits, some, n) for bits, some in ((curved, n), (rows, count)))
    span = spans(P | np.eye(n, dtype=bool))
    V = filled_in(np.concatenate([C, np.eye(n, dtype=bool)[list(bounded)]]), span[0])
    order, low = narrowed(V)
    wide = FEW * (np.arange(n) - span[0]).sum() > n * n or NARROW * (np.arange(len(V)) - low).sum() > len(V) ** 2 / 2
    if is_full(V) or wide:
        return NOTHING
    users, start = np.ascontiguousarray(np.nonzero(V.T)[1]), np.concatenate([[0], np.cumsum(V.sum(0))])
    return Outline(True, span, *listed(C), *listed(V), start, users, order, low)


def narrowed(V: Array) -> tuple[Array, Array]:
    """The rows of V in an order in which VV' has a narrow envelope, and where that begins."""
    if len(V) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    near = V.astype(np.float32) @ V.T.astype(np.float32) > 0
    np.fill_diagonal(near, True)  # a row may have no entries
    order = reverse_cuthill_mckee(csr_array(near), symmetric_mode=True).astype(np.int64)
    return order, near[np.ix_(order, order)].argmax(1)


def unpacked(bits: bytes, rows: int, n: int) -> Array:
    """A mask (rows, n)."""
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=rows * n).reshape(rows, n).astype(bool)


def spans(mask: Array) -> Array:
    """(2, n): where the entries of each row begin, and where they have ended."""
    return np.stack([mask.argmax(1), mask.shape[1] - mask[:, ::-1].argmax(1)])


def filled_in(C: Array, first: Array) -> Array:
    """The mask of C L'^-1 for one of C (k, n), where L has the envelope that begins at `first` (n,)."""
    V = C.copy()
    for j in range(len(first)):
        V[:, j] |= V[:, first[j] : j].any(1)
    return V


def listed(mask: Array) -> tuple[Array, Array]:
    """The columns of each row's entries (k, most), and their numbers (k,)."""
    count = mask.sum(1)
    places = np.zeros((len(mask), int(count.max(initial=0))), np.int64)
    places[np.arange(places.shape[1]) < count[:, None]] = np.nonzero(mask)[1]
    return places, count
