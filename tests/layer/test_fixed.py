"""Entries that equations fix to 0: they are no unknowns, and values, duals and derivatives are those of the program."""

from functools import partial

import cvxpy as cp
import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

import declarative
from declarative import Status

MASKED = """
dim n
const E : R^(n,n), binary
param C : R^(n,n)
param r : R^n
param w : R, pos
var X : R^(n,n)SIGN
minimize sum(C .* X) + w/2*sumsq(X) + sumsq(sum(X[i,:] for i in n) - r)
subject to
  off: MASK
  rows: sum(X[i,j] for j in n) == r[i] for i in n
  some: X[i,i] + X[i,0] <= 1 for i in n
return X, price = rows.dual, shut = off.dual, held = some.dual, v = value
"""
MASKS = [
    "X[i,j] == 0 for i in n, j in n if not E[i,j]",
    "2*X[i,j] - X[i,j]/2 == 0 for i in n, j in n if not E[i,j]",
    "(1 - E) .* X == 0",
    "-(1 - E[i,j])*X[i,j] == 0 for i in n, j in n",
]
SCALES = [1.0, 1.5, 1.0, -1.0]  # of the rows that fix an entry
SMOOTH = """
dim n
const E : R^(n,n), binary
param C : R^(n,n)
param r : R^n
param w : R, pos
var X : R^(n,n)
minimize sum(exp(X - C)) + w*sumsq(X*r) + sum(X[i,j]*X[j,i] for i in n, j in n if i < j)/4
subject to
  off: X[i,j] == 0 for i in n, j in n if not E[i,j]
  rows: sum(X[i,j]^2 for j in n) + sum(X[i,j] for j in n) <= 1 + r[i]^2 for i in n
return X, price = rows.dual, shut = off.dual, v = value
"""
CONIC = """
dim n
const E : R^(n,n), binary
param C : R^(n,n)
param r : R^n
param w : R, pos
var X : R^(n,n)
minimize w*norm2(X*r - C*r) + sumsq(X - C) + sum(exp(X[i,0] + X[i,1]) for i in n)
subject to
  off: X[i,j] == 0 for i in n, j in n if not E[i,j]
  rows: norm2(X[i,:]) <= 1 + r[i]^2/9 for i in n
return X, price = rows.dual, shut = off.dual, v = value
"""
SEMIDEFINITE = """
dim n
const E : S^n, binary
param C : R^(n,n)
param r : R^n
param w : R, pos
var X : S^n, psd
minimize sumsq(X - C) + w*trace(X)
subject to
  off: X[i,j] == 0 for i in n, j in n if not E[i,j]
  rows: diag(X) == 1 + r.^2
return X, shut = off.dual, price = rows.dual, v = value
"""


def compiled(text: str, E: np.ndarray, backend: str, **settings):
    return declarative.compile(declarative.parse(text, name="masked"), backend=backend, consts={"E": E}, **settings)


def mask(n: int, seed: int, share: float = 0.5) -> np.ndarray:
    E = (np.random.default_rng(seed).uniform(size=(n, n)) < share).astype(float)
    E[np.arange(n), (np.arange(n) + 1) % n] = 1  # every row has an entry
    return E


def data(n: int, seed: int, batch: int | None = None) -> tuple[Tensor, ...]:
    generator = np.random.default_rng(seed + 100)
    lead = () if batch is None else (batch,)
    C, r, w = (
        generator.normal(size=(*lead, n, n)),
        generator.uniform(0.5, 1.5, (*lead, n)),
        generator.uniform(1, 2, lead),
    )
    return tuple(torch.tensor(part) for part in (C, r, w))


def reference(E: np.ndarray, C: np.ndarray, r: np.ndarray, w: float, nonneg: bool, scale: float) -> list[np.ndarray]:
    """X and the duals, those of the mask less what the bound there has."""
    n = len(r)
    X = cp.Variable((n, n))
    objective = cp.sum(cp.multiply(C, X)) + w / 2 * cp.sum_squares(X) + cp.sum_squares(cp.sum(X, axis=0) - r)
    off, rows = cp.multiply(scale * (1 - E), X) == 0, cp.sum(X, axis=1) == r
    some, sign = cp.diag(X) + X[:, 0] <= 1, -X <= 0
    problem = cp.Problem(cp.Minimize(objective), [off, rows, some, *([sign] if nonneg else [])])
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    assert problem.status == cp.OPTIMAL
    shut = off.dual_value - (sign.dual_value / scale if nonneg else 0)
    return [X.value, rows.dual_value, shut * (1 - E), some.dual_value, np.asarray(problem.value)]


