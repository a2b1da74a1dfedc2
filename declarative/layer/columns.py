"""Columns that were given for vectors or for numbers, and are taken by the rule of shapes, with a warning.

Of the shape (3, 1) for R^n, where nothing else says that n is 1, they are a batch of three vectors of one entry; for R
they are a batch of the shape (3, 1), which makes nine items beside a batch of three.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

from declarative.ir.expr import Role
from declarative.ir.problem import ParameterDeclaration, Problem
from declarative.ir.size import shape_text
from declarative.source.warn import warn

Shapes = Mapping[str, tuple[int, ...]]
_seen: ContextVar[Shapes] = ContextVar("shapes as a mapped function has them", default={})  # noqa: B039


@contextmanager
def seen_as(shapes: Shapes) -> Iterator[None]:
    """What `torch.func.vmap` maps is taken in the shapes of one member."""
    token = _seen.set(shapes)
    try:
        yield
    finally:
        _seen.reset(token)


def warn_of_columns(
    problem: Problem,
    declarations: Mapping[str, ParameterDeclaration],
    tensors: Mapping[str, Tensor],
    dims: Mapping[str, int],
    sizes: Mapping[str, int],
) -> None:
    """Names the first vector whose only axis was read off a column; `dims` are sizes that were given."""
    given = {dim.name for dim in problem.dims if dim.default is not None} | dims.keys()
    open_ones = {name for name, size in sizes.items() if size == 1} - given
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()} | dict(_seen.get())
    for name, declaration in declarations.items():
        if len(declaration.symbol.shape) != 1 or not _is_column(shapes[name]):
            open_ones -= {read for size in declaration.symbol.shape for read in size.names}
    for name, declaration in declarations.items():
        shape = declaration.symbol.shape
        if declaration.symbol.role is Role.PARAM and len(shape) == 1 and str(shape[0]) in open_ones:
            warn(_text(name, shape_text(shape), shapes[name], str(shape[0])))
            return


def warn_of_products(declarations: Mapping[str, ParameterDeclaration], tensors: Mapping[str, Tensor]) -> None:
    """Names the first number that is a column (B, 1) beside a batch (B,): every one of it meets every item of that."""
    shapes = {name: tuple(tensors[name].shape) for name in declarations} | dict(_seen.get())
    batches = {n: shapes[n][: len(shapes[n]) - len(d.symbol.shape)] for n, d in declarations.items()}
    for name, declaration in declarations.items():
        own = batches[name]
        if declaration.symbol.role is not Role.PARAM or declaration.symbol.shape or not _is_column(own):
            continue
        for other, batch in batches.items():
            if len(batch) == len(own) - 1 and batch[-1] == own[-2]:
                both = (*own[:-1], batch[-1])
                return warn(
                    f"`{name}` is a number, and of the shape {own} a batch; with the batch {batch} of `{other}` it "
                    f"makes one of the shape {both}; for the batch {batch} pass `{name}.squeeze(-1)`"
                )


def _is_column(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1 and shape[-1] == 1 and shape[-2] > 1


def _text(name: str, space: str, shape: tuple[int, ...], size: str) -> str:
    return (
        f"`{name}` is {space}, and of the shape {shape} it is a batch of vectors with {size} = 1; for one vector pass "
        f"`{name}.squeeze(-1)`, and where {size} is 1 say so when compiling: dims={{{size!r}: 1}}"
    )
