"""A tape's values that are affine or quadratic in the unknowns -> constants and linear maps, all data on the tape.

One rule for each instruction, from the first to the last. An entry is a constant, plus coefficients times unknowns,
plus coefficients times products of linear maps; what the rules do not know is `None`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from declarative.backends.tape.arrays import Arrays, Sizes
from declarative.backends.tape.tape import (
    Align,
    Apply,
    Fold,
    Gather,
    Input,
    Instruction,
    Reshape,
    Scatter,
    Slot,
    operands,
    reading,
)
from declarative.backends.tape.terms import Inner, Linear, Maps, Product, Unknowns, X, selection


@dataclass(frozen=True, eq=False)
class Moving:
    """An array of these sizes: the constant at a slot (None: 0) of the same sizes, and terms on its entries."""

    sizes: Sizes
    constant: Slot | None
    terms: Linear

    @property
    def affine(self) -> bool:
        return all(isinstance(term.source, Unknowns) for term in self.terms)


class NotPolynomial(Exception):
    """A value has a degree above two, or is made by a function without a rule."""


Rule = Callable[["Polynomials", Apply, list[Moving], Sizes], Moving]


class Polynomials:
    """Reads the values of a tape. `places` (by variable) says which unknown each entry is, or -1 for 0.

    `symmetric` names the parameters that are symmetric matrices; `rules` has one for each function.
    """

    def __init__(
        self,
        instructions: list[Instruction],
        places: Mapping[str, np.ndarray],
        symmetric: frozenset[str],
        rules: Mapping[str, Rule],
    ):
        self.arrays = Arrays(instructions)
        self.maps = Maps(self.arrays)
        self.places, self.symmetric, self.rules = places, symmetric, rules
        self._known: dict[Slot, Moving] = {}

    def __call__(self, slot: Slot) -> Moving:
        """The value of a slot. Raises NotPolynomial."""
        pending = [slot]
        while pending:
            top = pending[-1]
            missing = [s for s in operands(self.arrays.instructions[top]) if s not in self._known]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            if top not in self._known:
                self._known[top] = self._value(top)
        return self._known[slot]

    def _value(self, slot: Slot) -> Moving:
        instruction = self.arrays.instructions[slot]
        sizes = self.arrays.sizes(slot)
        args = [self._known[s] for s in operands(instruction)]
        if isinstance(instruction, Input) and instruction.name in self.places:
            return Moving(sizes, None, selection(X, self.places[instruction.name].reshape(-1)))
        if not any(arg.terms for arg in args):
            return Moving(sizes, self._known_now(slot, args), ())
        match instruction:
            case Align() | Gather() | Reshape():
                return self._rearranged(args[0], sizes, _labels(instruction, args[0].sizes), instruction)
            case Fold(op="sum", axes=axes):
                kept = tuple(1 if axis in axes else size for axis, size in enumerate(args[0].sizes))
                groups = np.broadcast_to(np.arange(prod(sizes)).reshape(kept), args[0].sizes)
                return self._folded(args[0], sizes, groups.reshape(-1), instruction)
            case Scatter(op="sum", axis=axis, groups=groups):
                index = np.arange(prod(sizes)).reshape(sizes)
                return self._folded(args[0], sizes, np.take(index, groups, axis).reshape(-1), instruction)
            case Apply(atom=atom) if atom in self.rules:
                return self.rules[atom](self, instruction, args, sizes)
            case _:
                raise NotPolynomial

    def _known_now(self, slot: Slot, args: list[Moving]) -> Slot:
        """A value without unknowns: the slot's own, where it reads none that are 0."""
        read = operands(self.arrays.instructions[slot])
        if all(arg.constant == s for s, arg in zip(read, args, strict=True)):
            return slot
        zeros = (self.arrays.literal(np.zeros(a.sizes)) if a.constant is None else a.constant for a in args)
        return self.arrays.emit(reading(self.arrays.instructions[slot], tuple(zeros)))

    # --- instructions that act on one value -------------------------------------------------------

    def _constant(self, value: Moving, instruction: Instruction) -> Slot | None:
        """What the instruction makes of the constant."""
        return None if value.constant is None else self.arrays.emit(replace(instruction, value=value.constant))  # pyright: ignore

    def _rearranged(self, value: Moving, sizes: Sizes, labels: np.ndarray, instruction: Instruction) -> Moving:
        return Moving(sizes, self._constant(value, instruction), self.labelled(value.terms, labels))

    def labelled(self, terms: Linear, labels: np.ndarray) -> Linear:
        """Entry i is entry labels[i]."""
        found = (self.maps.rearranged(term, labels) for term in terms)
        return tuple(term for term in found if term.rows.size)

    def _folded(self, value: Moving, sizes: Sizes, groups: np.ndarray, instruction: Instruction) -> Moving:
        terms = tuple(self.maps.folded(term, groups) for term in value.terms)
        return Moving(sizes, self._constant(value, instruction), terms)

    # --- steps that the functions are made of -----------------------------------------------------

    def spread(self, value: Moving, sizes: Sizes) -> Moving:
        """Broadcast; axes of length one come first where the rank grows."""
        if value.sizes == sizes:
            return value
        own = (1,) * (len(sizes) - len(value.sizes)) + value.sizes
        labels = np.broadcast_to(np.arange(prod(own)).reshape(own), sizes).reshape(-1)
        constant = None if value.constant is None else self.arrays.expand(value.constant, sizes)
        return Moving(sizes, constant, self.labelled(value.terms, labels))

    def reshaped(self, value: Moving, sizes: Sizes) -> Moving:
        constant = None if value.constant is None else self.arrays.reshape(value.constant, sizes)
        return Moving(sizes, constant, value.terms)

    def transposed(self, value: Moving) -> Moving:
        """The last two axes exchanged."""
        index = np.arange(prod(value.sizes)).reshape(value.sizes).swapaxes(-1, -2)
        constant = None if value.constant is None else self.arrays.transpose(value.constant)
        return Moving(index.shape, constant, self.labelled(value.terms, index.reshape(-1)))

    def summed(self, value: Moving, rank: int) -> Moving:
        """The sum over the last axes."""
        lead, own = value.sizes[: len(value.sizes) - rank], prod(value.sizes[len(value.sizes) - rank :])
        terms = tuple(self.maps.folded(term, np.repeat(np.arange(prod(lead)), own)) for term in value.terms)
        constant = value.constant
        if constant is not None and rank:
            constant = self.arrays.emit(Fold("sum", constant, tuple(range(len(lead), len(value.sizes)))))
        return Moving(lead, constant, terms)

    def added(self, values: Sequence[Moving]) -> Moving:
        """Of the same sizes."""
        known = [v.constant for v in values if v.constant is not None]
        constant = self.arrays.apply("add", *known) if len(known) > 1 else known[0] if known else None
        return Moving(values[0].sizes, constant, self.maps.merged(tuple(t for v in values for t in v.terms)))

    def times(self, value: Moving, number: float) -> Moving:
        constant = None if value.constant is None else self.arrays.times(value.constant, number)
        return Moving(value.sizes, constant, tuple(replace(t, number=number * t.number) for t in value.terms))

    def scaled(self, value: Moving, data: Slot) -> Moving:
        """Entry by entry, of one rank."""
        sizes = np.broadcast_shapes(value.sizes, self.arrays.sizes(data))
        value = self.spread(value, sizes)
        terms = tuple(self.maps.scaled(term, data, sizes) for term in value.terms)
        constant = None if value.constant is None else self.arrays.product(value.constant, data)
        return Moving(sizes, constant, terms)

    def product(self, left: Moving, right: Moving, symmetric: bool = False) -> Moving:
        """Entry by entry, of one rank: (Lx + c)(Rx + d) = Lx Rx + c Rx + d Lx + c d."""
        for value, other in ((left, right), (right, left)):
            if value.constant is None and not value.terms:
                return Moving(np.broadcast_shapes(left.sizes, right.sizes), None, ())
            if value.constant is not None and not value.terms:
                return self.scaled(other, value.constant)
        if not (left.affine and right.affine):
            raise NotPolynomial
        sizes = np.broadcast_shapes(left.sizes, right.sizes)
        same = left is right
        left, right = self.spread(left, sizes), self.spread(right, sizes)
        every = np.arange(prod(sizes))
        terms = list(selection(Product(left.terms, left.terms if same else right.terms, symmetric or same), every))
        for value, other in ((left, right),) if same else ((left, right), (right, left)):
            if value.constant is not None:
                (inner,) = selection(Inner(other.terms), every) or (None,)
                scaled = self.maps.scaled(inner, value.constant, sizes) if inner is not None else None
                terms += [replace(scaled, number=2 * scaled.number) if same else scaled] if scaled is not None else []
        both = left.constant is not None and right.constant is not None
        constant = self.arrays.product(left.constant, right.constant) if both else None  # pyright: ignore
        return Moving(sizes, constant, tuple(terms))

    def quotient(self, value: Moving, below: Moving) -> Moving:
        """Entry by entry, of one rank, by data."""
        if below.terms or below.constant is None:
            raise NotPolynomial
        number = self.arrays.number(below.constant)
        if number is not None:
            return self.spread(self.times(value, 1 / number), np.broadcast_shapes(value.sizes, below.sizes))
        return self.scaled(value, self.arrays.reciprocal(below.constant))

    def entrywise(self, atom: str, value: Moving) -> Moving:
        """A function of each entry, which is no polynomial."""
        raise NotPolynomial

    def multiplied(self, matrices: Slot, value: Moving) -> Moving:
        """Matrices (*axes, m, k) times vectors (*axes, k); the axes broadcast."""
        *axes, m, k = self.arrays.sizes(matrices)
        lead = np.broadcast_shapes(tuple(axes), value.sizes[:-1])
        value = self.spread(value, (*lead, k))
        terms = tuple(self.maps.multiplied(term, matrices, lead) for term in value.terms)
        constant = value.constant
        if constant is not None:
            columns = self.arrays.reshape(constant, (*lead, k, 1))
            constant = self.arrays.reshape(self.arrays.matmul(matrices, columns), (*lead, m))
        return Moving((*lead, m), constant, terms)

    def is_symmetric(self, slot: Slot) -> bool:
        """Is the slot a symmetric matrix, or a family of them?"""
        own = self.arrays.sizes(slot)
        match self.arrays.instructions[slot]:
            case Input(name):
                return name in self.symmetric
            case Align(value, order, _, full):
                rank = len(order)
                return order[-2:] == (rank - 2, rank - 1) and full[-2:] == own[-2:] and self.is_symmetric(value)
            case Reshape(value):
                return self.arrays.sizes(value)[-2:] == own[-2:] and self.is_symmetric(value)
            case Gather(value, places) if self.is_symmetric(value):
                n = self.arrays.sizes(value)[-1]
                row, column = places // n % n, places % n
                mirrored = places - row * n - column + column * n + row
                return places.ndim > 1 and np.array_equal(mirrored, places.swapaxes(-1, -2))
            case _:
                return False


def _labels(instruction: Align | Gather | Reshape, sizes: Sizes) -> np.ndarray:
    """Which entry of an array of these sizes each entry of the instruction's value is."""
    match instruction:
        case Align(_, order, between, full):
            index = np.arange(prod(sizes)).reshape(sizes).transpose(order).reshape(between)
            return np.broadcast_to(index, full).reshape(-1)
        case Gather(places=places):
            return places.reshape(-1)
        case Reshape():
            return np.arange(prod(sizes))
