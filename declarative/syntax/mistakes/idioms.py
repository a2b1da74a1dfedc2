"""Forms of other languages: `np.sum(x)`, `x = cp.Variable(n)`, `minimize f s.t. ...`, `for all i`, `for i = 1:n`."""

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.trouble import Mistake, Trouble, closing_of
from declarative.syntax.mistakes.words import ALONE
from declarative.syntax.tokens.layout import Line
from declarative.syntax.tokens.lexer import Token

_MODULES = ("np", "numpy", "cp", "cvx", "cvxpy", "torch", "math", "scipy", "dc", "declarative", "jnp", "jax")
_DECLARED = {
    **dict.fromkeys(
        (
            "Variable",
            "Var",
            "LpVariable",
            "variable",
            "addVar",
            "addVars",
            "add_variable",
            "sdpvar",
            "optimvar",
            "MX",
            "SX",
        ),
        "a variable is declared: `var {0} : R^n`",
    ),
    **dict.fromkeys(("Parameter", "Param", "parameter"), "data are declared: `param {0} : R^n`"),
    "Constant": "data are declared: `const {0} : R^n`",
    **dict.fromkeys(
        ("Model", "ConcreteModel", "AbstractModel", "LpProblem", "Opti", "optimproblem"),
        "a file is one problem: `minimize ...`, then `subject to` and the constraints",
    ),
    "Minimize": "the objective is a statement: `minimize ...`",
    "Maximize": "the objective is a statement: `maximize ...`",
    "Problem": "a file is one problem: `minimize ...`, then `subject to` and the constraints",
}
_OBJECTIVES = ("minimize", "maximize")
_SUCH_THAT = ("st", "suchthat", "where", "subject", "subjectto")


def method(t: Trouble) -> Mistake | None:
    """`x.sum()`, `np.linalg.norm(x)`: functions stand before what they are applied to, without a module."""
    empty = t.token.type == "(" and t.following is not None and t.following.type == ")"
    if empty and t.index > 1 and t.after("'"):
        hints = ["leave out the `()`"]
        return Mistake(error("E105", t.span(), "a transpose is not called", hints=hints), t.with_tokens(instead_of=2))
    if t.token.type != "(" or t.index < 3 or t.tokens[t.index - 2].type != ".":
        return None
    name, first = t.tokens[t.index - 1], t.index - 3
    while first > 1 and t.tokens[first - 1].type == "." and t.tokens[first - 2].type == "NAME":
        first -= 2
    body = t.tokens[first]
    if body.text in _MODULES:
        span = t.span(body, name)
        hints = [f"functions are called by their names alone, without `{t.span(body, t.tokens[t.index - 2]).text}`"]
        repaired = t.with_tokens(name, instead_of=t.index - first, at=first)
        return Mistake(error("E105", span, f"`{span.text}` is not part of the language", hints=hints), repaired)
    written = t.tokens[t.index - 3].text if t.tokens[t.index - 3].type == "NAME" else "..."
    closing = closing_of(t.tokens, t.index)
    given = "" if closing is None else " ".join(t.source.text[t.token.end : t.tokens[closing].start].split())
    hints = [f"write `{name.text}({', '.join(filter(None, (written, given)))})`"]
    if name.text in _TRANSPOSES and not given:
        hints = [f"the transpose is `{written}'`"]
    if given and name.text in _OF_ONE:
        hints = [f"an inner product is written `{written}'*{name.text}({given})`"]
    return Mistake(error("E105", t.span(name), f"`.{name.text}` cannot be called", hints=hints))


_TRANSPOSES = ("t", "transpose", "mT", "H")
_OF_ONE = ("log", "exp", "sqrt", "abs", "square", "sin", "cos", "ln")  # of each entry of one array


def solution(t: Trouble) -> Mistake | None:
    """`x* = argmin f`, `x_star = arg min_x f`."""
    words = [token.text.split("_")[0].lower() for token in t.tokens]
    at = next((k for k, word in enumerate(words) if word in ("argmin", "argmax", "arg") and "=" in words[:k]), None)
    if at is None:
        return None
    behind = at + 1 + (words[at] == "arg")
    rest = t.span(t.tokens[behind], t.tokens[-1]).text if behind < len(t.tokens) else "..."
    sense = "maximize" if "max" in "".join(words[at:behind]) else "minimize"
    hints = [f"the objective is a statement: `{sense} {rest}`"]
    span = t.span(t.tokens[at], t.tokens[behind - 1])
    return Mistake(error("E110", span, f"`{span.text}` gives no value here", hints=hints))


