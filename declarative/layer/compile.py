"""A problem to a layer: which backend takes it, what is fixed now, what stays for each call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from declarative.backends.method import Forward, forward_of
from declarative.backends.mode import Mode, mode_of
from declarative.backends.tape.external import External
from declarative.elaborate.clauses import method_of
from declarative.elaborate.embedded.problem import Aim
from declarative.elaborate.load import load
from declarative.elaborate.report import did_you_mean
from declarative.ir.expr import Parameter, Role
from declarative.ir.problem import Method, ParameterDeclaration, Problem
from declarative.ir.walk import postorder
from declarative.layer.layer import DeclarativeLayer, Settings
from declarative.layer.outputs import evaluate
from declarative.layer.promises import SYMMETRY, broken_by, check_indices
from declarative.layer.rounded import lifted, promised_psd
from declarative.layer.route import route
from declarative.layer.sizes import find_sizes
from declarative.layer.taken import taken_names
from declarative.layer.unreadable import unreadable
from declarative.rewrite.not_yet import not_yet
from declarative.source.diagnostic import Diagnostic, DiagnosticError, error


def compile(
    problem: Problem | str | PathLike[str],
    *,
    backend: Literal["auto", "cone", "kkt"] = "auto",
    dims: Mapping[str, int] | None = None,
    consts: Mapping[str, Any] | None = None,
    learn: Mapping[str, Any] | None = None,
    extern: Mapping[str, Any] | None = None,
    solve: str | Callable[..., Any] | None = None,
    differentiate: str | None = None,
    on_failure: Literal["raise", "mask"] = "raise",
    check: Literal["always", "first", "never"] = "always",
    dtype: torch.dtype | None = None,
    options: Mapping[str, Any] | None = None,
) -> DeclarativeLayer:
    """Compile a problem, or the file at a path, to a torch module.

    dims: sizes, where the data does not tell them. consts: fixed data by name. learn: initial values of learned
    parameters by name (their sizes must be known here). extern: torch functions or modules by name, called with
    batches: (N, *shape) for each argument, to (N, *shape). A module is part of the layer and is trained with it.
    solve, differentiate: methods that take the place of the file's clauses, in the words of a clause:
    "smooth(mu = 1e-2)" ("auto": none); solve may be a Python function too, the one that `solve by my_solver` means:
    see `backends.kkt.methods.foreign.Task` for what it is given. dtype: the inner precision, float64 by default.
    options: passed to the backend. Raises DiagnosticError for what cannot be compiled, with the line to blame.
    """
    if not isinstance(problem, Problem | str | PathLike):
        if isinstance(problem, Aim):
            hints = ("a problem is made of it and of constraints: `dc.problem(dc.minimize(...), x >= 0)`",)
            text = "compile takes a problem, not its objective alone"
            raise DiagnosticError([error("E315", None, text, hints=hints)])
        raise DiagnosticError([error("E315", None, f"compile takes a problem or a path, not {problem!r:.60}")])
    problem = problem if isinstance(problem, Problem) else load(problem if isinstance(problem, str) else Path(problem))
    _check_choice("backend", backend, ("auto", "cone", "kkt"))
    _check_choice("on_failure", on_failure, ("raise", "mask"))
    _check_choice("check", check, ("always", "first", "never"))
    given = {"dims": dims, "consts": consts, "learn": learn, "extern": extern, "options": options}
    for name, value in given.items():
        _check_mapping(name, value)
    dims = {name: _whole(name, value) for name, value in (dims or {}).items()}
    _raise_all([*unsupported(problem, solve, differentiate), *_unknown_names(problem, consts, learn, extern, dims)])
    holder = nn.Module()
    _raise_all(taken_names(problem, lambda name: hasattr(holder, name)))
    inner = dtype or torch.float64
    if inner not in (torch.float32, torch.float64):
        raise DiagnosticError([error("E315", None, f"dtype is torch.float64 or torch.float32, not {dtype!r}")])
    mode = mode_of(_method("differentiate", differentiate, problem.differentiate))
    assert isinstance(mode, Mode)
    forward = forward_of(*_forward(problem, solve))
    assert isinstance(forward, Forward)
    externs = _externs(problem, extern or {}, holder)
    found = route(problem, backend, dict(options or {}), mode, forward, externs)
    fixed = _constants(problem, consts or {})
    sizes = _known_sizes(problem, fixed, learn or {}, dims)
    fixed |= _default_constants(problem, fixed, sizes)
    check_indices((d.symbol for d in problem.parameters), fixed, sizes)
    learned = _learned(problem, learn or {}, sizes, fixed)
    settings = Settings(found.name, on_failure, check, inner, tuple(dims.items()), mode.name)
    return DeclarativeLayer(problem, found.backend, settings, fixed, learned, externs, holder, found)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        listed = ", ".join(f'"{c}"' for c in choices)
        raise DiagnosticError([error("E315", None, f"{name} is one of {listed}, not {value!r}")])


def _check_mapping(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        text = f"{name} gives values to names, as in {name}={_EXAMPLES[name]}; this is {value!r:.60}"
        raise DiagnosticError([error("E315", None, text)])


_EXAMPLES = {
    "dims": '{"n": 5}',
    "consts": '{"A": A}',
    "learn": '{"w": w}',
    "extern": '{"f": f}',
    "options": '{"max_iterations": 50}',
}


def _whole(name: str, value: object) -> int:
    try:
        return index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        text = f"the dim `{name}` is a whole number, not {value!r:.60}"
        raise DiagnosticError([error("E315", None, text)]) from None


def _raise_all(diagnostics: list[Diagnostic]) -> None:
    if diagnostics:
        raise DiagnosticError(diagnostics)


# --- what no backend runs yet --------------------------------------------------------------------


def unsupported(
    problem: Problem, solve: str | Callable[..., Any] | None = None, differentiate: str | None = None
) -> list[Diagnostic]:
    """What of a problem no backend runs, whatever its data."""
    found = not_yet(problem)
    forward = forward_of(*_forward(problem, solve))
    if isinstance(forward, Diagnostic):
        found.append(forward)
    mode = mode_of(_method("differentiate", differentiate, problem.differentiate))
    if isinstance(mode, Diagnostic):
        found.append(mode)
    return found


def _method(kind: Literal["solve", "differentiate"], given: str | None, own: Method | None) -> Method | None:
    """The method given to `compile` as the words of a clause ("auto": none), or the file's own."""
    if given is None or given == "auto":
        return own if given is None else None
    return method_of(kind, given)


