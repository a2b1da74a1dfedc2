"""Names of other languages to what is written here, for the hints of messages about names that are not there."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from declarative.elaborate.elsewhere import ADVICE, CALLED, RENAMED, WRITTEN
from declarative.syntax import tree
from declarative.syntax.mistakes.idioms import NORMS
from declarative.syntax.mistakes.operands import SIGNS

ELSEWHERE = (*RENAMED, *WRITTEN, *CALLED)  # functions of other languages

YES_OR_NO = ("binary", "boolean", "bool", "logical", "B", "Bool", "Boolean", "Binary")
WHOLE = ("integer", "int", "Z", "ZZ", "N", "NN", "Int", "Integer", "Integers", "integers")

ROTATIONS = ("rotation", "SO", "SO3", "SE", "special_orthogonal", "quaternion")
ROTATION = "a rotation is `R^(3,3), orthonormal`, with the constraint `det(R) >= 0`; a quaternion is `R^4, unit`"

LAST = ("end", "END", "last")  # the last index

DECLARATIONS = {
    "Constant": "const",
    "Maximize": "maximize",
    "Minimize": "minimize",
    "Parameter": "param",
    "Problem": "problem",
    "Variable": "var",
}


def function_hints(name: str) -> tuple[str, ...]:
    """For a function that is not there."""
    if name in RENAMED:
        return (f"`{RENAMED[name]}` may be what you want",)
    if name in WRITTEN:
        return (f"it is written `{WRITTEN[name][0]}`",)
    if name in CALLED:
        return (CALLED[name],)
    if over := re.fullmatch(r"(sum|prod|max|min|Σ|Π)_(\w{1,2})", name):
        return (f"indices stand behind: `{SIGNS.get(over[1], over[1])}(... for {over[2]} in n)`",)
    return value_hints(name, ())


def familiar_place(path: Sequence[tree.Node]) -> tuple[str, ...]:
    """By what a name stands in that is not there: `norm(X, nuc)`, and the `t` of `var p[0..T] : R, start(t)`."""
    match path:
        case [*_, tree.Call(function=tree.Name(id="norm"), args=(first, tree.Name() as last)), name] if last is name:
            return (f"write `{NORMS[last.id].format(first.span.text)}`",) if last.id in NORMS else ()
        case [tree.Declaration(family=(over, *_)), tree.AttributeItem(name="start"), *_, tree.Name(id=name)]:
            runs = over.span.text
            return (f"each member has its own by `let guess[{name}] = ... for {name} in {runs}`, and `start(guess)`",)
        case _:
            return ()


def factors(name: str, declared: Collection[str]) -> tuple[str, ...]:
    """For `Ax`, where there are `A` and `x`."""
    for k in range(1, len(name)):
        left, right = name[:k], name[k:]
        if left != right and {left, right} <= {*declared}:
            return (f"a product needs `*`: `{left}*{right}`",)
    return ()


def value_hints(name: str, declared: Collection[str]) -> tuple[str, ...]:
    """For another name that is not there."""
    if name in ADVICE:
        return (ADVICE[name],)
    entry = re.fullmatch(r"(\w+?)_(\w)", name)
    return (f"an entry is written `{entry[1]}[{entry[2]}]`",) if entry and entry[1] in declared else ()
