"""Flags: kinks of every cone and points just beside them, solutions and multipliers that are not unique."""

import pytest
import torch

import declarative
from declarative import Status

SOC, EXP, POW = "(x[0], x[1:3]) in SOC", "(x[0], x[1], x[2]) in EXP", "(x[0], x[1], x[2]) in POW(0.3)"
E = 2.718281828459045
PROJECTED = [  # set, point, is the projection degenerate there
    ("x >= 0", [0.0, 1.0, -1.0], True),
    ("x >= 0", [1e-3, 1.0, -1.0], False),
    (SOC, [0.0, 0.0, 0.0], True),
    (SOC, [5.0, 3.0, 4.0], True),
    (SOC, [-5.0, 3.0, 4.0], True),
    (SOC, [5.01, 3.0, 4.0], False),
    (SOC, [1.0, 3.0, 4.0], False),
    (SOC, [-5.01, 3.0, 4.0], False),
    (EXP, [0.0, 0.0, 0.0], True),
    (EXP, [0.0, 1.0, 1.0], True),
    (EXP, [1.0, 0.0, -1 / E], True),
    (EXP, [-1.0, 0.0, 0.3], True),
    (EXP, [0.0, 1.0, 1.01], False),
    (EXP, [1.0, 0.0, -0.38], False),
    (EXP, [1.0, 0.0, 0.3], False),
    (POW, [0.0, 0.0, 0.0], True),
    (POW, [1.0, 1.0, 1.0], True),
    (POW, [-0.3, -0.7, 1.0], True),
    (POW, [1.0, 1.01, 1.0], False),
    (POW, [-0.3, 0.7, 1.0], False),
    (POW, [-1.0, 1.0, 0.0], False),  # z is free there: x = |z|^(10/3) is flat
]


@pytest.mark.parametrize(("member", "at", "degenerate"), PROJECTED)
def test_projections_at_kinks_are_flagged_and_exact(member, at, degenerate):
    text = f"param y : R^3; var x : R^3; minimize sumsq(x - y)/2; subject to; c: {member}"
    layer = declarative.compile(declarative.parse(text, name="part"), backend="cone")
    y = torch.tensor(at, dtype=torch.float64)
    solution = layer.solve(y)
    assert solution.status == Status.SOLVED and bool(solution.degenerate) is degenerate
    assert not solution.nonunique and not solution.dual_nonunique
    J = torch.autograd.functional.jacobian(layer, y)
    values = torch.linalg.eigvalsh(J)
    assert torch.allclose(J, J.mT, atol=1e-9) and values.min() > -1e-9 and values.max() < 1 + 1e-9


@pytest.mark.parametrize(
    ("values", "degenerate"), [([2.0, 1.0, -1.0, -3.0], False), ([2.0, 0.0, -1.0, -3.0], True), ([0.0] * 4, True)]
)
def test_a_semidefinite_cone_is_degenerate_where_an_eigenvalue_is_zero_in_both(values, degenerate):
    Q = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
    text = "param y : S^4; var x : S^4; minimize sumsq(x - y)/2; subject to; c: x in PSD"
    layer = declarative.compile(declarative.parse(text, name="part"), backend="cone")
    solution = layer.solve(Q @ torch.diag(torch.tensor(values).double()) @ Q.mT)
    assert solution.status == Status.SOLVED and bool(solution.degenerate) is degenerate
    assert torch.allclose(solution.x, Q @ torch.diag(torch.tensor(values).double().clamp(min=0)) @ Q.mT, atol=1e-7)


APEX = [  # x is at the apex of a norm, whose multiplier is inside its cone: regular, and the Jacobian is known
    ("minimize sumsq(x - y)/2 + 5*norm(x)", [3.0, 3.9], [0.0, 0.0], 0.0),
    ("minimize sumsq(x - y)/2 + 5*norm(x)", [0.0, 0.0], [0.0, 0.0], 0.0),
    ("minimize norm(x - y) + sumsq(x)/20", [0.3, 0.4], [0.3, 0.4], 1.0),
    ("minimize sumsq(x - y)/2 + norm(x)^2", [0.0, 0.0], [0.0, 0.0], 1 / 3),
    ("minimize norm(x - y) + norm(x - [1, 0]) + norm(x - [-1, 0.2])", [0.0, 0.05], [0.0, 0.05], 1.0),
]


@pytest.mark.parametrize(("objective", "y", "x", "slope"), APEX)
def test_an_apex_held_by_its_multiplier_is_regular(objective, y, x, slope):
    layer = declarative.compile(
        declarative.parse(f"param y : R^2; var x : R^2; {objective}", name="apex"), backend="cone"
    )
    y = torch.tensor(y, dtype=torch.float64)
    solution = layer.solve(y)
    assert solution.status == Status.SOLVED and not solution.degenerate and not solution.nonunique
    assert torch.allclose(solution.x, torch.tensor(x, dtype=torch.float64), atol=1e-10)
    J = torch.autograd.functional.jacobian(layer, y)
    assert torch.allclose(J, slope * torch.eye(2).double(), atol=1e-9)