def _forward(
    problem: Problem, solve: str | Callable[..., Any] | None
) -> tuple[Method | None, Callable[..., Any] | None]:
    """The method of `solve by`, or the one given to `compile`, and the function given for it."""
    if solve is None or isinstance(solve, str):
        return _method("solve", solve, problem.solve), None
    if not callable(solve):
        text = f'solve is the words of a clause, like "newton(starts = 8)", or a function, not {solve!r:.60}'
        raise DiagnosticError([error("E315", None, text)])
    return problem.solve, solve


def _unknown_names(problem: Problem, consts, learn, extern, dims) -> list[Diagnostic]:
    by_role = {role: [d.symbol.name for d in problem.parameters if d.symbol.role is role] for role in Role}
    known = {
        "consts": (consts, by_role[Role.CONST]),
        "learn": (learn, by_role[Role.LEARN]),
        "extern": (extern, [e.name for e in problem.externs]),
        "dims": (dims, [d.name for d in problem.dims]),
    }
    found = []
    for argument, (given, names) in known.items():
        for name in given or {}:
            if name not in names:
                found.append(_unknown_name(problem, argument, name, names))
    return found


def _unknown_name(problem: Problem, argument: str, name: str, names: list[str]) -> Diagnostic:
    declared = next((d.symbol for d in problem.parameters if d.symbol.name == name), None)
    if declared is not None and argument in ("consts", "learn"):
        role = "const" if argument == "consts" else "learn"
        text = f"{argument} has `{name}`, which is declared as a {declared.role.value}"
        return error("E316", None, text, hints=[f"declare it `{role} {name} : ...`, or leave it out here"])
    text = f"{argument} has `{name}`, which the problem has not; it has: {', '.join(names) or 'none'}"
    return error("E316", None, text, hints=did_you_mean(name, names))


# --- what is fixed now ---------------------------------------------------------------------------


