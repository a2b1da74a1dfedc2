"""The relations of constraints and promises, checked: `<=`, `==`, `>=` in one direction, or one `in`."""

from declarative.source.diagnostic import Diagnostic, error
from declarative.source.span import Span
from declarative.syntax.mistakes.comparing import NO_NEAREST
from declarative.syntax.tree import Assume, Compare, Constraint, File, Logic, Node, Not

UNEQUAL = "`!=` is no constraint"
_CHOICE = "all constraints hold together: solve for each alternative on its own, and take the better answer"
_SIGNS = {"<=": ("<=", "≤"), ">=": (">=", "≥"), "in": ("in", "∈")}


def strict(op: str) -> str:
    """What is said of `<` and `>`."""
    return f"`{op}` is no constraint: a closed set needs `{op}=`"


def check_relations(file: File) -> list[Diagnostic]:
    """Relations that mean nothing as a constraint; conditions after `if` are free to use them."""
    found: list[Diagnostic] = []
    for statement in file.statements:
        if isinstance(statement, Constraint | Assume):
            found += _check(statement.relation)
    return found


def _check(relation: Node) -> list[Diagnostic]:
    match relation:
        case Compare():
            return _signs(relation) or _directions(relation)
        case Logic(op="and"):
            hints = ["write each on a line of its own; all of them hold"]
            return [error("E120", relation.span, "constraints are not joined by `and`", hints=hints)]
        case Logic() | Not():
            word = "or" if isinstance(relation, Logic) else "not"
            return [error("E120", relation.span, f"`{word}` does not make a constraint", hints=[_CHOICE])]
        case _:
            return [error("E120", relation.span, f"`{relation.span.text}` is not a relation")]


def _signs(relation: Compare) -> list[Diagnostic]:
    found = []
    for (op, _), span in zip(relation.rest, _places(relation), strict=True):
        if op in ("<", ">"):
            found.append(error("E108", span, strict(op), hints=[f"write `{op}=` here"]))
        elif op == "!=":
            found.append(error("E108", span, UNEQUAL, hints=[NO_NEAREST]))
    return found


def _directions(relation: Compare) -> list[Diagnostic]:
    """`a <= b >= c`, `a <= b == c`, `a <= X in K`."""
    first = relation.rest[0][0]
    for (op, _), span in zip(relation.rest, _places(relation), strict=True):
        if op == "in" and len(relation.rest) > 1:
            return [error("E119", span, "`in` is no part of a chain", hints=["write two constraints"])]
        if op != first:
            message = f"a chain runs in one direction; this one begins with `{first}`"
            return [error("E119", span, message, hints=["write two constraints"])]
    return []


def _places(relation: Compare) -> list[Span]:
    """Where the signs of a chain stand: between two operands there is nothing else but spaces and comments."""
    places = []
    before: Node = relation.first
    for op, operand in relation.rest:
        source = relation.span.source
        between = (before.span.end, operand.span.start)
        found = [(source.text.find(sign, *between), sign) for sign in _SIGNS.get(op, (op,))]
        start, sign = min((place for place in found if place[0] >= 0), default=(relation.span.start, op))
        places.append(Span(source, start, start + len(sign)))
        before = operand
    return places
