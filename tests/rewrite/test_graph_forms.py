"""Kinks as linear rows: the rows by hand; answers beside those of the cone backend, which writes kinks otherwise."""

import re

import pytest
import torch

import declarative
from declarative.elaborate.to_text import expression_to_text
from declarative.rewrite.graph_forms import to_graph_forms, unfit_kinks
from declarative.rewrite.standard import problem_to_standard

T = "auxiliary 0"
HEAD = "dim n; param b : R^n; var x : R^n; "
GREATEST = [
    ("max(abs(x - b))", [f"x - b - {T} <= 0", f"-(x - b) - {T} <= 0"]),
    ("max(abs(x[i] - i) for i in n)", [f"x[i] - i - {T} <= 0", f"-(x[i] - i) - {T} <= 0"]),
    ("max(max(x[i], x[j]) for i in n, j in n)", [f"x[i] - {T} <= 0", f"x[j] - {T} <= 0"]),
    ("maximum(norminf(x), pos(x[0] - 1))", [f"x - {T} <= 0", f"-x - {T} <= 0", f"x[0] - 1 - {T} <= 0",
      f"0 - {T} <= 0"]),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "rows"), GREATEST)
def test_a_greatest_among_others_has_no_variable_of_its_own(objective, rows):
    standard = to_graph_forms(problem_to_standard(declarative.parse(f"{HEAD}minimize {objective} + sum(x)")))
    assert [f"{expression_to_text(row.body)} <= 0" for row in standard.rows] == rows
    assert len(standard.auxiliaries) == 1


def test_a_sum_within_a_greatest_keeps_its_variables():
    standard = to_graph_forms(
        problem_to_standard(declarative.parse(HEAD + "minimize maximum(norm1(x - b), abs(x[0]))"))
    )
    assert len(standard.auxiliaries) == 2


ALIKE = [
    "minimize max(abs(F*x - b))",
    "maximize min(b - abs(F*x))",
    "minimize maximum(norm1(x - 1), norminf(F*x - b))",
    "minimize sum(maximum(abs(x[i]), pos(x[i] - b[i])) for i in n) + 2*max(abs(x[i] - 1) for i in n)",
    "minimize max(maximum(x[i] - b[i], 2*abs(x[j] + 1)) for i in n, j in n if i != j)",
    "minimize abs(pos(F[0, :]'*x) + 1) + norminf(x - b)",
]


@pytest.mark.parametrize("objective", ALIKE)
def test_both_backends_find_one_value(objective):
    g = torch.Generator().manual_seed(4)
    F, b = (torch.randn(8, *shape, generator=g, dtype=torch.float64) for shape in ((4, 4), (4,)))
    problem = declarative.parse(f"dim n; param F : R^(n,n); param b : R^n; var x : R^n; {objective}")
    kkt, cone = (declarative.compile(problem, backend=name).solve(F, b) for name in ("kkt", "cone"))
    assert kkt.solved.all() and cone.solved.all()
    torch.testing.assert_close(kkt.value, cone.value, rtol=1e-8, atol=1e-8)
    unique = ~cone.nonunique & ~kkt.nonunique
    torch.testing.assert_close(kkt.x[unique], cone.x[unique], rtol=1e-7, atol=1e-7)


def test_a_minimax_program_has_one_solution_and_is_resumed_from_it():
    g = torch.Generator().manual_seed(5)
    A, b = (torch.randn(12, *shape, generator=g, dtype=torch.float64) for shape in ((9, 3), (9,)))
    layer = declarative.compile(
        declarative.parse("dim m, n; param A : R^(m,n); param b : R^m; var x : R^n; minimize max(abs(A*x - b))")
    )
    first = layer.solve(A, b)
    again = layer.solve(A, b, warm=first)
    assert not first.nonunique.any() and (again.iterations <= 1).all()
    torch.testing.assert_close(again.x, first.x, rtol=0, atol=1e-12)
    assert ((A @ first.x[..., None])[..., 0] - b).abs().amax(1).sub(first.value).abs().max() < 1e-12


HINT = "for the kkt backend, the square of the norm is smooth: `sumsq(x - b)`"
NEAR = "for the kkt backend, `sqrt(1e-6 + sumsq(x - b))` is smooth and near to `norm(x - b)`"


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        ("maximize norm(x - b)", (HINT,)),
        ("minimize 0; subject to; norm(x - b) >= 1", (f"{HINT[: -len('`sumsq(x - b)`')]}write `sumsq(x - b) >= 1`",)),
        ("maximize norm(x - b) - x[0]", (NEAR,)),
        ("minimize 0; subject to; norm(x - b) + x[0] >= 1", (NEAR,)),
    ],
)
def test_the_square_of_a_norm_is_offered_where_it_can_take_the_norms_place(text, hints):
    (told,) = unfit_kinks(declarative.parse(HEAD + text))
    assert (told.code, told.hints) == ("E301", hints)


NEAR_TO = [
    *("norm(x - b)", "norm1(x)", "norm1(x - b)", "abs(x[0])", "abs(x[0] - 1)", "max(x)", "min(x - b)", "pos(x[0])"),
    *("max(x[0], b[0])", "min(x[0] - 1, b[0])", "normfro(x*b')", "quad_root(x, diag(b.^2))"),
]


