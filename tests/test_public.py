"""What `import declarative` offers, and that the light part of it stays light."""

import inspect
import subprocess
import sys

import pytest
import torch

import declarative as dc


def test_every_public_name_is_there():
    for name in dc.__all__:
        assert getattr(dc, name) is not None, name


def test_importing_it_loads_no_torch():
    program = "import sys, declarative; print(sorted({'torch', 'cvxpy', 'scipy', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("objective", ["sumsq(x - a)", "sum(exp(x[i]) * cos(x[i] - a[i]) for i in 2)"])
def test_a_first_call_loads_no_library_that_it_does_not_need(objective):
    """Each takes a second. Torch loads sympy for `broadcast_shapes`, its compiler and distributed tensors for a
    subclass of `Tensor` of one's own.
    """
    text = f"param a : R^2; var x : R^2, nonneg, start(1); minimize {objective}; return x, value"
    program = (
        "import sys, torch, declarative as dc\n"
        f"layer = dc.compile(dc.parse({text!r}))\n"
        "x, value = layer(torch.ones(3, 2, requires_grad=True))\n"
        "(x.sum() + value.sum()).backward()\n"
        "print(sorted({'cvxpy', 'sympy', 'torch._dynamo', 'torch.distributed.tensor'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_compile_takes_what_the_documentation_says():
    names = " ".join(inspect.signature(dc.compile).parameters)
    assert names == "problem backend dims consts learn extern solve differentiate on_failure check dtype options"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = dc.no_such_name
    assert not hasattr(dc, "__wrapped__")


def test_text_python_and_file_give_equal_problems(tmp_path):
    text = "problem p\ndim n\nparam y : R^n\nvar x : R^n\nminimize sumsq(x - y)\nsubject to\n  budget: sum(x) == 1\n"
    (tmp_path / "p.opt").write_text(text)
    n = dc.dim("n")
    y, x = dc.param("y", n), dc.var("x", n)
    built = dc.problem(dc.minimize(dc.sumsq(x - y)), name="p", budget=dc.sum(x) == 1)
    assert dc.parse(text) == dc.load(tmp_path / "p.opt") == built
    assert dc.parse(str(built)) == built


def test_a_diagnostic_error_shows_and_carries_what_is_wrong():
    with pytest.raises(dc.DiagnosticError) as caught:
        dc.parse("var x : R\nminimize 2x\n", name="p")
    (found,) = caught.value.diagnostics
    assert found.severity is dc.Severity.ERROR and found.hints and found.span is not None
    assert found.span.line == 2 and found.code in str(caught.value)


def test_statuses_by_name():
    layer = dc.compile(
        dc.parse("param a : R\nvar x : R\nminimize x^2\nsubject to\n  x >= a\n  x <= 1\n", name="p"), on_failure="mask"
    )
    solution = layer.solve(torch.tensor([0.5, 3.0]))
    assert solution.status.dtype == torch.int8
    assert [dc.Status(int(s)) for s in solution.status] == [dc.Status.SOLVED, dc.Status.INFEASIBLE]
    assert isinstance(solution, dc.Solution) and isinstance(layer, dc.DeclarativeLayer)
