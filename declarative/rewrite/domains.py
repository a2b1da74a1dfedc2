"""Domains made visible: where `log(e)` or `sqrt(e)` stand, a bound keeps the solver inside.

A variable or an entry of one gets a bound; another expression e is lifted, y == e with the bound on y. An open domain
(log, entr) is never active; a closed one (x^1.5 at 0) may be, but where the rows of a kink say the same (those of
abs(x)^1.5 hold its variable above x and -x, both at once where x is 0): a third active row would depend on them.
"""

from __future__ import annotations

from dataclasses import replace

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Constant, Expr, Index, Reduce, Stack, Variable
from declarative.ir.facts import Domain, Sign
from declarative.ir.recursion import Calls, each, run
from declarative.ir.walk import children, varies, with_children
from declarative.rewrite.scope import Additions, Scope
from declarative.rewrite.standard import Row, Standard

EVEN = ("abs", "norm1", "norminf")  # bounded by rows for x and for -x


def show_domains(standard: Standard) -> Standard:
    """The same problem with the domains of its functions as bounds."""
    above = {a.variable for a in standard.auxiliaries if isinstance(a.stands_for, Call) and a.stands_for.atom in EVEN}
    walker = _Walker(Additions(count=len(standard.auxiliaries)), above)
    objective = walker.rewrite(standard.objective, Scope())
    rows = tuple(
        replace(row, body=walker.rewrite(row.body, Scope().inside(row.binders, row.condition))) for row in standard.rows
    )
    return walker.additions.extend(standard, objective, rows)


class _Walker:
    def __init__(self, additions: Additions, above: set[Variable]):
        self.additions = additions
        self.above = above  # variables whose own rows keep them from falling below 0
        self.bounded: set[tuple[Expr, Scope]] = set()
        self.done: dict[tuple[int, Scope], Expr] = {}  # of the expression under way

    def rewrite(self, root: Expr, scope: Scope) -> Expr:
        self.done = {}
        return run(self._rewrite(root, scope))

    def _rewrite(self, node: Expr, scope: Scope) -> Calls[Expr]:
        """Once for a node that stands in several places, as what a `let` names may."""
        if not varies(node):
            return node
        scope = scope.around(node)
        key = (id(node), scope)
        if key in self.done:
            return self.done[key]
        match node:
            case Reduce(binders=binders, condition=condition):
                made = replace(node, body=(yield self._rewrite(node.body, scope.inside(binders, condition))))
            case Stack(binders=binders):
                made = replace(node, body=(yield self._rewrite(node.body, scope.inside(binders, None))))
            case Call(args=args):
                new = list((yield each(self._rewrite(a, scope) for a in args)))
                record = find(node.atom)
                assert record is not None
                for k in range(len(new)):
                    domain = record.domain(k, dict(node.options))
                    if domain in _BOUNDS and varies(args[k]):
                        new[k] = self._inside(new[k], domain, scope, has_slopes(node))
                made = with_children(node, tuple(new))
            case _:
                made = with_children(node, (yield each(self._rewrite(child, scope) for child in children(node))))
        self.done[key] = made
        return made

    def _inside(self, argument: Expr, domain: Domain, scope: Scope, sloped: bool) -> Expr:
        if _proven(facts_of(argument, scope.binders).sign, domain, _is_entry(argument)):
            return argument
        around = scope.around(argument)
        origin = argument.origin
        if not _is_entry(argument):
            lifted = self.additions.variable(argument.shape, around, argument)
            gap = apply("add", lifted, apply("neg", argument))
            self.additions.rows.append(Row((), True, gap, around.binders, around.condition, origin=origin))
            self.additions.note(argument, "is a variable of its own, kept inside the domain")
            argument = lifted
        if (argument, around) not in self.bounded:
            self.bounded.add((argument, around))
            lower, upper, open_domain = _BOUNDS[domain]
            open_domain |= sloped and (argument.base if isinstance(argument, Index) else argument) in self.above
            family = (around.binders, around.condition)
            sides = [apply("add", Constant(lower), apply("neg", argument))] if lower is not None else []
            sides += [apply("add", argument, Constant(-upper))] if upper is not None else []
            for body in sides:
                self.additions.rows.append(Row((), False, body, *family, open_domain=open_domain, origin=origin))
        return argument


def has_slopes(node: Call) -> bool:
    """A power that is 0 at 0 and has a slope there."""
    return node.atom == "power" and node.option("p") > 1


_BOUNDS: dict[Domain, tuple[float | None, float | None, bool]] = {  # lower, upper, open
    Domain.POS: (0.0, None, True),
    Domain.NONNEG: (0.0, None, False),
    Domain.ABOVE_MINUS_ONE: (-1.0, None, True),
    Domain.BELOW_ONE: (None, 1.0, True),
    Domain.NEG: (None, 0.0, True),
    Domain.UNIT: (-1.0, 1.0, False),
    Domain.CONTRACTING: (0.0, None, False),
}


def _proven(sign: Sign, domain: Domain, entry: bool) -> bool:
    """Does the sign alone keep an argument inside? A variable gets its bound all the same, for the solver to see."""
    match domain:
        case Domain.POS:
            return sign in Sign.POS and not entry
        case Domain.NONNEG | Domain.CONTRACTING:
            return sign.nonneg and not entry
        case Domain.ABOVE_MINUS_ONE:
            return sign.nonneg
        case _:
            return False


def _is_entry(e: Expr) -> bool:
    """A variable, or a part of one?"""
    return isinstance(e, Variable) or (isinstance(e, Index) and isinstance(e.base, Variable))
