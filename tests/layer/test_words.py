"""What is said to arguments that do not fit, word by word."""

from pathlib import Path

import pytest
import torch

import declarative
from declarative import DiagnosticError
from declarative.layer.taken import OF_MODULES

POWER = (
    "{0} a : R\nvar x : R, nonneg\nvar y : R\nvar z : R\nmaximize z - x - y\nsubject to\n  cone: (x, y, z) in POW(a)"
)
PLAIN = "dim n\nparam target : R^n\nconst weight : R = 1\nvar x : R^n\nminimize weight*sumsq(x - target)"


def said(call) -> list[tuple[str, str, tuple[str, ...]]]:
    with pytest.raises(DiagnosticError) as caught:
        call()
    return [(d.code, d.message, d.hints) for d in caught.value.diagnostics]


def compiled(text: str = PLAIN, **settings):
    return declarative.compile(declarative.parse(text, name="words"), **settings)


ARGUMENTS = {
    "text": (
        lambda: declarative.parse(3),
        ("E315", "a problem is parsed from its text, not from 3", ()),
    ),
    "path as a text": (
        lambda: declarative.parse(Path("a.opt")),
        (
            "E315",
            f"a problem is parsed from its text, not from {Path('a.opt')!r}",
            ("declarative.load(path) reads a file",),
        ),
    ),
    "path": (lambda: declarative.load(3), ("E315", "a file is named by its path, not by 3", ())),
    "options": (
        lambda: compiled(options=[1]),
        ("E315", 'options gives values to names, as in options={"max_iterations": 50}; this is [1]', ()),
    ),
    "dims": (
        lambda: compiled(dims=[3]),
        ("E315", 'dims gives values to names, as in dims={"n": 5}; this is [3]', ()),
    ),
    "a dim": (lambda: compiled(dims={"n": 3.0}), ("E315", "the dim `n` is a whole number, not 3.0", ())),
    "learn": (
        lambda: compiled(learn=3),
        ("E315", 'learn gives values to names, as in learn={"w": w}; this is 3', ()),
    ),
    "a name that every module has": (
        lambda: declarative.compile(declarative.parse("learn half : R; var x : R; minimize (x - half)^2")),
        (
            "E327",
            "`half` is an attribute of every nn.Module, so that no `learn` can be called so; choose another name",
            (),
        ),
    ),
    "a misspelt const": (
        lambda: compiled(consts={"wieght": 1}),
        ("E316", "consts has `wieght`, which the problem has not; it has: weight", ("did you mean `weight`?",)),
    ),
    "a misspelt param": (
        lambda: compiled()(taget=torch.ones(2)),
        (
            "E310",
            "`taget` is no parameter; the parameters are: target; no value for `target`",
            ("did you mean `target`?",),
        ),
    ),
    "exponent of a cone": (
        lambda: compiled(POWER.format("const"), consts={"a": 1.5})(),
        ("E227", "the exponent of `POW` is one number between 0 and 1, and `a` is 1.5", ()),
    ),
}


