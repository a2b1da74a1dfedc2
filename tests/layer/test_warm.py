"""A warm start gives what a cold one gives: points, duals, statuses, flags and gradients, whatever came before."""

import pytest
import torch
from layer.warm_and_cold import B, Data, agree, drifted, normal
from torch import Tensor

import declarative
from declarative import Status
from declarative.backends.kkt.compiled import batch

LP = """
dim n, m
param c : R^n
param A : R^(m,n)
param b : R^m
var x : R^n, nonneg
minimize c'*x
subject to
  rows: A*x <= b
  box: x <= 10
"""
LASSO = """
dim m, n
param A : R^(m,n)
param b : R^m
param lam : R, nonneg
var x : R^n
minimize sumsq(A*x - b)/2 + lam*norm1(x)
"""
SEMIDEFINITE = """
dim n, m, k
param F : R^(k,n)
param q : R^n
param a : R^n
param G : R^(m,n)
param h : R^m
var x : R^n
minimize sumsq(F*x)/2 + q'*x
subject to
  one: a'*x == 1
  rows: G*x <= h
  box: -3 <= x <= 3
"""


def lp(g: torch.Generator) -> Data:
    A = normal(g, B, 8, 6)
    b = (A @ normal(g, B, 6, 1).abs())[..., 0] + normal(g, B, 8).abs()
    return {"c": normal(g, B, 6), "A": A, "b": b}


def lasso(g: torch.Generator) -> Data:
    return {"A": normal(g, B, 4, 7), "b": 3 * normal(g, B, 4), "lam": normal(g, B).abs()}


def semidefinite(g: torch.Generator) -> Data:
    G = normal(g, B, 6, 5)
    return {"F": normal(g, B, 2, 5), "q": normal(g, B, 5), "a": normal(g, B, 5), "G": G, "h": normal(g, B, 6).abs()}


@pytest.mark.parametrize("share", [1e-6, 0.01, 0.3])
@pytest.mark.parametrize(
    ("text", "make"), [(LP, lp), (LASSO, lasso), (SEMIDEFINITE, semidefinite)], ids=["lp", "lasso", "semidefinite"]
)
def test_a_drift_of_data_gives_what_a_cold_start_gives(text, make, share):
    g = torch.Generator().manual_seed(3)
    layer, data = declarative.compile(declarative.parse(text), on_failure="mask"), make(g)
    last = layer.solve(**data)
    for _ in range(3):
        data = drifted(data, g, share)
        last, _ = agree(layer, data, last)
    assert (last.status == Status.SOLVED).sum() >= B / 2


