"""Which derivatives of a small or sparse program are not 0 everywhere -> the order of elimination, and what fills in.

The Newton matrix (`newton.py`) has a node for each unknown and each equation. The next node is always one with the
fewest neighbours (minimum degree; Tinney and Walker 1967), an equation once its unknowns are gone: its pivot is then no
smaller than it has to be. Worked out once for a program; in numpy, with one byte for each pair of nodes.
"""

from typing import NamedTuple

import numpy as np

LARGEST = 1500  # nodes
MOST = 300_000  # products in a factorisation; with more, the linear algebra of torch is faster
DENSER, LITTLE = 4, 200  # more than so many times the products without the squares of the equations, or more than so
# many for each node, is too much for these


class Pattern(NamedTuple):
    """Entries that may be other than 0, and where they go; numbers of rows, columns and places.

    H (h, 2): row and column of the lower triangle; Jc (jc, 2) and Jg (jg, 2) by rows, row r of Jc from `first_c[r]`.
    M (k, 2): H + C'sigma C, lower triangle, with the places of its diagonal (n) and of H's entries (h); `pairs` (t, 4):
    place, row of Jg, and the two entries whose product goes there. The factor: column k from `first[k]`, diagonal
    first, of nodes `below`; the places there of M's entries, Jc's entries, and `squares` (u, 4) as `pairs`, of Jc.
    `targets`: column by column, where the products of its entries go. `order` (n + p): the node of column k, equations
    after unknowns; `column` (n + p) the way back. `squared` (p): the equations whose squares are added.
    """

    H: np.ndarray
    Jc: np.ndarray
    Jg: np.ndarray
    first_c: np.ndarray
    M: np.ndarray
    diagonal: np.ndarray
    of_H: np.ndarray
    pairs: np.ndarray
    first: np.ndarray
    below: np.ndarray
    of_M: np.ndarray
    of_Jc: np.ndarray
    squares: np.ndarray
    targets: np.ndarray
    order: np.ndarray
    column: np.ndarray
    squared: np.ndarray


def pattern_of(H: np.ndarray, Jc: np.ndarray, Jg: np.ndarray) -> Pattern | None:
    """Of masks (n, n), (p, n), (q, n); None where a factorisation would have too many products."""
    n, p = H.shape[0], Jc.shape[0]
    if n + p > LARGEST:
        return None
    H = H | H.T | np.eye(n, dtype=bool)
    M = H | (Jg.T.astype(np.float32) @ Jg > 0)
    plain, squared = (elimination(M, Jc, np.full(p, some)) for some in (False, True))
    own = squared.products <= max(DENSER * plain.products, LITTLE * (n + p))
    chosen = squared if own else plain
    return assembled(H, Jc, Jg, M, chosen, np.full(p, own)) if chosen.products <= MOST else None


class Elimination(NamedTuple):
    """The nodes in order, those after each that it has filled in with, and the number of products."""

    order: list[int]
    below: list[np.ndarray]
    products: int


def elimination(M: np.ndarray, Jc: np.ndarray, squared: np.ndarray) -> Elimination:
    """By minimum degree, of the matrix [[M + squares, Jc'], [Jc, .]]."""
    n, size = Jc.shape[1], sum(Jc.shape)
    near = np.zeros((size, size), bool)
    own = Jc[squared].astype(np.float32)
    near[:n, :n] = M | (own.T @ own > 0)
    near[n:, :n], near[:n, n:] = Jc, Jc.T
    np.fill_diagonal(near, False)
    left, degree, waits = np.ones(size, bool), near.sum(1), np.concatenate([np.zeros(n, int), Jc.sum(1)])
    order, below, products = [], [], 0
    for _ in range(size):
        k = int(np.where(left & (waits == 0), degree, size).argmin())
        left[k] = False
        nodes = (near[k] & left).nonzero()[0]
        near[np.ix_(nodes, nodes)] = True
        near[nodes, nodes] = False
        degree[nodes] = (near[nodes] & left).sum(1)
        if k < n:
            waits[n:] -= Jc[:, k]
        order.append(k)
        below.append(nodes)
        products += len(nodes) * (len(nodes) + 1) // 2
    return Elimination(order, below, products)


def assembled(
    H: np.ndarray, Jc: np.ndarray, Jg: np.ndarray, M: np.ndarray, chosen: Elimination, squared: np.ndarray
) -> Pattern:
    """The lists of entries and places."""
    n, size = H.shape[0], len(chosen.order)
    column = np.empty(size, np.int64)
    column[chosen.order] = np.arange(size)
    of_H, of_M, of_Jc, of_Jg = (np.argwhere(mask) for mask in (np.tril(H), np.tril(M), Jc, Jg))
    in_M = np.zeros((n, n), np.int64)
    in_M[tuple(of_M.T)] = np.arange(len(of_M))
    nodes = [np.sort(column[some]) for some in chosen.below]
    first = np.cumsum([0, *(1 + len(some) for some in nodes)])
    below = np.concatenate([np.append(k, some) for k, some in enumerate(nodes)])
    in_L = np.zeros((size, size), np.int64)
    in_L[below, np.repeat(np.arange(size), np.diff(first))] = np.arange(len(below))

    def place(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Of nodes i and j in the factor."""
        i, j = column[i], column[j]
        return in_L[np.maximum(i, j), np.minimum(i, j)]

    targets = [in_L[np.repeat(s, np.arange(1, len(s) + 1)), lower(s)] for s in nodes]
    rows, left, right = products(of_Jc, squared)
    squares = np.column_stack([place(of_Jc[left, 1], of_Jc[right, 1]), rows, left, right])
    rows, left, right = products(of_Jg, np.ones(len(Jg), bool))
    pairs = np.column_stack([in_M[of_Jg[left, 1], of_Jg[right, 1]], rows, left, right])
    found = (
        of_H, of_Jc, of_Jg, np.searchsorted(of_Jc[:, 0], np.arange(len(Jc) + 1)), of_M, in_M.diagonal().copy(),
        in_M[tuple(of_H.T)], pairs, first, below, place(*of_M.T), place(n + of_Jc[:, 0], of_Jc[:, 1]), squares,
        np.concatenate(targets) if targets else first[:0], np.array(chosen.order), column, squared,
    )  # fmt: skip
    return Pattern(*map(np.ascontiguousarray, found))  # code is compiled once for each order in memory


def lower(nodes: np.ndarray) -> np.ndarray:
    """For each node, those up to it."""
    return np.concatenate([nodes[: k + 1] for k in range(len(nodes))]) if len(nodes) else nodes


def products(entries: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of entries (k, 2) by rows: the row, and the numbers of two entries, the first in no earlier column than the
    second, for each product of two in one of the rows `chosen`.
    """
    found = [np.zeros((0, 3), np.int64)]
    for r in chosen.nonzero()[0]:
        own = (entries[:, 0] == r).nonzero()[0]
        i, j = np.tril_indices(len(own))
        found.append(np.column_stack([np.full(len(i), r), own[i], own[j]]))
    return tuple(np.concatenate(found).T)  # pyright: ignore[reportReturnType]
