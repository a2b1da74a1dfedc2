"""What is said to arguments that do not fit, word by word."""

from pathlib import Path

import pytest
import torch

import declarative
from declarative import DiagnosticError

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
    "a misspelt const": (
        lambda: compiled(consts={"wieght": 1}),
        ("E316", "consts has `wieght`, which the problem has not; it has: weight", ("did you mean `weight`?",)),
    ),
    "a misspelt param": (
        lambda: compiled()(taget=torch.ones(2)),
        ("E310", "`taget` is no parameter; the parameters are: target", ("did you mean `target`?",)),
    ),
    "exponent of a cone": (
        lambda: compiled(POWER.format("const"), consts={"a": 1.5})(),
        ("E227", "the exponent of `POW` is one number between 0 and 1, and `a` is 1.5", ()),
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument(name: str):
    call, expected = ARGUMENTS[name]
    assert said(call) == [expected]


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
