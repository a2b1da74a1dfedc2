"""The derivatives of an entrywise function, as instructions: by formula for the common ones, else by torch.func."""

from __future__ import annotations

from collections.abc import Callable

from declarative.atoms.record import Form
from declarative.backends.tape.arrays import Arrays
from declarative.backends.tape.tape import Apply, Partial, Slot

Partials = tuple[dict[int, Slot], dict[tuple[int, int], Slot]]  # by argument; by pair of arguments i <= j


def partials(arrays: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot, moving: list[int]) -> Partials:
    """First and second derivatives in the moving arguments; the arguments have equal sizes, `value` is the call's."""
    if call.atom in FORMULAS:
        first, second = FORMULAS[call.atom](arrays, call, args, value)
    else:
        sizes = arrays.sizes(value)
        form = Form((sizes,) * len(args), sizes, call.form.options)
        first = {i: arrays.emit(Partial(call.atom, args, form, (i,))) for i in moving}
        pairs = [(i, j) for i in moving for j in moving if i <= j]
        second = {pair: arrays.emit(Partial(call.atom, args, form, pair)) for pair in pairs}
    return (
        {i: slot for i, slot in first.items() if i in moving},
        {(i, j): slot for (i, j), slot in second.items() if i in moving and j in moving},
    )


def _exp(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    return {0: value}, {(0, 0): value}


def _log(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    slope = a.reciprocal(args[0])
    return {0: slope}, {(0, 0): a.times(a.product(slope, slope), -1.0)}


def _sqrt(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    """f' = 1/(2 f),  f'' = -2 f'^3."""
    slope = a.times(a.reciprocal(value), 0.5)
    return {0: slope}, {(0, 0): a.times(a.product(slope, a.product(slope, slope)), -2.0)}


def _inverse(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    """f' = -f^2,  f'' = 2 f^3."""
    square = a.product(value, value)
    return {0: a.times(square, -1.0)}, {(0, 0): a.times(a.product(square, value), 2.0)}


def _power(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    p, sizes = call.form.options["p"], a.sizes(value)

    def power(q: float) -> Slot:
        return a.emit(Apply("power", args, Form((sizes,), sizes, {"p": q})))

    return {0: a.times(power(p - 1), p)}, {(0, 0): a.times(power(p - 2), p * (p - 1))}


def _div(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    """f = x/y: f_x = 1/y, f_y = -f/y, f_xy = -1/y^2, f_yy = 2 f/y^2."""
    inverse = a.reciprocal(args[1])
    down = a.times(a.product(value, inverse), -1.0)
    first = {0: inverse, 1: down}
    cross, twice = a.times(a.product(inverse, inverse), -1.0), a.times(a.product(down, inverse), -2.0)
    return first, {(0, 1): cross, (1, 1): twice}


def _sin(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    return {0: a.apply("cos", args[0])}, {(0, 0): a.times(value, -1.0)}


def _cos(a: Arrays, call: Apply, args: tuple[Slot, ...], value: Slot) -> Partials:
    return {0: a.times(a.apply("sin", args[0]), -1.0)}, {(0, 0): a.times(value, -1.0)}


FORMULAS: dict[str, Callable[[Arrays, Apply, tuple[Slot, ...], Slot], Partials]] = {
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "inv_pos": _inverse,
    "power": _power,
    "div": _div,
    "sin": _sin,
    "cos": _cos,
}
