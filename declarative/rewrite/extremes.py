"""Rows that bound the greatest of several values, as rows that bound each: `abs(x) <= 1` is x <= 1 and -x <= 1.

A graph form would add a variable for the greatest value, which is free wherever its bound is loose. Without it the rows
are often bounds of variables. The primal goes back as it is. Of max_k g_k + e <= 0 the dual lambda has the Lagrangian
f + lambda (max_k g_k + e), whose gradients are those of f + sum_k mu_k (g_k + e) with sum_k mu_k = lambda: a dual is
the sum of the multipliers of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

from declarative.analysis.facts import facts_of
from declarative.analysis.words import text
from declarative.atoms.apply import apply
from declarative.atoms.symmetric import is_symmetric
from declarative.ir.condition import Condition
from declarative.ir.expr import Binder, Call, Expr, Index, Reduce, Variable
from declarative.ir.walk import varies
from declarative.rewrite.kinks import nodes_with_kinks
from declarative.rewrite.scope import Scope
from declarative.rewrite.standard import Row, Standard

FEW = 2  # pieces of a row, which may all hold a long sum beside them


@dataclass(frozen=True)
class Piece:
    """One of the values, or one for each index tuple."""

    value: Expr
    binders: tuple[Binder, ...] = ()
    condition: Condition | None = None


def bounds_of_extremes(standard: Standard) -> Standard:
    """The problem with these rows written out, where nothing else in them has a kink."""
    written = [(row, _written_out(row)) for row in standard.rows]
    log = tuple(f"`{_text(row)}` is written as bounds of each value" for row, rows in written if rows != (row,))
    return replace(standard, rows=tuple(chain.from_iterable(rows for _, rows in written)), log=standard.log + log)


def _written_out(row: Row) -> tuple[Row, ...]:
    """Rows for each piece, and these written out too; a piece that is data is no row."""
    kinks = nodes_with_kinks(row.body)
    if row.equality or row.weight is not None or id(row.body) not in kinks:
        return (row,)
    pieces = _Reader(kinks, row.binders, not row.body.shape).pieces(row.body)
    if not pieces or not all(varies(p.value) for p in pieces):
        return (row,)
    return tuple(chain.from_iterable(_written_out(_row(row, piece)) for piece in pieces))


def _row(row: Row, piece: Piece) -> Row:
    """That of a piece; over its indices, and the axes of an array in place of a scalar, the dual is a sum."""
    scope = Scope().inside(row.binders, row.condition).inside(piece.binders, piece.condition)
    summed = row.summed + len(piece.binders) + len(piece.value.shape) - len(row.body.shape)
    symmetric = len(piece.value.shape) == 2 and is_symmetric(piece.value)
    made = replace(row, body=piece.value, symmetric=symmetric, summed=summed)
    return replace(made, binders=scope.binders, condition=scope.condition)


@dataclass(frozen=True)
class _Reader:
    """Reads a row's body, of which `kinks` are the nodes with kinks, for the values of which it is the greatest.

    An array of values takes the place of a scalar only where the whole body is one.
    """

    kinks: frozenset[int]
    binders: tuple[Binder, ...]
    scalar: bool

    def pieces(self, e: Expr, greatest: bool = True) -> list[Piece]:
        """The values of which e is the greatest, or the least; none where it is no such function."""
        match e:
            case Call("add", terms):
                return self._of_sum(terms, greatest)
            case Call("neg", (x,)):
                return [replace(p, value=_turned(p.value)) for p in self.pieces(x, not greatest)]
            case Call("mul", (a, b)) if not (varies(a) and varies(b)):
                return self._of_product(*((b, a) if varies(a) else (a, b)), greatest)
            case Call() | Reduce() if id(e) in self.kinks:
                found = _values(e, greatest)
                return found if self.scalar or all(p.value.shape == e.shape and not p.binders for p in found) else []
        return []

    def _of_product(self, factor: Expr, x: Expr, greatest: bool) -> list[Piece]:
        sign = facts_of(factor, self.binders).sign
        if not (sign.nonneg or sign.nonpos):
            return []
        return [replace(p, value=apply("mul", factor, p.value)) for p in self.pieces(x, greatest == sign.nonneg)]

    def _of_sum(self, terms: tuple[Expr, ...], greatest: bool) -> list[Piece]:
        inner = [t for t in terms if id(t) in self.kinks]
        if len(inner) != 1:
            return []
        found = self.pieces(inner[0], greatest)
        few = len(found) <= FEW and not any(p.binders or p.value.shape != inner[0].shape for p in found)
        rest = [t for t in terms if t is not inner[0]]
        if not all(facts_of(t, self.binders).curvature.affine if few else _light(t) for t in rest):
            return []
        return [replace(p, value=apply("add", *(p.value if t is inner[0] else t for t in terms))) for p in found]


def _values(node: Call | Reduce, greatest: bool) -> list[Piece]:
    match node:
        case Call("abs" | "norminf", (x,)) if greatest:
            return [Piece(x), Piece(_turned(x))]
        case Call("max" | "maximum", args) if greatest:
            return [Piece(x) for x in args]
        case Call("min" | "minimum", args) if not greatest:
            return [Piece(x) for x in args]
        case Reduce("max" | "min" as op, body=body) if greatest == (op == "max"):
            return [Piece(body, node.binders, node.condition)]
        case _:
            return []


def _turned(e: Expr) -> Expr:
    """-e, term by term, so that `a - x <= u` is seen to bound x."""
    terms = e.args if isinstance(e, Call) and e.atom == "add" else (e,)
    return apply("add", *(apply("neg", term) for term in terms))


def _light(term: Expr) -> bool:
    """Data, or entries of a variable times data, which a row for each piece may hold."""
    match term:
        case Call("neg", (x,)):
            return _light(x)
        case Call("mul", (a, b)) if not (varies(a) and varies(b)):
            return _light(a) and _light(b)
        case Index(base=Variable()) | Variable():
            return True
        case _:
            return not varies(term)


def _text(row: Row) -> str:
    return " ".join(row.origin.text.split()) if row.origin is not None else f"{text(row.body)} <= 0"
