"""Declarations without their `:` or `,`, and sizes without brackets."""

import re

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import COMPARING
from declarative.syntax.mistakes.trouble import Mistake, Trouble, closing_of
from declarative.syntax.tokens.layout import Line
from declarative.syntax.tokens.lexer import Token

_KINDS = ("param", "const", "learn", "var", "extern")


def size_without_brackets(t: Trouble) -> Mistake | None:
    """`R^n+1` for `R^(n+1)`; `R^-1`."""
    if t.token.type not in ("+", "-", "*", "/") or t.index < 3 or t.tokens[t.index - 2].type != "^" or t.wants("*"):
        return None
    if t.following and t.token.text + t.following.text in ("//", "/*", "--"):
        return None  # a comment
    if t.token.type == "+" and t.before and t.before.text.endswith("_"):
        hints = [f"an attribute says so: `{t.tokens[t.index - 3].text}^{t.before.text.rstrip('_')}, nonneg`"]
        return Mistake(error("E113", t.span(t.before, t.token), "a space has no sign", hints=hints))
    size = t.tokens[t.index - 1].text + t.token.text + (t.following.text if t.following else "")
    space = t.tokens[t.index - 3].text
    span = t.span(t.before, t.following or t.token)
    hints = [f"write `{space}^({size})`"]
    if t.token.type == "*":
        hints.append(f"the matrices are `{space}^({size.replace('*', ',')})`")
    return Mistake(error("E127", span, "a computed size stands in brackets", hints=hints))


def sizes_apart(t: Trouble) -> Mistake | None:
    """`R^(m x n)`, `R^m^n`."""
    if t.kind not in _KINDS or not t.before or not t.following:
        return None
    a, b, comma = t.before, t.following, t.token._replace(type=",", text=",")
    if t.token.text in ("x", "X", "×") and t.opening == "(" and b.type in ("NAME", "NUMBER"):
        message, hints = "sizes are separated by commas", [f"write `{a.text},{b.text}`"]
        return Mistake(error("E127", t.span(a, b), message, hints=hints), t.with_tokens(comma))
    if t.token.type == "^" and t.index > 2 and t.tokens[t.index - 2].type == "^":
        space = t.tokens[t.index - 3].text
        left, right = (Token(sign, sign, at, at) for sign, at in (("(", a.start), (")", b.end)))
        repaired = t.with_tokens(left, a, comma, b, right, instead_of=3, at=t.index - 1)
        message, hints = "the sizes of a matrix stand in brackets", [f"write `{space}^({a.text},{b.text})`"]
        return Mistake(error("E127", t.span(a, b), message, hints=hints), repaired)
    return None


def missing_colon(t: Trouble) -> Mistake | None:
    """`param x R^n`, `var x in R^n`, `param x = 3`."""
    if t.kind not in _KINDS or not t.wants(":") or t.wants_operand or any(x.type == ":" for x in t.tokens[: t.index]):
        return None
    place = f"before `{t.token.text}`" if t.token.text else f"after `{t.tokens[-1].text}`"
    hints = [_with_space(t)]
    diagnostic = error("E113", t.span(), f"`:` is missing {place}", hints=hints)
    colon = Token(":", ":", t.token.start, t.token.start)
    if t.token.type == "NAME":
        return Mistake(diagnostic, t.with_tokens(colon, instead_of=0))
    if (family := _in_round_brackets(t)) is not None:
        return family
    return Mistake(diagnostic, t.with_tokens(colon) if t.token.type in ("in", "∈") else ())


