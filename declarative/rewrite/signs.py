"""Kinked functions of arguments whose sign is known to forms without a kink: `abs(x)` with `x` nonneg to x."""

from __future__ import annotations

from dataclasses import replace

from declarative.analysis.facts import FactsTable
from declarative.analysis.words import text
from declarative.atoms.algebra import total
from declarative.atoms.build import call
from declarative.atoms.penalties import ABS
from declarative.ir.expr import Binder, Call, Expr
from declarative.ir.walk import fold, postorder, varies, with_children
from declarative.rewrite.hinges import Hinge, hinge
from declarative.rewrite.standard import Standard


def without_known_signs(standard: Standard) -> Standard:
    """Of the objective and the rows; what an attribute promises of a variable is held by a row of its own."""
    log: dict[str, None] = {}
    objective = _plain(standard.objective, (), log)
    rows = tuple(replace(row, body=_plain(row.body, row.binders, log)) for row in standard.rows)
    return replace(standard, objective=objective, rows=rows, log=standard.log + tuple(log))


def _plain(root: Expr, binders: tuple[Binder, ...], log: dict[str, None]) -> Expr:
    if not any(_hinge(node) for node in postorder(root)):
        return root
    look = FactsTable(root, binders)

    def step(node: Expr, new: tuple[Expr, ...]) -> Expr:
        own = _hinge(node)
        found = None if own is None else replace(own, r=new[_place(node, own)]).without_kink(look(own.r).sign)
        if found is None:
            return with_children(node, new)
        found = found if found.shape == node.shape else total(found)
        log[f"`{text(node)}` is `{text(found)}` by the sign of its argument"] = None
        return found

    return fold(root, step)


def _hinge(node: Expr) -> Hinge | None:
    """Of something that varies; that of abs(x) for norm1(x), which is its sum."""
    match node:
        case Call("norm1", (x,)):
            node = call(ABS, x)
        case _:
            pass
    own = hinge(node)
    return own if own is not None and varies(own.r) else None


def _place(node: Expr, own: Hinge) -> int:
    """Which of the arguments has the kink."""
    return next(k for k, arg in enumerate(node.args) if arg is own.r) if isinstance(node, Call) else 0
