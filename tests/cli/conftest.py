"""The command line as a person meets it: words in; exit status, standard output and standard error out."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from declarative.cli import main

PORTFOLIO = """problem portfolio "Markowitz portfolio with a factor risk model"
dim n, k
param mu : R^n               "expected returns"
param F : R^(k,n)            "factor loadings"
param gamma : R, pos         "risk aversion"
var w : R^n
let risk = sumsq(F*w)
maximize mu'*w - gamma*risk
subject to
  budget: sum(w) == 1
  box: 0 <= w <= 0.2
return w, price = budget.dual
"""
SIMPLEX = """problem simplex
dim n
param y : R^n
var x : R^n, nonneg
minimize 1/2*sumsq(x - y)
subject to
  budget: sum(x) == 1
"""
BROKEN = "var x : R\nminimize 2x + y\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three problems, two good and one with two mistakes; the working directory of the test."""
    for name, text in (("portfolio", PORTFOLIO), ("simplex", SIMPLEX), ("broken", BROKEN)):
        (tmp_path / f"{name}.opt").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`run("check", "p.opt", input=...)`, with the exit status that a shell sees; no outcome raises."""

    def call(*words: str, input: str | bytes | None = None) -> Result:
        runner = CliRunner()
        with runner.isolation(input=input) as (out, err, _):
            status = main.run(words)
            return Result(runner, out.getvalue(), err.getvalue(), b"", None, int(status), None)

    return call
