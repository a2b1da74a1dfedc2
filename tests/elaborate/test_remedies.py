"""The hint of a mistake, where taking it literally is what helps."""

import pytest

import declarative

HEAD = "dim n\nparam a : R^n\nparam A : R^(n,n)\nvar x : R^n\nvar X : S^n\n"

INVERSE = (
    "no matrix is inverted: with a variable y, `A*y == b` says y = A^-1 b; for a positive definite P there are "
    "`matrix_frac(x, P)`, which is x'*P^-1*x, and `tr_inv(P)`"
)
REMEDIES = {
    "a space without its hat": ("var y : Rn\nminimize sumsq(y)", "write `R^n`"),
    "a matrix without brackets": ("dim m\nvar Y : R^n,m\nminimize sumsq(Y)", "a matrix is `R^(n,m)`"),
    "a multiple of a size": ("var y : R^2n\nminimize sumsq(y)", "write `R^(2*n)`"),
    "a name without its colon": (
        "minimize sumsq(x)\nsubject to\n  budget sum(x) <= 1",
        "if `budget` names the constraint, write `budget: sum(...`",
    ),
    "a declaration without its kind": (
        "b : R^n\nminimize sumsq(x)",
        "data are declared by `param b : R^n`, what is solved for by `var b : R^n`",
    ),
    "a sum without brackets": (
        "minimize sum x[i]^2 for i in n",
        "write `sum(...)` around all of `... for i in n`",
    ),
    "numpy's infinity": ("minimize sumsq(x)\nsubject to\n  x <= np.inf", "write `inf`"),
    "a row without a star": ("minimize a'x", "write `a'*x`"),
    "bars with a subscript": ("minimize |A*x - a|_1", "write `norm1(A*x - a)`"),
    "a determinant": (
        "minimize -det(X)",
        "the logarithm of the determinant of a positive definite matrix is `log_det(X)`",
    ),
    "an inverse": ("minimize sum(inv(A)*x)", INVERSE),
    "a power -1": ("minimize sum(A^-1*x)", INVERSE),
    "brackets one after the other": ("minimize A[0][1]*x[0]", "`A[0,1]`"),
    "a row as in Python": ("minimize sum((A[i][:]'*x)^2 for i in n)", "`A[i,:]`"),
    "a slice from the end": ("minimize sumsq(x[1:] - x[:-1])", "from the end it is `:n-1`"),
    "the last three": ("minimize sumsq(x[-3:])", "from the end it is `n-3:`"),
    "a block of a vector": (
        "dim m, s\nvar z : R^(m*s)\nminimize sum(norm(z[j*s:(j+1)*s]) for j in m)",
        "blocks of s entries are the rows of a matrix: `reshape(z, m, s)[j,:]`",
    ),
    "what came before": (
        "minimize sum(sum(x[:k+1])^2 for k in n)",
        "run over all of it and choose with `if`: `sum(x[j] for j in n if j < k+1)`",
    ),
    "real numbers of books": ("var y ∈ ℝ^n\nminimize sumsq(y)", "`var y : R^n`"),
    "an axis of a vector": ("minimize sum(A*x, axis = 1)", "leave `axis` out"),
    "a distance": ("minimize norm(x, a)", "the distance between two arrays is the norm of their difference"),
    "a free variable": ("var y : R, free\nminimize y^2", "leave it out: what has no bounds is free"),
    "a start that is written out": (
        "var y : R^n, start([1, 1, 1])\nminimize sumsq(y)",
        "one number is for all entries: `start(1)`",
    ),
    "a start of a known size": (
        "var y : R^n, start([1, 2, 3])\nminimize sumsq(y)",
        "`y : R^3`, where the size is this number",
    ),
    "a product without a sign": ("minimize sumsq(Ax - a)", "a product needs `*`: `A*x`"),
    "a matrix squared": ("minimize trace(X^2)", "the product with itself is `X*X`"),
    "a matrix with a cross": ("var Y : R^nxn\nminimize sumsq(Y)", "a matrix is `R^(n,n)`"),
    "data as a size": (
        "param T : R\nvar p[0..T] : R\nminimize sumsq(p)",
        "a size is declared by `dim T`",
    ),
    "a norm by its name": ("minimize norm(X, nuc)", "write `normnuc(X)`"),
    "a start that runs over an index": (
        "dim T\nvar p[0..T] : R, start(t/T)\nminimize sumsq(p)",
        "each member has its own by `let guess[t] = ... for t in 0..T`, and `start(guess)`",
    ),
    "a function of a number, of a vector": (
        "def f(z : R) : R = z^2\nminimize f(x)",
        "of each entry: `stack(f(x[i]) for i in n)`",
    ),
    "a quadratic form the other way round": ("minimize quad(A, x)", "`quad(x, A)`"),
    "an index for a number": (
        "minimize sumsq(x)\nsubject to\n  sum_largest(x, k) <= 1 for k in 1..n-1",
        "for several values of `k` write a constraint or a term for each",
    ),
    "a slice from one": (
        "minimize sumsq(x[1:n])",
        "`:` is all of the axis; `1:` is all of it but the first, and needs no warning",
    ),
    "numpy's product of vectors": ("minimize a@x", "of two vectors: `a'*b`"),
}


