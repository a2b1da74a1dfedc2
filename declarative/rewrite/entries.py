"""Arrays entry by entry: a scalar rewrite of each entry, made an array again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from declarative.atoms.apply import apply
from declarative.ir.expr import Binder, Expr, Index, IndexSymbol, Stack
from declarative.ir.size import SCALAR, Shape, Size

At: TypeAlias = tuple[IndexSymbol, ...]  # the indices of one entry
FIRST = 20_000  # no index of a text has such a number


def over_entries(shape: Shape, build: Callable[[At], Expr | None]) -> Expr | None:
    """`build` for the entries of an array of this shape; None where it gives None."""
    binders = all_entries(shape)
    body = build(tuple(b.index for b in binders))
    return None if body is None else family(body, binders)


def all_entries(shape: Shape) -> tuple[Binder, ...]:
    """An index for each axis."""
    return tuple(Binder(IndexSymbol(FIRST + k, f"k{k}"), Size.of(0), n) for k, n in enumerate(shape))


def family(body: Expr, binders: tuple[Binder, ...]) -> Expr:
    """The body for all indices; an array that is only read entry by entry is itself."""
    match body:
        case Index(base, subscripts, shape=()) if subscripts == tuple(b.index for b in binders):
            if all(b.lo == Size.of(0) for b in binders) and base.shape == tuple(b.hi for b in binders):
                return base
    return Stack(body, binders) if binders else body


def entry(e: Expr, at: At) -> Expr:
    """One entry; a scalar stands for every one."""
    return Index(e, at, SCALAR) if e.shape else e


def flat(e: Expr) -> Expr:
    """All entries as a vector, or a scalar."""
    return e if len(e.shape) < 2 else apply("vec", e)


def joined(parts: list[Expr]) -> Expr:
    """Scalars and vectors end to end."""
    return parts[0] if len(parts) == 1 else apply("concat", *parts)
