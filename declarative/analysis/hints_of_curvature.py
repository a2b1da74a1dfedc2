"""A function that is convex where a concave one is needed, or the other way round, to what helps."""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.curvature import Blame, fits
from declarative.analysis.hints_of_products import declare
from declarative.analysis.pieces import Piece
from declarative.analysis.words import text
from declarative.ir.expr import Call
from declarative.ir.facts import Curvature
from declarative.ir.problem import Objective

# Of two functions that look at the two ends of the same numbers, one says that all are small, one that all are large.
_ENDS = {
    ("max", "min"): "every entry is",
    ("maximum", "minimum"): "all of them are",
    ("lambda_max", "lambda_min"): "every eigenvalue is",
    ("sum_largest", "sum_smallest"): "the {} entries are",
}
COUNTERPARTS = {a: (b, all_) for ends, all_ in _ENDS.items() for a, b in (ends, ends[::-1])}
_WRITTEN = {"maximum": "max", "minimum": "min"}
_RISING = ("sqrt", "log", "log10", "log1p")

LINEARISED = (
    "the convex-concave procedure: put the linearisation of `{}` at the last solution in its place, and solve again"
)


def curvature_hints(piece: Piece, blame: Blame, smooth: bool) -> Iterator[str]:
    """`smooth`: kkt takes the problem, so that nothing has to be linearised."""
    found = [*_counterpart(blame), *_argument(piece, blame)]
    yield from found
    if not smooth and not found and blame.needed is not Curvature.AFFINE:
        yield LINEARISED.format(text(blame.culprit))


def _counterpart(blame: Blame) -> Iterator[str]:
    """`minimize lambda_min(X)`."""
    match blame.culprit:
        case Call(atom, args, options=options) if atom in COUNTERPARTS:
            other, all_ = COUNTERPARTS[atom]
            convex = blame.needed is Curvature.CONVEX
            of = ", ".join([*map(text, args), *(f"{value:g}" for _, value in options if isinstance(value, float))])
            size, which = ("small", "greatest") if convex else ("large", "least")
            what = f"`{_WRITTEN.get(other, other)}({of})` is {blame.needed.value}"
            yield f"{what}, if {all_.format(which)} to be {size}"
        case _:
            pass


def _argument(piece: Piece, blame: Blame) -> Iterator[str]:
    """`minimize sqrt(x[0])`: what rises has the solutions of its argument, where that lies in the domain."""
    owner = piece.owner
    match blame.culprit:
        case Call(atom, (x,)) if isinstance(owner, Objective) and blame.culprit is piece.root and atom in _RISING:
            if not fits(blame.look(x).curvature, piece.wanted) or blame.look(x).sign.nonneg:
                return
            inner = f"`{atom}` rises, so this has the solutions of `{owner.sense.value} {text(x)}`"
            declared = [hint.removesuffix(", ") for hint in declare(x, "nonneg", "")]
            yield f"{inner}; {declared[0]}, and it is solved so" if declared else inner
        case _:
            pass
