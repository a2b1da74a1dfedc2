"""Bars around an expression to the function that they stand for: `||x||`, `‖x − y‖₂²`, `|x|`; `a || b` is `or`."""

import re

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import COMPARING
from declarative.syntax.mistakes.operands import FUNCTIONS
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.lexer import Token

BARS = ("||", "|", "‖")


def bars(t: Trouble) -> Mistake | None:
    """Also with `_1`, `_2`, `_inf` and `^2`, also as small letters, also behind a factor without its `*`."""
    if t.token.type != "STRAY" or t.token.text not in BARS:
        return None
    behind_operand = not t.wants("NUMBER")
    closing = next((i for i in range(t.index + 1, len(t.tokens)) if t.tokens[i].text == t.token.text), None)
    if behind_operand and (closing is None or not _is_norm(t, closing)):
        diagnostic = error("E109", t.span(), f"`{t.token.text}` is not part of the language", hints=["write `or`"])
        return Mistake(diagnostic, t.with_tokens(t.token._replace(type="or", text="or")))
    if closing is None:
        hints = ["write `abs(...)`" if t.token.text == "|" else "write `norm(...)`"]
        return Mistake(error("E109", t.span(), f"`{t.token.text}` is not a bracket", hints=hints))
    return _norm(t, closing, behind_operand)


def _is_norm(t: Trouble, closing: int) -> bool:
    """Not where `or` may stand: in a condition, and between comparisons."""
    inside = [token.type for token in t.tokens[t.index + 1 : closing]]
    conditions = "if" in [token.type for token in t.tokens[: t.index]]
    return bool(inside) and not conditions and not set(inside) & set(COMPARING)


def _norm(t: Trouble, closing: int, behind_operand: bool) -> Mistake:
    function, last = _function(t, closing)
    bar, end = t.token, t.tokens[last].end
    inner = t.source.text[bar.end : t.tokens[closing].start].strip()
    around = behind_operand and t.before is not None and t.before.text in FUNCTIONS
    times = (Token("*", "*", bar.start, bar.start),) if behind_operand and not around else ()
    left, right = (tuple(Token(sign, sign, at, at) for at in (bar.start,) if around) for sign in "()")
    call = (
        *times,
        *left,
        Token("NAME", function, bar.start, bar.end),
        Token("(", "(", bar.start, bar.end),
        *t.tokens[t.index + 1 : closing],
        Token(")", ")", end, end),
        *right,
    )
    said = f"{t.operand_before + '*' if behind_operand else ''}{function}({inner})"
    hints = [f"write `{t.operand_before}({function}({inner}))`" if around else f"write `{said}`"]
    diagnostic = error("E109", t.span(bar, t.tokens[last]), "norms are written as functions", hints=hints)
    return Mistake(diagnostic, t.with_tokens(*call, instead_of=last - t.index + 1))


# What follows the bars: the 1-norm, the greatest entry, or the 2-norm and its square.
_SUFFIX = re.compile(r"(?P<one>_1|₁)|(?P<inf>_inf|_∞|∞)|(?P<two>_2|₂)?(?P<square>\^2|\*\*2|²)?")


def _function(t: Trouble, closing: int) -> tuple[str, int]:
    """The function that bars with their suffix stand for, and the last token that belongs to them."""
    after = [token.text for token in t.tokens[closing + 1 : closing + 4]]
    suffixes = ((count, _SUFFIX.fullmatch("".join(after[:count]))) for count in range(len(after), -1, -1))
    count, suffix = next((count, found) for count, found in suffixes if found)
    if suffix["one"] or suffix["inf"]:
        return "norm1" if suffix["one"] else "norminf", closing + count
    if t.token.text == "|" and not suffix["two"]:
        return "abs", closing
    return "sumsq" if suffix["square"] else "norm", closing + count
