"""Hypothesis strategies for syntax trees: every node, nested in every way that the tree's types allow."""

from typing import Any

from hypothesis import strategies as st

from declarative.source.span import Source, Span
from declarative.syntax import tree as t
from declarative.syntax.tokens.lexer import WORDS

_NOWHERE = {"span": Span(Source("nowhere", ""), 0, 0)}

names = st.sampled_from(["x", "y1", "_z", "index", "R", "T", "to", "α", "subject", "quad", "x_2"])
fields = st.sampled_from(["dual", "lower", "value", "e5"])
numbers = st.sampled_from(["0", "1", "20", "0.20", ".5", "1e-3", "2.5E+7", ".5e1"])
docs = st.none() | st.text(st.sampled_from("ab\"\\ #;'é"), max_size=8)
comments = st.sampled_from(["# a remark", "#", '# a + [ ( ; "', "#x == 3"])


def node(kind: type, *parts: st.SearchStrategy, **named: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda *values, **others: kind(*values, **others, **_NOWHERE), *parts, **named)


def tuples(item: st.SearchStrategy, least: int = 0, most: int = 3) -> st.SearchStrategy:
    return st.lists(item, min_size=least, max_size=most).map(tuple)


def pairs(signs: list[str], item: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    return tuples(st.tuples(st.sampled_from(signs), item), 1, most)


def _compound(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Expressions one level higher; no brackets, so that `parenthesise` has its work to do."""
    name = node(t.Name, names)
    ranges = inner | node(t.Range, inner, inner)
    binders = node(t.For, names, ranges)
    fors = node(t.Fors, tuples(binders, 1, 2), st.none() | inner)
    keywords = node(t.Keyword, names, inner)
    slices = node(t.Slice, st.none() | inner, st.none() | inner)
    members = node(t.Tuple, tuples(inner, 2))
    logic = st.sampled_from(["and", "or"]).flatmap(lambda op: node(t.Logic, st.just(op), tuples(inner, 2)))
    return st.one_of(
        node(t.Paren, inner),
        node(t.Unary, st.sampled_from("+-"), inner),
        node(t.Sum, inner, pairs(["+", "-"], inner)),
        node(t.Product, inner, pairs(["*", "/", ".*", "./"], inner)),
        node(t.Power, st.sampled_from(["^", ".^"]), inner, inner),
        node(t.Transpose, inner),
        node(t.Attribute, inner, fields),
        node(t.Call, name, tuples(inner | keywords), st.none()),
        node(t.Call, name, tuples(inner, 1, 1), fors),
        node(t.Subscript, inner, tuples(inner | slices, 1)),
        node(t.Array, tuples(tuples(inner, 1), 1)),
        node(t.Compare, inner, pairs(["<=", ">=", "==", "!=", "<", ">", "in"], inner, 2)),
        node(t.Compare, members, st.tuples(st.tuples(st.just("in"), inner))),
        node(t.Not, inner),
        logic,
    )


leaves = st.one_of(node(t.Number, numbers), node(t.Name, names), node(t.Infinity))
expressions: st.SearchStrategy[Any] = st.recursive(leaves, _compound, max_leaves=12)

_ranges = node(t.Range, expressions, expressions)
_fors = st.none() | node(t.Fors, tuples(node(t.For, names, expressions | _ranges), 1, 2), st.none() | expressions)
_spaces = node(t.Space, st.sampled_from(["R", "S", "index", "Q"]), tuples(expressions, 0, 2))
_attributes = node(t.AttributeItem, names, tuples(expressions, 0, 2))
_defaults = st.none() | expressions
_comments = {
    "comments": tuples(comments | st.just(""), 0, 3).map(lambda lines: _no_two_blanks(lines)),
    "trailing": st.none() | comments,
}
_relations = node(t.Compare, expressions, pairs(["<="], expressions, 2)) | node(
    t.Compare, expressions, st.tuples(st.tuples(st.just("in"), expressions))
)


def _no_two_blanks(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for i, line in enumerate(lines) if line or not i or lines[i - 1])


def statement(kind: type, *parts: st.SearchStrategy) -> st.SearchStrategy:
    return node(kind, *parts, **_comments)


problems = statement(t.ProblemLine, names, docs)
imports = statement(t.Import, names)
declarations = st.one_of(
    statement(t.Dim, tuples(node(t.DimItem, names, _defaults), 1), docs),
    statement(
        t.Declaration,
        st.sampled_from(["param", "const", "learn", "var"]),
        names,
        tuples(expressions | _ranges, 0, 2),
        _spaces,
        tuples(_attributes, 0, 2),
        _defaults,
        docs,
    ),
    statement(t.Extern, names, tuples(_spaces, 1), _spaces, docs),
    statement(t.Let, names, tuples(names, 0, 2), expressions, _fors),
    statement(t.Def, names, tuples(node(t.Signature, names, _spaces)), _spaces, expressions),
    statement(t.Assume, _relations, _fors),
)
objectives = statement(t.Objective, st.sampled_from(["minimize", "maximize"]), tuples(expressions, 1, 1)) | statement(
    t.Objective, st.just("find"), tuples(node(t.Name, names), 1)
)
constraints = statement(t.Constraint, st.none() | names, _relations, _fors)
returns = statement(t.Return, tuples(node(t.ReturnItem, st.none() | names, expressions), 1))
clauses = statement(
    t.Clause,
    st.sampled_from(["solve", "differentiate"]),
    names,
    st.none() | tuples(expressions | node(t.Keyword, names, expressions)),
)


@st.composite
def files(draw: st.DrawFn) -> t.File:
    """Whole files with their statements in order, and blank lines only where a file keeps them."""
    parts = [tuples(problems, 0, 1), tuples(imports, 0, 1), tuples(declarations), tuples(objectives, 1, 1)]
    parts += [st.sampled_from([0, 1, 2])]
    statements = [each for part in parts[:-1] for each in draw(part)]
    if count := draw(parts[-1]):
        statements += [draw(statement(t.SubjectTo)), *draw(tuples(constraints, count, count))]
    statements += draw(tuples(returns, 0, 1))
    kinds = draw(st.lists(clauses, max_size=2, unique_by=lambda clause: clause.kind))
    statements += sorted(kinds, key=lambda clause: clause.kind != "solve")
    first = statements[0]
    statements[0] = type(first)(**(vars(first) | {"comments": _from_text(first.comments)}))
    ending = draw(tuples(comments | st.just(""), 0, 3)) if draw(st.booleans()) else ()
    return t.File(tuple(statements), _at_the_end(_no_two_blanks(ending)), **_NOWHERE)


def _from_text(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[1:] if lines[:1] == ("",) else lines


def _at_the_end(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[:-1] if lines[-1:] == ("",) else lines


assert not {"x", "to", "subject"} & WORDS
