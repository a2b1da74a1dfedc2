"""Every function of CVXPY has its text here, or a reason why not; each text is read, and has CVXPY's curvature."""

import re
from types import SimpleNamespace

import cvxpy as cp
import numpy as np
import pytest

import declarative
from declarative import check, parse
from declarative.analysis.facts import facts_of
from declarative.analysis.loglog import LogLogTable
from declarative.elaborate.calls import is_function

HEAD = """dim m, n
param a : R^n
param w : R^n, nonneg
param A : R^(m,n)
param P : S^n, psd
var x : R^n
var y : R^n, pos
var s : R
var t : R, pos
var X : R^(m,n)
var Y : R^(n,n), pos
var S : S^n, psd
var M : R^(3,3)
"""
CONVEX = {
    "abs": "sum(abs(x))",
    "cummax": "sum(cummax(x))",
    "cvar": "cvar(x, 0.9)",
    "dotsort": "dotsort(x, w)",
    "exp": "exp(s)",
    "huber": "huber(s, 2)",
    "inv_pos": "inv_pos(t)",
    "inv_prod": "inv_prod(y)",
    "kl_div": "kl_div(s, t)",
    "lambda_max": "lambda_max(S)",
    "lambda_sum_largest": "lambda_sum_largest(S, 2)",
    "log_sum_exp": "logsumexp(x)",
    "loggamma": "loggamma(t)",
    "logistic": "logistic(s)",
    "matrix_frac": "matrix_frac(x, S)",
    "max": "max(x)",
    "maximum": "max(s, t)",
    "mixed_norm": "mixed_norm(X, 2, 1)",
    "neg": "negpart(s)",
    "norm": "norm(x, 3)",
    "norm1": "norm1(x)",
    "norm2": "norm2(x)",
    "norm_inf": "norminf(x)",
    "normNuc": "normnuc(X)",
    "pnorm": "norm(x, 2.5)",
    "perspective": "perspective(exp(s), t)",
    "pos": "pos(s)",
    "power": "s^4",
    "ptp": "ptp(x)",
    "quad_form": "quad(x, P)",
    "quad_over_lin": "quad_over_lin(x, t)",
    "rel_entr": "rel_entr(s, t)",
    "scalene": "scalene(s, 2, 1)",
    "sigma_max": "sigma_max(X)",
    "square": "square(s)",
    "std": "std(x)",
    "sum_largest": "sum_largest(x, 2)",
    "sum_squares": "sumsq(x)",
    "tr_inv": "tr_inv(S)",
    "tv": "tv(X)",
    "var": "variance(x)",
    "xexp": "xexp(t)",
}
CONCAVE = {
    "entr": "entr(t)",
    "geo_mean": "geo_mean(y, w)",
    "harmonic_mean": "harmonic_mean(y)",
    "lambda_min": "lambda_min(S)",
    "lambda_sum_smallest": "lambda_sum_smallest(S, 2)",
    "log": "log(t)",
    "log1p": "log1p(t)",
    "log_det": "log_det(S)",
    "log_normcdf": "log_normcdf(s)",
    "min": "min(x)",
    "minimum": "min(s, t)",
    "sqrt": "sqrt(t)",
    "sum_smallest": "sum_smallest(x, 2)",
    "von_neumann_entr": "von_neumann_entr(S)",
}
AFFINE = {
    "bmat": "[X, X; X, X][0,0]",
    "broadcast_to": "s + x[0]",
    "concatenate": "[x, s][0]",
    "conv": "sum(conv(a, x))",
    "convolve": "sum(conv(a, x))",
    "cumsum": "sum(cumsum(X, axis = 0))",
    "diag": "sum(diag(S))",
    "diff": "sum(diff(x))",
    "einsum": "sum(A[i,j]*X[i,j] for i in m, j in n)",
    "hstack": "[x, s][0]",
    "kron": "sum(kron(A, X))",
    "matmul": "sum(A*x)",
    "mean": "mean(X)",
    "moveaxis": "X'[0,0]",
    "multiply": "sum(a .* x)",
    "outer": "sum(outer(a, x))",
    "partial_trace": "partial_trace(kron(S, P), n, n, axis = 1)[0,0]",
    "partial_transpose": "partial_transpose(kron(S, P), n, n)[0,1]",
    "permute_dims": "X'[0,0]",
    "promote": "s + x[0]",
    "reshape": "reshape(X, n, m)[0,0]",
    "scalar_product": "a'*x",
    "squeeze": "vec(X)[0]",
    "stack": "sum(stack(x, y))",
    "sum": "sum(sum(X, axis = 1))",
    "swapaxes": "X'[0,0]",
    "trace": "trace(S)",
    "transpose": "X'[0,0]",
    "upper_tri": "sum(upper_tri(M))",
    "vdot": "a'*x",
    "vec": "sum(vec(X))",
    "vstack": "stack(x, y)[0,0]",
    "vec_to_upper_tri": "sum(vec_to_upper_tri(diag(M), strict = 1))",
}
GEOMETRIC = {  # each with the same in CVXPY, which tells its log-log curvature
    "cumprod": ("sum(cumprod(y))", lambda v: cp.sum(cp.cumprod(v.y))),
    "diff_pos": ("diff_pos(2, t)", lambda v: cp.diff_pos(2, v.t)),
    "eye_minus_inv": ("sum(eye_minus_inv(Y))", lambda v: cp.sum(cp.eye_minus_inv(v.Y))),
    "gmatmul": ("sum(gmatmul(A, y))", lambda v: cp.sum(cp.gmatmul(v.A, v.y))),
    "one_minus_pos": ("one_minus_pos(t)", lambda v: cp.one_minus_pos(v.t)),
    "pf_eigenvalue": ("pf_eigenvalue(Y)", lambda v: cp.pf_eigenvalue(v.Y)),
    "prod": ("prod(y)", lambda v: cp.prod(v.y)),
    "resolvent": ("sum(resolvent(Y, t))", lambda v: cp.sum(cp.resolvent(v.Y, v.t))),
}
REASONS = {
    "no continuous variable": ("ceil", "floor"),
    "complex numbers": ("conj", "imag", "real", "hermitian_wrap", "skew_symmetric_wrap"),
    "quasiconvex": ("condition_number", "dist_ratio", "gen_lambda_max", "length", "sign"),
    "what a declaration says here": ("psd_wrap", "symmetric_wrap"),
    "no cones describe it exactly": ("quantum_cond_entr", "quantum_rel_entr"),
    "a tool": ("deep_flatten",),
}
_NUMBERS = "numbers are real; a complex matrix A + iB is the real one `[A, -B; B, A]`"
_JUMPS = "it jumps, so it has no gradient, and no backend takes it"
_EQUAL = (
    "a scalar stands for an array of equal entries: `x - 1`, `x >= 0`; of a matrix, `A*ones(n)` is `sum(A, axis = 1)`"
)
_DECLARED = "declared as `S^n` it is symmetric, as `S^n, psd` semidefinite"
_NO_CONES = "no cones describe it exactly; the entropy `von_neumann_entr(X)` is there"
HINTS = {  # what the message says of each name of CVXPY that is not there
    "bmat": "it is written `[A, B; C, D]`",
    "broadcast_to": _EQUAL,
    "ceil": _JUMPS,
    "concatenate": "`concat` may be what you want",
    "condition_number": "for a level t, `lambda_max(X) <= t*lambda_min(X)` is convex; bisect for the least t",
    "conj": _NUMBERS,
    "convolve": "`conv` may be what you want",
    "deep_flatten": "it is written `vec(X)`",
    "dist_ratio": "for a level t, `sumsq(x - a) <= t^2*sumsq(x - b)` says it; bisect for the least t",
    "einsum": "it is written `sum(A[i,j]*B[j,k] for j in n)`",
    "floor": _JUMPS,
    "gen_lambda_max": "for a level t, `t*B - A in PSD` says it; bisect for the least t",
    "hermitian_wrap": _NUMBERS,
    "hstack": "it is written `[a, b]`",
    "imag": _NUMBERS,
    "length": "a length is the dim that stands in the declaration",
    "log_sum_exp": "`logsumexp` may be what you want",
    "matmul": "it is written `A*x`",
    "moveaxis": "it is written `X'`",
    "multiply": "it is written `x .* y`",
    "neg": "`negpart` may be what you want",
    "normNuc": "`normnuc` may be what you want",
    "norm_inf": "`norminf` may be what you want",
    "permute_dims": "it is written `X'`",
    "power": "it is written `x^p`",
    "promote": _EQUAL,
    "psd_wrap": _DECLARED,
    "quad_form": "`quad` may be what you want",
    "quantum_cond_entr": _NO_CONES,
    "quantum_rel_entr": _NO_CONES,
    "real": _NUMBERS,
    "scalar_product": "`dot` may be what you want",
    "sign": _JUMPS,
    "skew_symmetric_wrap": _NUMBERS,
    "squeeze": "it is written `vec(X)`",
    "sum_squares": "`sumsq` may be what you want",
    "swapaxes": "it is written `X'`",
    "symmetric_wrap": _DECLARED,
    "var": "the variance is `variance(...)`",
    "vdot": "`dot` may be what you want",
    "vstack": "it is written `stack(a, b)`",
}
IN_PYTHON = {  # where Python's words are others: what the exception says of the attribute
    "bmat": "it is written `block([[A, B], [C, D]])`",
    "concatenate": "did you mean `concat`?",
    "convolve": "did you mean `conv`?",
    "deep_flatten": "it is written `vec(X)`",
    "einsum": "it is written `sum(A[i, j] * B[j, k] for j in n)`",
    "hstack": "it is written `concat(a, b)`",
    "log_sum_exp": "did you mean `logsumexp`?",
    "moveaxis": "it is written `X.T`",
    "multiply": "it is written `x * y`",
    "neg": "did you mean `negpart`?",
    "normNuc": "did you mean `normnuc`?",
    "norm_inf": "did you mean `norminf`?",
    "permute_dims": "it is written `X.T`",
    "quad_form": "did you mean `quad`?",
    "scalar_product": "did you mean `dot`?",
    "squeeze": "it is written `vec(X)`",
    "sum_squares": "did you mean `sumsq`?",
    "swapaxes": "it is written `X.T`",
    "vdot": "did you mean `dot`?",
    "vstack": "it is written `stack(a, b)`",
}


