"""Arrays put together and summed up: `[a, b]`, `[A, B; C, D]`, stacks, and the sum of all entries."""

from __future__ import annotations

from declarative.atoms.record import Atom, Form, Options, ShapeMismatch
from declarative.atoms.rules import AFFINE, INCREASING, greatest, sign_of_any, sign_of_first
from declarative.atoms.shapes import in_words, to_scalar
from declarative.ir.size import Shape, Size, shape_text


def concat_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    """Vectors and scalars end to end."""
    length = Size.of(0)
    for position, shape in enumerate(shapes):
        if len(shape) > 1:
            raise ShapeMismatch(f"`[a, b]` joins vectors and scalars end to end, this is {in_words(shape)}", position)
        length = length + (shape[0] if shape else 1)
    return (length,)


def aligned(xp, parts, ranks: tuple[int, ...]):
    """The same leading axes for all parts, so that they can be joined along a trailing one."""
    leads = [x.shape[: x.ndim - rank] for x, rank in zip(parts, ranks, strict=True)]
    if all(lead == leads[0] for lead in leads):
        return parts
    lead = _broadcast(leads)
    return [x.expand(*lead, *x.shape[x.ndim - rank :]) for x, rank in zip(parts, ranks, strict=True)]


def _broadcast(shapes) -> list[int]:
    """As torch does it, which takes far longer."""
    rank = max(map(len, shapes))
    columns = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    return [next((size for size in sizes if size != 1), 1) for sizes in columns]


def concat_torch(xp, form: Form, *args):
    parts = [x if shape else x.unsqueeze(-1) for x, shape in zip(args, form.shapes, strict=True)]
    return xp.cat(aligned(xp, parts, (1,) * len(parts)), -1)


CONCAT = Atom(
    name="concat",
    doc="Vectors and scalars end to end, [a, b].",
    signature="concat(a, b, ...) : R^n",
    shape=concat_shape,
    torch=concat_torch,
    cvxpy=lambda cp, form, *args: cp.hstack(
        [cp.reshape(x, (cp.Expression.cast_to_const(x).size,), order="C") for x in args]
    ),
    sign=sign_of_any,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    arity=(1, None),
    latex=lambda *args: "[" + ",\\; ".join(args) + "]",
)


def _as_block(shape: Shape, position: int) -> Shape:
    """A vector counts as a column, a scalar as a 1 by 1 matrix."""
    if len(shape) > 2:
        raise ShapeMismatch(f"a block is a matrix, a vector or a scalar; this is {in_words(shape)}", position)
    one = Size.of(1)
    return {0: (one, one), 1: (*shape, one), 2: shape}[len(shape)]


def _rows(items, lengths: tuple[int, ...]):
    """The items cut into rows of the given lengths."""
    start = 0
    for length in lengths:
        yield items[start : start + length]
        start += length


def block_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    blocks = [_as_block(shape, position) for position, shape in enumerate(shapes)]
    height, width, position = Size.of(0), None, 0
    for row in _rows(blocks, options["rows"]):
        for k, block in enumerate(row):
            if block[0] != row[0][0]:
                found = f"{shape_text(row[0])} and {shape_text(block)}"
                raise ShapeMismatch(f"blocks side by side need as many rows: {found}", position + k)
        across = sum((block[1] for block in row), Size.of(0))
        if width is not None and across != width:
            raise ShapeMismatch(f"rows of blocks need the same width: {width} and {across}", position)
        height, width, position = height + row[0][0], across, position + len(row)
    assert width is not None
    return (height, width)


def block_torch(xp, form: Form, *args):
    parts = []
    for x, shape in zip(args, form.shapes, strict=True):
        parts.append(x if len(shape) == 2 else x.unsqueeze(-1) if shape else x.unsqueeze(-1).unsqueeze(-1))
    parts = aligned(xp, parts, (2,) * len(parts))
    return xp.cat([xp.cat(row, -1) for row in _rows(parts, form.options["rows"])], -2)


def block_cvxpy(cp, form: Form, *args):
    full = [(*shape, 1, 1)[:2] if len(shape) < 2 else shape for shape in form.shapes]
    parts = [cp.reshape(x, shape, order="C") for x, shape in zip(args, full, strict=True)]
    return cp.bmat([list(row) for row in _rows(parts, form.options["rows"])])


BLOCK = Atom(
    name="block",
    doc="A matrix made of blocks, [A, B; C, D]; a vector counts as a column.",
    signature="[A, B; C, D] : R^(m,n)",
    shape=block_shape,
    torch=block_torch,
    cvxpy=block_cvxpy,
    sign=sign_of_any,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    arity=(1, None),
    operator=True,
    python=False,
    option_names=("rows",),
    latex=lambda *args, rows: " \\\\ ".join(" & ".join(row) for row in _rows(args, rows)).join(
        ("\\begin{bmatrix}", "\\end{bmatrix}")
    ),
)


def stack_shape(shapes: tuple[Shape, ...], options: Options) -> Shape:
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            found = f"{shape_text(shapes[0])} and {shape_text(shape)}"
            raise ShapeMismatch(f"`stack` needs equal shapes: {found}", position)
    return (Size.of(len(shapes)), *shapes[0])


STACK = Atom(
    name="stack",
    doc="Arrays of one shape along a new first axis: vectors become the rows of a matrix.",
    signature="stack(a : R^n, b : R^n, ...) : R^(k,n)",
    shape=stack_shape,
    torch=lambda xp, form, *args: xp.stack(aligned(xp, args, tuple(map(len, form.shapes))), -1 - len(form.shapes[0])),
    cvxpy=lambda cp, form, *args: cp.reshape(cp.hstack([cp.vec(x, order="C") for x in args]), form.shape, order="C"),
    sign=sign_of_any,
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    arity=(1, None),
    latex=lambda *args: "\\mathrm{stack}(" + ", ".join(args) + ")",
)

SUM = Atom(
    name="sum",
    doc="The sum of all entries; `sum(e for i in n)` sums over an index.",
    signature="sum(x) : R",
    shape=to_scalar,
    torch=lambda xp, form, x: x.sum(tuple(range(-len(form.shapes[0]), 0))) if form.shapes[0] else x,
    cvxpy=lambda cp, form, x: cp.sum(x),
    sign=lambda facts, options: sign_of_first(facts, options) + sign_of_first(facts, options),
    curvature=AFFINE,
    monotonicity=INCREASING,
    degree=greatest,
    latex=lambda x: f"\\mathbf{{1}}^\\top {x}",
)
