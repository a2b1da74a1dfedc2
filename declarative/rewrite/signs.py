"""Kinked functions of arguments whose sign is known to forms without a kink: `abs(x)` with `x` nonneg to x."""

from __future__ import annotations

from dataclasses import replace

from declarative.analysis.facts import FactsTable
from declarative.analysis.words import text
from declarative.atoms.algebra import total
from declarative.ir.expr import Binder, Call, Expr
from declarative.ir.facts import Sign
from declarative.ir.walk import fold, postorder, with_children
from declarative.rewrite.hinges import Hinge, moving_hinge, multiple
from declarative.rewrite.standard import Standard


def without_known_signs(standard: Standard) -> Standard:
    """Of the objective and the rows; what an attribute promises of a variable is held by a row of its own."""
    log: list[str] = []
    objective = _plain(standard.objective, (), log)
    rows = tuple(replace(row, body=_plain(row.body, row.binders, log)) for row in standard.rows)
    return replace(standard, objective=objective, rows=rows, log=standard.log + tuple(log))


def _plain(root: Expr, binders: tuple[Binder, ...], log: list[str]) -> Expr:
    if not any(moving_hinge(node) for node in postorder(root)):
        return root
    look = FactsTable(root, binders)

    def step(node: Expr, new: tuple[Expr, ...]) -> Expr:
        own = moving_hinge(node)
        slope = None if own is None else _slope(own, look)
        if own is None or slope is None:
            return with_children(node, new)
        found = multiple(slope, new[_place(node, own)])
        found = found if found.shape == node.shape else total(found)
        log.append(f"`{text(node)}` is `{text(found)}` by the sign of its argument")
        return found

    return fold(root, step)


def _slope(own: Hinge, look: FactsTable) -> float | None:
    """A function that is 0 stays unless its argument is affine: 0 times a concave one is no convex form."""
    facts = look(own.r)
    slope = own.slope(Sign.ZERO if own.vanishes else facts.sign)
    return slope if slope or facts.curvature.affine else None


def _place(node: Expr, own: Hinge) -> int:
    """Which of the arguments has the kink."""
    return next(k for k, arg in enumerate(node.args) if arg is own.r) if isinstance(node, Call) else 0
