"""The library's functions in Python: of handles and numbers, and `sum(x[i] for i in n)` as one node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from inspect import isgenerator
from typing import Any

from declarative.atoms import registry
from declarative.atoms.defined import DEFINITIONS
from declarative.elaborate.arrays import stacked
from declarative.elaborate.calls import REDUCTIONS
from declarative.elaborate.embedded.declared import Declared
from declarative.elaborate.embedded.generators import Family, gather
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.operators import function
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.embedded.relation import Chain, Member, Relation
from declarative.ir.canonical import canonical
from declarative.ir.expr import Expr, Reduce

PAIRWISE = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum"}


def library(name: str) -> Callable[..., Handle] | None:
    """A function of the library by its name, with its documentation; None where there is none."""
    atom, made = registry.find(name) or DEFINITIONS.get(name), _made(name)
    if atom is not None and made is not None:
        made.__name__, made.__doc__ = name, f"{atom.doc}\n\nIn a text: `{atom.signature}`."
    return made


def _made(name: str) -> Callable[..., Handle] | None:
    atom = registry.find(name)
    if name in REDUCTIONS:
        return lambda *args, **options: _reduction(name, args, options)
    if name == "stack":
        return lambda *args, **options: _stacked(args, options)
    if name == "block":
        return lambda rows: block(rows)
    if name not in DEFINITIONS and (atom is None or not atom.python):
        return None
    return lambda *args, **options: _applied(name, args, options)


def library_names() -> tuple[str, ...]:
    return tuple(name for name in (*registry.names(), *DEFINITIONS, *REDUCTIONS) if library(name) is not None)


def _applied(name: str, args: Iterable[Any], options: dict[str, Any]) -> Handle:
    place = here()
    handles = [lift(arg, place.argument(k)) for k, arg in enumerate(_flat(name, args))]
    given = {key: lift(int(o) if isinstance(o, bool) else o, place).expr for key, o in options.items()}
    expr = function(name, tuple(h.expr for h in handles), given, place)
    return Handle(expr, _declared(handles).union(*(v.declared for v in options.values() if isinstance(v, Handle))))


def _flat(name: str, args: Iterable[Any]) -> list[Any]:
    """`reshape(x, (m, n))` is `reshape(x, m, n)`, and `concat([a, b])` is `concat(a, b)`."""
    return [item for arg in args for item in (arg if isinstance(arg, tuple | list) else (arg,))]


def block(rows: Iterable[Iterable[Any]]) -> Handle:
    """A matrix of blocks, `block([[A, B], [C, D]])`; a vector counts as a column."""
    place = here()
    lifted = [[lift(item, place) for item in row] for row in rows]
    handles = [item for row in lifted for item in row]
    expr = function("block", tuple(h.expr for h in handles), {"rows": tuple(map(len, lifted))}, place)
    return Handle(expr, _declared(handles))


def _reduction(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Handle:
    place = here()
    if len(args) != 1 or not (isgenerator(args[0]) or isinstance(args[0], tuple | list)):
        return _applied(name, args, options)
    found = gather(args[0], place, same) if isgenerator(args[0]) else list(args[0])
    if isinstance(found, Family):
        return _over(found, place, lambda body: Reduce(name, body, found.binders, found.condition, origin=place.span))
    return _together(name, found, place)


def _over(family: Family, place: Place, node: Callable[[Expr], Expr]) -> Handle:
    body = lift(family.body, place)
    return Handle(node(body.expr), body.declared | family.declared)


def _together(name: str, items: list[Any], place: Place) -> Handle:
    """Python's own list of terms."""
    handles = [lift(item, place) for item in items]
    if not handles:
        raise fail("E205", f"`{name}` of nothing", place)
    expr = reduce(lambda x, y: function(PAIRWISE[name], (x, y), {}, place), (h.expr for h in handles))
    return Handle(expr, _declared(handles))


def _stacked(args: tuple[Any, ...], options: dict[str, Any]) -> Handle:
    """`stack(A @ x[i] for i in n)`: a family as one array."""
    if options or len(args) != 1 or not isgenerator(args[0]):
        return _applied("stack", args, options)
    place = here()
    found = gather(args[0], place, same)
    if not isinstance(found, Family):
        return _applied("stack", found, options)
    if found.condition is not None:
        raise fail("E404", "a stack has no condition: every entry is there", place)
    return _over(found, place, lambda body: stacked(body, found.binders, place.span))


def same(left: Any, right: Any) -> bool:
    """Two bodies that one generator yields, up to the numbers of their inner indices."""
    if type(left) is not type(right):
        return False
    pairs = list(zip(_parts(left), _parts(right), strict=False))
    return len(_parts(left)) == len(_parts(right)) and all(
        canonical(a) == canonical(b) if isinstance(a, Expr) and isinstance(b, Expr) else a == b for a, b in pairs
    )


def _parts(body: Any) -> tuple[Any, ...]:
    match body:
        case Handle(expr):
            return (expr,)
        case Relation(op, left, right):
            return (op, left, right)
        case Chain(lo, middle, hi):
            return (lo, middle, hi)
        case Member(elements, cone, args):
            return (cone, *elements, *args)
        case _:
            return (body,)


def _declared(handles: Iterable[Handle]) -> frozenset[Declared]:
    return frozenset().union(*(handle.declared for handle in handles))
