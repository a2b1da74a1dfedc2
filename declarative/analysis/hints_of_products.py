"""A product or a quotient of expressions of the variables to what would help: another function, a sign, a level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from declarative.analysis.curvature import Blame
from declarative.analysis.facts import facts_of
from declarative.analysis.pieces import Piece
from declarative.analysis.words import text
from declarative.ir.expr import Attribute, Call, Expr, Index, Parameter, Variable
from declarative.ir.facts import Curvature
from declarative.ir.problem import Comparison, Relation
from declarative.ir.walk import substitute, symbols


def product_hints(piece: Piece, blame: Blame) -> Iterator[str]:
    """Entropies, squares in disguise and geometric means first; else one factor has to be fixed."""
    x, y = blame.culprit.args if isinstance(blame.culprit, Call) else (blame.culprit, blame.culprit)
    for one, other in ((x, y), (y, x)):
        match other:
            case Call("log", (e,)) if e == one:
                yield f"`{text(blame.culprit)}` is {_total(blame.culprit, f'xlogx({text(one)})')}, which is convex"
                return
            case Call("abs", (e,)) if e == one:
                yield f"where `{text(one)}` is not negative, `{text(blame.culprit)}` is {text(one)}^2"
                yield from declare(one, "nonneg", "if it is")
                return
            case Call("exp", (Call("div", (e, below)),)) if below == one:
                yield f"`{text(blame.culprit)}` is perspective(exp({text(e)}), {text(one)}), which is convex"
                yield from () if blame.look(one).sign.nonneg else declare(one, "pos", "if it is")
                return
    if (mean := _mean(piece.root) or _mean(blame.culprit)) is not None and piece.wanted is Curvature.CONCAVE:
        yield f"where all are nonnegative, this is `{mean}`, which is concave"
    elif not x.shape and not y.shape and (isinstance(blame.parent, Call) and blame.parent.atom == "sqrt"):
        yield f"the root of a product is geo_mean([{text(x)}, {text(y)}]), which is concave where both are nonnegative"
    elif (bound := _least(piece, blame)) is not None and not x.shape and not y.shape:
        mean = f"geo_mean([{text(x)}, {text(y)}])"
        yield f"where both are nonnegative, this is `{mean} >= sqrt({bound})`, which is convex"
    else:
        yield "fix one of the two (declare it `param`), or find an equivalent without the product"


def _mean(product: Expr) -> str | None:
    """`x^0.3*y^0.7` as a geometric mean with weights; None for what is none, or whose powers add up to more than 1."""
    factors, pending = [], [product]
    while pending:
        match pending.pop():
            case Call("mul", parts):
                pending += reversed(parts)
            case Call("power", (e,), options=(("p", p),)) if not e.shape and isinstance(p, float) and 0 < p < 1:
                factors.append((text(e), p))
            case Call("sqrt", (e,)) if not e.shape:
                factors.append((text(e), 0.5))
            case _:
                return None
    total = sum(p for _, p in factors)
    if len(factors) < 2 or total > 1 + 1e-9:
        return None
    bases, weights = (", ".join(part) for part in zip(*((e, f"{p:g}") for e, p in factors), strict=True))
    return f"geo_mean([{bases}], [{weights}])" + (f"^{total:g}" if total < 1 - 1e-9 else "")


def _total(product: Expr, entropy: str) -> str:
    return f"sum({entropy})" if isinstance(product, Call) and product.atom == "dot" else entropy


def _least(piece: Piece, blame: Blame) -> str | None:
    """c, where the product stands alone in `x*y >= c`."""
    owner = piece.owner
    if not isinstance(owner, Comparison) or owner.relation is Relation.EQ or blame.culprit is not piece.root:
        return None
    return text(owner.right if piece.root is owner.left else owner.left) if piece.wanted is Curvature.CONCAVE else None


def ratio_hints(piece: Piece, blame: Blame) -> Iterator[str]:
    """Squares over something, a known numerator, or a level that is fixed."""
    assert isinstance(blame.culprit, Call)
    above, below = blame.culprit.args
    over, under = blame.look(above), blame.look(below)
    known = under.sign.nonneg or under.sign.nonpos
    match above:
        case Call("sumsq" | "square", (x,)) | Call("power", (x,), options=(("p", 2.0),)) if under.curvature.concave:
            yield f"quad_over_lin({text(x)}, {text(below)}) is this, and convex where `{text(below)}` is positive"
        case _ if over.curvature is Curvature.CONSTANT:
            yield from declare(above, "nonneg", "if it is") if known else declare(below, "pos", "if it is")
        case _ if isinstance(piece.owner, Comparison):
            yield f"multiply both sides by `{text(below)}`" + ("" if known else ", if its sign is known")
        case _ if over.curvature.convex and under.curvature.affine:
            # The sets {above/below <= v} of a convex over a positive affine expression are convex: quasiconvexity.
            level = (
                f"{text(above)} <= v*({text(below)})"
                if isinstance(below, Call)
                else f"{text(above)} <= v*{text(below)}"
            )
            yield f"where `{text(below)}` is positive, `{level}` is convex for a param v: bisect for the least v"
        case _:
            pass


def sign_hints(factor: Expr) -> Iterator[str]:
    """A factor of unknown sign: which attributes would tell it; else the factor itself as one number with a sign."""
    unsigned = [s for s in symbols(factor) if isinstance(s, Parameter) and not facts_of(s).sign.nonneg]
    signed: dict[Expr, Expr] = {s: replace(s, attributes=(*s.attributes, Attribute("nonneg"))) for s in unsigned}
    if isinstance(factor, Parameter | Index):
        yield from declare(factor, "nonneg", "if it is")
    elif unsigned and facts_of(substitute(factor, signed)).sign.nonneg:
        names = " and ".join(f"`{s.name}`" for s in unsigned)
        yield f"declare {names} with the attribute `nonneg`, if they are; or give `{text(factor)}` as one param that is"
    else:
        name = next(name for name in ("w", "k", "r", "q") if name not in [s.name for s in symbols(factor)])
        python = any(s.origin is not None and s.origin.source.python for s in symbols(factor))
        param = f'{name} = dc.param("{name}", nonneg=True)' if python else f"param {name} : R, nonneg"
        yield f"where `{text(factor)}` is never negative, give it as one param: `{param}`"


def declare(e: Expr, attribute: str, condition: str) -> Iterator[str]:
    """Only a declared name can be given an attribute."""
    symbol = e.base if isinstance(e, Index) else e
    match symbol:
        case Parameter(name=name) | Variable(name=name):
            yield f"declare `{name}` with the attribute `{attribute}`, {condition}"
        case _:
            pass
