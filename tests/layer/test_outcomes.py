"""Items without an answer: statuses, masks, messages; one bad item never spoils a batch."""

import pickle

import pytest
import torch

import declarative
from declarative import SolveError, Status

BOX = """
dim n
param y : R^n
param lo : R
param hi : R
var x : R^n
minimize sumsq(x - y)
subject to
  floor: x >= lo
  roof: x <= hi
return x, pull = floor.dual, v = value
"""


@pytest.fixture
def batch():
    y = torch.tensor([[0.5, 2.0], [0.1, 0.2], [-3.0, 0.4]], dtype=torch.float64)
    lo = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    hi = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)  # item 1 has lo > hi
    return y, lo, hi


def compiled(text: str = BOX, **settings):
    return declarative.compile(declarative.parse(text, name="box"), **settings)


def test_mask_gives_nan_zero_gradient_a_status_and_unharmed_neighbours(batch):
    layer = compiled(on_failure="mask")
    inputs = [t.clone().requires_grad_() for t in batch]
    out = layer(*inputs)
    assert out.x[1].isnan().all() and out.v[1].isnan()
    assert torch.allclose(out.x[[0, 2]], torch.tensor([[0.5, 1.0], [0.0, 0.4]], dtype=torch.float64), atol=1e-9)
    out.x.nan_to_num().sum().backward()
    assert all((t.grad[1] == 0).all() and t.grad.isfinite().all() for t in inputs)
    assert torch.allclose(inputs[0].grad[[0, 2]], torch.tensor([[1.0, 0.0], [0.0, 1.0]]).double(), atol=1e-9)
    solution = layer.solve(*batch)
    assert solution.status.tolist() == [Status.SOLVED, Status.INFEASIBLE, Status.SOLVED]
    assert solution.status.dtype == torch.int8


def test_neighbours_are_what_they_are_alone(batch):
    layer = compiled(on_failure="mask")
    whole = layer(*batch)
    for k in (0, 2):
        alone = layer(*(t[k] for t in batch))
        assert torch.equal(alone.x, whole.x[k]) and torch.equal(alone.pull, whole.pull[k])


def test_raise_names_the_item_the_constraint_and_the_line(batch):
    with pytest.raises(SolveError) as error:
        compiled()(*batch)
    text = str(error.value)
    assert "1 of 3 items" in text and "item 1: infeasible" in text
    assert "`floor` (line 9)" in text or "`roof` (line 10)" in text
    assert error.value.solution.status.tolist() == [0, 2, 0]
    assert torch.allclose(error.value.solution.x[0], torch.tensor([0.5, 1.0]).double(), atol=1e-9)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize(
    ("declared", "text", "bad", "good", "x"),
    [
        ("R", "one_minus_pos(a)*x^2 + x", 3.0, 0.5, -1.0),
        ("R", "inv_pos(a)*x^2 + x", -0.5, 0.5, -0.25),
        ("R^2", "harmonic_mean(a)*x^2 + x", [1.0, -0.5], [0.5, 0.5], -1.0),
        ("R^(2,2)", "tr_inv(a)*x^2 + x", [[-1.0, 0.0], [0.0, -2.0]], [[4.0, 0.0], [0.0, 4.0]], -1.0),
        ("R^(2,2)", "pf_eigenvalue(a)*abs(x) + x^2 - 4*x", [[-3.0, 0.0], [0.0, -3.0]], [[0.0, 4.0], [1.0, 0.0]], 1.0),
        ("R^(2,2)", "sum(eye_minus_inv(a))*x^2 - 5*x", [[0.0, 2.0], [1.0, 0.0]], [[0.0, 0.5], [0.0, 0.0]], 1.0),
    ],
)
def test_data_outside_the_domain_of_a_function_are_told(backend, declared, text, bad, good, x):
    """With values outside, all but the last would be unbounded to one backend or both."""
    layer = compiled(f"param a : {declared}\nvar x : R\nminimize {text}\n", backend=backend)
    solution = layer.solve(torch.tensor([bad, good], dtype=torch.float64))
    assert solution.status.tolist() == [Status.FAILED, Status.SOLVED]
    words = solution.messages[(0,)]
    assert "(a)` (line 3) is not defined for these data, " in words
    assert ("the spectral radius of `a` is 1.41421" in words) == ("eye_minus_inv" in text)
    assert solution.x[1].item() == pytest.approx(x, abs=1e-6)


