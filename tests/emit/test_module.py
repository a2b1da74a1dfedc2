"""A module written by `compile` holds all it needs: no file, the same answers, readable Python for any text."""

import ast
import importlib.util
import json
from pathlib import Path

import pytest
import torch

import declarative
from declarative.cli.main import run
from declarative.emit.module import class_name, module_text

SIMPLEX = 'problem simplex "projection"\ndim n\nparam y : R^n "a point"\nvar x : R^n, nonneg\n'
SIMPLEX += "minimize 1/2*sumsq(x - y)\nsubject to\n  budget: sum(x) == 1\n"
ROLES = """problem roles "every kind of data"
dim n
param y : R^n  # compared with
param lam : R, nonneg = 0
const k : R, pos = 2
learn w : R^n, pos
var x : R^n
minimize k*sumsq(x - y) + lam*sumsq(x) + sum(w[i]*x[i]^2 for i in n)
return x, v = value
"""


def load(text: str, path: Path):
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("written", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_class_gives_what_the_layer_gives(tmp_path):
    problem = declarative.parse(ROLES)
    written = load(module_text(problem, ROLES), tmp_path / "roles.py").Roles
    settings = {"learn": {"w": torch.tensor([1.0, 0.5])}, "consts": {"k": 3.0}}
    ours, theirs = written(**settings), declarative.compile(problem, **settings)
    y, lam = torch.randn(4, 2, dtype=torch.float64), torch.tensor(0.3)
    for a, b in zip(ours(y, lam=lam), theirs(y, lam=lam), strict=True):
        assert torch.equal(a, b)
    assert ours.solve(y).solved.all() and ours.explain() == theirs.explain()
    assert set(ours.state_dict()) == {f"layer.{name}" for name in theirs.state_dict()}


def test_the_docstring_tells_data_and_outputs(tmp_path):
    doc = load(module_text(declarative.parse(ROLES), ROLES), tmp_path / "roles.py").Roles.__doc__
    for line in ("y : R^n", "lam : R, nonneg, optional and by name", "w : R^n, pos", "Gives x : R^n, v : R"):
        assert line in doc
    assert "every kind of data" in doc and "n." in doc


@pytest.mark.parametrize("doc", ['say "', "back\\\\slash", "quote ''' here", "braces {name} {}", "ünïcode ℝ"])
def test_any_text_is_kept_as_it_is(tmp_path, doc):
    text = f"# {doc}\n" + SIMPLEX + f'# """ {doc}'
    written = load(module_text(declarative.parse(text), text), tmp_path / "simplex.py")
    assert text == written.TEXT
    assert written.Simplex()(torch.tensor([2.0, 0.0])).tolist() == pytest.approx([1.0, 0.0])


def test_class_names():
    names = {"simplex": "Simplex", "top_eigenvector": "TopEigenvector", "none": "LayerNone", "_": "Layer", "a_1": "A1"}
    assert {name: class_name(name) for name in names} == names
    assert class_name("_1") == "Layer1"


def test_the_command_writes_a_module_that_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("simplex.opt").write_text(SIMPLEX)
    assert run(["compile", "simplex.opt", "-o", "layer.py", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"problem": "simplex", "class": "Simplex", "module": "layer.py"}
    Path("simplex.opt").unlink()
    written = load(Path("layer.py").read_text(), tmp_path / "again.py")
    assert written.Simplex()(torch.tensor([1.0, 0.5, -1.0])).tolist() == pytest.approx([0.75, 0.25, 0.0])
    assert run(["compile", "layer.py", "-o", "x.py"]) == 1  # Python is no problem of ours


@pytest.mark.parametrize(
    "text, clause",
    [
        ("param a : R\nvar x : R\nfind x\nsubject to\n  x^3 + x == a\n", "`find`"),
        ("param a : R\nvar x : R\nminimize (x - a)^2\nsolve by picard(steps = 3)\n", "solve by picard"),
    ],
)
def test_what_no_backend_runs_is_refused_by_its_clause(tmp_path, monkeypatch, capsys, text, clause):
    monkeypatch.chdir(tmp_path)
    Path("p.opt").write_text(text)
    assert run(["compile", "p.opt", "-o", "layer.py"]) == 1
    assert clause in capsys.readouterr().err and not Path("layer.py").exists()


def test_what_is_written_is_plain_python():
    tree = ast.parse(module_text(declarative.parse(SIMPLEX), SIMPLEX))
    (cls,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert cls.name == "Simplex"
    assert {f.name for f in cls.body if isinstance(f, ast.FunctionDef)} == {"__init__", "forward", "solve", "explain"}
