"""Rows of a standard problem on a tape: where each of their entries goes in the solver, and back for the duals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from declarative.atoms.apply import apply
from declarative.backends.layout import Layout
from declarative.backends.tape.axes import Selection, Value
from declarative.backends.tape.tape import Gather, Slot
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Call, Constant, Expr, Index, Variable
from declarative.ir.walk import varies
from declarative.rewrite.standard import Row

# equality, inequality, bound of a variable, entry that is 0, equality that others imply
Kind = Literal["c", "g", "lower", "upper", "fixed", "implied"]


@dataclass(frozen=True)
class Block:
    """The entries of one row family: `count` of them from `offset` in the solver's rows of this kind.

    For bounds `entries` are the variable's entries (name, flat places). The dual of entry k belongs at `places[k]` of
    an array of shape `shape` (flat), where several may meet; what no entry reaches is 0. A symmetric family has its
    entries with i <= j only.
    Where the row has a weight, its values are in the slot `weight`, (batch, count times the entries of a weight).
    """

    row: Row
    kind: Kind
    slot: Slot  # of the body, or of the bound's value: (batch, count)
    count: int
    shape: tuple[int, ...]
    places: np.ndarray
    entries: tuple[str, np.ndarray] | None = None
    weight: Slot | None = None

    def unknowns(self, layout: Layout) -> np.ndarray:
        """Those that a bound is of, (count,)."""
        assert self.entries is not None
        name, entries = self.entries
        return layout.places[name].reshape(-1)[entries]


class RowBuilder:
    """Puts rows on a tape; bounds of variables are told from general rows by their form.

    `bounded` holds the entries of each variable that have a bound, with its value where that is a number; `opened`
    those whose bound says no more than the open domain of a function.
    """

    def __init__(self, vectoriser: Vectoriser):
        self.vectoriser = vectoriser
        self.bounded: dict[tuple[str, Kind], dict[int, float | None]] = {}
        self.opened: dict[tuple[str, Kind], set[int]] = {}

    def block(self, row: Row) -> Block | None:
        """The row's entries; None for a domain that the user's own bounds state already."""
        block = self._block(row)
        return block if block is None or row.weight is None else self._weighted(block, row.weight)

    def _weighted(self, block: Block, weight: Expr) -> Block:
        """Every entry of the dual has a weight of its own, also where one row serves several entries."""
        row = block.row
        selection = self.vectoriser.select(row.binders, row.condition)
        shape = self.vectoriser.shape(row.body.shape)
        own = self.vectoriser.shape(weight.shape) or shape
        slot = self.vectoriser.flat(self.vectoriser.value(weight, selection.environment), selection.axes, own)
        whole = block.shape + own[len(shape) :]
        return replace(block, shape=whole, places=_dual_places(selection, own), weight=slot)

    def _block(self, row: Row) -> Block | None:
        selection = self.vectoriser.select(row.binders, row.condition)
        shape = self.vectoriser.shape(row.body.shape)
        whole = tuple(b.length.evaluate(self.vectoriser.sizes) for b in row.binders) + shape
        whole, summed = whole[: len(whole) - row.summed], whole[len(whole) - row.summed :]
        places = _dual_places(selection, shape) // int(np.prod(summed, dtype=np.int64))
        kept = _one_triangle(places.size, shape[-1]) if row.symmetric else np.arange(places.size)
        bound = None if row.equality or row.symmetric else self._bound(row, selection, shape)
        if bound == "stated":
            return None
        if bound is not None:
            kind, slot, entries = bound
            return Block(row, kind, slot, places.size, whole, places, entries)
        value = self.vectoriser.value(row.body, selection.environment)
        slot = self.vectoriser.flat(value, selection.axes, shape)
        if kept.size != places.size:
            slot = self.vectoriser.emit(Gather(slot, kept))
        return Block(row, "c" if row.equality else "g", slot, kept.size, whole, places[kept])

    def _bound(self, row: Row, selection: Selection, shape: tuple[int, ...]):
        """(kind, slot of the bound's value, entries) where the row bounds entries of one variable, each once.

        "stated" where it is a domain, and every entry has a bound at least as tight.
        """
        split = _split(row.body)
        if split is None:
            return None
        kind, entry, rest = split
        value = self.vectoriser.value(entry, selection.environment)
        name, entries = self._entries(entry, value, selection, shape)
        seen, number = self.bounded.setdefault((name, kind), {}), rest.value if isinstance(rest, Constant) else None
        if not row.path and number is not None and self._stated(row, name, kind, entries.tolist(), number):
            return "stated"
        if np.unique(entries).size != entries.size or not seen.keys().isdisjoint(entries.tolist()):
            return None
        seen.update(dict.fromkeys(entries.tolist(), number))
        bound = self.vectoriser.value(rest, selection.environment)
        return kind, self.vectoriser.flat(bound, selection.axes, shape), (name, entries)

    def _stated(self, row: Row, name: str, kind: Kind, entries: list[int], number: float) -> bool:
        """Is every entry bounded as tightly already? Bounds that say just as much are then open, if the domain is."""
        known = [self.bounded[name, kind].get(entry) for entry in entries]
        tight = all(k is not None and (k >= number if kind == "lower" else k <= number) for k in known)
        if tight and row.open_domain:
            same = {entry for entry, k in zip(entries, known, strict=True) if k == number}
            self.opened.setdefault((name, kind), set()).update(same)
        return tight

    def _entries(self, entry: Expr, value: Value, selection: Selection, shape: tuple[int, ...]):
        symbol = entry.base if isinstance(entry, Index) else entry
        assert isinstance(symbol, Variable)
        instruction = self.vectoriser.instructions[value.slot]
        own = value.shape
        match instruction:
            case Gather(places=places):
                pass
            case _:  # the whole variable, or none of it
                lengths = value.lengths + own
                places = np.arange(int(np.prod(lengths, dtype=np.int64))).reshape(lengths)
        order = [value.scope.index(axis) for axis in selection.axes if axis in value.scope]
        order += range(len(value.scope), len(value.scope) + len(own))
        view = tuple(axis.length if axis in value.scope else 1 for axis in selection.axes)
        places = places.transpose(order).reshape(view + (own or (1,) * len(shape)))
        full = tuple(axis.length for axis in selection.axes) + shape
        return symbol.name, np.broadcast_to(places, full).reshape(-1)


def _split(body: Expr) -> tuple[Kind, Expr, Expr] | None:
    """`v - e` <= 0 bounds v above by e, `e - v` <= 0 below: (kind, v, e), where v is a variable or a part of one."""
    terms = body.args if isinstance(body, Call) and body.atom == "add" else (body,)
    moving = [t for t in terms if varies(t)]
    if len(moving) != 1:
        return None
    rest = tuple(t for t in terms if t is not moving[0])
    negative = isinstance(moving[0], Call) and moving[0].atom == "neg"
    entry = moving[0].args[0] if negative and isinstance(moving[0], Call) else moving[0]
    symbol = entry.base if isinstance(entry, Index) else entry
    if not isinstance(symbol, Variable) or symbol.symmetric:
        return None
    fixed: Expr = rest[0] if len(rest) == 1 else apply("add", *rest) if rest else Constant(0.0)
    return ("lower", entry, fixed) if negative else ("upper", entry, apply("neg", fixed))


def _dual_places(selection: Selection, shape: tuple[int, ...]) -> np.ndarray:
    """For each entry, tuples first, its flat place in the array over all tuples and the shape."""
    size = int(np.prod(shape, dtype=np.int64))
    return (selection.places[:, None] * size + np.arange(size)[None, :]).reshape(-1)


def _one_triangle(size: int, n: int) -> np.ndarray:
    """The entries with i <= j of each square matrix in a flat array of them."""
    place = np.arange(size) % (n * n)
    return np.nonzero(place // n <= place % n)[0]


def dual_weights(block: Block) -> np.ndarray | None:
    """How a symmetric family's multipliers spread: half to (i, j) and half to (j, i), where they are not summed up."""
    if not block.row.symmetric or block.row.summed:
        return None
    n = block.shape[-1]
    i, j = block.places % (n * n) // n, block.places % n
    return np.where(i == j, 1.0, 0.5)


def mirrored(block: Block) -> np.ndarray:
    """The places of the transposed entries of a symmetric family."""
    n = block.shape[-1]
    matrix, i, j = block.places // (n * n), block.places % (n * n) // n, block.places % n
    return matrix * n * n + j * n + i


def offsets(blocks: list[Block]) -> Mapping[int, int]:
    """Where each block starts among the rows of its kind, by position in the list."""
    found: dict[int, int] = {}
    totals: dict[Kind, int] = {"c": 0, "g": 0, "lower": 0, "upper": 0, "fixed": 0, "implied": 0}
    for k, block in enumerate(blocks):
        found[k] = totals[block.kind]
        totals[block.kind] += block.count
    return found