@pytest.mark.parametrize("text, remedy", REMEDIES.values(), ids=REMEDIES)
def test_hint(text, remedy):
    found = declarative.check(HEAD + text)[1]
    assert remedy in [hint for diagnostic in found for hint in diagnostic.hints]


def test_the_square_of_a_norm_is_smooth():
    text = "minimize sin(x[0])\nsubject to\n  norm(x - a) >= 1"
    problem = declarative.parse(HEAD.replace("var X : S^n\n", "") + text)
    with pytest.raises(declarative.DiagnosticError, match=r"the norm is smooth: write `sumsq\(x - a\) >= 1`"):
        declarative.compile(problem)
    squared = declarative.parse(str(problem).replace("norm(x - a) >= 1", "sumsq(x - a) >= 1"))
    assert declarative.compile(squared, backend="kkt").solve([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]).solved


@pytest.mark.parametrize("name, meant", [("sum_squares", "sumsq"), ("Variable", "var"), ("quad_form", "quad")])
def test_names_of_cvxpy_in_python(name, meant):
    with pytest.raises(AttributeError, match=f"did you mean `{meant}`"):
        getattr(declarative, name)


@pytest.mark.parametrize(
    "name, text",
    [
        ("soc", "(t, x) in SOC"),
        ("exp_cone", "(x, y, z) in EXP"),
        ("PowCone3D", "(x, y, z) in POW(a)"),
        ("Box", "x in Box(lo, hi)"),
        ("ball", "x in Ball(r)"),
        ("simplex", "x in Simplex"),
    ],
)
def test_cones_of_others_in_python(name: str, text: str):
    """What is offered is taken, and says what it should."""
    with pytest.raises(AttributeError, match=r"it is written `dc\.member") as caught:
        getattr(declarative, name)
    offered = str(caught.value).split("`")[3]
    vector = name not in ("exp_cone", "PowCone3D")
    x = declarative.var("x", 3) if vector else declarative.var("x")
    names = {v: declarative.var(v) for v in "tyz"} | {"x": x, "dc": declarative}
    names |= {v: declarative.param(v) for v in ("a", "lo", "hi", "r")}
    problem = declarative.problem(declarative.minimize(declarative.sumsq(x)), eval(offered, names))
    assert str(problem).splitlines()[-1].strip() == text


def test_a_power_as_in_matlab_in_python():
    with pytest.raises(TypeError, match=r"a power is written `x\*\*2`"):
        declarative.var("x", 3) ^ 2  # pyright: ignore[reportUnusedExpression]


def test_a_value_for_data_of_another_role():
    problem = declarative.parse("param gamma : R; var x : R; minimize (x - gamma)^2")
    with pytest.raises(declarative.DiagnosticError, match=r"`gamma`, which is declared as a param"):
        declarative.compile(problem, learn={"gamma": 3})


def test_an_objective_is_no_problem():
    x = declarative.var("x", 3)
    with pytest.raises(declarative.DiagnosticError, match="not its objective alone"):
        declarative.compile(declarative.minimize(declarative.sumsq(x)))  # pyright: ignore[reportArgumentType]


def test_an_objective_that_is_no_number_is_mended_in_the_words_of_python():
    n = declarative.dim("n")
    x, X = declarative.var("x", n), declarative.var("X", n, n)
    with pytest.raises(declarative.DiagnosticError, match=r"`dc.sum\(x \* x\)`"):
        declarative.problem(declarative.minimize(x * x))
    with pytest.raises(declarative.DiagnosticError, match=r"this is R\^n(.|\n)*`dc.sum\(...\)`"):
        declarative.problem(declarative.minimize(declarative.max(X, axis=0)))


def test_a_slice_that_goes_without_a_warning():
    text = "minimize sumsq(x[1:]) + sumsq(x[1:n-1]) + sumsq(x[0:n])"
    assert not declarative.check("dim n\nvar x : R^n\n" + text)[1]
