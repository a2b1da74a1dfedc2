"""Python's operators to IR: a handle wraps an expression, and what is done to it makes another handle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, NoReturn

from declarative.atoms.defined import DEFINITIONS
from declarative.atoms.registry import find
from declarative.elaborate.elsewhere import RENAMED
from declarative.elaborate.embedded.declared import NOTHING, Declared
from declarative.elaborate.embedded.operators import (
    check_equal_shapes,
    difference,
    entrywise,
    function,
    product,
)
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.embedded.relation import Member, Op, Relation, Symbolic
from declarative.elaborate.embedded.sides import MIRRORED, is_mirrored
from declarative.elaborate.embedded.steps import Steps
from declarative.elaborate.embedded.subscript import subscript
from declarative.elaborate.embedded.walk import Question
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.condition import Truth
from declarative.ir.expr import Constant, Expr
from declarative.ir.size import Size

NUMPY_OPERATORS = {
    "add": "__add__",
    "subtract": "__sub__",
    "multiply": "__mul__",
    "divide": "__truediv__",
    "power": "__pow__",
    "matmul": "__matmul__",
    "equal": "__eq__",
    "not_equal": "__ne__",
    "less_equal": "__le__",
    "greater_equal": "__ge__",
    "less": "__lt__",
    "greater": "__gt__",
}


@dataclass(frozen=True, eq=False, repr=False)
class Handle(Symbolic):
    """An expression in Python. `size` is set where it is an integer polynomial of dims: `n`, `T + 1`, `3`."""

    expr: Expr
    declared: frozenset[Declared] = NOTHING
    size: Size | None = field(default=None, kw_only=True)

    def __repr__(self) -> str:
        return expression_to_text(self.expr)

    def __hash__(self) -> int:
        return id(self)

    def question(self) -> Question:
        return Question(Truth(self.expr), self.declared)

    # --- arithmetic ----------------------------------------------------------------------------

    def __add__(self, other: object) -> Handle:
        return _arithmetic("+", self, other)

    def __radd__(self, other: object) -> Handle:
        return _arithmetic("+", other, self)

    def __sub__(self, other: object) -> Handle:
        return _arithmetic("-", self, other)

    def __rsub__(self, other: object) -> Handle:
        return _arithmetic("-", other, self)

    def __mul__(self, other: object) -> Handle:
        return _arithmetic("*", self, other)

    def __rmul__(self, other: object) -> Handle:
        return _arithmetic("*", other, self)

    def __truediv__(self, other: object) -> Handle:
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: object) -> Handle:
        return _arithmetic("/", other, self)

    def __pow__(self, other: object) -> Handle:
        return _arithmetic("**", self, other)

    def __rpow__(self, other: object) -> Handle:
        return _arithmetic("**", other, self)

    def __xor__(self, other: object) -> Handle:
        raise TypeError("in Python `^` is the exclusive or: a power is written `x**2`")

    def __matmul__(self, other: object) -> Handle:
        return _arithmetic("@", self, other)

    def __rmatmul__(self, other: object) -> Handle:
        return _arithmetic("@", other, self)

    def __neg__(self) -> Handle:
        size = None if self.size is None else -self.size
        return Handle(function("neg", (self.expr,), {}, here()), self.declared, size=size)

    def __pos__(self) -> Handle:
        return self

    def __abs__(self) -> Handle:
        return Handle(function("abs", (self.expr,), {}, here()), self.declared)

    @property
    def T(self) -> Handle:
        """The transpose of a matrix; a vector has one axis and stays as it is, so that `x.T @ y` works."""
        if len(self.expr.shape) < 2:
            return self
        return Handle(function("transpose", (self.expr,), {}, here()), self.declared)

    def __getitem__(self, items: Any) -> Handle:
        given = items if isinstance(items, tuple) else (items,)
        expr = subscript(self.expr, given, here(), lift)
        return Handle(expr, self.declared.union(*(h.declared for item in given for h in _inside(item))))

    def __setitem__(self, items: Any, value: Any) -> None:
        hints = ["that an entry has a value is a constraint: x[0] == 1"]
        raise fail("E405", "entries are not assigned", here(), hints=hints)

    # --- relations -----------------------------------------------------------------------------

    def __eq__(self, other: object) -> Relation:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _compared("==", self, other)

    def __ne__(self, other: object) -> Relation:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _compared("!=", self, other)

    def __le__(self, other: object) -> Relation:
        return _compared("<=", self, other)

    def __ge__(self, other: object) -> Relation:
        return _compared(">=", self, other)

    def __lt__(self, other: object) -> Relation:
        return _compared("<", self, other)

    def __gt__(self, other: object) -> Relation:
        return _compared(">", self, other)

    def __rshift__(self, other: object) -> Member:
        return semidefinite(self, other)

    def __rlshift__(self, other: object) -> Member:
        return semidefinite(self, other)

    def __lshift__(self, other: object) -> Member:
        return semidefinite(other, self)

    def __rrshift__(self, other: object) -> Member:
        return semidefinite(other, self)

    # --- what Python and numpy would do with a number ---------------------------------------------

    def __floordiv__(self, other: object) -> NoReturn:
        raise fail("E403", "`//` rounds, and nothing symbolic is rounded", hints=["a quotient is `/`"])

    def __mod__(self, other: object) -> NoReturn:
        raise fail("E403", "`%` rounds, and nothing symbolic is rounded")

    def __round__(self, digits: object = None) -> NoReturn:
        raise _no_number("a number", "round the layer's results")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: object, **options: object) -> Any:
        """`np.float64(2) * x` is `2 * x`; numpy's functions know no symbols."""
        operator = NUMPY_OPERATORS.get(ufunc.__name__)
        if method == "__call__" and operator and len(inputs) == 2 and not options:
            left, right = map(lift, inputs)
            return getattr(left, operator)(right)
        raise _foreign("numpy", ufunc.__name__)

    def __array_function__(self, called: Any, types: object, args: object, kwargs: object) -> NoReturn:
        raise _foreign("numpy", called.__name__)

    @classmethod
    def __torch_function__(cls, called: Any, types: object, args: object = (), kwargs: object = None) -> Any:
        """A tensor's own operators give way to the handle's; torch's functions know no symbols."""
        if called.__qualname__.startswith(("Tensor", "_TensorBase")):
            return NotImplemented
        raise _foreign("torch", called.__name__)

    def __getattr__(self, name: str) -> NoReturn:
        """What arrays have, and handles have not; Python asks for some names by itself, and gets a plain answer."""
        instead = "" if name.startswith("_") else _instead(name)
        raise AttributeError(f"a symbolic expression has no `{name}`{instead}")

    def __array__(self, *args: object, **kwargs: object) -> NoReturn:
        raise _no_number("an array", "keep numpy's data outside: declare a param or a const and hand it to the layer")

    def __float__(self) -> NoReturn:
        raise _no_number("a number", "the library's own functions take handles: dc.exp(x), not math.exp(x)")

    def __int__(self) -> NoReturn:
        raise _no_number("a number", "the library's own functions take handles")

    def __index__(self) -> NoReturn:
        raise _no_number("a number", "run over a dim by dc.range(0, n), or by `for i in n`")

    def __len__(self) -> NoReturn:
        if self.size is not None:  # `list(n)` asks for it, and goes on without on this error
            raise TypeError("a dim has no length: it is a symbol")
        raise _no_number("a length", "sizes are symbols: use the dim itself")

    def __contains__(self, item: object) -> NoReturn:
        hints = ["membership in a cone is dc.psd(X), X >> 0, or dc.member(cone, ...)"]
        raise fail("E403", "`in` asks at once, and this is symbolic", hints=hints)

    def __iter__(self) -> Steps:
        """A dim yields one symbolic index; nothing else can be run through."""
        if self.size is not None:
            return Steps(Size.of(0), self.size, self.declared, Handle)
        message = f"`{self!r}` has symbolic sizes, so Python cannot run through its entries"
        raise fail("E403", message, hints=["run an index over a dim: dc.sum(x[i] for i in n)"])


