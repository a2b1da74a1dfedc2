"""`declarative solve`, `explain` and `gradcheck`: data in, answers and exit statuses out."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

FEASIBLE = {"mu": [0.1, 0.2, 0.15, 0.1, 0.05, 0.12], "F": [[0.1, 0.3, 0.2, 0.1, 0.4, 0.2]], "gamma": 1.5}


@pytest.fixture
def data(folder):
    (folder / "data.json").write_text(json.dumps(FEASIBLE))
    np.savez(folder / "data.npz", **{name: np.array(value) for name, value in FEASIBLE.items()})
    return folder


def outputs(done) -> dict:
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_the_projection_on_the_simplex(run, folder):
    done = run("solve", "simplex.opt", "-p", "y=[1, 0.5, -1]", "--format", "json")
    solved = outputs(done)
    assert solved["status"] == "solved"
    assert solved["outputs"]["x"] == pytest.approx([0.75, 0.25, 0.0], abs=1e-9)
    assert solved["duals"]["budget"] == pytest.approx(0.25, abs=1e-9)
    assert solved["value"] == pytest.approx((0.25**2 + 0.25**2 + 1) / 2, abs=1e-9)


def test_json_and_npz_and_words_are_the_same_data(run, data):
    words = [word for name, value in FEASIBLE.items() for word in ("-p", f"{name}={json.dumps(value)}")]
    solutions = [
        outputs(run("solve", "portfolio.opt", *given, "--format", "json"))
        for given in (["data.json"], ["data.npz"], words)
    ]
    assert solutions[0] == solutions[1] == solutions[2]
    assert sum(solutions[0]["outputs"]["w"]) == pytest.approx(1, abs=1e-9)


def test_the_report_names_everything(run, data):
    done = run("solve", "portfolio.opt", "data.json", "-p", "gamma=2")
    assert done.exit_code == 0
    for words in ("portfolio: solved", "value = ", "w = ", "price = ", "box.upper.dual = ", "residuals: "):
        assert words in done.stdout


def test_a_problem_from_standard_input_and_data_from_it(run, folder):
    text = (folder / "simplex.opt").read_text()
    assert outputs(run("solve", "-", "-p", "y=[2, 0]", "--format", "json", input=text))["problem"] == "simplex"
    done = run("solve", "simplex.opt", "-", "--format", "json", input='{"y": [2, 0]}')
    assert outputs(done)["outputs"]["x"] == pytest.approx([1, 0], abs=1e-9)


def test_a_json_file_as_other_systems_write_it(run, folder):
    """With a byte order mark, as .opt files may have one."""
    (folder / "marked.json").write_text('{"y": [2, 0]}', encoding="utf-8-sig")
    done = run("solve", "simplex.opt", "marked.json", "--format", "json")
    assert outputs(done)["outputs"]["x"] == pytest.approx([1, 0], abs=1e-9)


INFEASIBLE = "param a : R\nvar x : R\nminimize x^2\nsubject to\n  low: x >= a\n  high: x <= 1\n"
UNBOUNDED = "param a : R\nvar x : R\nminimize a*x\nsubject to\n  high: x <= 1\n"


@pytest.mark.parametrize("text, a, status", [(INFEASIBLE, 3, "infeasible"), (UNBOUNDED, 2, "unbounded")])
def test_no_answer_is_3(run, folder, text, a, status):
    done = run("solve", "-", "-p", f"a={a}", input=text)
    assert done.exit_code == 3 and done.stdout.startswith(f"stdin: {status}")
    done = run("solve", "-", "-p", f"a={a}", "--format", "json", input=text)
    assert done.exit_code == 3 and json.loads(done.stdout)["status"] == status
    assert json.loads(done.stdout)["outputs"]["x"] is None


def test_a_batch_shows_each_item(run, folder):
    done = run("solve", "-", "-p", "a=[0.5, 3]", input=INFEASIBLE)
    assert done.exit_code == 3
    assert "1 solved, 1 infeasible" in done.stdout and "item 0: solved" in done.stdout
    many = run("solve", "simplex.opt", "-p", f"y={[[0.1 * i, 0.2] for i in range(15)]}")
    assert many.exit_code == 0 and "and 5 more items" in many.stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["-p", "mu=[1, 2]", "-p", "gamma=1"], "`F`"),
        (["data.json", "-p", "mu=[1, 2]"], "n ="),
        (["data.json", "-p", "gama=1"], "did you mean `gamma`?"),
        (["data.json", "-p", "gamma=[[1], [2, 3]]"], "rows of one length"),
        (["data.json", "-p", "gamma"], "NAME=VALUE"),
        (["data.json", "--dims", "n=two"], "NAME=SIZE, as in n=5"),
        (["data.json", "--dims", "n=-2"], "whole number"),
        (["data.json", "--dims", "q=2"], "`q`"),
        (["nothing.json"], "nothing.json"),
        (["broken.opt"], "data are read from JSON, and from arrays that numpy wrote to .npz"),
        (["portfolio.npz"], "portfolio.npz"),
    ],
)
def test_data_that_does_not_fit_is_said_plainly(run, data, words, told):
    done = run("solve", "portfolio.opt", *words)
    assert done.exit_code in (1, 2) and told in done.stderr
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr


def damaged(content: bytes) -> bytes:
    """An archive with a byte turned in the middle of its first array."""
    at = content.index(b"NUMPY") + 130
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def archive(**arrays: np.ndarray) -> bytes:
    written = io.BytesIO()
    np.savez(written, **arrays)
    return written.getvalue()


FILES = {
    "text.npz": (b"y: 1, 2", "it is no .npz file"),
    "short.npz": (archive(y=np.ones(9))[:100], "the .npz file is damaged"),
    "turned.npz": (damaged(archive(y=np.ones(9))), "the .npz file is damaged"),
    "objects.npz": (archive(y=np.array([1, "a"], dtype=object)), "Object arrays cannot be loaded"),
    "words.npz": (archive(y=np.array(["a"])), "`y` must be a number or nested lists of numbers"),
    "complex.npz": (archive(y=np.array([1j])), "`y` is complex"),
    "one.npy": (b"\x93NUMPY\x01\x00", "it holds one array, without a name; numpy.savez"),
    "bytes.json": (b"\x80\x81", "it is no text; data are read from JSON"),
    "table.csv": (b"1,2\n3,4\n", "Extra data"),
    "words.json": (b'{"y": "a"}', "`y` must be a number or nested lists of numbers"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_holds_no_data_is_named(run, folder, name):
    content, told = FILES[name]
    (folder / name).write_bytes(content)
    done = run("solve", "simplex.opt", name)
    assert done.exit_code == 2 and f"cannot read data from {name}: {told}" in done.stderr


@pytest.mark.parametrize("word, number", [(".5", 0.5), ("-.5", -0.5), ("5.", 5), ("1E-3", 1e-3), ("+2", 2)])
def test_numbers_are_read_as_the_language_reads_them(run, folder, word, number):
    text = "param c : R; var x : R; minimize (x - c)^2"
    done = run("solve", "-", "-p", f"c={word}", "--format", "json", input=text)
    assert json.loads(done.stdout)["values"]["x"] == pytest.approx(number)


def test_consts_and_learned_data_come_by_name(run, folder):
    text = (
        "dim n\nparam y : R^n\nconst k : R\nlearn lam : R, pos\nvar x : R^n\nminimize k*sumsq(x - y) + lam*sumsq(x)\n"
    )
    (folder / "consts.json").write_text('{"k": 3}')
    words = ["-p", "y=[2, 4]", "-p", "lam=1", "--consts", "consts.json", "--format", "json"]
    solved = outputs(run("solve", "-", *words, input=text))
    assert solved["outputs"]["x"] == pytest.approx([1.5, 3.0], abs=1e-9)
    done = run("solve", "-", "-p", "y=[2, 4]", "-p", "lam=1", input=text)
    assert done.exit_code == 1 and "const `k`" in done.stderr


def test_a_problem_without_data_is_answered_in_double_precision(run):
    done = run("solve", "-", input="var x : R; minimize (x - 0.1)^2 + 88.4")
    assert "  value = 88.4\n" in done.stdout
    assert torch.get_default_dtype() is torch.float32


def test_a_parameter_may_have_any_name(run, folder):
    text = "param warm : R\nparam self : R\nvar x : R\nminimize (x - warm)^2 + self*x\n"
    words = ["-p", "warm=1", "-p", "self=4", "--format", "json"]
    assert outputs(run("solve", "-", *words, input=text))["outputs"]["x"] == pytest.approx(-1, abs=1e-9)
    assert run("gradcheck", "-", *words, input=text).exit_code == 0


def test_explain_tells_class_and_backends(run, folder):
    done = run("explain", "simplex.opt")
    assert done.exit_code == 0 and done.stdout.startswith("simplex: convex quadratic program")
    assert "kkt: takes it (chosen)" in done.stdout
    assert json.loads(run("explain", "simplex.opt", "--format", "json").stdout)["problem"] == "simplex"


def test_explain_of_what_nothing_runs_says_so(run, folder):
    text = "param a : R\nvar x : R\nfind x\nsubject to\n  root: x^3 + x == a\n"
    done = run("explain", "-", input=text)
    assert done.exit_code == 0 and "no backend runs `find` yet" in done.stdout


def test_gradients_agree(run, data):
    done = run("gradcheck", "portfolio.opt", "data.json", "--format", "json")
    rows = {row["name"]: row for row in outputs(done)["parameters"]}
    assert set(rows) == set(FEASIBLE)
    assert all(row["agrees"] and row["difference"] <= 1e-5 for row in rows.values())
    assert "gradients agree" in run("gradcheck", "simplex.opt", "-p", "y=[1, 0.5, -1]").stdout


def test_gradients_of_data_that_a_batch_shares_agree(run, folder):
    text = (
        "dim n; param A : R^(n,n); param y : R^n; param t : R, pos; var x : R^n; minimize sumsq(A*x - y) + t*sumsq(x)"
    )
    words = ["-p", "A=[[2, 1], [0, 1]]", "-p", "y=[[1, 2], [3, -1], [0, 1]]", "-p", "t=0.5"]
    done = run("gradcheck", "-", *words, "--format", "json", input=text)
    assert done.exit_code == 0 and [row["directions"] for row in outputs(done)["parameters"]] == [4, 6, 1]


def test_gradients_of_learned_data_agree(run, folder):
    text = "dim n\nparam y : R^n\nlearn lam : R^n, pos\nvar x : R^n\n"
    text += "minimize sumsq(x - y) + sum(lam[i]*x[i]^2 for i in n)\n"
    done = run("gradcheck", "-", "-p", "y=[2, 4]", "-p", "lam=[1, 0.5]", "--format", "json", input=text)
    rows = {row["name"]: row for row in outputs(done)["parameters"]}
    assert rows["lam"]["directions"] == 2 and rows["lam"]["kinks"] == 0 and rows["lam"]["difference"] < 1e-6


def test_duals_that_are_not_unique_are_left_out(run, folder):
    words = ["-p", "mu=[0.1, 0.06, 0.08, 0.12, 0.05]", "-p", "F=[[0.5, 0.1, 0.2, 0.6, 0.1]]", "-p", "gamma=0.5"]
    found = outputs(run("gradcheck", "portfolio.opt", *words, "--format", "json"))
    assert "left out: price" in found["notes"][0]
    assert all(row["agrees"] for row in found["parameters"])


def test_a_kink_is_left_out_and_counted(run, folder):
    text = "param y : R\nvar x : R, nonneg\nminimize (x - y)^2\n"
    done = run("gradcheck", "-", "-p", "y=0", "--format", "json", input=text)
    (row,) = outputs(done)["parameters"]
    assert row["kinks"] == 1


def test_a_parameter_of_which_nothing_was_compared_is_not_checked(run, folder):
    text = "param a : R\nparam b : R\nvar x : R\nvar y : R, nonneg\nminimize (x - b)^2 + (y - a)^2\n"
    done = run("gradcheck", "-", "-p", "a=0", "-p", "b=1", input=text)
    first, of_a, of_b = done.stdout.splitlines()[:3]
    assert done.exit_code == 0 and first == "stdin: gradients agree with finite differences; not checked: a"
    assert of_a == "  a  not checked: 1 direction, 1 kink left out" and of_b.endswith("ok")


def test_where_nothing_was_compared_nothing_agrees(run, folder, monkeypatch):
    monkeypatch.setattr("declarative.cli.differences.SMOOTH", -1.0)  # every direction is in doubt
    words = ["gradcheck", "simplex.opt", "-p", "y=[1, 0.5, -1]"]
    done = run(*words)
    first, row = done.stdout.splitlines()
    assert done.exit_code == 4
    assert first == "simplex: not checked: no gradient was compared with finite differences"
    assert row == "  y  not checked: 3 directions, 3 kinks left out"
    (found,) = json.loads(run(*words, "--format", "json").stdout)["parameters"]
    assert found["agrees"] is None and found["difference"] is None


def test_gradcheck_asks_for_what_the_data_promise(run, folder):
    done = run("gradcheck", "-", "-p", "g=-0.2", input="param g : R, pos\nvar x : R\nminimize (x - g)^2\n")
    assert done.exit_code == 3 and "every entry must be greater than 0, and `g` is -0.2" in done.stderr


def test_a_wrong_gradient_is_4(run, folder, monkeypatch):
    right = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: [g * 1.001 for g in right(*a, **k)])
    done = run("gradcheck", "simplex.opt", "-p", "y=[1, 0.5, -1]")
    assert done.exit_code == 4 and "gradients differ for y" in done.stdout


def test_gradcheck_without_a_solution_is_3(run, folder):
    done = run("gradcheck", "-", "-p", "a=3", input=INFEASIBLE)
    assert done.exit_code == 3 and "1 infeasible" in done.stderr


def test_the_concise_format_has_a_line_for_each_item(run, data):
    done = run("solve", "portfolio.opt", "data.json", "--format", "concise")
    (line,) = done.stdout.splitlines()
    assert line.startswith("portfolio: solved, value = ")
    done = run("solve", "-", "-p", "a=[0, 2]", "--format", "concise", input=INFEASIBLE)
    first, second = done.stdout.splitlines()
    assert first == "stdin[0]: solved, value = 0"
    assert second.startswith("stdin[1]: infeasible, ")
    assert "value" not in second


def test_the_concise_format_gives_the_verdict_alone(run, data):
    (line,) = run("explain", "portfolio.opt", "--format", "concise").stdout.splitlines()
    assert line == "portfolio: convex quadratic program"
    (line,) = run("gradcheck", "portfolio.opt", "data.json", "--format", "concise").stdout.splitlines()
    assert line == "portfolio: gradients agree with finite differences"


def test_a_learned_parameter_without_a_value_is_asked_for_in_words_of_the_command(run, folder):
    text = "dim m, n\nlearn lam : R^(m,n)\nvar x : R\nminimize (x - sum(lam))^2\n"
    done = run("solve", "-", input=text)
    assert "give `--dims m=... --dims n=...`, or an initial value: `-p lam=...`" in done.stderr
    assert run("solve", "-", "-p", "lam=[[1, 2]]", input=text).exit_code == 0


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_gradcheck_shows_how_far_it_is_on_a_terminal(folder):
    """The bar goes to the standard error, and only where that is a terminal."""
    leader, follower = os.openpty()
    command = [sys.executable, "-m", "declarative", "gradcheck", "simplex.opt", "-p", "y=[1, 0.5, -1]"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=follower, text=True)
    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert done.returncode == 0 and "100%" in shown and "%" not in done.stdout
    assert not subprocess.run(command, cwd=folder, capture_output=True, text=True).stderr.strip()


def test_infinite_numbers_need_no_quotes_in_words_and_nan_is_named(run, folder):
    text = "param u : R^2\nvar x : R^2\nminimize sumsq(x - 3)\nsubject to\n  x <= u\n"
    done = run("solve", "-", "-p", "u=[1, inf]", "--format", "json", input=text)
    assert outputs(done)["outputs"]["x"] == pytest.approx([1, 3], abs=1e-9)
    assert "`u[1]` is NaN" in run("solve", "-", "-p", "u=[1,nan]", input=text).stdout


def test_a_solution_that_does_not_move_has_gradients_that_agree(run):
    """x = 0 wherever c > 0: 0 beside 0."""
    text = "param c : R^2; var x : R^2, nonneg; minimize c'*x + sumsq(x)"
    done = run("gradcheck", "-", "-p", "c=[0.3, 0.5]", input=text)
    assert done.exit_code == 0
    assert "gradients agree" in done.stdout
    assert "nan" not in done.stdout
