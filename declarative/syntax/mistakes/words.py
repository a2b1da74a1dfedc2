"""Words of the language in the wrong place, and words that are not of the language."""

import re

from declarative.source.diagnostic import error
from declarative.syntax.mistakes.spelling import meant
from declarative.syntax.mistakes.trouble import Mistake, Trouble
from declarative.syntax.tokens.layout import STARTING
from declarative.syntax.tokens.lexer import WORDS, Token

ALONE = "`subject to` stands on a line of its own, and the constraints below it"
SOLVED_FOR = "what is solved for are the variables, by their declarations"
_NEVER_LABELS = WORDS - {"param", "const", "learn", "var", "extern", "def"}


def misspelt(t: Trouble) -> Mistake | None:
    """`minimise f`, `parm x : R`, `s.t.`: the statement begins with a name that is near a statement word."""
    found = meant(t.tokens) if t.kind == "NAME" else None
    if not found or t.index > max(1, found[1]):
        return None
    word, count = found
    written = t.source.text[word.start : word.end]
    if "_" in written and word.text in ("minimize", "maximize") and t.objective_above:
        return None  # `max_i x[i] <= 1`
    hints = [f"did you mean `{word.text}`?"]
    if written.lower() in ("set", "sets"):
        hints = ["an index runs over a size: write `dim`"]
    diagnostic = error("E110", t.span(word), f"`{written}` begins no statement", hints=hints)
    return Mistake(diagnostic, t.with_tokens(word, instead_of=count, at=0))


def reserved(t: Trouble) -> Mistake | None:
    """`param var : R`, `find: x >= 0`, `np.inf`: a word of the language where a name is needed."""
    at = t.index
    if at == 1 and t.token.type == ":" and t.kind in _NEVER_LABELS:
        at = 0
    elif at == 0 and t.token.type in WORDS and t.following and t.following.type == ":":
        pass
    elif t.token.type not in WORDS or not t.wants("NAME") or (t.token.type not in STARTING and t.wants_operand):
        return None
    word = t.tokens[at]
    if word.type == "problem" and at < t.index:
        diagnostic = error("E113", t.span(), "`problem` takes no colon", hints=["remove the `:`"])
        return Mistake(diagnostic, t.with_tokens())
    if at > 1 and t.tokens[at - 1].type == "." and word.text == "inf":
        module = t.tokens[at - 2]
        message = f"`{module.text}.{word.text}` is not part of the language"
        diagnostic = error("E105", t.span(module, word), message, hints=[f"write `{word.text}`"])
        return Mistake(diagnostic, t.with_tokens(word, instead_of=3, at=at - 2))
    message = f"`{word.text}` is a word of the language and cannot be a name"
    hints = [f"choose another name, such as `{word.text}_`"]
    if word.text == "var" and t.following and t.following.type == "(":
        hints = ["the variance is `variance(...)`"]
    diagnostic = error("E111", t.span(word), message, hints=hints)
    return Mistake(diagnostic, t.with_tokens(word._replace(type="NAME"), at=at))


def doc_in_single_quotes(t: Trouble) -> Mistake | None:
    """`problem p 'doc'`, `param a : R 'doc'`."""
    last = t.tokens[-1]
    if t.token.text != "'" or last.text != "'" or last is t.token or not t.wants("STRING"):
        return None
    span = t.span(t.token, last)
    doc = Token("STRING", f'"{span.text[1:-1]}"', t.token.start, last.end)
    diagnostic = error("E113", span, "a doc string stands in double quotes", hints=[f"write `{doc.text}`"])
    return Mistake(diagnostic, t.with_tokens(doc, instead_of=len(t.tokens) - t.index))


def name_of_the_problem(t: Trouble) -> Mistake | None:
    """`problem my-problem`, `problem 'my problem'`, `problem my problem "doc"`."""
    if t.kind != "problem" or len(t.tokens) < 2 or t.index not in (1, 2) or t.token.type in (":", "$END", "STRING"):
        return None
    end = next((k for k, token in enumerate(t.tokens) if token.text.startswith('"')), len(t.tokens))
    if end < len(t.tokens) and t.tokens[end].type == "STRAY":
        return None  # a string that is never closed
    span = t.span(t.tokens[1], t.tokens[end - 1])
    name = re.sub(r"\W+", "_", span.text).strip("_")
    if not name.isidentifier():
        return None
    message = "a name is made of letters, digits and `_`"
    word = t.tokens[1]._replace(type="NAME", text=name)
    diagnostic = error("E113", span, message, hints=[f"write `{name}`"])
    return Mistake(diagnostic, t.with_tokens(word, instead_of=end - 1, at=1))


