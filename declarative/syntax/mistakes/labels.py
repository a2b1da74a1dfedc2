"""Names of constraints and objectives in the wrong place or form: `minimize cost: f`, `bal[i]: ...`, `x <= 1 (cap)`."""

import re
from itertools import pairwise

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import COMPARING
from declarative.syntax.mistakes.indices import binders
from declarative.syntax.mistakes.spelling import meant, meant_word
from declarative.syntax.mistakes.trouble import Mistake, Trouble, closing_of
from declarative.syntax.tokens.lexer import Token

_OBJECTIVES = ("minimize", "maximize")
OBJECTIVES = ("objective", "obj", "cost", "loss", "optimize", "optimise")  # what others call it, without a direction
UNDIRECTED = "does not say what to do"


def objective_with_colon(t: Trouble) -> Mistake | None:
    """`minimize: f`, `minimize cost: f`."""
    if t.kind not in _OBJECTIVES or t.token.type != ":" or t.index not in (1, 2):
        return None
    what = f"`{t.kind}` takes no colon" if t.index == 1 else "an objective has no name"
    hints = [f"remove the `{t.source.text[t.tokens[1].start : t.token.end]}`"]
    return Mistake(error("E113", t.span(), what, hints=hints), t.with_tokens(instead_of=t.index, at=1))


def sense_as_a_name(t: Trouble) -> Mistake | None:
    """`min: f`."""
    word = meant_word(t.tokens[0].text)
    if len(t.tokens) < 3 or t.tokens[1].type != ":" or word is None or word not in _OBJECTIVES:
        return None
    name, body = t.tokens[0], " ".join(t.span(t.tokens[2], t.tokens[-1]).text.split())
    repaired = t.with_tokens(name._replace(type=word, text=word), instead_of=2, at=0)
    hints = [f"write `{word} {body}`"]
    return Mistake(error("E110", t.span(name), f"`{name.text}` begins no statement", hints=hints), repaired)


def objective_without_sense(t: Trouble) -> Mistake | None:
    """`objective sumsq(x)`, where no objective stands above."""
    if t.index != 1 or t.tokens[0].text.lower() not in OBJECTIVES or not t.wants("*") or t.token.type == "$END":
        return None
    if t.objective_above or set(COMPARING) & {token.type for token in t.tokens}:
        return None
    name, body = t.tokens[0], " ".join(t.span(t.token, t.tokens[-1]).text.split())
    hints = [f"write `minimize {body}`, or `maximize`"]
    word = name._replace(type="minimize", text="minimize")
    return Mistake(error("E110", t.span(name), f"`{name.text}` {UNDIRECTED}", hints=hints), t.with_tokens(word, at=0))


def objective_as_a_name(t: Trouble) -> Mistake | None:
    """`objective = sumsq(x)`, where there is no objective."""
    if t.index != 1 or t.token.type not in ("=", ":=") or t.tokens[0].text.lower() not in OBJECTIVES:
        return None
    if t.objective_above or t.before_objective or len(t.tokens) < 3:
        return None
    name, body = t.tokens[0], _text(t, t.tokens[2:])
    hints = [f"write `minimize {body}`, or `maximize`"]
    word = name._replace(type="minimize", text="minimize")
    repaired = t.with_tokens(word, instead_of=2, at=0)
    return Mistake(error("E110", t.span(name), f"`{name.text}` {UNDIRECTED}", hints=hints), repaired)


def label_of_several_words(t: Trouble) -> Mistake | None:
    """`my-cap: x <= 1`, `upper cap: x <= 1`."""
    types = [token.type for token in t.tokens]
    colon = types.index(":") if ":" in types else 0
    if t.kind != "NAME" or colon < 2 or not 1 <= t.index <= colon or not {*types[:colon]} <= {"NAME", "NUMBER", "-"}:
        return None
    if not set(COMPARING) & {*types[colon:]}:
        return None
    span = t.span(t.tokens[0], t.tokens[colon - 1])
    label = Token("NAME", re.sub(r"\W+", "_", span.text), span.start, span.end)
    hints = [f"write `{label.text}: {_text(t, t.tokens[colon + 1 :])}`"]
    message = "a name is made of letters, digits and `_`"
    repaired = t.with_tokens(label, instead_of=colon, at=0)
    return Mistake(error("E113", span, message, hints=hints), repaired)


def label_without_colon(t: Trouble) -> Mistake | None:
    """`budget sum(x) <= 1`: a constraint's name ends with a colon."""
    called = t.following is not None and t.following.type == "(" and t.token.end == t.following.start
    if t.index != 1 or t.kind != "NAME" or t.token.type != "NAME" or not t.wants(":") or not called:
        return None
    name, right = t.tokens[0].text, t.token.text
    hints = [f"if `{name}` names the constraint, write `{name}: {right}(...`", f"for a product write `{name}*{right}`"]
    message = f"a `:` or an operator is missing between `{name}` and `{right}`"
    colon = Token(":", ":", t.tokens[0].end, t.tokens[0].end)
    return Mistake(error("E105", t.span(t.before, t.token), message, hints=hints), t.with_tokens(colon, instead_of=0))


