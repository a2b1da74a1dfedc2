"""A path to what `check` says of it: its problem, what backends make of that, and what is wrong."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace

from declarative.analysis.alike import may_stand_for_others
from declarative.backends.method import forward_of
from declarative.backends.mode import mode_of
from declarative.cli.texts import STDIN, check_source, read_source
from declarative.elaborate.clauses import RUN
from declarative.elaborate.load import Parsed, check_file
from declarative.elaborate.unused import UNUSED
from declarative.ir.problem import Problem
from declarative.layer.taken import taken_names
from declarative.rewrite.repair import Repair, no_backend, repair
from declarative.source.diagnostic import Diagnostic, DiagnosticError
from declarative.source.span import Source
from declarative.syntax.alike import Shortened, shorten
from declarative.syntax.parse import read_tree
from declarative.syntax.tokens.layout import Layout, lay_out
from declarative.syntax.tokens.lexer import Token, lex

LONG = 20_000  # characters; a shorter text is read as it is


@dataclass(frozen=True)
class Judgement:
    """`problem` is None where it cannot be read, `repaired` too where no backend takes it.

    `constraints` of the text are not in `problem`: others in it are like them. `more` diagnostics would speak of these.
    """

    problem: Problem | None
    repaired: Repair | None
    diagnostics: list[Diagnostic]
    constraints: int = 0
    more: int = 0


def judge(path: str, every: bool = True) -> Judgement:
    """With `every` diagnostic, or the first of many. Never raises."""
    try:
        source = read_source(path)
    except DiagnosticError as mistake:
        return Judgement(None, None, list(mistake.diagnostics) if path == STDIN else check_file(path)[1])
    if len(source.text) < LONG:
        return _whole(path, source)
    tokens = lex(source.text)
    layout = lay_out(source, tokens)
    return _short(path, source, tokens, layout, every) or _whole(path, source, read_tree(source, tokens, layout))


def _short(path: str, source: Source, tokens: list[Token], layout: Layout, every: bool = True) -> Judgement | None:
    """The judgement of a long text by a part of it; None where it has to be read as a whole."""
    short = shorten(tokens, layout)
    if short is None:
        return None
    problem, diagnostics = check_source(path, source, read_tree(source, tokens, short.layout))
    if problem is None or not may_stand_for_others(problem, short.numbers):
        return None
    if any(d.code != UNUSED for d in diagnostics):
        return None
    repaired = repair(problem)
    obstacles = _obstacles(problem, repaired)
    more = _of_others(obstacles, short)
    if more is None or (more and every):
        return None
    found = None if obstacles else replace(repaired, of_all=False)
    return Judgement(problem, found, [*diagnostics, *obstacles], short.constraints, more)


def _of_others(diagnostics: list[Diagnostic], short: Shortened) -> int | None:
    """How many more there would be for what is left out; None where that cannot be told."""
    starts = sorted(start for kept, _ in short.rows for start in kept)
    places = [d.span.start for d in diagnostics if d.span is not None]
    counts = Counter(starts[bisect_right(starts, place) - 1] for place in places if starts and place >= starts[0])
    more = 0
    for kept, left_out in short.rows:
        each = {counts[start] for start in kept}
        if len(each) > 1:
            return None
        more += left_out * each.pop()
    return more


def _whole(path: str, source: Source, parsed: Parsed | None = None) -> Judgement:
    problem, diagnostics = check_source(path, source, parsed)
    repaired = None if problem is None else repair(problem)
    if problem is not None and (obstacles := _obstacles(problem, repaired)):
        return Judgement(problem, None, [*diagnostics, *obstacles])
    return Judgement(problem, repaired, diagnostics)


def _obstacles(problem: Problem, repaired: Repair | None) -> list[Diagnostic]:
    """Why the problem cannot be compiled, however it is done."""
    clauses = (forward_of(problem.solve) if has_method(problem) else None, mode_of(problem.differentiate))
    settings = [found for found in clauses if isinstance(found, Diagnostic)]
    return [*no_backend(problem, repaired), *taken_names(problem), *settings]


def has_method(problem: Problem) -> bool:
    return problem.solve is None or problem.solve.name in RUN
