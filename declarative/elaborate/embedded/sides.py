"""Which side of a comparison stood where: Python calls `x.__ge__(0)` for `0 <= x`, and `x.__eq__(1)` for `1 == x`."""

from __future__ import annotations

import ast

from declarative.elaborate.embedded.place import Place
from declarative.elaborate.embedded.relation import Op

MIRRORED: dict[Op, Op] = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
SIGNS: dict[type[ast.cmpop], Op] = {ast.LtE: "<=", ast.GtE: ">=", ast.Lt: "<", ast.Gt: ">"}


def is_mirrored(op: Op, other_is_symbolic: bool, place: Place) -> bool:
    """True where the object whose method was called stood on the right, as far as its text tells.

    A number on the left of `==` can be told by its being written with literals; where the text is missing, the sides
    of an equation stay as Python hands them over (its dual then has the other sign).
    """
    match place.syntax():
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
            return not other_is_symbolic and _is_number(left) and not _is_number(right)
        case ast.Compare(ops=[sign]):
            return MIRRORED.get(op) == SIGNS.get(type(sign), op)
        case _:
            return False


def _is_number(node: ast.expr) -> bool:
    """Written with literals only: `1`, `-0.5`, `1/2`."""
    return not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node))
