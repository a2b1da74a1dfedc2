"""Statements of other languages: `binary x`, `@constraint(m, ...)`, `prob.solve()`, `x integer`, `z =e= 3`."""

from __future__ import annotations

import re

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.braces import CONTINUOUS
from declarative.syntax.mistakes.spelling import meant, meant_word
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.mistakes.words import ALONE
from declarative.syntax.tokens.layout import Line
from declarative.syntax.tokens.lexer import Token

_MACROS = {
    "variable": "a variable is declared: `var x : R^n`",
    "variables": "variables are declared one by one: `var x : R^n`",
    "objective": "the objective is a statement: `minimize ...`",
    "constraint": "a constraint stands as it is below `subject to`",
    "constraints": "constraints stand as they are below `subject to`",
    "expression": "a part is named by `let f = ...`",
    "parameter": "data are declared: `param a : R^n`",
}
_SIGNED = {
    **dict.fromkeys(("positive", "nonnegative"), ", nonneg"),
    **dict.fromkeys(("negative", "nonpositive"), ", between(-inf, 0)"),
    "free": "",
}
_WHOLE = ("integer", "int", "binary", "boolean", "bool")
_TYPES = ("real", "float", "double", "number", "scalar", "vector", "matrix", "decision")
_VARIABLE = ("variable", "variables", "var")
_SOLVING = ("solve", "optimize", "optimise", "solvesdp", "sdpvar_solve")
_RELATIONS = {"e": "==", "l": "<=", "g": ">="}


def macro(t: Trouble) -> Mistake | None:
    """`@variable(m, x >= 0)`, of JuMP."""
    if t.index or t.token.text != "@" or not t.following or t.following.text not in _MACROS:
        return None
    span, name = t.span(t.token, t.following), t.following.text
    return Mistake(error("E110", span, f"`@{name}` is a macro of JuMP", hints=[_MACROS[name]]))


_SENSES = {"minimiz": "minimize", "minimis": "minimize", "maximiz": "maximize", "maximis": "maximize"}


def solve_statement(t: Trouble) -> Mistake | None:
    """`solve minimize f`, `Solve m using nlp minimizing z`, `Model m /all/`."""
    first = t.tokens[0]
    if t.kind != "NAME" or len(t.tokens) < 2 or first.text.lower() not in ("solve", "model", "option"):
        return None
    if first.text.lower() != "solve":
        if {"model": "/", "option": "="}[first.text.lower()] not in [token.type for token in t.tokens[2:]]:
            return None
        hints = ["leave it out: a file is one problem"]
        return Mistake(error("E110", t.span(first), f"`{first.text}` begins no statement", hints=hints), (Line(()),))
    at = next((k for k, token in enumerate(t.tokens) if token.text.lower()[:7] in _SENSES), None)
    if at is None or at + 1 == len(t.tokens):
        return None
    sense = _SENSES[t.tokens[at].text.lower()[:7]]
    body = " ".join(t.span(t.tokens[at + 1], t.tokens[-1]).text.split())
    span = t.span(first, t.tokens[at])
    hints = [f"the objective is a statement: `{sense} {body}`"]
    word = t.tokens[at]._replace(type=sense, text=sense)
    repaired = t.with_tokens(word, instead_of=at + 1, at=0)
    return Mistake(error("E110", span, f"`{span.text}` begins no statement", hints=hints), repaired)


def solving(t: Trouble) -> Mistake | None:
    """`prob.solve()`, `optimize!(m)`, `optimize(F, f)`, `solve`."""
    head = [token.text for token in t.tokens[: t.index]]
    called = t.token.text in ("(", "!") or (t.token.type == "$END" and ("(" in head or len(head) == 1))
    words = head[: head.index("(")] if "(" in head else head
    if not words or words[-1] not in _SOLVING or not called or not set(words[1::2]) <= {"."}:
        return None
    span = t.span(t.tokens[0], t.tokens[len(words) - 1])
    hints = ["a file says what the problem is: `declarative solve FILE` solves it, and `declarative.compile` in Python"]
    return Mistake(error("E110", span, f"`{span.text}` is no statement", hints=hints))


