"""One rule of the grammar to one node of the tree: a function for each, called with the rule's children in order."""

import re
from collections.abc import Callable
from typing import Any

from declarative.source.span import Span
from declarative.syntax import tree
from declarative.syntax.tokens.lexer import Token

_PLAIN_SIGNS = {"≤": "<=", "≥": ">=", "∈": "in", "**": "^"}


def _sign(span: Span, token: Token) -> str:
    return _PLAIN_SIGNS.get(token.text, token.text)


def _tuple(span: Span, *items: Any) -> tuple:
    return items


def _texts(span: Span, *names: Token) -> tuple[str, ...]:
    return tuple(name.text for name in names)


def _one(span: Span, item: Any) -> Any:
    return item


def _doc(token: Token | None) -> str | None:
    """The text of a string; a backslash stands before `"` and before itself."""
    if token is None:
        return None
    return re.sub(r'\\(["\\])', r"\1", token.text[1:-1])


def _pairs(flat: tuple[Any, ...]) -> tuple[tuple[Any, Any], ...]:
    return tuple(zip(flat[::2], flat[1::2], strict=True))


# --- statements --------------------------------------------------------------------------------


def _problem(span: Span, name: Token, doc: Token | None) -> tree.ProblemLine:
    return tree.ProblemLine(name.text, _doc(doc), span=span)


def _import(span: Span, name: Token) -> tree.Import:
    return tree.Import(name.text, span=span)


def _dim(span: Span, items: tuple[tree.DimItem, ...], doc: Token | None) -> tree.Dim:
    return tree.Dim(items, _doc(doc), span=span)


def _dim_item(span: Span, name: Token, default: tree.Expression | None) -> tree.DimItem:
    return tree.DimItem(name.text, default, span=span)


def _declaration(span: Span, kind: Any, name: Token, family: Any, space: Any, attributes: Any, default: Any, doc: Any):
    return tree.Declaration(kind, name.text, family or (), space, attributes, default, _doc(doc), span=span)


def _space(span: Span, name: Token, sizes: Any = None) -> tree.Space:
    return tree.Space(name.text, sizes or (), span=span)


def _attribute(span: Span, name: Token, args: Any) -> tree.AttributeItem:
    return tree.AttributeItem(name.text, args or (), span=span)


def _extern(span: Span, name: Token, domain: Any, codomain: tree.Space, doc: Token | None) -> tree.Extern:
    return tree.Extern(name.text, domain, codomain, _doc(doc), span=span)


def _let(span: Span, name: Token, indices: Any, body: Any, fors: tree.Fors | None) -> tree.Let:
    return tree.Let(name.text, indices or (), body, fors, span=span)


def _def(span: Span, name: Token, arguments: Any, result: tree.Space, body: Any) -> tree.Def:
    return tree.Def(name.text, arguments or (), result, body, span=span)


def _signature(span: Span, name: Token, space: tree.Space) -> tree.Signature:
    return tree.Signature(name.text, space, span=span)


def _assume(span: Span, relation: Any, fors: tree.Fors | None) -> tree.Assume:
    return tree.Assume(relation, fors, span=span)


def _objective(span: Span, sense: Any, body: Any) -> tree.Objective:
    return tree.Objective(sense, (body,), span=span)


def _find(span: Span, names: Any) -> tree.Objective:
    return tree.Objective("find", names, span=span)


def _subject_to(span: Span, words: Token) -> tree.SubjectTo:
    return tree.SubjectTo(span=span)


def _constraint(span: Span, label: Token | None, relation: Any, fors: tree.Fors | None) -> tree.Constraint:
    return tree.Constraint(label.text if label else None, relation, fors, span=span)


def _return(span: Span, items: Any) -> tree.Return:
    return tree.Return(items, span=span)


def _return_item(span: Span, alias: Token | None, value: Any) -> tree.ReturnItem:
    return tree.ReturnItem(alias.text if alias else None, value, span=span)


def _clause(span: Span, words: str, method: Token, args: Any) -> tree.Clause:
    return tree.Clause("solve" if words == "solve by" else "differentiate", method.text, args, span=span)


def _fors(span: Span, *parts: Any) -> tree.Fors:
    *binders, condition = parts
    return tree.Fors(tuple(binders), condition, span=span)


def _binder(span: Span, index: Token, over: Any) -> tree.For:
    return tree.For(index.text, over, span=span)


# --- expressions -------------------------------------------------------------------------------