def two_statements(t: Trouble) -> Mistake | None:
    """`dim n param x : R^n`, something after `subject to`, constraints separated by commas."""
    if not t.wants("$END") or not (t.token.type in STARTING or t.after("SUBJECT_TO") or t.token.type == ","):
        return None
    if t.token.type == ":" and not t.following:
        diagnostic = error("E113", t.span(), "`subject to` takes no colon", hints=["remove the `:`"])
        return Mistake(diagnostic, t.with_tokens())
    if t.token.type == ",":
        hints = ["begin a new line, or write `;`"]
        diagnostic = error("E114", t.span(), "statements are not separated by commas", hints=hints)
        return Mistake(diagnostic, t.split(leaving_out=1))
    if t.after("SUBJECT_TO"):
        diagnostic = error("E110", t.span(t.before), ALONE, hints=["write `subject to` on a line of its own"])
        return Mistake(diagnostic, t.split(leaving_out=int(t.token.type == ":")))
    hints = [f"write `{t.token.text}` on a line of its own, or a `;` before it"]
    return Mistake(error("E114", t.span(), f"a second statement begins at `{t.token.text}`", hints=hints), t.split())


def lambda_expression(t: Trouble) -> Mistake | None:
    if not t.before or t.before.text != "lambda":
        return None
    hints = ["a function is a statement: `def f(x : R) : R = x^2`"]
    return Mistake(error("E126", t.span(t.before), "`lambda` is not part of the language", hints=hints))


def conditional_expression(t: Trouble) -> Mistake | None:
    if t.token.type != "if" or "else" not in [token.text for token in t.tokens[t.index :]]:
        return None
    hints = ["`max`, `min`, `abs` and `pos` say most of what is meant"]
    if t.opening:
        hints.append("`if` behind `for` chooses which indices count: `sum(x[i] for i in n if i == 0)`")
    return Mistake(error("E126", t.span(), "an expression has no `if ... else`", hints=hints))


# Words that other notations put between a statement and its indices.
_JOINING = {"forall": "for", "foreach": "for", "over": "for", "where": "if", "when": "if", "with": "if"}


def joining(t: Trouble) -> Mistake | None:
    """`x[i] >= 0 forall i in n`, and `forall i : x[i] >= 0`."""
    if t.index == 2 and t.kind in ("minimize", "maximize") and t.tokens[1].text.lower() in ("over", "wrt"):
        colon = next((k for k, token in enumerate(t.tokens) if token.type in (":", ",")), None)
        repaired = t.with_tokens(instead_of=colon, at=1) if colon is not None else ()
        return Mistake(error("E110", t.span(t.before, t.token), SOLVED_FOR, hints=["leave it out"]), repaired)
    if t.before and t.before.type == t.token.type == "NAME" and t.before.text.lower() in _JOINING:
        hints = ["indices stand behind the constraint: `x[i] >= 0 for i in n if cond`"]
        if t.following and t.following.type == "=":
            hints = [f"a name is given above the objective: `let {t.token.text} = ...`"]
        message = f"`{t.before.text}` does not come first"
        return Mistake(error("E110", t.span(t.before), message, hints=hints))
    if t.kind in ("minimize", "maximize") and not t.opening and t.token.text.lower() in ("over", "wrt"):
        span = t.span(t.token, t.tokens[-1])
        repaired = t.with_tokens(instead_of=len(t.tokens) - t.index)
        return Mistake(error("E110", span, SOLVED_FOR, hints=["leave it out"]), repaired)
    word = _JOINING.get(t.token.text.lower())
    if not word or t.token.type != "NAME" or not t.wants("*"):
        return None
    message = f"`{t.token.text}` is not a word of the language"
    if word == "for" and t.following and t.index + 2 == len(t.tokens):
        hints = [f"say where it runs: `for {t.following.text} in n`"]
        return Mistake(error("E110", t.span(t.token, t.following), message, hints=hints))
    diagnostic = error("E110", t.span(), message, hints=[f"did you mean `{word}`?"])
    return Mistake(diagnostic, t.with_tokens(t.token._replace(type=word, text=word)) if t.wants(word) else ())
