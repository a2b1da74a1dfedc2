"""Where a node stands: the indices around it, and new variables and rows that range over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from declarative.analysis.words import text
from declarative.atoms.apply import apply
from declarative.ir.condition import Condition, Connective
from declarative.ir.expr import Binder, Expr, Index, SizeValue, Variable
from declarative.ir.problem import Comparison, Membership, Relation
from declarative.ir.size import Shape
from declarative.ir.walk import condition_expressions, free_indices
from declarative.rewrite.standard import Auxiliary, ConeRow, Row, Standard, difference
from declarative.source.span import Span


@dataclass(frozen=True)
class Scope:
    """The binders around a node, outermost first, with the condition that each group of them carries."""

    groups: tuple[tuple[tuple[Binder, ...], Condition | None], ...] = ()

    def inside(self, binders: tuple[Binder, ...], condition: Condition | None) -> Scope:
        return Scope((*self.groups, (binders, condition))) if binders else self

    def around(self, e: Expr) -> Scope:
        """The part of the scope that an expression needs: its indices, and what their conditions read."""
        if not self.groups:
            return self
        needed = set(free_indices(e))
        kept = []
        for binders, condition in reversed(self.groups):
            own = {b.index for b in binders}
            if needed & own:
                if condition is not None:
                    needed |= own.union(*(free_indices(read) for read in condition_expressions(condition)))
                kept.append((tuple(b for b in binders if b.index in needed), condition))
        return Scope(tuple(reversed(kept)))

    @property
    def binders(self) -> tuple[Binder, ...]:
        return tuple(binder for binders, _ in self.groups for binder in binders)

    @property
    def condition(self) -> Condition | None:
        conditions = tuple(condition for _, condition in self.groups if condition is not None)
        if len(conditions) > 1:
            return Connective("and", conditions)
        return conditions[0] if conditions else None


@dataclass
class Additions:
    """What a rewrite adds to a problem while it walks: variables, whose names begin with `prefix`, and rows."""

    count: int = 0
    variables: list[Auxiliary] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    cones: list[ConeRow] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    prefix: str = "auxiliary"

    def extend(self, standard: Standard, objective: Expr, rows: tuple[Row, ...]) -> Standard:
        """The problem over this objective and these rows, with everything that was added."""
        return replace(
            standard,
            objective=objective,
            variables=standard.variables + tuple(a.variable for a in self.variables),
            rows=rows + tuple(self.rows),
            cones=standard.cones + tuple(self.cones),
            auxiliaries=standard.auxiliaries + tuple(self.variables),
            log=standard.log + tuple(self.log),
        )

    def note(self, node: Expr, what: str) -> None:
        """A line for `explain` about what became of a node."""
        self.log.append(f"`{text(node)}` {what}")

    def variable(self, shape: Shape, scope: Scope, stands_for: Expr | None = None, value: bool = True) -> Expr:
        """A new variable of this shape for each index tuple of the scope; the member that belongs to the scope.

        Its name holds a space, which no name of the language does.
        """
        binders = scope.binders
        lengths = tuple(binder.length for binder in binders)
        symbol = Variable(f"{self.prefix} {self.count}", lengths + shape, family=len(lengths))
        self.count += 1
        self.variables.append(Auxiliary(symbol, stands_for, binders, value))
        if not binders:
            return symbol
        return Index(symbol, tuple(_from_zero(binder) for binder in binders), shape)

    def constrain(self, constraints: Iterable[Comparison | Membership], scope: Scope, origin: Span | None) -> None:
        """Constraints of a graph form as rows over the scope."""
        for c in constraints:
            within = scope.inside(c.binders, c.condition)
            family = (within.binders, within.condition)
            if isinstance(c, Membership):
                self.cones.append(ConeRow((), c.cone, c.elements, c.args, *family, origin=origin))
                continue
            body = difference(c.right, c.left) if c.relation is Relation.GE else difference(c.left, c.right)
            self.rows.append(Row((), c.relation is Relation.EQ, body, *family, origin=origin))


def _from_zero(binder: Binder) -> Expr:
    if binder.lo.constant == 0:
        return binder.index
    return apply("add", binder.index, SizeValue(-binder.lo))
