"""Problems and expressions to text in the language, through the tree that the text would have."""

from __future__ import annotations

from declarative.elaborate.expression_tree import Printing, expression_tree
from declarative.elaborate.problem_tree import NOWHERE, index_names, problem_tree
from declarative.ir.expr import Expr, Stack
from declarative.ir.problem import Problem
from declarative.ir.walk import postorder
from declarative.syntax.print import print_expression, print_tree


def problem_to_text(problem: Problem, draft: bool = False) -> str:
    """The `.opt` text of a problem; parsed again it is an equal problem. A family used whole becomes a `let`."""
    return print_tree(problem_tree(problem, draft))


def expression_to_text(e: Expr) -> str:
    """An expression as it would stand in a text, for messages; families used whole are called `r1`, `r2`."""
    families = dict.fromkeys(node for node in postorder(e) if isinstance(node, Stack))
    lets: dict[Expr, str] = {family: f"r{k}" for k, family in enumerate(families, start=1)}
    return print_expression(expression_tree(e, Printing(NOWHERE, index_names((e,), (), ()), lets)))