def _in_round_brackets(t: Trouble) -> Mistake | None:
    """`var x(0..T) : R^2`, `var x(t) : R`."""
    closing = closing_of(t.tokens, t.index) if t.index == 2 and t.token.type == "(" else None
    if closing is None or closing + 1 >= len(t.tokens) or t.tokens[closing + 1].type != ":":
        return None
    inside = t.tokens[t.index + 1 : closing]
    if t.kind == "extern":
        return _extern_of_arguments(t, closing)
    left, right = t.token._replace(type="[", text="["), t.tokens[closing]._replace(type="]", text="]")
    hints = [f"write `{t.kind} {t.tokens[1].text}[{''.join(token.text for token in inside)}]`"]
    hints += ["a function of time is a family on a grid: `x[0..T]`"] if inside and inside[0].text == "t" else []
    message = "the sizes of a family stand in square brackets"
    repaired = t.with_tokens(left, *inside, right, instead_of=closing - 1, at=2)
    return Mistake(error("E113", t.span(t.token, t.tokens[closing]), message, hints=hints), repaired)


def _extern_of_arguments(t: Trouble, closing: int) -> Mistake:
    """`extern f(x : R^n) : R`."""
    args = t.source.text[t.token.end : t.tokens[closing].start].split(",")
    domain = ", ".join(arg.rpartition(":")[2].strip() for arg in args)
    result = t.source.text[t.tokens[closing + 1].end : t.tokens[-1].end].strip()
    hints = [f"write `extern {t.tokens[1].text} : {domain} -> {result}`"]
    message = "an `extern` has spaces, and no names of arguments"
    return Mistake(error("E113", t.span(t.token, t.tokens[closing]), message, hints=hints))


def space_of_a_let(t: Trouble) -> Mistake | None:
    """`let y : R^n = x - w`, `let y : x - w`."""
    if t.kind != "let" or t.index != 2 or t.token.type != ":" or not t.following:
        return None
    equals = next((k for k, token in enumerate(t.tokens) if token.type == "="), None)
    body = t.tokens[3:] if equals is None else t.tokens[equals + 1 :]
    if not body:
        return None
    hints = [f"write `let {t.tokens[1].text} = {t.span(body[0], body[-1]).text}`"]
    sign = t.token._replace(type="=", text="=")
    repaired = t.with_tokens(sign, *body, instead_of=len(t.tokens) - 2)
    return Mistake(error("E113", t.span(), "a `let` has its space from what it names", hints=hints), repaired)


def _with_space(t: Trouble) -> str:
    """The declaration as it may have been meant."""
    head = f"{t.kind} {t.tokens[1].text}"
    if t.token.type == ",":
        return f"declarations stand one by one: `{head} : R`"
    if t.token.type == "=":
        return _of_value(t, head)
    if t.token.type in ("in", "∈") and t.following:
        return f"`{head} : {t.span(t.following, t.tokens[-1]).text.replace('ℝ', 'R')}`"
    opening = next((k for k in range(2, len(t.tokens)) if t.tokens[k].type in ("(", "[")), len(t.tokens))
    if ".." in [token.type for token in t.tokens[opening:]]:
        return f"`{head}{family_sizes(t.tokens[opening:])} : R`"
    sizes = [token.text for token in t.tokens[opening + 1 : opening + 4] if token.type in ("NAME", "NUMBER")]
    if opening == 2 and sizes and len(t.tokens) == opening + 2 * len(sizes) + 1:
        return f"`{head} : R^{sizes[0] if len(sizes) == 1 else '(' + ','.join(sizes) + ')'}`"
    return f"`{head} : R`, with the space that it lives in after a `:`"


def family_sizes(brackets: tuple[Token, ...]) -> str:
    """`[0..T,n]`, of brackets with what they hold; `[n]`, where they hold `1..n`."""
    inside = "".join(token.text for token in brackets[1:-1])
    return f"[{re.sub(r'(?<![^,])1[.][.](?=[A-Za-z]+(?:,|$))', '', inside)}]"


def _of_value(t: Trouble, head: str) -> str:
    """`param c = [1, 2, 3]`: the space is that of the value, as far as it can be seen."""
    value = t.tokens[t.index + 1 :]
    inside = [token.type for token in value]
    entries = inside.count(",") + 1
    flat = inside[:1] == ["["] and inside[-1:] == ["]"] and ";" not in inside and inside.count("[") == 1
    return f"`{head} : R{f'^{entries}' if flat else ''} = {t.span(value[0], value[-1]).text if value else '...'}`"


