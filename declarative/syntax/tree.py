"""The syntax tree: what was written, in order, before any meaning. Frozen; spans do not count in equality."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from declarative.source.span import Span


@dataclass(frozen=True)
class Node:
    span: Span = field(compare=False, repr=False, kw_only=True)


# --- expressions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number(Node):
    text: str  # as written, so that it prints back as written: `1e-3`, `0.20`


@dataclass(frozen=True)
class Infinity(Node):
    """`inf`."""


@dataclass(frozen=True)
class Name(Node):
    id: str


@dataclass(frozen=True)
class Paren(Node):
    """A parenthesised expression; kept, so that the formatter gives back what was written."""

    body: "Expression"


@dataclass(frozen=True)
class Tuple(Node):
    """`(t, x)`, legal only before `in`."""

    items: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Unary(Node):
    op: Literal["-", "+"]
    body: "Expression"


@dataclass(frozen=True)
class Sum(Node):
    """`first + a - b ...`, kept flat: a sum of ten thousand terms is one node. rest: (op, term)."""

    first: "Expression"
    rest: "tuple[tuple[Literal['+', '-'], Expression], ...]"


@dataclass(frozen=True)
class Product(Node):
    """`first * a / b .* c ./ d ...`, kept flat and read from the left."""

    first: "Expression"
    rest: "tuple[tuple[Literal['*', '/', '.*', './'], Expression], ...]"


@dataclass(frozen=True)
class Power(Node):
    op: Literal["^", ".^"]
    base: "Expression"
    exponent: "Expression"


@dataclass(frozen=True)
class Transpose(Node):
    """`x'` (also read: `x.T`, `xᵀ`)."""

    body: "Expression"


@dataclass(frozen=True)
class Attribute(Node):
    """`budget.dual`, `box.lower.dual`, `follower(q).x`."""

    body: "Expression"
    name: str


@dataclass(frozen=True)
class Keyword(Node):
    """`name = value` among the arguments of a call or clause."""

    name: str
    value: "Expression"


@dataclass(frozen=True)
class Range(Node):
    """`lo..hi`, both ends included."""

    lo: "Expression"
    hi: "Expression"


@dataclass(frozen=True)
class Slice(Node):
    """`:`, `lo:hi`, `lo:`, `:hi` as a subscript, as in Python (hi excluded)."""

    lo: "Expression | None"
    hi: "Expression | None"


@dataclass(frozen=True)
class For(Node):
    """`i in n` or `t in 0..T-1`, one binder of a `for` clause."""

    index: str
    over: "Expression | Range"


@dataclass(frozen=True)
class Fors(Node):
    """`for i in n, j in n if cond`."""

    binders: tuple[For, ...]
    condition: "Expression | None" = None


@dataclass(frozen=True)
class Call(Node):
    """`f(a, b, key = c)`, or `sum(body for i in n if cond)` where `fors` is not None and args has one entry."""

    function: "Expression"
    args: "tuple[Expression | Keyword, ...]"
    fors: Fors | None = None


@dataclass(frozen=True)
class Subscript(Node):
    """`x[i, 0, :]`."""

    body: "Expression"
    items: "tuple[Expression | Slice, ...]"


@dataclass(frozen=True)
class Array(Node):
    """`[a, b; c, d]`: rows of blocks."""

    rows: "tuple[tuple[Expression, ...], ...]"


@dataclass(frozen=True)
class Compare(Node):
    """`first <= a <= b`, `a == b`, `X in PSD`; conditions use `!=`, `<`, `>` too."""

    first: "Expression"
    rest: "tuple[tuple[Literal['<=', '>=', '==', '!=', '<', '>', 'in'], Expression], ...]"


@dataclass(frozen=True)
class Not(Node):
    body: "Expression"


@dataclass(frozen=True)
class Logic(Node):
    """`a and b and c` or `a or b or c`, kept flat."""

    op: Literal["and", "or"]
    items: "tuple[Expression, ...]"


Expression: TypeAlias = (
    Number
    | Infinity
    | Name
    | Paren
    | Tuple
    | Unary
    | Sum
    | Product
    | Power
    | Transpose
    | Attribute
    | Call
    | Subscript
    | Array
    | Compare
    | Not
    | Logic
)


# --- statements --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Statement(Node):
    """`comments` are the whole-line comments (and blank lines, as "") before it; `trailing` the one after it."""

    comments: tuple[str, ...] = field(default=(), kw_only=True)
    trailing: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ProblemLine(Statement):
    name: str
    doc: str | None


@dataclass(frozen=True)
class Import(Statement):
    name: str


@dataclass(frozen=True)
class DimItem(Node):
    name: str
    default: Expression | None


@dataclass(frozen=True)
class Dim(Statement):
    items: tuple[DimItem, ...]
    doc: str | None


@dataclass(frozen=True)
class Space(Node):
    """`R`, `R^n`, `R^(m,n)`, `S^n`, `index(v)`: a plain name with sizes, resolved later."""

    name: str
    sizes: tuple[Expression, ...]


@dataclass(frozen=True)
class AttributeItem(Node):
    """`pos`, `between(0, 1)`, `start(u0)`."""

    name: str
    args: tuple[Expression, ...]


@dataclass(frozen=True)
class Declaration(Statement):
    """`param mu : R^n, pos = default "doc"`; `family` holds the brackets: `x[0..T]`, `p[n]`, `tail[e]`."""

    kind: Literal["param", "const", "learn", "var"]
    name: str
    family: tuple[Expression | Range, ...]
    space: Space
    attributes: tuple[AttributeItem, ...]
    default: Expression | None
    doc: str | None


@dataclass(frozen=True)
class Extern(Statement):
    name: str
    domain: tuple[Space, ...]
    codomain: Space
    doc: str | None


@dataclass(frozen=True)
class Let(Statement):
    """`let risk = e` or `let r[i] = e for i in n`."""

    name: str
    indices: tuple[str, ...]
    body: Expression
    fors: Fors | None


@dataclass(frozen=True)
class Signature(Node):
    """One argument of a `def`: `z : R^n`."""

    name: str
    space: Space


@dataclass(frozen=True)
class Def(Statement):
    name: str
    arguments: tuple[Signature, ...]
    result: Space
    body: Expression


@dataclass(frozen=True)
class Assume(Statement):
    relation: Expression
    fors: Fors | None


@dataclass(frozen=True)
class Objective(Statement):
    """`minimize e`, `maximize e`, or `find z, w` (body: the names)."""

    sense: Literal["minimize", "maximize", "find"]
    body: tuple[Expression, ...]


@dataclass(frozen=True)
class SubjectTo(Statement):
    """The line `subject to`."""


@dataclass(frozen=True)
class Constraint(Statement):
    label: str | None
    relation: Expression
    fors: Fors | None


@dataclass(frozen=True)
class ReturnItem(Node):
    alias: str | None
    value: Expression


@dataclass(frozen=True)
class Return(Statement):
    items: tuple[ReturnItem, ...]


@dataclass(frozen=True)
class Clause(Statement):
    """`solve by newton(tol = 1e-10)` or `differentiate by one_step`."""

    kind: Literal["solve", "differentiate"]
    method: str
    args: tuple[Expression | Keyword, ...] | None  # None: written without brackets


@dataclass(frozen=True)
class File(Node):
    """A whole file; `comments` stand after its last statement."""

    statements: tuple[Statement, ...]
    comments: tuple[str, ...] = ()
