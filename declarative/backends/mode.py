"""`differentiate by ...` -> which derivative of the solution a layer gives, with its settings checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from declarative.ir.problem import Method
from declarative.source.diagnostic import Diagnostic, error

Name: TypeAlias = Literal["implicit", "one_step", "unroll", "smooth", "none"]


@dataclass(frozen=True)
class Mode:
    """A backward mode.

    implicit: the derivative of the solution, by the implicit function theorem.
    one_step, unroll: the derivative of the last `steps` steps of the projected-gradient method, of length `step` (None:
        one over the Lagrangian's curvature), the point before them held still (Bolte, Pauwels and Vaiter 2023).
    smooth: the derivative of the minimiser of the objective minus `mu` times the logarithms of the slacks.
    none: no derivative.
    """

    name: Name = "implicit"
    steps: int = 1
    step: float | None = None
    mu: float = 1e-3


IMPLICIT = Mode()
MODES: tuple[str, ...] = get_args(Name)
_SETTINGS: dict[str, tuple[str, ...]] = {
    "implicit": (),
    "one_step": ("step",),
    "unroll": ("steps", "step"),
    "smooth": ("mu",),
    "none": (),
}
_DEFAULTS = {"unroll": Mode("unroll", steps=10)}


def mode_of(method: Method | None) -> Mode | Diagnostic:
    """The mode that a clause means ("auto" and no clause: implicit), or what is wrong with it."""
    if method is None or method.name == "auto":
        return IMPLICIT
    names = _SETTINGS.get(method.name)
    if names is None:
        return _wrong(method, f"there is no backward mode `{method.name}`; there are: {', '.join(_SETTINGS)}")
    given = dict(zip(names, method.args, strict=False)) | dict(method.options)
    unknown = [name for name in given if name not in names]
    if len(method.args) > len(names) or unknown or len(given) < len(method.args) + len(method.options):
        taken = f"takes {', '.join(f'`{name}`' for name in names)}" if names else "takes no settings"
        return _wrong(method, f"`{method.name}` {taken}" + (f", not `{unknown[0]}`" if unknown else ""))
    return _checked(method, given)


def _checked(method: Method, given: dict[str, float | str]) -> Mode | Diagnostic:
    numbers = {}
    for name, value in given.items():
        whole = name == "steps"
        if isinstance(value, str) or not 0 < value < float("inf") or (whole and value != int(value)):
            return _wrong(method, f"`{name}` of `{method.name}` is a positive {'whole ' if whole else ''}number")
        numbers[name] = int(value) if whole else float(value)
    default = _DEFAULTS.get(method.name, Mode(method.name))  # pyright: ignore[reportArgumentType]
    return Mode(**{**default.__dict__, **numbers})


def _wrong(method: Method, text: str) -> Diagnostic:
    return error("E322", method.origin, text)