def _externs(problem: Problem, given: Mapping[str, Any], holder: nn.Module) -> dict[str, External]:
    """The functions given; modules are put into the holder."""
    found, mistakes = {}, []
    for declaration in problem.externs:
        name, function = declaration.name, given.get(declaration.name)
        if isinstance(function, nn.Module) and not any(map(is_lazy, function.parameters())):
            holder.register_module(name, function)
            external = External(declaration, None, holder)
            found[name] = replace(external, ranks={key: t.dim() for key, t in external.weights().items()})
            continue
        if callable(function) and not isinstance(function, nn.Module | type):
            found[name] = External(declaration, function, holder)
            continue
        value = "no function was given for it" if function is None else f"this is {function!r:.60}"
        value = "this module has no weights before its first call" if isinstance(function, nn.Module) else value
        text = f"`{name}` is a torch function or an nn.Module; {value}"
        hint = f'give it when compiling: extern={{"{name}": ...}}'
        mistakes.append(error("E317", declaration.origin, text, hints=(hint,)))
    _raise_all(mistakes)
    return found


def _constants(problem: Problem, consts: Mapping[str, Any]) -> dict[str, Tensor]:
    declared = [d for d in problem.parameters if d.symbol.role is Role.CONST]
    missing = [d for d in declared if d.symbol.name not in consts and d.default is None]
    _raise_all(
        [
            error(
                "E317",
                d.origin,
                f"no value for the const `{d.symbol.name}`",
                hints=(f'give it when compiling: consts={{"{d.symbol.name}": ...}}',),
            )
            for d in missing
        ]
    )
    return {d.symbol.name: _constant(d, consts[d.symbol.name]) for d in declared if d.symbol.name in consts}


def _constant(declaration: ParameterDeclaration, value: Any) -> Tensor:
    symbol = declaration.symbol
    given = _real(declaration, value)
    tensor = given.to(torch.float64).clone()
    if tensor.dim() != len(symbol.shape):
        text = f"`{symbol.name}` needs {len(symbol.shape)} axes, the value given has {tensor.dim()}"
        raise DiagnosticError([error("E312", declaration.origin, text)])
    if not bool(tensor.isfinite().all()):
        raise DiagnosticError(
            [error("E318", declaration.origin, f"the const `{symbol.name}` has an entry that is not finite")]
        )
    if symbol.index_range is not None and bool((tensor != tensor.round()).any()):
        raise DiagnosticError([error("E310", declaration.origin, f"`{symbol.name}` holds indices: whole numbers")])
    if symbol.symmetric and _broken_symmetry(tensor):
        text = f"`{symbol.name}` is declared symmetric (S^n), and is not"
        raise DiagnosticError([error("E318", declaration.origin, text)])
    square = tensor.dim() > 1 and tensor.shape[-1] == tensor.shape[-2]
    if not (symbol.symmetric and square):
        return tensor
    even = (tensor + tensor.mT) / 2
    return lifted(even, given.dtype) if promised_psd(symbol) else even


def _real(declaration: ParameterDeclaration, value: Any) -> Tensor:
    """Real numbers as a tensor, whatever they were given as."""
    name = declaration.symbol.name
    try:
        tensor = torch.as_tensor(value).detach()
        if tensor.is_floating_point() and not _has_precision(value):
            tensor = torch.as_tensor(value, dtype=torch.float64).detach()
    except (TypeError, ValueError, RuntimeError):
        raise DiagnosticError([error("E310", declaration.origin, unreadable(name, value))]) from None
    if tensor.is_complex():
        raise DiagnosticError([error("E310", declaration.origin, f"`{name}` must be real, this is complex")])
    return tensor


def _has_precision(value: Any) -> bool:
    """Python's numbers have all their digits, and decide no precision."""
    return isinstance(value, Tensor | np.ndarray | np.generic)


def _broken_symmetry(tensor: Tensor) -> bool:
    if tensor.shape[-1] != tensor.shape[-2]:
        return False  # the sizes are told apart later, by name
    return bool(((tensor - tensor.mT).abs() > SYMMETRY * tensor.abs().max()).any())


