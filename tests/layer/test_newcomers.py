"""What people try first in Python, and what they are told."""

import copy

import pytest
import torch

import declarative
from declarative import DiagnosticError

TEXT = "dim n\nparam A : R^(n,n)\nparam b : R^n\nvar x : R^n\nminimize sumsq(A*x - b)\n"
EYE = 2 * torch.eye(2, dtype=torch.float64)


@pytest.fixture
def solution():
    b = torch.tensor([2.0, 4.0], dtype=torch.float64, requires_grad=True)
    return declarative.compile(declarative.parse(TEXT)).solve(EYE, b)


def test_a_star_import_leaves_the_builtins_alone():
    names: dict = {}
    exec("from declarative import *", names)
    assert names["parse"] is declarative.parse
    assert not set(dir(names["__builtins__"])) & {n for n in names if not n.startswith("__")}
    assert "compile" in dir(declarative)


def test_solutions_can_be_compared(solution):
    assert solution == solution
    assert solution != copy.copy(solution)


def test_a_deep_copy_has_the_numbers_and_shares_none(solution):
    copied = copy.deepcopy(solution)
    assert copied["x"].tolist() == pytest.approx([1.0, 2.0])
    assert solution["x"].requires_grad
    assert not copied["x"].requires_grad
    copied["x"].zero_()
    assert solution["x"].tolist() == pytest.approx([1.0, 2.0])
    assert copied.report.active.keys() == solution.report.active.keys()


def test_sparse_data():
    layer = declarative.compile(declarative.parse(TEXT))
    with pytest.raises(DiagnosticError, match="`A` must be a dense tensor") as raised:
        layer(EYE.to_sparse(), torch.ones(2))
    assert raised.value.diagnostics[0].hints == ("pass `A.to_dense()`",)


@pytest.mark.parametrize("take", [declarative.compile, declarative.load])
@pytest.mark.parametrize("text", [TEXT, "minimize 1", "problem p"])
def test_a_text_in_the_place_of_a_path(take, text):
    with pytest.raises(DiagnosticError, match="a path is needed here; this is the text of a problem") as raised:
        take(text)
    assert raised.value.diagnostics[0].hints == ("declarative.parse(text) reads a text",)


def test_a_path_in_the_place_of_a_text():
    problem, (told,) = declarative.check("problems/portfolio.opt")
    assert problem is None
    assert told.message == "the text of a problem is needed here; this is a path"
    assert told.hints == ("declarative.load('problems/portfolio.opt') reads a file",)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("leave_out", [False, True])
def test_what_does_not_depend_on_the_data_has_the_gradient_zero(backend, leave_out):
    problem = declarative.parse(
        "param a : R\nvar x : R\nminimize (x - 1)^2\nsubject to\n  x <= 2\nreturn x, v = value\n"
    )
    layer = declarative.compile(problem, backend=backend, on_failure="mask")
    a = torch.tensor([3.0, torch.nan if leave_out else 4.0], requires_grad=True)
    out = layer(a)
    assert out.x[0].item() == pytest.approx(1)
    out.x[0].backward()
    assert a.grad is not None
    assert a.grad.tolist() == [0.0, 0.0]
    assert not layer(a.detach()).x.requires_grad
