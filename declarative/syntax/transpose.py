"""`.T` to `'`, but for the field T of an imported problem, as in `follower(q).T`."""

from declarative.syntax.tokens.lexer import Token


def plain_transposes(tokens: tuple[Token, ...], imported: frozenset[str]) -> tuple[Token, ...]:
    """One statement's tokens with each `.T` that transposes as one token of the type `'`."""
    if not any(token.text == "T" for token in tokens):
        return tokens
    plain: list[Token] = []
    callees: list[str] = []  # of each open bracket, the token before it
    closed = ""  # the callee of the bracket that the last token closes
    for token in tokens:
        if token.text == "T" and plain and plain[-1].type == "." and closed not in imported and len(plain) > 1:
            token = Token("'", ".T", plain.pop().start, token.end)
        if token.type in ("(", "["):
            callees.append(plain[-1].text if plain and token.type == "(" else "")
        if token.type != ".":
            closed = callees.pop() if token.type in (")", "]") and callees else ""
        plain.append(token)
    return tuple(plain)
