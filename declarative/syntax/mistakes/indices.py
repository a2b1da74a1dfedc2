"""Indices as other languages write them: `for i = 1:n`, `for all i`, `sum_i x[i]`, `sum(i in n, x[i])`, `x[t in T]`."""

import re

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.comparing import DECLARING
from declarative.syntax.mistakes.operands import SIGNS
from declarative.syntax.mistakes.trouble import Mistake, Trouble, closing_of
from declarative.syntax.tokens.lexer import Token


def for_all(t: Trouble) -> Mistake | None:
    """`for all i in n`."""
    if (
        not t.before
        or t.index < 2
        or t.tokens[t.index - 2].type != "for"
        or t.before.text not in ("all", "each", "every")
    ):
        return None
    runs = t.following is not None and t.following.type in ("in", "∈")
    hints = ["leave it out" if runs else f"say where it runs: `for {t.token.text} in n`"]
    diagnostic = error("E110", t.span(t.before), f"`{t.before.text}` is one word too many", hints=hints)
    return Mistake(diagnostic, t.with_tokens(instead_of=1, at=t.index - 1) if runs else ())


def index_after_comma(t: Trouble) -> Mistake | None:
    """`x[i] >= 0, i in n`; `x[i] >= 0, i = 1,...,n`; `x[i] >= 0, for all i in n`."""
    after = t.tokens[t.index + 1 : t.index + 3]
    if t.token.type != "," or t.opening or len(after) < 2:
        return None
    if after[0].type == "for" or after[0].text.lower() in FOR_ALL:
        diagnostic = error("E114", t.span(), "no comma stands before the indices", hints=["leave it out"])
        return Mistake(diagnostic, t.with_tokens())
    if after[1].type not in ("in", "∈", "=") or after[0].text not in [token.text for token in t.tokens[: t.index]]:
        return None
    repaired = t.with_tokens(t.token._replace(type="for", text="for"))
    if after[1].type == "=":
        hints = [f"write `for {after[0].text} in {_range(t.tokens[t.index + 3 :])}`"]
        return Mistake(error("E114", t.span(), "an index is not introduced by a comma", hints=hints))
    diagnostic = error("E114", t.span(), "an index is not introduced by a comma", hints=["write `for`"])
    return Mistake(diagnostic, repaired)


def condition_first(t: Trouble) -> Mistake | None:
    """`x[i] == 0 if E[i] for i in n`."""
    types = [token.type for token in t.tokens]
    if t.token.type != "if" or t.opening or "for" not in types[t.index :] or not t.wants("for"):
        return None
    at = types.index("for", t.index)
    condition, loop = t.tokens[t.index : at], t.tokens[at:]
    hints = [f"write `{t.span(loop[0], loop[-1]).text} {t.span(condition[0], condition[-1]).text}`"]
    repaired = t.with_tokens(*loop, *condition, instead_of=len(types) - t.index)
    return Mistake(error("E112", t.span(), "the condition stands behind the indices", hints=hints), repaired)


FOR_ALL = ("forall", "foreach", "\u2200")


def _range(tokens: tuple[Token, ...]) -> str:
    """`0..T-1`, from `0,...,T-1` and `0:T-1`; `n`, from `1,...,n`."""
    written = re.sub(r"[,.:\u2026]+", "..", "".join(token.text for token in tokens))
    return re.sub(r"^1\.\.(\w+)$", r"\1", written) or "lo..hi"


def index_range(t: Trouble) -> Mistake | None:
    """`for i = 1..n`, `for i in 1:n`."""
    if t.token.type == "=" and t.index > 1 and t.wants("in") and t.tokens[t.index - 2].type in ("for", ","):
        diagnostic = error("E106", t.span(), "an index runs `in` a range", hints=["write `in`"])
        return Mistake(diagnostic, t.with_tokens(t.token._replace(type="in", text="in")))
    if t.token.type == ":" and t.wants("..") and "for" in [token.type for token in t.tokens[: t.index]]:
        hints = ["write `..`; both ends belong to it, and indices start at 0"]
        if t.before and t.before.text == "1" and t.following and t.following.type == "NAME":
            hints = [f"indices start at 0: `in {t.following.text}` runs over all of them"]
        diagnostic = error("E113", t.span(), "a range is written `lo..hi`", hints=hints)
        return Mistake(diagnostic, t.with_tokens(t.token._replace(type="..", text="..")))
    return None


