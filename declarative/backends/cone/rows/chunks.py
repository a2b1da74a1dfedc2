"""Rows of a conic problem at concrete sizes as chunks: expressions on a tape, and the cone rows made of their values.

A chunk repeats one small pattern `count` times (for the index tuples of its family): with e the values of its
expressions, A_pattern (e, auxiliaries) + s = b_pattern, s in its blocks. Every e is affine in the unknowns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from declarative.analysis.facts import facts_of
from declarative.analysis.words import text, title
from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.cone.rows.epigraph import AtomRow
from declarative.backends.cone.rows.forms import FormRows
from declarative.backends.cone.rows.homogeneous import template_of
from declarative.backends.cone.rows.template import Entries, NotConic, Template, Wanted
from declarative.backends.cone.rows.tighten import tighten
from declarative.backends.cone.rows.turn import turn
from declarative.backends.cone.sets.cones import Block, Kind, triangle
from declarative.backends.tape.axes import Selection
from declarative.backends.tape.evaluate import static_value
from declarative.backends.tape.tape import Gather, Slot
from declarative.backends.tape.vectorise import Vectoriser, concrete
from declarative.ir.expr import Call, Expr, Parameter, Role, Variable
from declarative.ir.walk import postorder, variables, varies
from declarative.rewrite.standard import ConeRow, Row
from declarative.source.diagnostic import Diagnostic, DiagnosticError, error


@dataclass(frozen=True)
class DualPlaces:
    """Row `rows[k]` of a chunk adds `weights[k]` times its multiplier at `places[k]` of a flat array of this shape."""

    shape: tuple[int, ...]
    rows: np.ndarray
    places: np.ndarray
    weights: np.ndarray

    def summed(self, axes: int) -> DualPlaces:
        """Over the last so many axes."""
        kept = len(self.shape) - axes
        return replace(self, shape=self.shape[:kept], places=self.places // _size(self.shape[kept:]))


@dataclass(frozen=True)
class Chunk:
    """`slots` hold (batch, count * size) for the sizes of the pattern's expressions, `data` those of its parameters."""

    pattern: Template
    count: int
    slots: tuple[Slot, ...]
    data: tuple[Slot, ...]
    reads: frozenset[str]  # the variables that the expressions hold
    owner: Row | ConeRow | AtomRow
    dual: DualPlaces | None = None
    form: FormRows | None = None  # the pattern's parameters are made of `data` by it

    @property
    def rows(self) -> int:
        return self.pattern.rows * self.count

    @property
    def constraint(self) -> Row | ConeRow | AtomRow:
        """The owner, or the user's row that it is."""
        bound = isinstance(self.owner, AtomRow) and self.owner.row
        return bound or self.owner

    @property
    def path(self) -> tuple[str, ...]:
        return () if isinstance(self.constraint, AtomRow) else self.constraint.path


