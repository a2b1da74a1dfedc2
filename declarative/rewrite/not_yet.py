"""What can be written, checked and printed, and no backend runs yet."""

from __future__ import annotations

from declarative.ir.expr import Nested
from declarative.ir.problem import Comparison, Membership, Problem, Relation, Sense
from declarative.ir.walk import postorder
from declarative.source.diagnostic import Diagnostic, error


def not_yet(problem: Problem) -> list[Diagnostic]:
    """One finding for `find`, and one for the first nested problem."""
    found = []
    if problem.objective.sense is Sense.FIND:
        text = "no backend runs `find` yet; it can be checked and printed"
        found.append(error("E321", problem.objective.origin, text, hints=_instead(problem)))
    for node in _first_nested(problem):
        text = f"no backend runs nested problems yet; `{node.problem}` can be checked and printed"
        found.append(error("E321", node.origin, text))
    return found


def _instead(problem: Problem) -> tuple[str, ...]:
    """What runs: equations are solved whatever is minimised, and of many points one has to be chosen."""
    origin = problem.objective.origin
    dc = "dc." if origin is not None and origin.source.python else ""

    def aim(body: str) -> str:
        return f"`dc.minimize({body})`" if dc else f"`minimize {body}`"

    if all(isinstance(c, Comparison) and c.relation is Relation.EQ for c in problem.constraints):
        return (f"{aim('0')} finds what solves as many equations as there are unknowns",)
    squares = " + ".join(f"{dc}sumsq({unknown.name})" for unknown in problem.objective.unknowns)
    return (f"{aim(squares)} finds the point nearest to 0 that satisfies the constraints",)


def _first_nested(problem: Problem) -> list[Nested]:
    if not problem.imports:  # a walk through everything that would find none
        return []
    roots = [problem.objective.body] if problem.objective.body is not None else []
    for constraint in problem.constraints:
        roots.extend(constraint.elements if isinstance(constraint, Membership) else (constraint.left, constraint.right))
    roots.extend(output.body for output in problem.outputs)
    return [n for root in roots for n in postorder(root) if isinstance(n, Nested)][:1]