def space_left_out(t: Trouble) -> Mistake | None:
    """`param n := 5`."""
    if t.kind not in _KINDS or t.token.type != "=" or t.index != 3 or not t.after(":"):
        return None
    name, rest = t.tokens[1].text, t.tokens[4:]
    value = t.span(rest[0], rest[-1]).text if rest else "..."
    hints = [
        f"write `{t.kind} {name} : R = {value}`",
        *([f"a size is `dim {name} = {value}`"] if value.isdigit() else []),
    ]
    return Mistake(
        error("E113", t.span(t.before, t.token), "a default stands behind the space, after `=`", hints=hints)
    )


def brackets_of_a_space(t: Trouble) -> Mistake | None:
    """`var x : R[n]`, `R_+^n` and `R+`."""
    if (
        t.kind not in _KINDS
        or t.index < 3
        or not t.before
        or t.before.type != "NAME"
        or t.tokens[t.index - 2].type != ":"
    ):
        return None
    space = t.before.text.rstrip("_")
    if t.token.type == "[" and (closing := closing_of(t.tokens, t.index)):
        sizes = t.source.text[t.token.end : t.tokens[closing].start].strip()
        hints = [f"write `{space}^{sizes if sizes.isalnum() else f'({sizes})'}`"]
        return Mistake(error("E113", t.span(t.token, t.tokens[closing]), "sizes stand after `^`", hints=hints))
    if t.token.type == "+" and space in ("R", "S") and t.tokens[t.index - 2].type == ":":
        rest = [token.text for token in t.tokens[t.index : t.index + 4] if token.type != "+"]
        power = "".join(rest[:2]) if rest[:1] == ["^"] else ""
        hints = [f"an attribute says so: `{space}{power}, {'nonneg' if space == 'R' else 'psd'}`"]
        return Mistake(error("E113", t.span(t.before, t.token), "a space has no sign", hints=hints))
    return None


def sizes_in_square_brackets(t: Trouble) -> Mistake | None:
    """`var X : R^[n,n]`."""
    closing = closing_of(t.tokens, t.index) if t.token.type == "[" and t.after("^") else None
    if t.kind not in _KINDS or closing is None:
        return None
    left, right = t.token._replace(type="(", text="("), t.tokens[closing]._replace(type=")", text=")")
    inside = t.tokens[t.index + 1 : closing]
    hints = [f"write `{t.tokens[t.index - 2].text}^({''.join(token.text for token in inside)})`"]
    diagnostic = error("E113", t.span(t.token, t.tokens[closing]), "sizes stand in round brackets", hints=hints)
    return Mistake(diagnostic, t.with_tokens(left, *inside, right, instead_of=closing - t.index + 1))


def kind_left_out(t: Trouble) -> Mistake | None:
    """`x : R^n`, which reads as a constraint."""
    types = [token.type for token in t.tokens[:2]]
    if types != ["NAME", ":"] or len(t.tokens) < 3 or t.tokens[2].text not in ("R", "S"):
        return None
    declared = t.source.text[t.tokens[0].start : t.tokens[-1].end]
    hints = [f"data are declared by `param {declared}`, what is solved for by `var {declared}`"]
    span = t.span(t.tokens[0], t.tokens[-1])
    return Mistake(error("E120", span, f"`{t.tokens[0].text}` is declared without saying as what", hints=hints))


def sizes_without_brackets(t: Trouble) -> Mistake | None:
    """`R^2n`, `R^m,n`."""
    if t.kind not in _KINDS or t.index < 4 or t.tokens[t.index - 2].type != "^" or not t.before:
        return None
    space, a, b = t.tokens[t.index - 3].text, t.before, t.token
    if t.opening or b.type != "NAME" or a.type != "NUMBER" or a.end != b.start:
        return None
    product = f"{space}^({a.text}*{b.text})"
    signs = [Token(sign, sign, a.end, a.end) for sign in ("(", "*", ")")]
    repaired = t.with_tokens(signs[0], a, signs[1], b, signs[2], instead_of=2, at=t.index - 1)
    hints = [f"write `{product}`"]
    return Mistake(error("E127", t.span(a, b), "a computed size stands in brackets", hints=hints), repaired)


