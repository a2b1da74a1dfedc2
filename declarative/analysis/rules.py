"""A node and the facts of its operands to the rule of convexity that holds for it, in words."""

from __future__ import annotations

from declarative.analysis.curvature import fits, required
from declarative.analysis.facts import FactsTable, meaning
from declarative.analysis.words import article, brief, manner, title
from declarative.ir.expr import Call, Expr, Extern, Index, Nested, Reduce, Stack
from declarative.ir.facts import Curvature, Sign
from declarative.ir.walk import variables

SIGN_WORDS = {Sign.NONNEG: ">= 0", Sign.POS: "> 0", Sign.NONPOS: "<= 0", Sign.NEG: "< 0", Sign.ZERO: "0"}


def operands(node: Expr) -> tuple[Expr, ...]:
    """The subexpressions that the rule of a node speaks of."""
    match node:
        case Call():
            return meaning(node)[1]
        case Reduce(body=body) | Stack(body=body):
            return (body,)
        case Index(base=base):
            return (base,)
        case Extern(args=args) | Nested(args=args):
            return args
        case _:
            return ()


def rule(node: Expr, look: FactsTable) -> str:
    """Why a node has its curvature: "a sum of convex and affine terms", "`sqrt` is concave and increasing, ..."."""
    curvature = look(node).curvature
    if curvature is Curvature.CONSTANT:
        return "data"
    if curvature is Curvature.AFFINE:
        return f"in {', '.join(f'`{v.name}`' for v in variables(node))}"
    match node:
        case Call("add"):
            return f"a sum of {_kinds(node.args, look)}"
        case Call("neg", (x,)):
            return f"the opposite of {_expression(look(x).curvature)}"
        case Call():
            return _call(node, look)
        case Reduce(op="sum", body=body):
            return f"a sum over {_indices(node)} of {_kinds((body,), look)}"
        case Reduce(op="prod"):
            return "a product of expressions of the variables"
        case Reduce(body=body):
            return f"`{node.op}` over {_indices(node)} is {manner(node, look)}, of {_kinds((body,), look)}"
        case Stack():
            return f"one for each {_indices(node)}"
        case Index():
            return "a part of an array"
        case _:
            return "a function from outside: nothing is known of its curvature"


def _call(node: Call, look: FactsTable) -> str:
    record, args, options = meaning(node)
    facts = tuple(map(look, args))
    own = record.curvature(facts, options)
    if record.bilinear:
        return _product(args, look)
    if node.atom == "quad" and own is Curvature.UNKNOWN:
        return f"nothing says that `{brief(args[1])}` is semidefinite"
    if node.atom == "div" and own is Curvature.UNKNOWN:
        return f"divides by `{brief(args[1])}`, an expression of the variables"
    if own is Curvature.UNKNOWN:
        return f"`{title(node)}` is neither convex nor concave here"
    if node.atom == "div" and own.affine:
        return f"{_expression(facts[0].curvature)} over `{brief(args[1])}` {_sign(facts[1].sign)}"
    return f"`{title(node)}` of {_kinds(args, look)}" if own.affine else _composition(node, look)


def _composition(node: Call, look: FactsTable) -> str:
    """A curved function: what it is, and what its arguments are or should be."""
    record, args, options = meaning(node)
    facts = tuple(map(look, args))
    own = record.curvature(facts, options)
    start = f"`{title(node)}` is {manner(node, look)}"
    for fact, move in zip(facts, record.monotonicity(facts, options), strict=True):
        needed = required(own, move)
        if not fits(fact.curvature, needed):
            its = "this one has none" if fact.curvature is Curvature.UNKNOWN else f"this one is {fact.curvature.value}"
            return f"{start}: it needs {article(needed.value)} argument, {its}"
    moving = [e for e in args if look(e).curvature is not Curvature.CONSTANT]
    if len(moving) > 1:
        return f"{start}, of {_kinds(moving, look, 'arguments')}"
    return f"{start}, of the {look(moving[0]).curvature.value} `{brief(moving[0])}`"


def _product(args: tuple[Expr, ...], look: FactsTable) -> str:
    moving = [e for e in args if look(e).curvature is not Curvature.CONSTANT]
    if len(moving) > 1:
        return f"a product of `{brief(moving[0])}` and `{brief(moving[1])}`, two expressions of the variables"
    (factor,) = [e for e in args if e is not moving[0]]
    sign, curvature = look(factor).sign, look(moving[0]).curvature
    if curvature is Curvature.UNKNOWN or sign.nonneg or sign.nonpos:
        return f"`{brief(factor)}` {_sign(sign)} times {_expression(curvature)}"
    return f"the sign of `{brief(factor)}` is not known, so the product has no curvature"


def _expression(curvature: Curvature) -> str:
    if curvature is Curvature.UNKNOWN:
        return "an expression without curvature"
    return f"{article(curvature.value)} expression"


def _sign(sign: Sign) -> str:
    return SIGN_WORDS.get(sign, "of any sign")


def _kinds(parts: tuple[Expr, ...] | list[Expr], look: FactsTable, noun: str = "terms") -> str:
    """`convex and affine terms`, in order of appearance; data are not counted."""
    found = list(dict.fromkeys(look(e).curvature for e in parts))
    known = " and ".join(c.value for c in found if c not in (Curvature.CONSTANT, Curvature.UNKNOWN))
    if Curvature.UNKNOWN not in found:
        return f"{known} {noun}"
    return f"{known} {noun} and ones without curvature" if known else f"{noun} without curvature"


def _indices(node: Reduce | Stack) -> str:
    return ", ".join(f"`{b.index.name}`" for b in node.binders)
