"""A statement that cannot be read to a diagnostic with its remedy: what people get wrong, most telling first."""

from collections.abc import Callable

from declarative.source.diagnostic import error
from declarative.source.span import Source
from declarative.syntax.lalr import Stuck
from declarative.syntax.layout import STARTING, Line
from declarative.syntax.lexer import WORDS, Token
from declarative.syntax.spelling import meant
from declarative.syntax.strays import stray
from declarative.syntax.trouble import Mistake, Trouble

COMPARING = ("<=", "≤", ">=", "≥", "==", "!=", "<", ">")
_OPERAND = ("NAME", "NUMBER", "(", "[", "inf")
_KINDS = ("param", "const", "learn", "var", "extern")


def explain(source: Source, line: Line, stuck: Stuck) -> Mistake:
    """The first reading of the trouble that fits; the last one always does."""
    trouble = Trouble(source, line, stuck.index, stuck.expected)
    for reading in _READINGS:
        if mistake := reading(trouble):
            return mistake
    return _unexpected(trouble)


def explain_bare(source: Source, line: Line) -> Mistake:
    """A statement that reads as an expression alone, where a constraint should compare two."""
    trouble = Trouble(source, line, min(1, len(line.tokens)), frozenset())
    if mistake := _misspelt(trouble):
        return mistake
    span = trouble.span(line.tokens[0], line.tokens[-1])
    message = f"`{_shortened(span.text)}` is neither a constraint nor another statement"
    hints = ["compare it with something: `... <= ...`, `... == ...`, `... in PSD`"]
    return Mistake(error("E120", span, message, hints=hints))


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


# --- words ----------------------------------------------------------------------------------------


def _misspelt(t: Trouble) -> Mistake | None:
    """`minimise f`, `parm x : R`, `s.t.`: the statement begins with a name that is near a statement word."""
    found = meant(t.tokens) if t.kind == "NAME" else None
    if not found or t.index > max(1, found[1]):
        return None
    word, count = found
    written = t.source.text[word.start : word.end]
    diagnostic = error("E110", t.span(word), f"`{written}` begins no statement", hints=[f"did you mean `{word.text}`?"])
    return Mistake(diagnostic, t.with_tokens(word, instead_of=count, at=0))


def _reserved(t: Trouble) -> Mistake | None:
    """`param var : R`: a word of the language where a name is needed."""
    word = t.token.text
    if t.token.type not in WORDS or not t.wants("NAME") or (t.token.type not in STARTING and t.wants_operand):
        return None
    message = f"`{word}` is a word of the language and cannot be a name"
    diagnostic = error("E111", t.span(), message, hints=[f"choose another name, such as `{word}_`"])
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type="NAME")))


def _two_statements(t: Trouble) -> Mistake | None:
    """`dim n param x : R^n`, something after `subject to`, constraints separated by commas."""
    if not t.wants("$END") or not (t.token.type in STARTING or t.after("SUBJECT_TO") or t.token.type == ","):
        return None
    if t.token.type == ":":
        diagnostic = error("E113", t.span(), "`subject to` takes no colon", hints=["remove the `:`"])
        return Mistake(diagnostic, t.with_tokens())
    if t.token.type == ",":
        hints = ["begin a new line, or write `;`"]
        diagnostic = error("E114", t.span(), "statements are not separated by commas", hints=hints)
        return Mistake(diagnostic, t.split(leaving_out=1))
    hints = [f"write `{t.token.text}` on a line of its own, or a `;` before it"]
    return Mistake(error("E114", t.span(), f"a second statement begins at `{t.token.text}`", hints=hints), t.split())


def _lambda(t: Trouble) -> Mistake | None:
    if not t.before or t.before.text != "lambda":
        return None
    hints = ["a function is a statement: `def f(x : R) : R = x^2`"]
    return Mistake(error("E126", t.span(t.before), "`lambda` is not part of the language", hints=hints))


def _else(t: Trouble) -> Mistake | None:
    if t.token.type != "if" or "else" not in [token.text for token in t.tokens[t.index :]]:
        return None
    hints = ["`max`, `min`, `abs` and `pos` say most of what is meant", "`if` chooses which indices of a `for` count"]
    return Mistake(error("E126", t.span(), "an expression has no `if ... else`", hints=hints))


# --- defining and comparing --------------------------------------------------------------------------


def _equals_for_comparison(t: Trouble) -> Mistake | None:
    """`x = 1` in a constraint or condition; also `x =< 1`."""
    if t.token.type != "=" or not t.wants("=="):
        return None
    if t.following and t.following.type in ("<", ">") and t.following.start == t.token.end:
        sign = t.following.type + "="
        diagnostic = error("E106", t.span(t.token, t.following), f"`={t.following.type}` is written `{sign}`")
        return Mistake(diagnostic, t.with_tokens(t.token._replace(type=sign, text=sign), instead_of=2))
    message = "`=` gives a name to something; `==` says that two things are equal"
    diagnostic = error("E106", t.span(), message, hints=["write `==` here"])
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type="==", text="==")))


