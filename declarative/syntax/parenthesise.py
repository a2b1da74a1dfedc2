"""A tree to the same tree with brackets where its text would otherwise be read differently.

Trees made from a file have their brackets already and are left as they are; trees made from meaning have none.
"""

from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from declarative.syntax.tree import (
    Assume,
    Attribute,
    Compare,
    Constraint,
    Expression,
    Fors,
    Logic,
    Node,
    Not,
    Paren,
    Power,
    Product,
    Subscript,
    Sum,
    Transpose,
    Unary,
)

# How tightly an expression binds; every other expression is an atom or a postfix of one.
_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _UNARY, _POWER, _POSTFIX = range(9)
_BINDS: dict[type[Node], int] = {
    Not: _NOT,
    Compare: _COMPARE,
    Sum: _SUM,
    Product: _PRODUCT,
    Unary: _UNARY,
    Power: _POWER,
}
# How tightly an operand must bind, by the field that it stands in; everywhere else like a sum.
_NEEDS: dict[tuple[type[Node], str], int] = {
    (Paren, "body"): _OR,
    (Constraint, "relation"): _OR,
    (Assume, "relation"): _OR,
    (Fors, "condition"): _OR,
    (Not, "body"): _NOT,
    (Sum, "first"): _PRODUCT,
    (Sum, "rest"): _PRODUCT,
    (Product, "first"): _UNARY,
    (Product, "rest"): _UNARY,
    (Unary, "body"): _UNARY,
    (Power, "base"): _POSTFIX,
    (Power, "exponent"): _UNARY,
    (Transpose, "body"): _POSTFIX,
    (Attribute, "body"): _POSTFIX,
    (Subscript, "body"): _POSTFIX,
}

N = TypeVar("N", bound=Node)


def parenthesise(node: N) -> N:
    """The tree with a `Paren` around each operand that binds more loosely than its place allows."""
    changed = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node | tuple):
            changed[field.name] = _fitted(value, _needed(node, field.name))
    return replace(node, **changed)


def _fitted(value: Any, needed: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_fitted(item, needed) for item in value)
    if not isinstance(value, Node):
        return value
    inner = parenthesise(value)
    return Paren(cast("Expression", inner), span=value.span) if _binds(value) < needed else inner


def _binds(node: Node) -> int:
    if isinstance(node, Logic):
        return _OR if node.op == "or" else _AND
    return _BINDS.get(type(node), _POSTFIX)


def _needed(node: Node, field: str) -> int:
    if isinstance(node, Logic):
        return _AND if node.op == "or" else _NOT
    return _NEEDS.get((type(node), field), _SUM)
