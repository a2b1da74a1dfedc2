"""The names of a file, checked: letters that NFKC leaves alone, and no two names that look alike."""

from unicodedata import category, decomposition, normalize
from unicodedata import name as unicode_name

from declarative.source.diagnostic import Diagnostic, Label, error
from declarative.source.span import Source, Span
from declarative.syntax.mistakes.bars import BARS
from declarative.syntax.tokens.lexer import WORDS, Token

# Letters of other alphabets that are drawn like a Latin one.
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονϲϳ", "ABEZHIKMNOPTYXovcj", strict=True))
_CYRILLIC = dict(zip("АВЕЅІЈКМНОРСТУХаеорсухіјѕһԁԛԝѵ", "ABESIJKMHOPCTYXaeopcyxijshdqwv", strict=True))
_DRAWN_LIKE = str.maketrans(_GREEK | _CYRILLIC)
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they show text in another order
_RAISED = "²³¹⁰⁴⁵⁶⁷⁸⁹"
_SMALL = frozenset(_RAISED + "₀₁₂₃₄₅₆₇₈₉")


def check_names(source: Source, tokens: list[Token]) -> list[Diagnostic]:
    """One diagnostic for each name that is not plain, each pair that looks alike, each hidden sign of direction."""
    first: dict[str, Token] = {}
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "NAME" and not _is_suffix(before, token):
            first.setdefault(token.text, token)
    first = {name: token for name, token in first.items() if not all(letter in _RAISED for letter in name)}
    found = [_not_plain(source, token) for name, token in first.items() if not _is_plain(name)]
    return [*found, *_alike(source, first), *_turning(source)]


def _is_suffix(before: Token | None, token: Token) -> bool:
    """The small digits of `‖x‖₂²`, which are spoken of with their bars."""
    return before is not None and before.text in BARS and before.end == token.start and set(token.text) <= _SMALL


def _is_plain(name: str) -> bool:
    return name.isascii() or (
        normalize("NFKC", name) == name and all(category(letter)[0] == "L" for letter in name if not letter.isascii())
    )


def _not_plain(source: Source, token: Token) -> Diagnostic:
    plain = normalize("NFKC", token.text)
    raised = [letter for letter in token.text if decomposition(letter).startswith("<super>")]
    if raised and token.text.endswith("".join(raised)):
        base = normalize("NFKC", token.text[: -len(raised)])
        hints = [f"a power is written `{base}^{normalize('NFKC', ''.join(raised))}`"]
    elif "\u2044" in plain:  # the stroke of a fraction
        hints = [f"write `{plain.replace(chr(0x2044), '/')}`, and `*` before what it multiplies"]
    elif plain != token.text and _is_plain(plain):
        hints = [f"write `{plain}`"]
    else:
        hints = ["a name is made of letters, the digits 0 to 9 and `_`"]
    span = Span(source, token.start, token.end)
    return error("E122", span, f"`{token.text}` holds a character that names may not have", hints=hints)


def _alike(source: Source, first: dict[str, Token]) -> list[Diagnostic]:
    found = []
    drawn: dict[str, Token] = {}
    for name, token in first.items():
        look = name.translate(_DRAWN_LIKE)
        other = drawn.setdefault(look, token)
        span = Span(source, token.start, token.end)
        if look != name and look in WORDS:
            hints = ["spell it in one alphabet, or otherwise"]
            found.append(error("E123", span, f"this name looks like the word `{look}`", label=_odd(name), hints=hints))
        elif other is not token:
            label = Label(Span(source, other.start, other.end), "the other one")
            hints = ["they are spelt in different alphabets; use one of them"]
            message = f"`{name}` looks like another name"
            found.append(error("E123", span, message, label=_odd(name), labels=[label], hints=hints))
    return found


def _odd(name: str) -> str:
    """The letter that gives a look-alike away."""
    odd = [unicode_name(letter, "") for letter in name if ord(letter) in _DRAWN_LIKE]
    return f"with {odd[0]}" if odd else ""


def _turning(source: Source) -> list[Diagnostic]:
    if _TURNING.isdisjoint(source.text):
        return []
    places = [i for i, character in enumerate(source.text) if character in _TURNING]
    span = Span(source, places[0], places[0] + 1)
    return [error("E101", span, "a hidden character turns the direction of the text here", hints=["remove it"])]
