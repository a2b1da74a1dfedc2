"""Commands of LaTeX: `x \\geq 0`, `\\frac{1}{2}`, `\\lambda`."""

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.trouble import Mistake, Trouble

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


def command(t: Trouble) -> Mistake | None:
    """A backslash and a name beside it."""
    if t.token.text != "\\" or not t.following or t.following.start != t.token.end or not t.following.text[0].isalpha():
        return None
    word = t.following
    name = word.text.split("_")[0]
    span, message = t.span(t.token, word), f"`\\{name}` is a command of LaTeX"
    if sign := _SIGNS.get(name):
        diagnostic = error("E101", span, message, hints=[f"write `{sign}`"])
        return Mistake(diagnostic, t.with_tokens(word._replace(type=sign, text=sign), instead_of=2))
    if advice := _ADVICE.get(name):
        return Mistake(error("E101", span, message, hints=[advice.format(name)]))
    return Mistake(error("E101", span, message, hints=[f"write `{word.text}`"]), t.with_tokens())