FUNCTIONS = {n: f for n, f in vars(cp).items() if n[0].islower() and callable(f)}
NAMES = {n for n, f in FUNCTIONS.items() if str(getattr(f, "__module__", "")).startswith("cvxpy.atoms")}


def test_every_function_of_cvxpy_is_answered_for():
    reasons = {name for names in REASONS.values() for name in names}
    assert CONVEX.keys() | CONCAVE.keys() | AFFINE.keys() | GEOMETRIC.keys() | reasons == NAMES


def test_every_name_that_is_not_there_has_a_hint():
    assert HINTS.keys() == {name for name in NAMES if not is_function(name)}
    assert IN_PYTHON.keys() <= HINTS.keys()


@pytest.mark.parametrize("name", HINTS)
def test_a_name_that_is_not_there_is_answered_with_what_is(name: str):
    """With words of our own: the nearest name may be another function."""
    _, diagnostics = check(f"var x : R^3\nminimize {name}(x)\n")
    assert diagnostics[0].hints == (HINTS[name],)


@pytest.mark.parametrize("name", IN_PYTHON)
def test_an_attribute_that_is_not_there_is_answered_with_what_is(name: str):
    with pytest.raises(AttributeError, match=re.escape(IN_PYTHON[name])):
        getattr(declarative, name)


