"""What people try first in Python, and what they are told."""

import copy
import pickle

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


def test_data_without_numbers():
    layer = declarative.compile(declarative.parse(TEXT))
    with pytest.raises(DiagnosticError, match="`A` is on the device meta, and so has no numbers"):
        layer(EYE.to("meta"), torch.ones(2, device="meta"))


def test_a_learned_parameter_asked_for_by_its_name():
    layer = declarative.compile(declarative.parse("learn w : R, pos\nvar x : R\nminimize w*x^2 - x"), learn={"w": 2.0})
    with pytest.raises(AttributeError, match=r'`w` is learned, .* to read it: `layer.value_of\("w"\)`'):
        _ = layer.w
    assert float(layer.value_of("w").detach()) == pytest.approx(2)
    with pytest.raises(AttributeError, match="has no attribute 'v'"):
        _ = layer.v


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


def bounded():
    text = "param a : R\nvar x : R, start(a)\nminimize (x - a)^2\nsubject to\n  budget: x <= 5\n  box: 0 <= x <= 1\n"
    return declarative.compile(declarative.parse(text + "return x, price = budget.dual\n", name="bounded"))


def test_the_outputs_of_a_solution_are_those_of_a_call():
    layer = bounded()
    solution = layer.solve(2.0)
    x, price = solution.outputs
    assert (x.item(), price.item()) == pytest.approx((1, 0))
    assert solution.outputs.x is solution.x
    assert solution.output_names == layer(2.0)._fields == solution.outputs._fields == ("x", "price")
    with pytest.raises(AttributeError, match="no output `prize`; there are: x, price"):
        solution.outputs.prize  # noqa: B018


@pytest.mark.parametrize(
    ("name", "meant"),
    {
        "bugdet": "did you mean `budget`?",
        "budget.dual": "did you mean `budget`?",
        "box": "did you mean `box.lower` or `box.upper`?",
        "box.dual": "did you mean `box.lower` or `box.upper`?",
        "zzz": "there are: budget, box.lower, box.upper",
    }.items(),
)
def test_a_dual_that_is_not_there(name: str, meant: str):
    solution = bounded().solve(2.0)
    for same in (solution, copy.deepcopy(solution), pickle.loads(pickle.dumps(solution))):
        with pytest.raises(KeyError) as raised:
            same.duals[name]
        assert f"no dual `{name}`" in raised.value.args[0] and raised.value.args[0].endswith(meant)
    with pytest.raises(KeyError, match=r"no value or dual `zzz`; there are: x, price, budget, box\.lower, box\.upper"):
        solution["zzz"]


A = torch.eye(3)
SIZES = {
    "what the layer holds is not blamed": ("n = 3 from `A` axis 0; `x0` gives 2", {"x0": 2, "y": 3}),
    "of three the one that differs": ("n = 3 from `x0`; `y` gives 4", {"x0": 3, "y": 4}),
}


@pytest.mark.parametrize("name", SIZES)
def test_of_sizes_that_differ_the_one_alone_is_blamed(name: str):
    text = "dim n\nparam x0 : R^n\nconst A : R^(n,n)\nparam y : R^n\nvar x : R^n\nminimize sumsq(A*x - x0 - y)"
    layer = declarative.compile(declarative.parse(text), consts={"A": A})
    message, given = SIZES[name]
    with pytest.raises(DiagnosticError) as raised:
        layer(**{key: torch.ones(size) for key, size in given.items()})
    (told,) = raised.value.diagnostics
    assert told.message == message
    assert told.span is not None and told.span.text.startswith(f"param {message.split('; `')[1].split('`')[0]}")


def test_a_dim_that_nothing_reads_needs_no_value():
    layer = declarative.compile(declarative.parse("dim n, k\nparam b : R^n\nvar x : R^n\nminimize sumsq(x - b)"))
    assert layer(torch.ones(2)).tolist() == pytest.approx([1, 1])
    for read in (
        "minimize sumsq(x - b)/k",
        "minimize sum(x[i]^2 for i in n if i <= k)",
        "minimize x[0]^2; subject to; x >= k",
    ):
        layer = declarative.compile(declarative.parse(f"dim n, k\nparam b : R^n\nvar x : R^n\n{read}"))
        with pytest.raises(DiagnosticError, match=r"E313\]: the size cannot be told from the arguments: k") as raised:
            layer(torch.ones(2))
        assert raised.value.diagnostics[0].hints == ('give dims={"k": ...} when compiling',)


def test_setting_a_learned_parameter_by_its_name_raises():
    text = "param y : R; learn lam : R, pos; var x : R; minimize (x - y)^2 + lam*x^2"
    layer = declarative.compile(declarative.parse(text), learn={"lam": 3.0})
    with pytest.raises(AttributeError, match=r"`lam` is learned.*learn=\{\"lam\": value\}"):
        layer.lam = 7.0
    assert float(layer(torch.tensor(8.0, dtype=torch.float64)).detach()) == pytest.approx(2.0, abs=1e-6)
