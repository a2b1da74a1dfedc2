"""`pos`, `between(0, 1)`, `start(u0)` beside a declaration: which may stand there, with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from declarative.elaborate.context import Context, Range
from declarative.elaborate.familiar import ROTATION, ROTATIONS, WHOLE, YES_OR_NO
from declarative.elaborate.names import Scope
from declarative.elaborate.promises import require_data
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.spaces import Space
from declarative.elaborate.values import described, shown, stripped
from declarative.ir.canonical import canonical
from declarative.ir.expr import Attribute, Binder, Constant, Expr, Stack
from declarative.ir.size import Shape, Size, shape_text
from declarative.syntax import tree
from declarative.syntax.mistakes.braces import CONTINUOUS


@dataclass(frozen=True)
class _Rule:
    """Where an attribute may stand. `fits` judges the space of one member; `needs` says it in words."""

    arguments: int = 0
    fits: Callable[[Space], bool] = lambda space: True
    needs: str = ""
    kinds: tuple[str, ...] = ("param", "const", "learn", "var")
    elsewhere: str = ""  # the hint for other kinds of declaration
    of_data: str = ""  # the same for data, where it is another one


def _is_vector(space: Space) -> bool:
    return len(space.shape) == 1


def _is_matrix(space: Space) -> bool:
    return len(space.shape) == 2


def _is_symmetric(space: Space) -> bool:
    return space.symmetric


FREE = ("free", "unbounded", "unrestricted", "continuous", "real", "reals", "Reals")
RELAXED = f"{CONTINUOUS}; a relaxed choice is `between(0, 1)`"
_BINARY = "only const data is binary: declare it a const, or say `between(0, 1)`"
RULES = {
    "nonneg": _Rule(),
    "pos": _Rule(),
    "psd": _Rule(fits=_is_symmetric, needs="a symmetric matrix, in S^n"),
    "pd": _Rule(fits=_is_symmetric, needs="a symmetric matrix, in S^n"),
    "simplex": _Rule(fits=_is_vector, needs="a vector"),
    "unit": _Rule(fits=_is_vector, needs="a vector"),
    "orthonormal": _Rule(fits=_is_matrix, needs="a matrix"),
    "binary": _Rule(kinds=("const",), elsewhere=f"only const data is binary; {RELAXED}", of_data=_BINARY),
    "between": _Rule(arguments=2),
    "start": _Rule(arguments=1, kinds=("var",), elsewhere="only a variable has a starting point; a default is `= e`"),
}
USUAL = {  # what people write elsewhere, and what it is here
    "nonnegative": "nonneg",
    "positive": "pos",
    **dict.fromkeys(("nonpos", "nonpositive", "neg", "negative"), "between(-inf, 0)"),
    "symmetric": "S^n",
    "orthogonal": "orthonormal",
    "boolean": "binary",
    **dict.fromkeys(("bounds", "bound", "lb", "ub", "lower", "upper", "interval", "range"), "between"),
    "default": "= e",
    "box": "between",
    "init": "start",
}


def to_attributes(ctx: Context, node: tree.Declaration, space: Space, lead: Shape) -> tuple[Attribute, ...] | None:
    """The attributes of a declaration whose family has the axes `lead`; None where one fails, which is reported."""
    made = [_attribute(ctx, node, item, k, space, lead) for k, item in enumerate(node.attributes)]
    known = tuple(a for a in made if a is not None)
    return known if len(known) == len(made) else None


def _attribute(
    ctx: Context, node: tree.Declaration, item: tree.AttributeItem, position: int, space: Space, lead: Shape
) -> Attribute | None:
    problem = next(_complaints(node, item, position, space), None)
    if problem is not None:
        message, hints = problem
        return ctx.report.error("E207", item.span, message, hints=hints)
    made = [_argument(ctx, node, item, arg, space, lead) for arg in item.args]
    args = tuple(a for a in made if a is not None)
    if len(args) < len(made) or not _in_order(ctx, item, args):
        return None
    return Attribute(item.name, args, origin=item.span)


def _complaints(
    node: tree.Declaration, item: tree.AttributeItem, position: int, space: Space
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is wrong with an attribute where it stands, and what helps; the first one is reported."""
    rule = RULES.get(item.name)
    if rule is None:
        yield f"`{item.name}` is not an attribute", _matrix_hint(node, item) or _unknown_hints(item.name, node.kind)
        return
    if space.index_range is not None:
        yield "index data has no attributes; its values are in its range", ()
    if node.kind not in rule.kinds:
        what = "variable" if node.kind == "var" else node.kind
        hint = rule.elsewhere if node.kind == "var" else rule.of_data or rule.elsewhere
        yield f"`{item.name}` does not stand on a {what}", (hint,)
    if item.name in {a.name for a in node.attributes[:position]}:
        yield f"`{item.name}` is written twice", ("leave one out",)
    if item.name == "start" and not item.args and node.kind == "var" and node.default is not None:
        yield "`start` is an attribute with its value in brackets", (f"write `start({node.default.span.text})`",)
    if len(item.args) != rule.arguments:
        count = ("no argument", "one argument", "two arguments")[rule.arguments]
        example = {"between": ("`between(0, 1)`",), "start": ("`start(x0)`",)}.get(item.name, ())
        yield f"`{item.name}` takes {count}", example
    if not rule.fits(space):
        hints = (f"`{node.name} : S^{space.shape[0]}`",) if rule.fits is _is_symmetric and _is_square(space) else ()
        yield f"`{item.name}` needs {rule.needs}; `{node.name}` is {shape_text(space.shape)}", hints


