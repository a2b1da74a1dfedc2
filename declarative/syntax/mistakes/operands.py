"""Operators without operands, operands without operators, and brackets used for something else."""

import re
from collections.abc import Sequence

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import NO_NEAREST
from declarative.syntax.mistakes.trouble import Mistake, Trouble, closing_of
from declarative.syntax.tokens.layout import STARTING
from declarative.syntax.tokens.lexer import Token

_OPERAND = ("NAME", "NUMBER", "(", "[", "inf")
REDUCTIONS = ("sum", "prod", "max", "min")
SIGNS = {"Σ": "sum", "Π": "prod"}
FUNCTIONS = (
    *REDUCTIONS,
    *SIGNS,
    "norm",
    "sumsq",
    "abs",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "trace",
    "diag",
    "square",
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def power(t: Trouble) -> Mistake | None:
    """`(a + b)²`."""
    digits = t.token.text.translate(_RAISED)
    if not t.wants("*") or not digits.isascii() or not digits.isdigit() or digits == t.token.text:
        return None
    number = Token("NUMBER", digits, t.token.start, t.token.end)
    hat = Token("^", "^", t.token.start, t.token.start)
    diagnostic = error("E101", t.span(), f"`{t.token.text}` is written `^{digits}`")
    return Mistake(diagnostic, t.with_tokens(hat, number))


def function_without_brackets(t: Trouble) -> Mistake | None:
    """`sum x[i]^2 for i in n`, `norm x`."""
    if not t.before or t.before.text not in FUNCTIONS or t.token.type not in ("NAME", "NUMBER") or not t.wants("*"):
        return None
    name = SIGNS.get(t.before.text, t.before.text)
    hints = [
        f"write `{name}(...)` around all of `... for i in n`"
        if name in REDUCTIONS
        else f"write `{name}({_operand(t)})`"
    ]
    span = t.span(t.before, t.token)
    if t.before.text in SIGNS:
        return Mistake(error("E105", t.span(t.before), f"`{t.before.text}` is written `{name}`", hints=hints))
    return Mistake(error("E105", span, f"`{name}` needs brackets around what it is applied to", hints=hints))


def _operand(t: Trouble) -> str:
    """The name or number here with its subscripts."""
    closing = closing_of(t.tokens, t.index + 1) if t.following and t.following.type == "[" else None
    return t.span(t.token, t.tokens[closing or t.index]).text


def juxtaposed(t: Trouble) -> Mistake | None:
    """`2x`, `A x`, `a'x`, `a(b)(c)`, `c^T x`: products are written with `*`."""
    if not t.before or not t.wants("*") or t.token.type not in _OPERAND:
        return None
    times = Token("*", "*", t.token.start, t.token.start)
    if t.before.text == "T" and t.index > 2 and t.tokens[t.index - 2].type == "^":
        return _transposed(t, times)
    prime = t.before.type == "'" and t.index > 1 and t.tokens[t.index - 2].type == "NAME"
    left = t.operand_before if prime else t.before.text
    names = _names_in(t)
    if len(names) == 2:
        return _written_together(t, times, names)
    hints = [f"write `{t.operand_before}*{t.operand_here}`"]
    if t.opening:
        hints.append("or a `,` between two entries" + (", or a `;` before a new row" if t.opening == "[" else ""))
    message = f"an operator is missing between `{left}` and `{t.token.text}`"
    diagnostic = error("E105", t.span(t.before, t.token), message, hints=hints)
    return Mistake(diagnostic, t.with_tokens(times, instead_of=0))


def _names_in(t: Trouble) -> list[Token]:
    """The `Q` and `x` of `x'Qx`, where they are declared, and `Qx` is not."""
    name, start, end = t.token.text, t.token.start, t.token.end
    if t.token.type == "NAME" and not t.declares(name):
        for k in range(1, len(name)):
            if t.declares(name[:k]) and t.declares(name[k:]):
                return [Token("NAME", name[:k], start, start + k), Token("NAME", name[k:], start + k, end)]
    return []


def _written_together(t: Trouble, times: Token, names: list[Token]) -> Mistake:
    """`x'Qx`."""
    left, right = names
    hints = [f"write `{t.operand_before}*{left.text}*{right.text}`"]
    message = f"operators are missing in `{t.operand_before}{t.token.text}`"
    diagnostic = error("E105", t.span(t.before, t.token), message, hints=hints)
    again = times._replace(start=right.start, end=right.start)
    return Mistake(diagnostic, t.with_tokens(times, left, again, right))


def _transposed(t: Trouble, times: Token) -> Mistake:
    """`c^T x`."""
    base = t.at(t.index - 2).operand_before
    hints = [f"write `{base}'*{t.operand_here}`"]
    prime = Token("'", "'", t.tokens[t.index - 2].start, t.tokens[t.index - 1].end)
    message = f"the transpose is `{base}'`, and a product is written with `*`"
    diagnostic = error("E105", t.span(t.tokens[t.index - 2], t.token), message, hints=hints)
    return Mistake(diagnostic, t.with_tokens(prime, times, instead_of=2, at=t.index - 2))


def decimal_point(t: Trouble) -> Mistake | None:
    if not t.after("NUMBER") and not (t.after(".") and t.index > 1 and t.tokens[t.index - 2].type == "NUMBER"):
        return None
    if not t.after(".") or not t.before:
        return None
    number = t.tokens[t.index - 2]
    hints = [f"write `{number.text}.0`, or `{number.text}`"]
    diagnostic = error("E113", t.span(number, t.before), "a decimal point needs digits after it", hints=hints)
    return Mistake(diagnostic, t.with_tokens(instead_of=1, at=t.index - 1))


def line_begins_with_operator(t: Trouble) -> Mistake | None:
    if t.index or t.token.type in _OPERAND or t.token.type == "STRING":
        return None
    hints = [f"if the line before goes on, end it with `{t.token.text}`"]
    if t.token.type == "if":
        hints = ["a constraint holds always; `if` behind `for` chooses by dims, consts and indices where it stands"]
    if t.token.type == "and":
        hints = ["constraints stand one by one: leave it out"]
    return Mistake(error("E112", t.span(), f"no statement begins with `{t.token.text}`", hints=hints))


def slashes(t: Trouble) -> Mistake | None:
    """`// ...`, `/* ... */`, `-- ...`."""
    pairs = ((t.before, t.token), (t.token, t.following))
    for first, second in pairs:
        if first and second and first.type + second.type in ("//", "/*", "--") and first.end == second.start:
            span, hints = t.span(first, second), ["a comment begins with `#`"]
            return Mistake(error("E112", span, f"`{span.text}` is not part of the language", hints=hints))
    return None


def terms_left_out(t: Trouble) -> Mistake | None:
    """`x[0] + ... + x[n-1]`."""
    if t.token.type != ".." or not t.wants_operand or not t.before or t.before.type not in ("+", "*"):
        return None
    hints = [f"an index runs over them: `{'sum' if t.before.type == '+' else 'prod'}(... for i in n)`"]
    return Mistake(error("E112", t.span(), "no dots stand for terms that are left out", hints=hints))


def unequal(t: Trouble) -> Mistake | None:
    """`x <> 0` as a constraint; in a condition it is read as `!=`."""
    if t.token.type != ">" or not t.after("<") or not t.before or t.before.end != t.token.start:
        return None
    if not {"for", "if"} & {token.type for token in t.tokens[: t.index]}:
        return Mistake(error("E108", t.span(t.before, t.token), "`<>` is no constraint", hints=[NO_NEAREST]))
    sign = t.before._replace(type="!=", text="!=", end=t.token.end)
    diagnostic = error("E106", t.span(t.before, t.token), "`<>` is written `!=`")
    return Mistake(diagnostic, t.with_tokens(sign, instead_of=2, at=t.index - 1))


def missing_operand(t: Trouble) -> Mistake | None:
    if not t.wants_operand or not t.before or t.token.type in _OPERAND or t.token.type == "STRING":
        return None
    before, span = t.before, t.span(t.before, t.token)
    if "\n" in span.text:
        span = t.span(before)
    if before.type == "," and t.token.type in (")", "]"):
        if (row := _part_of_matrix(t)) is not None:
            return row
        diagnostic = error("E112", t.span(before), "nothing follows this comma", hints=["remove it"])
        return Mistake(diagnostic, t.with_tokens(at=t.index - 1))
    if before.type == "[" and t.token.type == "," and (column := _part_of_matrix(t)) is not None:
        return column
    if before.type in ("(", "["):
        return Mistake(error("E112", span, f"nothing stands between `{before.text}` and `{t.token.text}`"))
    if t.token.type == "$END":
        hints = ["write it on the same line"] if before.type in STARTING else []
        return Mistake(error("E112", t.span(before), f"`{before.text}` needs an expression after it", hints=hints))
    return Mistake(error("E112", span, f"an expression is missing between `{before.text}` and `{t.token.text}`"))


def _part_of_matrix(t: Trouble) -> Mistake | None:
    """`A[i,]`, `A[,j]`, of R."""
    opening = max(k for k in range(t.index) if t.tokens[k].type in ("[", "("))
    closing = closing_of(t.tokens, opening)
    if closing is None or t.tokens[opening].type != "[" or not opening or t.tokens[opening - 1].type != "NAME":
        return None
    colon = Token(":", ":", t.token.start, t.token.start)
    inside = [token.text for token in t.tokens[opening + 1 : closing]]
    inside.insert(t.index - opening - 1, ":")
    span, name = t.span(t.tokens[opening], t.tokens[closing]), t.tokens[opening - 1].text
    diagnostic = error("E112", span, "a whole axis is written `:`", hints=[f"write `{name}[{''.join(inside)}]`"])
    return Mistake(diagnostic, t.with_tokens(colon, instead_of=0))


def missing_name(t: Trouble) -> Mistake | None:
    if t.expected != {"NAME"} or not t.before:
        return None
    if t.before.type == "." and t.token.type == "'" and t.index > 1:
        hints = [f"write `{t.tokens[t.index - 2].text}'`"]
        diagnostic = error("E112", t.span(t.before, t.token), "`.'` is not part of the language", hints=hints)
        return Mistake(diagnostic, t.with_tokens(at=t.index - 1))
    found = f", not `{t.token.text}`" if t.token.text else ""
    span = t.span() if t.token.text else t.span(t.before)
    return Mistake(error("E112", span, f"`{t.before.text}` needs a name after it{found}"))


def range_as_subscript(t: Trouble) -> Mistake | None:
    if t.token.type != ".." or t.opening != "[":
        return None
    hints = ["a slice is written `lo:hi`, and leaves out `hi`, as in Python"]
    if t.before and t.following and t.before.type in ("NAME", "NUMBER") and t.following.type in ("NAME", "NUMBER"):
        end = next((k for k in range(t.index, len(t.tokens)) if t.tokens[k].type in ("]", ",")), len(t.tokens))
        last = "".join(token.text for token in t.tokens[t.index + 1 : end])
        hints[0] += f": `{t.before.text}:{_one_more(last)}`"
        if t.before.text == "1" and last.isidentifier() and last != "end":
            hints = ["indices start at 0: `:` alone is all of an axis, `1:` all of it but the first"]
    diagnostic = error("E113", t.span(), "`..` does not cut a piece out of an array", hints=hints)
    return Mistake(diagnostic)


def _one_more(last: str) -> str:
    """Where a slice ends that has `last` as its last place: `T+1` for T, `n` for n-1, nothing for `end`."""
    if last in ("end", "") or last.isdigit():
        return str(int(last) + 1) if last.isdigit() else ""
    shifted = re.fullmatch(r"(.+)([+-]\d+)", last)
    body, by = (shifted[1], int(shifted[2]) + 1) if shifted else (last, 1)
    return f"{body}{by:+}" if by else body


def slice_in_round_brackets(t: Trouble) -> Mistake | None:
    """`x(1:n)`, where indices start at 1 and both ends belong to it."""
    if (
        t.token.type != ":"
        or t.index < 3
        or t.tokens[t.index - 2].type != "("
        or not t.declares(t.tokens[t.index - 3].text)
        or not t.tokens[t.index - 1].text.isdigit()
    ):
        return None
    return _in_square_brackets(
        t, t.index - 2, "a slice stands in square brackets", "indices start at 0, and `hi` is left out"
    )


def subscripts_in_round_brackets(t: Trouble) -> Mistake | None:
    """`A(1,:)`, of MATLAB."""
    around = [k for k in range(1, t.index) if (end := closing_of(t.tokens, k)) is not None and end > t.index]
    if t.token.type != ":" or t.opening != "(" or not around or not t.declares(t.tokens[around[-1] - 1].text):
        return None
    return _in_square_brackets(t, around[-1], "subscripts stand in square brackets", "indices start at 0")


def _in_square_brackets(t: Trouble, opening: int, title: str, hint: str) -> Mistake | None:
    """For subscripts that count from 1 after an opening bracket: what they are, where that is sure, from 0."""
    closing = closing_of(t.tokens, opening)
    if closing is None:
        return None
    name, last, given = t.tokens[opening - 1], t.tokens[closing], t.tokens[opening + 1 : closing]
    found = _from_zero(given)
    if found is not None:
        hint += f": `{name.text}[{''.join(token.text for token in found)}]`"
    inside = found if found is not None else given
    square = (t.tokens[opening]._replace(type="[", text="["), *inside, last._replace(type="]", text="]"))
    diagnostic = error("E113", t.span(name, last), title, hints=[hint])
    return Mistake(diagnostic, t.with_tokens(*square, instead_of=closing - opening + 1, at=opening))


def _from_zero(tokens: Sequence[Token]) -> tuple[Token, ...] | None:
    """Subscripts that are numbers, names for sizes at the end of slices, or `:`, one less where they begin; or None."""
    texts, found = [token.text for token in tokens], list(tokens)
    for k, token in enumerate(tokens):
        begins = k == 0 or texts[k - 1] == ","
        alone = k + 1 == len(tokens) or texts[k + 1] in (",", ":")
        ends = k > 0 and texts[k - 1] == ":" and (k + 1 == len(tokens) or texts[k + 1] == ",")
        if begins and alone and token.text.isdigit() and int(token.text) > 0:
            found[k] = token._replace(text=str(int(token.text) - 1))
        elif not (token.text in (",", ":") or ends):
            return None
    return tuple(found)


NORMS = {"fro": "normfro(X)", "nuc": "normnuc(X)", "inf": "norminf(x)"}


def norm_by_string(t: Trouble) -> Mistake | None:
    """`norm(X, 'fro')`."""
    if not t.wants_operand or t.token.text not in ("'", *(f'"{name}"' for name in NORMS)):
        return None
    name = t.following.text if t.token.text == "'" and t.following else t.token.text.strip('"')
    if name not in NORMS:
        return None
    last = t.tokens[t.index + 2] if t.token.text == "'" and t.index + 2 < len(t.tokens) else t.token
    hints = [f"write `{NORMS[name]}`"]
    return Mistake(error("E112", t.span(t.token, last), "a norm is not chosen by a string", hints=hints))


def list_in_brackets(t: Trouble) -> Mistake | None:
    """`(a, b)*3`."""
    if not ((t.token.type == "," and t.opening == "(") or (t.after(")") and t.expected == {"in", "∈"})):
        return None
    hints = ["an array is written with square brackets: `[a, b]`"]
    if t.index > 3 and t.tokens[t.index - 4].text in REDUCTIONS and t.tokens[t.index - 3].type == "(":
        hints = [f"indices stand behind: `{t.tokens[t.index - 4].text}(... for i in m, j in n)`"]
    return Mistake(error("E113", t.span(), "a list in round brackets stands only before `in`", hints=hints))


def semicolon(t: Trouble) -> Mistake | None:
    if t.token.type != ";":
        return None
    hints = ["rows of an array stand in square brackets: `[a; b]`"]
    return Mistake(error("E113", t.span(), "`;` does not fit inside round brackets", hints=hints))
