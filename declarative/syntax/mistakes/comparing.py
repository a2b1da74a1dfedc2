"""`=` and `==` for each other, and comparisons where a value is needed."""

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.trouble import Mistake, Trouble

COMPARING = ("<=", "≤", ">=", "≥", "==", "!=", "<", ">")
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
    hints = ["write `==` here"]
    if t.index == 1 and t.kind == "NAME":
        hints.append(f"or `let {t.tokens[0].text} = ...`, where it gives a name")
    diagnostic = error("E106", t.span(), message, hints=hints)
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type="==", text="==")))


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
    if t.token.type not in (*COMPARING, "in", "∈") or t.wants_operand or t.wants(":"):
        return None
    if t.kind in ("minimize", "maximize", "find"):
        hint = "a constraint stands below `subject to`, on a line of its own"
    else:
        hint = "a comparison stands in a constraint, in an `assume` and after `if`"
    return Mistake(error("E113", t.span(), "a comparison does not fit here", hints=[hint]))