@pytest.mark.parametrize("kinked", NEAR_TO)
@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_what_is_offered_for_a_kink_is_smooth_and_near(kinked, sense):
    """Pressed on by neither side: `f(x) == s` in a problem that is not convex."""
    text = f"{HEAD}var s : R\n{sense} sin(s) - x[0]\nsubject to\n  s == {kinked}\n  -9 <= x <= 9"
    (told,) = unfit_kinks(declarative.parse(text))
    form = told.hints[0].split("`")[1]
    assert unfit_kinks(declarative.parse(text.replace(f"s == {kinked}", f"s == {form}"))) == []
    of = [f"{HEAD}minimize sumsq(x - b) + 0*x[0]\nreturn v = {e}" for e in (kinked, form)]
    b = torch.tensor([0.3, -1.2, 0.7], dtype=torch.float64)
    exact, near = (declarative.compile(declarative.parse(t))(b) for t in of)
    assert abs(float(exact - near)) < 0.04


@pytest.mark.parametrize(("text", "name"), [("minimize norm(x - b, 3)", "norm"), ("minimize tv(x*x')", "tv")])
def test_a_function_goes_by_the_name_that_was_written(text, name):
    (told,) = unfit_kinks(declarative.parse(HEAD + text))
    assert told.message.startswith(f"`{name}` has a kink")


def test_a_smooth_function_that_goes_by_rows_is_not_said_to_have_a_kink():
    """Its rows are those of a cone: the logarithm of a spectral radius, at most r where it is minimised only."""
    (told,) = unfit_kinks(declarative.parse("var U : R^(2,2); maximize log_pf_eigenvalue(U) - sumsq(U)"))
    assert (
        told.message
        == "`log_pf_eigenvalue` goes by rows that are exact where the problem presses on it, and here it does not"
    )


TWICE = [
    ("abs(x[0] - 1)*sqrt(abs(x[0] - 1))", 1),
    ("sum(abs(x[i])^2 for i in n) + sum(exp(abs(x[i])) for i in n)", 1),
    ("sum(abs(x[i]) for i in n) + sum(exp(abs(x[i])) for i in n if i > 0)", 2),
    ("pos(x[0]) + 1; subject to; pos(x[0])^2 + exp(pos(x[0])) <= 4", 1),
]


@pytest.mark.parametrize(("objective", "count"), TWICE)
def test_equal_functions_over_equal_indices_share_one_variable(objective, count):
    standard = to_graph_forms(problem_to_standard(declarative.parse(f"{HEAD}minimize {objective}")))
    assert len(standard.auxiliaries) == len(standard.log) == count


@pytest.mark.parametrize("cost", ["abs(x)*sqrt(abs(x))", "sqrt(abs(x))*abs(x)", "pos(x)*sqrt(pos(x))"])
def test_a_power_that_is_written_as_a_product_with_a_root_is_stationary_at_the_solution(cost):
    """2(x - y) + 1.5 sqrt(x) = 0: of q = sqrt(x) a quadratic, and dx/dy = 2/(2 + 0.75/q)."""
    layer = declarative.compile(declarative.parse(f"param y : R; var x : R; minimize (x - y)^2 + {cost}"))
    y = torch.tensor([1.0, 0.3, 0.1, 0.05, 0.01], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(y)
    q = (-1.5 + torch.sqrt(1.5**2 + 16 * y.detach())) / 4
    assert solution.solved.all() and not solution.degenerate.any()
    torch.testing.assert_close(solution.x, q**2, rtol=1e-9, atol=0)
    (slope,) = torch.autograd.grad(solution.x.sum(), y)
    torch.testing.assert_close(slope, 2 / (2 + 0.75 / q), rtol=1e-7, atol=0)


STAND_INS = {  # what has a kink, where it is not pressed on, and how far off what is offered may be
    "a - sum(abs(x))": (r"`(sqrt.*)` is smooth", 1e-3),
    "a - sum(pos(x))": (r"`(softplus.*)` is smooth", 7e-3),
    "a - sum(max(x, b))": (r"`(\(x.*)` is smooth", 1e-3),
    "a + sum(min(x, b))": (r"`(\(x.*)` is smooth", 1e-3),
    "a + min(x[0]^2, 4)": (r"`(4.*)` is smooth", 1.48),
    "a + sum(min(x.^2, 1))": (r"`(1 - .*)` is smooth", 0.4),
}


@pytest.mark.parametrize("objective", STAND_INS)
def test_what_is_offered_for_arrays_and_truncated_losses_is_smooth_and_near(objective: str):
    """Of truncated losses it is near at 0 and far away, and at most e^-1 of the level off between."""
    pattern, far = STAND_INS[objective]
    head = "param a : R\nparam b : R^3\nvar x : R^3\n"
    (kink,) = unfit_kinks(declarative.parse(f"{head}minimize {objective}"))
    written = re.search(pattern, kink.hints[0])
    assert written and kink.span
    text = "param x : R^3\nparam b : R^3\nvar z : R\nminimize z^2\nreturn "
    layer = declarative.compile(declarative.parse(f"{text}p = {kink.span.text}, q = {written[1]}"))
    x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    p, q = layer(x, x.flip(0))
    assert (p - q).abs().max() <= far
    assert declarative.compile(declarative.parse(head + f"minimize sumsq(x) + sum({written[1]})"), backend="kkt")
