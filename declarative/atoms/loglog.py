"""A function of positive numbers to its logarithm in the logarithms of its arguments, with the curvature of that.

With u = log x, F(u) = log f(exp u): a product becomes a sum, a sum a log-sum-exp. f is log-log affine, convex or
concave where F is affine, convex or concave (Agrawal, Diamond and Boyd 2019, "Disciplined geometric programming").
Functions without a line here, differences among them, have no such form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from declarative.atoms.apply import apply
from declarative.atoms.record import Facts
from declarative.atoms.rules import NEITHER, UP, along
from declarative.ir.expr import Binder, Call, Constant, Expr, Index, IndexSymbol, Reduce, SizeValue, Slice, Stack
from declarative.ir.facts import Curvature, Monotonicity
from declarative.ir.size import Shape, Size
from declarative.ir.size import count as entries


@dataclass
class Indices:
    """Index symbols that no expression of the problem holds."""

    _numbers: count = field(default_factory=lambda: count(20_000))

    def over(self, *lengths: Size | int) -> tuple[Binder, ...]:
        """A new index for each length."""
        names = (next(self._numbers) for _ in lengths)
        zero = Size.of(0)
        return tuple(
            Binder(IndexSymbol(number, f"k{number - 20_000}"), zero, Size.of(length))
            for number, length in zip(names, lengths, strict=True)
        )


Log = Callable[[Call, tuple[Expr, ...], Indices], Expr]  # the call, the logarithms of its arguments


@dataclass(frozen=True)
class LogForm:
    """`curvature` of F; `moves` where the record's monotonicity does not say how F moves with each argument.

    Arguments from `data` on are data of any sign that enter as they are. `signed`: the function is positive only where
    something else says so.
    """

    curvature: Curvature
    log: Log
    moves: Callable[[tuple[Facts, ...]], tuple[Monotonicity, ...]] | None = None
    data: int | None = None
    signed: bool = False


def log_form(node: Call) -> LogForm | None:
    """The line of this call's function."""
    if node.atom == "norm_below_one":
        return _TABLE["pnorm"] if node.option("p") > 0 else _NEGATIVE_NORM
    return _TABLE.get(node.atom)


# --- sums ----------------------------------------------------------------------------------------


def log_of_sum(logs: tuple[Expr, ...], shape: Shape, indices: Indices) -> Expr:
    """log(exp l1 + exp l2 + ...), entry by entry; scalars broadcast."""
    if len(logs) == 1:
        return logs[0]
    if not shape:
        return apply("logsumexp", apply("concat", *logs))
    stacked = apply("stack", *(_filled(log, shape, indices) for log in logs))
    (binder,) = indices.over(len(logs))
    return Reduce("logsumexp", Index(stacked, (binder.index,), shape), (binder,))


def _filled(log: Expr, shape: Shape, indices: Indices) -> Expr:
    return log if log.shape == shape else Stack(log, indices.over(*shape))


def _whole_sum(log: Expr) -> Expr:
    """The logarithm of the sum of all entries."""
    return apply("logsumexp", log) if log.shape else log


