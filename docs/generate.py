"""The records of functions and of error codes to the pages `atoms.md` and `errors.md`: `make docs`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import declarative
from declarative.atoms import defined
from declarative.atoms.defined import DEFINITIONS
from declarative.atoms.record import Atom, Facts
from declarative.atoms.registry import THEMES
from declarative.elaborate.elsewhere import ADVICE, RENAMED, WRITTEN
from declarative.ir.facts import Curvature, Domain, Monotonicity, Sign, Smoothness
from declarative.ir.size import Size
from declarative.source import codes
from declarative.source.codes import Code
from declarative.source.render import render

HERE = Path(__file__).parent

# --- functions ----------------------------------------------------------------------------------

ATOMS = """\
# The library of functions

Written by `make docs` from the records in `declarative/atoms/`; change those, not this page.

*Value* is the sign of the result. *Curvature* is joint in all arguments, unless it says that some are data. *Moves*
says whether the value goes up or down with an argument; the rule for compositions needs it. *Needs*: the rows or the
cone that describe the function to a solver where it is convex or concave. The kkt backend takes smooth functions as
they are.

`sum`, `max`, `min` and `prod` also run over an index: `sum(e for i in n if c)`. `stack(e for i in n)` is the array of
all e. What takes one array whole has the option `axis`: `max(X, axis = 0)` is the vector of the greatest entries of the
columns, `norm(X, axis = 1)` that of the norms of the rows.
"""
ELSEWHERE = """\
What CVXPY, numpy, torch, MATLAB and others call by a name that is not one here; whoever writes it is told so."""
DOMAINS = {
    Domain.ALL: "",
    Domain.NONNEG: "{} >= 0",
    Domain.POS: "{} > 0",
    Domain.NONZERO: "{} != 0",
    Domain.ABOVE_MINUS_ONE: "{} > -1",
    Domain.BELOW_ONE: "{} < 1",
    Domain.NEG: "{} < 0",
    Domain.UNIT: "-1 <= {} <= 1",
    Domain.PSD: "{} positive semidefinite",
    Domain.PD: "{} positive definite",
    Domain.CONTRACTING: "{} >= 0, of spectral radius below 1",
}
ON_DOMAIN = {Domain.NONNEG: Sign.NONNEG, Domain.POS: Sign.POS}
SIGNS = {
    Sign.NONNEG: "nonnegative",
    Sign.POS: "positive",
    Sign.NONPOS: "nonpositive",
    Sign.NEG: "negative",
    Sign.ANY: "any sign",
}
CURVATURES = {c: c.value for c in Curvature} | {Curvature.UNKNOWN: "neither"}
MOVES = {Monotonicity.INCREASING: "up", Monotonicity.DECREASING: "down", Monotonicity.NONE: "neither"}


def atoms_page() -> str:
    lines, told = [ATOMS], set()
    for theme in THEMES:
        records = [v for v in vars(theme).values() if isinstance(v, Atom) and v.name not in told]  # some are imported
        told |= {atom.name for atom in records}
        lines += _theme(theme, records)
    lines += ["## Defined", "", " ".join((defined.__doc__ or "").split()), ""]
    lines += _table(("function", "meaning"), [(f"`{d.signature}`", d.doc) for d in DEFINITIONS.values()])
    lines += ["", "## Names in other libraries", "", ELSEWHERE, "", *_table(("there", "here"), _elsewhere())]
    return "\n".join(lines).rstrip("\n") + "\n"


def _elsewhere() -> Iterator[tuple[str, str]]:
    """By what is written here, in the order of letters: what is called otherwise or written out; then advice."""
    here: dict[str, list[str]] = {}
    tables = (RENAMED, {theirs: text for theirs, (text, _) in WRITTEN.items()})
    pairs = [pair for table in tables for pair in table.items()]
    for theirs, ours in sorted(pairs, key=lambda pair: (re.sub("[^a-z]", "", pair[1].lower()), pair)):
        here.setdefault(f"`{ours}`", []).append(theirs)
    for theirs, advice in ADVICE.items():
        here.setdefault(advice, []).append(theirs)
    return ((", ".join(f"`{name}`" for name in names), ours.replace("|", "\\|")) for ours, names in here.items())


def _theme(theme: ModuleType, records: list[Atom]) -> Iterator[str]:
    """A heading, the operators with their meaning, the functions with their facts."""
    operators = [(f"`{a.signature}`", a.doc) for a in records if a.operator]
    functions = [_facts(a) for a in records if not a.operator]
    yield f"## {theme.__name__.rpartition('.')[2].capitalize()}"
    yield ""
    yield " ".join((theme.__doc__ or "").split())
    yield ""
    if operators:
        yield from _table(("operator", "meaning"), operators)
    if functions:
        yield from _table(("function", "meaning", "domain", "value", "curvature", "moves", "needs"), functions)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _facts(atom: Atom) -> tuple[str, ...]:
    names = _arguments(atom)
    given = tuple(_argument(atom, k) for k in range(len(names)))
    domains = (DOMAINS[atom.domain(k, {})].format(name) for k, name in enumerate(names))
    return (
        f"`{atom.signature.replace(', entry by entry', '')}`",
        atom.doc,
        ", ".join(filter(None, domains)),
        _value(atom, given, names),
        _curvature(atom, given, names),
        _moves(atom, given, names),
        f"{atom.cone.value} cone" if atom.cone else "linear rows" if atom.graph else "",
    )


def _arguments(atom: Atom) -> list[str]:
    """The names of the arguments in the signature; what else stands there are options."""
    inside = atom.signature.partition("(")[2]
    return re.findall(r"(?:^|, )(\w+)", re.sub(r"\([^()]*\)", "", inside))[: max(atom.arity[0], 1)]


def _argument(atom: Atom, k: int) -> Facts:
    """An affine argument of which only its domain is known."""
    sign = ON_DOMAIN.get(atom.domain(k, {}), Sign.ANY)
    return Facts((Size.of("n"), Size.of("n")), sign, Curvature.AFFINE, 1, Smoothness.SMOOTH)


def _by_side(rule: Callable[[Facts], Any], argument: Facts, words: Mapping[Any, str], name: str) -> str:
    """One word where the rule says something of any argument, else one for each side of 0."""
    whole, unknown = rule(argument), list(words)[-1]
    sides = [rule(replace(argument, sign=sign)) for sign in (Sign.NONNEG, Sign.NONPOS)]
    if whole is not unknown or unknown in sides or argument.sign is not Sign.ANY:
        return words[whole]
    return f"{words[sides[0]]} for {name} >= 0, {words[sides[1]]} for {name} <= 0"


def _value(atom: Atom, given: tuple[Facts, ...], names: list[str]) -> str:
    text = _by_side(lambda first: atom.sign((first, *given[1:]), {}), given[0], SIGNS, names[0])
    same = f"nonnegative for {names[0]} >= 0, nonpositive for {names[0]} <= 0"
    return f"the sign of {names[0]}" if text == same else text


def _curvature(atom: Atom, given: tuple[Facts, ...], names: list[str]) -> str:
    text = _by_side(lambda first: atom.curvature((first, *given[1:]), {}), given[0], CURVATURES, names[0])
    if text != "neither" or len(given) == 1:
        return text
    for form, words in ((Sign.ANY, "data"), (Sign.POS, "positive definite data")):
        data = (replace(fact, curvature=Curvature.CONSTANT, degree=0, form=form) for fact in given[1:])
        found = atom.curvature((given[0], *data), {})
        if found is not Curvature.UNKNOWN:
            return f"{found.value} in {names[0]}, for {words} {', '.join(names[1:])}"
    return text


def _moves(atom: Atom, given: tuple[Facts, ...], names: list[str]) -> str:
    def rule(k: int) -> Callable[[Facts], Monotonicity]:
        return lambda fact: atom.monotonicity((*given[:k], fact, *given[k + 1 :]), {})[k]

    words = [_by_side(rule(k), given[k], MOVES, name) for k, name in enumerate(names)]
    if len(set(words)) == 1:
        return words[0]
    return "; ".join(f"{name}: {word}" for name, word in zip(names, words, strict=True))


# --- codes of messages --------------------------------------------------------------------------

ERRORS = """\
# What the messages mean

