"""The products of linear algebra: matrix with matrix or vector, inner and outer product, transpose."""

from __future__ import annotations

from declarative.atoms.record import Atom, Form, Options, ShapeMismatch
from declarative.atoms.rules import (
    AFFINE,
    INCREASING,
    along_the_other,
    bilinear,
    greatest,
    sign_of_dot,
    sign_of_first,
    sign_of_product,
    total,
)
from declarative.atoms.shapes import in_words, need_equal, need_rank
from declarative.ir.size import SCALAR, Shape, shape_text


def matmul_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    left, right = shapes
    if len(left) != 2 or len(right) not in (1, 2):
        found = f"{in_words(left)} and {in_words(right)}"
        raise ShapeMismatch(f"`*` multiplies a matrix with a matrix or a vector, these are {found}")
    if left[1] != right[0]:
        found = f"{shape_text(left)} times {shape_text(right)}"
        raise ShapeMismatch(f"`*` needs the columns of the left side to match the right side: {found}")
    return (left[0], *right[1:])


def matmul_torch(xp, form: Form, x, y):
    if len(form.shapes[1]) == 2:
        return x @ y
    return (x @ y.unsqueeze(-1)).squeeze(-1)


MATMUL = Atom(
    name="matmul",
    doc="The product of a matrix with a matrix or a vector.",
    signature="A*x",
    shape=matmul_shape,
    torch=matmul_torch,
    cvxpy=lambda cp, form, x, y: x @ y,
    sign=sign_of_dot,
    curvature=bilinear,
    monotonicity=along_the_other,
    degree=total,
    bilinear=True,
    operator=True,
    arity=(2, 2),
    latex=lambda x, y: f"{x} {y}",
)


def dot_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    for position, shape in enumerate(shapes):
        need_rank("an inner product", shape, 1, position)
    need_equal("the lengths in an inner product", shapes[0][0], shapes[1][0], shapes)
    return SCALAR


DOT = Atom(
    name="dot",
    doc="The inner product of two vectors, x'*y.",
    signature="dot(x : R^n, y : R^n) : R",
    shape=dot_shape,
    torch=lambda xp, form, x, y: (x * y).sum(-1),
    cvxpy=lambda cp, form, x, y: cp.sum(cp.multiply(x, y)),
    sign=sign_of_dot,
    curvature=bilinear,
    monotonicity=along_the_other,
    degree=total,
    bilinear=True,
    arity=(2, 2),
    latex=lambda x, y: f"{x}^\\top {y}",
)


def outer_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    for position, shape in enumerate(shapes):
        need_rank("an outer product", shape, 1, position)
    return (shapes[0][0], shapes[1][0])


def outer_cvxpy(cp, form: Form, x, y):
    (m, n) = form.shape
    return cp.reshape(x, (m, 1), order="C") @ cp.reshape(y, (1, n), order="C")


OUTER = Atom(
    name="outer",
    doc="The matrix of all products of an entry of x with an entry of y, x*y'.",
    signature="outer(x : R^m, y : R^n) : R^(m,n)",
    shape=outer_shape,
    torch=lambda xp, form, x, y: x.unsqueeze(-1) * y.unsqueeze(-2),
    cvxpy=outer_cvxpy,
    sign=sign_of_product,
    curvature=bilinear,
    monotonicity=along_the_other,
    degree=total,
    bilinear=True,
    arity=(2, 2),
    latex=lambda x, y: f"{x} {y}^\\top",
)


def transpose_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    rows, columns = need_rank("a transpose", shapes[0], 2)
    return (columns, rows)


TRANSPOSE = Atom(
    name="transpose",
    doc="The matrix with rows and columns exchanged, A'.",
    signature="transpose(A : R^(m,n)) : R^(n,m)",
    shape=transpose_shape,
    torch=lambda xp, form, x: x.transpose(-1, -2),
    cvxpy=lambda cp, form, x: x.T,
    sign=sign_of_first,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=lambda x: f"{x}^\\top",
)
