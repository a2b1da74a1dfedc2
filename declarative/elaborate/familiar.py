"""Names of other languages to what is written here, for the hints of messages about names that are not there."""

from __future__ import annotations

import re
from collections.abc import Collection

YES_OR_NO = ("binary", "boolean", "bool", "logical", "B", "Bool", "Boolean", "Binary")
WHOLE = ("integer", "int", "Z", "ZZ", "N", "NN", "Int", "Integer", "Integers", "integers")

FUNCTIONS = {
    "convolve": "conv",
    "inner": "dot",
    "l1": "norm1",
    "l1_norm": "norm1",
    "l2": "norm",
    "l2_norm": "norm",
    "ln": "log",
    "log_sum_exp": "logsumexp",
    "logdet": "log_det",
    "max_eig": "lambda_max",
    "min_eig": "lambda_min",
    "norm_1": "norm1",
    "norm_2": "norm",
    "norm_inf": "norminf",
    "norm_nuc": "normnuc",
    "normNuc": "normnuc",
    "nuc": "normnuc",
    "quad_form": "quad",
    "relu": "pos",
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
_ADVICE = {
    **dict.fromkeys(("inv", "inverse", "pinv"), "no matrix is inverted: with a variable y, `A*y == b` says y = A^-1 b"),
    **dict.fromkeys(("det", "determinant"), "the logarithm of the determinant is `log_det(X)`"),
    **dict.fromkeys(("ones", "zeros"), "a scalar stands for an array of equal entries: `x - 1`, `x >= 0`"),
    **dict.fromkeys(("eye", "identity", "I"), "the identity matrix is `diag(stack(1 for i in n))`"),
    **dict.fromkeys(("len", "length", "size", "numel"), "a length is the dim that stands in the declaration"),
    **dict.fromkeys(("range", "arange"), "indices run as in `for i in n`, or `for i in 0..n-1`"),
    **dict.fromkeys(("Inf", "infinity", "Infinity", "INF"), "infinity is `inf`"),
    "e": "its powers are `exp(x)`",
    "pi": "write the number: `3.141592653589793`",
}


def function_hints(name: str) -> tuple[str, ...]:
    """For a function that is not there."""
    if name in FUNCTIONS:
        return (f"`{FUNCTIONS[name]}` may be what you want",)
    if over := re.fullmatch(r"(sum|prod|max|min)_(\w+)", name):
        return (f"indices stand behind: `{over[1]}(... for {over[2]} in n)`",)
    return value_hints(name, ())


def value_hints(name: str, declared: Collection[str]) -> tuple[str, ...]:
    """For another name that is not there."""
    if name in _ADVICE:
        return (_ADVICE[name],)
    entry = re.fullmatch(r"(\w+?)_(\w)", name)
    return (f"an entry is written `{entry[1]}[{entry[2]}]`",) if entry and entry[1] in declared else ()
