"""Texts and files: names, imports, and everything that is wrong in one list."""

from pathlib import Path

import pytest

import declarative
from declarative.elaborate.load import check_file
from declarative.ir.expr import Nested
from declarative.ir.size import Size

INNER = (
    "dim n\nparam p : R^n\nparam w : R = 1\nconst a : R = 2\nconst b : R\nvar q : R^n\nminimize sumsq(q - p)*w*a + b\n"
)
INNER += "subject to\n  box: 0 <= q <= 1\n  cap: sum(q) <= b\nreturn q, total = sum(q)"
OUTER = "import inner\ndim m\nparam r : R^m\nvar x : R^m\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner.opt").write_text(INNER)
    return tmp_path


def findings(folder: Path, text: str) -> list[tuple[str, str, str]]:
    found = declarative.check(text, path=folder / "outer.opt")[1]
    return [(d.code, d.span.text if d.span else "", d.message) for d in found]


def test_a_file_takes_its_own_name(tmp_path: Path):
    for file, name in (("ridge.opt", "ridge"), ("my-fit 2.opt", "my_fit_2"), ("2d.opt", "problem_2d")):
        (tmp_path / file).write_text("var x : R\nminimize x^2")
        assert declarative.load(tmp_path / file).name == name
    (tmp_path / "a.opt").write_text("problem b\nvar x : R\nminimize x^2")
    assert declarative.load(str(tmp_path / "a.opt")).name == "b"
    assert declarative.parse("var x : R\nminimize x^2", name="c").name == "c"


def test_files_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "latin.opt").write_bytes(b"var x : R # \xe9\nminimize x")
    (tmp_path / "here.opt").write_text("var x : R\nminimize x")
    for path, part in (("none.opt", "no such file"), (".", "directory"), ("latin.opt", "UTF-8"), ("a\0b", "cannot")):
        with pytest.raises(declarative.DiagnosticError) as failure:
            declarative.load(f"{tmp_path}/{path}")
        (found,) = failure.value.diagnostics
        assert found.code == "E125" and part in found.message
    assert check_file(tmp_path / "here")[1][0].hints == (f"did you mean `{tmp_path / 'here.opt'}`?",)
    assert "`here.opt`" in check_file(tmp_path)[1][0].hints[0]


def test_all_mistakes_are_in_the_error():
    with pytest.raises(declarative.DiagnosticError) as failure:
        declarative.parse("var x : R\nminimize y\nsubject to\n  x >= z")
    assert [d.span.text for d in failure.value.diagnostics if d.span] == ["y", "z"]
    assert "`y` is not declared" in str(failure.value) and "`z` is not declared" in str(failure.value)


def test_a_field_of_another_problem(folder: Path):
    p = declarative.parse(OUTER + "minimize sum(x - inner(r, b = 1, w = 2).q)", path=folder / "outer.opt")
    nested = p.objective.body.args[0].args[1].args[0]  # pyright: ignore
    assert isinstance(nested, Nested)
    assert (nested.problem, nested.field, nested.shape) == ("inner", "q", (Size.of("m"),))
    assert [name for name, _ in nested.consts] == ["b", "w"]
    assert p.imports[0].name == "inner"


@pytest.mark.parametrize("field", ["q", "total", "value", "box.lower.dual", "cap.dual"])
def test_fields(folder: Path, field: str):
    text = OUTER + f"let s = inner(r, b = 1)\nminimize sum(x) + sum(s.{field})"
    assert findings(folder, text) == []


@pytest.mark.parametrize(
    ("use", "culprit", "message"),
    [
        ("inner(r, b = 1).z", "inner(r, b = 1).z", "`inner` has no field `z`"),
        ("inner(r, b = 1)", "inner(r, b = 1)", "a solved `inner` is not an array; take one of its fields"),
        ("inner(r).q[0]", "inner(r)", "`inner` is not given `b`"),
        ("inner(r, 3, b = 1).q[0]", "3", "`inner` takes 1 params by position; this has 2"),
        ("inner(r, b = 1, b = 2).q[0]", "b = 2", "`b` is given twice"),
        ("inner(r, b = 1, c = 2).q[0]", "c = 2", "`inner` has no param or const `c`"),
        ("inner(1, b = 1).q[0]", "1", "`p` of `inner` is R^n; `1` is R"),
        ("inner(r, b = r).q[0]", "b = r", "`b` of `inner` is R; `r` is R^m"),
        ("inner.q[0]", "inner", "`inner` is an imported problem; it is used by calling it"),
    ],
)
def test_calls_that_do_not_fit(folder: Path, use: str, culprit: str, message: str):
    ((_, span, found),) = findings(folder, OUTER + f"minimize sum(x) + {use}")
    assert (span, found) == (culprit, message)


def test_imports_in_a_circle(tmp_path: Path):
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.opt").write_text(f"import {other}\nvar x : R\nminimize x^2")
    problem, found = check_file(tmp_path / "a.opt")
    assert problem is None
    assert [d.message for d in found] == ["imports form a circle: `a` imports `b` imports `c` imports `a`"]
    assert found[0].span is not None and found[0].span.source.name == str(tmp_path / "c.opt")


def test_mistakes_in_an_imported_file_are_shown_there_and_once(tmp_path: Path):
    (tmp_path / "inner.opt").write_text("var q : R\nminimize qq")
    ((code, span, _),) = findings(tmp_path, "import inner\nvar x : R\nminimize x + inner().q")
    assert (code, span) == ("E201", "qq")


def test_an_import_that_is_missing(tmp_path: Path):
    ((code, span, message),) = findings(tmp_path, "import inner\nvar x : R\nminimize x + inner().q")
    assert (code, span) == ("E225", "inner")
    assert message.startswith("cannot read") and "inner.opt" in message


def test_a_diamond_of_imports(tmp_path: Path):
    (tmp_path / "d.opt").write_text("var q : R\nminimize q^2")
    for name in "bc":
        (tmp_path / f"{name}.opt").write_text("import d\nvar q : R\nminimize (q - d().q)^2")
    (tmp_path / "a.opt").write_text("import b\nimport c\nvar q : R\nminimize (q - b().q - c().q)^2")
    assert [p.name for p in declarative.load(tmp_path / "a.opt").imports] == ["b", "c"]


ENTRIES = "dim n\nparam C : S^n\nvar X : S^n\nminimize trace(C*X)\nsubject to\n  X >= 0\n  trace(X) == 1\n"


def _embedded(path):
    n = declarative.dim("n")
    C, X = declarative.param("C", n, symmetric=True), declarative.var("X", n, symmetric=True)
    return declarative.problem(declarative.minimize(declarative.trace(C @ X)), X >= 0, declarative.trace(X) == 1)


@pytest.mark.parametrize(
    "read",
    [lambda path: declarative.parse(path.read_text()), declarative.load, declarative.compile, _embedded],
    ids=["parse", "load", "compile", "problem"],
)
def test_what_is_suspicious_is_a_warning_at_the_line_of_the_caller(tmp_path, read):
    (tmp_path / "p.opt").write_text(ENTRIES)
    with pytest.warns(declarative.ProblemWarning) as caught:
        read(tmp_path / "p.opt")
    (found,) = caught
    assert "warning[W203]" in str(found.message) and "X in PSD" in str(found.message)
    assert found.filename == __file__


def test_an_error_makes_warnings_moot(recwarn):
    with pytest.raises(declarative.DiagnosticError):
        declarative.parse(ENTRIES.replace("trace(X) == 1", "trace(X) = 1"))
    assert not recwarn.list
