"""Differentials of a tape's values -> the slots of Jacobians, of weighted gradients and of weighted Hessians.

The chain rule on nodes: J(node) = sum over arguments a of diag(phi_a) J(a). For weights on some values, weights of the
nodes are found from the last to the first, and the Hessian is the sum over nodes of J(a)' diag(w phi_ab) J(b).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from declarative.backends.tape.coefficients import Coefficients, Entries, Weights
from declarative.backends.tape.polynomial import Moving
from declarative.backends.tape.tape import Slot
from declarative.backends.tape.terms import Linear, Maps, Node, Term, X

MANY = 6  # factors of a differential, beyond which it is one map
SPARSE = 0.25  # a map with more of its entries than this is made one dense matrix


@dataclass(frozen=True)
class Factor:
    """diag(slope) L for a map L of the unknowns; maps with the same `key` are the same."""

    key: tuple
    slope: Weights
    map: Linear


class Bent:
    """A sum of L' diag(w) R over pairs of maps of the unknowns, and of the transposes where R is not L."""

    def __init__(self):
        self.pairs: dict[tuple, tuple[Linear, Linear, list[Weights]]] = {}

    def add(self, left: Factor, right: Factor, weights: Weights) -> None:
        """A product more; the slopes of the factors are in the weights already."""
        if (right.key, left.key) in self.pairs:
            left, right = right, left
        maps = (left.map, left.map) if left.key == right.key else (left.map, right.map)
        self.pairs.setdefault((left.key, right.key), (*maps, []))[2].append(weights)