Written by `make docs` from the records in `declarative/source/codes/`; change those, not this page.

Every message has a code. Here is each code with a text that earns it, what is said of it, and a text that is right.
"""


def errors_page() -> str:
    groups = [(m.__doc__ or "", _codes(m)) for m in vars(codes).values() if isinstance(m, ModuleType)]
    order = list(codes.CODES)
    lines = [ERRORS]
    for title, found in sorted((g for g in groups if g[1]), key=lambda group: order.index(group[1][0].code)):
        lines += [f"## {title.strip().rstrip('.')}", "", *(line for code in found for line in _code(code))]
    return "\n".join(lines).rstrip("\n") + "\n"


def _codes(module: ModuleType) -> tuple[Code, ...]:
    """The codes of a file; none of a module that holds no table of them."""
    tables = (v for v in vars(module).values() if isinstance(v, tuple))
    return next((t for t in tables if t and all(isinstance(c, Code) for c in t)), ())


def _code(code: Code) -> Iterator[str]:
    yield f"### {code.code}: {code.title}"
    yield ""
    yield code.explanation
    yield ""
    problem, diagnostics = declarative.check(code.wrong, path="problem.opt")
    seen = code.code in {d.code for d in diagnostics}
    yield from _fence(f"opt {'warning' if problem else 'error'}" if seen else "", code.wrong)
    if seen:
        yield from _fence("text", render(diagnostics))
    yield "Instead:"
    yield ""
    yield from _fence("opt" if seen else "", code.right)


def _fence(words: str, text: str) -> Iterator[str]:
    yield from (f"```{words}", text, "```", "")


PAGES = {"atoms.md": atoms_page, "errors.md": errors_page}


def main() -> None:
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