def test_what_the_batch_shares_is_told_once(batch):
    y, lo, _ = batch
    with pytest.raises(SolveError) as error:
        compiled()(y, torch.full_like(lo, torch.nan), torch.ones(()))
    assert str(error.value).splitlines()[1:-1] == ["  items 0, 1, 2: failed: `lo` is NaN"]
    with pytest.raises(SolveError) as error:
        compiled()(y.repeat(3, 1), torch.nan, torch.ones(()))
    assert "  items 0, 1, 2, 3, 4 and 4 more: failed: `lo` is NaN" in str(error.value).splitlines()


def test_many_causes_are_told_with_the_number_of_the_rest():
    y = torch.zeros(9, 9).fill_diagonal_(torch.inf)
    with pytest.raises(SolveError) as error:
        compiled()(y, 0.0, 1.0)
    lines = str(error.value).splitlines()
    assert lines[1].startswith("  item 0: failed: `y[0]` is") and len(lines) == 8 and lines[6] == "  and 4 more"


def test_unbounded_items():
    text = "dim n; param c : R^n; var x : R^n, nonneg; minimize c'*x"
    layer = compiled(text, on_failure="mask")
    solution = layer.solve(torch.tensor([[1.0, 2.0], [1.0, -1.0]]))
    assert solution.status.tolist() == [Status.SOLVED, Status.UNBOUNDED]
    with pytest.raises(SolveError, match="unbounded"):
        compiled(text)(torch.tensor([1.0, -1.0]))


@pytest.mark.parametrize("backend", ["cone", "kkt"])
@pytest.mark.parametrize(
    ("objective", "told"),
    [
        ("minimize a - x", "the objective decreases without end"),
        ("maximize x + a", "the objective increases without end"),
        ("minimize a + exp(x)", "no minimum was found: on the way to infinity the objective approaches a limit"),
        ("maximize a - exp(x)", "no maximum was found: on the way to infinity the objective approaches a limit"),
    ],
)
def test_an_objective_is_spoken_of_in_its_sense(backend, objective, told):
    layer = compiled(f"param a : R; var x : R; {objective}", backend=backend, on_failure="mask")
    assert layer.solve(1.0).messages[()].startswith(told)


@pytest.mark.parametrize("shape", [(), (2,), (2, 2)])
def test_all_items_may_fail(shape):
    layer = compiled(on_failure="mask")
    y = torch.zeros(*shape, 3, requires_grad=True)
    out = layer(y, 1.0, 0.0)
    assert out.x.isnan().all() and out.x.shape == (*shape, 3)
    out.x.nan_to_num().sum().backward()
    assert (y.grad == 0).all()


def test_nan_is_found_before_solving_and_named(batch):
    y, lo, _ = batch
    hi = torch.ones(3, dtype=torch.float64)
    lo = torch.zeros(3, dtype=torch.float64)
    y[2, 1] = torch.nan
    solution = compiled(on_failure="mask").solve(y, lo, hi)
    assert solution.status.tolist() == [0, 0, Status.FAILED]
    assert solution.messages[(2,)] == "`y[1]` is NaN"
    with pytest.raises(SolveError, match=r"item 2: failed: `y\[1\]` is NaN"):
        compiled()(y, lo, hi)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_infinity_is_legal_as_a_whole_side_and_only_there(backend):
    text = """
    dim n
    param y : R^n
    param hi : R^n
    param a : R
    var x : R^n, between(-a, inf)
    minimize sumsq(x - y)
    subject to
      roof: 2*x <= hi
    return x, roof.dual
    """
    layer = compiled(text, backend=backend, on_failure="mask")
    y = torch.tensor([[3.0, 3.0], [torch.inf, 1.0]], dtype=torch.float64)
    hi = torch.tensor([1.0, torch.inf], dtype=torch.float64, requires_grad=True)
    solution = layer.solve(y, hi, torch.inf)
    assert solution.status.tolist() == [0, 4]
    assert torch.allclose(solution.x[0], torch.tensor([0.5, 3.0]).double(), atol=1e-9)
    words = "which only a whole side of an inequality may be"
    assert solution.messages[(1,)] == f"`y[0]` is infinite, {words}"
    solution.x[0].sum().backward()
    assert torch.allclose(hi.grad, torch.tensor([0.5, 0.0]).double(), atol=1e-9)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("row", ["x <= u", "sum(x) <= u", "u >= x", "-u <= x", "x in Box(-3, u)"])
