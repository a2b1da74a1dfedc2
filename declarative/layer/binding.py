"""The arguments of a call to named tensors of one batch: (batch or 1, *shape), float64 or the layer's own precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from declarative.elaborate.report import did_you_mean
from declarative.ir.expr import Parameter, Role
from declarative.ir.problem import ParameterDeclaration, Problem
from declarative.ir.size import shape_text
from declarative.layer.columns import warn_of_columns, warn_of_products
from declarative.layer.rounded import lifted, promised_psd
from declarative.layer.sizes import find_sizes
from declarative.layer.symmetric import symmetric_part
from declarative.layer.unreadable import unreadable
from declarative.source.diagnostic import DiagnosticError, error

Raw = Any  # what a person passes: a tensor, an array, a number, nested lists


@dataclass(frozen=True)
class Bound:
    """One call: data by name, each (batch, *shape), or (1, *shape) where the items share it; sizes of the dims."""

    inputs: dict[str, Tensor]
    raw: dict[str, Tensor]  # the same before S^n data is made symmetric
    sizes: dict[str, int]
    batch_shape: tuple[int, ...]
    dtype: torch.dtype  # of the results
    device: torch.device

    @property
    def batch(self) -> int:
        return prod(self.batch_shape)


def bind(
    problem: Problem,
    raw: Mapping[str, Raw],
    held: Mapping[str, Tensor],
    dims: Mapping[str, int],
    inner: torch.dtype,
    fits: dict[Any, Fit],
    fixed: Mapping[str, Tensor],
) -> Bound:
    """Names, shapes, sizes, dtype and device of a call. `held` are the layer's own consts and learned parameters.

    `fits` keeps what is found out for shapes; `fixed` are inputs of an earlier call that have not changed. Raises
    DiagnosticError for what does not fit, naming the parameter.
    """
    device = _device(raw, held, problem)
    given = {name: _tensor(problem, name, value, device) for name, value in raw.items()}
    tensors = given | {name: t.to(device) for name, t in held.items()}
    promoting = frozenset(name for name, value in raw.items() if isinstance(value, Tensor | np.ndarray | np.generic))
    key = (promoting, torch.get_default_dtype(), *((name, t.shape, t.dtype) for name, t in tensors.items()))
    if key not in fits:
        fits[key] = _fit(problem, tensors, promoting, dims)
    fit = fits[key]
    flat = {n: flat_batch(tensors[n].to(inner), len(s.shape), fit.batch_shape) for n, s in fit.symbols.items()}
    fixed = {n: t for n, t in fixed.items() if t.device == device}
    turned = {n for n, s in fit.symbols.items() if s.symmetric} - fixed.keys()
    inputs = {n: symmetric_part(t) if n in turned else fixed.get(n, t) for n, t in flat.items()}
    inputs |= {n: lifted(inputs[n], tensors[n].dtype) for n in fit.definite if n not in fixed}
    return Bound(inputs, flat, fit.sizes, fit.batch_shape, fit.dtype, device)


@dataclass(frozen=True)
class Fit:
    """What the arguments say: the parameters given, as they are declared; sizes, batch, and the results' dtype."""

    symbols: dict[str, Parameter]
    sizes: dict[str, int]
    batch_shape: tuple[int, ...]
    dtype: torch.dtype
    definite: tuple[str, ...]  # promised to be psd


def _fit(problem: Problem, tensors: Mapping[str, Tensor], promoting: frozenset[str], dims: Mapping[str, int]) -> Fit:
    declarations = {d.symbol.name: d for d in problem.parameters if d.symbol.name in tensors}
    _check_ranks(declarations, tensors)
    sizes = find_sizes(problem, declarations, tensors, dims)
    warn_of_columns(problem, declarations, tensors, dims, sizes)
    symbols = {name: d.symbol for name, d in declarations.items()}
    definite = tuple(name for name, symbol in symbols.items() if promised_psd(symbol))
    batch = _batch_shape(declarations, tensors)
    warn_of_products(declarations, tensors)
    return Fit(symbols, sizes, batch, _result_dtype(problem, tensors, promoting), definite)


def match_arguments(problem: Problem, args: Sequence[Raw], named: Mapping[str, Raw]) -> dict[str, Raw]:
    """Positional arguments in order of declaration (params without a default), then names. Traces are refused."""
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    if tracing or torch.compiler.is_compiling():  # only `torch.export` gets here, not `torch.compile`
        hints = ("`torch.compile` runs a layer as it is; it is saved by its state dict, or whole by `torch.save`",)
        text = "a layer can be neither traced nor exported: its solver looks at the data, which a trace has not"
        raise DiagnosticError([error("E329", None, text, hints=hints)])
    params = [d for d in problem.parameters if d.symbol.role is Role.PARAM]
    positional = [d.symbol.name for d in params if d.default is None]
    names = [d.symbol.name for d in params]
    if len(args) > len(positional):
        wanted = ", ".join(positional) or "none"
        hint = "a parameter with a default is passed by name" if len(positional) < len(names) else ""
        _fail(None, f"{len(args)} arguments were given, at most {len(positional)} are taken: {wanted}", hint)
    raw = dict(zip(positional, args, strict=False))
    for name, value in named.items():
        if name not in names:
            held = {d.symbol.name: d.symbol.role for d in problem.parameters}
            kind = f"is a {held[name].value}, fixed when the layer is compiled" if name in held else "is no parameter"
            hint = "" if name in held else " ".join(did_you_mean(name, names))
            hint = "an earlier solution is passed to `layer.solve(..., warm=...)`" if name == "warm" else hint
            missing = [f"`{other}`" for other in positional if other not in raw and other not in named]
            lacking = f"; no value for {', '.join(missing)}" if missing else ""
            _fail(None, f"`{name}` {kind}; the parameters are: {', '.join(names) or 'none'}{lacking}", hint)
        if name in raw:
            _fail(None, f"`{name}` was given twice: by position and by name")
        raw[name] = value
    missing = [d for d in params if d.default is None and d.symbol.name not in raw]
    if missing:
        listed = ", ".join(f"`{d.symbol.name}`" for d in missing)
        _fail(missing[0], f"no value for {listed}; the arguments are ({', '.join(positional)})")
    return raw


