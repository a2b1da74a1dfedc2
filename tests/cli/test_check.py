"""`declarative check`: what is wrong, or what a problem is; light, quick to start, and never a traceback."""

import json
import subprocess
import sys

import pytest

HEAVY = ["torch", "cvxpy", "cvxpylayers", "diffcp", "scipy", "numpy", "matplotlib"]


def test_a_good_file_is_told_in_one_line(run, folder):
    done = run("check", "portfolio.opt", "simplex.opt")
    assert done.exit_code == 0 and done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "portfolio.opt: convex quadratic program; dims n, k; 1 variable, 3 parameters, 2 constraints; ok"
    assert second == "simplex.opt: convex quadratic program; dims n; 1 variable, 1 parameter, 1 constraint; ok"


@pytest.mark.parametrize("objective", ["minimize w'*Sigma*w", "maximize mu'*w - 0.5*quad(w, Sigma)"])
def test_a_covariance_that_is_not_declared_so_is_told_of(run, folder, objective):
    text = f"dim n\nparam mu : R^n\nparam Sigma : R^(n,n)\nvar w : R^n, simplex\n{objective} + mu'*w\n"
    done = run("check", "-", input=text)
    told = done.stdout.splitlines()[1:]
    assert done.exit_code == 0 and len(told) == 1
    assert told[0].endswith("is convex where `Sigma` is semidefinite: declare it `Sigma : S^n, psd`, if it is")
    assert len(run("check", "-", "--format", "concise", input=text).stdout.splitlines()) == 1
    assert len(run("check", "-", input=text.replace("R^(n,n)", "S^n, psd")).stdout.splitlines()) == 1


@pytest.mark.parametrize("quotient", ["1/0", "x/0", "[x, 1] ./ 0", "1/(1 - 1)"])
def test_a_quotient_by_the_number_0_is_a_mistake(run, folder, quotient):
    done = run("check", "-", "--format", "concise", input=f"var x : R\nminimize x^2 + sum({quotient})")
    assert done.exit_code == 1 and "E223" in done.stderr and "divides by 0" in done.stderr


def test_mistakes_are_shown_with_their_lines_and_the_good_file_all_the_same(run, folder):
    done = run("check", "broken.opt", "simplex.opt")
    assert done.exit_code == 1
    assert "broken.opt:2:10" in done.stderr and "2*x" in done.stderr
    assert done.stdout.startswith("simplex.opt: ")


def test_concise_is_one_line_a_mistake(run, folder):
    done = run("check", "broken.opt", "--format", "concise")
    assert done.exit_code == 1
    assert all(line.startswith("broken.opt:2:") for line in done.stderr.splitlines())


def test_json_holds_every_file(run, folder):
    done = run("check", "--format", "json", "broken.opt", "portfolio.opt")
    assert done.exit_code == 1 and done.stderr == ""
    broken, portfolio = json.loads(done.stdout)["files"]
    assert broken["ok"] is False and portfolio["ok"] is True
    assert {"code", "severity", "file", "line", "column", "message", "hints"} <= broken["diagnostics"][0].keys()
    assert broken["diagnostics"][0]["line"] == 2
    assert portfolio["params"] == ["mu", "F", "gamma"] and portfolio["outputs"] == ["w", "price"]


def test_what_no_backend_runs_yet_is_told(run, folder):
    text = "param x : R, pos; var y : R, start(x/2); find y; subject to; y == 1/2*(y + x/y)"
    done = run("check", "-", input=text)
    assert done.exit_code == 0 and done.stdout.endswith("; ok; no backend runs `find` yet\n")


def test_what_compile_refuses_is_no_good_problem(run, folder):
    text = "dim l; const to : R^l; var x : R^l; minimize sumsq(x - to)"
    done = run("check", "-", input=text)
    assert done.exit_code == 1 and "E327" in done.stderr and "<stdin>:1:8" in done.stderr
    text = "var x : R; minimize x^2; solve by newton(tolerance = 1e-8); differentiate by smooth(nu = 3)"
    done = run("check", "-", input=text)
    assert done.exit_code == 1 and done.stderr.count("E322") == 2


def test_a_method_that_has_to_be_given_is_told(run, folder):
    done = run("check", "-", input="var x : R; minimize x^2; solve by simplex")
    assert done.exit_code == 0 and done.stdout.endswith("; ok; no backend has `solve by simplex`\n")


def test_a_problem_without_a_variable_is_warned_of(run, folder):
    done = run("check", "-", input="param a : R; minimize a^2")
    assert done.exit_code == 0 and "warning[W204]: nothing is solved for" in done.stderr


def test_standard_input(run, folder):
    assert run("check", "-", input=(folder / "simplex.opt").read_text()).exit_code == 0
    done = run("check", "-", input="minimize x^2")
    assert done.exit_code == 1 and "<stdin>:1:10" in done.stderr


def test_what_cannot_be_read_is_said(run, folder):
    (folder / "latin.opt").write_bytes(b"var x : R\nminimize x^2 # caf\xe9\n")
    (folder / "empty.opt").write_bytes(b"")
    for name, word in (("nowhere.opt", "nowhere.opt"), ("latin.opt", "UTF-8"), (".", "directory"), ("empty.opt", "")):
        done = run("check", name)
        assert done.exit_code == 1 and done.stderr.startswith("error[") and word in done.stderr


@pytest.mark.parametrize("text", ["\0", "((((" * 300, "minimize " + "+".join("x" * 300), "\ufeff", "ℝ ∈ ⟂", "'" * 99])
def test_no_text_gives_a_traceback(run, folder, text):
    done = run("check", "-", input=text)
    assert done.exit_code == 1 and "Traceback" not in done.stderr and "internal error" not in done.stderr


def test_it_loads_nothing_heavy(folder):
    program = f"""
import sys
from declarative.cli.main import run
assert run(["check", "portfolio.opt"]) == 0
assert run(["check", "broken.opt"]) == 1
print([name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