def test_infinity_as_a_bound_that_nothing_keeps_is_named(backend, row):
    text = f"param u : R\nvar x : R^2\nminimize sumsq(x - 1)\nsubject to\n  k: {row}"
    solution = compiled(text, backend=backend, on_failure="mask").solve(torch.tensor([torch.inf, -torch.inf]))
    assert solution.status.tolist() == [Status.SOLVED, Status.FAILED]
    assert solution.messages == {(1,): "`u` is -inf, and no number is below it"}


def test_infinity_as_both_bounds_of_a_variable():
    text = "param l : R\nparam u : R\nvar x : R^2, between(l, u)\nminimize sumsq(x - 1)"
    ends = torch.tensor([-torch.inf, torch.inf])
    low, high = torch.cartesian_prod(ends, ends).unbind(-1)
    solution = compiled(text, on_failure="mask").solve(low, high)
    assert solution.status.tolist() == [Status.FAILED, Status.SOLVED, Status.FAILED, Status.FAILED]
    assert solution.messages[3,] == "`l` is inf, and no number is above it"


def test_broken_promises_fail_their_items():
    text = """
    dim n
    param a : R^n, pos
    param s : R^n, simplex
    param Q : S^n, psd
    param t : R, between(0, 1)
    var x : R^n
    assume sum(a) >= 1
    minimize sumsq(x - a) + quad(x, Q) + t*s'*x
    """
    layer = compiled(text, on_failure="mask")
    a = torch.ones(7, 2).double()
    s = torch.full((7, 2), 0.5).double()
    Q = torch.eye(2).double().repeat(7, 1, 1)
    t = torch.full((7,), 0.5).double()
    a[1, 0], s[2, 0], Q[3, 0, 0], t[4] = 0.0, 0.6, -1.0, 1.5
    a[5] = 0.1
    Q[6, 0, 1] = 0.5
    solution = layer.solve(a.requires_grad_(), s, Q, t)
    assert solution.status.tolist() == [0, 4, 4, 4, 4, 4, 4]
    words = [
        "`a` is declared pos (line 3): every entry must be greater than 0, and `a[0]` is 0",
        "`s` is declared simplex (line 4): the entries must be nonnegative and sum to 1, and the sum is 1.1",
        "`Q` is declared psd (line 5): no eigenvalue may be negative, and the least is -1",
        "`t` is declared between (line 6): every entry must lie between the bounds, and `t` is 1.5",
        "`assume sum(a) >= 1` (line 8) does not hold, its sides are 0.2 and 1",
        "`Q` is declared symmetric (S^n), and is not, `Q[0, 1]` is 0.5 and `Q[1, 0]` is 0",
    ]
    assert [solution.messages[(item,)] for item in range(1, 7)] == words
    unchecked = compiled(text, on_failure="mask", check="never").solve(a, s, Q, t)
    assert unchecked.status[[1, 2, 4, 5]].tolist() == [0, 0, 0, 0]


def test_small_asymmetry_is_forgiven_and_the_gradient_is_symmetric():
    text = "dim n; param C : S^n; param y : R^n; var x : R^n; minimize quad(x, C) + 4*sumsq(x - y)"
    layer = compiled(text)
    C = torch.tensor([[1.0, 0.5], [0.5 + 1e-8, 1.0]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1.0, 2.0], dtype=torch.float64)
    layer(C, y)[0].backward()
    assert torch.equal(C.grad, C.grad.mT)


def test_a_solution_tells_everything(batch):
    y, lo, hi = batch
    hi[1] = 2.0
    solution = compiled().solve(y, lo, hi)
    assert solution["x"].shape == (3, 2) and torch.equal(solution.x, solution["x"])
    assert set(solution.duals) == {"floor", "roof"}
    assert float(solution.primal_residual.max()) < 1e-9 and float(solution.dual_residual.max()) < 1e-9
    assert float(solution.gap.max()) < 1e-9 and solution.iterations.shape == (3,)
    assert solution.summary() == "3 solved"
    assert bool(solution.solved.all()) and torch.equal(solution.values["x"], solution.x)
    with pytest.raises(AttributeError, match="a solution has no `z`"):
        _ = solution.z
    with pytest.raises(AttributeError, match=r'did you mean `\.duals\["roof"\]`'):
        _ = solution.roof
    with pytest.raises(KeyError, match="no value or dual `z`; there are: x"):
        _ = solution["z"]