def lift(value: object, place: Place | None = None) -> Handle:
    """A number or a handle as a handle. Raises DiagnosticError for anything else."""
    if isinstance(value, Handle):
        return value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, Integral) and not isinstance(value, bool):
        return Handle(Constant(float(value)), size=Size.of(int(value)))
    if isinstance(value, Real) and not isinstance(value, bool) and value == value:
        return Handle(Constant(float(value)))
    raise not_an_expression(value, place)


def not_an_expression(value: object, place: Place | None) -> Exception:
    match value:
        case Symbolic():
            return fail("E221", "this is a constraint or a condition; a value is needed here", place)
        case _ if hasattr(value, "shape"):
            hints = ['declare a const (fixed data) or a param, and hand the array to the layer: dc.const("A", m, n)']
            return fail("E403", "an array of numbers is data, which a problem knows by name only", place, hints=hints)
        case list() | tuple():
            hints = ["vectors are joined by dc.concat(a, b)"]
            return fail("E403", "a Python list is no expression", place, hints=hints)
        case str() if value in NORMS:
            hints = [f"a norm is not chosen by a string: {NORMS[value]}"]
            return fail("E403", f"`{value!r}` is neither a number nor an expression", place, hints=hints)
        case _:
            return fail("E403", f"`{value!r}` is neither a number nor an expression", place)


