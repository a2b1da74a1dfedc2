"""Axes that stand for indices, values over them, and numpy arrays arranged along them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from declarative.backends.tape.tape import Slot
from declarative.ir.expr import IndexSymbol


@dataclass(frozen=True)
class Axis:
    number: int
    length: int


@dataclass(frozen=True)
class Along:
    """An index: the values that it takes along an axis."""

    axis: Axis
    values: np.ndarray


Environment: TypeAlias = Mapping[IndexSymbol, Along]


@dataclass(frozen=True)
class Value:
    """A slot whose array is (batch, *scope, *shape)."""

    slot: Slot
    scope: tuple[Axis, ...]
    shape: tuple[int, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(axis.length for axis in self.scope)


@dataclass(frozen=True)
class Selection:
    """The index tuples of a family: an environment, its axes, and the place of each tuple in the whole family."""

    environment: Environment
    axes: tuple[Axis, ...]
    places: np.ndarray  # flat, into the array over all tuples
    count: int  # of all tuples
    drawn: Mapping[Axis, np.ndarray]  # outer axes that the condition drew in: each tuple's position along them


def union(values: Iterable[Value]) -> tuple[Axis, ...]:
    axes = {axis for value in values for axis in value.scope}
    return tuple(sorted(axes, key=lambda axis: axis.number))


def arranged(array: np.ndarray, scope: tuple[Axis, ...], over: tuple[Axis, ...], trailing: int = 0) -> np.ndarray:
    """An array over `scope` as a view that broadcasts over `over` and some trailing axes."""
    order = [scope.index(axis) for axis in over if axis in scope]
    view = tuple(axis.length if axis in scope else 1 for axis in over) + (1,) * trailing
    return array.transpose(order).reshape(view)


def common(parts: list[tuple[np.ndarray, tuple[Axis, ...]]]) -> tuple[list[np.ndarray], tuple[Axis, ...]]:
    axes = {axis for _, scope in parts for axis in scope}
    over = tuple(sorted(axes, key=lambda axis: axis.number))
    return [arranged(array, scope, over) for array, scope in parts], over


def strides_of(lengths: tuple[int, ...]) -> list[int]:
    strides = [1]
    for length in reversed(lengths[1:]):
        strides.append(strides[-1] * length)
    return strides[::-1] if lengths else []
