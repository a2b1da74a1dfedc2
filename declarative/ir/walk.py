"""The only traversals of expressions; all are iterative, so depth costs memory and no stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar, assert_never, cast

from declarative.ir.condition import Condition, Connective, Negation, Test, Truth
from declarative.ir.expr import (
    Call,
    Constant,
    Dual,
    Expr,
    Extern,
    Index,
    IndexSymbol,
    Nested,
    OptimalValue,
    Parameter,
    Reduce,
    SizeValue,
    Slice,
    Stack,
    Variable,
)

T = TypeVar("T")


def condition_expressions(condition: Condition | None) -> tuple[Expr, ...]:
    """The expressions that a condition reads, from left to right."""
    match condition:
        case None:
            return ()
        case Test(_, left, right):
            return (left, right)
        case Truth(body):
            return (body,)
        case Negation(body):
            return condition_expressions(body)
        case Connective(_, items):
            return tuple(e for item in items for e in condition_expressions(item))
        case _:
            assert_never(condition)


def map_condition(condition: Condition | None, change: Callable[[Expr], Expr]) -> Condition | None:
    """The same condition over changed expressions."""
    match condition:
        case None:
            return None
        case Test(op, left, right):
            return Test(op, change(left), change(right))
        case Truth(body):
            return Truth(change(body))
        case Negation(body):
            inner = map_condition(body, change)
            assert inner is not None
            return Negation(inner)
        case Connective(op, items):
            return Connective(op, tuple(c for item in items if (c := map_condition(item, change)) is not None))
        case _:
            assert_never(condition)


def children(e: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions: arguments, subscripts, bodies, and what conditions read."""
    match e:
        case Call():
            return e.args
        case Constant() | Variable() | Parameter() | IndexSymbol() | SizeValue() | Dual() | OptimalValue():
            return ()
        case Index():
            return (e.base, *[s for s in e.subscripts if not isinstance(s, Slice)])
        case Reduce(body=body, condition=condition):
            return (body, *condition_expressions(condition))
        case Stack():
            return (e.body,)
        case Extern():
            return e.args
        case Nested(args=args, consts=consts):
            return (*args, *(value for _, value in consts))
        case _:
            assert_never(e)


def with_children(e: Expr, new: tuple[Expr, ...]) -> Expr:
    """The same node over new subexpressions of the same shapes, in the order of `children`."""
    if all(a is b for a, b in zip(children(e), new, strict=True)):
        return e
    match e:
        case Call() | Extern():
            return replace(e, args=new)
        case Index(_, subscripts):
            rest = iter(new[1:])
            return replace(
                e, base=new[0], subscripts=tuple(s if isinstance(s, Slice) else next(rest) for s in subscripts)
            )
        case Reduce(condition=condition):
            rest = iter(new[1:])
            return replace(e, body=new[0], condition=map_condition(condition, lambda _: next(rest)))
        case Stack():
            return replace(e, body=new[0])
        case Nested(args=args, consts=consts):
            values = new[len(args) :]
            return replace(
                e, args=new[: len(args)], consts=tuple((k, v) for (k, _), v in zip(consts, values, strict=True))
            )
        case Constant() | SizeValue() | IndexSymbol() | Parameter() | Variable() | Dual() | OptimalValue():
            return e
        case _:
            assert_never(e)


def postorder(root: Expr, enter: Callable[[Expr], bool] | None = None) -> Iterator[Expr]:
    """Every node once (by identity), children before parents; only those below nodes that are to be entered."""
    seen: set[int] = set()
    stack: list[Expr | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all below the node that follows has been given
            yield cast(Expr, stack.pop())
        elif id(node) not in seen:
            seen.add(id(node))
            inner = children(node) if enter is None or enter(node) else ()
            if inner:
                stack += (node, None)
                stack += inner[::-1]
            else:
                yield node


def fold(
    root: Expr, step: Callable[[Expr, tuple[T, ...]], T], known: Callable[[Expr], T | None] = lambda node: None
) -> T:
    """From the leaves up: `step(node, results of its children)`. Shared nodes are visited once.

    `known` may give the result of a node without a look inside.
    """
    results: dict[int, T] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in results:
            continue
        if (found := known(node)) is not None:
            results[id(node)] = found
            continue
        inner = children(node)
        pending = [child for child in reversed(inner) if id(child) not in results]
        if pending:
            stack.append(node)
            stack.extend(pending)
        else:
            results[id(node)] = step(node, tuple([results[id(child)] for child in inner]))
    return results[id(root)]


def transform(root: Expr, step: Callable[[Expr], Expr]) -> Expr:
    """Rebuild from the leaves up; `step` sees each node with its children already rebuilt."""
    return fold(root, lambda node, new: step(with_children(node, new)))


def substitute(root: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """Put expressions in the place of symbols (indices, parameters, variables)."""
    return transform(root, lambda node: values.get(node, node))


def symbols(root: Expr) -> tuple[Parameter | Variable, ...]:
    """Parameters and variables in order of first appearance."""
    found: dict[Parameter | Variable, None] = {}
    for node in postorder(root):
        if isinstance(node, Parameter | Variable):
            found.setdefault(node)
    return tuple(found)


def variables(root: Expr) -> tuple[Variable, ...]:
    return tuple(s for s in symbols(root) if isinstance(s, Variable))


def varies(root: Expr) -> bool:
    """Does it hold a variable? Noted on the nodes, since rewrites ask at every one of them."""
    known = root.__dict__.get(_VARIES)
    return fold(root, _varying, _noted) if known is None else known


_VARIES = "_varies"


def _noted(node: Expr) -> bool | None:
    return node.__dict__.get(_VARIES)


def _varying(node: Expr, inner: tuple[bool, ...]) -> bool:
    node.__dict__[_VARIES] = isinstance(node, Variable) or any(inner)
    return node.__dict__[_VARIES]


def free_indices(root: Expr) -> frozenset[IndexSymbol]:
    """Indices that are bound outside this expression. Noted on the nodes too."""
    known = root.__dict__.get(_FREE)
    return fold(root, _freely, lambda node: node.__dict__.get(_FREE)) if known is None else known


_FREE = "_free"


def _freely(node: Expr, inner: tuple[frozenset[IndexSymbol], ...]) -> frozenset[IndexSymbol]:
    found = frozenset().union(*inner)
    if isinstance(node, IndexSymbol):
        found = frozenset((node,))
    elif isinstance(node, Reduce | Stack):
        found -= {b.index for b in node.binders}
    node.__dict__[_FREE] = found or _NO_INDEX
    return node.__dict__[_FREE]


_NO_INDEX: frozenset[IndexSymbol] = frozenset()
