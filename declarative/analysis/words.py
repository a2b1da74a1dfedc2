"""Nodes in the user's own words: their text, the name of the function, and why a curvature is what it is."""

from __future__ import annotations

from declarative.analysis.facts import FactsTable, meaning
from declarative.atoms.record import Facts
from declarative.atoms.registry import find
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.expr import Call, Constant, Expr, Index, Reduce, Stack
from declarative.ir.facts import Curvature, Monotonicity

SIGNS = {"add": "+", "neg": "-", "mul": "*", "div": "/", "matmul": "*", "dot": "*", "outer": "*", "transpose": "'"}


LONGEST, BRIEF = 120, 60  # characters of a text in a message, and in a tree of reasons
CUT = " ... "  # between the ends of a longer one


def text(node: Expr) -> str:
    """The user's text of a node on one line; its own form where nothing was written. Of a long one the ends."""
    origin = node.origin
    in_python = isinstance(node, Constant) and origin is not None and origin.source.python  # where it has no place
    whole = expression_to_text(node) if origin is None or in_python else " ".join(origin.text.split())
    return _ends(whole, LONGEST)


def brief(node: Expr) -> str:
    """The text of a node in half a line."""
    return _ends(_signed(node), BRIEF)


def _ends(whole: str, most: int) -> str:
    return whole if len(whole) <= most else f"{whole[: most // 2]}{CUT}{whole[-most // 3 :]}"


def _signed(node: Expr) -> str:
    """The `- b` of `a - b` has the text of b."""
    match node:
        case Call("neg", (x,)) if node.origin is not None and x.origin == node.origin:
            return f"-({text(x)})" if isinstance(x, Call) and x.atom == "add" else f"-{text(x)}"
        case _:
            return text(node)


def article(curvature: str) -> str:
    """`an affine`, `a convex`."""
    return f"an {curvature}" if curvature[0] in "aeiou" else f"a {curvature}"


def title(node: Expr) -> str:
    """The function of a node as people write it: `sqrt`, `^2`, `*`."""
    match node:
        case Call("power"):
            return f"^{node.option('p'):g}"
        case Call(atom):
            record = find(atom)
            return SIGNS.get(atom) or (record.written if record else atom)
        case Reduce(op=op):
            return op
        case _:
            return text(node)


def manner(node: Expr, look: FactsTable) -> str:
    """The function's own curvature and monotonicity: "concave and increasing"."""
    match node:
        case Call():
            record, operands, options = meaning(node)
            facts = tuple(map(look, operands))
            moves = {m for m, f in zip(record.monotonicity(facts, options), facts, strict=True) if _moves(f)}
            own = record.curvature(facts, options).value
            return f"{own} and {moves.pop().value}" if len(moves) == 1 and Monotonicity.NONE not in moves else own
        case Reduce(op="max" | "logsumexp"):
            return "convex and increasing"
        case Reduce(op="min"):
            return "concave and increasing"
        case _:
            return look(node).curvature.value


def _moves(facts: Facts) -> bool:
    return facts.curvature is not Curvature.CONSTANT


def inner(node: Expr, look: FactsTable) -> tuple[Expr, ...]:
    """The operands through which curvature enters a node; none for a function that has a curvature of its own."""
    match node:
        case Call():
            record, operands, options = meaning(node)
            own = record.curvature(tuple(map(look, operands)), options)
            return operands if own.affine else ()
        case Reduce(op="sum", body=body) | Stack(body=body):
            return (body,)
        case Index(base=base):
            return (base,)
        case _:
            return ()


def because(node: Expr, look: FactsTable) -> str:
    """Why a node is not affine: "convex: `^2` of the affine `z/d`"."""
    curvature = look(node).curvature
    source = node
    while operands := [o for o in inner(source, look) if not look(o).curvature.affine]:
        source = operands[0]
    if source.origin is node.origin and not isinstance(source, Call | Reduce):
        return curvature.value
    opposite = "" if look(source).curvature is curvature else "the opposite of "
    return f"{curvature.value}: {opposite}{_application(source, look)}"


def _application(source: Expr, look: FactsTable) -> str:
    if isinstance(source, Call) and any(a.origin is not None and a.origin == source.origin for a in source.args):
        return f"a `{title(source)}`"  # which is what the text was rewritten as
    operands = source.args if isinstance(source, Call) else (source.body,) if isinstance(source, Reduce) else ()
    curved = [o for o in operands if look(o).curvature is not Curvature.CONSTANT]
    if len(curved) != 1:
        return f"`{text(source)}`"
    return f"`{title(source)}` of the {look(curved[0]).curvature.value} `{text(curved[0])}`"
