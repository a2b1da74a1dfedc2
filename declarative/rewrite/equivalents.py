"""Expressions in equivalent forms that the rules of convexity know: each rule in a file of its own.

The forms are equal as functions, so values, primal and dual go back as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from declarative.analysis.facts import facts_of
from declarative.analysis.words import text
from declarative.ir.expr import Call, Expr, Index, Reduce, Stack
from declarative.ir.facts import Curvature
from declarative.ir.walk import children, fold, postorder, varies, with_children
from declarative.rewrite.logsumexp import log_of_exponentials
from declarative.rewrite.norms import root_of_squares
from declarative.rewrite.products import absolute_of_nonneg, entropy, powers
from declarative.rewrite.ratios import squares_over
from declarative.source.span import Span

Rule: TypeAlias = Callable[[Call], Expr | None]
Equivalent: TypeAlias = tuple[Expr, tuple[str, ...]]  # the new form, and what was done
RULES: dict[Rule, tuple[str, ...]] = {  # with the functions that a rule looks at
    absolute_of_nonneg: ("abs",),
    entropy: ("dot", "mul"),
    powers: ("mul", "div"),
    root_of_squares: ("sqrt", "power"),
    log_of_exponentials: ("log", "log1p"),
    squares_over: ("div",),
}
PRODUCTS = (absolute_of_nonneg, entropy, powers)


def to_equivalents(root: Expr, done: Mapping[int, Equivalent] = MappingProxyType({})) -> Equivalent:
    """The expression with every rule applied that fits, from the leaves up, and a line for each.

    `done` holds the forms of some of its parts, by their identity.
    """
    log: dict[str, None] = {}

    def known(node: Expr) -> Expr | None:
        if not varies(node):
            return node
        form, lines = done.get(id(node), (None, ()))
        log.update(dict.fromkeys(lines))
        return form

    def step(node: Expr, parts: tuple[Expr, ...]) -> Expr:
        rebuilt = with_children(node, parts)
        for rule, names in RULES.items() if isinstance(rebuilt, Call) else ():
            if not isinstance(rebuilt, Call) or rebuilt.atom not in names:
                continue
            if (found := rule(rebuilt)) is not None and _helps(rule, found):
                log[f"`{text(node)}` is written as {_form(found)}"] = None
                rebuilt = _placed(found, node.origin)
        return rebuilt

    return fold(root, step, known), tuple(log)


def _helps(rule: Rule, found: Expr) -> bool:
    """Another function without curvature says no more than the text does; a product may become part of one that has."""
    return rule in PRODUCTS or facts_of(found).curvature is not Curvature.UNKNOWN


def _form(e: Expr) -> str:
    """The function that a form is made with: `norm`, a product with `entr`."""
    match e:
        case Stack(body=body):
            return _form(body)
        case Call("mul" | "neg" | "sum", args):
            inner = [a for a in args if varies(a)]
            return _form(inner[-1])
        case Call("power"):
            return f"a power {e.option('p'):g}"
        case Call(atom):
            return f"`{atom}`"
        case _:
            return f"`{text(e)}`"


def _placed(root: Expr, origin: Span | None) -> Expr:
    """New nodes stand where the old one stood; what the user wrote keeps its place."""
    new: dict[int, Expr] = {}
    for node in postorder(root, _is_new):
        rebuilt = with_children(node, tuple(new[id(c)] for c in children(node))) if _is_new(node) else node
        new[id(node)] = replace(rebuilt, origin=origin) if _is_new(rebuilt) else rebuilt
    return new[id(root)]


def _is_new(node: Expr) -> bool:
    return isinstance(node, Call | Stack | Index | Reduce) and node.origin is None
