"""Signs that belong to other notations to the sign of this one: `@`, `−`, `%`, quotes that never close."""

from unicodedata import name as unicode_name

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import NO_NEAREST
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.layout import Line

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
_JOINING = ("&", "&&", "∧")
_ADVICE = {
    "%": "a comment begins with `#`",
    "∑": "write `sum(... for i in n)`",
    "?": "an expression has no branches; `max`, `min`, `abs` and `pos` say most of what is meant",
    "√": "write `sqrt(...)`",
    "{": "use round brackets, or square ones for an array",
    "}": "use round brackets, or square ones for an array",
    "“": 'a string stands between plain quotes: `"..."`',
    "”": 'a string stands between plain quotes: `"..."`',
    **dict.fromkeys(("⪰", "≽"), "a semidefinite matrix is written `X in PSD`"),
    "\\": "a line goes on after an operator or inside brackets; no sign is needed",
}


def stray(t: Trouble) -> Mistake | None:
    """Any sign that no token matches."""
    if t.token.type in ("STRING", "QUOTED") and t.index == 0 and len(t.tokens) == 1:
        hints = ["a comment begins with `#`", 'what a problem is about stands behind its name: `problem name "..."`']
        return Mistake(error("E113", t.span(), "a string is no statement", hints=hints), (Line(()),))
    if t.token.type == "QUOTED":
        return Mistake(error("E113", t.span(), "a string stands between two quotes", hints=['write `"..."`']))
    if t.token.type != "STRAY":
        return None
    holds = not t.opening and "if" not in [token.type for token in t.tokens[: t.index]]  # as a constraint does
    if t.token.text == "≠" and holds and t.index:
        return Mistake(error("E108", t.span(), "`≠` is no constraint", hints=[NO_NEAREST]))
    if t.token.text in _JOINING and holds:
        hints = ["write each on a line of its own; all of them hold"]
        text = f"constraints are not joined by `{t.token.text}`"
        return Mistake(error("E120", t.span(), text, hints=hints), t.split(leaving_out=1))
    if t.token.text.startswith('"'):
        hints = ['write `"` where it should end; a string stays on one line']
        return Mistake(error("E102", t.span(), "this string is never closed", hints=hints))
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