def integers(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randint(-2, 3, shape, generator=g).double()


def test_degenerate_items_are_solved_as_if_there_were_no_previous_solution():
    """Small integers: dependent rows, rows of zeros, ties, solutions that are many, none, or without end."""
    g = torch.Generator().manual_seed(0)
    layer = declarative.compile(declarative.parse(SEMIDEFINITE), on_failure="mask")
    seen = set()
    for _ in range(4):
        data: Data = {
            "F": integers(g, B, 2, 3), "q": integers(g, B, 3), "a": integers(g, B, 3), "G": integers(g, B, 4, 3),
            "h": integers(g, B, 4),
        }  # fmt: skip
        last = layer.solve(**data)
        for share in (0.0, 1e-9, 0.01):
            last, cold = agree(layer, drifted(data, g, share), last)
            seen |= set(cold.status.tolist())
    assert {Status.SOLVED, Status.INFEASIBLE} <= seen


STOCK = """
dim T
param d : R^T
var u : R^T, between(0, 2)
var s[0..T] : R
minimize sum(pos(0.3*s[t]) + pos(-1.5*s[t]) for t in 1..T) + 0.1*sumsq(u)
subject to
  step: s[t+1] == s[t] + u[t] - d[t] for t in T
  first: s[0] == 1
return u, v = value
"""


@pytest.fixture
def beside(monkeypatch) -> list[batch.Batch]:
    """What comes of each attempt beside a previous solution, and beside what a fresh start has found."""
    found, solve = [], batch.solve_batch_beside

    def watched(*data):
        found.append(solve(*data))
        return found[-1]

    monkeypatch.setattr(batch, "solve_batch_beside", watched)
    return found


def test_beside_a_degenerate_solution_its_active_rows_are_enough(beside):
    """At an empty stock the epigraphs of both of its costs have dependent rows; they stay the same."""
    layer = declarative.compile(declarative.parse(STOCK, name="stock"), backend="kkt")
    d = torch.rand(8, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    first = layer.solve(d)
    cold, warm = layer.solve(1.01 * d), layer.solve(1.01 * d, warm=first)
    torch.testing.assert_close([warm.u, warm.v], [cold.u, cold.v], rtol=1e-12, atol=1e-12)
    assert warm.solved.all() and not warm.iterations.any() and cold.iterations.all() and not beside


def test_an_active_set_that_is_far_off_is_given_up(beside):
    """Where the objective is turned round, every row of the solution changes, which takes as long as a fresh start."""
    layer, c = turned("c'*x + x[0]^2/100")
    first, cold = layer.solve(c), layer.solve(-c)
    beside.clear()
    warm = layer.solve(-c, warm=first)
    assert warm.solved.all() and torch.equal(cold.x, warm.x)
    assert beside[0].answers.rounds.max() <= 40


def test_a_linear_program_walks_from_vertex_to_vertex(beside):
    """Also from far off, for a step is nothing beside a fresh start."""
    layer, c = turned("c'*x")
    first, cold = layer.solve(c), layer.solve(-c)
    beside.clear()
    warm = layer.solve(-c, warm=first)
    torch.testing.assert_close([warm.x, warm.value], [cold.x, cold.value], rtol=1e-12, atol=1e-12)
    assert warm.solved.all() and not beside and warm.iterations.min() > 20


def turned(objective: str) -> tuple[declarative.DeclarativeLayer, Tensor]:
    """A program with 40 unknowns in a box and 80 rows, and costs c (4, 40)."""
    text = f"dim n, m; const A : R^(m,n); param c : R^n; var x : R^n; minimize {objective}; subject to; -1 <= x <= 1"
    g = torch.Generator().manual_seed(0)
    A, c = normal(g, 80, 40), normal(g, 4, 40)
    consts = {"A": A.numpy()}
    return declarative.compile(declarative.parse(f"{text}; A*x <= 1", name="turned"), backend="kkt", consts=consts), c


def test_items_that_lose_their_solution_and_find_it_again():
    g = torch.Generator().manual_seed(1)
    layer, data = declarative.compile(declarative.parse(LP), on_failure="mask"), lp(g)
    empty = {**data, "b": data["b"] - 100 * (torch.arange(B) % 3 == 0)[:, None]}
    first = layer.solve(**data)
    lost, _ = agree(layer, empty, first)
    assert (lost.status[::3] == Status.INFEASIBLE).all() and (lost.status[1::3] == Status.SOLVED).all()
    found, _ = agree(layer, data, lost)
    assert (found.status == Status.SOLVED).all()


CURVED = """
dim n
param a : R^n
param r : R, pos
var x : R^n
minimize sum(exp(x[i]) + exp(-2*x[i]) + a[i]*x[i] for i in n)
subject to
  ball: sum(exp(x[i]) for i in n) <= r*n
  one: sum(x) == 1
"""
WELL = "param a : R; var x : R, start(1); minimize x^4/4 - x^2/2 + a*x"


@pytest.mark.parametrize("share", [1e-6, 0.01])
def test_a_drift_of_the_data_of_smooth_programs(share):
    g = torch.Generator().manual_seed(2)
    layer = declarative.compile(declarative.parse(CURVED), on_failure="mask")
    data: Data = {"a": normal(g, B, 4), "r": 1.5 + normal(g, B).abs()}
    last = layer.solve(**data)
    for _ in range(3):
        data = drifted(data, g, share)
        last, _ = agree(layer, data, last)
        assert (last.iterations == 0).sum() >= B / 2


TRANSPORT = """
dim n
param C : R^(n,n)
param a : R^n, pos
param b : R^n, pos
var x : R^(n,n), nonneg
minimize sum(C.*x) - 0.1*sum(entr(x))
subject to
  out: sum(x[i,j] for j in n) == a[i]/sum(a) for i in n
  in_: sum(x[i,j] for i in n) == b[j]/sum(b) for j in n
"""
FLOWS = """
const E : R^(5,7)
const d : R^5
param t : R^7, pos
param q : R, pos
var x : R^7, nonneg
minimize sum(t[a]*(x[a] + x[a]^5/50) for a in 7)
subject to
  balance: E*x == q*d
"""


@pytest.mark.parametrize("share", [1e-6, 0.01])
def test_equations_that_depend_on_each_other_are_no_reason_to_begin_afresh(share):
    """The marginals of a transport plan have the same sum."""
    g = torch.Generator().manual_seed(4)
    layer = declarative.compile(declarative.parse(TRANSPORT))
    data: Data = {"C": normal(g, B, 4, 4).abs(), "a": normal(g, B, 4).abs() + 0.1, "b": normal(g, B, 4).abs() + 0.1}
    last = layer.solve(**data)
    for _ in range(3):
        data = {name: t.abs() for name, t in drifted(data, g, share).items()}
        last, cold = agree(layer, data, last)
        assert cold.dual_nonunique.all() and (last.iterations == 0).sum() >= 3 * B / 4


@pytest.mark.parametrize("share", [0.0, 1e-6, 0.01, 0.5])
def test_flows_on_a_network(share):
    """Balances add up to nothing, and where an arc is empty on both sides of a node its price is open."""
    ends = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (2, 4)]
    E = torch.zeros(5, 7).double()
    for arc, (one, other) in enumerate(ends):
        E[one, arc], E[other, arc] = 1, -1
    g = torch.Generator().manual_seed(5)
    consts = {"E": E.numpy(), "d": torch.tensor([1.0, 0, 0, 0, -1]).double().numpy()}
    layer = declarative.compile(declarative.parse(FLOWS), consts=consts)
    data: Data = {"t": normal(g, B, 7).abs() + 0.1, "q": normal(g, B).abs() + 0.1}
    last = layer.solve(**data)
    for _ in range(2):
        data = {name: t.abs() for name, t in drifted(data, g, share).items()}
        last, cold = agree(layer, data, last)
        assert cold.dual_nonunique.all() and (cold.x < 1e-9).any()


def test_items_that_need_more_steps_than_others_take_them_alone():
    """Those that have stopped keep their last digits; those that go on end where each would by itself."""
    g = torch.Generator().manual_seed(3)
    layer = declarative.compile(declarative.parse(CURVED), on_failure="mask")
    data: Data = {"a": normal(g, B, 4), "r": torch.tensor(2.0).double()}
    last = layer.solve(**data)
    share = torch.full((B, 1), 1e-6).double()
    share[5], share[9] = 1e-2, 0.2
    data["a"] = data["a"] * (1 + share * normal(g, B, 4))
    whole = layer.solve(**data, warm=last)
    assert (whole.iterations == 0).all() and (whole.status == Status.SOLVED).all()
    for i in range(B):
        one = layer.solve(data["a"][i], data["r"], warm=layer.solve(data["a"][i] / (1 + 1e-9), data["r"]))
        torch.testing.assert_close(whole.x[i], one.x, rtol=1e-12, atol=1e-12)


def test_a_nonconvex_program_stays_on_its_branch_to_its_end():
    """The minima of the well are roots of x^3 - x + a; the right one ends at a = 2/sqrt(27)."""
    layer = declarative.compile(declarative.parse(WELL))
    s = layer.solve(torch.tensor(0.0).double())
    for a in torch.linspace(0, 0.35, 8).double():
        s = layer.solve(a, warm=s)
        assert s.x > 0.6 and abs(s.x**3 - s.x + a) < 1e-12 and s.status == Status.SOLVED
    over = layer.solve(torch.tensor(0.4).double(), warm=s)
    assert over.x < -1 and over.status == Status.SOLVED
    back = layer.solve(0.0, warm=over)
    assert float(back.x) == pytest.approx(-1)


def test_several_starts_begin_where_there_is_no_previous_solution():
    layer = declarative.compile(declarative.parse(WELL + "\nsolve by newton(starts = 8)"))
    best = layer.solve(-0.1)
    assert best.x > 1
    stays = layer.solve(0.1, warm=best)
    assert 0.8 < stays.x < 1 and layer.solve(0.1).x < -1


def test_a_maximum_is_no_answer():
    layer = declarative.compile(declarative.parse("param a : R; var x : R, start(a); minimize x^4 - x^2"))
    top = layer.solve(1.0)
    point = torch.zeros_like(top.memory["last point"])
    there = type(top)(**{**top.__dict__, "memory": {**top.memory, "last point": point}})
    assert abs(layer.solve(1.0, warm=there).x) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(("broken", "then"), [((float("nan"), 2.0), (0.17, 2.0)), ((1.0, -1.0), (1.0, 5.0))])
def test_after_no_answer_the_start_is_that_of_the_program(broken, then):
    """For data that are no numbers, and for those without a point; both have another minimum near 0."""
    text = "param a : R\nparam u : R\nvar x : R, start(1)\nminimize sin(3*x) + 0.1*(x - a)^2\nsubject to\n  -9 <= x\n"
    layer = declarative.compile(declarative.parse(text + "  0 <= u\n  x^3 <= u"), on_failure="mask")
    lost, cold = layer.solve(*broken), layer.solve(*then)
    assert lost.status > Status.INACCURATE and cold.status == Status.SOLVED
    assert layer.solve(*then, warm=lost).x == cold.x


RANKING = """
dim n
param y : R^n
param rho : R^n
var x : R^(n,n), nonneg
maximize y'*x*rho - 0.05*sumsq(x)
subject to
  rows: sum(x[i,j] for j in n) == 1 for i in n
  columns: sum(x[i,j] for i in n) == 1 for j in n
"""


def test_equations_that_depend_on_each_other_beside_a_full_active_set():
    """One of the sums follows from the others, and most entries are at 0."""
    g = torch.Generator().manual_seed(0)
    layer = declarative.compile(declarative.parse(RANKING), backend="kkt")
    data = {"y": normal(g, B, 9), "rho": torch.linspace(1, 0, 9).double().expand(B, 9)}
    last = layer.solve(**data)
    for share in (0.0, 0.01, 0.1):
        last, cold = agree(layer, drifted(data, g, share), last)
        assert cold.solved.all() and (cold["x"] == 0).double().mean() > 0.6
        torch.testing.assert_close(cold["x"].sum(1), torch.ones(B, 9).double(), rtol=0, atol=1e-12)