def typed(t: Trouble) -> Mistake | None:
    """`Positive variable x`, `binary x`, `int x`, `real x`."""
    words = [token.text.lower() for token in t.tokens[:3]]
    if t.kind != "NAME" or t.index not in (1, 2) or t.token.type != "NAME" or len(words) < 2:
        return None
    first, twice = words[0], words[1] in _VARIABLE and len(words) > 2
    name = t.tokens[1 + twice].text
    if first in _WHOLE:
        relaxed = ", between(0, 1)" if first[0] == "b" else ""
        hints = [f"{CONTINUOUS}; relaxed it is `var {name} : R{relaxed}`"]
    elif first in _SIGNED and twice:
        hints = [f"write `var {name} : R{_SIGNED[first]}`, with the space that it lives in"]
    elif first in ("equation", "equations"):
        hints = ["constraints stand below `subject to`, and need no declaration"]
    elif first in _TYPES:
        hints = [f"a variable is declared by `var {name} : R`, data by `param {name} : R`"]
    else:
        return None
    span = t.span(t.tokens[0], t.tokens[twice])
    return Mistake(error("E110", span, f"`{span.text}` begins no statement", hints=hints))


def declared_together(t: Trouble) -> Mistake | None:
    """`Variables x, z;`, `Variable x`, `Parameters a(i), b;`, `variable x(n)`, and `Sets i /1*5/`."""
    found = meant(t.tokens) if t.kind == "NAME" else None
    if found is None or found[1] != 1 or len(t.tokens) < 2:
        return None
    first, kind, rest = t.tokens[0], found[0].text, t.tokens[1:]
    if kind == "dim" and len(rest) > 1 and rest[1].type == "/":
        hints = [f"an index runs over a size: write `dim {rest[0].text}`, or `dim {rest[0].text} = ...`"]
        return Mistake(error("E110", t.span(first), f"`{first.text}` begins no statement", hints=hints))
    names = _NAMES.fullmatch(" ".join(token.text for token in rest))
    if kind not in ("var", "param", "const") or names is None:
        return None
    said = "; ".join(made := [f"{kind} {name} : {_space(sizes)}" for name, sizes in _NAME.findall(names[0])])
    each = ", each" if len(made) > 1 else ","
    hints = [f"write `{said}`{each} with the space that it lives in"]
    return Mistake(error("E110", t.span(first), f"`{first.text}` begins no statement", hints=hints))


_NAME = re.compile(r"(\w+)(?: \( ([\w ,]+) \))?")
_NAMES = re.compile(rf"{_NAME.pattern}(?: , {_NAME.pattern})*")


def _space(sizes: str) -> str:
    """Of `x(i)` and `x(i, j)`, with blanks between all signs."""
    plain = sizes.replace(" ", "")
    return "R" if not plain else f"R^({plain})" if "," in plain else f"R^{plain}"


def said_behind(t: Trouble) -> Mistake | None:
    """`x integer`, `X psd`, as constraints."""
    if not t.before or not t.wants("*") or t.token.type != "NAME" or t.kind not in ("NAME", "NUMBER"):
        return None
    word, of = t.token.text.lower(), t.operand_before
    if word in _WHOLE:
        hints = [f"{CONTINUOUS}; " + (f"relaxed it is `0 <= {of} <= 1`" if word[0] == "b" else "leave it out")]
    elif word in ("psd", "semidefinite", "symmetric"):
        hints = [f"write `{of} in PSD`" if word != "symmetric" else "a symmetric matrix is declared: `S^n`"]
    elif word in ("free", "unrestricted", "real", "continuous"):
        hints = ["variables are real, and free where nothing bounds them: leave it out"]
    elif word in ("nonneg", "nonnegative", "positive"):
        hints = [f"write `{of} >= 0`"]
    else:
        return None
    return Mistake(error("E105", t.span(), f"`{t.token.text}` is no word of a constraint", hints=hints))