class Differential(Coefficients):
    """Emits derivatives with respect to n unknowns on the maps' tape."""

    def __init__(self, maps: Maps, n: int):
        super().__init__(maps, n)
        self._of_args: dict[tuple[Node, int], Linear] = {}
        self._factored: dict[tuple[Node, int], list[Factor]] = {}

    # --- what callers use -------------------------------------------------------------------------

    def jacobian(self, values: list[Moving]) -> Entries:
        """The matrix (rows, n) of all entries of the arrays, one after another."""
        return self.rows([replace(value, terms=self._in_unknowns(value.terms, prod(value.sizes))) for value in values])

    def weighted(self, values: list[tuple[Moving, Slot]]) -> tuple[Entries, Entries]:
        """The gradient (n,) and the Hessian (n, n) of the sum of all entries times their weights (entries,)."""
        terms = [t for value, slot in values for t in self._pulled(value.terms, Weights(1.0, slot))]
        order = _last_first([term.source for term in terms if isinstance(term.source, Node)])
        second = Bent()
        for node in order:
            if not any(term.source is node for term in terms):
                continue
            weights = self._dense_weights(tuple(term for term in terms if term.source is node), node)
            for arg, slope in zip(node.args, node.partials, strict=True):
                terms += self._pulled(arg, Weights(weights.number, self._times(weights.slot, slope)))
            for pair, slot in node.seconds.items():
                self._bend(second, node, pair, Weights(weights.number, self._times(weights.slot, slot)))
        own = tuple(replace(t, rows=0 * t.rows) for t in terms if t.source is X)
        return self._entries(own, (self.n,)), self._entries(self._terms_of(second), (self.n, self.n))

    # --- weights ------------------------------------------------------------------------------------

    def _times(self, left: Slot | None, right: Slot) -> Slot:
        return right if left is None else self.arrays.product(left, right)

    def _dense_weights(self, terms: Linear, node: Node) -> Weights:
        """The coefficients of a scalar's terms at the entries of a node: one for all, or a vector."""
        if len(terms) == 1 and np.array_equal(np.sort(terms[0].cols, axis=None), np.arange(node.count)):
            (term,) = terms
            if term.slot is None or prod(self.arrays.sizes(term.slot)) == 1:
                return Weights(term.number, None if term.slot is None else self.arrays.reshape(term.slot, (1,)))
        return Weights(1.0, self.dense(self._entries(terms, (node.count,))))

    # --- curvature --------------------------------------------------------------------------------------

    def _bend(self, bent: Bent, node: Node, pair: tuple[int, int], weights: Weights) -> None:
        """Adds J(a)' diag(w) J(b), and its transpose for two arguments, factor by factor."""
        left, right = (self._factors(node, which) for which in pair)
        for k, one in enumerate(left):
            for other in right[k:] if pair[0] == pair[1] else right:
                slope = self._both(self._both(weights, one.slope), other.slope)
                twice = pair[0] != pair[1] and one.key == other.key
                bent.add(one, other, replace(slope, number=2 * slope.number) if twice else slope)

    def _terms_of(self, bent: Bent) -> Linear:
        """All L' diag(w) R, and the transposes where R is not L; the weights of a pair are added first."""
        terms: list[Term] = []
        for left, right, several in bent.pairs.values():
            weights = self._sum(several)
            if left is right:
                for k, one in enumerate(left):
                    terms.append(self._pair(one, one, weights))
                    across = [self._pair(one, other, weights) for other in left[k + 1 :]]
                    terms += across + [self.maps.flipped(piece) for piece in across]
            else:
                pieces = [self._pair(one, other, weights) for one in left for other in right]
                terms += pieces + [self.maps.flipped(piece) for piece in pieces]
        return tuple(terms)

    def _both(self, left: Weights, right: Weights) -> Weights:
        """Their product."""
        slot = left.slot if right.slot is None else self._times(left.slot, right.slot)
        return Weights(left.number * right.number, slot)

    def _sum(self, several: list[Weights]) -> Weights:
        """Of weights of one length, or of one number for all entries."""
        if len(several) == 1:
            return several[0]
        one = self.arrays.literal(np.ones(1))
        slots = [self.arrays.times(one if w.slot is None else w.slot, w.number) for w in several]
        return Weights(1.0, self.arrays.apply("add", *slots))

    def _factors(self, node: Node, which: int) -> list[Factor]:
        """The differential of a node's argument as a sum of maps of the unknowns, each times slopes.

        An argument that is another node has those of that node's arguments, which many nodes may have in common; where
        there are more than a few, or it is anything else, it is one map.
        """
        for other, k in self._unfactored(node, which):
            found = self._through(other.args[k], other.count)
            if not found or len(found) > MANY:
                map_ = self._of_argument(other, k)
                found = [Factor((other.count, *_content(map_)), Weights(1.0, None), map_)]
            self._factored[other, k] = found
        return self._factored[node, which]

    def _unfactored(self, node: Node, which: int) -> list[tuple[Node, int]]:
        """The arguments whose factors are wanted, each after those that it passes through."""
        order: dict[tuple[Node, int], None] = {}
        pending = [(node, which)]
        while pending:
            other, k = pending.pop()
            if (other, k) in order or (other, k) in self._factored:
                continue
            inner = _passed(other.args[k], other.count)
            parts = [(inner, j) for j in range(len(inner.args))] if inner else []
            wanted = [part for part in parts if part not in order and part not in self._factored]
            if wanted:
                pending += [(other, k), *wanted]
            else:
                order[other, k] = None
        return list(order)

    def _through(self, arg: Linear, count: int) -> list[Factor]:
        """Those of an argument whose entries are those of another node, in order; none for others."""
        found: dict[tuple, tuple[Linear, list[Weights]]] = {}
        if (inner := _passed(arg, count)) is None:
            return []
        for which, slope in enumerate(inner.partials):
            for factor in self._factored[inner, which]:
                slopes = self._both(Weights(arg[0].number, slope), factor.slope)
                found.setdefault(factor.key, (factor.map, []))[1].append(slopes)
        return [Factor(key, self._sum(several), map_) for key, (map_, several) in found.items()]

    # --- the chain rule -------------------------------------------------------------------------------

    def _of_argument(self, node: Node, which: int) -> Linear:
        """The differential of a node's argument, in the unknowns."""
        if (node, which) not in self._of_args:
            for other in reversed(_last_first([node])):
                for k, arg in enumerate(other.args):
                    if (other, k) not in self._of_args:
                        self._of_args[other, k] = self._in_unknowns(arg, other.count)
        return self._of_args[node, which]

    def _in_unknowns(self, terms: Linear, count: int) -> Linear:
        """A map of nodes and unknowns with `count` entries as a map of unknowns only."""
        found: list[Term] = []
        for term in terms:
            if not isinstance(term.source, Node):
                found.append(term)
                continue
            node = term.source
            for which, slope in enumerate(node.partials):
                inner = self._of_argument(node, which)
                found += [self._composed(term, self.maps.scaled(t, slope, (node.count,))) for t in inner]
        return self._simplified(tuple(t for t in found if t.rows.size), count)

    def _composed(self, outer: Term, inner: Term) -> Term:
        """The map after another one."""
        K, r, c = outer.sizes
        gathered = self.maps.rearranged(inner, outer.cols.reshape(-1))
        if not gathered.rows.size:
            return gathered
        if (r, c) == (1, 1):
            if outer.slot is not None:
                own = prod(self.arrays.sizes(outer.slot))
                gathered = self.maps.scaled(gathered, self.arrays.reshape(outer.slot, (own,)), (K,))
            rows = outer.rows[:, 0]
        else:
            gathered = self.maps.multiplied(gathered, self.maps.full(outer), (K,))
            rows = outer.rows.reshape(-1)
        return self.maps.folded(replace(gathered, number=gathered.number * outer.number), rows)

    def _simplified(self, terms: Linear, count: int) -> Linear:
        """One block, unless most of it would be zeros."""
        if not terms or (len(terms) == 1 and terms[0].sizes[0] == 1):
            return terms
        cols = np.unique(np.concatenate([term.cols.reshape(-1) for term in terms]))
        if sum(prod(term.sizes) for term in terms) < SPARSE * count * len(cols):
            return terms
        own = [replace(term, cols=np.searchsorted(cols, term.cols)) for term in terms]
        slot = self.arrays.reshape(self.dense(self._entries(tuple(own), (count, len(cols)))), (1, count, len(cols)))
        return (Term(X, np.arange(count)[None, :], cols[None, :], 1.0, slot),)


def _passed(arg: Linear, count: int) -> Node | None:
    """The node whose entries an argument is made of, all and in order, times a number; None for others."""
    if len(arg) != 1 or not isinstance(inner := arg[0].source, Node) or arg[0].slot is not None:
        return None
    order = np.arange(count)[:, None]
    whole = inner.count == count and np.array_equal(arg[0].rows, order) and np.array_equal(arg[0].cols, order)
    return inner if whole else None


def _content(linear: Linear) -> tuple:
    """Equal for equal maps."""
    return tuple((id(t.source), t.rows.tobytes(), t.cols.tobytes(), t.number, t.slot) for t in linear)


def _last_first(nodes: list) -> list[Node]:
    """The nodes and all that they depend on, each before those that it depends on."""
    order: list[Node] = []
    state: dict[Node, bool] = {}
    stack = [(node, False) for node in nodes]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in state:
            state[node] = True
            stack.append((node, True))
            stack += [(t.source, False) for arg in node.args for t in arg if isinstance(t.source, Node)]
    return order[::-1]