def _comparison_for_equals(t: Trouble) -> Mistake | None:
    """`let r == 3`, `param x : R == 3`, `let r := 3`."""
    if t.wants_operand or not t.wants("="):
        return None
    if t.token.type == ":" and t.following and t.following.type == "=":
        diagnostic = error("E107", t.span(t.token, t.following), "`:=` is written `=`")
        return Mistake(diagnostic, t.with_tokens(instead_of=1))
    if t.token.type != "==":
        return None
    message = "`==` says that two things are equal; `=` gives a name or a value"
    diagnostic = error("E107", t.span(), message, hints=["write `=` here"])
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type="=", text="=")))


def _comparison_in_arithmetic(t: Trouble) -> Mistake | None:
    """`minimize x <= 3`, `f(a <= b)`."""
    if t.token.type not in (*COMPARING, "in", "∈") or t.wants_operand or t.wants(":"):
        return None
    if t.kind in ("minimize", "maximize", "find"):
        hint = "a constraint stands below `subject to`, on a line of its own"
    else:
        hint = "a comparison stands in a constraint, in an `assume` and after `if`"
    return Mistake(error("E113", t.span(), "a comparison does not fit here", hints=[hint]))


# --- declarations ------------------------------------------------------------------------------------


def _size_without_brackets(t: Trouble) -> Mistake | None:
    """`R^n+1` for `R^(n+1)`; `R^-1`."""
    if t.token.type not in ("+", "-", "*", "/") or t.index < 3 or t.tokens[t.index - 2].type != "^" or t.wants("*"):
        return None
    size = t.tokens[t.index - 1].text + t.token.text + (t.following.text if t.following else "")
    space = t.tokens[t.index - 3].text
    span = t.span(t.before, t.following or t.token)
    return Mistake(error("E127", span, "a computed size stands in brackets", hints=[f"write `{space}^({size})`"]))


def _missing_colon(t: Trouble) -> Mistake | None:
    """`param x R^n`, `var x in R^n`, `param x = 3`."""
    if t.kind not in _KINDS or not t.wants(":") or t.wants_operand or any(x.type == ":" for x in t.tokens[: t.index]):
        return None
    written = t.token.text or "the end"
    hints = [f"`{t.kind} {t.tokens[1].text} : R`, with the space that it lives in after a `:`"]
    diagnostic = error("E113", t.span(), f"`:` is missing before `{written}`", hints=hints)
    colon = Token(":", ":", t.token.start, t.token.start)
    if t.token.type == "NAME":
        return Mistake(diagnostic, t.with_tokens(colon, instead_of=0))
    return Mistake(diagnostic, t.with_tokens(colon) if t.token.type in ("in", "∈") else ())


def _missing_comma(t: Trouble) -> Mistake | None:
    """`param x : R^n pos`: attributes are separated by commas."""
    if t.kind not in _KINDS or t.token.type != "NAME" or not t.wants(",") or t.wants("*"):
        return None
    comma = Token(",", ",", t.token.start, t.token.start)
    hints = [f"write `, {t.token.text}`"]
    diagnostic = error("E113", t.span(), f"`,` is missing before `{t.token.text}`", hints=hints)
    return Mistake(diagnostic, t.with_tokens(comma, instead_of=0))


def _argument_without_space(t: Trouble) -> Mistake | None:
    """`def f(x) = ...`."""
    if t.kind != "def" or t.opening != "(" or not t.wants(":") or not t.before:
        return None
    hints = [f"write `{t.before.text} : R`, or another space"]
    return Mistake(error("E113", t.span(t.before), f"`{t.before.text}` needs its space after a `:`", hints=hints))


# --- operators and operands --------------------------------------------------------------------------


def _method(t: Trouble) -> Mistake | None:
    """`x.sum()`: functions stand before what they are applied to."""
    if t.token.type != "(" or t.index < 3 or t.tokens[t.index - 2].type != ".":
        return None
    name, body = t.tokens[t.index - 1], t.tokens[t.index - 3]
    written = body.text if body.type == "NAME" else "..."
    hints = [f"write `{name.text}({written})`"]
    return Mistake(error("E105", t.span(name), f"`.{name.text}` cannot be called", hints=hints))


