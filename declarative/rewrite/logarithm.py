"""A positive expression to its logarithm, as an expression of the logarithms of the variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from declarative.analysis.loglog import LogLogTable
from declarative.atoms.apply import apply
from declarative.atoms.loglog import Indices, log_form, log_of_reduction
from declarative.ir.expr import Call, Constant, Expr, Index, Reduce, Stack, Variable
from declarative.ir.facts import Curvature
from declarative.ir.walk import postorder, varies

TINY = 1e-150  # beside any number that is not 0 it is nothing


def logarithm(e: Expr, logs: Mapping[Expr, Expr], indices: Indices) -> Expr:
    """`logs` has the logarithm of each variable. The expression has a log-log curvature; depth costs no stack."""
    found: dict[int, Expr] = {}
    pending = [e]
    while pending:
        node = pending[-1]
        missing = [part for part in _parts(node) if id(part) not in found]
        if missing:
            pending.extend(missing)
            continue
        pending.pop()
        found[id(node)] = _step(node, tuple(found[id(part)] for part in _parts(node)), logs, indices)
    return found[id(e)]


def _parts(node: Expr) -> tuple[Expr, ...]:
    """The subexpressions whose logarithms a node's logarithm is made of."""
    if not varies(node):
        return ()
    match node:
        case Call(args=args):
            return args
        case Index(base=part) | Stack(body=part) | Reduce(body=part):
            return (part,)
        case _:
            return ()


def _step(node: Expr, parts: tuple[Expr, ...], logs: Mapping[Expr, Expr], indices: Indices) -> Expr:
    if not parts:
        return logs[node] if isinstance(node, Variable) else _of_data(node)
    match node:
        case Index():
            return replace(node, base=parts[0])
        case Stack():
            return replace(node, body=parts[0])
        case Reduce():
            return _from(node, log_of_reduction(node, parts[0]))
        case Call():
            form = log_form(node)
            assert form is not None, f"`{node.atom}` has no logarithmic form"
            return _from(node, form.log(node, parts, indices))
        case _:
            raise AssertionError("no other node has parts")


def _of_data(e: Expr) -> Expr:
    """The logarithm of a positive number. Of one that may be 0, log(c + tiny): exact in its slope, too.

    Such a c weighs a term of a sum, whose share in d logsumexp is (c + tiny) exp(l)/S: times 1/(c + tiny) it is
    exp(l)/S, which is right at c = 0 and finite.
    """
    positive = LogLogTable(e)(e) is Curvature.CONSTANT
    return apply("log", e if positive else apply("add", e, Constant(TINY)))


def may_be_zero(log: Expr) -> Iterator[Expr]:
    """The data of which a logarithm was taken although they may be 0."""
    for node in postorder(log):
        match node:
            case Call("log", (Call("add", (data, Constant(value))),)) if value == TINY:
                yield data
            case _:
                pass


def _from(node: Expr, log: Expr) -> Expr:
    """Messages about the logarithm show what it is the logarithm of."""
    return replace(log, origin=node.origin) if isinstance(log, Call | Reduce | Stack) and log.origin is None else log