def test_a_warm_start_ends_in_the_same_place(batch):
    y, lo, hi = batch
    hi[1] = 2.0
    layer = compiled()
    first = layer.solve(y, lo, hi)
    again = layer.solve(y + 0.01, lo, hi, warm=first)
    assert torch.allclose(again.x, layer.solve(y + 0.01, lo, hi).x, atol=1e-10)


def test_a_warm_start_tries_the_active_set_of_the_previous_solution():
    text = (
        "dim n, m; param q : R^n; param G : R^(m,n); var x : R^n; minimize sumsq(x)/2 + q'*x; subject to; r: G*x <= 1"
    )
    g = torch.Generator().manual_seed(0)
    q, G = torch.randn(7, 6, generator=g).double() * 3, torch.randn(8, 6, generator=g).double()
    layer = compiled(text)
    cold, moved = layer.solve(q, G), q * 1.0001
    near = layer.solve(moved, G, warm=cold)
    assert (near.iterations == 1).all() and (layer.solve(moved, G).iterations > 1).any()
    assert torch.allclose(near.x, layer.solve(moved, G).x, atol=1e-12)
    wrong = layer.solve(q, G, warm=layer.solve(-q, G))
    assert (wrong.iterations > 1).any() and torch.allclose(wrong.x, cold.x, atol=1e-12)
    kept = pickle.loads(pickle.dumps(cold))
    assert torch.equal(layer.solve(moved, G, warm=kept).x, near.x)


def test_gradients_scale_from_tiny_to_huge(batch):
    y, lo, hi = batch
    hi[1] = 2.0
    grads = []
    for scale in (1e-12, 1.0, 1e12):
        inputs = [t.clone().requires_grad_() for t in (y, lo, hi)]
        (compiled()(*inputs).x.square().sum() * scale).backward()
        grads.append([t.grad / scale for t in inputs])
    for other in (grads[0], grads[2]):
        for a, b in zip(other, grads[1], strict=True):
            assert torch.allclose(a, b, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("huge", [1e6, 1e12, 1e30])
def test_large_data_elsewhere_hide_no_violation(backend, huge):
    """The rounding error of y is none of the row sum(x) == 1, whose terms are at most 1."""
    text = "dim n; param y : R^n; var x : R^n; minimize sumsq(x - y); subject to; one: sum(x) == 1; sign: x >= 0"
    layer = compiled(text, backend=backend, on_failure="mask")
    solution = layer.solve(torch.tensor([1.0, huge, 2.0], dtype=torch.float64))
    expected = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    assert solution.status != Status.SOLVED or torch.allclose(solution.x, expected, atol=1e-6)


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("objective", ["x + s/x", "x - s*log(x)", "x^2 - s*log(x)"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_bounds_that_cross_are_blamed_and_not_the_start(backend, objective, size):
    text = f"param s : R, pos; var x : R; minimize {objective}; subject to\n a: x <= 0.1*s\n b: x >= 0.2*s"
    solution = compiled(text, backend=backend, on_failure="mask").solve(torch.tensor(size, dtype=torch.float64))
    assert solution.status == Status.INFEASIBLE
    blamed = solution.messages[()].partition("; to blame: ")[2].split(", ")
    assert sorted(blamed) == ["`a` (line 2)", "`b` (line 3)"]


@pytest.mark.parametrize("backend", ["kkt", "cone", "auto"])
def test_a_row_without_variables_is_blamed_for_what_it_says(backend):
    text = "param a : R; var x : R; minimize x^2; subject to; c: a*x <= -1; d: x <= 4"
    layer = declarative.compile(declarative.parse(text, name="none"), backend=backend, on_failure="mask")
    solution = layer.solve(torch.tensor([0.0, 1.0]))
    assert solution.status.tolist() == [Status.INFEASIBLE, Status.SOLVED]
    assert solution.messages[(0,)].partition("; to blame: ")[2] == "`c` (line 1)"


@pytest.mark.parametrize("backend", ["kkt", "cone", "auto"])
def test_an_objective_of_zero_is_solved_at_any_point(backend):
    text = "dim n; param c : R^n; var x : R^n; minimize c'*x; subject to; x >= 0; x[i] + x[i+1] <= 1 for i in 0..n-2"
    layer = declarative.compile(declarative.parse(text, name="none"), backend=backend)
    solution = layer.solve(torch.zeros(2, 400))
    assert solution.status.tolist() == [Status.SOLVED] * 2 and solution.nonunique.all()
    assert (solution.x >= 0).all() and (solution.x[:, 1:] + solution.x[:, :-1] <= 1 + 1e-9).all()
