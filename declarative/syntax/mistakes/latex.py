"""Commands of LaTeX: `x \\geq 0`, `\\frac{1}{2}`, `\\lambda`."""

from dataclasses import replace

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.bars import bars
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.lexer import Token

_SIGNS = {
    **dict.fromkeys(("leq", "le", "leqslant"), "<="),
    **dict.fromkeys(("geq", "ge", "geqslant"), ">="),
    **dict.fromkeys(("neq", "ne"), "!="),
    **dict.fromkeys(("cdot", "times", "ast"), "*"),
    "in": "in",
    "infty": "inf",
    "forall": "for",
}
_ADVICE = {
    **dict.fromkeys(("frac", "dfrac", "tfrac"), "a quotient is written `a/b`"),
    **dict.fromkeys(("sum", "prod", "max", "min"), "indices stand behind: `{0}(... for i in n)`"),
    **dict.fromkeys(("sqrt", "exp", "log", "sin", "cos", "tan", "det"), "a function is called: `{0}(...)`"),
    "ln": "the logarithm is `log(...)`",
    **dict.fromkeys(("mathbb", "mathbf", "mathcal", "mathrm", "boldsymbol", "bm"), "letters have one form: `R^n`, `x`"),
    **dict.fromkeys(("left", "right", "big", "Big", "text", "quad", "qquad"), "leave it out"),
    **dict.fromkeys(("top", "intercal"), "the transpose is `x'`"),
    **dict.fromkeys(("lVert", "rVert", "Vert", "lvert", "rvert", "vert"), "norms are `norm(...)`, `abs(...)`"),
    **dict.fromkeys(("succeq", "succ"), "a semidefinite matrix is written `X in PSD`"),
    **dict.fromkeys(("begin", "end"), "a problem here begins with `minimize`, and `subject to` on a line of its own"),
}


def double_bars(t: Trouble) -> Mistake | None:
    """`\\|x\\|_2`: read as `‖x‖_2`."""
    if t.token.text != "\\" or not t.following or t.following.text != "|" or t.following.start != t.token.end:
        return None
    merged: list[Token] = []
    for token in t.tokens:
        if merged and merged[-1].text == "\\" and token.text == "|" and merged[-1].end == token.start:
            merged[-1] = Token("STRAY", "‖", merged[-1].start, token.end)
        else:
            merged.append(token)
    return bars(replace(t, line=replace(t.line, tokens=tuple(merged))))


def command(t: Trouble) -> Mistake | None:
    """A backslash and a name beside it."""
    if t.token.text != "\\" or not t.following or t.following.start != t.token.end or not t.following.text[0].isalpha():
        return None
    word = t.following
    name = word.text.split("_")[0]
    span, message = t.span(t.token, word), f"`\\{name}` is a command of LaTeX"
    rest = t.tokens[t.index + 2 :]
    if name == "forall" and len(rest) == 1 and rest[0].type == "NAME":  # it does not say where the index runs
        hints = [f"write `for {rest[0].text} in n`"]
        return Mistake(error("E101", span, message, hints=hints))
    if sign := _SIGNS.get(name):
        diagnostic = error("E101", span, message, hints=[f"write `{sign}`"])
        return Mistake(diagnostic, t.with_tokens(word._replace(type=sign, text=sign), instead_of=2))
    if t.index == 0 and name in ("min", "max", "argmin", "argmax"):
        hints = [f"the objective is a statement: `{name.removeprefix('arg')}imize ...`"]
        return Mistake(error("E101", span, message, hints=hints))
    if advice := _ADVICE.get(name):
        return Mistake(error("E101", span, message, hints=[advice.format(name)]))
    if t.before and t.before.end == t.token.start and t.before.type in ("NAME", ")", "]", "'"):
        hints = [f"with a variable y, `{t.operand_before}*y == {word.text}` says what y is"]
        return Mistake(error("E101", t.span(), "no system is solved by `\\`", hints=hints))
    own = word._replace(text=word.text.replace("lambda", "lam"))
    repaired = t.with_tokens(instead_of=1) if own == word else ()
    return Mistake(error("E101", span, message, hints=[f"write `{own.text}`"]), repaired)
