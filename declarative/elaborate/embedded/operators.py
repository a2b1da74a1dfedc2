"""Python's operators on expressions: `*` entry by entry or by a scalar, `@` the product of linear algebra."""

from __future__ import annotations

from typing import Any

from declarative.atoms.apply import apply
from declarative.atoms.record import ShapeMismatch
from declarative.elaborate.embedded.place import Place, fail
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.expr import Call, Constant, Expr
from declarative.ir.size import SCALAR, shape_text
from declarative.source.diagnostic import DiagnosticError

ATOMS = {"+": "add", "*": "mul", "/": "div", "**": "power"}


def entrywise(op: str, left: Expr, right: Expr, place: Place) -> Expr:
    """`+ * / **` of equal shapes; a scalar goes with any shape."""
    check_equal_shapes(op, left, right, place)
    if op == "/" and isinstance(right, Constant) and right.value == 0:
        raise fail("E223", f"`{operand_text(left, place, 0)} / {operand_text(right, place, 1)}` divides by 0", place)
    return function(ATOMS[op], (left, right), {}, place)


def difference(left: Expr, right: Expr, place: Place) -> Expr:
    check_equal_shapes("-", left, right, place)
    return function("add", (left, apply("neg", right, origin=place.argument(1).span)), {}, place)


def check_equal_shapes(op: str, left: Expr, right: Expr, place: Place) -> None:
    if SCALAR in (left.shape, right.shape) or left.shape == right.shape:
        return
    hints = []
    if op == "*" and _fits(left, right):
        a, b = operand_text(left, place, 0), operand_text(right, place, 1)
        hints = [f"the product of linear algebra is `{a} @ {b}`"]
    message = f"`{op}` needs equal shapes, or a scalar: {_facts(left, right, place)}"
    raise fail("E203", message, place, hints=hints)


def product(left: Expr, right: Expr, place: Place) -> Expr:
    """`left @ right`; a scalar that leads it multiplies the whole, so `c * x @ A @ x` is c times a quadratic form."""
    match left:
        case Call("mul", (scalar, inner)) if scalar.shape == SCALAR and inner.shape != SCALAR:
            return apply("mul", scalar, product(inner, right, place), origin=place.span)
    x, y = left.shape, right.shape
    if SCALAR in (x, y):
        raise fail(
            "E208", f"`@` multiplies arrays: {_facts(left, right, place)}", place, hints=["a scalar multiplies by `*`"]
        )
    if max(len(x), len(y)) > 2:
        hints = ["take one member of the family: `x[i]`"]
        raise fail("E208", f"`@` cannot take these: {_facts(left, right, place)}", place, hints=hints)
    if not _fits(left, right):
        raise fail(
            "E203",
            f"`@` needs {x[-1]} == {y[0]}: {_facts(left, right, place)}",
            place,
            hints=_transposed(left, right, place),
        )
    match len(x), len(y):
        case 1, 1:
            return apply("dot", left, right, origin=place.span)
        case 1, _:  # x'A is the vector A'x
            return apply("matmul", apply("transpose", right, origin=right.origin), left, origin=place.span)
        case _:
            return apply("matmul", left, right, origin=place.span)


def _fits(left: Expr, right: Expr) -> bool:
    return left.shape[-1] == right.shape[0]


def _transposed(left: Expr, right: Expr, place: Place) -> list[str]:
    a, b = operand_text(left, place, 0), operand_text(right, place, 1)
    if len(left.shape) == 2 and left.shape[0] == right.shape[0]:
        turned = a.removesuffix(".T") if a.endswith(".T") else f"{a}.T"
        return [f"`{turned} @ {b}` fits"]
    if len(left.shape) == 1 and len(right.shape) == 2 and left.shape[0] == right.shape[1]:
        return [f"`{b} @ {a}` fits"]
    return []


def function(name: str, args: tuple[Expr, ...], options: dict[str, Any], place: Place) -> Expr:
    """A function of the library, applied."""
    try:
        return apply(name, *args, origin=place.span, **options)
    except ShapeMismatch as found:
        raise mismatch(found, place) from None


def mismatch(found: ShapeMismatch, place: Place) -> DiagnosticError:
    return fail("E203", found.message, place.argument(found.argument), hints=found.hints)


def operand_text(e: Expr, place: Place, position: int) -> str:
    """How the user wrote an operand, or how the text would have it."""
    part = place.argument(position)
    return part.text if part is not place and part.text else expression_to_text(e)


def _facts(left: Expr, right: Expr, place: Place) -> str:
    operands = ((left, 0), (right, 1))
    return ", ".join(f"`{operand_text(e, place, k)}` is {shape_text(e.shape)}" for e, k in operands)