def _known_sizes(
    problem: Problem, fixed: Mapping[str, Tensor], learn: Mapping[str, Any], dims: Mapping[str, int]
) -> dict[str, int]:
    """The dims that are known before any call."""
    given = {d.symbol.name: _real(d, learn[d.symbol.name]) for d in problem.parameters if d.symbol.name in learn}
    given = {name: value for name, value in given.items() if value.dim()}  # a number fills an array of any size
    tensors = dict(fixed) | given
    declarations = {d.symbol.name: d for d in problem.parameters if d.symbol.name in tensors}
    for name, value in given.items():
        symbol = declarations[name].symbol
        if value.dim() != len(symbol.shape):
            text = f"`{name}` needs {len(symbol.shape)} axes, the value given has {value.dim()}"
            raise DiagnosticError([error("E312", declarations[name].origin, text)])
    return find_sizes(problem, declarations, tensors, dims, partial=True)


def _default_constants(problem: Problem, fixed: Mapping[str, Tensor], sizes: Mapping[str, int]) -> dict[str, Tensor]:
    """Defaults of consts that can be worked out now; the others wait for the sizes of a call."""
    found = {name: t.unsqueeze(0) for name, t in fixed.items()}
    for declaration in problem.parameters:
        symbol = declaration.symbol
        if symbol.role is not Role.CONST or symbol.name in found or declaration.default is None:
            continue
        needed = {s.name for s in postorder(declaration.default) if isinstance(s, Parameter)}
        names = {name for size in symbol.shape for name in size.names}
        if needed <= found.keys() and names <= sizes.keys():
            found[symbol.name] = evaluate(declaration.default, symbol.shape, found, sizes, torch.device("cpu"))
    return {name: t.squeeze(0).clone() for name, t in found.items() if name not in fixed}


def _learned(
    problem: Problem, learn: Mapping[str, Any], sizes: Mapping[str, int], fixed: Mapping[str, Tensor]
) -> dict[str, Tensor | tuple[int, ...]]:
    found: dict[str, Tensor | tuple[int, ...]] = {}
    for declaration in problem.parameters:
        symbol = declaration.symbol
        if symbol.role is not Role.LEARN:
            continue
        if symbol.name in learn:
            value = _real(declaration, learn[symbol.name])
            value = value if value.dim() else value.expand(_learned_shape(declaration, sizes))
            if (broken := broken_by(symbol, value)) is not None:
                raise DiagnosticError([error("E320", declaration.origin, f"the initial value does not fit: {broken}")])
            kept = value.is_floating_point() and _has_precision(learn[symbol.name])
            found[symbol.name] = value if kept else value.to(torch.get_default_dtype())
            continue
        shape = _learned_shape(declaration, sizes)
        found[symbol.name] = shape if declaration.default is None else _learned_default(declaration, fixed, sizes)
    return found


def _learned_shape(declaration: ParameterDeclaration, sizes: Mapping[str, int]) -> tuple[int, ...]:
    symbol = declaration.symbol
    if unknown := sorted({name for size in symbol.shape for name in size.names} - sizes.keys()):
        example = ", ".join(f'"{name}": ...' for name in unknown)
        text = f"the sizes of the learned `{symbol.name}` must be known when compiling: {', '.join(unknown)}"
        hint = f'give dims={{{example}}}, or an initial value: learn={{"{symbol.name}": ...}}'
        raise DiagnosticError([error("E319", declaration.origin, text, hints=(hint,))])
    return tuple(size.evaluate(sizes) for size in symbol.shape)


def _learned_default(
    declaration: ParameterDeclaration, fixed: Mapping[str, Tensor], sizes: Mapping[str, int]
) -> Tensor:
    """The initial value that the declaration gives; it may read consts that are known now."""
    assert declaration.default is not None
    missing = {s.name for s in postorder(declaration.default) if isinstance(s, Parameter)} - fixed.keys()
    if missing:
        text = f"the default of the learned `{declaration.symbol.name}` reads `{min(missing)}`, which is not known yet"
        raise DiagnosticError([error("E319", declaration.origin, text, hints=("give an initial value: learn={...}",))])
    known = {name: t.unsqueeze(0) for name, t in fixed.items()}
    value = evaluate(declaration.default, declaration.symbol.shape, known, sizes, torch.device("cpu"))
    return value.squeeze(0).to(torch.get_default_dtype())
