"""The hint of a mistake, where taking it literally is what helps."""

import pytest

import declarative

HEAD = "dim n\nparam a : R^n\nparam A : R^(n,n)\nvar x : R^n\nvar X : S^n\n"

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
    "an inverse": ("minimize sum(inv(A)*x)", "no matrix is inverted: with a variable y, `A*y == b` says y = A^-1 b"),
    "a power -1": ("minimize sum(A^-1*x)", "no matrix is inverted: with a variable y, `A*y == b` says y = A^-1 b"),
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
    assert not declarative.check(HEAD + text)[1]
