"""What can be written, checked and printed, and no backend runs yet."""

from __future__ import annotations

from declarative.ir.expr import Nested
from declarative.ir.problem import Membership, Problem, Sense
from declarative.ir.walk import postorder
from declarative.source.diagnostic import Diagnostic, error


def not_yet(problem: Problem) -> list[Diagnostic]:
    """One finding for `find`, and one for the first nested problem."""
    found = []
    if problem.objective.sense is Sense.FIND:
        found.append(
            error("E321", problem.objective.origin, "no backend runs `find` yet; it can be checked and printed")
        )
    for node in _first_nested(problem):
        text = f"no backend runs nested problems yet; `{node.problem}` can be checked and printed"
        found.append(error("E321", node.origin, text))
    return found


def _first_nested(problem: Problem) -> list[Nested]:
    if not problem.imports:  # a walk through everything that would find none
        return []
    roots = [problem.objective.body] if problem.objective.body is not None else []
    for constraint in problem.constraints:
        roots.extend(constraint.elements if isinstance(constraint, Membership) else (constraint.left, constraint.right))
    roots.extend(output.body for output in problem.outputs)
    return [n for root in roots for n in postorder(root) if isinstance(n, Nested)][:1]
