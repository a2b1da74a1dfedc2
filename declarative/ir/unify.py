"""Sizes from shapes: solve `T+1 = 21` for T, remember where each size came from, and say who disagrees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from declarative.ir.size import Shape, Size, shape_text

Actual: TypeAlias = Sequence[int | Size]


@dataclass(frozen=True)
class Finding:
    """The size of one name and the argument that told it; `axis` is None where there is only one."""

    size: Size
    label: str | None = None
    axis: int | None = None

    @property
    def source(self) -> str:
        if self.label is None:
            return " as given"
        return f" from {self.label}" + ("" if self.axis is None else f" axis {self.axis}")


class SizeConflict(Exception):
    """Shapes that do not fit their declarations. `label`: the argument to blame; `names`: sizes left unknown."""

    def __init__(self, message: str, label: str | None = None, axis: int | None = None, names: tuple[str, ...] = ()):
        super().__init__(message)
        self.message, self.label, self.axis, self.names = message, label, axis, names


@dataclass(frozen=True)
class _Equation:
    label: str
    axis: int | None
    pattern: Size
    actual: Size


def infer_sizes(
    declared: Iterable[tuple[str, Shape]],
    actual: Iterable[Sequence[int]],
    known: Mapping[str, int] | None = None,
    needed: Iterable[str] = (),
) -> dict[str, int]:
    """The number behind every name in `declared` and `needed`, from the shapes of the arguments at hand.

    `declared` pairs a label (an argument's name) with its shape, `actual` holds the shape it came with.
    Raises SizeConflict, whose text is like "n = 5 from `mu`; `F` axis 1 gives 6".
    """
    declared = list(declared)
    shapes = [(f"`{label}`", shape) for label, shape in declared]
    given = {name: Finding(Size.of(value)) for name, value in (known or {}).items()}
    found = match_shapes(shapes, actual, given)
    wanted = {name: label for label, shape in declared for size in shape for name in size.names}
    missing = tuple(sorted((wanted.keys() | set(needed)) - found.keys()))
    if missing:
        raise SizeConflict(_unknown_text(missing, wanted), names=missing)
    return {name: finding.size.constant or 0 for name, finding in found.items()}


def match_shapes(
    declared: Iterable[tuple[str, Shape]], actual: Iterable[Actual], known: Mapping[str, Finding] | None = None
) -> dict[str, Finding]:
    """What the names in declared shapes must be, so that these are the actual ones. Raises SizeConflict.

    Names that no equation determines are left out. An equation is solved where it is linear in one unknown.
    """
    found = dict(known or {})
    pending = [
        e for (label, shape), given in zip(declared, actual, strict=True) for e in _equations(label, shape, given)
    ]
    while pending:
        open_ = [e for e in pending if not _settle(e, found)]
        if len(open_) == len(pending):
            break
        pending = open_
    return found


def _equations(label: str, shape: Shape, actual: Actual) -> list[_Equation]:
    if len(shape) != len(actual):
        shown = shape_text(tuple(Size.of(size) for size in actual))
        raise SizeConflict(f"{label} is declared {shape_text(shape)}; {shown} was given", label)
    axes = range(len(shape)) if len(shape) > 1 else (None,)
    return [_Equation(label, axis, p, Size.of(a)) for axis, p, a in zip(axes, shape, actual, strict=False)]


def _settle(equation: _Equation, found: dict[str, Finding]) -> bool:
    """True once an equation is used up: checked where all its names are known, or solved for the last one."""
    unknown = sorted(equation.pattern.names - found.keys())
    if not unknown:
        _compare(equation, found)
        return True
    if len(unknown) > 1:
        return False
    solution = _solve(equation, unknown[0], found)
    if solution is None:
        return False
    found[unknown[0]] = Finding(solution, equation.label, equation.axis)
    return True


def _compare(e: _Equation, found: Mapping[str, Finding]) -> None:
    value = _put(e.pattern, found)
    if value == e.actual:
        return
    if not e.pattern.names:
        raise SizeConflict(f"{_place(e)} is {e.pattern} by declaration; {e.actual} was given", e.label, e.axis)
    reasons = "; ".join(f"{name} = {found[name].size}{found[name].source}" for name in sorted(e.pattern.names))
    pattern = "" if str(e.pattern) in e.pattern.names else f"{e.pattern} = "
    raise SizeConflict(f"{reasons}; {_place(e)} gives {pattern}{e.actual}", e.label, e.axis)


def _solve(e: _Equation, name: str, found: Mapping[str, Finding]) -> Size | None:
    """`factor*name + rest == actual` for the name; None where it is not of this form. Raises for T+1 = 0, 2*n = 5."""
    linear = [(monomial, factor) for monomial, factor in e.pattern.terms if name in monomial]
    rest = Size(tuple((monomial, factor) for monomial, factor in e.pattern.terms if name not in monomial))
    if len(linear) != 1 or linear[0][0].count(name) != 1:
        return None
    others = tuple(n for n in linear[0][0] if n != name)
    factor = _put(Size(((others, linear[0][1]),)), found).constant
    if not factor:
        return None
    remainder = e.actual - _put(rest, found)
    solution = _divide(remainder, factor)
    if solution is None or (solution.constant is not None and solution.constant < 0):
        raise SizeConflict(f"{_place(e)} gives {e.pattern} = {e.actual}: no whole {name} fits", e.label, e.axis)
    return solution


def _divide(size: Size, factor: int) -> Size | None:
    if any(value % factor for _, value in size.terms):
        return None
    return Size(tuple((monomial, value // factor) for monomial, value in size.terms))


def _put(size: Size, found: Mapping[str, Finding]) -> Size:
    return size.substitute({name: found[name].size for name in size.names if name in found})


def _place(e: _Equation) -> str:
    return e.label + ("" if e.axis is None else f" axis {e.axis}")


def _unknown_text(missing: tuple[str, ...], wanted: Mapping[str, str]) -> str:
    names = ", ".join(missing)
    verb = "size cannot" if len(missing) == 1 else "sizes cannot"
    where = "" if missing[0] not in wanted else f" (in `{wanted[missing[0]]}`)"
    return f"the {verb} be told from the arguments: {names}{where}"