def _fail(declaration: ParameterDeclaration | None, message: str, hint: str = "") -> None:
    span = declaration.origin if declaration is not None else None
    raise DiagnosticError([error("E310", span, message, hints=(hint,) if hint else ())])


def _device(raw: Mapping[str, Raw], held: Mapping[str, Tensor], problem: Problem) -> torch.device:
    places = {name: value.device for name, value in raw.items() if isinstance(value, Tensor)}
    learned = {d.symbol.name for d in problem.parameters if d.symbol.role is Role.LEARN}
    places |= {name: held[name].device for name in held if name in learned}
    if len(set(places.values())) > 1:
        listed = ", ".join(f"`{name}` on {device}" for name, device in places.items())
        raise DiagnosticError([error("E311", None, f"all data must be on one device: {listed}")])
    found = [*places.values(), *(t.device for t in held.values())]
    return found[0] if found else torch.device("cpu")


def _tensor(problem: Problem, name: str, value: Raw, device: torch.device) -> Tensor:
    if isinstance(value, Tensor):
        tensor = value
    else:
        try:
            floats = None if isinstance(value, np.ndarray | np.generic) else torch.float64  # as Python's numbers are
            tensor = torch.as_tensor(value, dtype=floats, device=device)
        except (TypeError, ValueError, RuntimeError):
            _fail(_declaration(problem, name), unreadable(name, value))
            raise
    if tensor.layout is not torch.strided:
        _fail(_declaration(problem, name), f"`{name}` must be a dense tensor", f"pass `{name}.to_dense()`")
    if tensor.is_meta:
        _fail(_declaration(problem, name), f"`{name}` is on the device meta, and so has no numbers to solve for")
    if tensor.is_complex():
        _fail(_declaration(problem, name), f"`{name}` must be real, this is complex")
    return tensor


def _declaration(problem: Problem, name: str) -> ParameterDeclaration:
    return next(d for d in problem.parameters if d.symbol.name == name)


def _result_dtype(problem: Problem, tensors: Mapping[str, Tensor], promoting: frozenset[str]) -> torch.dtype:
    """torch's promotion over tensors and arrays; Python numbers do not promote."""
    learned = {d.symbol.name for d in problem.parameters if d.symbol.role is Role.LEARN}
    floats = [t.dtype for n, t in tensors.items() if n in promoting | learned and t.is_floating_point()]
    if not floats:
        return torch.get_default_dtype()
    dtype = floats[0]
    for other in floats[1:]:
        dtype = torch.promote_types(dtype, other)
    return dtype


def _check_ranks(declarations: Mapping[str, ParameterDeclaration], tensors: Mapping[str, Tensor]) -> None:
    for name, declaration in declarations.items():
        shape = declaration.symbol.shape
        if tensors[name].dim() < len(shape):
            wanted = f"its tensor needs {'one axis' if len(shape) == 1 else f'{len(shape)} axes'} or more"
            text = f"`{name}` is {shape_text(shape)}: {wanted}, this has shape {_shape(tensors[name])}"
            raise DiagnosticError([error("E312", declaration.origin, text)])
        if declaration.symbol.role is Role.CONST and tensors[name].dim() > len(shape):
            text = (
                f"the const `{name}` is {shape_text(shape)}, one for all items; this has shape {_shape(tensors[name])}"
            )
            hints = (f"declare `param {name}` where items differ", "an ensemble is mapped: `torch.func.vmap`")
            raise DiagnosticError([error("E312", declaration.origin, text, hints=hints)])


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _batch_shape(declarations: Mapping[str, ParameterDeclaration], tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
    shapes = {n: tuple(tensors[n].shape)[: tensors[n].dim() - len(d.symbol.shape)] for n, d in declarations.items()}
    try:
        return np.broadcast_shapes(*shapes.values())  # torch's own loads sympy, which takes a second
    except ValueError:
        listed = ", ".join(f"`{name}` {shape}" for name, shape in shapes.items() if shape)
        raise DiagnosticError([error("E314", None, f"the batch dimensions do not broadcast: {listed}")]) from None


def flat_batch(tensor: Tensor, axes: int, batch_shape: tuple[int, ...]) -> Tensor:
    """One leading batch axis, before the tensor's own: of length 1 where the items share it, else of the batch."""
    rank = tensor.dim() - axes
    own, shape = tensor.shape[:rank], tensor.shape[rank:]
    if rank == 1 and own == batch_shape:
        return tensor
    if all(size == 1 for size in own):
        return tensor.reshape(1, *shape)
    return tensor.expand(*batch_shape, *shape).reshape(-1, *shape)
