"""What the language has and no backend runs yet: `compile` answers with a diagnostic on the clause."""

import pytest

import declarative
from declarative import DiagnosticError

FIT = "param a : R\nvar x : R\nminimize (x - a)^2\n"
CASES = {
    "find": ("param a : R\nvar x : R\nfind x\nsubject to\n  x == a/2 + 1\n", "E321", 3, "`find`"),
    "nested": ("import inner\nvar x : R\nminimize (inner(x).x - 1)^2\n", "E321", 3, "`inner`"),
    "nested output": (f"import inner\n{FIT}return x, r = inner(x).x\n", "E321", 5, "`inner`"),
    "method": (f"{FIT}solve by davis_yin\n", "E322", 4, "no backend has `solve by davis_yin`"),
}


@pytest.mark.parametrize("name", CASES)
def test_compile_refuses_what_no_backend_runs(name, tmp_path):
    text, code, line, words = CASES[name]
    (tmp_path / "inner.opt").write_text("param a : R\nvar x : R\nminimize (x - a)^2\n")
    (tmp_path / "outer.opt").write_text(text)
    with pytest.raises(DiagnosticError) as refusal:
        declarative.compile(tmp_path / "outer.opt")
    (found,) = refusal.value.diagnostics
    assert found.code == code and words in found.message
    assert found.span is not None and found.span.line == line


EQUATIONS = "  x^3 + y == a; y == 2*x\n"
INSTEAD = {
    "find x, y": (EQUATIONS, "`minimize 0` finds what solves as many equations as there are unknowns"),
    "find x": ("  x >= a\n", "`minimize sumsq(x)` finds the point nearest to 0 that satisfies the constraints"),
}


@pytest.mark.parametrize("aim", INSTEAD)
def test_what_runs_in_its_place_is_told_and_runs(aim):
    rows, hint = INSTEAD[aim]
    head = "param a : R\nvar x : R\n" + ("var y : R\n" if "y" in aim else "")
    with pytest.raises(DiagnosticError) as refusal:
        declarative.compile(declarative.parse(f"{head}{aim}\nsubject to\n{rows}"))
    assert refusal.value.diagnostics[0].hints == (hint,)
    solution = declarative.compile(declarative.parse(f"{head}{hint.split('`')[1]}\nsubject to\n{rows}")).solve(3.0)
    assert float(solution.x) == pytest.approx(1.0 if "y" in aim else 3.0)


def test_the_hint_for_python_is_python():
    a, x = declarative.param("a"), declarative.var("x")
    with pytest.raises(DiagnosticError) as refusal:
        declarative.compile(declarative.problem(declarative.find(x), x >= a))
    assert "`dc.minimize(dc.sumsq(x))`" in refusal.value.diagnostics[0].hints[0]


def test_the_clauses_that_are_known_are_no_hindrance():
    text = f"{FIT}solve by newton\ndifferentiate by unroll\n"
    layer = declarative.compile(declarative.parse(text, name="fit"), solve="auto", differentiate="implicit")
    assert float(layer(2.0)) == pytest.approx(2.0)
    plain = declarative.parse(f"{FIT}solve by interior_point\ndifferentiate by implicit\n", name="fit")
    assert float(declarative.compile(plain)(2.0)) == pytest.approx(2.0)