class ChunkBuilder:
    """Puts rows on a tape."""

    def __init__(self, vectoriser: Vectoriser, constants: Mapping[str, np.ndarray]):
        self.vectoriser, self.constants = vectoriser, constants
        self.templates: dict = {}

    def affine(self, row: Row) -> Chunk:
        """`body == 0` or `body <= 0`, an entry a row; a symmetric body has its entries with i <= j only."""
        selection, shape, whole = self._family(row, row.body)
        places = _dual_places(selection, shape)
        slot, dual = self._flat(row.body, selection, shape), DualPlaces(whole, *_straight(places))
        if row.symmetric:
            n = shape[-1]
            kept = np.nonzero(places % (n * n) // n <= places % n)[0]
            slot = self.vectoriser.emit(Gather(slot, kept))
            dual = DualPlaces(whole, *_straight(places[kept])) if row.summed else _symmetric(whole, places[kept], 0.5)
        block = Block(Kind.ZERO if row.equality else Kind.NONNEG, 1)
        pattern = _pattern((block,), (1,), np.array([0]), np.array([0]), np.array([1.0]))
        if row.weight is not None:
            dual = self._weighted(row.weight, selection, shape, whole)
        count = len(places) if not row.symmetric else len(kept)
        return Chunk(pattern, count, (slot,), (), _reads(row.body), row, dual.summed(row.summed))

    def _weighted(
        self, weight: Expr, selection: Selection, shape: tuple[int, ...], whole: tuple[int, ...]
    ) -> DualPlaces:
        """The multiplier of a row enters the dual times a number, or of a scalar row times an array of numbers."""
        own = self.vectoriser.shape(weight.shape) or shape
        places = _dual_places(selection, own)
        rows = np.arange(len(places)) // (_size(own) // _size(shape))
        return DualPlaces(whole + own[len(shape) :], rows, places, self._known(weight, selection, own).reshape(-1))

    def semidefinite(self, row: ConeRow) -> Chunk:
        """-vec(X) + s = 0: the upper triangle, off-diagonal entries as means of both sides times sqrt(2)."""
        (body,) = row.elements
        selection, shape, whole = self._family(row, body)
        slot, n = self._flat(body, selection, shape), shape[0]
        i, j, factor = triangle(n)
        k = np.arange(len(i))
        rows, columns = np.concatenate([k, k]), np.concatenate([i * n + j, j * n + i])
        pattern = _pattern((Block(Kind.PSD, len(i)),), (n * n,), rows, columns, -np.tile(factor, 2) / 2)
        places = (selection.places[:, None] * (n * n) + i * n + j).reshape(-1)
        dual = _symmetric(whole, places, np.sqrt(0.5))
        return Chunk(pattern, _count(selection), (slot,), (), _reads(body), row, dual)

    def second_order(self, row: ConeRow) -> Chunk:
        """(t, x): -(t, x) + s = 0; its dual has the entries in this order."""
        selection = self.vectoriser.select(row.binders, row.condition)
        shapes = [self.vectoriser.shape(e.shape) for e in row.elements]
        slots = tuple(self._flat(e, selection, shape) for e, shape in zip(row.elements, shapes, strict=True))
        sizes = tuple(_size(shape) for shape in shapes)
        d = np.arange(sum(sizes))
        pattern = _pattern((Block(Kind.SOC, len(d)),), sizes, d, d, -np.ones(len(d)))
        whole = (*self._lengths(row), len(d))
        dual = DualPlaces(whole, *_straight(_dual_places(selection, (len(d),))))
        return Chunk(pattern, _count(selection), slots, (), _reads(*row.elements), row, dual)

    def three_dimensional(self, row: ConeRow, kind: Kind) -> Chunk:
        """(x, y, z), entry by entry, in the exponential or a power cone."""
        selection = self.vectoriser.select(row.binders, row.condition)
        shape = max((self.vectoriser.shape(e.shape) for e in row.elements), key=len)
        slots = tuple(self._flat(e, selection, shape) for e in row.elements)
        power = self._power(row, selection) if row.args else 0.0
        pattern = _pattern((Block(kind, 3, power),), (1, 1, 1), np.arange(3), np.arange(3), -np.ones(3))
        count, size = _count(selection) * _size(shape), _size(shape)
        entry = np.arange(size)[:, None] + size * np.arange(3)  # all x, then all y, then all z
        places = (selection.places[:, None, None] * (3 * size) + entry).reshape(-1)
        dual = DualPlaces((*self._lengths(row), 3 * size), *_straight(places))
        return Chunk(pattern, count, slots, (), _reads(*row.elements), row, dual)

    def _power(self, row: ConeRow, selection: Selection) -> float:
        """The exponent, the same for all members of a family."""
        values = self._known(row.args[0], selection, ())
        if not len(values):
            return 0.5  # of no rows
        if not ((values > 0) & (values < 1)).all() or (values != values[0]).any():
            found = f"`{text(row.args[0])}` is {' and '.join(f'{v:g}' for v in np.unique(values)[:3])}"
            told = f"the exponent of `POW` is one number between 0 and 1, and {found}"
            raise DiagnosticError([error("E227", row.origin, told)])
        return float(values[0])

    def bound(self, row: AtomRow) -> Chunk:
        """`f(args) <= t` by the template of f; an elementwise f one entry at a time.

        Raises DiagnosticError where CVXPY has no conic form of f with these arguments.
        """
        selection = self.vectoriser.select(row.binders, row.condition)
        record = find(row.call.atom)
        assert record is not None
        args, shape = row.call.args, self.vectoriser.shape(row.call.shape)
        shapes = [shape if record.elementwise else self.vectoriser.shape(a.shape) for a in args]
        form = self._form(row, [() if record.elementwise else s for s in shapes], () if record.elementwise else shape)
        given = [self._given(a, selection, s, f) for a, s, f in zip(args, shapes, form.shapes, strict=True)]
        rows = form_rows(row, form)
        template = turn(rows.template()) if rows is not None else self._template(row, form, given)
        slots = [self._flat(e, selection, s) for e, s in zip((*args, row.value), (*shapes, shape), strict=True)]
        moving, data = (tuple(slots[k] for k in part) for part in ((*template.moving, len(args)), template.fixed))
        count = _count(selection) * (_size(shape) if record.elementwise else 1)
        dual = None if row.row is None else self._dual_of_bound(row.row, selection, shape, template, count)
        return Chunk(template, count, moving, data, _reads(*args, row.value), row, dual, rows)

    def _dual_of_bound(
        self, row: Row, selection: Selection, shape: tuple[int, ...], template: Template, count: int
    ) -> DualPlaces:
        """f(x) <= t as a row of its own has the multiplier that makes the Lagrangian stationary in t: -A_t'z."""
        A, first, size = template.A, sum(template.sizes[:-1]), template.sizes[-1]
        own = np.flatnonzero((A.columns >= first) & (A.columns < first + size))
        times = np.repeat(np.arange(count), len(own))
        rows, entries = np.tile(A.rows[own], count), np.tile(A.columns[own] - first, count)
        places = _dual_places(selection, shape)[times * size + entries]
        whole = self._lengths(row) + shape
        found = DualPlaces(whole, times * template.rows + rows, places, np.tile(-A.values[own], count))
        return found.summed(row.summed)

    def _form(self, row: AtomRow, shapes: list[tuple[int, ...]], shape: tuple[int, ...]) -> Form:
        options = {name: concrete(value, self.vectoriser.sizes) for name, value in row.call.options}
        return Form(tuple(shapes), shape, options)

    def _template(self, row: AtomRow, form: Form, given: list) -> Template:
        data = tuple(not varies(a) for a in row.call.args)
        nonneg = tuple(facts_of(a, row.binders).sign.nonneg for a in row.call.args)
        known = tuple(None if g is None else g.tobytes() for g in given)
        key = (row.call.atom, form.shapes, form.shape, repr(form.options), row.convex, known, data, nonneg)
        if key not in self.templates:
            wanted = Wanted(row.call.atom, form, row.convex, tuple(given), data, nonneg)
            try:
                self.templates[key] = turn(tighten(template_of(wanted)))
            except NotConic:
                raise DiagnosticError([not_conic(row)]) from None
        return self.templates[key]

    def _given(self, e: Expr, selection: Selection, shape: tuple[int, ...], own: tuple[int, ...]) -> np.ndarray | None:
        """The value of an argument that is known now and is the same in every repetition."""
        if not is_static(e):
            return None
        values = self._known(e, selection, shape).reshape(-1, _size(own))
        return values[0].reshape(own) if len(values) and (values == values[0]).all() else None

    def _known(self, e: Expr, selection: Selection, shape: tuple[int, ...]) -> np.ndarray:
        slot = self._flat(e, selection, shape)
        return static_value(self.vectoriser.tape((slot,)), self.constants)[0]

    def _flat(self, e: Expr, selection: Selection, shape: tuple[int, ...]) -> Slot:
        value = self.vectoriser.value(e, selection.environment)
        return self.vectoriser.flat(value, selection.axes, shape)

    def _family(self, row: Row | ConeRow, body: Expr) -> tuple[Selection, tuple[int, ...], tuple[int, ...]]:
        selection = self.vectoriser.select(row.binders, row.condition)
        shape = self.vectoriser.shape(body.shape)
        return selection, shape, self._lengths(row) + shape

    def _lengths(self, row: Row | ConeRow) -> tuple[int, ...]:
        return tuple(b.length.evaluate(self.vectoriser.sizes) for b in row.binders)


def form_rows(row: AtomRow, form: Form) -> FormRows | None:
    """For the root of a quadratic form, and for a form whose matrix is not known when the layer is compiled."""
    match row.call:
        case Call("quad_root" | "quad" as atom, (x, A)) if varies(x) and not varies(A):
            rooted = atom == "quad_root"
            return None if is_static(A) and not rooted else FormRows(form.shapes[0][0], 1 if row.convex else -1, rooted)
        case _:
            return None


def not_conic(row: AtomRow) -> Diagnostic:
    """CVXPY's rules refuse the function with its data as parameters."""
    text = f"the cone backend has no conic form of `{title(row.call)}` with these arguments"
    hint = "data among its arguments may have to be `const`, so that it is known when the layer is compiled"
    return error("E302", row.origin, text, hints=(hint,))


def is_static(e: Expr) -> bool:
    """Known when the layer is compiled: no variables, params or learned data."""
    symbols = (n for n in postorder(e) if isinstance(n, Variable | Parameter))
    return all(isinstance(s, Parameter) and s.role is Role.CONST for s in symbols)


def _pattern(blocks, sizes: tuple[int, ...], rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> Template:
    none = np.zeros(0, dtype=np.int64)
    A = Entries(rows, columns, np.zeros_like(rows), values)
    return Template(tuple(blocks), tuple(range(len(sizes))), (), sizes, 0, A, Entries(none, none, none, np.zeros(0)))


def _reads(*expressions: Expr) -> frozenset[str]:
    return frozenset(v.name for e in expressions for v in variables(e))


def _dual_places(selection: Selection, shape: tuple[int, ...]) -> np.ndarray:
    """For each entry, tuples first, its flat place in the array over all tuples and the shape."""
    size = _size(shape)
    return (selection.places[:, None] * size + np.arange(size)[None, :]).reshape(-1)


def _straight(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.arange(len(places)), places, np.ones(len(places))


def _symmetric(shape: tuple[int, ...], places: np.ndarray, off: float) -> DualPlaces:
    """Entries (i, j) with i <= j, those off the diagonal times `off` in both triangles."""
    n = shape[-1]
    i, j = places % (n * n) // n, places % n
    outside = np.flatnonzero(i != j)
    mirror = (places - i * n - j + j * n + i)[outside]
    rows = np.concatenate([np.arange(len(places)), outside])
    weights = np.concatenate([np.where(i == j, 1.0, off), np.full(len(outside), off)])
    return DualPlaces(shape, rows, np.concatenate([places, mirror]), weights)


def _count(selection: Selection) -> int:
    return int(np.prod([axis.length for axis in selection.axes], dtype=np.int64))


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
