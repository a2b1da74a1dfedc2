"""The calls of a problem that read data where their domain is bounded: `log(a)` in `log(a)*x`, `huber(x, M)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from declarative.analysis.facts import facts_of
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Reduce, Stack
from declarative.ir.facts import Domain, Sign
from declarative.ir.problem import Comparison, Problem, Relation
from declarative.ir.walk import children, varies
from declarative.rewrite.scope import Scope


@dataclass(frozen=True)
class Site:
    """A call within the indices around it, and the domains of its arguments that are data, by their numbers.

    `whole`: in a whole side of an inequality, which may be infinite.
    """

    call: Call
    scope: Scope
    domains: dict[int, Domain]
    whole: bool


def sites(problem: Problem) -> list[Site]:
    """Arguments before the calls that read them; a call that stands in several places once.

    Where promises keep the data inside nothing is left to ask.
    """
    found: dict[tuple[Call, Scope, bool], Site] = {}
    for root, scope, side in _roots(problem):
        whole = side and not varies(root)
        for node, around in reversed(list(_calls(root, scope))):
            if domains := _bounded(node, around):
                own = around.around(node)
                found.setdefault((node, own, whole), Site(node, own, domains, whole))
    return list(found.values())


def _roots(problem: Problem) -> Iterator[tuple[Expr, Scope, bool]]:
    """The third: is it a side of an inequality?"""
    if problem.objective.body is not None:
        yield problem.objective.body, Scope(), False
    for c in problem.constraints:
        scope = Scope().inside(c.binders, c.condition)
        if isinstance(c, Comparison):
            yield from ((side, scope, c.relation is not Relation.EQ) for side in (c.left, c.right))
        else:
            yield from ((e, scope, False) for e in c.elements)
            yield from ((e, scope, c.cone == "Box") for e in c.args)
    for declaration in problem.variables:
        yield from ((e, Scope(), True) for a in declaration.symbol.attributes if a.name == "between" for e in a.args)


def _calls(root: Expr, scope: Scope) -> Iterator[tuple[Call, Scope]]:
    """Those that hold data, each before its arguments."""
    seen: set[tuple[int, Scope]] = set()
    stack = [(root, scope)]
    while stack:
        node, around = stack.pop()
        around = around.around(node)
        if (id(node), around) in seen:
            continue
        seen.add((id(node), around))
        if isinstance(node, Call):
            yield node, around
        if isinstance(node, Reduce | Stack):
            around = around.inside(node.binders, node.condition if isinstance(node, Reduce) else None)
        stack.extend((child, around) for child in children(node))


def _bounded(node: Call, scope: Scope) -> dict[int, Domain]:
    record, options = find(node.atom), dict(node.options)
    assert record is not None
    domains = {k: record.domain(k, options) for k in range(len(node.args))}
    return {
        k: domain for k, domain in domains.items() if domain is not Domain.ALL and _open(node.args[k], domain, scope)
    }


def _open(arg: Expr, domain: Domain, scope: Scope) -> bool:
    """Is it made of data or numbers alone, and may be outside?"""
    return not varies(arg) and not _kept(arg, domain, scope)


def _kept(arg: Expr, domain: Domain, scope: Scope) -> bool:
    """Do the promises keep an argument inside?"""
    facts = facts_of(arg, scope.binders)
    match domain:
        case Domain.POS | Domain.NONZERO:
            return facts.sign in Sign.POS
        case Domain.NONNEG | Domain.ABOVE_MINUS_ONE:
            return facts.sign.nonneg
        case Domain.PD:
            return facts.form in Sign.POS
        case Domain.PSD:
            return facts.form.nonneg
        case _:
            return False
