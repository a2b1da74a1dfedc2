"""Expressions of positive variables to their log-log curvature, from the leaves up, and the innermost culprit if none.

log f(exp u) is affine for a monomial, convex for a posynomial. The rule of composition is that of convexity, with
log-log curvatures and the same monotonicity (Agrawal, Diamond and Boyd 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from declarative.analysis.curvature import fits, required
from declarative.analysis.facts import FactsTable
from declarative.atoms.loglog import REDUCTIONS, log_form
from declarative.atoms.registry import find
from declarative.ir.expr import Binder, Call, Expr, Extern, Index, Nested, Reduce, Stack, Variable
from declarative.ir.facts import Curvature, Monotonicity, Sign
from declarative.ir.walk import postorder, varies

UP = Monotonicity.INCREASING


class LogFault(Enum):
    """What bars an expression from a geometric program."""

    CURVATURE = "it has a log-log curvature, but not the one that is needed"
    DATA = "data that are not known to be positive"
    DIFFERENCE = "a difference"
    SIGNED = "a function that may be negative here"
    FUNCTION = "a function without a log-log curvature"
    FOREIGN = "a function from outside"


@dataclass(frozen=True)
class LogBlame:
    """`culprit` should have been `needed`; `found` is its log-log curvature."""

    culprit: Expr
    needed: Curvature
    found: Curvature
    fault: LogFault


class LogLogTable:
    """The log-log curvature of an expression and of everything inside it; UNKNOWN too where it may be negative.

    Every variable counts as positive: the expression is given with variables that are declared so. Data that may be 0
    count as convex, as 0 is the empty sum of monomials: they may weigh terms where less is better, and only there.
    `exceeds`: the expression is to be greater than something positive, so that a factor whose sign nothing else tells
    is positive.
    """

    def __init__(self, root: Expr, binders: Iterable[Binder] = (), exceeds: bool = False):
        self.root, self.look = root, FactsTable(root, binders)
        self._factor = self._telling(root) if exceeds else None
        self._found: dict[int, Curvature] = {}
        for node in postorder(root, lambda node: self._key(node) not in self._found):
            if self._key(node) not in self._found:
                self._found[self._key(node)] = self._node(node)

    def __call__(self, node: Expr) -> Curvature:
        return self._found[self._key(node)]

    def _key(self, node: Expr) -> int:
        """Alike are nodes of one kind, but for the factor that is positive where its likes may not be."""
        return id(node if self._factor is not None else self.look.kind(node))

    def _telling(self, node: Expr) -> Expr | None:
        """The one factor of a product or quotient whose sign its own facts do not tell, if it is a logarithm."""
        while isinstance(node, Call) and node.atom in ("mul", "div"):
            signed = [k for k, factor in enumerate(node.args) if not self.look(factor).sign.nonneg]
            if len(signed) != 1 or (node.atom, signed[0]) == ("div", 1):
                return None
            node = node.args[signed[0]]
        return node if isinstance(node, Call) and node.atom == "log" else None

    def _node(self, node: Expr) -> Curvature:
        constant = self.look(node).curvature is Curvature.CONSTANT
        if constant and self.look(node).sign in Sign.POS:
            return Curvature.CONSTANT
        if constant and self.look(node).sign in Sign.NONNEG:
            return self._composed(node, Curvature.CONVEX) if isinstance(node, Reduce | Call) else Curvature.CONVEX
        match node:
            case Variable():
                return Curvature.AFFINE
            case Index(base=inner) | Stack(body=inner):
                return self(inner)
            case Reduce() | Call():
                return self._composed(node)
            case _:
                return Curvature.UNKNOWN

    def _composed(self, node: Reduce | Call, otherwise: Curvature = Curvature.UNKNOWN) -> Curvature:
        own = self.own(node)
        inner = [(self(operand), move) for operand, move in self.operands(node)]
        if own is None or any(found is Curvature.UNKNOWN for found, _ in inner):
            return otherwise
        if all(found is Curvature.CONSTANT for found, _ in inner):
            return Curvature.CONSTANT
        for whole in (Curvature.AFFINE, Curvature.CONVEX, Curvature.CONCAVE):
            if fits(own, whole) and all(fits(found, required(whole, move)) for found, move in inner):
                return whole
        return otherwise

    def own(self, node: Expr) -> Curvature | None:
        """The curvature of the function itself, None where it has none."""
        match node:
            case Reduce(op=op):
                return REDUCTIONS.get(op)
            case Call(args=args):
                form = log_form(node)
                if form is None or (form.signed and not self._is_nonneg(node)):
                    return None
                known = form.data is None or not any(map(varies, args[form.data :]))
                return form.curvature if known else None
            case _:
                return Curvature.AFFINE

    def _is_nonneg(self, node: Call) -> bool:
        return node is self._factor or self.look(node).sign.nonneg

    def operands(self, node: Expr) -> Iterator[tuple[Expr, Monotonicity]]:
        """What a node is made of, and how its logarithm moves with the logarithm of each."""
        match node:
            case Reduce(body=inner) | Index(base=inner) | Stack(body=inner):
                yield inner, UP
            case Call(args=args):
                form, record = log_form(node), find(node.atom)
                assert record is not None
                facts = tuple(map(self.look, args))
                moves = form.moves(facts) if form and form.moves else record.monotonicity(facts, dict(node.options))
                yield from list(zip(args, moves, strict=True))[: form.data if form else None]
            case _:
                return


def log_blame(table: LogLogTable, wanted: Curvature) -> LogBlame | None:
    """None where the table's expression has the wanted log-log curvature, else the innermost reason why not."""
    node, needed = table.root, wanted
    if fits(table(node), needed):
        return None
    while (step := _spoiler(table, node, needed)) is not None:
        node, needed = step
    return LogBlame(node, needed, table(node), _fault(table, node))


def _spoiler(table: LogLogTable, node: Expr, needed: Curvature) -> tuple[Expr, Curvature] | None:
    """The operand that spoils a node, and what was needed of it; None where the node itself is to blame."""
    own = table.own(node)
    if own is None:
        return None
    operands = list(table.operands(node))
    for operand, move in operands:
        if table(operand) is Curvature.UNKNOWN:
            return operand, required(needed if fits(own, needed) else own, move)
    if not fits(own, needed):
        return None
    for operand, move in operands:
        if not fits(table(operand), required(needed, move)):
            return operand, required(needed, move)
    return None


def _fault(table: LogLogTable, node: Expr) -> LogFault:
    constant = table.look(node).curvature is Curvature.CONSTANT
    if table(node) is not Curvature.UNKNOWN and not constant:
        return LogFault.CURVATURE
    match node:
        case Call("neg"):
            return LogFault.DIFFERENCE
        case _ if constant:
            return LogFault.DATA
        case Extern() | Nested():
            return LogFault.FOREIGN
        case Call() if (form := log_form(node)) is not None and form.signed and table.own(node) is None:
            return LogFault.SIGNED
        case _ if table.own(node) is not None:
            return LogFault.CURVATURE
        case _:
            return LogFault.FUNCTION
