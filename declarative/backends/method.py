"""`solve by ...` -> the forward method of a layer, with its settings checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from declarative.backends.mode import MODES
from declarative.ir.problem import Method
from declarative.source.diagnostic import Diagnostic, error

Name: TypeAlias = Literal["auto", "interior_point", "newton", "gauss_newton", "lbfgs", "ipopt", "given"]
Settings: TypeAlias = dict[str, float | str]


@dataclass(frozen=True)
class Forward:
    """A forward method. Whatever it is, its answer is polished, certified and differentiated in the same way.

    auto: chosen by the problem. interior_point, newton: the primal-dual barrier method, and Newton's method in a trust
    region where there are neither constraints nor bounds. gauss_newton: the same with the Hessian of a sum of squares
    replaced by that of the linearised residuals. lbfgs: first derivatives only. ipopt: IPOPT, item by item, through
    CasADi. given: `solver`, a Python function (`called` in the text), with its own `settings`.

    tolerance: of the residuals, relative; it can only make the certificate stricter. starts: how many points to begin
    at, and which answer to `keep`: the one with the best objective, or the one nearest to the first start.
    """

    name: Name = "auto"
    tolerance: float = 1e-6
    max_iterations: int = 300
    starts: int = 1
    keep: Literal["best", "nearest"] = "best"
    solver: Callable[..., Any] | None = None
    called: str = ""
    settings: tuple[tuple[str, float | str], ...] = ()

    @property
    def differentiates(self) -> bool:
        """Does it differentiate the functions of the program itself, by torch?"""
        return self.name in ("lbfgs", "given")


AUTO = Forward()
_NAMES: dict[str, Name] = {
    "auto": "auto",
    "interior_point": "interior_point",
    "newton": "newton",
    "trust_region": "newton",
    "gauss_newton": "gauss_newton",
    "levenberg_marquardt": "gauss_newton",
    "lbfgs": "lbfgs",
    "ipopt": "ipopt",
}
_FIELDS = {"tol": "tolerance", "max_iterations": "max_iterations", "starts": "starts", "keep": "keep"}


def forward_of(method: Method | None, solver: Callable[..., Any] | None = None) -> Forward | Diagnostic:
    """The method that a clause means (no clause: auto), or what is wrong with it.

    With a `solver`, any name means it; the settings that are not ours are handed to it.
    """
    if method is None:
        return AUTO if solver is None else Forward("given", solver=solver, called=_name(solver))
    name = "given" if solver is not None else _NAMES.get(method.name)
    if name is None:
        return _unknown(method)
    if method.args:
        return _wrong(method, f"the settings of `{method.name}` have names: {_listed()}")
    own = tuple((key, value) for key, value in method.options if key not in _FIELDS)
    if own and name != "given":
        return _wrong(method, f"`{method.name}` has no setting `{own[0][0]}`; it has: {_listed()}")
    fields: dict[str, Any] = {}
    for key, value in method.options:
        if key in _FIELDS:
            if (found := _checked(key, value)) is None:
                return _wrong(method, f"`{key}` of `{method.name}` is {_MEANING[key]}")
            fields[_FIELDS[key]] = found
    return Forward(name, **fields, solver=solver, called=method.name if solver else "", settings=own)


_MEANING = {
    "tol": "a positive number",
    "max_iterations": "a positive whole number",
    "starts": "a positive whole number",
    "keep": "`best` or `nearest`",
}


def _checked(key: str, value: float | str) -> float | int | str | None:
    """The value of one of our settings, or None."""
    if key == "keep":
        return value if value in ("best", "nearest") else None
    if isinstance(value, str) or not 0 < value < float("inf"):
        return None
    if key == "tol":
        return min(float(value), AUTO.tolerance)
    return int(value) if value == int(value) else None


def _listed() -> str:
    return ", ".join(_FIELDS)


def _name(solver: Callable[..., Any]) -> str:
    return getattr(solver, "__name__", type(solver).__name__)


def _unknown(method: Method) -> Diagnostic:
    text = f"no backend has `solve by {method.name}`"
    name = method.name
    derivative = f'`{name}` says which derivative: `differentiate by {name}`, or compile(..., differentiate="{name}")'
    hints = (
        *((derivative,) if name in MODES else ()),
        f"the methods are {', '.join(_NAMES)}; a Python function is given by compile(..., solve=function)",
        'without this line the backend chooses its own method; so does compile(..., solve="auto")',
    )
    return error("E322", method.origin, text, hints=hints)


def _wrong(method: Method, text: str) -> Diagnostic:
    return error("E322", method.origin, text)
