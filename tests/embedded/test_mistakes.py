"""What people get wrong in Python: the code, the text under the caret, and the smallest change that helps."""

import copy
import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch

import declarative as dc

n, m, T = dc.dim("n"), dc.dim("m"), dc.dim("T", 5)
A, b, y = dc.param("A", m, n), dc.param("b", m), dc.param("y", n)
E = dc.const("E", n, n, "binary")
w, X = dc.var("w", n), dc.var("X", n, symmetric=True)
plain = dc.sumsq(w)

MISTAKES: dict[str, tuple[Callable, str, str, str]] = {
    "default of a const that moves": (
        lambda: dc.const("c", default=b[0]),
        "E228",
        'dc.const("c", default=b[0])',
        "dc.param(",
    ),
    # declarations
    "a dim below 1": (lambda: dc.dim("k", -2), "E222", 'dc.dim("k", -2)', ""),
    "an axis without entries": (lambda: dc.var("z", 0), "E222", 'dc.var("z", 0)', ""),
    "an attribute by its usual name": (
        lambda: dc.var("z", n, "positive"),
        "E207",
        'dc.var("z", n, "positive")',
        "`pos`",
    ),
    "a keyword by its usual name": (
        lambda: dc.var("z", bounds=(0, 1)),
        "E207",
        'dc.var("z", bounds=(0, 1))',
        "between",
    ),
    "a variable of 0 and 1": (lambda: dc.var("z", n, boolean=True), "E207", "", "`between=(0, 1)`"),
    "a whole variable": (lambda: dc.var("z", n, integer=True), "E207", "", "round the solution"),
    "data of 0 and 1": (lambda: dc.const("z", n, boolean=True), "E207", "", "`binary`"),
    "a nonpositive variable": (lambda: dc.var("z", n, nonpos=True), "E207", "", '`between=(-float("inf"), 0)`'),
    "a dim by its name": (lambda: dc.param("z", "n"), "E207", 'dc.param("z", "n")', 'n = dc.dim("n")'),
    # shapes and subscripts
    "matrix times vector": (lambda: A * w, "E203", "A * w", "`A @ w`"),
    "product that needs a transpose": (lambda: A @ b, "E203", "A @ b", "`A.T @ b`"),
    "product of a transpose too many": (lambda: A.T @ w, "E203", "A.T @ w", "`A @ w`"),
    "a number and a vector to minimise": (
        lambda: dc.problem(dc.minimize(y @ w - dc.log(w))),
        "E210",
        "y @ w - dc.log(w)",
        "`y @ w - dc.sum(dc.log(w))`",
    ),
    "sum of two sizes": (lambda: w + b, "E203", "w + b", ""),
    "comparison of two sizes": (lambda: w <= b, "E203", "w <= b", ""),
    "`@` with a scalar": (lambda: 2 @ w, "E208", "2 @ w", "`*`"),
    "norm of a matrix": (lambda: 1 + dc.norm(A), "E203", "A", "normfro"),
    "an option of numpy's norm": (lambda: dc.norm(w, ord=1), "E203", "dc.norm(w, ord=1)", "norm(x, p)"),
    "a stack along an axis": (lambda: dc.stack([w, y], axis=1), "E203", "[w, y]", ""),
    "half an index": (lambda: w[0.5], "E214", "0.5", ""),
    "too many subscripts": (lambda: w[0, 1], "E213", "w[0, 1]", ""),
    "subscript past the end": (lambda: w[n], "E211", "n", ""),
    "subscript of a scalar": (lambda: b[0][0], "E213", "b[0][0]", ""),
    "slice with a step": (lambda: w[::2], "E214", "::2", ""),
    "index past the end in a sum": (
        lambda: dc.problem(dc.minimize(dc.sum(w[i + 1] for i in n))),
        "E211",
        "i + 1",
        "for i in",
    ),
    # truth
    "chain of comparisons": (lambda: 0 <= w <= 1, "E402", "0 <= w <= 1", "dc.chain(0, w, 1)"),
    "descending chain": (lambda: 1 >= w >= 0, "E402", "1 >= w >= 0", "dc.chain(0, w, 1)"),
    "chain in a family": (
        lambda: dc.problem(dc.minimize(plain), (0 <= w[i] <= 1 for i in n)),
        "E402",
        "0 <= w[i] <= 1",
        "dc.chain(0, w[i], 1)",
    ),
    "Python's max": (lambda: max(w[0], w[1]), "E402", "max(w[0], w[1])", "dc.max"),
    "`and` of constraints": (lambda: w >= 0 and w <= 1, "E402", "w >= 0 and w <= 1", "dc.chain"),
    "`if` on a variable": (lambda: 1 if w[0] else 2, "E401", "1 if w[0] else 2", ""),
    "an unknown set": (lambda: dc.member("Bal", w), "E227", 'dc.member("Bal", w)', "the sets are PSD"),
    "a misfit of a set": (lambda: dc.member("SOC", w, w), "E227", 'dc.member("SOC", w, w)', "norm(x) <= t"),
    "a number for a set that takes none": (lambda: dc.member("PSD", X, args=2), "E227", "", "PSD"),
    "an argument of a set": (lambda: dc.member("Ball", w, args=(w,)), "E227", "", "norm(x) <= r"),
    "membership in a list": (lambda: w in [y], "E402", "w in [y]", ""),
    # values
    "numpy's product": (lambda: np.dot(w, y), "E403", "np.dot(w, y)", "x @ y"),
    "numpy's function": (lambda: np.exp(w), "E403", "np.exp(w)", "dc.exp(x)"),
    "an array as data": (lambda: np.ones(3) * w, "E403", "np.ones(3) * w", "dc.const"),
    "math's function": (lambda: math.exp(w[0]), "E403", "math.exp(w[0])", "dc.exp(x)"),
    "a vector run through": (lambda: list(w), "E403", "list(w)", "for i in n"),
    "a text": (lambda: w + "a", "E403", 'w + "a"', ""),
    "None": (lambda: w == None, "E403", "w == None", ""),  # noqa: E711
    "a length": (lambda: len(w), "E403", "len(w)", ""),
    "a list": (lambda: dc.sumsq(w - [1, 2]), "E403", "w - [1, 2]", "dc.concat"),
    "not a number": (lambda: w * float("nan"), "E403", 'w * float("nan")', ""),
    "torch's function": (lambda: torch.exp(w), "E403", "torch.exp(w)", "dc.exp(x)"),
    "torch's norm": (lambda: 1 + torch.norm(w), "E403", "torch.norm(w)", "dc.exp(x)"),
    "torch's stack": (lambda: torch.stack([w, y]), "E403", "torch.stack([w, y])", "dc.exp(x)"),
    "a tensor as data": (lambda: torch.ones(3) @ w, "E403", "torch.ones(3) @ w", "dc.const"),
    # generators
    "Python's sum": (lambda: dc.problem(dc.minimize(sum(w[i] for i in n))), "E212", "w[i]", "dc.sum"),
    "Python's sum inside": (lambda: dc.max(sum(E[i, j] for i in n) for j in n), "E404", "", "dc.sum"),
    "a list inside": (lambda: dc.max(sum([E[i, j] for i in n]) for j in n), "E404", "", "dc.sum"),
    "a list of constraints": (
        lambda: dc.problem(dc.minimize(plain), [w[i] >= 0 for i in n]),
        "E212",
        "w[i]",
        "dc.forall",
    ),
    "two bodies": (lambda: dc.sum(w[i] if E[i, 0] else 0 for i in n), "E404", "", "split"),
    "condition on a variable": (lambda: dc.sum(w[i] for i in n if w[i] >= 0), "E402", "w[i] >= 0", "dims, consts"),
    "dims and numbers mixed": (lambda: dc.sum(w[i] for i in n for k in range(3)), "E404", "", "nest"),
    "numbers and dims mixed": (lambda: dc.sum(w[i] for k in range(3) for i in n), "E404", "", "nest"),
    "a generator used twice": (
        lambda: [rows := (w[i] >= 0 for i in n), *map(dc.forall, [rows, rows])],
        "E404",
        "",
        "forall",
    ),
    # declarations
    "a nested problem without a name": (
        lambda: dc.nested(dc.problem(dc.minimize(plain))),
        "E111",
        "dc.nested(dc.problem(dc.minimize(plain)))",
        "",
    ),
    "attribute misspelt": (lambda: dc.param("z", n, "poz"), "E207", 'dc.param("z", n, "poz")', "`pos`"),
    "keyword misspelt": (lambda: dc.var("z", n, nonnegg=True), "E207", 'dc.var("z", n, nonnegg=True)', "`nonneg`"),
    "not a name": (lambda: dc.param("2z", n), "E122", 'dc.param("2z", n)', ""),
    "reserved name": (lambda: dc.param("for", n), "E111", 'dc.param("for", n)', "`for_`"),
    "shape from a vector": (lambda: dc.param("z", w), "E222", 'dc.param("z", w)', ""),
    "psd on a vector": (
        lambda: dc.problem(dc.minimize(dc.sumsq(dc.var("z", n, "psd")))),
        "E207",
        'dc.var("z", n, "psd")',
        "",
    ),
    "one name twice": (lambda: dc.problem(dc.minimize(plain + dc.sumsq(dc.var("w", m)))), "E202", "w", ""),
    # statements
    "objective of a vector": (lambda: dc.problem(dc.minimize(w)), "E210", "w", "sumsq(w)"),
    "no objective": (lambda: dc.problem(plain), "E405", "dc.problem(plain)", "dc.minimize"),
    "an objective by name": (lambda: dc.problem(minimize=plain), "E405", "dc.problem(minimize=plain)", "dc.minimize"),
    "strict bound": (lambda: dc.problem(dc.minimize(plain), w < 1), "E108", "w < 1", "`<=` here"),
    "an expression as constraint": (lambda: dc.problem(dc.minimize(plain), w[0]), "E405", "w[0]", "== 0"),
    "a plain truth": (lambda: dc.problem(dc.minimize(plain), True), "E405", "True", ""),
    "variable in a promise": (lambda: dc.problem(dc.minimize(plain), assume=[w >= 0]), "E215", "w", ""),
    "name of a constraint taken": (lambda: dc.problem(dc.minimize(plain), w=w >= 0), "E202", "w", ""),
    "dual of a chain": (
        lambda: dc.problem(dc.minimize(plain), box=dc.chain(0, w, 1), outputs="box.dual"),
        "E218",
        '"box.dual"',
        "box.lower.dual",
    ),
    "a constraint as output": (
        lambda: dc.problem(dc.minimize(plain), s=w >= 0, outputs={"p": "s"}),
        "E219",
        "",
        '`"s.dual"`',
    ),
    "dual of nothing": (lambda: dc.problem(dc.minimize(plain), outputs="bow.dual"), "E219", '"bow.dual"', ""),
    "output without a name": (lambda: dc.problem(dc.minimize(plain), outputs=[2 * w]), "E219", "[2 * w]", "outputs="),
    "params that leave one out": (lambda: dc.problem(dc.minimize(plain + y @ w), params=[]), "E405", "[]", ""),
    "two objectives": (
        lambda: dc.problem(dc.minimize(plain), dc.maximize(w[0])),
        "E405",
        "dc.maximize(w[0])",
        "dc.minimize(f + 0.1 * g)",
    ),
    "constraints joined by `&`": (
        lambda: dc.problem(dc.minimize(plain), (w >= 0) & (w <= 1)),
        "E405",
        "(w >= 0) & (w <= 1)",
        "dc.problem(objective, a <= b, c >= d)",
    ),
    "no name": (lambda: dc.var(n), "E122", "dc.var(n)", 'dc.var("x", n)'),
    "two names": (lambda: dc.dim("p, q"), "E122", 'dc.dim("p, q")', "a declaration of its own"),
    "sizes by keyword": (lambda: dc.var("z", shape=(m, n)), "E207", "", 'dc.var("x", m, n)'),
    "bounds in a text": (lambda: dc.var("z", n, "between(0, 1)"), "E207", "", "`between=(0, 1)`"),
    "bounds by another name": (lambda: dc.var("z", n, lb=0), "E207", "", "`between=(lo, hi)`"),
    "data in a declaration": (lambda: dc.param("z", n, value=3), "E207", "", "the layer is called with it"),
    "an entry assigned": (lambda: w.__setitem__(0, 1), "E405", "", "x[0] == 1"),
    "norm by name": (lambda: dc.norm(A, "fro"), "E403", "", "dc.normfro(X)"),
    "row times matrix": (lambda: w @ A, "E203", "w @ A", "`A @ w` fits"),
    "a bare `and` of conditions": (lambda: dc.forall(w[0] >= 0), "E404", "dc.forall(w[0] >= 0)", "for i in n"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str):
    mistake, code, text, hint = MISTAKES[name]
    with pytest.raises(dc.DiagnosticError) as caught:
        mistake()
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.span is not None and found.span.source.name == __file__
    assert not text or found.span.text == text
    assert hint in " ".join(found.hints)


def test_the_message_shows_the_line_and_a_caret():
    with pytest.raises(dc.DiagnosticError) as caught:
        A * w
    lines = str(caught.value).splitlines()
    assert lines[1] == "error[E203]: `*` needs equal shapes, or a scalar: `A` is R^(m,n), `w` is R^n"
    assert lines[4].endswith("|         A * w")
    assert lines[5].endswith("|         ^^^^^")


def test_several_mistakes_are_reported_together():
    with pytest.raises(dc.DiagnosticError) as caught:
        dc.problem(dc.minimize(w), assume=[w >= 0])
    assert [d.code for d in caught.value.diagnostics] == ["E210", "E215"]


def test_columns_count_characters():
    with pytest.raises(dc.DiagnosticError) as caught:
        _ = ("äöü€", w + b)
    span = caught.value.diagnostics[0].span
    assert span is not None and span.text == "w + b"


def test_without_source_the_line_is_named_and_the_text_is_shown():
    scope = {"dc": dc, "w": w, "A": A}
    with pytest.raises(dc.DiagnosticError) as caught:
        exec("\n\nA * w", scope)
    (found,) = caught.value.diagnostics
    assert found.span is None and found.notes == ("in <string>, line 3",)
    with pytest.raises(dc.DiagnosticError) as caught:
        exec("dc.problem(dc.minimize(w))", scope)
    (found,) = caught.value.diagnostics
    assert found.span is not None and found.span.source.line(found.span.line) == "minimize w"


def test_an_unknown_function_is_an_attribute_error_with_the_nearest_name():
    with pytest.raises(AttributeError, match="did you mean `sumsq`"):
        dc.sumsqr(w)


@pytest.mark.parametrize(
    ("name", "told"),
    [("sum", "dc.sum"), ("norm", "dc.norm"), ("mean", "dc.mean"), ("shape", "dims"), ("value", "the layer")],
)
def test_what_arrays_have_is_an_attribute_error_with_what_to_write(name: str, told: str):
    with pytest.raises(AttributeError, match=f"a symbolic expression has no `{name}`: .*{told}"):
        getattr(w, name)
    with pytest.raises(AttributeError, match=r"no `anything`$"):
        _ = w.anything


def test_a_problem_by_position_says_how_it_is_made():
    with pytest.raises(TypeError, match=r"declarative.problem\(declarative.minimize"):
        dc.Problem(dc.minimize(dc.sumsq(w)), [w >= 0])  # pyright: ignore


def test_a_tensor_of_one_number_is_a_number():
    two = torch.tensor(2.0)
    assert [repr(e) for e in (two * w, w / two, two + w)] == [repr(e) for e in (2 * w, w / 2, 2 + w)]
    assert repr(two >= w[0]) == "2 >= w[0]"


def test_a_handle_can_be_copied():
    assert repr(copy.copy(w)) == "w" and repr(pickle.loads(pickle.dumps(w))) == "w"


def told(build: Callable) -> str:
    """All that is said, and all that is offered."""
    with pytest.raises(dc.DiagnosticError) as caught:
        build()
    return str(caught.value)


def test_what_is_offered_is_written_as_in_python():
    """What stands in a text is told of texts only."""
    P, f = dc.param("P", n, n), dc.norm(w)
    start = told(lambda: dc.compile(dc.problem(dc.minimize(dc.sum(dc.sin(X)) - dc.log_det(X))), backend="kkt"))
    assert "`start=dc.diag(dc.stack(1 for i in dc.range(0, n)))`" in start
    form = told(lambda: dc.compile(dc.problem(dc.minimize(dc.quad(w, P) + f)), backend="cone"))
    assert '`dc.param("P", n, symmetric=True, psd=True)`' in form
    ball = told(lambda: dc.compile(dc.problem(dc.minimize(dc.sum(w)), f == 1)))
    assert "`dc.norm(w) <= 1` is convex" in ball and "write `sumsq(w) == 1`" in ball


def test_settings_of_compile_are_no_parts_of_a_problem():
    said = told(lambda: dc.problem(dc.minimize(plain), backend="cone"))
    assert "`backend` is no part of a problem" in said and "dc.compile(problem, backend=...)" in said


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_an_objective_as_a_keyword_is_told_how_a_problem_is_built(sense: str):
    said = told(lambda: dc.problem(**{sense: plain}))
    assert "the first argument is the objective" in said and f"dc.problem(dc.{sense}(...), ...)" in said
