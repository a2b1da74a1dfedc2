"""A problem that the rules of convexity do not know to be convex, to an equal one that they do, where that is possible.

Only what is not as it must be is rewritten. What is made for the cone backend is used only once that is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from declarative.analysis.classify import NOT_CONVEX, Classification, Kind, classify, holds, is_convex
from declarative.analysis.convexity import convexity_errors
from declarative.analysis.curvature import fits
from declarative.analysis.facts import FactsTable
from declarative.analysis.near_geometric import geometric_remarks
from declarative.analysis.pieces import Piece, pieces
from declarative.ir.expr import Call, Expr
from declarative.ir.problem import Comparison, Membership, Objective, Problem, Sense
from declarative.rewrite.equivalents import Equivalent, to_equivalents
from declarative.rewrite.graph_forms import unfit_kinks
from declarative.rewrite.monotone import Outer, without_outer
from declarative.rewrite.norms import kinks
from declarative.rewrite.ratios import corners
from declarative.source.diagnostic import Diagnostic


@dataclass(frozen=True)
class Repair:
    """`problem` has the solutions of the original, and is convex, as `found` says; else it is the original itself.

    `original` is what that is; `steps` say how it was written anew.

    `outer`: the monotone function that was taken off the objective.
    """

    original: Classification
    problem: Problem
    found: Classification
    steps: tuple[str, ...] = ()
    outer: Outer | None = None
    kinks: tuple[Expr, ...] = ()  # roots that have become norms: cone comes before kkt, which sees no kink in them
    corners: tuple[tuple[Expr, Expr], ...] = ()  # quotients, with what they are over: cone comes before kkt here too
    of_all: bool = True  # are these all the steps, or some of many that are alike?

    @property
    def text(self) -> str:
        """For people: "smooth program, convex after `sqrt(1 + z^2)` is written as `norm`"."""
        if self.original.convex or not self.found.convex:
            return self.original.text
        what = self.original.kind.value if self.original.smooth and not self.kinks else self.found.text
        first, *others = self.steps
        more = f" and {len(others)} more" if self.of_all else " and others"
        return f"{what}, convex after {first}" + (more if others else "")

    @property
    def accepted(self) -> bool:
        """Is there a backend for it, before or after?"""
        return self.original.accepted or self.found.convex


def repair(problem: Problem) -> Repair:
    """The problem itself where it is convex, or where nothing helps."""
    original = classify(problem)
    attributes = {a.name for d in problem.variables for a in d.symbol.attributes}
    if original.convex:
        return Repair(original, problem, original, corners=_corners(problem) if original.kind is not Kind.GP else ())
    if problem.objective.sense is Sense.FIND or attributes & set(NOT_CONVEX):
        return Repair(original, problem, original)
    found = _changed(original, problem) or _without_outer(original, problem)
    if found is None:
        return Repair(original, problem, original)
    roots = (node for verdict in original.verdicts if not verdict.holds for node in kinks(verdict.piece.root))
    return replace(found, kinks=tuple(roots), corners=_corners(problem))


def _corners(problem: Problem) -> tuple[tuple[Expr, Expr], ...]:
    return tuple(corner for piece in pieces(problem) for corner in corners(piece.root))


def _changed(original: Classification, problem: Problem) -> Repair | None:
    """Everything that is not as it must be in its equivalent form; None where that is not convex either.

    Short expressions come first, and of a sum the terms to blame, one of each kind: one that is beyond repair ends the
    search.
    """
    done: dict[int, Equivalent] = {}  # by the identity of the term
    wrong = [piece for piece in pieces(problem) if not holds(piece)]
    for piece in sorted(wrong, key=_extent):
        for term in _culprits(piece):
            done[id(term)] = to_equivalents(term)
            if not holds(replace(piece, root=done[id(term)][0])):
                return None
    changed, steps = _with_equivalents(problem, done)
    return Repair(original, changed, classify(changed), steps) if is_convex(changed) else None


def _culprits(piece: Piece) -> list[Expr]:
    """Of the terms of a sum that are not as the sum must be, one of each kind; else the expression itself."""
    if not isinstance(piece.root, Call) or piece.root.atom != "add":
        return [piece.root]
    look = FactsTable(piece.root, piece.binders)
    kinds = {id(look.kind(term)): term for term in piece.root.args}
    return [term for term in kinds.values() if not fits(look(term).curvature, piece.wanted)]


def _extent(piece: Piece) -> int:
    return 0 if piece.root.origin is None else piece.root.origin.end - piece.root.origin.start


def _without_outer(original: Classification, problem: Problem) -> Repair | None:
    """The problem with so many monotone functions taken off its objective that it is convex."""
    for objective, outer in without_outer(problem.objective):
        inner = replace(problem, objective=objective)
        if (found := _changed(original, inner)) is not None:
            return replace(found, steps=(outer.step, *found.steps), outer=outer)
    return None


def obstacles(repaired: Repair) -> list[Diagnostic]:
    """Why the cone backend cannot take it: what is still not convex when all is in its equivalent form."""
    return convexity_errors(_with_equivalents(repaired.problem, {})[0], original=repaired.original)


def no_backend(problem: Problem, repaired: Repair | None = None) -> list[Diagnostic]:
    """Why no backend can take a problem: it is not convex, and its kinks or cones bar it from the kkt backend.

    `repaired`, where that is known already.
    """
    if problem.objective.sense is Sense.FIND or classify(problem).accepted:
        return []
    repaired = repaired or repair(problem)
    if repaired.accepted:
        return []
    first, *others = obstacles(repaired)
    told = dict.fromkeys(f"the kkt backend needs no convexity, but {why}" for why in barred_from_kkt(problem))
    unfit = unfit_kinks(problem)
    smooth = dict.fromkeys(hint for kink in unfit for hint in kink.hints) if all(kink.hints for kink in unfit) else {}
    notes, helps = (*first.notes, *list(told)[:MOST_NOTES]), (*first.hints, *list(smooth)[:MOST_NOTES])
    first = replace(first, notes=notes, hints=helps)
    return [first, *others, *geometric_remarks(problem)]


MOST_NOTES = 3
SETS = ("Box", "Simplex", "Ball")  # what every backend takes


def barred_from_kkt(problem: Problem) -> list[str]:
    """Why the kkt backend cannot take a problem, in words: its kinks and its cones."""
    kinks = [(d.span, d.message) for d in unfit_kinks(problem)]
    rows = [c for c in problem.constraints if isinstance(c, Membership) and c.cone not in SETS]
    cones = [(c.origin, f"takes no membership in `{c.cone}`") for c in rows]
    return [f"{message} (line {span.line})" if span is not None else message for span, message in [*kinks, *cones]]


def _with_equivalents(problem: Problem, done: Mapping[int, Equivalent]) -> tuple[Problem, tuple[str, ...]]:
    """Every expression that is not as it must be, in its equivalent form; some terms are `done`."""
    changed: dict[int, Expr] = {}
    steps: dict[str, None] = {}
    for piece in pieces(problem):
        if not holds(piece):
            changed[id(piece.root)], log = to_equivalents(piece.root, done)
            steps |= dict.fromkeys(log)
    return (_replaced(problem, changed), tuple(steps)) if steps else (problem, ())


def _replaced(problem: Problem, changed: dict[int, Expr]) -> Problem:
    """Roots, told apart by identity, in their new forms."""

    def new(e: Expr) -> Expr:
        return changed.get(id(e), e)

    body = problem.objective.body
    objective: Objective = problem.objective if body is None else replace(problem.objective, body=new(body))
    constraints = tuple(
        replace(c, left=new(c.left), right=new(c.right))
        if isinstance(c, Comparison)
        else replace(c, elements=tuple(map(new, c.elements)))
        for c in problem.constraints
    )
    return replace(problem, objective=objective, constraints=constraints)
