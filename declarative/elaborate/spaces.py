"""Spaces as written (`R`, `R^(m,n)`, `S^n`, `index(v)`) to shapes and what else they say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from declarative.elaborate.context import Context
from declarative.elaborate.familiar import ROTATION, ROTATIONS, WHOLE, YES_OR_NO
from declarative.elaborate.names import Scope
from declarative.elaborate.report import did_you_mean
from declarative.elaborate.sizes import to_positive_size
from declarative.elaborate.values import shown
from declarative.ir.size import SCALAR, Shape, Size
from declarative.syntax import tree
from declarative.syntax.mistakes.braces import CONTINUOUS

SPACES = ("R", "S", "index")


@dataclass(frozen=True)
class Space:
    """The axes of one member; S^n is `symmetric`; integer data that may be an index has the range it indexes."""

    shape: Shape
    symmetric: bool = False
    index_range: Size | None = None


def to_space(ctx: Context, node: tree.Space, scope: Scope, flexible: bool = False) -> Space | None:
    """A space; None where it is not one, which is then reported. `flexible`: as in the signature of a `def`."""
    sizes = [to_positive_size(ctx, e, scope, flexible) for e in node.sizes]
    known = tuple(s for s in sizes if s is not None)
    if node.name not in SPACES:
        return _unknown(ctx, node)
    if len(known) < len(sizes):
        return None
    match node.name, known:
        case "R", () | (_,) | (_, _):
            return Space(known)
        case "R", _:
            return _too_many_axes(ctx, node)
        case "S", (n,):
            return Space((n, n), symmetric=True)
        case "S", (m, n) if m == n:
            return ctx.report.error("E206", node.span, "`S` takes one size", hints=[f"`S^{node.sizes[0].span.text}`"])
        case "S", _:
            return ctx.report.error("E206", node.span, "`S` takes one size", hints=["`S^n`"])
        case "index", (v,):
            return Space(SCALAR, index_range=v)
        case _:
            return ctx.report.error("E206", node.span, "`index` takes the size that it indexes", hints=["`index(n)`"])


def _too_many_axes(ctx: Context, node: tree.Space) -> None:
    a, *rest = (e.span.text for e in node.sizes)
    hint = f"a family leads with more axes: `x[{a}] : R^({','.join(rest)})`"
    return ctx.report.error("E206", node.span, f"{shown(node)} has more than two axes", hints=[hint])


USUAL = {  # what other languages write
    **dict.fromkeys(
        ("real", "Real", "reals", "Reals", "float", "double", "number", "scalar", "vector", "matrix"), "R{0}"
    ),
    **dict.fromkeys(("RR", "Rn", "Vector", "Matrix", "Scalar", "array", "tensor", "Tensor"), "R{0}"),
    **dict.fromkeys(("NonNegativeReals", "NonnegativeReals", "R_", "Rplus", "positive", "nonneg"), "R{0}, nonneg"),
    **dict.fromkeys(("PositiveReals", "R_pos", "pos"), "R{0}, pos"),
    **dict.fromkeys(("PSD", "psd", "SPD", "S_plus", "semidefinite", "PSDCone"), "S{0}, psd"),
    **dict.fromkeys(("symmetric", "Symmetric", "Sym"), "S{0}"),
    **dict.fromkeys(("Simplex", "simplex"), "R{0}, simplex"),
}


def _power(node: tree.Space) -> str:
    """`^n`, `^(m,n)`, or nothing."""
    sizes = ",".join(e.span.text for e in node.sizes)
    return f"^{sizes}" if sizes.isalnum() else f"^({sizes})" if sizes else ""


def _unknown(ctx: Context, node: tree.Space) -> None:
    known = "the spaces are R, R^n, R^(m,n), S^n and, for const data, index(n)"
    real = "R" + node.span.text.removeprefix(node.name)
    match node.name:
        case name if name in YES_OR_NO:
            hints = (f"{CONTINUOUS}; relaxed it is `{real}, between(0, 1)`",)
        case name if name in WHOLE:
            hints = (f"{CONTINUOUS}; relaxed it is `{real}`, to be rounded afterwards", "integer data is `index(n)`")
        case "C":
            hints = ("complex data is not supported", known)
        case name if (joined := re.fullmatch(r"([RS])(\w+)", name)) and not node.sizes:
            hints = (f"write `{joined[1]}^{joined[2]}`",)
        case name if name in ROTATIONS:
            hints = (ROTATION,)
        case "skew" | "Skew" | "so":
            hints = ("declare its entries: with `var w : R^3` the map is `cross(w, a)`",)
        case name if name in USUAL:
            hints = (f"write `{USUAL[name].format(_power(node))}`",)
        case name:
            hints = did_you_mean(name, SPACES) or (known,)
    return ctx.report.error("E206", node.span, f"`{node.name}` is not a space", hints=hints)
