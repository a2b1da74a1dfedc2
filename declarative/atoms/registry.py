"""The table of all functions: every record that stands in a themed file, by its name."""

from __future__ import annotations

from types import ModuleType

from declarative.atoms import (
    arithmetic,
    blocks,
    elementwise,
    entropy,
    matrix,
    means,
    norms,
    ordered,
    penalties,
    positive,
    products,
    quadratic,
    reductions,
    shaping,
    sigmoids,
    special,
    spectral,
    subsystems,
    trigonometric,
    variation,
)
from declarative.atoms.perspectives import PERSPECTIVES
from declarative.atoms.record import Atom

THEMES: tuple[ModuleType, ...] = (
    arithmetic,
    blocks,
    elementwise,
    entropy,
    matrix,
    means,
    norms,
    ordered,
    penalties,
    positive,
    products,
    quadratic,
    reductions,
    shaping,
    sigmoids,
    special,
    spectral,
    subsystems,
    trigonometric,
    variation,
)


def _collect(themes: tuple[ModuleType, ...]) -> dict[str, Atom]:
    """Records are found by type, so that adding one touches its file only."""
    table: dict[str, Atom] = {}
    for theme in themes:
        for value in vars(theme).values():
            if isinstance(value, Atom):
                assert table.setdefault(value.name, value) is value, f"two functions are called {value.name}"
    return table


_TABLE = _collect(THEMES)


def find(name: str) -> Atom | None:
    """The record of a function, operators and perspectives included."""
    return _TABLE.get(name) or PERSPECTIVES.get(name)


def names() -> tuple[str, ...]:
    """All names that stand in a text or for an operator, sorted."""
    return tuple(sorted(_TABLE))