def _logic(op: Any) -> Callable[..., tree.Logic]:
    return lambda span, *items: tree.Logic(op, items, span=span)


def _not(span: Span, body: Any) -> tree.Not:
    return tree.Not(body, span=span)


def _comparison(span: Span, first: Any, *rest: Any) -> tree.Compare:
    return tree.Compare(first, _pairs(rest), span=span)


def _membership(span: Span, members: tree.Tuple, cone: Any) -> tree.Compare:
    return tree.Compare(members, (("in", cone),), span=span)


def _members(span: Span, *items: Any) -> tree.Tuple:
    return tree.Tuple(items, span=span)


def _sum(span: Span, first: Any, *rest: Any) -> tree.Sum:
    return tree.Sum(first, _pairs(rest), span=span)


def _product(span: Span, first: Any, *rest: Any) -> tree.Product:
    return tree.Product(first, _pairs(rest), span=span)


def _signed(span: Span, op: Any, body: Any) -> tree.Unary:
    return tree.Unary(op, body, span=span)


def _raise(span: Span, base: Any, op: Any, exponent: Any) -> tree.Power:
    return tree.Power(op, base, exponent, span=span)


def _transpose(span: Span, body: Any) -> tree.Transpose:
    return tree.Transpose(body, span=span)


def _attribute_of(span: Span, body: Any, name: Token) -> tree.Attribute:
    return tree.Attribute(body, name.text, span=span)


def _subscript(span: Span, body: Any, *items: Any) -> tree.Subscript:
    return tree.Subscript(body, items, span=span)


def _slice(span: Span, lo: Any, hi: Any) -> tree.Slice:
    return tree.Slice(lo, hi, span=span)


def _range(span: Span, lo: Any, hi: Any) -> tree.Range:
    return tree.Range(lo, hi, span=span)


def _infinity(span: Span) -> tree.Infinity:
    return tree.Infinity(span=span)


def _paren(span: Span, body: Any) -> tree.Paren:
    return tree.Paren(body, span=span)


def _array(span: Span, *rows: Any) -> tree.Array:
    return tree.Array(rows, span=span)


def _call(span: Span, function: tree.Name, args: Any) -> tree.Call:
    return tree.Call(function, args, span=span)


def _reduction(span: Span, function: tree.Name, body: Any, fors: tree.Fors) -> tree.Call:
    return tree.Call(function, (body,), fors, span=span)


def _keyword(span: Span, name: Token, value: Any) -> tree.Keyword:
    return tree.Keyword(name.text, value, span=span)


def _name(span: Span, name: Token) -> tree.Name:
    return tree.Name(name.text, span=span)


def _number(span: Span, number: Token) -> tree.Number:
    return tree.Number(number.text, span=span)


BUILDERS: dict[str, Callable[..., Any]] = {
    "problem": _problem,
    "import": _import,
    "dim": _dim,
    "dim_items": _tuple,
    "dim_item": _dim_item,
    "kind": _sign,
    "declaration": _declaration,
    "family": _tuple,
    "space": _space,
    "sizes": _tuple,
    "attributes": _tuple,
    "attribute": _attribute,
    "operands": _tuple,
    "extern": _extern,
    "spaces": _tuple,
    "let": _let,
    "indices": _texts,
    "def": _def,
    "signatures": _tuple,
    "signature": _signature,
    "assume": _assume,
    "sense": _sign,
    "objective": _objective,
    "find": _find,
    "names": _tuple,
    "subject_to": _subject_to,
    "constraint": _constraint,
    "return": _return,
    "return_items": _tuple,
    "return_item": _return_item,
    "method_of": _sign,
    "clause": _clause,
    "fors": _fors,
    "binder": _binder,
    "condition": _one,
    "range": _range,
    "relation": _logic("or"),
    "conjunction": _logic("and"),
    "not": _not,
    "comparison": _comparison,
    "comparator": _sign,
    "membership": _membership,
    "tuple": _members,
    "arithmetic": _sum,
    "additive": _sign,
    "product": _product,
    "multiplicative": _sign,
    "signed": _signed,
    "raise": _raise,
    "raised": _sign,
    "transpose": _transpose,
    "attribute_of": _attribute_of,
    "subscript": _subscript,
    "slice": _slice,
    "infinity": _infinity,
    "paren": _paren,
    "array": _array,
    "row": _tuple,
    "arguments": _tuple,
    "call": _call,
    "reduction": _reduction,
    "keyword": _keyword,
    "name": _name,
    "number": _number,
}
