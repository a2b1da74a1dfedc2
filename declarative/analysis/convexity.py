"""What is not convex to diagnostics: the innermost culprit, the rule that it breaks, what would help.

They are errors only where the cone backend was asked for or no backend accepts the problem; else they are remarks.
"""

from __future__ import annotations

from declarative.analysis.arguments import argument_notes
from declarative.analysis.classify import NOT_CONVEX, Classification, Verdict, classify
from declarative.analysis.curvature import Blame, Fault
from declarative.analysis.hints import hints
from declarative.analysis.pieces import SIDES, Piece
from declarative.analysis.words import CUT, article, because, manner, text, title
from declarative.ir.expr import Call, Expr
from declarative.ir.facts import Curvature
from declarative.ir.problem import Comparison, Membership, Objective, Problem, Relation, Sense
from declarative.source.diagnostic import Diagnostic, Label, Severity
from declarative.source.span import Span

CODES = {
    Fault.CURVATURE: "D101",
    Fault.PRODUCT: "D103",
    Fault.RATIO: "D104",
    Fault.SIGN: "D105",
    Fault.FORM: "D107",
    Fault.SHAPELESS: "D108",
    Fault.FOREIGN: "D109",
}


def convexity_errors(
    problem: Problem, severity: Severity = Severity.ERROR, original: Classification | None = None
) -> list[Diagnostic]:
    """One diagnostic for each expression to blame, and for each attribute that is no convex set; none if convex.

    `original` is what the user's problem is, where this one has been rewritten: it says which other backend takes it.
    """
    found = classify(problem)
    elsewhere = _elsewhere(original or found)
    diagnostics: dict[object, Diagnostic] = {}
    for declaration in problem.variables:
        for attribute in declaration.symbol.attributes:
            if attribute.name in NOT_CONVEX:
                span = attribute.origin or declaration.origin
                message = f"`{attribute.name}` describes a set that is not convex"
                diagnostics[declaration, attribute.name] = Diagnostic("D110", severity, span, message)
    for verdict in found.verdicts:
        if verdict.blame is not None:
            key = verdict.blame.culprit.origin or id(verdict.blame.culprit)
            diagnostics.setdefault(key, _diagnostic(problem, verdict, verdict.blame, elsewhere, severity))
    return list(diagnostics.values())


def _elsewhere(found: Classification) -> tuple[str, ...]:
    """A note on the other backend, where that takes the problem."""
    if not found.smooth or found.memberships:
        return ()
    return (SMOOTH_OTHERWISE if any(v.kinks for v in found.verdicts) else SMOOTH,)


def _diagnostic(
    problem: Problem, verdict: Verdict, blame: Blame, elsewhere: tuple[str, ...], severity: Severity
) -> Diagnostic:
    code, span, message, label = _what(verdict.piece, blame)
    labels = _labels(blame) if code == "D102" else ()
    named = argument_notes(problem, verdict.piece.owner.origin, span)
    notes = [*named, *_chain(blame, labelled=bool(labels)), _requirement(verdict.piece), *elsewhere]
    helps = [f"{hint} ({SHORTENED})" if CUT in hint else hint for hint in hints(verdict.piece, blame, bool(elsewhere))]
    helps += [OTHER_BACKEND] if elsewhere and not helps and severity is Severity.ERROR else []
    return Diagnostic(code, severity, span, message, label, labels, tuple(notes), tuple(helps))


LONGEST_CHAIN = 5
SHORTENED = f"where `{CUT.strip()}` stands, the text is shortened"
SMOOTH = "it is smooth, so the kkt backend takes it unchanged"
OTHER_BACKEND = 'backend="kkt" looks for a local optimum of it, as it is'
SMOOTH_OTHERWISE = "its kinks have linear forms, so the kkt backend takes it"


