"""An expression to the tree of its curvature: what each subexpression is, and the rule that makes it so.

Subtrees that are affine are one leaf, data stand in the rules alone, like terms are counted, and deep nests cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from declarative.analysis.classify import Classification, Verdict
from declarative.analysis.facts import FactsTable
from declarative.analysis.rules import operands, rule
from declarative.analysis.words import brief
from declarative.ir.expr import Call, Expr, Reduce
from declarative.ir.facts import Curvature, Sign
from declarative.ir.problem import Comparison, Objective

DEEPEST = 12  # levels shown
SHOWN = 3  # terms shown of each kind in a sum


@dataclass(frozen=True)
class Reason:
    """`rule` says why `text` has its curvature; `parts` are what the rule rests on, `more` counts those left out."""

    text: str
    curvature: Curvature
    sign: Sign
    rule: str
    parts: tuple[Reason, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Account:
    """The tree of one expression that convexity asks something of; `of` names its place: "objective", "`budget`"."""

    of: str
    wanted: Curvature
    holds: bool
    reason: Reason


def accounts(found: Classification) -> tuple[Account, ...]:
    """Of the objective and of both sides of each constraint, in the order of the text; plain numbers are left out."""
    return tuple(_account(v) for v in found.verdicts if v.facts.curvature is not Curvature.CONSTANT)


def _account(verdict: Verdict) -> Account:
    piece = verdict.piece
    return Account(_place(verdict), piece.wanted, verdict.holds, reason_of(verdict.look, piece.root))


def _place(verdict: Verdict) -> str:
    piece = verdict.piece
    match piece.owner:
        case Objective():
            return "objective"
        case Comparison(name=name, part=part, left=left):
            side = "left" if piece.root is left else "right"
            named = name or f"constraint_{piece.number}"
            return f"`{named}{'.' + part if part else ''}`, {side} side"
        case owner:
            return f"`{owner.name or f'constraint_{piece.number}'}`, in {owner.cone}"


def reason_of(look: FactsTable, root: Expr, depth: int = 1) -> Reason:
    """The tree below a node of the table."""
    facts = look(root)
    moving = [e for e in operands(root) if _is_told(e, root, look)]
    leaf = facts.curvature.affine
    kept = [] if leaf or depth == DEEPEST else list(_kinds(moving, look))
    parts = tuple(reason_of(look, e, depth + 1) for e in kept)
    more = 0 if leaf else len(moving) - len(kept)
    return Reason(brief(root), facts.curvature, facts.sign, rule(root, look), parts, more)


def _is_told(e: Expr, parent: Expr, look: FactsTable) -> bool:
    """Affine terms of sums have a line; the rule of another function names its affine arguments itself."""
    curvature = look(e).curvature
    in_sum = isinstance(parent, Call) and parent.atom == "add"
    return curvature is not Curvature.CONSTANT and (in_sum or not curvature.affine)


def _kinds(parts: list[Expr], look: FactsTable) -> Iterator[Expr]:
    """The first few of each kind: the same function with the same curvature. One that stands twice is one."""
    seen: dict[tuple, int] = {}
    for part in dict.fromkeys(parts):
        kind = (_head(part), look(part).curvature)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= SHOWN:
            yield part


def _head(e: Expr) -> str:
    """The function that gives a term its shape, behind signs and factors."""
    while isinstance(e, Call) and e.atom in ("neg", "mul"):
        e = e.args[-1]
    match e:
        case Call(atom):
            return atom
        case Reduce(op=op):
            return op
        case _:
            return type(e).__name__
