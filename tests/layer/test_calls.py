"""How a layer is called: names, shapes, batches, dtypes, sharing; and what is said where a call does not fit."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import declarative
from declarative import DiagnosticError

PORTFOLIO = """
dim n, k
param mu : R^n
param F : R^(k,n)
param gamma : R, pos
param floor : R = 0
var w : R^n
minimize gamma*sumsq(F*w) + sumsq(w) - mu'*w
subject to
  budget: sum(w) == 1
  low: w >= floor
return w, price = budget.dual, v = value
"""


@pytest.fixture
def layer():
    return declarative.compile(declarative.parse(PORTFOLIO, name="folio"))


def data(*batch: int, n: int = 4, k: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    make = torch.Generator().manual_seed(0)
    mu = torch.randn(*batch, n, generator=make, dtype=torch.float64)
    F = torch.randn(*batch, k, n, generator=make, dtype=torch.float64)
    return mu, F, torch.rand(batch, generator=make, dtype=torch.float64) + 0.5


def message(error) -> str:
    return error.value.diagnostics[0].message


def test_by_position_by_name_and_with_a_default(layer):
    mu, F, gamma = data()
    w, price, v = layer(mu, F, gamma)
    assert w.shape == (4,) and price.shape == () and v.shape == ()
    named = layer(gamma=gamma, F=F, mu=mu)
    assert torch.equal(named.w, w) and torch.equal(named.price, price)
    assert float(layer(mu, F, gamma, floor=0.2).w.min()) >= 0.2 - 1e-12


def test_outputs_are_a_named_tuple_that_travels(layer):
    out = layer(*data())
    back = pickle.loads(pickle.dumps(out))
    assert isinstance(back, declarative.Outputs)
    assert back._fields == ("w", "price", "v") and torch.equal(back.v, out.v)


def test_a_name_that_tuples_have_gets_an_underscore():
    text = "dim n; param y : R^n; var count : R^n; var x : R^n; minimize sumsq(count - y) + sumsq(x - y)"
    out = declarative.compile(declarative.parse(text, name="clash"))(torch.ones(3))
    assert out._fields == ("count_", "x") and torch.allclose(out.count_, torch.ones(3))


@pytest.mark.parametrize("batch", [(), (1,), (3,), (2, 3), (1, 3, 1)])
def test_batches_of_any_rank(layer, batch):
    mu, F, gamma = data(*batch)
    out = layer(mu, F, gamma)
    assert out.w.shape == (*batch, 4) and out.price.shape == batch
    flat = layer(mu.reshape(-1, 4), F.reshape(-1, 2, 4), gamma.reshape(-1))
    assert torch.allclose(out.w.reshape(-1, 4), flat.w, atol=1e-10)


def test_parameters_broadcast_one_by_one(layer):
    mu, F, gamma = data(3)
    out = layer(mu[:, None], F[0], gamma[None, :])
    assert out.w.shape == (3, 3, 4)
    assert torch.allclose(out.w[2, 1], layer(mu[2], F[0], gamma[1]).w, atol=1e-10)


def test_an_empty_batch_gives_empty_outputs_and_zero_gradients(layer):
    mu, F, _ = data()
    gamma = torch.zeros(0, dtype=torch.float64)
    mu.requires_grad_()
    out = layer(mu, F, gamma)
    assert out.w.shape == (0, 4) and out.price.shape == (0,)
    out.w.sum().backward()
    assert torch.equal(mu.grad, torch.zeros(4, dtype=torch.float64))


def test_the_gradient_of_a_shared_parameter_is_the_sum(layer):
    mu, F, gamma = data(3)
    shared = F[0].clone().requires_grad_()
    layer(mu, shared, gamma).w.square().sum().backward()
    total = torch.zeros_like(shared)
    for k in range(3):
        own = F[0].clone().requires_grad_()
        layer(mu[k], own, gamma[k]).w.square().sum().backward()
        total += own.grad
    assert torch.allclose(shared.grad, total, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((torch.float32,) * 3, torch.float32),
        ((torch.float64,) * 3, torch.float64),
        ((torch.float32, torch.float64, torch.float32), torch.float64),
        ((torch.float16, torch.float32, torch.int64), torch.float32),
    ],
)
def test_results_have_the_promoted_dtype(layer, types, expected):
    mu, F, _ = data()
    values = [t.to(d) for t, d in zip((mu, F, torch.tensor(2)), types, strict=True)]
    assert all(t.dtype == expected for t in layer(*values))


def test_python_numbers_and_arrays(layer):
    mu, F, _ = data()
    assert layer(mu.float(), F.float(), 2.0).w.dtype == torch.float32
    assert torch.equal(layer(mu, F, 2).w, layer(mu.numpy(), F.numpy(), np.float64(2)).w)
    assert layer(mu.tolist(), F.tolist(), 2).w.dtype == torch.float32


def test_other_sizes_in_the_next_call(layer):
    for n, k in ((4, 2), (6, 3), (4, 2), (1, 1)):
        assert layer(*data(n=n, k=k)).w.shape == (n,)


def test_sizes_that_disagree_are_named(layer):
    mu, _, gamma = data()
    with pytest.raises(DiagnosticError) as error:
        layer(mu, torch.randn(2, 5), gamma)
    assert message(error) == "n = 4 from `mu`; `F` axis 1 gives 5"
    assert error.value.diagnostics[0].span.text == "param F : R^(k,n)"


def test_what_does_not_fit_is_said(layer):
    mu, F, gamma = data()
    for call, text in [
        (lambda: layer(mu, F), "no value for `gamma`"),
        (lambda: layer(mu, F, gamma, gamma), "4 arguments were given, at most 3"),
        (lambda: layer(mu, F, gamma, mu=mu), "`mu` was given twice"),
        (lambda: layer(mu, F, gamma, nu=mu), "`nu` is no parameter"),
        (lambda: layer(mu, mu, gamma), "`F` is R^(k,n): its tensor needs 2 axes or more"),
        (lambda: layer(mu[:0], F[:, :0], gamma), "n = 0: a size is at least 1"),
        (lambda: layer(mu.expand(3, 4), F.expand(2, 2, 4), gamma), "the batch dimensions do not broadcast"),
        (lambda: layer("mu", F, gamma), "`mu` must be a tensor"),
        (lambda: layer(mu.to(torch.complex64), F, gamma), "`mu` must be real"),
        (lambda: layer(mu.to("meta"), F, gamma), "all data must be on one device"),
    ]:
        with pytest.raises(DiagnosticError) as error:
            call()
        assert text in message(error)


def test_compile_says_what_it_misses():
    text = "dim n; const b : R^n; learn A : R^(n,n); var x : R^n; minimize sumsq(A*x - b)"
    problem = declarative.parse(text, name="held")
    cases = [
        ({}, "no value for the const `b`"),
        ({"consts": {"c": 1}}, "consts has `c`, which the problem has not; it has: b"),
        ({"consts": {"b": [1.0, float("nan")]}}, "the const `b` has an entry that is not finite"),
        ({"consts": {"b": [[1.0]]}}, "`b` needs 1 axes, the value given has 2"),
        (
            {"consts": {"b": [1.0]}, "learn": {"A": [[1.0]]}, "options": {"eps": 1}},
            "the kkt backend has no option `eps`",
        ),
        ({"consts": {"b": [1.0]}, "backend": "gpu"}, 'backend is one of "auto", "cone", "kkt"'),
    ]
    for settings, expected in cases:
        with pytest.raises(DiagnosticError) as error:
            declarative.compile(problem, **settings)
        assert expected in message(error)


def test_learned_sizes_must_be_known():
    problem = declarative.parse(
        "dim n; param b : R^n; learn A : R^(n,n); var x : R^n; minimize sumsq(A*x - b)", name="p"
    )
    with pytest.raises(DiagnosticError, match="sizes of the learned `A` must be known when compiling: n"):
        declarative.compile(problem)
    assert declarative.compile(problem, dims={"n": 3}).learn.A.shape == (3, 3)
    assert declarative.compile(problem, learn={"A": torch.eye(2)}).learn.A.shape == (2, 2)


def test_one_number_fills_a_learned_array():
    problem = declarative.parse("dim k; learn cap : R^k, pos; var x : R^k; minimize sumsq(x - cap)", name="p")
    layer = declarative.compile(problem, learn={"cap": 0.8}, dims={"k": 3})
    assert torch.allclose(layer(), torch.full((3,), 0.8)) and layer.learn.cap.shape == (3,)
    with pytest.raises(DiagnosticError, match="sizes of the learned `cap` must be known when compiling: k"):
        declarative.compile(problem, learn={"cap": 0.8})
    with pytest.raises(DiagnosticError, match="the initial value does not fit"):
        declarative.compile(problem, learn={"cap": -0.8}, dims={"k": 3})


LEARNED = """
dim n
const target : R^n
learn lam : R^n, pos
learn Q : S^n, psd
learn s : R^n, simplex
learn c : R, between(-1, 2)
var x : R^n
minimize sumsq(x - target) + sum(lam[j]*x[j]^2 for j in n) + quad(x, Q) + s'*x + c*sum(x)
"""


def test_learned_parameters_keep_their_attributes_and_train():
    layer = declarative.compile(declarative.parse(LEARNED, name="learned"), consts={"target": [1.0, 2.0, 3.0]})
    assert sorted(layer.state_dict()) == ["const.target", "learn.Q", "learn.c", "learn.lam", "learn.s"]
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.5)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = (layer() - torch.tensor([0.3, 0.1, 0.7])).square().sum()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        assert (layer.value_of("lam") > 0).all()
        assert torch.linalg.eigvalsh(layer.value_of("Q")).min() > -1e-6
        assert float(layer.value_of("s").detach().sum()) == pytest.approx(1, abs=1e-6)
        assert -1 < float(layer.value_of("c").detach()) < 2
    assert losses[-1] < losses[0] / 4


def test_initial_values_of_learned_parameters():
    values = {
        "lam": torch.tensor([0.1, 2.0, 30.0]),
        "Q": torch.tensor([[2.0, 1, 0], [1, 3, 0], [0, 0, 1]]),
        "s": torch.tensor([0.2, 0.3, 0.5]),
        "c": torch.tensor(0.5),
    }
    problem = declarative.parse(LEARNED, name="learned")
    layer = declarative.compile(problem, consts={"target": [1.0, 2.0, 3.0]}, learn=values)
    for name, value in values.items():
        assert torch.allclose(layer.value_of(name), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lam", [1.0, -1.0, 2.0], "the initial value does not fit: `lam` is declared pos"),
        ("lam", [1.0, float("nan"), 2.0], "the initial value does not fit: `lam[1]` is NaN"),
        ("Q", [[1.0, 0, 0], [0, -1, 0], [0, 0, 1]], "`Q` is declared psd"),
        ("s", [0.2, 0.2, 0.2], "`s` is declared simplex"),
        ("c", 3.0, "`c` is declared between"),
        ("c", "3", "`c` must be a tensor, an array or numbers"),
    ],
)
def test_initial_values_keep_the_attributes(name, value, expected):
    problem = declarative.parse(LEARNED, name="learned")
    with pytest.raises(DiagnosticError) as error:
        declarative.compile(problem, consts={"target": [1.0, 2.0, 3.0]}, learn={name: value})
    assert expected in message(error)


def test_a_learned_parameter_starts_at_its_default():
    text = "dim n = 2; const k : R = 2; learn A : R = 1.5*k; learn b : R^n = 4; var x : R^n; minimize A*sumsq(x - b)"
    layer = declarative.compile(declarative.parse(text, name="default"))
    assert float(layer.value_of("A").detach()) == 3.0
    assert torch.allclose(layer(), torch.tensor([4.0, 4.0]))
    with pytest.raises(KeyError, match="no learned parameter `k`; there are: A, b"):
        layer.value_of("k")


@pytest.mark.parametrize("wrong", [3, None, ["a.opt"]])
def test_compile_takes_a_problem_or_a_path(wrong):
    with pytest.raises(DiagnosticError, match="compile takes a problem or a path"):
        declarative.compile(wrong)


@pytest.mark.parametrize("wrong", ["float32", torch.int32, torch.float16])
def test_the_inner_precision_is_single_or_double(wrong):
    with pytest.raises(DiagnosticError, match=r"dtype is torch\.float64 or torch\.float32"):
        declarative.compile(declarative.parse(PORTFOLIO, name="folio"), dtype=wrong)


def test_a_warm_start_must_fit(layer):
    first = layer.solve(*data(3))
    text = "dim n; param c : R^n; var x : R^n; minimize sumsq(x - c)"
    other = declarative.compile(declarative.parse(text, name="other")).solve(data(3)[0])
    for warm in (3, torch.ones(4), other):
        with pytest.raises(DiagnosticError, match="`warm` must be a solution of this problem"):
            layer.solve(*data(3), warm=warm)
    with pytest.raises(DiagnosticError, match=r"`warm` solves a batch of shape \(2,\), .* a batch of shape \(3,\)"):
        layer.solve(*data(3), warm=layer.solve(*data(2)))
    with pytest.raises(DiagnosticError, match=r"`w` has shape \(5,\) in `warm`, and \(4,\) with these data"):
        layer.solve(*data(3), warm=layer.solve(*data(3, n=5)))
    assert layer.solve(*data(3), warm=first).status.tolist() == [0, 0, 0]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_the_dual_of_a_family_that_a_condition_empties_is_zero(backend):
    text = "dim n; param y : R^n; var x : R^n; minimize sumsq(x - y); subject to; a: x[i] <= 3 for i in n if i > 5"
    layer = declarative.compile(declarative.parse(text + "; return x, a.dual", name="empty"), backend=backend)
    assert layer(torch.ones(2, 3)).a_dual.tolist() == [[0.0] * 3] * 2


def test_layers_are_copied_pickled_and_restored():
    layer = declarative.compile(declarative.parse(LEARNED, name="learned"), consts={"target": [1.0, 2.0, 3.0]})
    expected = layer()
    assert torch.equal(copy.deepcopy(layer)(), expected)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(), expected)
    other = declarative.compile(declarative.parse(LEARNED, name="learned"), consts={"target": [0.0, 0.0, 0.0]})
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(), expected)


def test_a_layer_is_part_of_a_network():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 4)
            self.project = declarative.compile(
                declarative.parse(
                    "dim n; param y : R^n; var x : R^n, simplex; minimize sumsq(x - y)", name="projection"
                )
            )

        def forward(self, x):
            return self.project(self.linear(x))

    net = Net()
    out = net(torch.randn(5, 3))
    assert torch.allclose(out.sum(1), torch.ones(5)) and (out >= 0).all()
    out[:, 0].sum().backward()
    assert net.linear.weight.grad.isfinite().all()


def test_const_data_and_indices():
    text = """
    dim v, e
    const tail[e] : index(v)
    param w : R^e
    var x : R^v
    minimize sum((x[tail[k]] - w[k])^2 for k in e) + sumsq(x)
    """
    layer = declarative.compile(declarative.parse(text, name="ends"), dims={"v": 3}, consts={"tail": [0, 2, 2]})
    w = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    assert torch.allclose(layer(w), torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64), atol=1e-12)


def test_defaults_of_sizes_and_data():
    text = "dim n = 3; param a : R^n = 2; const c : R, pos = 4; var x : R^n; minimize c*sumsq(x - a)"
    layer = declarative.compile(declarative.parse(text, name="defaults"))
    assert torch.allclose(layer(), torch.full((3,), 2.0))
    assert torch.allclose(layer(a=torch.ones(2, 3)), torch.ones(2, 3))


def test_explain_names_the_class_and_the_backend(layer):
    layer(*data())
    text = layer.explain()
    assert (
        "quadratic program" in text and "kkt: takes it (chosen)" in text and "4 unknowns, 1 equation, 4 bounds" in text
    )


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("without", [torch.no_grad, torch.inference_mode])
def test_a_first_call_without_gradients_settles_nothing(backend, without):
    """min |A x - b|^2 + |x|^2 at the second A, not at the first."""
    text = "dim m, n; param A : R^(m,n); param b : R^m; var x : R^n; minimize sumsq(A*x - b) + sumsq(x)"
    text += "; subject to; roof: A*x <= 9"
    layer = declarative.compile(declarative.parse(text, name="ridge"), backend=backend)
    b, make = torch.ones(3, dtype=torch.float64), torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 3, 2, generator=make, dtype=torch.float64)
    with without():
        layer(first, b)
    A = second.requires_grad_()
    x = torch.linalg.solve(A.mT @ A + torch.eye(2, dtype=torch.float64), A.mT @ b)
    (expected,) = torch.autograd.grad(x.sum(), A)
    (found,) = torch.autograd.grad(layer(A, b).sum(), A)
    assert torch.allclose(layer(A, b), x, atol=1e-9) and torch.allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("declared", "value", "words"),
    [
        ("const Q : S^2", "a", "must be a tensor"),
        ("const Q : S^2", None, "must be a tensor"),
        ("const Q : S^2", [[1j, 0], [0, 1]], "must be real"),
        ("const Q : S^2", [[1.0, 0.0], [5.0, 1.0]], "symmetric"),
        ("const Q : S^2", [[1.0, 0.0]], "`Q`"),
        ("learn Q : S^2", "a", "must be a tensor"),
        ("learn Q : R^(2,2)", [[[1.0, 0.0], [0.0, 1.0]]], "needs 2 axes"),
    ],
)
def test_data_given_when_compiling_must_fit(declared, value, words):
    problem = declarative.parse(f"{declared}; param y : R^2; var x : R^2; minimize sumsq(x - y) + sum(Q*x)", name="fix")
    with pytest.raises(DiagnosticError) as refused:
        declarative.compile(problem, **{"consts" if declared[0] == "c" else "learn": {"Q": value}})
    assert words in message(refused) and refused.value.diagnostics[0].span is not None


def test_a_variable_may_be_called_value():
    problem = declarative.parse("param a : R; var value : R; var y : R; minimize (value - a)^2 + (y - 1)^2 + 5")
    solution = declarative.compile(problem).solve(2.0)
    assert solution["value"].item() == pytest.approx(2) and solution["y"].item() == pytest.approx(1)
    assert solution.value.item() == pytest.approx(5)
