"""A function's name and its arguments to an expression in canonical form, so that equal meanings are equal nodes."""

from __future__ import annotations

import math
import re
from typing import Any

from declarative.atoms.along import along
from declarative.atoms.build import call, need_count
from declarative.atoms.canonical import REWRITES
from declarative.atoms.defined import DEFINITIONS, Definition
from declarative.atoms.literals import literal
from declarative.atoms.record import Atom, ShapeMismatch
from declarative.atoms.registry import find
from declarative.ir.expr import Constant, Expr, IndexSymbol
from declarative.ir.walk import postorder
from declarative.source.span import Span

OF_SPACES = ("partial_trace", "partial_transpose")  # their `axis` is a space, not a direction of the array


def apply(name: str, *args: Expr, origin: Span | None = None, **options: Any) -> Expr:
    """The value of a function or operator, e.g. `apply("sum_largest", x, k=2)`.

    Options may also come as trailing literal arguments: `norm(x, 1)`. `axis` goes with every function that takes one
    array whole. Raises ShapeMismatch, with a message for users, where the number of arguments, their shapes or the
    options do not fit; KeyError for an unknown name.
    """
    if "axis" in options and args and name not in OF_SPACES:
        return _along_axis(name, args, options, origin)
    if (definition := DEFINITIONS.get(name)) is not None:
        args, options = _split(definition, args, options)
        need_count(definition, len(args))
        return definition.expand(apply, *args, **options).at(origin)
    name, args, options = _meant(name, args, options)
    atom = find(name)
    if atom is None:
        raise KeyError(name)
    args, options = _split(atom, args, options)
    rewrite = REWRITES.get(name)
    return rewrite(args, options, origin) if rewrite else call(atom, *args, origin=origin, options=options)


def _along_axis(name: str, args: tuple[Expr, ...], options: dict[str, Any], origin: Span | None) -> Expr:
    axis = options.pop("axis")
    atom = find(name)
    if atom is not None and (atom.elementwise or atom.operator):
        raise ShapeMismatch(f"`{name}` works entry by entry; it has no option `axis`")
    return along(args[0], axis, lambda part: apply(name, part, *args[1:], origin=origin, **options)).at(origin)


def _meant(name: str, args: tuple[Expr, ...], options: dict[str, Any]) -> tuple[str, tuple[Expr, ...], dict[str, Any]]:
    """The record that is meant by a name that several share."""
    match name:
        case "max" | "min" if len(args) > 1:
            return {"max": "maximum", "min": "minimum"}[name], args, options
        case "power" if len(args) == 2 and not isinstance(args[1], Constant):
            return "pow", args, options
        case "pow" if len(args) == 2 and isinstance(args[1], Constant):
            return "power", args, options
        case "norm":
            return _norm(args, options)
        case "tv" if args and len(args[0].shape) == 2:
            return "tv_image", args, options
        case "diag" if args and len(args[0].shape) == 1:
            return "diag_matrix", args, options
        case "geo_mean" if len(args) == 2:
            return "geo_mean_weighted", args, options
        case "huber" | "pseudo_huber" if len(args) == 1:
            return name, (*args, Constant(1.0)), options
        case "reshape":
            return name, args[:1], {"shape": args[1:], **options}
        case name if name in OF_SPACES:
            return name, args[:1], {"dims": args[1:], "axis": 0.0, **options}
        case _:
            return name, args, options


def _norm(args: tuple[Expr, ...], options: dict[str, Any]) -> tuple[str, tuple[Expr, ...], dict[str, Any]]:
    """norm(x, p) is `norm1`, `norm` or `norminf` where p says so, and a concave function where p < 1."""
    for name in options:
        if name != "p" or len(args) > 1:
            raise ShapeMismatch(
                f"`norm` has no option `{name}`", hints=("its form is norm(x, p), where p may be `inf`",)
            )
    if len(args) > 2:
        raise ShapeMismatch("`norm` takes fewer arguments", hints=("its form is norm(x, p), where p may be `inf`",))
    p = options.get("p", args[1] if len(args) == 2 else 2.0)
    p = p.value if isinstance(p, Constant) else p
    special = {1.0: "norm1", 2.0: "norm", math.inf: "norminf"}
    if isinstance(p, Expr) or p == 0:
        hints = ("the distance between two arrays is the norm of their difference",) if getattr(p, "shape", ()) else ()
        raise ShapeMismatch("the second argument of `norm` is a number other than 0, or `inf`", 1, hints=hints)
    if p in special:
        if special[p] != "norm" and args and len(args[0].shape) == 2:
            raise _of_a_matrix(p)
        return special[p], args[:1], {}
    return "pnorm" if p > 1 else "norm_below_one", args[:1], {"p": float(p)}


def _of_a_matrix(p: float) -> ShapeMismatch:
    """norm(X, 1) and norm(X, inf) are induced norms in some books and libraries, and norms of all entries in others."""
    written, lines, axis, whole = ("1", "column", 0, "norm1") if p == 1 else ("inf", "row", 1, "norminf")
    of_all = "the sum of all absolute values" if p == 1 else "the greatest absolute value"
    hints = (f"{whole}(A) is {of_all}", f"max(norm1(A, axis = {axis})) is the greatest {lines} sum of absolute values")
    return ShapeMismatch(f"`norm(A, {written})` of a matrix is ambiguous", 0, hints)


def _split(
    atom: Atom | Definition, args: tuple[Expr, ...], options: dict[str, Any]
) -> tuple[tuple[Expr, ...], dict[str, Any]]:
    """Arguments and options; literals after the last argument are options, in the record's order."""
    if not atom.option_names and not options:
        return args, options
    most = atom.arity[1]
    extra = args[most:] if most is not None and atom.option_names else ()
    args = args[: len(args) - len(extra)]
    if len(extra) > len(atom.option_names):
        raise ShapeMismatch(f"`{atom.written}` takes fewer arguments", hints=(f"its form is {atom.signature}",))
    given = dict(zip(atom.option_names, extra, strict=False)) | options
    for name in given:
        if name not in atom.option_names:
            raise _no_option(atom, name)
    return args, {name: _value(atom, name, value) for name, value in given.items()}


def _no_option(atom: Atom | Definition, name: str) -> ShapeMismatch:
    form = f"its form is {atom.signature}"
    if re.search(rf"[(,] *{re.escape(name)}\b", atom.signature):
        return ShapeMismatch(f"`{name}` of `{atom.written}` goes by its place, without its name", hints=(form,))
    return ShapeMismatch(f"`{atom.written}` has no option `{name}`", hints=(form,))


def _value(atom: Atom | Definition, name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_value(atom, name, v) for v in value)
    if not isinstance(value, Expr):
        return value
    number = literal(value)
    if number is None:
        several = f"for several values of `{name}` write a constraint or a term for each"
        stands = "it stands in the text, where data cannot: as a number, or as a size (`dim k = 2`)"
        found = any(isinstance(node, IndexSymbol) for node in postorder(value))
        text = f"`{name}` of `{atom.written}` is a number or a size"
        raise ShapeMismatch(text, hints=(several if found else stands,))
    return number