def range_with_dots(t: Trouble) -> Mistake | None:
    """`for i = 0, ..., n-1`."""
    if t.token.type != ".." or not t.after(",") or t.index < 2 or "for" not in [token.type for token in t.tokens]:
        return None
    first = t.tokens[t.index - 2]
    end = t.index + 1 + sum(token.text in (".", ",", "..") for token in t.tokens[t.index + 1 : t.index + 4])
    last = " ".join(token.text for token in t.tokens[end:])
    hints = [f"write `{first.text}..{last.replace(' ', '')}`" if last else "write `lo..hi`"]
    return Mistake(error("E113", t.span(t.before, t.token), "a range is written `lo..hi`", hints=hints))


def for_left_out(t: Trouble) -> Mistake | None:
    """`sum(x[i] i in n)`, `sum(x[i], i in n)`, `sum(x[i], i = 0..n-1)`."""
    into = ("in", "∈", "=")
    if t.token.type == "NAME" and t.following and t.following.type in into[:2] and t.wants("for"):
        word = Token("for", "for", t.token.start, t.token.start)
        diagnostic = error("E113", t.span(), f"`for` is missing before `{t.token.text}`", hints=["write `for`"])
        return Mistake(diagnostic, t.with_tokens(word, instead_of=0))
    at = next((k for k in (t.index - 2, t.index - 4) if k > 0 and t.tokens[k].type == ","), None)
    if t.opening != "(" or at is None or t.tokens[at + 2].type not in into or t.token.type not in (*into, ".."):
        return None
    word, sign = t.tokens[at]._replace(type="for", text="for"), t.tokens[at + 2]._replace(type="in", text="in")
    repaired = t.with_tokens(word, t.tokens[at + 1], sign, instead_of=3, at=at)
    message = "an index is not introduced by a comma"
    hints = [f"write `for {t.tokens[at + 1].text} in`" if t.tokens[at + 2].type == "=" else "write `for`"]
    return Mistake(error("E114", t.span(t.tokens[at]), message, hints=hints), repaired)


def for_behind_brackets(t: Trouble) -> Mistake | None:
    """`minimize sum(x[i]) for i in n`, and `sum(x[i] for i)`."""
    if t.token.type == "for" and t.kind in ("minimize", "maximize", "let") and t.after(")") and not t.wants("for"):
        hints = ["the indices of a sum stand inside its brackets: `sum(... for i in n)`"]
        return Mistake(error("E113", t.span(), "an objective is one number", hints=hints))
    if t.before and t.expected == {"in", "∈"} and t.index > 1 and t.tokens[t.index - 2].type in ("for", ","):
        hints = [f"say where it runs: `for {t.before.text} in n`"]
        return Mistake(error("E113", t.span(t.before), f"`{t.before.text}` runs over nothing", hints=hints))
    return None


def array_over_an_index(t: Trouble) -> Mistake | None:
    """`[x[i] for i in n]`, read as `stack(x[i] for i in n)`."""
    if t.token.type != "for" or t.opening != "[":
        return None
    around = [(k, end) for k in range(t.index) if (end := closing_of(t.tokens, k)) is not None and end > t.index]
    if not around:  # `[x[i] for { ]`
        return None
    opening, closing = max(around)
    inside, text = t.tokens[opening + 1 : closing], t.span(t.tokens[opening], t.tokens[closing]).text
    left, right = t.tokens[opening]._replace(type="(", text="("), t.tokens[closing]._replace(type=")", text=")")
    name = Token("NAME", "stack", left.start, left.start)
    hints = [f"write `stack({' '.join(text[1:-1].split())})`"]
    repaired = t.with_tokens(name, left, *inside, right, instead_of=closing - opening + 1, at=opening)
    return Mistake(error("E113", t.span(), "an array over an index is a `stack`", hints=hints), repaired)


def index_first(t: Trouble) -> Mistake | None:
    """`sum(i in n, x[i])`."""
    if t.token.type not in ("in", "∈") or not t.opening or t.index < 3 or t.tokens[t.index - 2].type != t.opening:
        return None
    function, index = t.tokens[t.index - 3].text, t.tokens[t.index - 1].text
    if function not in ("sum", "prod", "max", "min"):
        return None
    hints = [f"write `{function}(... for {index} in ...)`"]
    return Mistake(error("E113", t.span(), "the index stands behind what is added up", hints=hints))