@pytest.mark.parametrize("name", [*CONVEX, *CONCAVE, *AFFINE])
def test_its_text_has_its_curvature(name: str):
    text = {**CONVEX, **CONCAVE, **AFFINE}[name]
    problem = parse(f"{HEAD}minimize {text}\n")
    assert problem == parse(str(problem))
    assert problem.objective.body is not None
    curvature = facts_of(problem.objective.body).curvature
    assert curvature.affine if name in AFFINE else curvature.convex if name in CONVEX else curvature.concave


@pytest.mark.parametrize("name", GEOMETRIC)
def test_its_text_has_its_log_log_curvature(name: str):
    text, in_cvxpy = GEOMETRIC[name]
    problem = parse(f"{HEAD}minimize {text}\n")
    assert problem == parse(str(problem))
    assert problem.objective.body is not None
    found = LogLogTable(problem.objective.body)(problem.objective.body)
    shapes = {"y": (3,), "t": (), "Y": (3, 3)}
    known = SimpleNamespace(A=np.eye(2, 3), **{n: cp.Variable(shape, pos=True) for n, shape in shapes.items()})
    expected = in_cvxpy(known)
    assert found.convex or found.concave
    assert (found.convex, found.concave) == (expected.is_log_log_convex(), expected.is_log_log_concave())