def _what(piece: Piece, blame: Blame) -> tuple[str, Span | None, str, str]:
    """Code, place, message and the words beside the caret."""
    culprit, look = blame.culprit, blame.look
    code = CODES[blame.fault]
    match blame.fault:
        case Fault.CURVATURE if blame.parent is not None and _speaks_of_argument(blame):
            needs, curvature = blame.argument_needs.value, look(blame.argument).curvature
            its = curvature if curvature is not Curvature.UNKNOWN else look(culprit).curvature
            place = blame.argument if curvature is not Curvature.UNKNOWN else culprit
            message = f"`{title(blame.parent)}` needs {article(needs)} argument here, this one is {its.value}"
            return "D102", place.origin, message, because(place, look)
        case Fault.CURVATURE:
            equality = isinstance(piece.owner, Comparison) and piece.owner.relation is Relation.EQ
            needs, its = blame.needed.value, look(culprit).curvature.value
            message = f"`{text(culprit)}` is {its}, {article(needs)} expression is needed here"
            return "D106" if equality else code, culprit.origin, message, because(culprit, look)
        case Fault.PRODUCT:
            message = f"`{text(culprit)}` multiplies expressions of the variables: neither convex nor concave"
        case Fault.RATIO:
            message = f"`{text(culprit)}` divides by an expression of the variables: neither convex nor concave"
        case Fault.SIGN:
            factor, curved = _factor(culprit, blame)
            message = (
                f"the sign of `{text(factor)}` is not known, so its product with `{text(curved)}` has no curvature"
            )
            return code, factor.origin or culprit.origin, message, because(curved, look)
        case Fault.FORM:
            matrix = culprit.args[1] if isinstance(culprit, Call) else culprit
            wanted = "negative semidefinite" if blame.needed is Curvature.CONCAVE else "positive semidefinite"
            message = f"`{text(culprit)}` needs a {wanted} matrix; nothing says that `{text(matrix)}` is one"
        case Fault.SHAPELESS:
            message = f"`{text(culprit)}` is neither convex nor concave here"
        case Fault.FOREIGN:
            message = f"`{text(culprit)}` is a function from outside: nothing is known of its curvature"
    return code, culprit.origin, message, ""


def _speaks_of_argument(blame: Blame) -> bool:
    """Not where entries of both curvatures hold the culprit behind a minus: it needs another than they do."""
    known = blame.look(blame.argument).curvature is not Curvature.UNKNOWN
    return known or blame.needed is blame.argument_needs


def _factor(culprit: Expr, blame: Blame) -> tuple[Expr, Expr]:
    assert isinstance(culprit, Call)
    a, b = culprit.args
    return (a, b) if blame.look(a).curvature is Curvature.CONSTANT else (b, a)


def _labels(blame: Blame) -> tuple[Label, ...]:
    """The function around the culprit, at its name: "concave and increasing"."""
    parent = blame.parent
    if parent is None or parent.origin is None:
        return ()
    name, span = title(parent), parent.origin
    if span.text.startswith(name):
        span = Span(span.source, span.start, span.start + len(name))
    elif blame.argument.origin is not None and blame.argument.origin.end < span.end:
        span = Span(span.source, blame.argument.origin.end, span.end)
    return (Label(span, manner(parent, blame.look)),)


def _chain(blame: Blame, labelled: bool) -> list[str]:
    """The curved functions around the culprit, from the inside out; the innermost may stand in a label already."""
    around = blame.chain[: len(blame.chain) - labelled]
    told = [f"around it, {step.reason}: it needs {article(step.needs.value)} argument" for step in reversed(around)]
    return told if len(told) <= LONGEST_CHAIN else [*told[:LONGEST_CHAIN], f"and {len(told) - LONGEST_CHAIN} more"]


def _requirement(piece: Piece) -> str:
    match piece.owner:
        case Objective(sense=sense):
            verb, wanted = ("minimised", "convex") if sense is Sense.MINIMIZE else ("maximised", "concave")
            return f"what is {verb} must be {wanted}"
        case Comparison(relation=Relation.EQ):
            return "both sides of `==` must be affine"
        case Comparison(relation=relation):
            left, right = (side.value for side in SIDES[relation])
            return f"`{relation.value}` describes a convex set where its left side is {left} and its right side {right}"
        case Membership(cone=cone):
            return f"what is in `{cone}` must be affine"
