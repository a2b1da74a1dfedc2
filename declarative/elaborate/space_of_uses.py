"""The space that a name without a declaration needs, as far as what it stands in tells.

A shape is a tuple of the texts of its sizes: `()`, `("n",)`, `("m", "n")`; a row is `("'", "n")`, a symmetric matrix
`("S", "n", "n")`. What is not known is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TypeAlias

from declarative.elaborate.names import Entity
from declarative.elaborate.values import stripped
from declarative.syntax import tree

Shape: TypeAlias = tuple[str, ...] | None
Names: TypeAlias = Mapping[str, Entity]

ROW, SYMMETRIC = "'", "S"


def space_of_uses(path: Sequence[tree.Node], names: Names) -> str:
    """`R^(m,n)` for the A of `A*x == b`, `R^n` for the c of `c'*x`, `S^n` for the P of `x'*P*x`; else `R`.

    `path` leads from the statement to the name.
    """
    shape = _needed(path, len(path) - 1, names)
    match shape:
        case (mark, size, *_) if mark == SYMMETRIC:
            return f"S^{_size(size)}"
        case (mark, size) if mark == ROW:
            return f"R^{_size(size)}"
        case (size,):
            return f"R^{_size(size)}"
        case (rows, columns):
            return f"R^({rows},{columns})"
        case _:
            return "R"


def _size(text: str) -> str:
    return text if text.isalnum() else f"({text})"


def _needed(path: Sequence[tree.Node], k: int, names: Names) -> Shape:
    """The shape that the node at this place of the path needs beside what it stands with."""
    if k == 0:
        return None
    part, parent = path[k], path[k - 1]
    match parent:
        case tree.Transpose():
            return _transposed(_needed(path, k - 1, names))
        case tree.Unary():
            return _needed(path, k - 1, names)
        case tree.Product():
            return _factor(parent, part, _needed(path, k - 1, names), names)
        case tree.Sum(first=first, rest=rest):
            return _beside(part, [first, *(e for _, e in rest)], names) or _needed(path, k - 1, names)
        case tree.Compare(first=first, rest=rest) if all(op != "in" for op, _ in rest):
            return _beside(part, [first, *(e for _, e in rest)], names)
        case tree.Call(function=tree.Name(id=name), args=(first, second)) if stripped(second) is part:  # pyright: ignore[reportArgumentType]
            beside = _shape(first, names) if name.startswith("quad") else None  # pyright: ignore[reportArgumentType]
            return (SYMMETRIC, *beside, *beside) if beside and len(beside) == 1 else None
        case _:
            return None


def _beside(part: tree.Node, all_of_them: Sequence[tree.Expression], names: Names) -> Shape:
    """The shape of terms or sides that have one, where not all are numbers."""
    others = (_shape(e, names) for e in all_of_them if stripped(e) is not part)
    return next((shape for shape in others if shape), None)


def _factor(product: tree.Product, part: tree.Node, whole: Shape, names: Names) -> Shape:
    """The shape of one factor, from those of the others and of the whole."""
    factors = [stripped(e) for e in (product.first, *(e for _, e in product.rest))]
    if any(op != "*" for op, _ in product.rest):
        return None
    at = next(k for k, e in enumerate(factors) if e is part)
    left, right = (_multiplied(some, names) for some in (factors[:at], factors[at + 1 :]))
    match left, right:
        case (mark, rows), (columns,) if mark == ROW:
            mirrored = at and _text(factors[at - 1]) == _text(factors[at + 1]) + "'" and len(factors) == 3
            return (SYMMETRIC, rows, rows) if mirrored else (rows, columns)
        case (mark, rows), () if mark == ROW:
            return (rows,)
        case (), (columns,) if whole and len(whole) == 1:
            square = whole == (columns,) and not _text(part)[0].isupper()  # as well a scalar
            return None if square else (*whole, columns)
        case (), (columns, *_) if columns != ROW:
            return (ROW, columns) if isinstance(part, tree.Transpose) else None
        case (_, columns), () if ROW not in (left or ()):
            return (columns,)
        case _:
            return None


def _text(node: tree.Node) -> str:
    return "".join(node.span.text.split())


def _multiplied(factors: Sequence[tree.Expression], names: Names) -> Shape:
    return reduce(_product, (_shape(e, names) for e in factors), ())


def _product(a: Shape, b: Shape) -> Shape:
    match a, b:
        case (None, _) | (_, None):
            return None
        case (), _:
            return b
        case _, ():
            return a
        case (rows, _), (_,):
            return () if rows == ROW else (rows,)
        case (rows, _), (_, columns):
            return (rows, columns)
        case (rows,), (mark, columns) if mark == ROW:
            return (rows, columns)
        case _:
            return None


def _transposed(shape: Shape) -> Shape:
    match shape:
        case (size,):
            return (ROW, size)
        case (mark, size) if mark == ROW:
            return (size,)
        case (rows, columns):
            return (columns, rows)
        case _:
            return shape


def _shape(e: tree.Expression, names: Names) -> Shape:
    """Of what is written with declared names alone."""
    match e:
        case tree.Number() | tree.Infinity():
            return ()
        case tree.Name(id=name):
            return _declared(names.get(name))
        case tree.Paren(body=body) | tree.Unary(body=body):
            return _shape(body, names)
        case tree.Transpose(body=body):
            return _transposed(_shape(body, names))
        case tree.Product(first=first, rest=rest) if all(op in ("*", "/") for op, _ in rest):
            return _multiplied([first, *(f for op, f in rest if op == "*")], names)
        case tree.Sum(first=first, rest=rest):
            shapes = [_shape(t, names) for t in (first, *(t for _, t in rest))]
            return next((shape for shape in shapes if shape), () if None not in shapes else None)
        case _:
            return None


def _declared(entity: Entity | None) -> Shape:
    match entity:
        case tree.DimItem():
            return ()
        case tree.Declaration(family=(), space=tree.Space(name="R" | "S" as name, sizes=sizes)):
            texts = tuple(_text(size) for size in sizes)
            return texts * 2 if name == "S" else texts
        case _:
            return None
