"""Arrays under another shape, and linear maps along a vector: differences, running sums, convolutions."""

from __future__ import annotations

from declarative.atoms.latex import named
from declarative.atoms.record import Atom, Form, Options, ShapeMismatch
from declarative.atoms.rules import (
    AFFINE,
    ANY,
    INCREASING,
    NEITHER_WAY,
    along_the_other,
    bilinear,
    greatest,
    sign_of_dot,
    sign_of_first,
    sign_of_product,
    total,
)
from declarative.atoms.shapes import flat, need_rank, vector_to
from declarative.ir.size import Shape, Size, count, shape_text


def reshaped(xp, form: Form, x):
    return x.reshape(*x.shape[: x.ndim - len(form.shapes[0])], *form.shape)


def reshape_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    """The option holds sizes or whole numbers."""
    new = options["shape"]
    wrong = [s for s in new if not isinstance(s, Size) and (s < 1 or s % 1)]
    if wrong or not new:
        raise ShapeMismatch("`reshape` takes whole sizes, at least 1", hints=("write reshape(x, m, n)",))
    shape = tuple(s if isinstance(s, Size) else Size.of(int(s)) for s in new)
    if count(shape) != count(shapes[0]):
        found = f"{shape_text(shapes[0])} has {count(shapes[0])}, {shape_text(shape)} has {count(shape)}"
        raise ShapeMismatch(f"`reshape` keeps the number of entries: {found}", 0)
    return shape


RESHAPE = Atom(
    name="reshape",
    doc="The same entries, row by row, under another shape.",
    signature="reshape(x, m, n) : R^(m,n)",
    shape=reshape_shape,
    torch=reshaped,
    cvxpy=lambda cp, form, x: cp.reshape(x, form.shape, order="C"),
    sign=sign_of_first,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    option_names=("shape",),
    latex=lambda x, shape: f"\\mathrm{{reshape}}({x}, {', '.join(map(str, shape))})",
)

VEC = Atom(
    name="vec",
    doc="All entries as one vector, row by row.",
    signature="vec(A : R^(m,n)) : R^(m*n)",
    shape=flat,
    torch=reshaped,
    cvxpy=lambda cp, form, x: cp.vec(x, order="C"),
    sign=sign_of_first,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=named("vec"),
)

CUMSUM = Atom(
    name="cumsum",
    doc="The running sums of a vector: entry k is x[0] + ... + x[k].",
    signature="cumsum(x : R^n) : R^n",
    shape=vector_to("`cumsum`", lambda length, options: (length,)),
    torch=lambda xp, form, x: xp.cumsum(x, -1),
    cvxpy=lambda cp, form, x: cp.cumsum(x),
    sign=lambda facts, options: facts[0].sign + facts[0].sign,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=named("cumsum"),
)

DIFF = Atom(
    name="diff",
    doc="The differences of neighbours in a vector: entry k is x[k+1] - x[k].",
    signature="diff(x : R^n) : R^(n-1)",
    shape=vector_to("`diff`", lambda length, options: (length - 1,)),
    torch=lambda xp, form, x: x[..., 1:] - x[..., :-1],
    cvxpy=lambda cp, form, x: x[1:] - x[:-1],
    sign=ANY,
    curvature=AFFINE,
    monotonicity=NEITHER_WAY,
    degree=greatest,
    latex=named("diff"),
)


def conv_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    (m,) = need_rank("`conv`", shapes[0], 1, 0)
    (n,) = need_rank("`conv`", shapes[1], 1, 1)
    return (m + n - 1,)


def conv_torch(xp, form: Form, a, b):
    """Entry k is the sum of a[i] b[k-i]: windows of the padded b against a from its end."""
    (m,) = form.shapes[0]
    windows = xp.nn.functional.pad(b, (m - 1, m - 1)).unfold(-1, m, 1)
    return (windows * a.flip(-1).unsqueeze(-2)).sum(-1)


def conv_cvxpy(cp, form: Form, a, b):
    """CVXPY wants the constant side first."""
    a, b = cp.Expression.cast_to_const(a), cp.Expression.cast_to_const(b)
    return cp.convolve(a, b) if a.is_constant() else cp.convolve(b, a)


CONV = Atom(
    name="conv",
    doc="The full convolution of two vectors: entry k is the sum of a[i]*b[k-i].",
    signature="conv(a : R^m, b : R^n) : R^(m+n-1)",
    shape=conv_shape,
    torch=conv_torch,
    cvxpy=conv_cvxpy,
    sign=sign_of_dot,
    curvature=bilinear,
    monotonicity=along_the_other,
    degree=total,
    bilinear=True,
    arity=(2, 2),
    latex=lambda a, b: f"{a} * {b}",
)


def kron_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    m, n = need_rank("`kron`", shapes[0], 2, 0)
    p, q = need_rank("`kron`", shapes[1], 2, 1)
    return (m * p, n * q)


def kron_torch(xp, form: Form, A, B):
    blocks = A.unsqueeze(-1).unsqueeze(-3) * B.unsqueeze(-2).unsqueeze(-4)
    return blocks.reshape(*blocks.shape[:-4], *form.shape)


KRON = Atom(
    name="kron",
    doc="The Kronecker product: the block matrix of A[i,j]*B.",
    signature="kron(A : R^(m,n), B : R^(p,q)) : R^(m*p,n*q)",
    shape=kron_shape,
    torch=kron_torch,
    cvxpy=lambda cp, form, A, B: cp.kron(A, B),
    sign=sign_of_product,
    curvature=bilinear,
    monotonicity=along_the_other,
    degree=total,
    bilinear=True,
    arity=(2, 2),
    latex=lambda A, B: f"{A} \\otimes {B}",
)
