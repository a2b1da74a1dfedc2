"""Sums of kinked functions over all pairs to sums over one triangle: abs(P[i,j]) of a symmetric P is abs(P[j,i]).

With a body that is the same for (j, i) as for (i, j), the sum over both triangles is twice that over i < j, and the
diagonal. Each kink stands once then: of two that are equal, the multipliers would not be determined.
"""

from __future__ import annotations

from dataclasses import replace

from declarative.analysis.words import text
from declarative.atoms.algebra import plus, times
from declarative.atoms.along import new_indices, part
from declarative.atoms.build import call
from declarative.atoms.penalties import ABS
from declarative.atoms.registry import find
from declarative.atoms.symmetric import is_symmetric
from declarative.ir.condition import Condition, Connective, Test
from declarative.ir.expr import Binder, Call, Expr, Index, Parameter, Reduce, Slice, Variable
from declarative.ir.size import SCALAR
from declarative.ir.walk import fold, map_condition, postorder, substitute, transform, varies
from declarative.rewrite.hinges import either_way
from declarative.rewrite.kinks import kinked
from declarative.rewrite.standard import Standard

EVEN = ("abs", "norm", "norm1", "norminf", "pnorm")


def to_one_triangle(standard: Standard) -> Standard:
    """Of the objective and the rows."""
    log: list[str] = []

    def step(node: Expr) -> Expr:
        made = _halved(pairs) if (pairs := _over_pairs(node)) is not None else None
        if made is None:
            return node
        log.append(f"`{text(node)}` is summed over one triangle, since both are equal")
        return made

    rows = tuple(replace(row, body=transform(row.body, step)) for row in standard.rows)
    objective = transform(standard.objective, step)
    return replace(standard, objective=objective, rows=rows, log=standard.log + tuple(log))


def _over_pairs(node: Expr) -> Reduce | None:
    """A sum of scalars with kinks over two indices of one range."""
    match node:
        case Call("norm1", (x,)):
            found = _of_entries(call(ABS, x))
        case Call("sum", (x,)):
            found = _of_entries(x)
        case Reduce(op="sum"):
            found = node
        case _:
            return None
    if found is None or found.shape or len(found.binders) != 2 or not any(map(_kinked, postorder(found.body))):
        return None
    first, second = found.binders
    return found if (first.lo, first.hi) == (second.lo, second.hi) else None


def _of_entries(x: Expr) -> Reduce | None:
    if len(x.shape) != 2 or not _is_symmetric(x):
        return None
    binders = new_indices("ij", x.shape, x)
    return Reduce("sum", _entry(x, tuple(b.index for b in binders)), binders)


def _entry(x: Expr, at: tuple[Expr, ...]) -> Expr:
    """Written out, so that each of its parts is an entry."""

    def step(node: Expr, inner: tuple[Expr, ...]) -> Expr:
        assert isinstance(node, Call)
        return replace(node, args=inner, shape=SCALAR)

    return fold(x, step, lambda node: None if _goes_by_entries(node) else part(node, at) if node.shape else node)


def _is_symmetric(x: Expr) -> bool:
    """Symmetric data and variables, and what is made of them entry by entry."""
    return fold(x, lambda node, inner: all(inner), _leaf)


def _leaf(node: Expr) -> bool | None:
    return None if _goes_by_entries(node) else not node.shape or (not isinstance(node, Call) and is_symmetric(node))


def _goes_by_entries(x: Expr) -> bool:
    record = find(x.atom) if isinstance(x, Call) and x.shape else None
    return record is not None and record.elementwise


def _kinked(node: Expr) -> bool:
    return isinstance(node, Call) and kinked(node) and varies(node)


def _halved(pairs: Reduce) -> Expr | None:
    first, second = pairs.binders
    mirror: dict[Expr, Expr] = {first.index: second.index, second.index: first.index}
    if _ordered(substitute(pairs.body, mirror)) != _ordered(pairs.body):
        return None
    condition = pairs.condition
    apart = (
        isinstance(condition, Test) and condition.op == "!=" and substitute(condition.left, mirror) == condition.right
    )
    if not apart and map_condition(condition, lambda e: _ordered(substitute(e, mirror))) != _with_order(condition):
        return None
    above = Test("<", first.index, second.index)
    both = above if condition is None else Connective("and", (above, condition))
    upper = times(2.0, replace(pairs, condition=both))
    return upper if apart else plus(upper, _diagonal(pairs, first, second))


def _with_order(condition: Condition | None) -> Condition | None:
    return map_condition(condition, _ordered)


def _diagonal(pairs: Reduce, first: Binder, second: Binder) -> Expr:
    at: dict[Expr, Expr] = {second.index: first.index}
    condition = map_condition(pairs.condition, lambda e: substitute(e, at))
    return replace(pairs, body=substitute(pairs.body, at), binders=(first,), condition=condition)


def _ordered(e: Expr) -> Expr:
    """The same expression, to be compared: equal entries of symmetric matrices, and abs(r) and abs(-r), look alike."""
    return transform(e, _ordered_node)


def _ordered_node(node: Expr) -> Expr:
    match node:
        case Index(base=Parameter() | Variable() as base, subscripts=subscripts) if base.symmetric:
            *family, i, j = subscripts
            if len(subscripts) != base.family + 2 or isinstance(i, Slice) or isinstance(j, Slice):
                return node
            return replace(node, subscripts=(*family, *sorted((i, j), key=hash)))
        case Call(atom, (r,)) if atom in EVEN:
            return replace(node, args=(either_way(r),))
        case _:
            return node