def label_of_objective(t: Trouble) -> Mistake | None:
    """`obj: minimise f`."""
    if [token.type for token in t.tokens[:2]] != ["NAME", ":"] or t.index > 3 or len(t.tokens) < 4:
        return None
    if set(COMPARING) & {token.type for token in t.tokens}:
        return None
    word, count = (t.tokens[2], 1) if t.tokens[2].type in _OBJECTIVES else meant(t.tokens[2:]) or (t.tokens[2], 0)
    if word.type not in _OBJECTIVES:
        return None
    hints = [f"write `{word.text} {_text(t, t.tokens[2 + count :])}`"]
    repaired = t.with_tokens(word, instead_of=2 + count, at=0)
    return Mistake(error("E113", t.span(*t.tokens[:2]), "an objective has no name", hints=hints), repaired)


def label_with_indices(t: Trouble) -> Mistake | None:
    """`bal[i]: ... for i in n`, `bal[i in n]: ...`, `bal {i in n}: ...`, `bal(i): ...`."""
    if t.kind != "NAME" or len(t.tokens) < 3 or t.tokens[1].text not in ("[", "(", "{"):
        return None
    closing = closing_of(t.tokens, 1)
    if closing is None or t.index > closing + 1 or [token.type for token in t.tokens[closing + 1 :][:1]] != [":"]:
        return None
    name, inside, body = t.tokens[0], t.tokens[2:closing], t.tokens[closing + 2 :]
    runs = "for" in [token.type for token in body]
    over = () if runs else binders(inside)
    said = f"{name.text}: {_text(t, body) or '...'}"
    hints = [f"write `{said}`"]
    if over:
        hints = [f"write `{said} for {' '.join(token.text for token in over).replace(' ,', ',')}`"]
    elif not runs:
        hints = [f"write `{said} for {' in n, '.join(token.text for token in inside if token.type == 'NAME')} in n`"]
    loop = (Token("for", "for", t.line.end, t.line.end), *over) if over else ()
    repaired = t.with_tokens(name, t.tokens[closing + 1], *body, *loop, instead_of=len(t.tokens), at=0)
    message = "the name of a constraint has no indices: its `for` stands behind"
    diagnostic = error("E113", t.span(t.tokens[1], t.tokens[closing]), message, hints=hints)
    return Mistake(diagnostic, repaired if body and (over or runs) else ())


def label_numbered(t: Trouble) -> Mistake | None:
    """`(1) x >= 0`, `1: x >= 0`."""
    types = [token.type for token in t.tokens]
    count = 3 if types[:3] == ["(", "NUMBER", ")"] else 2 if types[:2] == ["NUMBER", ":"] else 0
    if not count or t.index not in (1, 3) or len(t.tokens) <= count or not set(COMPARING) & set(types):
        return None
    number, body = t.tokens[types.index("NUMBER")], t.tokens[count:]
    label = number._replace(type="NAME", text=f"c{number.text}".replace(".", "_"))
    hints = [f"write `{label.text}: {_text(t, body)}`"]
    repaired = t.with_tokens(label, Token(":", ":", number.end, number.end), instead_of=count, at=0)
    message = "a constraint's name begins with a letter, and ends with a colon"
    return Mistake(error("E113", t.span(t.tokens[0], t.tokens[count - 1]), message, hints=hints), repaired)


def label_behind(t: Trouble) -> Mistake | None:
    """`x <= 1 (cap)`, and the number of an equation, `x <= 1 (3)`."""
    types = [token.type for token in t.tokens]
    if types[t.index :] not in (["(", "NAME", ")"], ["(", "NUMBER", ")"]) or not set(COMPARING) & set(types):
        return None
    name, number = t.tokens[t.index + 1], types[t.index + 1] == "NUMBER"
    if t.declares(name.text):
        return None
    rest = t.tokens[: t.index]
    said = f"c{name.text}" if number else name.text
    hints = [f"write `{said}: {_text(t, rest)}`"] if types[1] != ":" else [f"leave out `({name.text})`"]
    diagnostic = error("E105", t.span(t.token, t.tokens[-1]), "a constraint's name stands in front of it", hints=hints)
    return Mistake(diagnostic, t.with_tokens(instead_of=3))


def multiplier_behind(t: Trouble) -> Mistake | None:
    """`x <= 1 : nu`, the multiplier behind its constraint."""
    types = [token.type for token in t.tokens]
    if types[t.index :] != [":", "NAME"] or types[1] == ":" or not set(COMPARING) & set(types[: t.index]):
        return None
    name = t.tokens[-1].text
    hints = [f"write `{name}: {_text(t, t.tokens[: t.index])}`; its multiplier is `{name}.dual`"]
    diagnostic = error("E113", t.span(t.token, t.tokens[-1]), "a constraint's name stands in front of it", hints=hints)
    return Mistake(diagnostic, t.with_tokens(instead_of=2))


def _text(t: Trouble, tokens: tuple[Token, ...]) -> str:
    """As it was written, with what has been mended since."""
    gaps = (" " * (b.start > a.end) for a, b in pairwise((tokens[0], *tokens))) if tokens else ()
    return "".join(gap + token.text for gap, token in zip(gaps, tokens, strict=True))