def sizes_with_a_cross(t: Trouble) -> Mistake | None:
    """`param A : R^m x n`."""
    if t.kind not in _KINDS or t.token.text != "x" or t.index < 5 or t.tokens[t.index - 2].type != "^":
        return None
    if not t.before or not t.following or t.following.type not in ("NAME", "NUMBER"):
        return None
    space, (a, b) = t.tokens[t.index - 3].text, (t.before, t.following)
    signs = [Token(sign, sign, at, at) for sign, at in (("(", a.start), (",", a.end), (")", b.end))]
    repaired = t.with_tokens(signs[0], a, signs[1], b, signs[2], instead_of=3, at=t.index - 1)
    hints = [f"write `{space}^({a.text},{b.text})`"]
    return Mistake(error("E113", t.span(a, b), "sizes stand in brackets, with commas between", hints=hints), repaired)


def missing_comma(t: Trouble) -> Mistake | None:
    """`param x : R^n pos`: attributes are separated by commas."""
    if t.kind not in _KINDS or t.token.type != "NAME" or not t.wants(",") or t.wants("*"):
        return None
    comma = Token(",", ",", t.token.start, t.token.start)
    value = t.following if t.following and t.following.type in ("NAME", "NUMBER") else None
    if t.token.text == "default" and value:
        equals = t.token._replace(type="=", text="=")
        diagnostic = error("E113", t.span(), "a default stands after `=`", hints=[f"write `= {value.text}`"])
        return Mistake(diagnostic, t.with_tokens(equals))
    if t.token.text in STARTS and value:
        called = [Token(sign, sign, at, at) for sign, at in (("(", value.start), (")", value.end))]
        diagnostic = error(
            "E113", t.span(t.token, value), "`start` is an attribute", hints=[f"write `, start({value.text})`"]
        )
        word = t.token._replace(text="start")
        return Mistake(diagnostic, t.with_tokens(comma, word, called[0], value, called[1], instead_of=2))
    hints = [f"write `, {t.token.text}`"]
    diagnostic = error("E113", t.span(), f"`,` is missing before `{t.token.text}`", hints=hints)
    return Mistake(diagnostic, t.with_tokens(comma, instead_of=0))


def attribute_behind_default(t: Trouble) -> Mistake | None:
    """`param lam : R = 0.1, pos`."""
    types = [token.type for token in t.tokens]
    if t.kind not in ("param", "const", "learn") or t.token.type != "," or t.opening or "=" not in types[: t.index]:
        return None
    end = len(types) - (types[-1] == "STRING")
    attributes = t.tokens[t.index : end]
    if len(attributes) < 2 or attributes[1].type != "NAME" or {":", "=", "["} & set(types[t.index : end]):
        return None
    equals = types.index("=")
    head, default = t.tokens[:equals], t.tokens[equals : t.index]
    text = "".join(t.source.text[a[0].start : a[-1].end] for a in (head, attributes))
    hints = [f"write `{text} {t.source.text[default[0].start : default[-1].end]}`"]
    repaired = t.with_tokens(*head, *attributes, *default, instead_of=end, at=0)
    span = t.span(attributes[1], attributes[-1])
    return Mistake(error("E113", span, "attributes stand before the default", hints=hints), repaired)


def size_of_a_dim(t: Trouble) -> Mistake | None:
    """`dim n : 3`, `dim n >= 2`, `dim n in 1..5`."""
    if t.kind != "dim" or t.token.type not in (":", *COMPARING, "in", "∈") or not t.before or t.before.type != "NAME":
        return None
    value = t.following.text if t.following and t.following.type == "NUMBER" and t.token.type in (":", "==") else "3"
    hints = [f"write `dim {t.before.text} = {value}`, or leave it to the data: `dim {t.before.text}`"]
    return Mistake(error("E113", t.span(), "a dim has a name, and may have a value", hints=hints))