NORMS = {"fro": "dc.normfro(X)", "nuc": "dc.normnuc(X)", "inf": 'dc.norm(x, float("inf"))'}


def semidefinite(upper: object, lower: object) -> Member:
    """`X >> Y`: X - Y is positive semidefinite."""
    place = here()
    X, Y = lift(upper, place), lift(lower, place)
    zero = isinstance(Y.expr, Constant) and Y.expr.value == 0
    body = X.expr if zero else difference(X.expr, Y.expr, place)
    return Member((body,), "PSD", (), X.declared | Y.declared, place)


def _arithmetic(op: str, left: object, right: object) -> Handle:
    place = here()
    x, y = lift(left, place), lift(right, place)
    return Handle(RULES[op](x.expr, y.expr, place), x.declared | y.declared, size=_size(op, x.size, y.size))


def _entrywise(op: str) -> Callable[[Expr, Expr, Place], Expr]:
    return lambda left, right, place: entrywise(op, left, right, place)


RULES: dict[str, Callable[[Expr, Expr, Place], Expr]] = {
    "@": product,
    "-": difference,
    **{op: _entrywise(op) for op in ("+", "*", "/", "**")},
}


def _size(op: str, x: Size | None, y: Size | None) -> Size | None:
    if x is None or y is None:
        return None
    match op:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
        case _:
            return None


def _compared(op: Op, mine: Handle, other: object) -> Relation:
    """Python calls x.__ge__(0) for `0 <= x`; the sides are put back as they were written."""
    place = here()
    left, right = mine, lift(other, place)
    if is_mirrored(op, isinstance(other, Handle), place):
        op, left, right = MIRRORED.get(op, op), right, left
    check_equal_shapes(op, left.expr, right.expr, place)
    return Relation(op, left.expr, right.expr, left.declared | right.declared, place)


def _inside(item: object) -> list[Handle]:
    parts = (item.start, item.stop) if isinstance(item, slice) else (item,)
    return [part for part in parts if isinstance(part, Handle)]


def _no_number(what: str, hint: str) -> Exception:
    return fail("E403", f"a symbolic expression has no value yet, so it is not {what}", hints=[hint])


def _foreign(library: str, name: str) -> Exception:
    hints = ["products are `x @ y` and `x * y`; functions are the library's own, such as dc.exp(x)"]
    return fail("E403", f"{library}'s `{name}` knows no symbolic expressions", here(library), hints=hints)


def _instead(name: str) -> str:
    """What to write where an array's attribute was asked for."""
    if name in ("shape", "size", "ndim"):
        return ": sizes are symbols, the dims that it was declared with"
    if name == "value":
        return ": the layer that dc.compile(problem) makes gives values"
    own = RENAMED.get(name, name)
    return f": write dc.{own}(x)" if own in DEFINITIONS or find(own) else ""
