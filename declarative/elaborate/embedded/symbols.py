"""Declarations in Python: `dim`, `param`, `const`, `learn`, `var` and `index_data`, each giving a handle."""

from __future__ import annotations

import re
from typing import Any

from declarative.atoms.apply import apply
from declarative.elaborate.attributes import USUAL
from declarative.elaborate.declarations import moving_data
from declarative.elaborate.embedded.declared import Declared
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.loops import Range
from declarative.elaborate.embedded.names import checked_name
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.familiar import WHOLE, YES_OR_NO
from declarative.elaborate.report import did_you_mean
from declarative.ir.expr import Attribute, Expr, Parameter, Role, SizeValue, Variable
from declarative.ir.problem import DimDeclaration, ParameterDeclaration, VariableDeclaration
from declarative.ir.size import Shape, Size
from declarative.syntax.mistakes.braces import CONTINUOUS

PLAIN = ("nonneg", "pos", "psd", "pd", "simplex", "orthonormal", "unit", "binary")
WITH_VALUES = ("between", "start")
KEYWORDS = (*PLAIN, *WITH_VALUES, "symmetric", "family", "default", "doc")


def dim(name: str, default: int | None = None) -> Handle:
    """A symbolic size, `dim n` or `dim T = 20`. It may be iterated (`for i in n`) and stands for its number."""
    place = here()
    if default is not None and not isinstance(default, int):
        raise fail("E222", "the size of a dim is a whole number", place)
    if default is not None and default < 1:
        raise fail("E222", f"a size is at least 1, {default} is not", place)
    declaration = DimDeclaration(
        checked_name(name, place), None if default is None else Size.of(default), origin=place.span
    )
    size = Size.of(name)
    return Handle(SizeValue(size), frozenset((Declared(declaration, place),)), size=size)


def param(name: str, *shape: Any, default: Any = None, doc: str | None = None, **attributes: Any) -> Handle:
    """An argument of the layer's forward pass, `param F : R^(k,n)`.

    shape: dims, whole numbers or sizes such as `n + 1`, one for each axis; none for a scalar. Names among them are
    attributes (`"pos"`), and `"S"` with one size is S^n. Attributes may also be keywords: `pos=True`,
    `between=(0, 1)`, `symmetric=True`. `family=` gives leading axes. Raises DiagnosticError.
    """
    return _data(Role.PARAM, name, shape, default, doc, attributes)


def const(name: str, *shape: Any, default: Any = None, doc: str | None = None, **attributes: Any) -> Handle:
    """Fixed data, given at compile time; see `param`."""
    return _data(Role.CONST, name, shape, default, doc, attributes)


def learn(name: str, *shape: Any, default: Any = None, doc: str | None = None, **attributes: Any) -> Handle:
    """A trained parameter of the layer; see `param`."""
    return _data(Role.LEARN, name, shape, default, doc, attributes)


def var(name: str, *shape: Any, doc: str | None = None, **attributes: Any) -> Handle:
    """What the problem solves for, `var x : R^n, nonneg`; `start=` gives an initial point; else see `param`."""
    place = here()
    spec = _Spec(name, shape, attributes, place, "var")
    symbol = Variable(spec.name, spec.shape, spec.attributes, spec.symmetric, spec.family, origin=place.span)
    return _handle(symbol, VariableDeclaration(symbol, doc, origin=place.span), spec)


def index_data(name: str, indexes: Any, *family: Any, doc: str | None = None) -> Handle:
    """Integer data that may stand in subscripts: `index_data("tail", v, e)` is `const tail[e] : index(v)`."""
    place = here()
    range_ = lift(indexes, place)
    if range_.size is None:
        raise fail("E206", "index data needs the size that it indexes", place.argument(1))
    spec = _Spec(name, (), {"family": family}, place)
    symbol = Parameter(
        spec.name, spec.shape, Role.CONST, family=spec.family, index_range=range_.size, origin=place.span
    )
    spec.needs |= range_.declared
    return _handle(symbol, ParameterDeclaration(symbol, None, doc, origin=place.span), spec)


def _data(role: Role, name: str, shape: tuple, default: Any, doc: str | None, attributes: dict[str, Any]) -> Handle:
    place = here()
    spec = _Spec(name, shape, attributes, place)
    value = spec.value(default) if default is not None else None
    symbol = Parameter(spec.name, spec.shape, role, spec.attributes, spec.symmetric, spec.family, origin=place.span)
    if value is not None and (moving := moving_data(symbol, value)):
        text = f"the default of the const `{name}` reads `{moving.name}`, which changes from call to call"
        raise fail("E228", text, place, hints=[f'declare it `dc.param("{name}", ...)`'])
    return _handle(symbol, ParameterDeclaration(symbol, value, doc, origin=place.span), spec)


def is_array(value: Any) -> bool:
    """An array of numpy or torch: the numbers themselves, which a starting point may be."""
    return hasattr(value, "tolist") and not isinstance(value, Handle)


def _handle(symbol: Parameter | Variable, declaration: Any, spec: _Spec) -> Handle:
    return Handle(symbol, frozenset((Declared(declaration, spec.place, frozenset(spec.needs)),)))