def relation_of_gams(t: Trouble) -> Mistake | None:
    """`z =e= 3`."""
    signs = t.tokens[t.index : t.index + 3]
    if [s.type for s in signs] != ["=", "NAME", "="] or signs[1].text.lower() not in _RELATIONS:
        return None
    sign = _RELATIONS[signs[1].text.lower()]
    span = t.span(signs[0], signs[2])
    diagnostic = error("E106", span, f"`{span.text}` is not part of the language", hints=[f"write `{sign}`"])
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type=sign, text=sign), instead_of=3))


def name_with_two_dots(t: Trouble) -> Mistake | None:
    """`cap.. x =l= 10`."""
    if t.token.type != ".." or t.kind != "NAME" or t.index != 1:
        return None
    name, body = t.tokens[0].text, t.tokens[2:]
    diagnostic = error("E113", t.span(), "a constraint's name ends with one colon", hints=[f"write `{name}: ...`"])
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type=":", text=":")) if body else ())


def import_of_python(t: Trouble) -> Mistake | None:
    """`import cvxpy as cp`, `from cvxpy import *`."""
    if t.kind != "import" and [token.text for token in t.tokens[:1]] != ["from"]:
        return None
    hints = ["nothing of Python is imported here: the functions are there by their names"]
    span = t.span(t.tokens[0], t.tokens[-1])
    return Mistake(error("E113", span, "`import` reads the problem in another `.opt` file", hints=hints))


_SUCH_THAT = (("s", ".", "t", "."), ("s", ".", "t"), ("such", "that"), ("st",), ("subject", "to"))


def such_that_first(t: Trouble) -> Mistake | None:
    """`s.t. x >= 0`, on one line."""
    words = [token.text.lower() for token in t.tokens[:4]]
    count = next((len(w) for w in _SUCH_THAT if tuple(words[: len(w)]) == w), 0)
    colon = int(count > 1 and len(t.tokens) > count and t.tokens[count].type == ":")
    if not count or len(t.tokens) <= count + colon or t.tokens[count + colon].type in (":", "=", "[", "(", *_BINARY):
        return None
    return _such_that(t, count, colon)


def such_that_as_a_name(t: Trouble) -> Mistake | None:
    """`st:` and `constraints:` on a line of their own above the constraints, where there is no `subject to`."""
    if len(t.tokens) < 3 or t.tokens[1].type != ":" or meant_word(t.tokens[0].text) != "subject to":
        return None
    alone = "\n" in t.source.text[t.tokens[1].end : t.tokens[2].start]
    known = re.search(r"^[ \t]*subject[ \t]+to\b", t.source.text[: t.line.start], re.MULTILINE)
    return _such_that(t, 1, 1) if alone and not known else None


def _such_that(t: Trouble, count: int, colon: int) -> Mistake:
    first, last = t.tokens[0], t.tokens[count - 1]
    line = Token("SUBJECT_TO", "subject to", first.start, last.end)
    message, hints = ALONE, ["write `subject to` on a line of its own"]
    if "\n" in t.source.text[last.end : t.tokens[count + colon].start]:
        message, hints = f"`{t.span(first, last).text}` begins no statement", ["write `subject to`, without a colon"]
    repaired = (Line((line,), t.line.comments), Line(t.tokens[count + colon :], (), t.line.trailing))
    return Mistake(error("E110", t.span(first, last), message, hints=hints), repaired)


_BINARY = ("+", "-", "*", "/", "^", "<=", ">=", "==", "≤", "≥", ".*", "./", "'", "in")


def several_at_once(t: Trouble) -> Mistake | None:
    """`x, y >= 0`."""
    types = [token.type for token in t.tokens]
    sign = next((k for k, kind in enumerate(types) if kind in ("<=", ">=", "≤", "≥", "==")), 0)
    names = t.tokens[0:sign:2]
    if t.token.type != "," or t.index != 1 or not sign or set(types[1:sign:2]) != {","}:
        return None
    if any(name.type != "NAME" for name in names) or "," in types[sign:]:
        return None
    rest = " ".join(t.span(t.tokens[sign], t.tokens[-1]).text.split())
    hints = [f"write `{'; '.join(f'{name.text} {rest}' for name in names)}`"]
    lines = tuple(Line((name, *t.tokens[sign:])) for name in names)
    return Mistake(error("E114", t.span(), "a constraint says one thing", hints=hints), lines)
