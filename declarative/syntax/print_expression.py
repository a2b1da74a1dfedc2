"""An expression with its brackets in place to text on one line.

Signs of a sum stand apart, but not among subscripts, sizes and bounds: `x[i+1]`, `R^(T+1)`, `0..T-1`.
"""

from typing import assert_never

from declarative.syntax.tree import (
    Array,
    Attribute,
    Call,
    Compare,
    Expression,
    For,
    Fors,
    Infinity,
    Keyword,
    Logic,
    Name,
    Not,
    Number,
    Paren,
    Power,
    Product,
    Range,
    Signature,
    Slice,
    Space,
    Subscript,
    Sum,
    Transpose,
    Tuple,
    Unary,
)

_APART = (".*", "./")
_CALLED = ("index",)  # spaces whose sizes stand in brackets: index(n)


def expression(node: Expression | Keyword | Range | Slice, tight: bool = False) -> str:
    match node:
        case Number(text):
            return text
        case Infinity():
            return "inf"
        case Name(id):
            return id
        case Paren(body):
            return f"({expression(body, tight)})"
        case Tuple(items):
            return f"({_list(items, tight)})"
        case Unary(op, body):
            return op + expression(body, tight)
        case Sum(first, rest):
            gap = "" if tight else " "
            return expression(first, tight) + "".join(f"{gap}{op}{gap}{expression(term, tight)}" for op, term in rest)
        case Product(first, rest):
            return expression(first, tight) + "".join(_factor(op, expression(factor, tight)) for op, factor in rest)
        case Power(op, base, exponent):
            return f"{expression(base, tight)}{op}{expression(exponent, tight)}"
        case Transpose(body):
            return f"{expression(body, tight)}'"
        case Attribute(body, name):
            return f"{expression(body, tight)}.{name}"
        case Keyword(name, value):
            return f"{name} = {expression(value, tight)}"
        case Range(lo, hi):
            return f"{expression(lo, True)}..{expression(hi, True)}"
        case Slice(lo, hi):
            return f"{_bound(lo)}:{_bound(hi)}"
        case Call(function, args, fors):
            repeated = f" {fors_clause(fors)}" if fors else ""
            return f"{expression(function)}({_list(args, tight)}{repeated})"
        case Subscript(body, items):
            return f"{expression(body, tight)}[{tight_list(items)}]"
        case Array(rows):
            return f"[{'; '.join(_list(row, tight) for row in rows)}]"
        case Compare(first, rest):
            return expression(first, tight) + "".join(f" {op} {expression(item, tight)}" for op, item in rest)
        case Not(body):
            return f"not {expression(body, tight)}"
        case Logic(op, items):
            return f" {op} ".join(expression(item, tight) for item in items)
        case _:
            assert_never(node)


def tight_list(items: tuple[Expression | Range | Slice, ...]) -> str:
    """Subscripts and sizes: `i+1,:`."""
    return ",".join(expression(item, True) for item in items)


def fors_clause(node: Fors) -> str:
    condition = f" if {expression(node.condition)}" if node.condition else ""
    return f"for {', '.join(_binder(binder) for binder in node.binders)}{condition}"


def space(node: Space) -> str:
    match node.sizes:
        case ():
            return node.name
        case sizes if node.name in _CALLED:
            return f"{node.name}({tight_list(sizes)})"
        case (Name() | Number() as size,):
            return f"{node.name}^{expression(size)}"
        case sizes:
            return f"{node.name}^({tight_list(sizes)})"


def signature(node: Signature) -> str:
    return f"{node.name} : {space(node.space)}"


def _list(items: tuple[Expression | Keyword, ...], tight: bool) -> str:
    return ", ".join(expression(item, tight) for item in items)


def _factor(op: str, factor: str) -> str:
    return f" {op} {factor}" if op in _APART else op + factor


def _bound(node: Expression | None) -> str:
    return "" if node is None else expression(node, True)


def _binder(node: For) -> str:
    return f"{node.index} in {expression(node.over)}"
