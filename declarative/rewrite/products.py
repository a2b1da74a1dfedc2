"""Products by their factors: x*log(x) is xlogx(x), x*x^2 is x^3, exp(x)*exp(y) is exp(x + y), |x| is x where x >= 0.

Equal wherever they are defined, so primal and dual stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Constant, Expr
from declarative.ir.walk import varies


def absolute_of_nonneg(node: Call) -> Expr | None:
    """|e| where the sign of e is known."""
    match node:
        case Call("abs", (e,)) if facts_of(e).sign.nonneg:
            return e
        case Call("abs", (e,)) if facts_of(e).sign.nonpos:
            return apply("neg", e)
        case _:
            return None


def entropy(node: Call) -> Expr | None:
    """x*log(x), x*log(x/y) and x*(log(x) - log(y)) among the factors of a product, or of an inner product."""
    match node:
        case Call("dot", (x, y)):
            inner = _entropy_of([x, y])
            return None if inner is None else apply("sum", _product(inner))
        case Call("mul"):
            found = _entropy_of(factors(node))
            return None if found is None else _product(found)
        case _:
            return None


def _entropy_of(parts: list[Expr]) -> list[Expr] | None:
    """The factors with a pair x, log(x) replaced by one."""
    present = set(parts)
    for logarithm in parts:
        for x, atom, args in _pairs(logarithm):
            if x in present and varies(x):
                value = apply(atom, *args)
                rest = list(parts)
                rest.remove(x)
                rest.remove(logarithm)
                return [*rest, value] if value.shape == logarithm.shape else None
    return None


def _pairs(logarithm: Expr) -> Iterator[tuple[Expr, str, tuple[Expr, ...]]]:
    """Factors x that make an entropy with a logarithm: x, the function, its arguments."""
    match logarithm:
        case Call("log", (Call("div", (x, y)) as ratio,)):
            if facts_of(x).sign.nonneg or facts_of(y).sign.nonneg:  # the logarithm of a ratio allows two negative ones
                yield x, "rel_entr", (x, y)
            yield ratio, "xlogx", (ratio,)
        case Call("log", (x,)):
            yield x, "xlogx", (x,)
        case Call("neg", (Call("log", (x,)),)):
            yield x, "entr", (x,)
        case Call("add", (Call("log", (x,)), Call("neg", (Call("log", (y,)),)))):
            yield x, "rel_entr", (x, y)
        case _:
            pass


def powers(node: Call) -> Expr | None:
    """Factors that are powers of one expression, or exponentials, are one power, or one exponential."""
    match node:
        case Call("mul", (x, y)) if x != y:
            parts = factors(node)
        case Call("div", (above, Call("exp", (y,)))) if varies(y):
            product = apply("mul", above, apply("exp", apply("neg", y)))
            return (powers(product) if isinstance(product, Call) else None) or product
        case _:
            return None
    merged = _merged(parts)
    return _product(merged) if len(merged) < len(parts) else None


def _merged(parts: list[Expr]) -> list[Expr]:
    """Exponentials joined, and powers of one base where the joint power is defined where they all are."""
    exponents: list[Expr] = []
    bases: dict[Expr, list[Expr]] = {}
    for part in parts:
        match part:
            case Call("exp", (x,)):
                exponents.append(x)
            case _:
                bases.setdefault(_power(part)[0], []).append(part)
    merged = [one for base, group in bases.items() for one in _one_power(base, group)]
    if len(exponents) > 1 and any(map(varies, exponents)):
        return [*merged, apply("exp", apply("add", *exponents))]
    return [*merged, *(part for part in parts if isinstance(part, Call) and part.atom == "exp")]


def _one_power(base: Expr, group: list[Expr]) -> list[Expr]:
    exponents = [_power(part)[1] for part in group]
    p = sum(exponents)
    if len(group) == 1 or not varies(base):
        return group
    rooted = any(q != int(q) for q in exponents)
    if rooted and p == int(p) and not facts_of(base).sign.nonneg:
        return group
    return [apply("power", base, p=p)]


def _power(e: Expr) -> tuple[Expr, float]:
    """Base and exponent; only positive exponents, so that no factor cancels where it is 0."""
    match e:
        case Call("power", (x,)) if e.option("p") > 0:
            return x, e.option("p")
        case Call("square", (x,)):
            return x, 2.0
        case Call("sqrt", (x,)):
            return x, 0.5
        case _:
            return e, 1.0


MOST = 12  # factors looked at: a product of a thousand is a nest of a thousand products


def factors(e: Expr) -> list[Expr]:
    """The factors of a product, however it is bracketed, the last ones only of a long one; a minus sign is -1."""
    found: list[Expr] = []
    pending = [e]
    while pending and len(found) + len(pending) < MOST:
        node = pending.pop()
        match node:
            case Call("mul", (x, y)):
                pending.extend((y, x))
            case Call("neg", (x,)) if node is not e:
                found.append(Constant(-1.0))
                pending.append(x)
            case _:
                found.append(node)
    return found + pending


def _product(parts: list[Expr]) -> Expr:
    """Data first."""
    parts = sorted(parts, key=varies)
    product = parts[0]
    for part in parts[1:]:
        product = apply("mul", product, part)
    return product