@pytest.mark.parametrize("backend", ["kkt", "cone", "auto"])
@pytest.mark.parametrize("nonneg", [False, True])
@pytest.mark.parametrize("written", range(len(MASKS)))
def test_values_and_duals_are_those_of_the_whole_program(backend: str, nonneg: bool, written: int):
    n, sign = 5, ", nonneg" if nonneg else ""
    for seed in range(3):
        E, (C, r, w) = mask(n, seed), data(n, seed)
        layer = compiled(MASKED.replace("SIGN", sign).replace("MASK", MASKS[written]), E, backend)
        found = layer(C, r, w)
        expected = reference(E, C.numpy(), r.numpy(), float(w), nonneg, SCALES[written])
        for own, other in zip(found, expected, strict=True):
            assert np.abs(own.numpy() - other).max() < 1e-5 * (1 + np.abs(other).max())
        assert (found[0].numpy()[E == 0] == 0).all()


def joined(layer, *args: Tensor) -> Tensor:
    """All outputs end to end."""
    return torch.cat([part.reshape(-1) for part in layer(*args)])


def slopes(layer, args: tuple[Tensor, ...], h: float = 1e-4) -> list[Tensor]:
    """The Jacobian of all outputs, side by side, by central differences (error h^4), an argument each."""
    found = []
    for k, arg in enumerate(args):
        columns = []
        for place in range(arg.numel()):
            step = (
                torch.zeros(arg.numel(), dtype=arg.dtype).index_fill(0, torch.tensor([place]), 1.0).reshape(arg.shape)
            )
            at = [joined(layer, *args[:k], arg + t * h * step, *args[k + 1 :]) for t in (1, -1, 2, -2)]
            columns.append((8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h))
        found.append(torch.stack(columns, -1))
    return found


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        (MASKED.replace("SIGN", "").replace("MASK", MASKS[1]), "kkt"),
        (MASKED.replace("SIGN", "").replace("MASK", MASKS[2]), "cone"),
        (SMOOTH, "kkt"),
        (CONIC, "cone"),
        (SEMIDEFINITE, "cone"),
    ],
)
def test_gradients_through_variables_and_duals(text: str, backend: str):
    n = 4
    for seed in range(2):
        E, args = mask(n, seed), data(n, seed)
        if text == SEMIDEFINITE:
            E = np.maximum(np.maximum(E, E.T), np.eye(n))
        layer = compiled(text, E, backend)
        solution = layer.solve(*args)
        assert solution.status == Status.SOLVED and not solution.degenerate
        exact = torch.autograd.functional.jacobian(partial(joined, layer), args)
        for own, other in zip(exact, slopes(layer, args), strict=True):
            own = own.reshape(other.shape)
            assert float((own - other).abs().max()) < 1e-6 * (1 + float(other.abs().max()))


@pytest.mark.parametrize(("text", "backend"), [(MASKED, "kkt"), (MASKED, "cone"), (SMOOTH, "kkt")])
def test_second_derivatives_forward_mode_and_vmap(text: str, backend: str):
    n = 3
    E, args = mask(n, 1), data(n, 1)
    layer = compiled(text.replace("SIGN", "").replace("MASK", MASKS[0]), E, backend)

    def shut(C: Tensor, r: Tensor, w: Tensor) -> Tensor:
        return layer(C, r, w).shut

    moving = tuple(arg.requires_grad_() for arg in args)
    assert torch.autograd.gradcheck(shut, moving, check_forward_ad=True, atol=1e-5)
    assert torch.autograd.gradgradcheck(lambda *a: shut(*a).sin().sum(), moving, atol=1e-4)
    many = data(n, 1, batch=3)
    assert torch.allclose(torch.func.vmap(shut)(*many), layer(*many).shut, atol=1e-9)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_symmetric_entries_are_one_unknown(backend: str):
    text = "dim n\nparam C : R^(n,n)\nvar X : S^n\nminimize sumsq(X - C)\nsubject to\n"
    text += "  off: X[i,j] == 0 for i in n, j in n if i < j\n"
    C = torch.tensor(np.random.default_rng(0).normal(size=(3, 3)))
    one, both, middle = (
        plain(text + more, backend).solve(C) for more in ("", "  off2: X[1,0] == 0\n", "  d: diag(X) == 0\n")
    )
    shut = torch.triu(2 * (C + C.T), 1)
    assert torch.allclose(one.duals["off"], shut, atol=1e-9)
    assert not one.dual_nonunique and both.dual_nonunique
    assert torch.allclose(
        both.duals["off"] + torch.tensor([[0, 1, 0], [0, 0, 0], [0, 0, 0]]) * both.duals["off2"], shut, atol=1e-9
    )
    assert torch.allclose(both.duals["off2"], shut[0, 1] / 2, atol=1e-9)
    assert torch.allclose(middle.duals["d"], 2 * C.diagonal(), atol=1e-9) and not middle.X.any()


