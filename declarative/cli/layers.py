"""A problem and its data to the layer, and to its solution, as `solve` and `gradcheck` need them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from declarative.cli.inputs import Data
from declarative.ir.expr import Role
from declarative.ir.problem import Problem
from declarative.layer.compile import compile
from declarative.layer.layer import DeclarativeLayer
from declarative.layer.solution import Solution


@contextmanager
def _in_double_precision() -> Iterator[None]:
    """Where no data say a precision, torch's default does: float32, which shows too few digits of an answer."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@_in_double_precision()
def build(problem: Problem, data: Data, **settings: Any) -> DeclarativeLayer:
    """The layer with its constants and learned parameters."""
    return compile(problem, dims=data.dims, consts=data.consts, learn=data.learn, **settings)


@_in_double_precision()
def solve(layer: DeclarativeLayer, params: Mapping[str, Any]) -> Solution:
    """The solution for parameters by name; given by position where possible, since one may be called `warm`."""
    declared = [d for d in layer.problem.parameters if d.symbol.role is Role.PARAM and d.default is None]
    names = [declaration.symbol.name for declaration in declared]
    if not params.keys() >= set(names):
        return layer.solve(**params)  # says what is missing
    return layer.solve(*map(params.get, names), **{name: params[name] for name in params if name not in names})
