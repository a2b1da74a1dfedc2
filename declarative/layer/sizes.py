"""The shapes of data -> the value of every dim that something reads; of data that do not fit the odd one is blamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor

from declarative.ir.dims_read import dims_read
from declarative.ir.expr import Role
from declarative.ir.problem import ParameterDeclaration, Problem
from declarative.ir.size import Shape
from declarative.ir.unify import SizeConflict, infer_sizes
from declarative.source.diagnostic import DiagnosticError, error

Declared: TypeAlias = dict[str, Shape]
Actual: TypeAlias = dict[str, tuple[int, ...]]


def find_sizes(
    problem: Problem,
    declarations: Mapping[str, ParameterDeclaration],
    tensors: Mapping[str, Tensor],
    dims: Mapping[str, int],
    partial: bool = False,
) -> dict[str, int]:
    """From `dims`, the shapes at hand, and the defaults; some may be missing if `partial`. Raises DiagnosticError."""
    known = dict(dims)
    for dim in problem.dims:
        if dim.default is not None and dim.name not in known and dim.default.names <= known.keys():
            known[dim.name] = dim.default.evaluate(known)
    declared = {name: d.symbol.shape for name, d in declarations.items()}
    actual = {name: tuple(tensors[name].shape)[tensors[name].dim() - len(s) :] for name, s in declared.items()}
    try:
        sizes = _inferred(declared, actual, known)
        if not partial and (needed := {dim.name for dim in problem.dims} - sizes.keys()):
            _inferred(declared, actual, known, needed & dims_read(problem))
    except SizeConflict as conflict:
        if conflict.names:
            raise DiagnosticError([error("E313", None, conflict.message, hints=_example(conflict.names))]) from None
        held = {name for name, d in declarations.items() if d.symbol.role is not Role.PARAM}
        blamed, message = _blamed(declared, actual, known, held, conflict)
        span = declarations[blamed].origin if blamed in declarations else None
        hints = _column(declared, actual, tensors, known, blamed) or _batch_behind(
            declared, actual, tensors, known, blamed
        )
        raise DiagnosticError([error("E313", span, message, hints=hints)]) from None
    for name, size in sizes.items():
        if size < 1:
            raise DiagnosticError([error("E313", None, f"{name} = {size}: a size is at least 1")])
    return sizes


def _inferred(declared: Declared, actual: Actual, known: Mapping[str, int], needed=()) -> dict[str, int]:
    return infer_sizes(list(declared.items()), [actual[name] for name in declared], known, needed)


def _example(names: tuple[str, ...]) -> tuple[str, ...]:
    listed = ", ".join(f'"{name}": ...' for name in names)
    return (f"give dims={{{listed}}} when compiling",)


def _blamed(
    declared: Declared, actual: Actual, known: Mapping[str, int], held: set[str], conflict: SizeConflict
) -> tuple[str, str]:
    """Whose sizes differ from those of all others, and the words for it.

    Of two that differ from each other it is the one that came with the call, not what the layer holds; of two that came
    with the call the later one.
    """
    alone = [name for name in declared if _agrees_without(name, declared, actual, known)]
    came = [name for name in alone if name not in held] or alone
    if not came:
        return (conflict.label or "").strip("`"), conflict.message
    order = {name: shape for name, shape in declared.items() if name != came[-1]} | {came[-1]: declared[came[-1]]}
    try:
        _inferred(order, actual, known)
    except SizeConflict as again:
        return came[-1], again.message
    return came[-1], conflict.message


def _agrees_without(name: str, declared: Declared, actual: Actual, known: Mapping[str, int]) -> bool:
    try:
        _inferred({other: shape for other, shape in declared.items() if other != name}, actual, known)
    except SizeConflict as conflict:
        return bool(conflict.names)  # what it alone would tell is unknown
    return True


def _column(declared: Declared, actual: Actual, tensors, known, name: str) -> tuple[str, ...]:
    """A hint where a vector was given as a matrix of one column."""
    if (
        name not in tensors
        or len(declared.get(name, ())) != 1
        or tensors[name].dim() < 2
        or tensors[name].shape[-1] != 1
    ):
        return ()
    try:
        _inferred(declared, {**actual, name: tuple(tensors[name].shape)[-2:-1]}, known)
    except SizeConflict:
        return ()
    return (f"a vector is no column: `{name}.squeeze(-1)`",)


def _batch_behind(declared: Declared, actual: Actual, tensors, known, name: str) -> tuple[str, ...]:
    """A hint where the sizes would agree if the batch of that tensor stood behind its own axes."""
    own = len(declared.get(name, ()))
    if name not in tensors or tensors[name].dim() <= own or not own:
        return ()
    try:
        _inferred(declared, {**actual, name: tuple(tensors[name].shape)[:own]}, known)
    except SizeConflict:
        return ()
    return (f"the batch comes first, and then the axes of `{name}`: `{name}.movedim(-1, 0)`",)
