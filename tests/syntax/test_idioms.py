"""Forms of LaTeX, Python, MATLAB and AMPL: the first message, its place and first hint; what it offers is right."""

import pytest

from declarative import check

HEAD = "dim m, n\nparam c : R^n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\nvar X : S^n\n"
ROWS = "minimize sum(x)\nsubject to\n"

# what is written, code, culprit, first hint, what is right
IDIOMS = {
    "small letters behind bars": (
        "minimize ‖x‖₂² + c'*x",
        "E109",
        "‖x‖₂²",
        "write `sumsq(x)`",
        "minimize sumsq(x) + c'*x",
    ),
    "a one behind bars": ("minimize ‖x‖₁", "E109", "‖x‖₁", "write `norm1(x)`", "minimize norm1(x)"),
    "infinity behind bars": ("minimize ‖x‖∞", "E109", "‖x‖∞", "write `norminf(x)`", "minimize norminf(x)"),
    "a square behind bars": ("minimize ‖x - c‖²", "E109", "‖x - c‖²", "write `sumsq(x - c)`", "minimize sumsq(x - c)"),
    "loop first": (
        ROWS + "  for i in n: low: x[i] >= 0",
        "E112",
        "for",
        "write `low: x[i] >= 0 for i in n`",
        ROWS + "  low: x[i] >= 0 for i in n",
    ),
    "loop first, on a line of its own": (
        ROWS + "  for i in n:",
        "E112",
        "for",
        "write `... for i in n`",
        ROWS + "  x[i] >= 0 for i in n",
    ),
    "attribute behind the default": (
        'param lam : R = 0.1, pos, between(0, 1) "weight"\nminimize sum(x)',
        "E113",
        "pos, between(0, 1)",
        "write `param lam : R, pos, between(0, 1) = 0.1`",
        'param lam : R, pos, between(0, 1) = 0.1 "weight"\nminimize sum(x)',
    ),
    "norm by name": (
        'minimize norm(X - X, "fro")',
        "E113",
        '"fro"',
        "write `normfro(X - X)`",
        "minimize normfro(X - X)",
    ),
    "subject to behind the objective": (
        "minimize sum(x) subject to x >= 0",
        "E110",
        "subject to",
        "write `subject to` on a line of its own",
        "minimize sum(x)\nsubject to\n  x >= 0",
    ),
    "at least of latex": (ROWS + "  x \\geq 0", "E101", "\\geq", "write `>=`", ROWS + "  x >= 0"),
    "sum of latex": (
        "minimize \\sum_{i=1}^n x[i]",
        "E101",
        "\\sum_",
        "indices stand behind: `sum(... for i in n)`",
        "minimize sum(x[i] for i in n)",
    ),
    "quotient of latex": (
        "minimize \\frac{1}{2} sum(x)",
        "E101",
        "\\frac",
        "a quotient is written `a/b`",
        "minimize 1/2*sum(x)",
    ),
    "letter of latex": (
        "param \\mu : R\nminimize sum(x)",
        "E101",
        "\\mu",
        "write `mu`",
        "param mu : R\nminimize sum(x)",
    ),
    "transpose of latex": ("minimize c^{T}*x", "E101", "{T}", "the transpose is `c'`", "minimize c'*x"),
    "power in braces": ("minimize x[0]^{2}", "E101", "{2}", "write `^(2)`", "minimize x[0]^(2)"),
    "size in braces": (
        "param D : R^{m x n}\nminimize sum(x)",
        "E101",
        "{m x n}",
        "write `R^(m,n)`",
        "param D : R^(m,n)\nminimize sum(x)",
    ),
    "size with a cross": (
        "param D : R^(m x n)\nminimize sum(x)",
        "E127",
        "m x n",
        "write `m,n`",
        "param D : R^(m,n)\nminimize sum(x)",
    ),
    "size with two hats": (
        "param D : R^m^n\nminimize sum(x)",
        "E127",
        "m^n",
        "write `R^(m,n)`",
        "param D : R^(m,n)\nminimize sum(x)",
    ),
    "size in square brackets": (
        "param D[m,n]\nminimize sum(x)",
        "E113",
        "",
        "`param D : R^(m,n)`",
        "param D : R^(m,n)\nminimize sum(x)",
    ),
    "several in one declaration": (
        "var u, v\nminimize sum(x)",
        "E113",
        ",",
        "declarations stand one by one: `var u : R`",
        "var u : R\nminimize sum(x)",
    ),
    "bound in a declaration": (
        "var u : R >= 0\nminimize u",
        "E113",
        ">=",
        "an attribute says so: `, nonneg`",
        "var u : R, nonneg\nminimize u",
    ),
    "bound and no space": (
        "var u >= 0\nminimize u",
        "E113",
        ">=",
        "`var u : R, nonneg`",
        "var u : R, nonneg\nminimize u",
    ),
    "zero or one": (
        ROWS + "  pick: x in {0, 1}",
        "E101",
        "{0, 1}",
        "only continuous variables are solved for; relaxed it is `0 <= x <= 1`",
        ROWS + "  pick: 0 <= x <= 1",
    ),
    "a space of zero and one": (
        "var u : {0,1}^n\nminimize sum(u)",
        "E101",
        "{0,1}",
        "only continuous variables are solved for; relaxed it is `R^n, between(0, 1)`",
        "var u : R^n, between(0, 1)\nminimize sum(u)",
    ),
    "sum of ampl": (
        "minimize sum{i in n} x[i]",
        "E101",
        "{i in n}",
        "indices stand behind: `sum(... for i in n)`",
        "minimize sum(x[i] for i in n)",
    ),
    "subscript in braces": (
        "minimize x{0}",
        "E101",
        "{0}",
        "subscripts stand in square brackets: `x[...]`",
        "minimize x[0]",
    ),
    "index first": (
        "minimize sum(i in n, x[i])",
        "E113",
        "in",
        "write `sum(... for i in ...)`",
        "minimize sum(x[i] for i in n)",
    ),
    "function of a module": (
        "minimize np.linalg.norm(x)",
        "E105",
        "np.linalg.norm",
        "a function is called by its name alone: `norm(...)`",
        "minimize norm(x)",
    ),
    "method": ("minimize x.sum()", "E105", "sum", "write `sum(x)`", "minimize sum(x)"),
    "variable of cvxpy": (
        "u = cp.Variable(n)\nminimize sum(x)",
        "E110",
        "u = cp.Variable",
        "a variable is declared: `var u : R^n`",
        "var u : R^n\nminimize sum(x)",
    ),
    "colon": ("minimize: sum(x)", "E113", ":", "remove the `:`", "minimize sum(x)"),
    "name of an objective": ("minimize cost: sum(x)", "E113", ":", "remove the `cost:`", "minimize sum(x)"),
    "objective with an equals sign": (
        "minimize f = sum(x)",
        "E113",
        "=",
        "a name is given above: `let f = ...`, then `minimize f`",
        "let f = sum(x)\nminimize f",
    ),
    "variables below": ("min_x sum(x)", "E110", "min_x", "did you mean `minimize`?", "minimize sum(x)"),
    "such that": (
        "minimize sum(x) s.t. x >= 0",
        "E110",
        "s.t.",
        "write `subject to` on a line of its own",
        ROWS + "  x >= 0",
    ),
    "for all": (
        ROWS + "  x[i] >= 0 for all i in n",
        "E110",
        "all",
        "write `for i in ...`",
        ROWS + "  x[i] >= 0 for i in n",
    ),
    "index after a comma": (ROWS + "  x[i] >= 0, i in n", "E114", ",", "write `for`", ROWS + "  x[i] >= 0 for i in n"),
    "index with an equals sign": (
        "minimize sum(x[i] for i = 0..n-1)",
        "E106",
        "=",
        "write `in`",
        "minimize sum(x[i] for i in 0..n-1)",
    ),
    "range with a colon": (
        "minimize sum(x[i] for i in 0:n-1)",
        "E113",
        ":",
        "write `..`; both ends belong to it, and indices start at 0",
        "minimize sum(x[i] for i in 0..n-1)",
    ),
    "semidefinite": (
        ROWS + "  X >> 0",
        "E112",
        ">>",
        "a semidefinite matrix is written `X in PSD`",
        ROWS + "  X in PSD",
    ),
    "inner product": ("minimize <c, x>", "E112", "<c, x>", "write `c'*x`", "minimize c'*x"),
    "variance": ("minimize var(x)", "E111", "var", "the variance is `variance(...)`", "minimize variance(x)"),
    "a word for data": (
        "given q : R\nminimize sum(x)",
        "E110",
        "given",
        "did you mean `param`?",
        "param q : R\nminimize sum(x)",
    ),
    "bars behind a factor": (
        "minimize 1/2 ||x - c||^2",
        "E109",
        "||x - c||^2",
        "write `1/2*sumsq(x - c)`",
        "minimize 1/2*sumsq(x - c)",
    ),
    "bars behind a name": (
        "minimize sum(c) ‖x‖_1",
        "E109",
        "‖x‖_1",
        "write `sum(c)*norm1(x)`",
        "minimize sum(c)*norm1(x)",
    ),
    "a power T and no sign": ("minimize c^T x", "E105", "^T x", "write `c'*x`", "minimize c'*x"),
    "a factor in brackets": (
        "minimize 2 (x[0] + 1)",
        "E105",
        "2 (",
        "write `2*(x[0] + 1)`",
        "minimize 2*(x[0] + 1)",
    ),
    "set of ampl": ("set G\nminimize sum(x)", "E110", "set", "did you mean `dim`?", "dim G\nminimize sum(x)"),
    "index below a sum": (
        ROWS + "  sum_i c[i]*x[i] <= 1",
        "E105",
        "sum_i c",
        "write `sum(c[i]*x[i] for i in n)`",
        ROWS + "  sum(c[i]*x[i] for i in n) <= 1",
    ),
    "name behind a constraint": (
        ROWS + "  sum(x) <= 1 (cap)",
        "E105",
        "(cap)",
        "write `cap: sum(x) <= 1`",
        ROWS + "  cap: sum(x) <= 1",
    ),
    "number of an equation": (
        ROWS + "  sum(x) <= 1 (3)",
        "E105",
        "(3)",
        "write `c3: sum(x) <= 1`",
        ROWS + "  c3: sum(x) <= 1",
    ),
    "indices of a name": (
        ROWS + "  bal[i]: x[i] >= 0 for i in n",
        "E113",
        "[i]",
        "write `bal: x[i] >= 0 for i in n`",
        ROWS + "  bal: x[i] >= 0 for i in n",
    ),
    "ranges of a name, of jump": (
        ROWS + "  bal[i=1:n, j in m]: x[i] >= b[j]",
        "E113",
        "[i=1:n, j in m]",
        "write `bal: x[i] >= b[j] for i in n, j in m`",
        ROWS + "  bal: x[i] >= b[j] for i in n, j in m",
    ),
    "ranges of a name, of ampl": (
        ROWS + "  bal {i in n}: x[i] >= 0",
        "E113",
        "{i in n}",
        "write `bal: x[i] >= 0 for i in n`",
        ROWS + "  bal: x[i] >= 0 for i in n",
    ),
    "index in a family": (
        "var p[t in m] : R^n\nminimize sum(p)",
        "E113",
        "[t in m]",
        "write `var p[m]`",
        "var p[m] : R^n\nminimize sum(p)",
    ),
    "range in a let": (
        "let g[i in n] = x[i] - 1\nminimize sum(g)",
        "E113",
        "[i in n]",
        "write `let g[i] = ... for i in n`",
        "let g[i] = x[i] - 1 for i in n\nminimize sum(g)",
    ),
    "two loops": (
        "minimize sum(A[i,j]*x[j] for i in m for j in n)",
        "E113",
        "for",
        "write `, j in n`",
        "minimize sum(A[i,j]*x[j] for i in m, j in n)",
    ),
    "name of an objective in front": (
        "obj: minimise sum(x)",
        "E113",
        "obj:",
        "write `minimize sum(x)`",
        "minimize sum(x)",
    ),
    "chain in a declaration": (
        "var u : R^n, 0 <= u <= 1\nminimize sum(u)",
        "E113",
        "0 <= u <= 1",
        "an attribute says so: `, between(0, 1)`",
        "var u : R^n, between(0, 1)\nminimize sum(u)",
    ),
    "bounds of ampl": (
        "var u >= -1, <= 2\nminimize u",
        "E113",
        ">=",
        "`var u : R, between(-1, 2)`",
        "var u : R, between(-1, 2)\nminimize u",
    ),
    "bounds around a name": (
        "var 0 <= u <= 1\nminimize u",
        "E113",
        "0 <= u <= 1",
        "`var u : R, between(0, 1)`",
        "var u : R, between(0, 1)\nminimize u",
    ),
    "bound from above": (
        "var u : R^n <= 1\nminimize sum(u)",
        "E113",
        "<=",
        "an attribute says so: `, between(-inf, 1)`",
        "var u : R^n, between(-inf, 1)\nminimize sum(u)",
    ),
}


@pytest.mark.parametrize("name", IDIOMS)
def test_an_idiom(name: str):
    wrong, code, culprit, hint, right = IDIOMS[name]
    found = check(HEAD + wrong)[1]
    assert (found[0].code, found[0].span and found[0].span.text, found[0].hints[0]) == (code, culprit, hint)
    assert not [d for d in check(HEAD + right)[1] if d.severity.value == "error"]


UNSURE = ("sum of latex", "quotient of latex", "subscript in braces")
REPAIRED = [name for name in IDIOMS if name not in UNSURE]


@pytest.mark.parametrize("name", REPAIRED)
def test_one_idiom_one_message(name: str):
    assert len(check(HEAD + IDIOMS[name][0])[1]) == 1


def test_two_bars_that_join():
    """Between comparisons, and in conditions, two bars are an `or`."""
    for text in (
        ROWS + "  sum(x) <= 1 || sum(x) >= 2 || x[0] >= 3",
        "minimize sum(x[i] for i in n if i > 1 || i < 0 || i == n)",
    ):
        assert {d.hints for d in check(HEAD + text)[1] if d.code == "E109"} == {("write `or`",)}