def _is_square(space: Space) -> bool:
    return len(space.shape) == 2 and space.shape[0] == space.shape[1]


def _matrix_hint(node: tree.Declaration, item: tree.AttributeItem) -> tuple[str, ...]:
    """`R^m,n`."""
    single = len(node.space.sizes) == 1 and node.space.name == "R" and item is node.attributes[0]
    if not single or len(item.name) != 1 or item.args:
        return ()
    return (f"a matrix is `R^({node.space.sizes[0].span.text},{item.name})`",)


def _unknown_hints(name: str, kind: str) -> tuple[str, ...]:
    if name in WHOLE:
        if kind == "var":
            return (f"{CONTINUOUS}; leave it out, and round the solution",)
        return ("leave it out: any numbers are data; those that stand in subscripts are `index(n)`",)
    if name in YES_OR_NO and kind == "var":
        return (RELAXED,)
    if name in ROTATIONS:
        return (ROTATION,)
    if name in FREE and kind == "var":
        return ("leave it out: what has no bounds is free",)
    if name in USUAL:
        return (f"did you mean `{USUAL[name]}`?",)
    return did_you_mean(name, RULES) or (f"the attributes are {', '.join(RULES)}",)


def _argument(
    ctx: Context, node: tree.Declaration, item: tree.AttributeItem, arg: tree.Expression, space: Space, lead: Shape
) -> Expr | None:
    """An end of `between` or a starting point: a scalar, or of the shape of one member or of the whole family."""
    if item.name == "between" and (infinite := infinity(arg)) is not None:
        return infinite
    value = ctx.value(arg, Scope())
    what = "a starting point" if item.name == "start" else "a promise"
    if value is None or not require_data(ctx, arg, value.expr, what):
        return None
    if value.shape in ((), lead + space.shape):
        return canonical(value.expr)
    if value.shape == space.shape:
        return canonical(repeated(ctx, value.expr, lead))
    full = shape_text(lead + space.shape)
    hints = _number_hints(node, arg, space.shape, value.shape) if item.name == "start" and not lead else ()
    return ctx.report.error("E203", arg.span, f"`{node.name}` is {full}; {described(arg, value)}", hints=hints)


def _number_hints(node: tree.Declaration, arg: tree.Expression, wanted: Shape, given: Shape) -> tuple[str, ...]:
    """For `[1, 1, 1]` where R^n is wanted."""
    if len(wanted) != 1 or len(given) != 1 or given[0].constant is None:
        return ()
    whole = (f"`{node.name} : R^{given[0]}`, where the size is this number",)
    entries = {e.span.text for row in arg.rows for e in row} if isinstance(arg, tree.Array) else ()
    return (f"one number is for all entries: `start({next(iter(entries))})`", *whole) if len(entries) == 1 else whole


def infinity(node: tree.Expression) -> Expr | None:
    """`inf` or `-inf` as written, else None."""
    node = stripped(node)
    if isinstance(node, tree.Infinity):
        return Constant(float("inf"), origin=node.span)
    if isinstance(node, tree.Unary) and isinstance(stripped(node.body), tree.Infinity):
        return Constant(float("-inf" if node.op == "-" else "inf"), origin=node.span)
    return None


def repeated(ctx: Context, e: Expr, lead: Shape) -> Expr:
    """The same member for all indices of a family."""
    zero = Size.of(0)
    binders = tuple(Binder(ctx.fresh_index(f"i{k}", Range(zero, n)), zero, n) for k, n in enumerate(lead))
    return Stack(e, binders, origin=e.origin)


def _in_order(ctx: Context, item: tree.AttributeItem, args: tuple[Expr, ...]) -> bool:
    """False, and reported, for `between(1, 0)`."""
    match item.name, args:
        case "between", (Constant(lo), Constant(hi)) if lo > hi:
            lower, upper = (shown(a).strip("`") for a in item.args)
            hints = [f"`between({upper}, {lower})`"]
            ctx.report.error("E207", item.span, f"nothing lies between {lower} and {upper}", hints=hints)
            return False
        case _:
            return True
