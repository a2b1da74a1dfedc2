"""A tape's smooth values -> linear maps of the unknowns and of nodes, at the point where the tape is evaluated.

The same rules as for polynomials, with the value at the point in place of the constant: each value is carried with its
differential, whose coefficients are instructions on the tape too. What is not linear is a node: entry by entry a
function of linear maps, with its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.tape.arrays import Sizes
from declarative.backends.tape.partials import partials
from declarative.backends.tape.polynomial import Moving, NotPolynomial, Polynomials
from declarative.backends.tape.tape import Apply, Fold, Input, Instruction, Scatter, Slot, operands
from declarative.backends.tape.terms import Node, X, selection


class Smooth(Polynomials):
    """Reads differentials: `constant` is the value at the point, and `terms` are its differential."""

    def _value(self, slot: Slot) -> Moving:
        instruction, sizes = self.arrays.instructions[slot], self.arrays.sizes(slot)
        if isinstance(instruction, Input) and instruction.name in self.places:
            return Moving(sizes, slot, selection(X, self.places[instruction.name].reshape(-1)))
        try:
            return replace(super()._value(slot), constant=slot)
        except NotPolynomial:
            if (groups := _summed_exponentials(instruction, sizes, self.arrays.sizes)) is not None:
                return self._logsumexp(self._known[operands(instruction)[0]], slot, sizes, groups)
            if isinstance(instruction, Fold) and instruction.op == "prod":
                return self._multiplied_up(self._known[instruction.value], slot, sizes, instruction.axes)
            record = find(instruction.atom) if isinstance(instruction, Apply) else None
            if not isinstance(instruction, Apply) or record is None or not record.elementwise:
                raise
            args = [self.spread(self._known[s], sizes) for s in operands(instruction)]
            return self._function(instruction, args, slot, sizes)

    def _function(self, call: Apply, args: list[Moving], slot: Slot, sizes: Sizes) -> Moving:
        """An entrywise function."""
        moving = [i for i, arg in enumerate(args) if arg.terms]
        values = tuple(arg.constant for arg in args if arg.constant is not None)
        first, second = partials(self.arrays, call, values, slot, moving)
        places = {i: k for k, i in enumerate(moving)}
        seconds = {(places[i], places[j]): self._flat(s) for (i, j), s in second.items()}
        terms = tuple(args[i].terms for i in moving)
        node = Node(prod(sizes), terms, tuple(self._flat(first[i]) for i in moving), seconds)
        return Moving(sizes, slot, selection(node, np.arange(prod(sizes))))

    def _logsumexp(self, z: Moving, slot: Slot, sizes: Sizes, groups: np.ndarray) -> Moving:
        """L = log s, s the sum of exp(z - L), which is 1: its differential is the average of those of z."""
        assert z.constant is not None
        less = self.arrays.times(self.arrays.gather(self._flat(slot), groups), -1.0)
        shares = self.arrays.apply("exp", self.arrays.apply("add", self._flat(z.constant), less))
        each = Node(len(groups), (z.terms,), (shares,), {(0, 0): shares})
        total = tuple(self.maps.folded(term, groups) for term in selection(each, np.arange(len(groups))))
        one, minus = self.arrays.literal(np.ones(prod(sizes))), self.arrays.literal(-np.ones(1))
        return Moving(
            sizes, slot, selection(Node(prod(sizes), (total,), (one,), {(0, 0): minus}), np.arange(prod(sizes)))
        )

    def _multiplied_up(self, value: Moving, slot: Slot, sizes: Sizes, axes: tuple[int, ...]) -> Moving:
        """Two by two: no entry is divided by, so that they may be 0."""
        index = np.arange(prod(value.sizes)).reshape(value.sizes)
        groups = np.moveaxis(index, axes, range(len(axes))).reshape(-1, prod(sizes))
        parts = [self._picked(value, group) for group in groups]
        while len(parts) > 1:
            pairs = [self.product(*pair) for pair in zip(parts[::2], parts[1::2], strict=False)]
            parts = pairs + parts[2 * len(pairs) :]
        return Moving(sizes, slot, parts[0].terms)

    def _picked(self, value: Moving, entries: np.ndarray) -> Moving:
        """Some entries, as a vector."""
        assert value.constant is not None
        known = self.arrays.gather(value.constant, entries)
        return Moving(entries.shape, known, self.labelled(value.terms, entries))

    def product(self, left: Moving, right: Moving, symmetric: bool = False) -> Moving:
        """Entry by entry, of one rank."""
        if not (left.terms and right.terms):
            return super().product(left, right)
        assert left.constant is not None and right.constant is not None
        sizes = np.broadcast_shapes(left.sizes, right.sizes)
        value = self.arrays.product(left.constant, right.constant)
        count, one = prod(sizes), self.arrays.literal(np.ones(1))
        if left is right:
            slope = self.arrays.times(self._flat(left.constant), 2.0)
            node = Node(count, (left.terms,), (slope,), {(0, 0): self.arrays.times(one, 2.0)})
        else:
            left, right = self.spread(left, sizes), self.spread(right, sizes)
            slopes = tuple(self._flat(side.constant) for side in (right, left) if side.constant is not None)
            node = Node(count, (left.terms, right.terms), slopes, {(0, 1): one})
        return Moving(sizes, value, selection(node, np.arange(count)))

    def entrywise(self, atom: str, value: Moving) -> Moving:
        assert value.constant is not None
        call = Apply(atom, (value.constant,), Form((value.sizes,), value.sizes, {}))
        return self._function(call, [value], self.arrays.emit(call), value.sizes)

    def quotient(self, value: Moving, below: Moving) -> Moving:
        """Entry by entry, of one rank."""
        if not below.terms:
            return super().quotient(value, below)
        assert value.constant is not None and below.constant is not None
        sizes = np.broadcast_shapes(value.sizes, below.sizes)
        args = [self.spread(value, sizes), self.spread(below, sizes)]
        call = Apply("div", (value.constant, below.constant), Form((sizes, sizes), sizes, {}))
        return self._function(call, args, self.arrays.emit(call), sizes)

    def _flat(self, slot: Slot) -> Slot:
        return self.arrays.reshape(slot, (prod(self.arrays.sizes(slot)),))


def _summed_exponentials(
    instruction: Instruction, sizes: Sizes, sizes_of: Callable[[Slot], Sizes]
) -> np.ndarray | None:
    """Of logsumexp, in which entry of its value, of these sizes, each entry of its argument is; None of all else."""
    index = np.arange(prod(sizes))
    match instruction:
        case Fold(op="logsumexp", value=value, axes=axes):
            kept = tuple(1 if axis in axes else size for axis, size in enumerate(sizes_of(value)))
            return np.broadcast_to(index.reshape(kept), sizes_of(value)).reshape(-1)
        case Scatter(op="logsumexp", axis=axis, groups=groups):
            return np.take(index.reshape(sizes), groups, axis).reshape(-1)
        case Apply(atom="logsumexp", args=(value,)):
            return np.repeat(index, prod(sizes_of(value)) // max(len(index), 1))
        case _:
            return None
