"""`budget.dual`, `box.lower.dual`, `x.upper.dual`: which multipliers a problem has, and their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from declarative.ir.expr import Attribute, Constant, Variable
from declarative.ir.problem import Comparison, Constraint, Membership
from declarative.ir.size import Shape, Size, count


def dual_shape(c: Constraint) -> Shape:
    """The binders' lengths, then the broadcast shape of the sides; of a tuple in a cone, all entries in one vector."""
    lead = tuple(b.length for b in c.binders)
    match c:
        case Comparison(left=left, right=right):
            return lead + (left.shape or right.shape)
        case Membership(elements=(element,)):
            return lead + element.shape
        case Membership(elements=elements):
            return (*lead, sum((count(e.shape) for e in elements), Size.of(0)))


def constraint_duals(constraints: Sequence[Constraint]) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """The path and shape of each multiplier of the constraints that share one name."""
    for c in constraints:
        part = c.part if isinstance(c, Comparison) else ""
        yield (c.name or "", *([part] if part else [])), dual_shape(c)


def attribute_duals(variable: Variable) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """The path and shape of each multiplier of the attributes that are constraints."""
    found: dict[tuple[str, ...], Shape] = {}
    for attribute in variable.attributes:
        for part in _parts(attribute):
            shape = variable.shape
            if part == "orthonormal":
                shape = (*shape[:-2], shape[-1], shape[-1])
            found[(variable.name, part)] = shape
    yield from found.items()


def _parts(attribute: Attribute) -> tuple[str, ...]:
    match attribute.name:
        case "nonneg" | "pos" | "simplex":
            return ("lower",)
        case "psd" | "pd":
            return ("psd",)
        case "orthonormal":
            return ("orthonormal",)
        case "between":
            ends = zip(("lower", "upper"), attribute.args, strict=True)
            return tuple(part for part, end in ends if not _is_infinite(end))
        case _:
            return ()


def _is_infinite(end: object) -> bool:
    return isinstance(end, Constant) and abs(end.value) == float("inf")
