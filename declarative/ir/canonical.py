"""Number bound indices by their depth, so that problems that differ only in index names are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from declarative.ir.expr import Binder, Expr, IndexSymbol, Reduce, Stack
from declarative.ir.problem import Comparison, Constraint, Membership, Output, ParameterDeclaration, Problem
from declarative.ir.walk import children, map_condition, postorder, with_children

Numbers: TypeAlias = Mapping[IndexSymbol, IndexSymbol]
_Key: TypeAlias = tuple[int, int, tuple[int, ...]]


def canonical(root: Expr, depth: int = 0, numbers: Numbers | None = None) -> Expr:
    """The same expression with its inner binders numbered from `depth`; `numbers` renames those bound outside."""
    nodes = list(postorder(root))
    if not any(isinstance(node, IndexSymbol | Reduce | Stack) for node in nodes):
        return root
    return _Renumbering(root, nodes).run(depth, dict(numbers or {}))


def canonical_binders(binders: tuple[Binder, ...], depth: int = 0) -> tuple[tuple[Binder, ...], Numbers]:
    """Binders numbered from `depth`, and what each old index is now."""
    numbers = {b.index: replace(b.index, number=depth + k) for k, b in enumerate(binders)}
    return tuple(replace(b, index=numbers[b.index]) for b in binders), numbers


def canonical_constraint(c: Constraint) -> Constraint:
    """A constraint whose own binders are 0, 1, ...; those inside its expressions continue from there."""
    binders, numbers = canonical_binders(c.binders)

    def inner(e: Expr) -> Expr:
        return canonical(e, len(binders), numbers)

    condition = map_condition(c.condition, inner)
    match c:
        case Comparison(left=left, right=right):
            return replace(c, left=inner(left), right=inner(right), binders=binders, condition=condition)
        case Membership(elements=elements, args=args):
            parts = tuple(map(inner, elements)), tuple(map(inner, args))
            return replace(c, elements=parts[0], args=parts[1], binders=binders, condition=condition)


def canonical_problem(p: Problem) -> Problem:
    """Every statement of a problem with its indices numbered anew. Attributes are canonical when symbols are made."""
    body = p.objective.body
    return replace(
        p,
        parameters=tuple(map(_parameter, p.parameters)),
        objective=p.objective if body is None else replace(p.objective, body=canonical(body)),
        constraints=tuple(map(canonical_constraint, p.constraints)),
        promises=tuple(map(canonical_constraint, p.promises)),
        outputs=tuple(Output(o.name, canonical(o.body), origin=o.origin) for o in p.outputs),
    )


def _parameter(p: ParameterDeclaration) -> ParameterDeclaration:
    return p if p.default is None else replace(p, default=canonical(p.default))


class _Renumbering:
    """One walk over (node, depth, names of its free indices); a node shared by several places may get several forms."""

    def __init__(self, root: Expr, nodes: list[Expr]):
        self.root = root
        self.free: dict[int, frozenset[IndexSymbol]] = {}
        self.binds: dict[int, bool] = {}
        for node in nodes:
            self._survey(node)

    def _survey(self, node: Expr) -> None:
        below = children(node)
        free = frozenset[IndexSymbol]().union(*(self.free[id(c)] for c in below))
        binds = any(self.binds[id(c)] for c in below)
        match node:
            case IndexSymbol():
                free = frozenset((node,))
            case Reduce(binders=binders) | Stack(binders=binders):
                free, binds = free - {b.index for b in binders}, True
            case _:
                pass
        self.free[id(node)], self.binds[id(node)] = free, binds

    def key(self, node: Expr, depth: int, numbers: Numbers) -> _Key:
        free = sorted(self.free[id(node)], key=_number)
        return id(node), depth if self.binds[id(node)] else -1, tuple(numbers[i].number for i in free if i in numbers)

    def run(self, depth: int, numbers: Numbers) -> Expr:
        done: dict[_Key, Expr] = {}
        stack = [(self.root, depth, numbers)]
        while stack:
            node, around, names = stack[-1]
            below, inside = self._inside(node, around, names)
            missing = [(c, *inside) for c in below if self.key(c, *inside) not in done]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            new = tuple(done[self.key(c, *inside)] for c in below)
            done[self.key(node, around, names)] = self._rebuild(node, new, inside[1])
        return done[self.key(self.root, depth, numbers)]

    def _inside(self, node: Expr, depth: int, numbers: Numbers) -> tuple[tuple[Expr, ...], tuple[int, Numbers]]:
        """The children still to visit, and the depth and numbers that hold for them."""
        if not self.free[id(node)] and not self.binds[id(node)]:
            return (), (depth, numbers)
        match node:
            case Reduce(binders=binders) | Stack(binders=binders):
                new = canonical_binders(binders, depth)[1]
                return children(node), (depth + len(binders), {**numbers, **new})
            case _:
                return children(node), (depth, numbers)

    def _rebuild(self, node: Expr, new: tuple[Expr, ...], numbers: Numbers) -> Expr:
        match node:
            case IndexSymbol():
                return numbers.get(node, node)
            case Reduce(binders=binders) | Stack(binders=binders):
                renamed = tuple(replace(b, index=numbers[b.index]) for b in binders)
                return replace(with_children(node, new), binders=renamed)  # pyright: ignore[reportCallIssue]
            case _:
                return with_children(node, new) if new else node


def _number(index: IndexSymbol) -> int:
    return index.number