def plain(text: str, backend: str, **settings):
    return declarative.compile(declarative.parse(text, name="fixed"), backend=backend, **settings)


SUM = """
dim n
param c : R^n
param p : R = 0
param low : R^n = -9
var x : R^nSIGN
minimize sumsq(x - c)
subject to
  total: sum(x) == 1
"""
C = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize(
    ("sign", "rows", "status"),
    [
        ("", "off: x[0] == 0; on: x[0] == 1", Status.INFEASIBLE),
        ("", "off: x[0] == 0; on: x[0] == 1 + p", Status.INFEASIBLE),
        ("", "off: x[0] == 0; above: x >= low + 10", Status.INFEASIBLE),
        (", between(1, 2)", "off: x[0] == 0", Status.INFEASIBLE),
        ("", "off: x == 0", Status.INFEASIBLE),
        ("", "off: x[0] == 0; on: x[0] == p", Status.SOLVED),
        ("", "off: x[0] == 0; above: x >= low", Status.SOLVED),
        ("", "off: x[0] == 0; above: x[0:1] >= low[0:1] + 9", Status.SOLVED),
        (", between(-1, 2)", "off: x[0] == 0", Status.SOLVED),
    ],
)
def test_what_contradicts_a_zero_is_still_seen(backend: str, sign: str, rows: str, status: Status):
    found = plain(SUM.replace("SIGN", sign) + f"  {rows}\n", backend, on_failure="mask").solve(C)
    assert found.status == status
    if status == Status.SOLVED:
        assert torch.allclose(found.x, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), atol=1e-7)
    else:
        assert "`off` (line 10)" in found.messages[()] or rows == "off: x == 0"


CURVED = """
param p : R
param c : R^3
var x : R^3
minimize sumsq(x - c)
subject to
  off: OFF
  w: ROW
"""


@pytest.mark.parametrize(
    ("off", "row", "p", "status"),
    [
        ("x == 0", "sum(exp(x)) <= p", 3.5, Status.SOLVED),
        ("x == 0", "sum(exp(x)) <= p", 1.0, Status.INFEASIBLE),
        ("x[0] == 0", "exp(x[0]) <= p", 0.5, Status.INFEASIBLE),
    ],
)
def test_curved_rows_of_nothing_else_keep_what_they_read(off, row, p, status):
    """What they say of parameters, and what they contradict, is for the method to see."""
    found = plain(CURVED.replace("OFF", off).replace("ROW", row), "kkt", on_failure="mask").solve(p, C)
    assert found.status == status
    if status == Status.SOLVED:
        assert found.x.abs().max() < 1e-12 and found.duals["w"].abs() < 1e-9
    else:
        assert "`off`" in found.messages[()] and "`w`" in found.messages[()]


def test_a_multiplier_without_bounds_is_flagged():
    """The slope of sqrt at 0, where an equation holds it."""
    text = "param c : R^3; var x : R^3, nonneg; maximize sum(sqrt(x)) - sumsq(x - c); subject to; off: x[0] == 0"
    found = plain(text, "kkt", on_failure="mask").solve(C.abs())
    assert found.degenerate or not found.solved


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_row_of_parameters_stays_as_it_is(backend: str):
    layer = plain(SUM.replace("SIGN", "") + "  at: x[0] == p\n", backend)
    p = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    x = layer(C, p=p)
    (slope,) = torch.autograd.grad(x[1], p)
    assert torch.allclose(x, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), atol=1e-7)
    assert abs(float(slope) + 0.5) < 1e-7 and "left out" not in layer.explain()


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_bounds_leave_the_multiplier_to_the_equation(backend: str):
    found = plain(SUM.replace("SIGN", ", nonneg") + "  off: x[0] == 0\n", backend).solve(C + torch.tensor([0, 0.5, 0]))
    assert torch.allclose(found.duals["off"], 2 - found.duals["total"], atol=1e-8)
    assert found.duals["x.lower"][0] == 0 and found.dual_nonunique and not found.degenerate


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_repeated_equations_share_the_least_multipliers(backend: str):
    found = plain(SUM.replace("SIGN", "") + "  off: x[0] == 0\n  twice: 2*x[0] == 0\n", backend).solve(C)
    whole = 2 - found.duals["total"]
    assert torch.allclose(found.duals["off"], whole / 5, atol=1e-8)
    assert torch.allclose(found.duals["twice"], 2 * whole / 5, atol=1e-8) and found.dual_nonunique


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_all_entries_may_be_zero(backend: str):
    text = "dim n\nparam c : R^n\nvar x : R^n\nminimize sumsq(x - c)\nsubject to\n  off: x == 0\n"
    found = plain(text, backend).solve(C)
    assert torch.allclose(found.duals["off"], 2 * C, atol=1e-8) and abs(float(found.value) - 14) < 1e-8
    assert not found.x.abs().max() > 1e-12 and not found.dual_nonunique


