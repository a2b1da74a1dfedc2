"""The smallest change that helps where a rule of convexity is broken, for the classic cases."""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.classify import Classification
from declarative.analysis.curvature import Blame, Fault, fits
from declarative.analysis.hints_of_curvature import curvature_hints
from declarative.analysis.hints_of_products import declare, product_hints, ratio_hints, sign_hints
from declarative.analysis.pieces import Piece
from declarative.analysis.words import text
from declarative.ir.expr import Call, Expr, Parameter, Reduce, Variable
from declarative.ir.facts import Curvature
from declarative.ir.problem import Comparison, Relation


def hints(piece: Piece, blame: Blame, smooth: bool = False) -> Iterator[str]:
    """`smooth`: the kkt backend takes the problem."""
    match blame.fault:
        case Fault.CURVATURE:
            special = [*_composition(piece, blame), *_extreme(piece, blame)]
            yield from special or curvature_hints(piece, blame, smooth)
        case Fault.PRODUCT:
            yield from product_hints(piece, blame)
        case Fault.RATIO:
            yield from ratio_hints(piece, blame)
        case Fault.SIGN:
            factor = next(a for a in _args(blame.culprit) if blame.look(a).curvature is Curvature.CONSTANT)
            yield from sign_hints(factor)
        case Fault.FORM:
            _, matrix = _args(blame.culprit)
            yield from _definite(matrix, blame)
        case Fault.SHAPELESS:
            yield from _one_sided(blame)
        case Fault.FOREIGN:
            pass


def _args(node: Expr) -> tuple[Expr, ...]:
    return node.args if isinstance(node, Call) else ()


def _composition(piece: Piece, blame: Blame) -> Iterator[str]:
    """Roots of squares are norms, logarithms of sums of exponentials are logsumexp."""
    argument = blame.argument
    match blame.parent:
        case Call("sqrt") | Call("power", options=(("p", 0.5),)) if blame.look(argument).degree == 2:
            match argument:
                case Call("sumsq", (r,)):
                    yield f"sqrt(sumsq({text(r)})) is norm({text(r)}), which is convex"
                case Call("quad", (x, P)):
                    yield f"this is quad_root({text(x)}, {text(P)}), which is convex"
                case _:
                    yield "the root of a sum of squares is a norm: sqrt(1 + r^2) is norm([1, r]), which is convex"
        case Call("log") if _sums_exponentials(argument):
            yield "log(sum(exp(x))) is logsumexp(x), which is convex"
        case Call("square" | "sumsq") | Call("power", options=(("p", 2.0),)) if blame.look(argument).curvature.convex:
            yield f"pos({text(argument)}) is the same where that is not negative, and its square is convex"
        case Call("log" | "exp" | "sqrt" as name) if blame.parent is piece.root:
            yield from _other_side(piece, blame, name)
        case _:
            pass


INVERSES = {"log": "exp({})", "exp": "log({})", "sqrt": "({})^2"}


def _other_side(piece: Piece, blame: Blame, name: str) -> Iterator[str]:
    """log(f) <= c is f <= exp(c), which is convex where f is."""
    owner = piece.owner
    if not isinstance(owner, Comparison) or not fits(blame.look(blame.argument).curvature, piece.wanted):
        return
    other = owner.right if piece.root is owner.left else owner.left
    sign = "<=" if piece.wanted is Curvature.CONVEX else ">="
    bound = INVERSES[name].format(text(other))
    yield f"`{name}` rises, so this is `{text(blame.argument)} {sign} {bound}`, which is convex"


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
    if not isinstance(owner, Comparison) or blame.culprit is not piece.root:
        return
    if owner.relation is Relation.EQ:
        left, right = text(owner.left), text(owner.right)
        better = "<=" if blame.look(piece.root).curvature.convex == (piece.root is owner.left) else ">="
        yield f"`{left} {better} {right}` is convex, and holds with equality where the objective presses on it"
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


def _definite(matrix: Expr, blame: Blame) -> Iterator[str]:
    if blame.needed is Curvature.CONCAVE:
        yield f"write -quad(x, N) with an N declared `psd`, if `{text(matrix)}` is -N"
        yield "on a sphere (`sumsq(x) == 1`, or `unit`) the kkt backend finds the greatest, which is an eigenvector"
    elif isinstance(matrix, Parameter | Variable) and not matrix.symmetric:
        yield f"declare it {_symmetric(matrix)}, if it is"
    else:
        yield from declare(matrix, "psd", "if it is")


def semidefinite_hints(found: Classification) -> list[str]:
    """Of each quadratic form that would be convex, were its parameter declared so: a covariance that is `R^(n,n)`."""
    blames = [verdict.blame for verdict in found.verdicts if verdict.blame is not None]
    told = {}
    for blame in blames:
        if blame.fault is Fault.FORM and blame.needed is Curvature.CONVEX:
            form, (_, matrix) = blame.culprit, _args(blame.culprit)
            for hint in _definite(matrix, blame) if isinstance(matrix, Parameter) else ():
                told.setdefault(matrix, f"`{text(form)}` is convex where `{text(matrix)}` is semidefinite: {hint}")
    return list(told.values())


def _symmetric(matrix: Parameter | Variable) -> str:
    size = matrix.shape[-1]
    if matrix.origin is not None and matrix.origin.source.python:
        return f'`dc.param("{matrix.name}", {size}, symmetric=True, psd=True)`'
    return f"`{matrix.name} : S^{size}, psd`"


def _one_sided(blame: Blame) -> Iterator[str]:
    """Odd powers, sinh and the sigmoids have one curvature on each side of 0."""
    match blame.culprit:
        case Call("pow"):
            yield "with a number as its exponent the curvature of a power is known: x^1.5, x^2, x^-1"
        case Call("power" | "sinh" | "tanh" | "sigmoid" | "erf" | "atan" | "asin" | "acos", (x,)):
            yield from declare(x, "nonneg", "if it is: it has one curvature there")
        case _:
            pass
