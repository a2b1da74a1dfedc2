"""Matrices on a product of spaces, as `kron` makes them: partial traces and partial transposes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import prod
from typing import Any

from declarative.atoms.record import Atom, Form, Options, ShapeMismatch
from declarative.atoms.rules import AFFINE, INCREASING, greatest, sign_of_first
from declarative.atoms.shapes import need_square
from declarative.ir.size import Shape, Size


def _product(sizes: Iterable[Size]) -> Size:
    return reduce(lambda p, q: p * q, sizes, Size.of(1))


def _spaces(name: str, shapes: tuple[Shape, ...], options: Options) -> tuple[list[Size], int]:
    """The dimensions of the spaces, and the place of the one that is meant."""
    side, dims, axis = need_square(f"`{name}`", shapes[0]), options["dims"], options["axis"]
    form = f"its form is {name}(X, p, q, axis = 0), for X on the product of spaces of dimensions p, q, ..."
    if not dims or any(not isinstance(d, Size) and (d < 1 or d % 1) for d in dims):
        raise ShapeMismatch(f"`{name}` needs the dimensions of the spaces, whole and at least 1", hints=(form,))
    sizes = [d if isinstance(d, Size) else Size.of(int(d)) for d in dims]
    if _product(sizes) != side:
        raise ShapeMismatch(f"the dimensions in `{name}` multiply to {_product(sizes)}, the matrix has {side} rows", 0)
    if isinstance(axis, Size) or axis not in range(len(sizes)):
        raise ShapeMismatch(f"`axis` of `{name}` is a number from 0 to {len(sizes) - 1}", hints=(form,))
    return sizes, int(axis)


def apart(form: Form, X: Any):
    """X with three axes for its rows and three for its columns: the spaces before, the one that is meant, and after."""
    dims, axis = [int(d) for d in form.options["dims"]], int(form.options["axis"])
    split = (prod(dims[:axis]), dims[axis], prod(dims[axis + 1 :]))
    return X.reshape(*X.shape[:-2], *split, *split)


def diagonals(form: Form, X: Any):
    """The entries that a partial trace adds up, along a new last axis; of a numpy array, too."""
    parts = apart(form, X).diagonal(0, -5, -2)
    return parts.reshape(*X.shape[:-2], *form.shape, parts.shape[-1])


def trace_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    sizes, axis = _spaces("partial_trace", shapes, options)
    return (_product(sizes[:axis] + sizes[axis + 1 :]),) * 2


PARTIAL_TRACE = Atom(
    name="partial_trace",
    doc="The partial trace of a matrix on a product of spaces of dimensions p, q, ... over the space number `axis`.",
    signature="partial_trace(X : R^(p*q,p*q), p, q, axis = 0) : R^(q,q)",
    shape=trace_shape,
    torch=lambda xp, form, X: diagonals(form, X).sum(-1),
    cvxpy=lambda cp, form, X: cp.partial_trace(X, [int(d) for d in form.options["dims"]], int(form.options["axis"])),
    sign=lambda facts, options: sign_of_first(facts, options) + sign_of_first(facts, options),
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    option_names=("dims", "axis"),
    latex=lambda X, dims, axis: f"\\mathrm{{tr}}_{{{axis}}}({X})",
)


def transpose_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    _spaces("partial_transpose", shapes, options)
    return shapes[0]


PARTIAL_TRANSPOSE = Atom(
    name="partial_transpose",
    doc="The transpose of a matrix on a product of spaces of dimensions p, q, ... in the space number `axis` only.",
    signature="partial_transpose(X : R^(p*q,p*q), p, q, axis = 0) : R^(p*q,p*q)",
    shape=transpose_shape,
    torch=lambda xp, form, X: apart(form, X).transpose(-5, -2).reshape(X.shape),
    cvxpy=lambda cp, form, X: cp.partial_transpose(
        X, [int(d) for d in form.options["dims"]], int(form.options["axis"])
    ),
    sign=sign_of_first,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    option_names=("dims", "axis"),
    latex=lambda X, dims, axis: f"{X}^{{\\top_{{{axis}}}}}",
)