ARGUMENTS |= {
    "rows of several lengths": (
        lambda: compiled()([[1, 2], [3]]),
        ("E310", "the rows of `target` differ in length: they have 2 and 1 entries, in [[1, 2], [3]]", ()),
    ),
    "a const with rows of several lengths": (
        lambda: compiled("const A : R^(2,2)\nvar x : R^2\nminimize sumsq(A*x - 1)", consts={"A": [[[1, 2], [3]]]}),
        ("E310", "the rows of `A` differ in length: they have 2 and 1 entries, in [[[1, 2], [3]]]", ()),
    ),
    "numbers beside rows": (
        lambda: compiled()([1, [3]]),
        ("E310", "`target` must be a tensor, an array or numbers, not [1, [3]]", ()),
    ),
    "an earlier solution in a call": (
        lambda: compiled()([1.0, 2.0], warm=None),
        (
            "E310",
            "`warm` is no parameter; the parameters are: target",
            ("an earlier solution is passed to `layer.solve(..., warm=...)`",),
        ),
    ),
    "a quotient of Python by 0": (
        lambda: declarative.problem(minimize=declarative.var("x") ** 2 / 0),
        ("E223", '`declarative.var("x") ** 2 / 0` divides by 0', ()),
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument(name: str):
    call, expected = ARGUMENTS[name]
    assert said(call) == [expected]


def test_a_batch_behind_the_axes_is_told():
    layer = compiled("dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\nminimize sumsq(A*x - b)")
    ((code, message, hints),) = said(lambda: layer(torch.ones(2, 3), torch.ones(2, 7)))
    assert (code, message) == ("E313", "m = 2 from `A` axis 0; `b` gives 7")
    assert hints == ("the batch comes first, and then the axes of `b`: `b.movedim(-1, 0)`",)
    ((_, _, hints),) = said(lambda: layer(torch.ones(2, 3), torch.ones(3, 7)))
    assert hints == ()


@pytest.mark.parametrize("shape", [(2, 1), (7, 2, 1)])
def test_a_column_for_a_vector_is_told(shape: tuple[int, ...]):
    layer = compiled("dim m, n\nparam A : R^(m,n)\nparam b : R^m\nvar x : R^n\nminimize sumsq(A*x - b)")
    b = torch.ones(shape)
    ((code, message, hints),) = said(lambda: layer(torch.ones(2, 3), b))
    assert (code, message) == ("E313", "m = 2 from `A` axis 0; `b` gives 1")
    assert hints == ("a vector is no column: `b.squeeze(-1)`",)


def test_an_exponent_that_comes_with_the_data_is_refused_by_both_backends():
    assert said(lambda: compiled(POWER.format("param"))) == [
        ("E302", "the kkt backend takes equations and inequalities, not membership in `POW`", ()),
        (
            "E302",
            "the cone backend needs the exponent of `POW` when the layer is compiled, and `a` comes with the data",
            ("declare it `const`, or write a number",),
        ),
    ]


def test_exponents_of_a_family_that_differ_are_refused():
    text = (
        "dim n\nconst a : R^n\nvar x : R^n\nvar z : R^n\nmaximize sum(z) - sum(x)\nsubject to\n"
        "  (x[i], 1, z[i]) in POW(a[i]) for i in n"
    )
    words = "the exponent of `POW` is one number between 0 and 1, and `a[i]` is 0.25 and 0.5"
    assert said(lambda: compiled(text, consts={"a": [0.25, 0.5]})()) == [("E227", words, ())]


def test_numbers_of_numpy_and_torch_are_sizes():
    layer = compiled("dim n\nvar x : R^n\nminimize sumsq(x - 1)", dims={"n": torch.tensor(3)})
    assert layer().shape == (3,)


def test_explain_says_what_a_function_became_in_the_words_of_the_text():
    text = "dim n\nvar x : R^n\nvar t : R, pos\nminimize perspective(norm1(x - 1), t) + t"
    assert not [line for line in declarative.explain(declarative.parse(text)) if "an expression" in line]


def broken(declaration: str, value) -> str:
    text = f"dim n, m\n{declaration}\nvar x : R\nminimize x^2 + sum(p)*x"
    layer = compiled(text, on_failure="mask", check="always", dims={"n": 2, "m": 2})
    return layer.solve(torch.tensor(value, dtype=torch.float64)).messages[()].split(", and ")[-1]


PROMISES = {
    "family of simplices": ("param p[m] : R^n, simplex", [[0.5, 0.5], [0.5, 0.7]], "the sum of `p[1]` is 1.2"),
    "negative in a simplex": ("param p : R^n, simplex", [1.5, -0.5], "`p[1]` is -0.5"),
    "length": ("param p : R^n, unit", [3.0, 4.0], "the length is 5"),
    "columns": ("param p : R^(n,m), orthonormal", [[1.0, 0.5], [0.0, 1.0]], "the product of columns 0 and 1 is 0.5"),
    "definite": ("param p : S^n, pd", [[1.0, 0.0], [0.0, 0.0]], "the least is 0"),
    "bounds": ("param p : R^(n,m), between(0, 1)", [[0.0, 1.0], [-3.0, 2.0]], "`p[1, 0]` is -3"),
    "scalar": ("param p : R, nonneg", -1.0, "`p` is -1"),
    "a sum that is almost 1": ("param p : R^n, simplex", [0.5, 0.500002], "the sum is 1.000002"),
    "almost within the bounds": ("param p : R^n, between(0, 1)", [1.0, 1 + 1e-8], "`p[1]` is 1.00000001"),
    "almost a unit column": (
        "param p : R^(n,m), orthonormal",
        [[1.000002, 0.0], [0.0, 1.0]],
        "the product of columns 0 and 0 is 1.000004",
    ),
    "almost symmetric": (
        "param p : S^n",
        [[1.0, 1.0], [1.000002, 1.0]],
        "is not, `p[0, 1]` is 1 and `p[1, 0]` is 1.000002",
    ),
    "almost equal": (
        "param p : R\nassume p == 3",
        3.00001,
        "`assume p == 3` (line 3) does not hold, its sides are 3.00001 and 3",
    ),
    "almost less": (
        "param p : R\nassume p <= 30",
        30.00004,
        "`assume p <= 30` (line 3) does not hold, its sides are 30.00004 and 30",
    ),
}


@pytest.mark.parametrize("name", PROMISES)
def test_a_broken_promise_names_the_number(name: str):
    declaration, value, words = PROMISES[name]
    assert broken(declaration, value) == words


def test_a_choice_that_is_almost_0_or_1_shows_its_digits():
    text = "dim n\nconst p : R^n, binary\nvar x : R^n\nminimize sumsq(x - p)"
    layer = compiled(text, consts={"p": torch.tensor([1, 1 - 1e-9], dtype=torch.float64)}, on_failure="mask")
    assert layer.solve().messages[()].endswith("and `p[1]` is 0.999999999")


def test_of_data_that_the_batch_shares_every_item_tells():
    layer = compiled(
        "dim n\nparam p : R^n, pos\nparam q : R\nvar x : R\nminimize (x - q)^2 + sum(p)", on_failure="mask"
    )
    messages = layer.solve(torch.tensor([1.0, -2.0]), torch.ones(3)).messages
    words = "`p` is declared pos (line 2): every entry must be greater than 0, and `p[1]` is -2"
    assert messages == {(0,): words, (1,): words, (2,): words}


def test_a_check_knows_the_names_of_modules_without_torch():
    names = {name for name in dir(torch.nn.Module()) if not name.startswith("_")}
    assert names - {"elsewhere"} <= OF_MODULES  # a device that the tests give to torch