def second_for(t: Trouble) -> Mistake | None:
    """`sum(p[t,i] for t in T for i in g)`."""
    if t.token.type != "for" or "for" not in [token.type for token in t.tokens[: t.index]]:
        return None
    if not t.wants(","):
        hints = ["the condition stands last: `for i in m, j in n if ...`"]
        return Mistake(error("E113", t.span(), "no `for` follows a condition", hints=hints))
    following = [token.text for token in t.tokens[t.index + 1 : t.index + 4]]
    hints = [f"write `, {' '.join(following)}`"]
    diagnostic = error("E113", t.span(), "one `for` takes all the indices, with commas between", hints=hints)
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type=",", text=",")))


def index_below(t: Trouble) -> Mistake | None:
    """`sum_i x[i] <= 1`."""
    named = re.fullmatch(r"(sum|prod|max|min|Σ|Π)_?(\w+)", t.before.text) if t.before else None
    if not named or not t.wants("*") or t.token.type not in ("NAME", "NUMBER", "("):
        return None
    function = SIGNS.get(named[1], named[1])
    hints = [f"write `{function}({_term(t)} for {named[2]} in n)`"]
    message = f"`{function}` needs brackets around what it is applied to, and its indices behind"
    return Mistake(error("E105", t.span(t.before, t.token), message, hints=hints))


def _term(t: Trouble) -> str:
    """What stands from the place of the trouble to the next `+`, `-` or comparison."""
    last = depth = 0
    for last in range(t.index, len(t.tokens)):
        token = t.tokens[last]
        depth += (token.type in ("(", "[")) - (token.type in (")", "]"))
        if depth < 0 or (depth == 0 and token.type in _AFTER_A_TERM):
            last -= 1
            break
    return " ".join(t.span(t.token, t.tokens[last]).text.split())


_AFTER_A_TERM = ("+", "-", "<=", "≤", ">=", "≥", "==", "=", "<", ">", "for", "if", ",")


def family(t: Trouble) -> Mistake | None:
    """`var p[t in T] : R^g`, `var p[t=1:T] : R`, `var p{T} : R`, `let gap[i in m] = ...`."""
    if t.kind not in (*DECLARING, "let") or len(t.tokens) < 4 or t.tokens[2].text not in ("[", "{"):
        return None
    closing = closing_of(t.tokens, 2)
    if closing is None or t.index > closing:
        return None
    name, inside = t.tokens[1].text, t.tokens[3:closing]
    over = binders(inside)
    if not over and (
        t.tokens[2].text == "[" or any(token.type not in ("NAME", "NUMBER", ",", "..") for token in inside)
    ):
        return None
    parts = [_counted(part) for part in _items(over or inside)]
    ranges = [part[2:] if over else part for part in parts]
    span = t.span(t.tokens[2], t.tokens[closing])
    if t.kind == "let":
        hints = [f"write `let {name}[{', '.join(part[0].text for part in parts)}] = ... for {_joined(parts, ' ')}`"]
        return Mistake(error("E113", span, "a range stands behind a `let`, after `for`", hints=hints))
    left, right, comma = (Token(sign, sign, span.start, span.end) for sign in ("[", "]", ","))
    flat = [token for part in ranges for token in (comma, *part)][1:]
    hints = [f"write `{t.kind} {name}[{_joined(ranges, '')}]`"]
    message = "the indices of a family have no names here" if over else "the sizes of a family stand in square brackets"
    repaired = t.with_tokens(left, *flat, right, instead_of=closing - 1, at=2)
    return Mistake(error("E113", span, message, hints=hints), repaired)


def _counted(part: list[Token]) -> list[Token]:
    """`1..n` of other languages is all of n."""
    return part[2:] if [token.text for token in part[:2]] == ["1", ".."] and len(part) == 3 else part


def _joined(parts: list[list[Token]], space: str) -> str:
    return ", ".join(space.join(token.text for token in part) for part in parts)


def binders(inside: tuple[Token, ...]) -> tuple[Token, ...]:
    """`i in n`, also from `i = 1:n` and `i in 1..n`, which run over all of n; nothing, where that is not what it is."""
    found: list[Token] = []
    for part in _items(inside):
        if len(part) < 3 or part[0].type != "NAME" or part[1].type not in ("in", "∈", "="):
            return ()
        over = part[2:]
        if [token.text for token in over[:2]] in (["1", ":"], ["1", ".."]) and len(over) == 3:
            over = over[2:]
        over = [token._replace(type="..", text="..") if token.type == ":" else token for token in over]
        comma = [Token(",", ",", part[0].start, part[0].start)] if found else []
        found += [*comma, part[0], part[1]._replace(type="in", text="in"), *over]
    return tuple(found)


def _items(tokens: tuple[Token, ...]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.type == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