def test_what_depends_on_zeros_alone_is_a_number():
    text = SUM.replace("SIGN", "") + "  off: x[0] == 0\n  on: x[1] == x[0]\n  bent: exp(x[0]) + x[2] <= 2 + x[1]\n"
    found = plain(text, "kkt").solve(C)
    assert torch.allclose(found.x, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), atol=1e-7)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_a_whole_variable_may_be_zero(backend: str):
    """Others come after it; each entry is measured beside the variable that it belongs to."""
    text = "param c : R\nvar x : R\nvar y : R\nvar z : R\n"
    text += "minimize exp(x + y - c) + exp(-z) + sumsq([x, y, z])\nsubject to\n  off: x == 0\n"
    c = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    found = plain(text, backend).solve(c)
    pull = torch.exp(found.y - c)
    assert torch.allclose(pull, -2 * found.y, atol=1e-8) and torch.allclose(torch.exp(-found.z), 2 * found.z, atol=1e-8)
    assert torch.allclose(found.duals["off"], -pull, atol=1e-8)
    (slope,) = torch.autograd.grad(found.duals["off"], c)
    assert torch.allclose(slope, pull * 2 / (2 + pull), atol=1e-7)


def test_report_counts_what_has_left_the_program():
    layer = plain(SUM.replace("SIGN", "") + "  off: x[0] == 0\n", "kkt")
    found = layer.solve(C)
    assert found.report.rank == 2 and found.report.positive == 1
    assert bool(found.report.active["off"]) and "2 unknowns, 1 equation" in layer.explain()
    assert "1 more unknown and what fixes them to 0 left out" in layer.explain()
    again = layer.solve(C * 1.01, warm=found)
    assert again.status == Status.SOLVED and torch.allclose(again.x, layer(C * 1.01), atol=1e-9)


def test_a_function_of_the_users_has_all_unknowns():
    widths = []

    def mine(task, start: Tensor) -> Tensor:
        widths.append(start.shape[1])
        return start

    text = SUM.replace("SIGN", "") + "  off: x[0] == 0\nsolve by mine\n"
    found = plain(text, "kkt", solve=mine)(C)
    assert widths == [3] and torch.allclose(found, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), atol=1e-7)


@pytest.mark.parametrize("backend", ["auto", "kkt", "cone"])
def test_shortest_paths_have_arcs_for_unknowns(backend: str):
    """On a grid of 12 x 12 nodes all n^2 = 20,736 entries would be too many for dense matrices."""
    k = 12
    n, nodes = k * k, np.arange(k * k).reshape(k, k)
    E = np.zeros((n, n))
    for tail, head in ((nodes[:, :-1], nodes[:, 1:]), (nodes[:-1], nodes[1:])):
        E[tail, head] = E[head, tail] = 1
    text = (
        "dim n\nconst E : R^(n,n), binary\nparam b : R^n\nparam c : R^(n,n)\nvar x : R^(n,n), nonneg\n"
        "minimize sum(c[i,j]*x[i,j] for i in n, j in n if E[i,j])\nsubject to\n"
        "  off: x[i,j] == 0 for i in n, j in n if not E[i,j]\n"
        "  flow: sum(x[i,j] for j in n) - sum(x[j,i] for j in n) == b[i] for i in n\n"
    )
    layer = declarative.compile(declarative.parse(text, name="path"), backend=backend, consts={"E": E})
    c = torch.tensor(np.random.default_rng(0).uniform(0.1, 1, (2, n, n)))
    b = torch.zeros(n, dtype=torch.float64).index_copy(0, torch.tensor([0, n - 1]), torch.tensor([1.0, -1.0]).double())
    found = layer.solve(b=b, c=c)
    i, j = np.nonzero(E)
    A = np.zeros((n, len(i)))
    A[i, np.arange(len(i))], A[j, np.arange(len(i))] = 1, -1
    for own, value in zip(c.numpy(), found.value, strict=True):
        assert abs(float(value) - linprog(own[i, j], A_eq=A, b_eq=b.numpy()).fun) < 1e-9
    prices = found.duals["flow"].numpy()
    shut = (prices[:, None, :] - prices[:, :, None]) * (1 - E)
    assert np.abs(found.duals["off"].numpy() - shut).max() < 1e-8
    assert f"{len(i)} unknowns" in layer.explain()
