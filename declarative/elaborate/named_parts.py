"""Which parts of a problem get a `let` when it is written as text: families used whole, and what would be too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from declarative.ir.expr import Dual, Expr, IndexSymbol, OptimalValue, Reduce, Stack
from declarative.ir.walk import children, postorder

LARGE = 24  # nodes; what is larger and used twice is named, since text cannot share it otherwise
DEEP = 40  # levels; what is deeper is named, so that no text is nested beyond what is read back


def named_parts(roots: Iterable[Expr], taken: Iterable[str]) -> dict[Expr, str]:
    """Expressions to their names, each after those that it uses. `taken`: names that stand for something else."""
    nodes = _in_order(roots)
    survey = _Survey(nodes)
    parts = dict.fromkeys(node for node in nodes if survey.is_named(node))
    return dict(zip(parts, _names(parts, set(taken)), strict=True))


def _names(parts: Iterable[Expr], taken: set[str]) -> Iterable[str]:
    families, others = _series("r", taken), _series("e", taken)
    return [next(families if isinstance(part, Stack) else others) for part in parts]


def _series(letter: str, taken: set[str]) -> Iterator[str]:
    return (name for k in count(1) if (name := f"{letter}{k}") not in taken)


def _in_order(roots: Iterable[Expr]) -> list[Expr]:
    """Every node once, children before parents, over all roots."""
    found: dict[int, Expr] = {}
    for root in roots:
        for node in postorder(root):
            found.setdefault(id(node), node)
    return list(found.values())


class _Survey:
    """Uses, written sizes and depths of nodes; a part that is named counts as one word."""

    def __init__(self, nodes: list[Expr]):
        self.uses: dict[int, int] = {}
        self.size: dict[int, int] = {}
        self.depth: dict[int, int] = {}
        self.is_closed: dict[int, bool] = {}
        self.free: dict[int, frozenset[IndexSymbol]] = {}
        for node in nodes:
            for child in children(node):
                self.uses[id(child)] = self.uses.get(id(child), 0) + 1
        for node in nodes:
            self._measure(node)

    def _measure(self, node: Expr) -> None:
        below = children(node)
        self.free[id(node)] = self._free(node, below)
        results = isinstance(node, Dual | OptimalValue) or any(not self.is_closed[id(c)] for c in below)
        self.is_closed[id(node)] = not results
        words = [c for c in below if not self.is_named(c)]
        self.size[id(node)] = 1 + len(below) - len(words) + sum(self.size[id(c)] for c in words)
        self.depth[id(node)] = 1 + max((self.depth[id(c)] for c in words), default=0)

    def _free(self, node: Expr, below: tuple[Expr, ...]) -> frozenset[IndexSymbol]:
        if isinstance(node, IndexSymbol):
            return frozenset((node,))
        free = frozenset[IndexSymbol]().union(*(self.free[id(c)] for c in below))
        return free - {b.index for b in node.binders} if isinstance(node, Reduce | Stack) else free

    def is_named(self, node: Expr) -> bool:
        """Only what holds no index from outside and no result can be named."""
        if self.free[id(node)] or not self.is_closed[id(node)]:
            return False
        if isinstance(node, Stack):
            return True
        repeated = self.uses.get(id(node), 0) > 1 and self.size[id(node)] > LARGE
        return repeated or self.depth[id(node)] > DEEP