class _Spec:
    """What stands behind a name: sizes, attributes and keywords, read into a shape and attributes."""

    def __init__(self, name: str, given: tuple, keywords: dict[str, Any], place: Place, kind: str = "param"):
        self.place, self.needs, self.kind = place, set(), kind
        self.name = checked_name(name, place)
        flat = [part for item in given for part in (item if isinstance(item, tuple | list) else (item,))]
        words = [part for part in flat if isinstance(part, str)]
        keywords = dict(keywords)
        family = keywords.pop("family", ())
        self.symmetric = bool(keywords.pop("symmetric", False)) or "S" in words
        axes = self._axes(family if isinstance(family, tuple | list) else (family,))
        own = self._axes([part for part in flat if not isinstance(part, str)])
        self.family, self.shape = len(axes), axes + self._squared(own)
        self.attributes = self._attributes([w for w in words if w not in ("S", "R")], keywords)

    def _axes(self, sizes: Any) -> Shape:
        found = []
        for given in sizes:
            if isinstance(given, Range) and given.lo != Size.of(0):
                raise fail("E206", "a family starts at 0", self.place, hints=["family=dc.range(0, T + 1)"])
            handle = lift(given, self.place) if not isinstance(given, Range) else given
            size = handle.hi if isinstance(handle, Range) else handle.size
            if size is None:
                raise fail("E222", "a size is made of whole numbers and dims", self.place)
            if (-size).is_nonnegative():
                raise fail("E222", f"a size is at least 1, {size} is not", self.place)
            self.needs |= handle.declared
            found.append(size)
        return tuple(found)

    def _squared(self, shape: Shape) -> Shape:
        if self.symmetric and len(shape) == 1:
            return (*shape, *shape)
        if self.symmetric and (len(shape) != 2 or shape[0] != shape[1]):
            hints = ['dc.param("Q", n, symmetric=True)']
            raise fail("E206", "a symmetric matrix has one size", self.place, hints=hints)
        return shape

    def _attributes(self, words: list[str], keywords: dict[str, Any]) -> tuple[Attribute, ...]:
        found = [Attribute(self._known(word, PLAIN), origin=self.place.span) for word in words]
        for name, value in keywords.items():
            self._known(name, KEYWORDS)
            if value is False or value is None:
                continue
            if name == "start":
                exprs = (self._start(value.tolist() if is_array(value) else value),)
            else:
                args = () if value is True else value if isinstance(value, tuple | list) else (value,)
                exprs = tuple(map(self.value, args))
            found.append(Attribute(name, exprs, origin=self.place.span))
        return tuple(found)

    def _start(self, value: Any) -> Expr:
        """Numbers in a list are the entries of a vector, lists of one length in a list the rows of a matrix."""
        if not isinstance(value, tuple | list) or not value:
            return self.value(value)
        lengths = tuple(len(row) if isinstance(row, tuple | list) else 0 for row in value)
        if not any(lengths):
            entries = [self.value(entry) for entry in value]
            return apply("concat", *entries) if len(entries) > 1 else entries[0]
        if len(set(lengths)) > 1:
            raise fail("E203", "the rows of a starting point have one length", self.place)
        return apply("block", *(self.value(entry) for row in value for entry in row), rows=lengths)

    def _known(self, name: str, names: tuple[str, ...]) -> str:
        if name not in names:
            raise fail("E207", f"there is no attribute `{name}`", self.place, hints=self._hints(name, names))
        return name

    def _hints(self, name: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """What was meant: a whole number, an attribute by another name, a dim by its name."""
        usual = USUAL.get(name, name)
        if name in ("shape", "size", "dims"):
            return ('sizes stand behind the name, one by one: dc.var("x", m, n)',)
        if name in ("value", "values", "data", "init", "initial"):
            start = "a starting point is `start=`" if self.kind == "var" else "the layer is called with it"
            return (f"a declaration holds no numbers: {start}",)
        if inside := re.fullmatch(r"between *\((.*)\)", name):
            return (f"write `between=({inside[1]})`",)
        if self.kind == "var" and name in YES_OR_NO:
            return (f"{CONTINUOUS}; a relaxed choice is `between=(0, 1)`",)
        if self.kind == "var" and name in WHOLE:
            return (f"{CONTINUOUS}; leave it out, and round the solution",)
        if usual == "between":
            return ("the bounds are `between=(lo, hi)`, where an end may be `float('inf')`",)
        if usual.startswith("between("):
            return ('the bound is `between=(-float("inf"), 0)`',)
        if usual in names:
            return (f"did you mean `{usual}`?",)
        known = f"the attributes are {', '.join(PLAIN + WITH_VALUES)}"
        if names is PLAIN and not did_you_mean(name, names):
            return (f'a size is a handle, without quotes: {name} = dc.dim("{name}")', known)
        return did_you_mean(name, names) or (known,)

    def value(self, value: Any) -> Expr:
        handle = lift(value, self.place)
        self.needs |= handle.declared
        return handle.expr
