"""Signs that belong to other notations to the sign of this one: `@`, `−`, `||x||`, `%`, quotes that never close."""

import re
from unicodedata import name as unicode_name

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.lexer import Token

# The sign that was meant, where nothing else can have been.
_MEANT = {
    "@": "*",
    **dict.fromkeys(("·", "×", "⋅", "∗", "∙"), "*"),
    **dict.fromkeys(("−", "–", "—"), "-"),
    "÷": "/",
    "≠": "!=",
    "∞": "inf",
    **dict.fromkeys(("′", "’", "‘", "⊤"), "'"),
    "&": "and",
    "&&": "and",
    "!": "not",
    "~": "not",
    "∧": "and",
    "∨": "or",
    "∀": "for",
    "→": "->",
    "…": "..",
    "⩽": "<=",
    "⩾": ">=",
}
_ADVICE = {
    "%": "a comment begins with `#`",
    "∑": "write `sum(... for i in n)`",
    "√": "write `sqrt(...)`",
    "{": "use round brackets, or square ones for an array",
    "}": "use round brackets, or square ones for an array",
    "“": 'a string stands between plain quotes: `"..."`',
    "”": 'a string stands between plain quotes: `"..."`',
    **dict.fromkeys(("⪰", "≽"), "a semidefinite matrix is written `X in PSD`"),
    "\\": "a line goes on after an operator or inside brackets; no sign is needed",
}
BARS = ("||", "|", "‖")


def stray(t: Trouble) -> Mistake | None:
    """Any sign that no token matches."""
    if t.token.type != "STRAY":
        return None
    if t.token.text.startswith('"'):
        hints = ['write `"` where it should end; a string stays on one line']
        return Mistake(error("E102", t.span(), "this string is never closed", hints=hints))
    if t.token.text in BARS:
        return _bars(t)
    if (meant := _MEANT.get(t.token.text)) and (t.index or t.token.text != "@"):
        message = f"`{t.token.text}` is not part of the language"
        hints = [f"write `{meant}`"]
        if t.token.text in ("@", "·", "⋅", "∙"):
            hints.append("of two vectors: `a'*b`")
        diagnostic = error("E101", t.span(), message, hints=hints)
        return Mistake(diagnostic, t.with_tokens(t.token._replace(type=meant, text=meant)))
    advice = _ADVICE.get(t.token.text[0])
    message = f"{_shown(t.token.text)} is not part of the language"
    return Mistake(error("E101", t.span(), message, hints=[advice] if advice else []))


def _shown(text: str) -> str:
    """What cannot be seen is named."""
    if text.isprintable() and not text.isspace():
        return f"`{text}`"
    return f"the character U+{ord(text[0]):04X} ({unicode_name(text[0], 'unnamed')})"


def _bars(t: Trouble) -> Mistake:
    """`||x||`, also with `_1`, `_2`, `_inf` and `^2`, also as small letters; `|x|`; `a || b`."""
    bars = t.token
    if not t.wants("NUMBER"):
        diagnostic = error("E109", t.span(), f"`{bars.text}` is not part of the language", hints=["write `or`"])
        return Mistake(diagnostic, t.with_tokens(bars._replace(type="or", text="or")))
    closing = next((i for i in range(t.index + 1, len(t.tokens)) if t.tokens[i].text == bars.text), None)
    if closing is None:
        hints = ["write `abs(...)`" if bars.text == "|" else "write `norm(...)`"]
        return Mistake(error("E109", t.span(), f"`{bars.text}` is not a bracket", hints=hints))
    function, last = _norm(t, closing)
    inner = t.source.text[bars.end : t.tokens[closing].start].strip()
    span = t.span(bars, t.tokens[last])
    call = (
        Token("NAME", function, bars.start, bars.end),
        Token("(", "(", bars.start, bars.end),
        *t.tokens[t.index + 1 : closing],
        Token(")", ")", t.tokens[last].start, t.tokens[last].end),
    )
    diagnostic = error("E109", span, "norms are written as functions", hints=[f"write `{function}({inner})`"])
    return Mistake(diagnostic, t.with_tokens(*call, instead_of=last - t.index + 1))


# What follows the bars: the 1-norm, the greatest entry, or the 2-norm and its square.
_SUFFIX = re.compile(r"(?P<one>_1|₁)|(?P<inf>_inf|_∞|∞)|(?P<two>_2|₂)?(?P<square>\^2|\*\*2|²)?")


def _norm(t: Trouble, closing: int) -> tuple[str, int]:
    """The function that bars with their suffix stand for, and the last token that belongs to them."""
    after = [token.text for token in t.tokens[closing + 1 : closing + 4]]
    suffixes = ((count, _SUFFIX.fullmatch("".join(after[:count]))) for count in range(len(after), -1, -1))
    count, suffix = next((count, found) for count, found in suffixes if found)
    if suffix["one"] or suffix["inf"]:
        return "norm1" if suffix["one"] else "norminf", closing + count
    if t.token.text == "|" and not suffix["two"]:
        return "abs", closing
    return "sumsq" if suffix["square"] else "norm", closing + count
