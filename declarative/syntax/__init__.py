"""Text to syntax tree and back: `parse_tree`, `print_tree`, `print_expression`, `parenthesise`."""

from declarative.syntax.parenthesise import parenthesise
from declarative.syntax.parse import parse_tree
from declarative.syntax.print import print_expression, print_tree

__all__ = ["parenthesise", "parse_tree", "print_expression", "print_tree"]