def _sum(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return _whole_sum(logs[0])


def _mean(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return _minus(_whole_sum(logs[0]), _log_count(logs[0]))


def _log_count(log: Expr) -> Expr:
    return apply("log", SizeValue(entries(log.shape)))


def _pnorm(node: Call, logs: tuple[Expr, ...], p: float) -> Expr:
    """log (sum x^p)^(1/p)."""
    return _times(1 / p, _whole_sum(_times(p, logs[0])))


def _dot(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return _whole_sum(apply("add", *logs))


def _matmul(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    """Row i of A with column j of B: log sum_k exp(a_ik + b_kj)."""
    A, B = logs
    height, width = A.shape
    if len(B.shape) == 1:
        (k,) = indices.over(width)
        column = Index(A, (Slice(Size.of(0), height), k.index), (height,))
        return Reduce("logsumexp", apply("add", column, Index(B, (k.index,), ())), (k,))
    i, j = indices.over(height, B.shape[1])
    column = Index(B, (Slice(Size.of(0), width), j.index), (width,))
    return Stack(_whole_sum(apply("add", Index(A, (i.index,), (width,)), column)), (i, j))


def _quad(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    """log sum_ij P_ij x_i x_j."""
    x, P = logs
    return _whole_sum(apply("add", P, _outer(node, (x, x), indices)))


# --- products ------------------------------------------------------------------------------------


def _plus(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return apply("add", *logs)


def _quotient(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return _minus(*logs)


def _outer(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    x, y = logs
    i, j = indices.over(*x.shape, *y.shape)
    return Stack(apply("add", Index(x, (i.index,), ()), Index(y, (j.index,), ())), (i, j))


def _minus(x: Expr, y: Expr) -> Expr:
    return apply("add", x, apply("neg", y))


def _times(factor: float, x: Expr) -> Expr:
    return x if factor == 1 else apply("mul", Constant(float(factor)), x)


def _to_the(p: float) -> Log:
    return lambda node, logs, indices: _times(p, logs[0])


# --- the table -----------------------------------------------------------------------------------


def _same(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return logs[0]


def _again(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    """Functions that only move entries, or pick some, do so with the logarithms."""
    return Call(node.atom, logs, node.shape, node.options)


def _affine(log: Log, moves=None) -> LogForm:
    return LogForm(Curvature.AFFINE, log, moves)


def _convex(log: Log, moves=None) -> LogForm:
    return LogForm(Curvature.CONVEX, log, moves)


def _concave(log: Log) -> LogForm:
    return LogForm(Curvature.CONCAVE, log)


def _along_the_exponent(facts: tuple[Facts, ...]) -> tuple[Monotonicity, ...]:
    return (along(facts[1].sign), NEITHER)


def _weighted_mean(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    weights = node.args[1]
    return apply("div", apply("dot", weights, logs[0]), apply("sum", weights))


def _power(node: Call, logs: tuple[Expr, ...], indices: Indices) -> Expr:
    return apply("mul", node.args[1], logs[0])


_MOVING = ("transpose", "reshape", "vec", "concat", "block", "stack", "diag", "upper_tri")  # entries, and nothing else
_TABLE: dict[str, LogForm] = {
    **dict.fromkeys(_MOVING, _affine(_again)),
    "mul": _affine(_plus),
    "div": _affine(_quotient),
    "outer": _affine(_outer),
    "power": _affine(lambda node, logs, indices: _times(node.option("p"), logs[0])),
    "pow": LogForm(Curvature.AFFINE, _power, _along_the_exponent, data=1),
    "square": _affine(_to_the(2)),
    "sqrt": _affine(_to_the(0.5)),
    "inv_pos": _affine(_to_the(-1)),
    "abs": _affine(_same),
    "pos": _affine(_same),
    "geo_mean": _affine(lambda node, logs, indices: apply("mean", logs[0])),
    "geo_mean_weighted": LogForm(Curvature.AFFINE, _weighted_mean, data=1),
    "cumprod": _affine(lambda node, logs, indices: apply("cumsum", logs[0])),
    "add": _convex(lambda node, logs, indices: log_of_sum(logs, node.shape, indices)),
    "sum": _convex(_sum),
    "norm1": _convex(_sum),
    "mean": _convex(_mean),
    "dot": _convex(_dot),
    "matmul": _convex(_matmul),
    "quad": _convex(_quad, lambda facts: (UP, UP)),
    "trace": _convex(lambda node, logs, indices: _whole_sum(apply("diag", logs[0]))),
    "sumsq": _convex(lambda node, logs, indices: _whole_sum(_times(2, logs[0]))),
    "norm": _convex(lambda node, logs, indices: _pnorm(node, logs, 2.0)),
    "normfro": _convex(lambda node, logs, indices: _pnorm(node, logs, 2.0)),
    "pnorm": _convex(lambda node, logs, indices: _pnorm(node, logs, node.option("p"))),
    "norminf": _convex(lambda node, logs, indices: apply("max", logs[0])),
    "quad_over_lin": _convex(lambda node, logs, indices: _minus(_whole_sum(_times(2, logs[0])), logs[1])),
    "max": _convex(_again),
    "maximum": _convex(_again),
    "exp": _convex(lambda node, logs, indices: apply("exp", logs[0])),
    "xexp": _convex(lambda node, logs, indices: apply("add", logs[0], apply("exp", logs[0]))),
    "pf_eigenvalue": _convex(lambda node, logs, indices: apply("log_pf_eigenvalue", logs[0])),
    "eye_minus_inv": _convex(lambda node, logs, indices: apply("log_eye_minus_inv", logs[0])),
    "exp2": _convex(lambda node, logs, indices: _times(math.log(2), apply("exp", logs[0]))),
    "log": LogForm(Curvature.CONCAVE, lambda node, logs, indices: apply("log", logs[0]), signed=True),
    "one_minus_pos": _concave(lambda node, logs, indices: apply("log1mexp", logs[0])),
    "min": _concave(_again),
    "minimum": _concave(_again),
    "harmonic_mean": _concave(lambda node, logs, indices: _minus(_log_count(logs[0]), _whole_sum(_times(-1, logs[0])))),
}

_NEGATIVE_NORM = _concave(lambda node, logs, indices: _pnorm(node, logs, node.option("p")))


def log_of_reduction(node: Reduce, log: Expr) -> Expr:
    """The logarithm of a sum, product or extreme over an index, in the logarithm of its body."""
    op = {"sum": "logsumexp", "prod": "sum"}.get(node.op, node.op)
    return Reduce(op, log, node.binders, node.condition)


REDUCTIONS = {
    "sum": Curvature.CONVEX,
    "prod": Curvature.AFFINE,
    "max": Curvature.CONVEX,
    "min": Curvature.CONCAVE,
}
