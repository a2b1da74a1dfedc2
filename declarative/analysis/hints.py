"""The smallest change that helps where a rule of convexity is broken, for the classic cases."""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.curvature import Blame, Fault
from declarative.analysis.pieces import Piece
from declarative.analysis.words import text
from declarative.ir.expr import Call, Expr, Index, Parameter, Reduce, Variable
from declarative.ir.facts import Curvature
from declarative.ir.problem import Comparison, Relation


def hints(piece: Piece, blame: Blame) -> Iterator[str]:
    match blame.fault:
        case Fault.CURVATURE:
            yield from _composition(blame)
            yield from _extreme(piece, blame)
        case Fault.PRODUCT:
            yield "fix one of the two (declare it `param`), or find an equivalent without the product"
        case Fault.RATIO:
            yield from _ratio(piece, blame)
        case Fault.SIGN:
            factor = next(a for a in _args(blame.culprit) if blame.look(a).curvature is Curvature.CONSTANT)
            yield from _declare(factor, "nonneg", "if it is")
        case Fault.FORM:
            _, matrix = _args(blame.culprit)
            yield from _definite(matrix, blame)
        case Fault.SHAPELESS:
            yield from _one_sided(blame)
        case Fault.FOREIGN:
            pass


def _args(node: Expr) -> tuple[Expr, ...]:
    return node.args if isinstance(node, Call) else ()


def _composition(blame: Blame) -> Iterator[str]:
    """Roots of squares are norms, logarithms of sums of exponentials are logsumexp."""
    argument = blame.argument
    match blame.parent:
        case Call("sqrt") | Call("power", options=(("p", 0.5),)) if blame.look(argument).degree == 2:
            match argument:
                case Call("sumsq", (r,)):
                    yield f"sqrt(sumsq({text(r)})) is norm({text(r)}), which is convex"
                case _:
                    yield "the root of a sum of squares is a norm: sqrt(1 + r^2) is norm([1, r]), which is convex"
        case Call("log") if _sums_exponentials(argument):
            yield "log(sum(exp(x))) is logsumexp(x), which is convex"
        case _:
            pass


def _sums_exponentials(e: Expr) -> bool:
    match e:
        case Call("sum", (body,)) | Reduce(op="sum", body=body):
            return isinstance(body, Call) and body.atom == "exp"
        case Call("add", args):
            return any(isinstance(a, Call) and a.atom == "exp" for a in args)
        case _:
            return False


def _extreme(piece: Piece, blame: Blame) -> Iterator[str]:
    """`max(x) >= c` holds where one entry is large; people often mean every entry."""
    owner = piece.owner
    if not isinstance(owner, Comparison) or owner.relation is Relation.EQ or blame.culprit is not piece.root:
        return
    bound = text(owner.right if piece.root is owner.left else owner.left)
    match blame.culprit:
        case Call("max" | "min" as name, (x,)):
            sign, other = (">=", "<=") if name == "max" else ("<=", ">=")
            yield f"`{text(x)} {sign} {bound}` asks it of every entry; `{name}({text(x)}) {other} {bound}` is convex"
        case Call("maximum" | "minimum", args):
            yield f"ask it of each of {', '.join(f'`{text(a)}`' for a in args)}, if that is meant"
        case Call(atom) if atom.startswith("norm") or atom in ("abs", "sumsq", "square", "quad", "power"):
            yield "this is the outside of a ball; a convex problem can only stay inside of one"
        case _:
            pass


def _ratio(piece: Piece, blame: Blame) -> Iterator[str]:
    above, below = _args(blame.culprit)
    match above:
        case Call("sumsq" | "square", (x,)) | Call("power", (x,), options=(("p", 2.0),)) if not below.shape:
            yield f"quad_over_lin({text(x)}, {text(below)}) is this, and convex where `{text(below)}` is positive"
        case _ if isinstance(piece.owner, Comparison):
            yield f"multiply both sides by `{text(below)}`, if its sign is known"
        case _ if blame.look(above).curvature is Curvature.CONSTANT:
            yield f"inv_pos({text(below)}) is 1/({text(below)}) where that is positive, and convex"
        case _:
            pass


def _declare(e: Expr, attribute: str, condition: str) -> Iterator[str]:
    """Only a declared name can be given an attribute."""
    symbol = e.base if isinstance(e, Index) else e
    match symbol:
        case Parameter(name=name) | Variable(name=name):
            yield f"declare `{name}` with the attribute `{attribute}`, {condition}"
        case _:
            pass


def _definite(matrix: Expr, blame: Blame) -> Iterator[str]:
    if blame.needed is Curvature.CONCAVE:
        yield f"write -quad(x, N) with an N declared `psd`, if `{text(matrix)}` is -N"
    else:
        yield from _declare(matrix, "psd", "if it is")


def _one_sided(blame: Blame) -> Iterator[str]:
    """Odd powers, sinh and the sigmoids have one curvature on each side of 0."""
    match blame.culprit:
        case Call("power" | "sinh" | "tanh" | "sigmoid" | "erf" | "atan" | "asin" | "acos", (x,)):
            yield from _declare(x, "nonneg", "if it is: it has one curvature there")
        case _:
            pass
