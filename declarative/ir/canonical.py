"""Number bound indices by their depth, so that problems that differ only in index names are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from declarative.ir.expr import Binder, Expr, IndexSymbol, Reduce, Stack
from declarative.ir.problem import Comparison, Constraint, Membership, Output, ParameterDeclaration, Problem
from declarative.ir.walk import children, map_condition, postorder, with_children

_Names: TypeAlias = Mapping[int, IndexSymbol]  # what the index of a number is now
_Key: TypeAlias = tuple[int, int, tuple[int, ...]]
_Visit: TypeAlias = tuple[_Key, Expr, int, _Names, list[tuple[Expr, _Key | None]] | None]  # with the children's keys


def canonical(root: Expr, depth: int = 0, names: _Names | None = None) -> Expr:
    """The same expression with its inner binders numbered from `depth`; `names` renames those bound outside."""
    if _is_canonical(root, depth, names or {}):
        return root
    nodes = list(postorder(root))
    if not any(isinstance(node, IndexSymbol | Reduce | Stack) for node in nodes):
        return root
    return _Renumbering(root, nodes).run(depth, names or {})


def _is_canonical(root: Expr, depth: int, names: _Names) -> bool:
    """Have all indices their numbers already? What the front end makes of most texts has."""
    if any(number != index.number for number, index in names.items()):
        return False
    pending, seen = [(root, depth)], set()
    while pending:
        node, depth = pending.pop()
        if (id(node), depth) in seen:
            continue
        seen.add((id(node), depth))
        if isinstance(node, Reduce | Stack):
            if any(binder.index.number != depth + k for k, binder in enumerate(node.binders)):
                return False
            depth += len(node.binders)
        pending += [(child, depth) for child in children(node)]
    return True


def canonical_constraint(c: Constraint) -> Constraint:
    """A constraint whose own binders are 0, 1, ...; those inside its expressions continue from there."""
    names = _numbered(c.binders, 0)
    binders = tuple([replace(b, index=names[b.index.number]) for b in c.binders])

    def inner(e: Expr) -> Expr:
        return canonical(e, len(binders), names)

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
    """One walk over (node, depth, names of its free indices); a node shared by several places may get several forms.

    `free` has an entry for each node that holds an index: the numbers that are bound outside it.
    """

    def __init__(self, root: Expr, nodes: list[Expr]):
        self.root = root
        self.free: dict[int, frozenset[int]] = {}
        self.binds: set[int] = set()
        for node in nodes:
            self._survey(node)

    def _survey(self, node: Expr) -> None:
        if isinstance(node, IndexSymbol):
            self.free[id(node)] = frozenset((node.number,))
            return
        below = [id(c) for c in children(node) if id(c) in self.free]
        binders = node.binders if isinstance(node, Reduce | Stack) else ()
        if below or binders:
            self.free[id(node)] = frozenset().union(*[self.free[c] for c in below]) - {b.index.number for b in binders}
        if binders or not self.binds.isdisjoint(below):
            self.binds.add(id(node))

    def key(self, node: Expr, depth: int, names: _Names) -> _Key:
        numbers = tuple([names[i].number for i in sorted(self.free[id(node)]) if i in names])
        return id(node), depth if id(node) in self.binds else -1, numbers

    def run(self, depth: int, names: _Names) -> Expr:
        done: dict[_Key, Expr] = {}
        whole = self.key(self.root, depth, names)
        pending: list[_Visit] = [(whole, self.root, depth, names, None)]
        while pending:
            key, node, depth, names, below = pending.pop()
            if below is not None:
                done[key] = self._rebuilt(node, tuple([c if k is None else done[k] for c, k in below]), names)
            elif key not in done:
                if isinstance(node, Reduce | Stack):
                    names = {**names, **_numbered(node.binders, depth)}
                    depth += len(node.binders)
                below = [(c, self.key(c, depth, names) if id(c) in self.free else None) for c in children(node)]
                pending.append((key, node, depth, names, below))
                pending.extend([(k, c, depth, names, None) for c, k in below if k is not None])
        return done[whole]

    def _rebuilt(self, node: Expr, new: tuple[Expr, ...], names: _Names) -> Expr:
        if isinstance(node, IndexSymbol):
            return names.get(node.number, node)
        rebuilt = with_children(node, new)
        if isinstance(rebuilt, Reduce | Stack):
            binders = tuple(replace(b, index=names[b.index.number]) for b in rebuilt.binders)
            return replace(rebuilt, binders=binders)
        return rebuilt


def _numbered(binders: tuple[Binder, ...], depth: int) -> _Names:
    return {b.index.number: replace(b.index, number=depth + k) for k, b in enumerate(binders)}
