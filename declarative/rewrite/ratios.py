"""Squares over a positive expression to quad_over_lin: (x^2 + 1)/y is quad_over_lin([x, 1], y), convex in both.

Equal wherever they are defined, so primal and dual stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.facts import facts_of, least_of
from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Expr
from declarative.ir.walk import postorder, varies
from declarative.rewrite.entries import At, entry, joined, over_entries
from declarative.rewrite.squares import squares


def squares_over(node: Call) -> Expr | None:
    """Of a quotient whose lower side holds variables and is known to be positive."""
    match node:
        case Call("div", (above, below)) if varies(above) and varies(below) and facts_of(below).sign.nonneg:
            return over_entries(node.shape, lambda at: _over(above, below, at))
        case _:
            return None


def corners(root: Expr) -> Iterator[tuple[Call, Expr]]:
    """The quotients of squares whose lower side, beside it here, may be 0, where the upper one is 0 too.

    There x^2/y has slopes of every kind, though it is smooth elsewhere.
    """
    for node in postorder(root):
        match node:
            case Call("quad_over_lin" | "div", (_, below)) if varies(below) and least_of(below) <= 0:
                if node.atom == "quad_over_lin" or squares_over(node) is not None:
                    yield node, below


def _over(above: Expr, below: Expr, at: At) -> Expr | None:
    sign, above = (-1, above.args[0]) if isinstance(above, Call) and above.atom == "neg" else (1, above)
    parts = squares(above, at if above.shape else ())
    if parts is None:
        return None
    value = apply("quad_over_lin", joined(parts), entry(below, at))
    return value if sign > 0 else apply("neg", value)