def declared_in_python(t: Trouble) -> Mistake | None:
    """`x = cp.Variable(n)`."""
    head = [token.type for token in t.tokens[: t.index]]
    if t.token.type != "=" or t.kind != "NAME" or set(head[1::2]) - {"."}:
        return None
    at = t.index + 1
    while at + 2 < len(t.tokens) and t.tokens[at + 1].type == ".":
        at += 2
    word = t.tokens[at].text if at < len(t.tokens) else ""
    if word not in _DECLARED:
        return None
    hints = [_DECLARED[word].format(t.tokens[t.index - 1].text)]
    message = f"`{word}` is a word of another language"
    return Mistake(error("E110", t.span(t.tokens[0], t.tokens[at]), message, hints=hints))


def constraints_behind(t: Trouble) -> Mistake | None:
    """`minimize f s.t. x >= 0`."""
    if t.kind not in _OBJECTIVES or t.opening or t.index < 2 or t.token.type != "NAME":
        return None
    for count in (4, 3, 2, 1):
        words = t.tokens[t.index : t.index + count]
        text = "".join(token.text for token in words).replace(".", "").lower()
        if len(words) == count and text in _SUCH_THAT:
            break
    else:
        return None
    first, last = words[0], words[-1]
    span = t.span(first, last)
    line = Token("SUBJECT_TO", "subject to", first.start, last.end)
    rest = t.tokens[t.index + count :]
    message = f"constraints stand below `subject to`, not behind `{span.text}`"
    if count == 2 and "." not in span.text:
        message = ALONE
    repaired = (Line(t.tokens[: t.index]), Line((line,)), Line(rest, t.line.comments, t.line.trailing))
    return Mistake(error("E110", span, message, hints=["write `subject to` on a line of its own"]), repaired)


NORMS = {"fro": "normfro({0})", "nuc": "normnuc({0})", "inf": "norm({0}, inf)"}


def norm_by_name(t: Trouble) -> Mistake | None:
    """`norm(X, "fro")`."""
    given, words = t.token.text.strip('"'), [token.text for token in t.tokens[: t.index]]
    opening = max((k for k in range(1, len(words)) if words[k - 1 : k + 1] == ["norm", "("]), default=None)
    if t.token.type != "STRING" or given not in NORMS or opening is None or "," not in words[opening:]:
        return None
    of = t.source.text[t.tokens[opening].end : t.tokens[opening + words[opening:].index(",")].start]
    hints = [f"write `{NORMS[given].format(of)}`"]
    return Mistake(error("E113", t.span(), "a norm is not chosen by a string", hints=hints))


def semidefinite(t: Trouble) -> Mistake | None:
    """`X >> 0`."""
    if not t.before or t.before.type != t.token.type or t.token.type not in (">", "<") or t.before.end != t.token.start:
        return None
    span, written = t.span(t.before, t.token), t.source.text[t.tokens[0].start : t.before.start].strip()
    hints = [f"a semidefinite matrix is written `{written} in PSD`" if t.token.type == ">" else "write `... in PSD`"]
    return Mistake(error("E112", span, f"`{span.text}` is not part of the language", hints=hints))


def inner_product(t: Trouble) -> Mistake | None:
    """`minimize <c, x>`."""
    following = [token.type for token in t.tokens[t.index : t.index + 5]]
    if following != ["<", "NAME", ",", "NAME", ">"] or not t.wants_operand:
        return None
    a, b = t.tokens[t.index + 1], t.tokens[t.index + 3]
    span = t.span(t.token, t.tokens[t.index + 4])
    star, prime = (Token(sign, sign, b.start, b.start) for sign in ("*", "'"))
    hints = [f"write `{a.text}'*{b.text}`", f"of matrices: `sum({a.text} .* {b.text})`"]
    diagnostic = error("E112", span, "angle brackets are not part of the language", hints=hints)
    return Mistake(diagnostic, t.with_tokens(a, prime, star, b, instead_of=5))