def _power(t: Trouble) -> Mistake | None:
    """`(a + b)²`."""
    digits = t.token.text.translate(_RAISED)
    if not t.wants("*") or not digits.isascii() or not digits.isdigit() or digits == t.token.text:
        return None
    number = Token("NUMBER", digits, t.token.start, t.token.end)
    hat = Token("^", "^", t.token.start, t.token.start)
    diagnostic = error("E101", t.span(), f"`{t.token.text}` is written `^{digits}`")
    return Mistake(diagnostic, t.with_tokens(hat, number))


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def _juxtaposed(t: Trouble) -> Mistake | None:
    """`2x`, `A x`, `a(b)(c)`: products are written with `*`."""
    if not t.before or not t.wants("*") or t.token.type not in _OPERAND:
        return None
    left, right = t.before.text, t.token.text
    hints = [f"write `{left}*{right}`"]
    if t.opening:
        hints.append("or a `,` between two entries" + (", or a `;` before a new row" if t.opening == "[" else ""))
    message = f"an operator is missing between `{left}` and `{right}`"
    diagnostic = error("E105", t.span(t.before, t.token), message, hints=hints)
    return Mistake(diagnostic, t.with_tokens(Token("*", "*", t.token.start, t.token.start), instead_of=0))


def _decimal_point(t: Trouble) -> Mistake | None:
    if not t.after("NUMBER") and not (t.after(".") and t.index > 1 and t.tokens[t.index - 2].type == "NUMBER"):
        return None
    if not t.after(".") or not t.before:
        return None
    number = t.tokens[t.index - 2]
    hints = [f"write `{number.text}.0`, or `{number.text}`"]
    diagnostic = error("E113", t.span(number, t.before), "a decimal point needs digits after it", hints=hints)
    return Mistake(diagnostic, t.with_tokens(instead_of=1, at=t.index - 1))


def _line_begins_with_operator(t: Trouble) -> Mistake | None:
    if t.index or t.token.type in _OPERAND or t.token.type == "STRING":
        return None
    hints = [f"if the line before goes on, end it with `{t.token.text}`"]
    return Mistake(error("E112", t.span(), f"no statement begins with `{t.token.text}`", hints=hints))


def _slashes(t: Trouble) -> Mistake | None:
    first = t.before if t.after("/") else t.token
    second = t.token if t.after("/") else t.following
    if not first or not second or first.type != "/" or second.type != "/":
        return None
    hints = ["a comment begins with `#`"]
    return Mistake(error("E112", t.span(first, second), "`//` is not part of the language", hints=hints))


def _missing_operand(t: Trouble) -> Mistake | None:
    if not t.wants_operand or not t.before or t.token.type in _OPERAND or t.token.type == "STRING":
        return None
    before, span = t.before, t.span(t.before, t.token)
    if before.type == "," and t.token.type in (")", "]"):
        diagnostic = error("E112", t.span(before), "nothing follows this comma", hints=["remove it"])
        return Mistake(diagnostic, t.with_tokens(at=t.index - 1))
    if before.type in ("(", "["):
        return Mistake(error("E112", span, f"nothing stands between `{before.text}` and `{t.token.text}`"))
    if t.token.type == "$END":
        hints = ["on the same line"] if before.type in STARTING else []
        return Mistake(error("E112", t.span(before), f"`{before.text}` needs an expression after it", hints=hints))
    return Mistake(error("E112", span, f"an expression is missing between `{before.text}` and `{t.token.text}`"))


def _missing_name(t: Trouble) -> Mistake | None:
    if t.expected != {"NAME"} or not t.before:
        return None
    found = f", not `{t.token.text}`" if t.token.text else ""
    span = t.span() if t.token.text else t.span(t.before)
    return Mistake(error("E112", span, f"`{t.before.text}` needs a name after it{found}"))


# --- brackets ----------------------------------------------------------------------------------------


def _range_as_subscript(t: Trouble) -> Mistake | None:
    if t.token.type != ".." or t.opening != "[":
        return None
    hints = ["a slice is written `lo:hi`, and leaves out `hi`, as in Python"]
    diagnostic = error("E113", t.span(), "`..` does not cut a piece out of an array", hints=hints)
    return Mistake(diagnostic)


def _list_in_brackets(t: Trouble) -> Mistake | None:
    """`(a, b)*3`."""
    if not ((t.token.type == "," and t.opening == "(") or (t.after(")") and t.expected == {"in", "∈"})):
        return None
    hints = ["an array is written with square brackets: `[a, b]`"]
    return Mistake(error("E113", t.span(), "a list in round brackets stands only before `in`", hints=hints))


def _semicolon(t: Trouble) -> Mistake | None:
    if t.token.type != ";":
        return None
    hints = ["rows of an array stand in square brackets: `[a; b]`"]
    return Mistake(error("E113", t.span(), "`;` does not fit inside round brackets", hints=hints))


# --- the rest ----------------------------------------------------------------------------------------


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
    stray,
    _lambda,
    _else,
    _misspelt,
    _reserved,
    _two_statements,
    _equals_for_comparison,
    _comparison_for_equals,
    _comparison_in_arithmetic,
    _size_without_brackets,
    _missing_colon,
    _missing_comma,
    _argument_without_space,
    _method,
    _power,
    _juxtaposed,
    _decimal_point,
    _range_as_subscript,
    _list_in_brackets,
    _semicolon,
    _slashes,
    _line_begins_with_operator,
    _missing_operand,
    _missing_name,
)
