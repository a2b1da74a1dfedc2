"""A statement that cannot be read to a diagnostic with its remedy: what people get wrong, most telling first."""

from collections.abc import Callable

from declarative.source.diagnostic import error
from declarative.source.span import Source
from declarative.syntax.mistakes import (
    bars,
    bounds,
    braces,
    comparing,
    declaring,
    elsewhere,
    idioms,
    indices,
    labels,
    latex,
    loops,
    operands,
    words,
)
from declarative.syntax.mistakes.declaring import function_of_python
from declarative.syntax.mistakes.strays import stray
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.layout import Line

__all__ = ["Mistake", "Trouble", "explain", "explain_bare", "explain_read", "function_of_python"]


SETS = ("PSD", "SOC", "EXP", "POW", "Simplex", "Box", "Ball")


def explain(trouble: Trouble) -> Mistake:
    """The first reading of the trouble that fits; the last one always does."""
    for reading in _READINGS:
        if mistake := reading(trouble):
            return mistake
    return _unexpected(trouble)


def explain_bare(source: Source, line: Line) -> Mistake:
    """A statement that reads as an expression alone, where a constraint should compare two."""
    trouble = Trouble(source, line, min(1, len(line.tokens)), frozenset())
    if mistake := _bare_of_others(trouble):
        return mistake
    first = line.tokens[0]
    span = trouble.span(first, line.tokens[-1])
    if first.text in SETS and trouble.token.type == "(":
        hints = [f"write `{source.text[trouble.token.start : line.end]} in {first.text}`"]
        return Mistake(error("E120", span, f"`{_shortened(span.text)}` is no constraint", hints=hints))
    if first.type in ("+", "-"):
        hints = [f"if the line before goes on, end it with `{first.text}`"]
        return Mistake(error("E120", span, f"`{_shortened(span.text)}` stands alone", hints=hints))
    if [token.type for token in line.tokens[:2]] == ["NAME", ":"] and first.text.lower() in labels.OBJECTIVES:
        body = _shortened(source.text[line.tokens[1].end : line.end])
        hints = [f"write `minimize {body}`, or `maximize`"]
        return Mistake(error("E120", span, f"`{first.text}` {labels.UNDIRECTED}", hints=hints))
    if first.type == "(" and line.tokens[-1].type == ")" and set(comparing.COMPARING) & {s.type for s in line.tokens}:
        hints = ["leave out the brackets around it"]
        return Mistake(error("E120", span, f"`{_shortened(span.text)}` is no constraint", hints=hints))
    message = f"`{_shortened(span.text)}` is neither a constraint nor another statement"
    hints = ["compare it with something: `... <= ...`, `... == ...`, `... in PSD`"]
    return Mistake(error("E120", span, message, hints=hints))


def _bare_of_others(t: Trouble) -> Mistake | None:
    readings = (loops.block, elsewhere.solving, words.misspelt, labels.sense_as_a_name, declaring.kind_left_out)
    return next((mistake for reading in readings if (mistake := reading(t))), None)


def explain_read(source: Source, line: Line) -> Mistake | None:
    """`s.t. x >= 0`, which reads as a constraint on a field `x` of the field `t` of s, and `st:` above constraints."""
    trouble = Trouble(source, line, 0, frozenset())
    if [token.text for token in line.tokens[:4]] == ["s", ".", "t", "."]:
        return elsewhere.such_that_first(trouble)
    return elsewhere.such_that_as_a_name(trouble)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _unexpected(t: Trouble) -> Mistake:
    label = _wish(t)
    if t.token.type == "$END":
        after = t.before.text if t.before else ""
        return Mistake(error("E113", t.span(t.before), f"the statement ends too early, after `{after}`", label=label))
    return Mistake(error("E113", t.span(), f"`{t.token.text}` does not fit here", label=label))


_READABLE = {"NAME": "a name", "NUMBER": "a number", "STRING": "a doc string", "$END": "the end of the line"}


def _wish(t: Trouble) -> str:
    """`expected `:` or `[``: at most four things, an expression counting as one."""
    if t.wants_operand:
        return "expected an expression"
    plain = sorted(t.expected - {"≤", "≥", "∈", "**"}, key=lambda kind: (kind not in _READABLE, kind))
    wishes = [_READABLE.get(kind, f"`{kind}`") for kind in plain]
    if not wishes or len(wishes) > 4:
        return "expected an operator" if t.wants("*") else ""
    return "expected " + (" or ".join([", ".join(wishes[:-1]), wishes[-1]]) if len(wishes) > 1 else wishes[0])


_READINGS: tuple[Callable[[Trouble], Mistake | None], ...] = (
    latex.double_bars,
    latex.command,
    elsewhere.import_of_python,
    loops.block,
    loops.quantifier_first,
    elsewhere.macro,
    elsewhere.such_that_first,
    elsewhere.typed,
    labels.label_with_indices,
    indices.family,
    braces.brace,
    elsewhere.solving,
    elsewhere.solve_statement,
    elsewhere.declared_together,
    words.misspelt,
    bars.bars,
    words.doc_in_single_quotes,
    words.name_of_the_problem,
    stray,
    words.lambda_expression,
    words.conditional_expression,
    labels.objective_with_colon,
    labels.label_of_objective,
    idioms.constraints_behind,
    idioms.solution,
    indices.for_all,
    indices.index_after_comma,
    indices.condition_first,
    indices.index_range,
    indices.range_with_dots,
    indices.index_first,
    indices.for_left_out,
    indices.for_behind_brackets,
    indices.array_over_an_index,
    loops.loop_first,
    indices.second_for,
    idioms.norm_by_name,
    declaring.attribute_behind_default,
    words.reserved,
    elsewhere.several_at_once,
    bounds.interval,
    words.two_statements,
    words.joining,
    idioms.declared_in_python,
    elsewhere.relation_of_gams,
    elsewhere.name_with_two_dots,
    labels.objective_as_a_name,
    labels.label_of_several_words,
    comparing.assigned,
    comparing.equals_for_comparison,
    comparing.comparison_for_equals,
    declaring.size_of_a_dim,
    declaring.second_declaration,
    bounds.bounds,
    comparing.comparison_in_arithmetic,
    declaring.size_without_brackets,
    declaring.sizes_apart,
    declaring.sizes_without_brackets,
    declaring.space_left_out,
    declaring.brackets_of_a_space,
    declaring.sizes_in_square_brackets,
    declaring.missing_colon,
    declaring.start_without_brackets,
    declaring.sizes_with_a_cross,
    declaring.missing_comma,
    declaring.argument_without_space,
    declaring.function_as_let,
    declaring.space_of_a_let,
    idioms.method,
    idioms.semidefinite,
    idioms.inner_product,
    operands.power,
    elsewhere.said_behind,
    labels.objective_without_sense,
    labels.label_numbered,
    labels.label_without_colon,
    labels.label_behind,
    labels.multiplier_behind,
    operands.slashes,
    indices.index_below,
    operands.function_without_brackets,
    operands.juxtaposed,
    operands.decimal_point,
    operands.range_as_subscript,
    operands.list_in_brackets,
    operands.semicolon,
    operands.line_begins_with_operator,
    operands.norm_by_string,
    operands.slice_in_round_brackets,
    operands.subscripts_in_round_brackets,
    operands.terms_left_out,
    operands.unequal,
    operands.missing_operand,
    operands.missing_name,
)
