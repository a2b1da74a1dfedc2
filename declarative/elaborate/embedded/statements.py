"""What stands beside the objective in Python: constraints, chains, cones, families of them, duals, methods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from inspect import isgenerator
from typing import Any

from declarative.elaborate.cones import CONES, arguments_fit
from declarative.elaborate.embedded.declared import NOTHING, Declared
from declarative.elaborate.embedded.functions import same
from declarative.elaborate.embedded.generators import Family, gather
from declarative.elaborate.embedded.handle import Handle, lift
from declarative.elaborate.embedded.operators import check_equal_shapes
from declarative.elaborate.embedded.place import Place, fail, here
from declarative.elaborate.embedded.relation import Asked, Chain, Member, Relation
from declarative.ir.expr import Dual, OptimalValue
from declarative.ir.problem import Comparison, Constraint, Membership, Method
from declarative.ir.problem import Relation as Sign
from declarative.ir.size import SCALAR, Shape, shape_text
from declarative.syntax.mistakes.comparing import NO_NEAREST
from declarative.syntax.relations import UNEQUAL, strict

value = Handle(OptimalValue())  # the optimal value, among the outputs


@dataclass(frozen=True)
class Stated:
    """The constraints that one argument of `problem` stands for, and what they were made of."""

    constraints: tuple[Constraint, ...]
    declared: frozenset[Declared] = NOTHING


def chain(lo: Any, body: Any, hi: Any) -> Chain:
    """`lo <= body <= hi`, which Python itself cannot say. Raises DiagnosticError where shapes do not fit."""
    place = here()
    low, middle, high = lift(lo, place), lift(body, place), lift(hi, place)
    for outer in (low, high):
        check_equal_shapes("<=", outer.expr, middle.expr, place)
    return Chain(low.expr, middle.expr, high.expr, low.declared | middle.declared | high.declared, place)


def member(cone: str, *elements: Any, args: Any = ()) -> Member:
    """`elements in cone(args)`: `member("SOC", t, x)`, `member("Ball", x, args=2)`, `member("Box", x, args=(l, u))`."""
    place = here()
    items = [lift(e, place) for e in elements]
    given = [lift(a, place) for a in (args if isinstance(args, tuple | list) else (args,))]
    _check_member(cone, [h.expr.shape for h in items], [h.expr.shape for h in given], place)
    declared = NOTHING.union(*(h.declared for h in (*items, *given)))
    return Member(tuple(h.expr for h in items), cone, tuple(h.expr for h in given), declared, place)


def _check_member(cone: str, elements: list[Shape], args: list[Shape], place: Place) -> None:
    if cone not in CONES:
        raise fail("E227", f"there is no set `{cone}`", place, hints=[f"the sets are {', '.join(CONES)}"])
    known = CONES[cone]
    fits = known.elements(tuple(elements)) and len(args) == known.arguments
    if not fits or not arguments_fit(cone, elements[0], tuple(args)):
        found = ", ".join(map(shape_text, (*elements, *args)))
        raise fail("E227", f"this does not fit `{cone}`: {found}", place, hints=[f"in a text: `{known.form}`"])


def psd(X: Any) -> Member:
    """`X in PSD`: X is positive semidefinite."""
    return member("PSD", X)


def forall(constraints: Any) -> Any:
    """A constraint repeated over indices: `forall(x[i] <= y[i] for i in n if E[i])`."""
    if not isgenerator(constraints):
        raise fail("E404", "`forall` takes a generator", hints=["dc.forall(x[i] <= y[i] for i in n)"])
    return gather(constraints, here(), same)


def dual(of: Any, part: str | None = None) -> Handle:
    """The multiplier of a constraint, among the outputs.

    of: the constraint's name, the object that was handed to `problem`, or a variable (for its attributes).
    part: `"lower"` or `"upper"` of a chain, `"psd"` and the like of an attribute.
    """
    match of:
        case str():
            path, declared = tuple(of.removesuffix(".dual").split(".")), NOTHING
        case Handle(expr, declared) if hasattr(expr, "name"):
            path = (str(getattr(expr, "name", "")),)
        case _:
            path, declared = (identity(of),), frozenset()
    return Handle(Dual((*path, *([part] if part else [])), SCALAR, origin=here().span), declared)


def identity(constraint: object) -> str:
    """Stands for the name of a constraint, which only `problem` gives."""
    return f"constraint {id(constraint)}"


def method(name: str, *args: float | str, **options: float | str) -> Method:
    """A solver or a backward mode with its settings: `method("newton", tol=1e-10)`."""
    place = here()
    values = (_setting(name, v, place) for v in args), ((k, _setting(k, v, place)) for k, v in options.items())
    return Method(name, tuple(values[0]), tuple(values[1]), origin=place.span)


def _setting(name: str, given: object, place: Place) -> float | str:
    if isinstance(given, str):
        return given
    if isinstance(given, int | float):
        return float(given)
    raise fail("E226", f"a setting is a number or a name; `{name}` is neither", place)


def stated(name: str | None, given: Any, place: Place) -> Stated:
    """One argument of `problem`. Raises DiagnosticError for what is no constraint."""
    match given:
        case Relation() | Chain() | Member():
            return _single(name, given)
        case Family():
            return _repeated(name, given, place)
        case list() | tuple():
            return _several(name, list(given), place)
        case _ if isgenerator(given):
            found = gather(given, place, same)
            return _repeated(name, found, place) if isinstance(found, Family) else _several(name, found, place)
        case _:
            raise _no_constraint(name, given, place)


def _single(name: str | None, given: Relation | Chain | Member) -> Stated:
    origin = given.place.span
    match given:
        case Relation(left=left, right=right):
            made = (Comparison(name, _sign(given), left, right, origin=origin),)
        case Chain(lo, body, hi):
            made = (
                Comparison(name, Sign.GE, body, lo, part="lower", origin=origin),
                Comparison(name, Sign.LE, body, hi, part="upper", origin=origin),
            )
        case Member(elements, cone, args):
            made = (Membership(name, elements, cone, args, origin=origin),)
    return Stated(made, given.declared)


def _sign(given: Relation) -> Sign:
    if given.op in ("<", ">"):
        raise fail("E108", strict(given.op), given.place, hints=[f"write `{given.op}=` here"])
    if given.op == "!=":
        raise fail("E108", UNEQUAL, given.place, hints=[NO_NEAREST])
    return Sign(given.op)


def _repeated(name: str | None, family: Family, place: Place) -> Stated:
    inner = stated(name, family.body, place)
    if any(c.binders for c in inner.constraints):
        raise fail("E404", "a family of families: let one generator run over all indices", place)
    bound = (replace(c, binders=family.binders, condition=family.condition) for c in inner.constraints)
    return Stated(tuple(bound), inner.declared | family.declared)


def _several(name: str | None, items: list[Any], place: Place) -> Stated:
    """Python's own list: each is a constraint by itself, so a name is for a list of one."""
    if name is not None and len(items) != 1:
        hints = ["hand them over by position, or name each", "over a dim, a generator is one constraint"]
        raise fail("E404", f"`{name}` names {len(items)} constraints", place, hints=hints)
    parts = [stated(name, item, place) for item in items]
    return Stated(tuple(c for p in parts for c in p.constraints), NOTHING.union(*(p.declared for p in parts)))


SETTINGS = ("backend", "dims", "consts", "learn", "extern", "on_failure", "check", "dtype", "options")


def _no_constraint(name: str | None, given: object, place: Place) -> Exception:
    match given:
        case bool():
            hints = ["one side must hold a param, a var or another symbol"]
            return fail("E405", f"this is {given}: Python compared two plain values", place, hints=hints)
        case Handle():
            hints = [f"compare it: `{given!r} == 0`, `{given!r} <= 1`"]
            return fail("E405", f"`{given!r}` is an expression, not a constraint", place, hints=hints)
        case Asked():
            hints = ["constraints are handed over one by one: dc.problem(objective, a <= b, c >= d)"]
            text = "a condition is no constraint; it stands after `if` in a generator"
            return fail("E405", text, place, hints=hints)
        case _ if name in SETTINGS:
            hints = [f"it is given when compiling: dc.compile(problem, {name}=...)"]
            return fail("E405", f"`{name}` is no part of a problem", place, hints=hints)
        case _:
            return fail("E405", f"`{given!r}` is no constraint", place, hints=["write `a <= b`, `a == b` or dc.psd(X)"])
