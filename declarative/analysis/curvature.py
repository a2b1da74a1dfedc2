"""An expression that does not have a wanted curvature to the innermost subexpression to blame, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from declarative.analysis.facts import FactsTable, meaning
from declarative.analysis.words import manner, title
from declarative.ir.expr import Call, Expr, Extern, Index, Nested, Reduce, Stack
from declarative.ir.facts import Curvature, Monotonicity


class Fault(Enum):
    """What is wrong with the culprit."""

    CURVATURE = "it has a curvature, but not the one that is needed"
    SIGN = "a factor's sign is not known"
    PRODUCT = "a product of two expressions of the variables"
    RATIO = "a quotient by an expression of the variables"
    FORM = "a quadratic form that is not known to be semidefinite"
    SHAPELESS = "a function that is neither convex nor concave here"
    FOREIGN = "a function from outside"


@dataclass(frozen=True)
class Step:
    """One rule on the way down: a function with a curvature of its own, and so what it needs of its argument."""

    node: Expr
    needs: Curvature
    reason: str  # "`sqrt` is concave and increasing"


@dataclass(frozen=True)
class Blame:
    """Why `root` is not `wanted`: the rules from the outside in, and the culprit at the end.

    `parent` is the innermost curved function around the culprit and `argument` the argument of it that holds the
    culprit (the root, where there is none); `needed` and `argument_needs` are what was needed of each.
    """

    root: Expr
    wanted: Curvature
    chain: tuple[Step, ...]
    culprit: Expr
    needed: Curvature
    fault: Fault
    parent: Expr | None
    argument: Expr
    argument_needs: Curvature
    look: FactsTable


def fits(found: Curvature, wanted: Curvature) -> bool:
    """Is this curvature as good as the wanted one?"""
    match wanted:
        case Curvature.CONVEX:
            return found.convex
        case Curvature.CONCAVE:
            return found.concave
        case Curvature.AFFINE:
            return found.affine
        case Curvature.CONSTANT:
            return found is Curvature.CONSTANT
        case Curvature.UNKNOWN:
            return True
        case _:
            assert_never(wanted)


def blame(look: FactsTable, wanted: Curvature) -> Blame | None:
    """None where the table's expression has the wanted curvature by the rules, else the innermost reason why not."""
    root = look.root
    if fits(look(root).curvature, wanted):
        return None
    chain: list[Step] = []
    node, needed = root, wanted
    parent, argument, argument_needs = None, root, wanted
    while (found := _descend(node, needed, look)) is not None:
        child, child_needs, curved = found
        if curved:
            chain.append(Step(node, child_needs, f"`{title(node)}` is {manner(node, look)}"))
            parent, argument, argument_needs = node, child, child_needs
        node, needed = child, child_needs
    fault = _fault(node, needed, look)
    return Blame(root, wanted, tuple(chain), node, needed, fault, parent, argument, argument_needs, look)


def _descend(node: Expr, wanted: Curvature, look: FactsTable) -> tuple[Expr, Curvature, bool] | None:
    """The operand that spoils a node, what was needed of it, and whether the node is curved; None: the node itself."""
    match node:
        case Index(base=base):
            return base, wanted, False
        case Stack(body=body) | Reduce(op="sum", body=body):
            return body, wanted, False
        case Reduce(op="max" | "min" | "logsumexp" as op, body=body):
            own = Curvature.CONCAVE if op == "min" else Curvature.CONVEX
            return (body, wanted, True) if fits(own, wanted) else None
        case Call():
            return _spoiler(node, wanted, look)
        case _:
            return None


def _spoiler(node: Call, wanted: Curvature, look: FactsTable) -> tuple[Expr, Curvature, bool] | None:
    record, operands, options = meaning(node)
    facts = tuple(map(look, operands))
    own = record.curvature(facts, options)
    if _sign_is_missing(node, wanted, look):
        return None
    if not fits(own, wanted):
        # A curved function of an argument that spoils it: first say what the function needs for its own curvature.
        if own is Curvature.UNKNOWN or look(node).curvature is not Curvature.UNKNOWN:
            return None
        wanted = own
    for operand, fact, move in zip(operands, facts, record.monotonicity(facts, options), strict=True):
        needed = required(wanted, move)
        if not fits(fact.curvature, needed):
            return operand, needed, not own.affine
    return None


def required(wanted: Curvature, move: Monotonicity) -> Curvature:
    """What an argument must be, for a function that is itself as wanted."""
    match move:
        case Monotonicity.INCREASING:
            return wanted
        case Monotonicity.DECREASING:
            return -wanted
        case Monotonicity.NONE:
            return Curvature.AFFINE
        case _:
            assert_never(move)


def _sign_is_missing(node: Call, wanted: Curvature, look: FactsTable) -> bool:
    """A constant factor of unknown sign before something convex or concave: the sign alone would settle it."""
    record, operands, _ = meaning(node)
    if wanted is Curvature.AFFINE or not (record.bilinear or record.name == "div") or len(operands) != 2:
        return False
    factors = [o for o in operands if look(o).curvature is Curvature.CONSTANT]
    curved = [o for o in operands if look(o).curvature in (Curvature.CONVEX, Curvature.CONCAVE)]
    return len(factors) == len(curved) == 1 and not (look(factors[0]).sign.nonneg or look(factors[0]).sign.nonpos)


def _fault(node: Expr, needed: Curvature, look: FactsTable) -> Fault:
    match node:
        case Extern() | Nested():
            return Fault.FOREIGN
        case _ if look(node).curvature in (Curvature.CONVEX, Curvature.CONCAVE):
            return Fault.CURVATURE
        case Call() if _sign_is_missing(node, needed, look):
            return Fault.SIGN
        case Call("mul" | "dot" | "matmul" | "outer" | "kron" | "conv"):
            return Fault.PRODUCT
        case Call("div"):
            return Fault.RATIO
        case Call("quad", (_, A)) if look(A).curvature is Curvature.CONSTANT:
            return Fault.FORM
        case Call("quad"):
            return Fault.PRODUCT
        case _:
            return Fault.SHAPELESS
