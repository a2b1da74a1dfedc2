"""A sum of squares to one of new variables, each equal to what is squared: |Qx - h|^2 to |r|^2, r == Qx - h.

The matrix of |Qx - h|^2 is Q'Q, in which rounding errors hide whatever is less than 1e-8 of the largest of Q; beside
rows for r stands Q itself. The solution is the same, and so are the duals of the other rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from declarative.analysis.facts import facts_of
from declarative.ir.expr import Call, Expr, Index, Reduce, Variable
from declarative.ir.facts import Sign
from declarative.ir.problem import Comparison, Problem, Relation, VariableDeclaration
from declarative.ir.recursion import Calls, each, run
from declarative.ir.walk import varies, with_children
from declarative.rewrite.scope import Additions, Scope
from declarative.rewrite.squares import squares

LINEAR = frozenset(("add", "neg", "mul", "div", "sum"))  # of which squares may be terms, factors or entries


def with_residuals(problem: Problem) -> Problem | None:
    """The problem with variables for what its objective squares; None where that is nothing but variables."""
    body = problem.objective.body
    if body is None:
        return None
    walker = _Walker()
    changed = run(walker.walk(body, Scope()))
    added = tuple(VariableDeclaration(a.variable) for a in walker.additions.variables)
    if not added:
        return None
    rows = tuple(
        Comparison(None, Relation.EQ, variable, e, scope.binders, scope.condition) for variable, e, scope in walker.rows
    )
    return replace(
        problem,
        objective=replace(problem.objective, body=changed),
        variables=problem.variables + added,
        constraints=problem.constraints + rows,
    )


@dataclass
class _Walker:
    additions: Additions = field(default_factory=lambda: Additions(prefix="residual"))
    rows: list[tuple[Expr, Expr, Scope]] = field(default_factory=list)

    def walk(self, node: Expr, scope: Scope) -> Calls[Expr]:
        match node:
            case Call("sumsq" | "square", (e,)) | Call("power", (e,), options=(("p", 2.0),)) if _is_combined(e):
                around = scope.around(e)
                r = self.additions.variable(e.shape, around, e)
                self.rows.append((r, e, around))
                return with_children(node, (r,))
            case Call(atom, args) if atom in LINEAR and varies(node):
                return with_children(node, (yield each(self.walk(a, scope) for a in args)))
            case Reduce(op="sum", body=body, binders=binders, condition=condition) if varies(node):
                return replace(node, body=(yield self.walk(body, scope.inside(binders, condition))))
            case _:
                return node


def _is_combined(e: Expr) -> bool:
    """Something affine that is more than entries of a variable beside data, whose squares have a diagonal matrix."""
    return varies(e) and not _of_entries(e) and facts_of(e).curvature.affine


def _of_entries(e: Expr) -> bool:
    match e:
        case Variable() | Index(base=Variable()):
            return True
        case Call("neg" | "add" | "mul" | "div", args):
            moving = [part for part in args if varies(part)]
            return len(moving) == 1 and _of_entries(moving[0])
        case _:
            return False


def squared_terms(objective: Expr) -> list[Expr] | None:
    """What is squared in an objective whose other terms are affine; None where it cannot be told."""
    terms = objective.args if isinstance(objective, Call) and objective.atom == "add" else (objective,)
    parts = [squares(e, least=Sign.NONNEG) for e in terms if not facts_of(e).curvature.affine]
    return None if None in parts else [e for part in parts if part is not None for e in part if varies(e)]
