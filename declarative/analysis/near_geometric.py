"""A problem that is nearly a geometric program to remarks: the innermost culprit, what was needed, what would help."""

from __future__ import annotations

from typing import assert_never

from declarative.analysis.classify import classify
from declarative.analysis.facts import facts_of
from declarative.analysis.geometric import Geometric, Obstacle, geometric
from declarative.analysis.loglog import LogBlame, LogFault
from declarative.analysis.symbols import symbol_facts
from declarative.analysis.words import text, title
from declarative.ir.expr import Call, Expr, Index, Parameter, Variable
from declarative.ir.facts import Curvature, Sign
from declarative.ir.problem import Comparison, Problem, Relation
from declarative.source.diagnostic import Diagnostic, Severity
from declarative.source.span import Span

NEARLY = "every variable is positive, so the program would be geometric but for this"
MOVED = "a term that is subtracted from a whole side can stand on the other one, if that is a monomial then"
ONLY = "a geometric program has positive coefficients only"
KINDS = {
    Curvature.CONSTANT: "a positive constant",
    Curvature.AFFINE: "log-log affine, a monomial",
    Curvature.CONVEX: "log-log convex, as a sum of monomials is",
    Curvature.CONCAVE: "log-log concave, as the least of monomials is",
}
NEEDS = {
    Curvature.CONSTANT: "a positive constant",
    Curvature.AFFINE: "a monomial, a product of powers,",
    Curvature.CONVEX: "a log-log convex expression",
    Curvature.CONCAVE: "a log-log concave expression, such as a monomial,",
}


def geometric_remarks(problem: Problem) -> list[Diagnostic]:
    """None for a program that is geometric, or convex, or not nearly geometric: with variables of any sign, or with
    several obstacles of which one stays, whatever is declared.
    """
    found = geometric(problem) if not classify(problem).convex else None
    if found is None or found.holds or not all(_nonnegative(v) for v in found.lacking):
        return []
    if found.obstacles:
        told = {_key(o): _obstacle(o) for o in found.obstacles}.values()
        return list(told) if len(told) == 1 or all(remark.hints for remark in told) else []
    return [_lacking(v, found) for v in found.lacking]


def _nonnegative(variable: Variable) -> bool:
    return symbol_facts(variable, lambda bound: facts_of(bound).sign).sign.nonneg


def _key(obstacle: Obstacle) -> object:
    return (obstacle.blame.culprit.origin or id(obstacle.blame.culprit)) if obstacle.blame else id(obstacle)


def _remark(span: Span | None, message: str, *hints: str) -> Diagnostic:
    return Diagnostic("D112", Severity.REMARK, span, message, notes=(NEARLY,), hints=hints)


def _lacking(variable: Variable, found: Geometric) -> Diagnostic:
    message = f"`{variable.name}` may be 0; in a geometric program every variable is positive"
    declaration = next(d for d in found.problem.variables if d.symbol == variable)
    hint = f"declare `{variable.name}` with the attribute `pos`, if it is"
    return Diagnostic("D112", Severity.REMARK, declaration.origin, message, hints=(hint,))


def _obstacle(obstacle: Obstacle) -> Diagnostic:
    owner = obstacle.owner
    if obstacle.blame is not None:
        message, hints = _blame(obstacle.blame)
        return _remark(obstacle.blame.culprit.origin or owner.origin, message, *hints)
    if obstacle.attribute is not None:
        message = f"`{obstacle.attribute.name}` describes no set of positive numbers that logarithms make convex"
        return _remark(obstacle.attribute.origin or owner.origin, message)
    assert isinstance(owner, Comparison)
    never = "is never 0" if owner.relation is Relation.EQ else "is never 0 or less"
    return _remark(owner.origin, f"what is positive {never}, so this holds for no positive variables")


def _blame(blame: LogBlame) -> tuple[str, tuple[str, ...]]:
    """The message and its hints."""
    culprit, words = blame.culprit, _text(blame.culprit)
    match blame.fault:
        case LogFault.DIFFERENCE:
            inner = words.removeprefix("-").strip()
            return f"`{inner}` is subtracted here; a geometric program adds positive terms only", (MOVED,)
        case LogFault.DATA if facts_of(culprit).sign in Sign.NONPOS:
            return f"`{words}` is {'negative' if facts_of(culprit).sign in Sign.NEG else 'not positive'}; {ONLY}", ()
        case LogFault.DATA:
            return f"nothing says that `{words}` is positive", _declare(culprit)
        case LogFault.SIGNED:
            return f"nothing says that `{words}` is positive", (
                "a declared lower bound of its argument may: `between(1, inf)`",
            )
        case LogFault.FUNCTION:
            return f"`{title(culprit)}` is no function of geometric programs", ()
        case LogFault.FOREIGN:
            return f"`{words}` is a function from outside: nothing is known of it", ()
        case LogFault.CURVATURE if blame.found is Curvature.UNKNOWN:
            return f"`{words}` is neither log-log convex nor log-log concave", ()
        case LogFault.CURVATURE:
            return f"`{words}` is {KINDS[blame.found]}; {NEEDS[blame.needed]} is needed here", ()
        case _:
            assert_never(blame.fault)


def _text(e: Expr) -> str:
    """The user's words; a side to which terms were moved is their sum."""
    if isinstance(e, Call) and e.atom == "add" and e.origin is None:
        return " + ".join(text(term) for term in e.args)
    return text(e)


def _declare(e: Expr) -> tuple[str, ...]:
    symbol = e.base if isinstance(e, Index) else e
    if isinstance(symbol, Parameter):
        return (f"declare `{symbol.name}` with the attribute `pos`, if it is",)
    return ()
