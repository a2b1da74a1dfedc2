"""Functions whose data CVXPY wants as numbers, in forms whose data may move from call to call.

pseudo_huber(x, d) is d*norm([d, x]) - d^2, and a^y is exp(y*log(a)). Equal wherever they are defined, so primal and
dual stay as they are. For the cone backend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from declarative.analysis.words import text
from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Expr, Parameter, Role
from declarative.ir.walk import symbols, transform, varies
from declarative.rewrite.entries import At, entry, over_entries
from declarative.rewrite.standard import Standard


def free_data(standard: Standard) -> Standard:
    """The same problem with these functions written out, where their data are params."""
    log: dict[str, None] = {}

    def new(root: Expr) -> Expr:
        return transform(root, lambda node: _written_out(node, log) if isinstance(node, Call) else node)

    return replace(
        standard,
        objective=new(standard.objective),
        rows=tuple(replace(row, body=new(row.body)) for row in standard.rows),
        cones=tuple(replace(row, elements=tuple(map(new, row.elements))) for row in standard.cones),
        log=standard.log + tuple(log),
    )


def _written_out(node: Call, log: dict[str, None]) -> Expr:
    match node:
        case Call("pseudo_huber", (x, d)) if varies(x) and _moves(d):
            found, form = over_entries(node.shape, _pseudo_huber(x, d)), "`norm`"
        case Call("pow", (a, y)) if varies(y) and _moves(a):
            found, form = apply("exp", apply("mul", apply("log", a), y)), "`exp`"
        case _:
            return node
    assert found is not None
    log[f"`{text(node)}` is written with {form}, so that its data may change"] = None
    return replace(found, origin=node.origin)  # pyright: ignore[reportCallIssue]


def _moves(data: Expr) -> bool:
    """Is it known only when the layer is called?"""
    found = symbols(data)
    return not varies(data) and any(isinstance(s, Parameter) and s.role is not Role.CONST for s in found)


def _pseudo_huber(x: Expr, d: Expr) -> Callable[[At], Expr]:
    """d^2 (sqrt(1 + (x/d)^2) - 1) = d sqrt(d^2 + x^2) - d^2."""

    def of_entry(at: At) -> Expr:
        width = entry(d, at)
        norm = apply("norm", apply("concat", width, entry(x, at)))
        return apply("add", apply("mul", width, norm), apply("neg", apply("square", width)))

    return of_entry
