"""Names of other languages to what is written here, for the hints of messages about names that are not there."""

from __future__ import annotations

import re
from collections.abc import Collection

YES_OR_NO = ("binary", "boolean", "bool", "logical", "B", "Bool", "Boolean", "Binary")
WHOLE = ("integer", "int", "Z", "ZZ", "N", "NN", "Int", "Integer", "Integers", "integers")

FUNCTIONS = {
    "concatenate": "concat",
    "convolve": "conv",
    "eigmax": "lambda_max",
    "eigmin": "lambda_min",
    "entropy": "entr",
    "frobenius_norm": "normfro",
    "inner": "dot",
    "l1": "norm1",
    "l1_norm": "norm1",
    "l2": "norm",
    "l2_norm": "norm",
    "ln": "log",
    "log_sum_exp": "logsumexp",
    "logdet": "log_det",
    "lse": "logsumexp",
    "max_eig": "lambda_max",
    "min_eig": "lambda_min",
    "neg": "negpart",
    "norm_1": "norm1",
    "norm_2": "norm",
    "norm_inf": "norminf",
    "norm_nuc": "normnuc",
    "normNuc": "normnuc",
    "nuc": "normnuc",
    "nuclear_norm": "normnuc",
    "nuclearnorm": "normnuc",
    "quad_form": "quad",
    "relu": "pos",
    "scalar_product": "dot",
    "spectral_norm": "normspec",
    "sum_square": "sumsq",
    "sum_squares": "sumsq",
    "total_variation": "tv",
    "tr": "trace",
    "vdot": "dot",
}
DECLARATIONS = {
    "Constant": "const",
    "Maximize": "maximize",
    "Minimize": "minimize",
    "Parameter": "param",
    "Problem": "problem",
    "Variable": "var",
}
WRITTEN = {  # what has no name here: how it is written in a text, and in Python
    **dict.fromkeys(("bmat", "block_array"), ("[A, B; C, D]", "block([[A, B], [C, D]])")),
    **dict.fromkeys(("hstack", "cat"), ("[a, b]", "concat(a, b)")),
    **dict.fromkeys(("multiply", "mul_elemwise"), ("x .* y", "x * y")),
    **dict.fromkeys(("power", "pow_p"), ("x^p", "x**p")),
    **dict.fromkeys(("swapaxes", "moveaxis", "permute_dims"), ("X'", "X.T")),
    **dict.fromkeys(("squeeze", "flatten", "deep_flatten", "ravel"), ("vec(X)", "vec(X)")),
    "einsum": ("sum(A[i,j]*B[j,k] for j in n)", "sum(A[i, j] * B[j, k] for j in n)"),
    "softmax": ("exp(x)/sum(exp(x))", "exp(x) / sum(exp(x))"),
    "matmul": ("A*x", "A @ x"),
    "vstack": ("stack(a, b)", "stack(a, b)"),
}
_JUMPS = "it jumps, so it has no gradient, and no backend takes it"
_REAL = "numbers are real; a complex matrix A + iB is the real one `[A, -B; B, A]`"
_NO_CONE = "no cones describe it exactly; the entropy `von_neumann_entr(X)` is there"
_EQUAL = "a scalar stands for an array of equal entries: `x - 1`, `x >= 0`"
_ADVICE = {
    **dict.fromkeys(("inv", "inverse", "pinv"), "no matrix is inverted: with a variable y, `A*y == b` says y = A^-1 b"),
    **dict.fromkeys(("det", "determinant"), "the logarithm of the determinant is `log_det(X)`"),
    **dict.fromkeys(("ceil", "floor", "sign"), _JUMPS),
    **dict.fromkeys(("conj", "imag", "real", "hermitian_wrap", "skew_symmetric_wrap"), _REAL),
    **dict.fromkeys(("quantum_rel_entr", "quantum_cond_entr"), _NO_CONE),
    **dict.fromkeys(("psd_wrap", "symmetric_wrap"), "declared as `S^n` it is symmetric, as `S^n, psd` semidefinite"),
    **dict.fromkeys(("ones", "zeros", "promote", "broadcast_to"), _EQUAL),
    **dict.fromkeys(("eye", "identity", "I"), "the identity matrix is `diag(stack(1 for i in n))`"),
    **dict.fromkeys(("len", "length", "size", "numel"), "a length is the dim that stands in the declaration"),
    **dict.fromkeys(("range", "arange"), "indices run as in `for i in n`, or `for i in 0..n-1`"),
    **dict.fromkeys(("Inf", "infinity", "Infinity", "INF"), "infinity is `inf`"),
    "condition_number": "for a level t, `lambda_max(X) <= t*lambda_min(X)` is convex; bisect for the least t",
    "dist_ratio": "for a level t, `sumsq(x - a) <= t^2*sumsq(x - b)` says it; bisect for the least t",
    "gen_lambda_max": "for a level t, `t*B - A in PSD` says it; bisect for the least t",
    "suppfunc": "over {y : A*y <= b} it is the least `b'*v` with `A'*v == x` and `v >= 0`; over a ball, a norm",
    "e": "its powers are `exp(x)`",
    "pi": "write the number: `3.141592653589793`",
}


def function_hints(name: str) -> tuple[str, ...]:
    """For a function that is not there."""
    if name in FUNCTIONS:
        return (f"`{FUNCTIONS[name]}` may be what you want",)
    if name in WRITTEN:
        return (f"it is written `{WRITTEN[name][0]}`",)
    if over := re.fullmatch(r"(sum|prod|max|min)_(\w+)", name):
        return (f"indices stand behind: `{over[1]}(... for {over[2]} in n)`",)
    return value_hints(name, ())


def value_hints(name: str, declared: Collection[str]) -> tuple[str, ...]:
    """For another name that is not there."""
    if name in _ADVICE:
        return (_ADVICE[name],)
    entry = re.fullmatch(r"(\w+?)_(\w)", name)
    return (f"an entry is written `{entry[1]}[{entry[2]}]`",) if entry and entry[1] in declared else ()
