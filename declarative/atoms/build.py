"""A record and its arguments to a `Call`: counts the arguments and finds the shape; nothing is rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declarative.atoms.record import Atom, Definition, ShapeMismatch
from declarative.ir.expr import Call, Expr
from declarative.source.span import Span


def call(atom: Atom, *args: Expr, origin: Span | None = None, options: Mapping[str, Any] | None = None) -> Call:
    """Raises ShapeMismatch where the number of arguments or their shapes do not fit."""
    need_count(atom, len(args))
    found = dict(options or {})
    shape = atom.shape(tuple(a.shape for a in args), found)
    return Call(atom.name, args, shape, tuple(sorted(found.items())), origin=origin)


def need_count(atom: Atom | Definition, given: int) -> None:
    """Raises ShapeMismatch where there are too few or too many arguments."""
    least, most = atom.arity
    if given < least or (most is not None and given > most):
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        plural = "" if wanted == "1" else "s"
        raise ShapeMismatch(
            f"`{atom.written}` takes {wanted} argument{plural}, this has {given}",
            hints=(f"its form is {atom.signature}",),
        )