NONUNIQUE = [
    "param y : R, pos; var x : R^2; minimize y*sum(x); subject to; sum(x) >= 1; norminf(x) <= 3",
    "param y : R, pos; var x : R^2; minimize y*(norm(x - 1) + norm(x - 2)); subject to; x <= 9",
    "param y : R, pos; var x : R^3; minimize y*(x[0] + x[1]); subject to; (x[0], x[1:3]) in SOC; x[0] <= 1",
    "param y : R, pos; var X : S^3; minimize -y*(X[0,0] + X[1,1]); subject to; X in PSD; trace(X) == 1",
    "param y : R, pos; var x : R^2; minimize y*max(exp(x[0]), 2) + x[1]^2; subject to; x[0] >= -1",
    "param y : R, pos; var x : R^2; minimize y*(0.5*sum(x) - geo_mean(x)); subject to; x <= 1",
]


@pytest.mark.parametrize("text", NONUNIQUE)
def test_many_solutions_are_flagged_and_the_gradient_stays_of_its_size(text):
    layer = declarative.compile(declarative.parse(text, name="many"), backend="cone")
    y = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    solution = layer.solve(y)
    assert solution.status == Status.SOLVED and solution.nonunique
    x = solution[solution.output_names[0]]
    weights = torch.arange(1.0, 1 + x.numel()).double().reshape(x.shape)
    (gradient,) = torch.autograd.grad((x * weights).sum(), y)
    assert abs(gradient) < 100


DUAL_NONUNIQUE = [
    "a: x[0] == y[0]\nb: 2*x[0] == 2*y[0]",
    "a: x[0] <= y[0]\nb: 3*x[0] <= 3*y[0]",
    "a: norm(x) <= 1\nb: norm(x) <= 1",
    "a: (1, x) in SOC\nb: (2, 2*x) in SOC",
    "a: [1, x[0]; x[0], 1] in PSD\nb: [2, 2*x[0]; 2*x[0], 2] in PSD",
    "a: (x[0], 1, 2) in EXP\nb: x[0] <= log(2)",
    "a: (1, 1, x[0]) in POW(0.3)\nb: x[0] <= 1",
]


@pytest.mark.parametrize("rows", DUAL_NONUNIQUE)
def test_multipliers_shared_by_rows_alike_are_flagged_and_leave_the_primal_gradient_alone(rows):
    head = "param y : R^2; var x : R^2; minimize sumsq(x - 3*y); subject to\n"
    both = declarative.compile(declarative.parse(head + rows, name="twice"), backend="cone")
    once = declarative.compile(declarative.parse(head + rows.partition("\n")[0], name="once"), backend="cone")
    y = torch.tensor([0.9, 0.4], dtype=torch.float64)
    solution, alone = both.solve(y), once.solve(y)
    assert solution.status == Status.SOLVED and solution.dual_nonunique and not solution.nonunique
    assert not alone.dual_nonunique
    J, expected = (torch.autograd.functional.jacobian(layer, y) for layer in (both, once))
    assert torch.allclose(J, expected, atol=1e-7)


@pytest.mark.parametrize("y", [1e-8, 1e-6, 1e-4, 1e-2, -1e-3])
def test_close_to_a_kink_the_solution_is_exact(y):
    """x + 3 x |x| = y: bounds of |x| whose multipliers are nearly 0, and slacks too."""
    layer = declarative.compile(
        declarative.parse("param y : R; var x : R; minimize (x - y)^2/2 + abs(x)^3", name="cube"), backend="cone"
    )
    solution = layer.solve(torch.tensor(y, dtype=torch.float64))
    assert solution.status == Status.SOLVED
    expected = ((1 + 12 * abs(y)) ** 0.5 - 1) / 6 * (1 if y > 0 else -1)
    assert solution.x.item() == pytest.approx(expected, rel=1e-7, abs=1e-13)


DEPENDENT = [  # rows, a, is the solution degenerate there
    ("u: x >= a\n  v: x >= 0", 0.0, True),
    ("u: x >= a\n  v: x >= 0", 0.1, False),
    ("u: x == a\n  v: 2*x == 2*a", 0.0, False),
    ("u: x >= a\n  v: 2*x >= 2*a", 0.1, True),
]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize(("rows", "a", "degenerate"), DEPENDENT)
def test_inequalities_that_depend_on_active_rows_are_degenerate(rows, a, degenerate, backend):
    text = f"param a : R; var x : R; minimize (x + 1)^2; subject to\n  {rows}"
    layer = declarative.compile(declarative.parse(text, name="rows"), backend=backend)
    solution = layer.solve(torch.tensor(a, dtype=torch.float64))
    assert solution.status == Status.SOLVED and bool(solution.degenerate) is degenerate
