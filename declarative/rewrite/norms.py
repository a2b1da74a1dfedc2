"""Roots of sums of squares to norms: sqrt(1 + z^2) is norm([1, z]), sumsq(r)^0.5 is norm(r).

The two are equal wherever they are defined, so primal and dual stay as they are. The root of one square is `abs`.
"""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Expr
from declarative.ir.facts import Sign
from declarative.ir.walk import postorder, varies
from declarative.rewrite.entries import At, joined, over_entries
from declarative.rewrite.squares import squares


def root_of_squares(node: Call) -> Expr | None:
    """The norm that a root is, entry by entry; a power p of a sum of squares, 1/2 <= p < 1, is that norm to the 2p."""
    if (found := _root(node)) is None:
        return None
    e, p = found
    norm = over_entries(e.shape, lambda at: _norm(e, at))
    return norm if norm is None or p == 0.5 else apply("power", norm, p=2 * p)


def kinks(root: Expr) -> Iterator[Call]:
    """The roots of sums of squares that may be 0: there they have a kink, as norms have, though a root is smooth."""
    yield from (node for node in postorder(root) if isinstance(node, Call) and _may_vanish(node))


def _may_vanish(node: Call) -> bool:
    found = _root(node)
    if found is None or not varies(node) or facts_of(found[0]).sign in Sign.POS:
        return False
    return root_of_squares(node) is not None


def _root(node: Call) -> tuple[Expr, float] | None:
    """What stands below a root, and the power that the root is."""
    match node:
        case Call("sqrt", (e,)):
            return e, 0.5
        case Call("power", (e,)) if 0.5 <= node.option("p") < 1:
            return e, node.option("p")
        case _:
            return None


def _norm(e: Expr, at: At) -> Expr | None:
    parts = squares(e, at)
    if parts is None:
        return None
    whole = joined(parts)
    if not whole.shape:
        return whole if facts_of(whole).sign.nonneg else apply("abs", whole)
    return apply("norm", whole)
