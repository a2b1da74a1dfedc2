"""Operations on scalars -> a flat list without duplicates or dead ends, whose values share few places in memory.

Equal operations on equal arguments are one (hash-consing) and what is constant is folded, so blocks of zeros and
repeated entries of arrays cost nothing. 0 x is 0 here for every x: a zero that stands in the program is no rounding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.scalar import codes as op

LIMIT = 40_000  # operations; what has more has arrays that are large enough for torch, unless most entries are 0:
SPARSE = 2  # operations for each entry of the largest array
WIDEST = 8 * LIMIT  # entries, most of them zeros, of an array whose operations may be few enough
ZERO = 0  # the number of the constant 0
CONSTANT, INPUT = -1, -2
Node = tuple[int, ...]  # (code, *arguments), (CONSTANT, bits) or (INPUT, entry)


class NotScalar(Exception):
    """The function is no list of scalar operations, or too long a one."""


class Kind(NamedTuple):
    """The shape of a result, but for the batch, and whether its entries are truths."""

    shape: tuple[int, ...]
    truth: bool


@dataclass(frozen=True)
class Listing:
    """Operations (K, 5) in order: a code, three arguments and a target, which are places in memory; `places`: how many.

    `constants` go to `constant_places` once. Row (entry, place) of `inputs` says where an entry of the inputs goes; it
    stays there. `results` (r,) are the places of the results.
    """

    operations: np.ndarray
    constants: np.ndarray
    constant_places: np.ndarray
    inputs: np.ndarray
    results: np.ndarray
    places: int


class Builder:
    """Numbers scalars: the constant 0 first, then constants, inputs and operations as they come."""

    def __init__(self):
        self.nodes: list[Node] = []
        self.known: dict[Node, int] = {}  # of nodes, and of what is simplified
        self.values: dict[int, float] = {}  # of the constants
        self.limit = LIMIT  # of operations
        self.constant(0.0)

    def constant(self, value: float) -> int:
        """The number of a constant; -0.0 is another one than 0.0."""
        number = self._number((CONSTANT, *struct.unpack("q", struct.pack("d", value))))
        self.values[number] = value
        return number

    def input(self, entry: int) -> int:
        """The number of an entry of the inputs."""
        return self._number((INPUT, entry))

    def meet(self, entries: int) -> None:
        """An array with so many entries."""
        if entries > WIDEST:
            raise NotScalar("too many entries")
        self.limit = max(self.limit, SPARSE * entries)

    def emit(self, code: int, *args: int) -> int:
        """The number of an operation's value."""
        call = code, *args
        found = self.known.get(call)
        if found is None:
            simple = self._simplified(code, args)
            if simple is None:
                simple = self._number((code, *sorted(args)) if code in op.COMMUTE else call)
            found = self.known[call] = simple
        return found

    def total(self, terms: Iterable[int]) -> int:
        """Their sum."""
        number = ZERO
        for term in terms:
            number = self.emit(op.ADD, number, term)
        return number

    def _number(self, node: Node) -> int:
        found = self.known.get(node)
        if found is None:
            if len(self.nodes) > self.limit:
                raise NotScalar("too many operations")
            found = self.known[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def _simplified(self, code: int, args: Sequence[int]) -> int | None:
        if code == op.NEG and self.nodes[args[0]][0] == op.NEG:
            return self.nodes[args[0]][1]
        if self.values.keys().isdisjoint(args):
            return None
        values = [self.values.get(a) for a in args]
        if code in op.FOLDED and None not in values:
            with np.errstate(all="ignore"):
                return self.constant(float(op.FOLDED[code](*(np.float64(value) for value in values))))
        if code == op.WHERE:
            return None if values[0] is None else args[1] if values[0] else args[2]
        if code in (op.ADD, op.MUL, op.AND) and ZERO in args:
            return ZERO if code != op.ADD else args[0] if args[1] == ZERO else args[1]
        if code == op.MUL:
            return self._product(*args, *values) or self._product(*reversed(args), *reversed(values))
        if code == op.SUB and ZERO in args:
            return args[0] if args[1] == ZERO else self.emit(op.NEG, args[1])
        if code == op.DIV and values[1] == 1:
            return args[0]
        return self._power(args[0], values[1]) if code == op.POW and values[1] is not None else None

    def _product(self, a: int, b: int, value: float | None, _: float | None) -> int | None:
        """a b for a value of a that needs no product; b is not 0."""
        return b if value == 1 else self.emit(op.NEG, b) if value == -1 else None

    def _power(self, x: int, p: float) -> int | None:
        """x^p for the exponents that torch treats alike."""
        one = self.constant(1.0)
        match p:
            case 0.0:
                return one
            case 1.0:
                return x
            case 2.0 | 3.0:
                square = self.emit(op.MUL, x, x)
                return square if p == 2 else self.emit(op.MUL, square, x)
            case 0.5:
                return self.emit(op.SQRT, x)
            case -0.5 | -1.0 | -2.0:
                return self.emit(op.DIV, one, self.emit(op.POW, x, self.constant(-p)))
            case _:
                return None

    # --- from numbers to places ---------------------------------------------------------------------

    def listing(self, results: Sequence[int]) -> Listing:
        """The operations that these results need; a product that is used once, by a sum, is made one with it."""
        nodes, uses = self._fused(results)
        order = [k for k in range(len(nodes)) if uses[k]]
        given, made = [k for k in order if nodes[k][0] < 0], [k for k in order if nodes[k][0] >= 0]
        last = {a: k for k in made for a in nodes[k][1:]} | dict.fromkeys((*results, *given), -1)  # these stay
        place, free, count, operations = {k: i for i, k in enumerate(given)}, [], len(given), []
        for k in made:
            if not free:
                free, count = [count], count + 1
            place[k] = free.pop()
            code, *args = nodes[k]
            operations.append((code, *[place[a] for a in (args * 3)[:3]], place[k]))
            free += [place[a] for a in set(args) if last[a] == k]
        constants = [k for k in given if nodes[k][0] == CONSTANT]
        inputs = [(nodes[k][1], place[k]) for k in given if nodes[k][0] == INPUT]
        return Listing(
            np.array(operations, np.int32).reshape(-1, 5), np.array([self.values[k] for k in constants], np.float64),
            np.array([place[k] for k in constants], np.int32), np.array(inputs, np.int32).reshape(-1, 2),
            np.array([place[k] for k in results], np.int32), count,
        )  # fmt: skip

    def _fused(self, results: Sequence[int]) -> tuple[list[Node], list[int]]:
        """The nodes, with a b + c as one operation, and how often each is used."""
        nodes, uses = list(self.nodes), [0] * len(self.nodes)
        for k in results:
            uses[k] += 1
        for k in range(len(nodes) - 1, -1, -1):
            if uses[k] and nodes[k][0] >= 0:
                for a in nodes[k][1:]:
                    uses[a] += 1
        for k, node in enumerate(nodes):
            if uses[k] and node[0] == op.ADD:
                for product, other in (node[1:], node[:0:-1]):
                    if nodes[product][0] == op.MUL and uses[product] == 1 and product != other:
                        nodes[k], uses[product] = (op.MULADD, *nodes[product][1:], other), 0
                        break
        return nodes, uses
