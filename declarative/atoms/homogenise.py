"""`perspective(e, t)`: an expression e of the variables to t*e(x/t), rule by rule, so that its convexity stays known.

The perspective of a sum is the sum of perspectives; a linear function and a norm are their own; a number c becomes
t*c; and f(g(x)) becomes t*f(G/t) with the perspective G of g.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from declarative.atoms.build import call
from declarative.atoms.perspectives import OF, PERSPECTIVES
from declarative.atoms.record import ShapeMismatch
from declarative.atoms.registry import find
from declarative.ir.expr import Call, Expr, Index, Reduce, Stack, Variable
from declarative.ir.walk import varies, with_children

LINEAR = (
    "add", "neg", "sum", "mean", "concat", "block", "stack", "transpose", "reshape", "vec", "cumsum", "diff", "diag",
    "diag_matrix", "upper_tri", "vec_to_upper_tri", "trace", "partial_trace", "partial_transpose",
)  # fmt: skip
FACTORS = ("mul", "div", "matmul", "dot", "outer", "kron", "conv")  # linear in one argument, beside data
HOMOGENEOUS = (  # f(s x) = s f(x) for s > 0
    "abs", "pos", "negpart", "maximum", "minimum", "max", "min", "sum_largest", "sum_smallest", "cummax", "cvar",
    "norm", "norm1", "norminf", "pnorm", "normfro", "norm_below_one", "tv", "tv_image", "geo_mean", "harmonic_mean",
    "quad_over_lin", "matrix_frac", "rel_entr", "kl_div", "lambda_max", "lambda_min", "lambda_sum_largest", "sigma_max",
    "normspec", "normnuc",
)  # fmt: skip


def perspective(apply: Callable[..., Expr], e: Expr, t: Expr) -> Expr:
    """t*e(x/t), where x are the variables of e. Raises ShapeMismatch where no rule fits."""
    base = t.base if isinstance(t, Index) else t
    if t.shape or (varies(t) and not isinstance(base, Variable)):
        raise ShapeMismatch("the second argument of `perspective` is a scalar variable, or data", 1)
    return _Rules(apply, t).of(e)


class _Rules:
    def __init__(self, apply: Callable[..., Expr], t: Expr):
        self.apply, self.t = apply, t

    def of(self, e: Expr) -> Expr:
        if not varies(e):
            return self.apply("mul", self.t, e)
        match e:
            case Variable():
                return e
            case Index(base=base):
                return replace(e, base=self.of(base))
            case Stack(body=body) | Reduce(op="sum" | "max" | "min", body=body):
                return replace(e, body=self.of(body))
            case Call():
                return self._call(e)
            case _:
                raise _no_rule("this")

    def _call(self, e: Call) -> Expr:
        if e.atom in LINEAR or e.atom in HOMOGENEOUS:
            return with_children(e, tuple(map(self.of, e.args)))
        moving = [a for a in e.args if varies(a)]
        if e.atom in FACTORS and len(moving) == 1 and (e.atom != "div" or moving[0] is e.args[0]):
            return with_children(e, tuple(self.of(a) if a is moving[0] else a for a in e.args))
        if e.atom == "sumsq":
            return self.apply("quad_over_lin", self.of(e.args[0]), self.t)
        plain = find(e.atom)
        assert plain is not None
        if (record := PERSPECTIVES.get(OF + e.atom)) is None:
            raise _no_rule(f"`{plain.written}`")
        inner = self.of(e.args[0])
        if varies(self.t):
            return call(record, inner, self.t, origin=e.origin, options=dict(e.options))
        value = call(plain, self.apply("div", inner, self.t), origin=e.origin, options=dict(e.options))
        return self.apply("mul", self.t, value)


def _no_rule(what: str) -> ShapeMismatch:
    hints = ("written out it is t*f(x/t), which the kkt backend takes where it is smooth",)
    return ShapeMismatch(f"there is no rule for the perspective of {what}", 0, hints)