def second_declaration(t: Trouble) -> Mistake | None:
    """`var x : R^3, y : R^2`."""
    if t.kind not in _KINDS or t.token.type != ":" or t.opening or t.index < 5 or t.tokens[t.index - 2].type != ",":
        return None
    if t.kind == "var" and t.before and t.before.text in STARTS:
        return _start(t, t.index - 1, t.index + 1)
    first, second = t.tokens[: t.index - 2], (t.tokens[0], *t.tokens[t.index - 1 :])
    said = f"{t.kind} {t.source.text[t.tokens[t.index - 1].start : t.tokens[-1].end]}"
    repaired = (Line(first, t.line.comments), Line(second, (), t.line.trailing))
    hints = [f"write `{said}` on a line of its own, or a `;` before it"]
    return Mistake(error("E114", t.span(t.before), "declarations stand one by one", hints=hints), repaired)


STARTS = ("start", "init", "initial", "guess")


def start_without_brackets(t: Trouble) -> Mistake | None:
    """`var x : R^n, start 0`."""
    if t.kind != "var" or not t.before or t.before.text not in STARTS or t.token.type not in ("NAME", "NUMBER", "["):
        return None
    return _start(t, t.index - 1, t.index)


def _start(t: Trouble, word: int, value: int) -> Mistake | None:
    """A starting point that begins at the token `value`."""
    if value >= len(t.tokens):
        return None
    closing = closing_of(t.tokens, value) if t.tokens[value].type in ("[", "(") else value
    last = t.tokens[closing or value]
    called = [Token(sign, sign, at, at) for sign, at in (("(", t.tokens[value].start), (")", last.end))]
    new = (t.tokens[word]._replace(text="start"), called[0], *t.tokens[value : (closing or value) + 1], called[1])
    hints = [f"write `start({t.span(t.tokens[value], last).text})`"]
    diagnostic = error("E113", t.span(t.tokens[word], last), "`start` is an attribute", hints=hints)
    return Mistake(diagnostic, t.with_tokens(*new, instead_of=(closing or value) + 1 - word, at=word))


def function_as_let(t: Trouble) -> Mistake | None:
    """`let f(y) = y^2`."""
    if t.kind != "let" or t.index != 2 or t.token.type != "(" or not t.following:
        return None
    name = t.tokens[1].text
    hints = [f"a function is a statement: `def {name}({t.following.text} : R) : R = ...`"]
    return Mistake(
        error("E113", t.span(t.tokens[0], t.tokens[1]), "`let` names an expression, `def` a function", hints=hints)
    )


def argument_without_space(t: Trouble) -> Mistake | None:
    """`def f(x) = ...`."""
    if t.kind != "def" or t.opening != "(" or not t.wants(":") or not t.before:
        return None
    hints = [f"write `{t.before.text} : R`, or another space"]
    return Mistake(error("E113", t.span(t.before), f"`{t.before.text}` needs its space after a `:`", hints=hints))


def function_of_python(t: Trouble, below: Line) -> Mistake | None:
    """`def f(x):`, and `return x^2` on the line below."""
    last, opening = t.tokens[-1], next((k for k, token in enumerate(t.tokens) if token.type == "("), None)
    if t.kind != "def" or last.type != ":" or below.tokens[0].type != "return" or opening is None:
        return None
    closing = closing_of(t.tokens, opening) or len(t.tokens) - 1
    args = t.source.text[t.tokens[opening].end : t.tokens[closing].start].split(",")
    spaces = ", ".join(arg.strip() if ":" in arg else f"{arg.strip()} : R" for arg in args)
    body = t.source.text[below.tokens[0].end : below.end].strip()
    hints = [f"write `{t.source.text[t.line.start : t.tokens[opening].end]}{spaces}) : R = {body}`"]
    return Mistake(error("E113", t.span(t.tokens[0], last), "a `def` is one statement", hints=hints))
