"""Expressions: a closed set of immutable nodes. A node carries its shape; where it was written does not count."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache, reduce
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from declarative.ir.size import SCALAR, Shape, Size
from declarative.source.span import Span

if TYPE_CHECKING:
    from declarative.ir.condition import Condition


class _Hashed:
    """Hash once at birth (children first); compare by hash before comparing by parts. Neither recurses."""

    def __post_init__(self) -> None:
        kind = type(self)
        self.__dict__["_hash"] = hash((kind.__name__, _parts(kind)(self)))

    def at(self, origin: Span | None) -> Self:
        """The same node, written at another place."""
        node = object.__new__(type(self))
        node.__dict__.update(self.__dict__, origin=origin)
        return node

    def __hash__(self) -> int:
        return self._hash  # pyright: ignore

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or hash(self) != hash(other):
            return False
        parts = _parts(type(self))
        if all(map(is_, parts(self), parts(other))):
            return True  # one symbol at two places
        pairs: list[tuple[Any, Any]] = [(self, other)]
        seen: set[tuple[int, int]] = set()  # two shared nodes are compared once
        while pairs:
            a, b = pairs.pop()
            if (id(a), id(b)) in seen:
                continue
            if isinstance(a, _Hashed):
                if type(a) is not type(b) or hash(a) != hash(b):
                    return False
                seen.add((id(a), id(b)))
                found = [(getattr(a, name), getattr(b, name)) for name in _compared(type(a))]
                pairs.extend([(x, y) for x, y in found if x is not y])
            elif isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
                pairs.extend([(x, y) for x, y in zip(a, b, strict=True) if x is not y])
            elif a != b:
                return False
        return True

    def __reduce__(self):
        # String hashes differ between processes, so a pickled node is born again where it is read.
        return _rebuild, (type(self), {f.name: getattr(self, f.name) for f in fields(self)})  # pyright: ignore


@cache
def _compared(kind: type) -> tuple[str, ...]:
    """The names of the fields that count in equality."""
    return tuple(f.name for f in fields(kind) if f.compare)


@cache
def _parts(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """What counts in equality, of a node of this kind."""
    match _compared(kind):
        case ():
            return lambda node: ()
        case (name,):
            return lambda node: (getattr(node, name),)
        case names:
            return attrgetter(*names)


def _rebuild(kind: type, values: dict[str, Any]) -> Any:
    return kind(**values)


def _origin() -> Any:
    return field(default=None, compare=False, repr=False, kw_only=True)


class Role(Enum):
    """How data reaches a layer: as an argument of `forward`, fixed at compile time, or trained."""

    PARAM = "param"
    CONST = "const"
    LEARN = "learn"


@dataclass(frozen=True, eq=False)
class Constant(_Hashed):
    """A number as it stands in the text; always a scalar."""

    value: float
    shape: Shape = field(default=SCALAR, init=False, compare=False)
    origin: Span | None = _origin()

    def __reduce__(self):
        return Constant, (self.value,)


@dataclass(frozen=True, eq=False)
class SizeValue(_Hashed):
    """A size used as a number: the `n` of `sum(x)/n`."""

    size: Size
    shape: Shape = field(default=SCALAR, init=False, compare=False)
    origin: Span | None = _origin()

    def __reduce__(self):
        return SizeValue, (self.size,)


@dataclass(frozen=True, eq=False)
class IndexSymbol(_Hashed):
    """A bound index, an integer. Numbered by depth of binding (`canonical`); the name is for printing only."""

    number: int
    name: str = field(compare=False)
    shape: Shape = field(default=SCALAR, init=False, compare=False)
    origin: Span | None = _origin()

    def __reduce__(self):
        return IndexSymbol, (self.number, self.name)


@dataclass(frozen=True)
class Attribute:
    """`pos`, `between(0, 1)`, `start(u0)`: a name with expressions over params, consts and sizes."""

    name: str
    args: tuple[Expr, ...] = ()
    origin: Span | None = _origin()


@dataclass(frozen=True, eq=False)
class Parameter(_Hashed):
    """Data: param, const or learn. `family` leading axes come from brackets (`p[n]`, `x[0..T]`).

    `index_range` is v for `index(v)` data, which may stand in subscripts.
    """

    name: str
    shape: Shape
    role: Role
    attributes: tuple[Attribute, ...] = ()
    symmetric: bool = False
    family: int = 0
    index_range: Size | None = None
    origin: Span | None = _origin()


@dataclass(frozen=True, eq=False)
class Variable(_Hashed):
    """What the problem solves for. Same conventions as `Parameter`."""

    name: str
    shape: Shape
    attributes: tuple[Attribute, ...] = ()
    symmetric: bool = False
    family: int = 0
    origin: Span | None = _origin()


@dataclass(frozen=True, eq=False)
class Call(_Hashed):
    """A function of the library (`atoms`) applied. `options` are named literals: (("axis", 0),)."""

    atom: str
    args: tuple[Expr, ...]
    shape: Shape = field(compare=False)
    options: tuple[tuple[str, Any], ...] = ()
    origin: Span | None = _origin()

    def __post_init__(self) -> None:
        if self.atom == "add":
            run = reduce(_followed_by, [(hash(term), 1) for term in self.args])
            self.__dict__.update(_run=run, _hash=hash(run))
        else:
            super().__post_init__()

    def __getattr__(self, name: str) -> Any:
        """The terms of a sum made by `sum_of`, which are put together when they are first read."""
        if name != "args" or "_joined" not in self.__dict__:
            raise AttributeError(name)
        self.__dict__["args"] = tuple(_terms(self))
        del self.__dict__["_joined"]
        return self.args

    def option(self, name: str, default: Any = None) -> Any:
        return dict(self.options).get(name, default)


def sum_of(parts: tuple[Expr, ...], shape: Shape, origin: Span | None) -> Call:
    """The flat sum of `parts`, sums among them. What sums up n terms one by one takes n steps, not n^2."""
    node = object.__new__(Call)
    run = reduce(_followed_by, map(_run, parts))
    node.__dict__.update(atom="add", shape=shape, options=(), origin=origin, _joined=parts, _run=run, _hash=hash(run))
    return node


# The hash of a run of terms is a polynomial in them, so that it follows from those of two halves.
_MODULUS, _BASE = 2**61 - 1, 0x1F3D5B79_2468ACE
_Run: TypeAlias = tuple[int, int]  # the hash, and how many terms there are


def _followed_by(first: _Run, second: _Run) -> _Run:
    shift = _BASE if second[1] == 1 else pow(_BASE, second[1], _MODULUS)
    return (first[0] * shift + second[0]) % _MODULUS, first[1] + second[1]


def _run(part: Expr) -> _Run:
    return part.__dict__["_run"] if isinstance(part, Call) and part.atom == "add" else (hash(part), 1)


def terms_in(part: Expr) -> int:
    """How many terms there are in a sum, without putting them together; 1 for what is no sum."""
    return _run(part)[1]


def joined_in(total: Call) -> tuple[Expr, ...] | None:
    """What a sum is to be put together of, sums among them; None where its terms are written out already."""
    return total.__dict__.get("_joined")


def _terms(total: Expr) -> Iterator[Expr]:
    pending = [total]
    while pending:
        part = pending.pop()
        if (parts := part.__dict__.get("_joined")) is not None:
            pending.extend(reversed(parts))
        elif isinstance(part, Call) and part.atom == "add":
            yield from part.args
        else:
            yield part


@dataclass(frozen=True)
class Slice:
    """`lo:hi` along one axis, hi excluded."""

    lo: Size
    hi: Size


@dataclass(frozen=True, eq=False)
class Index(_Hashed):
    """`base[i, 0, :]`: an integer expression drops its axis, a slice keeps it. Missing trailing ones are whole."""

    base: Expr
    subscripts: tuple[Expr | Slice, ...]
    shape: Shape = field(compare=False)
    origin: Span | None = _origin()


@dataclass(frozen=True)
class Binder:
    """`for i in lo..hi-1`: an index and its half-open range."""

    index: IndexSymbol
    lo: Size
    hi: Size

    @property
    def length(self) -> Size:
        return self.hi - self.lo


@dataclass(frozen=True, eq=False)
class Reduce(_Hashed):
    """`sum(body for i in n if condition)`; op is `sum`, `max`, `min`, `prod`, `logsumexp`; bodies of any shape."""

    op: str
    body: Expr
    binders: tuple[Binder, ...]
    condition: Condition | None = None
    origin: Span | None = _origin()

    @property
    def shape(self) -> Shape:
        return self.body.shape


@dataclass(frozen=True, eq=False)
class Stack(_Hashed):
    """The family `body for i in n, ...` as one array: its axes are the binders', then the body's."""

    body: Expr
    binders: tuple[Binder, ...]
    origin: Span | None = _origin()

    @property
    def shape(self) -> Shape:
        return tuple(b.length for b in self.binders) + self.body.shape


@dataclass(frozen=True, eq=False)
class Extern(_Hashed):
    """A torch function given at compile time, applied."""

    name: str
    args: tuple[Expr, ...]
    shape: Shape = field(compare=False)
    origin: Span | None = _origin()


@dataclass(frozen=True, eq=False)
class Nested(_Hashed):
    """A field of another file's problem, solved for these arguments: `follower(q, c = c2).x`."""

    problem: str
    args: tuple[Expr, ...]
    consts: tuple[tuple[str, Expr], ...]
    field: str
    shape: Shape = dataclasses.field(compare=False)
    origin: Span | None = _origin()


@dataclass(frozen=True, eq=False)
class Dual(_Hashed):
    """The multiplier of a constraint, among the outputs: path ("box", "lower")."""

    path: tuple[str, ...]
    shape: Shape = field(compare=False)
    origin: Span | None = _origin()


@dataclass(frozen=True, eq=False)
class OptimalValue(_Hashed):
    """`value`, among the outputs."""

    shape: Shape = field(default=SCALAR, init=False, compare=False)
    origin: Span | None = _origin()

    def __reduce__(self):
        return OptimalValue, ()


Expr: TypeAlias = (
    Constant
    | SizeValue
    | IndexSymbol
    | Parameter
    | Variable
    | Call
    | Index
    | Reduce
    | Stack
    | Extern
    | Nested
    | Dual
    | OptimalValue
)
