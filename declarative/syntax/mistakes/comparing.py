"""`=` and `==` for each other, and comparisons where a value is needed."""

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.lexer import Token

COMPARING = ("<=", "≤", ">=", "≥", "==", "!=", "<", ">")
NO_NEAREST = "a set that leaves a point out has no nearest point; say on which side of it to stay"
DECLARING = ("var", "param", "const", "learn")


def equals_for_comparison(t: Trouble) -> Mistake | None:
    """`x = 1` in a constraint or condition; also `x =< 1`."""
    if t.token.type != "=" or not t.wants("=="):
        return None
    if t.following and t.following.type in ("<", ">") and t.following.start == t.token.end:
        sign = t.following.type + "="
        diagnostic = error("E106", t.span(t.token, t.following), f"`={t.following.type}` is written `{sign}`")
        return Mistake(diagnostic, t.with_tokens(t.token._replace(type=sign, text=sign), instead_of=2))
    message = "`=` gives a name to something; `==` says that two things are equal"
    if t.kind == "NAME" and t.before_objective and (named := _definition(t, message)):
        return named
    hints = ["write `==` here"]
    if t.index == 1 and t.kind == "NAME":
        hints.append(f"or `let {t.tokens[0].text} = ...`, where it gives a name")
    diagnostic = error("E106", t.span(), message, hints=hints)
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type="==", text="==")))


def assigned(t: Trouble) -> Mistake | None:
    """`y := 2*x`."""
    if t.index != 2 or t.token.type != "=" or not t.after(":") or t.kind != "NAME":
        return None
    name = t.tokens[0]
    hints = [f"a name is given by `let {name.text} = ...`"]
    word = Token("let", "let", name.start, name.start)
    diagnostic = error("E112", t.span(t.before, t.token), "`:=` is not part of the language", hints=hints)
    return Mistake(diagnostic, t.with_tokens(word, name, t.token, instead_of=3, at=0))


def _definition(t: Trouble, message: str) -> Mistake | None:
    """`y = 2*x` or `f(y) = y^2` above the objective, where no constraint stands."""
    name, word = t.tokens[0], Token("let", "let", t.tokens[0].start, t.tokens[0].start)
    if t.index == 1:
        hints = [f"a name is given by `let {name.text} = ...`"]
        if [token.text.isdigit() for token in t.tokens[2:]] == [True]:
            hints.append(f"a size is given by `dim {name.text} = {t.tokens[2].text}`")
        return Mistake(error("E106", t.span(), message, hints=hints), t.with_tokens(word, instead_of=0, at=0))
    if [token.type for token in t.tokens[1 : t.index : 2]] == ["(", ")"]:
        hints = [f"a function is a statement: `def {name.text}({t.tokens[2].text} : R) : R = ...`"]
        return Mistake(error("E106", t.span(), message, hints=hints))
    return None


def comparison_for_equals(t: Trouble) -> Mistake | None:
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


def comparison_in_arithmetic(t: Trouble) -> Mistake | None:
    """`minimize x <= 3`, `f(a <= b)`."""
    if t.token.type == "=" and t.kind in ("minimize", "maximize"):
        named = t.span(t.tokens[1], t.before).text
        hints = [f"a name is given above: `let {named} = ...`, then `{t.kind} {named}`"]
        return Mistake(error("E113", t.span(), "`=` does not fit here", hints=hints))
    if t.token.type in COMPARING and t.after("."):
        diagnostic = error(
            "E112", t.span(t.before, t.token), "comparisons hold entry by entry", hints=["leave out the `.`"]
        )
        return Mistake(diagnostic, t.with_tokens(instead_of=1, at=t.index - 1))
    if t.token.type not in (*COMPARING, "in", "∈") or t.wants_operand or t.wants(":"):
        return None
    if t.opening == "[" and t.tokens[0].type == "[":
        hints = ["leave out the brackets, and write each constraint on a line of its own"]
        return Mistake(error("E113", t.span(t.tokens[0]), "constraints stand in no list", hints=hints))
    if t.kind in ("minimize", "maximize", "find"):
        hint = "a constraint stands below `subject to`, on a line of its own"
    else:
        hint = "a comparison stands in a constraint, in an `assume` and after `if`"
    return Mistake(error("E113", t.span(), "a comparison does not fit here", hints=[hint]))
