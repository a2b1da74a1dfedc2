"""Every function of CVXPY has its text here, or a reason why not; each text is read, and has CVXPY's curvature."""

import re

import cvxpy as cp
import pytest

import declarative
from declarative import check, parse
from declarative.analysis.facts import facts_of
from declarative.analysis.loglog import LogLogTable
from declarative.elaborate import embedded
from declarative.elaborate.calls import is_function
from declarative.elaborate.familiar import FUNCTIONS as FAMILIAR
from declarative.elaborate.familiar import WRITTEN, function_hints
from declarative.ir.facts import Curvature

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
GEOMETRIC = {
    "cumprod": "sum(cumprod(y))",
    "diff_pos": "diff_pos(2, t)",
    "eye_minus_inv": "sum(eye_minus_inv(Y))",
    "gmatmul": "sum(gmatmul(A, y))",
    "one_minus_pos": "one_minus_pos(t)",
    "pf_eigenvalue": "pf_eigenvalue(Y)",
    "prod": "prod(y)",
    "resolvent": "sum(resolvent(Y, t))",
}
REASONS = {
    "no continuous variable": ("ceil", "floor"),
    "complex numbers": ("conj", "imag", "real", "hermitian_wrap", "skew_symmetric_wrap"),
    "quasiconvex": ("condition_number", "dist_ratio", "gen_lambda_max", "length", "sign"),
    "what a declaration says here": ("psd_wrap", "symmetric_wrap"),
    "no cones describe it exactly": ("quantum_cond_entr", "quantum_rel_entr"),
    "a tool": ("deep_flatten",),
}


FUNCTIONS = {n: f for n, f in vars(cp).items() if n[0].islower() and callable(f)}
NAMES = {n for n, f in FUNCTIONS.items() if str(getattr(f, "__module__", "")).startswith("cvxpy.atoms")}


def test_every_function_of_cvxpy_is_answered_for():
    reasons = {name for names in REASONS.values() for name in names}
    assert CONVEX.keys() | CONCAVE.keys() | AFFINE.keys() | GEOMETRIC.keys() | reasons == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_name_that_is_not_there_is_answered_with_what_is(name: str):
    """With words of our own: the nearest name may be another function."""
    if is_function(name):
        return
    hints = ("the variance is `variance(...)`",) if name == "var" else function_hints(name)
    _, diagnostics = check(f"var x : R^3\nminimize {name}(x)\n")
    assert hints and diagnostics[0].hints == hints
    offered = name in embedded.names()  # `matmul` and `power` are in Python
    if (name in WRITTEN or name in FAMILIAR) and not offered:
        wanted = f"it is written `{WRITTEN[name][1]}`" if name in WRITTEN else f"did you mean `{FAMILIAR[name]}`?"
        with pytest.raises(AttributeError, match=re.escape(wanted)):
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
def test_its_text_has_a_log_log_curvature(name: str):
    problem = parse(f"{HEAD}minimize {GEOMETRIC[name]}\n")
    assert problem == parse(str(problem))
    assert problem.objective.body is not None
    assert LogLogTable(problem.objective.body)(problem.objective.body) is not Curvature.UNKNOWN
