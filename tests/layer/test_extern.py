"""`extern`: torch functions and modules inside a problem, with gradients for the data and for their weights."""

import copy
import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import declarative
from declarative import DiagnosticError

EQUILIBRIUM = """
dim n, d
param x : R^d
extern f : R^n, R^d -> R^n
var z : R^n
minimize sumsq(z)
subject to
  fixed: z == f(z, x)
return z, w = f(z, x)
"""
FIT = """
dim m
param t : R^m
param y : R^m
extern model : R, R^2 -> R
var p : R^2, start([1, 0.5])
minimize sum((model(t[i], p) - y[i])^2 for i in m)
"""


class Cell(nn.Module):
    """z -> tanh(Az + Bx + b), a contraction."""

    def __init__(self, n: int, d: int):
        super().__init__()
        self.inner, self.outer = nn.Linear(n, n), nn.Linear(d, n, bias=False)
        self.register_buffer("gain", torch.tensor(0.4))
        with torch.no_grad():
            self.inner.weight.mul_(0.5)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        return self.gain * torch.tanh(self.inner(z) + self.outer(x))


def cell(n: int = 3, d: int = 2, dtype: torch.dtype = torch.float64) -> Cell:
    torch.manual_seed(0)
    return Cell(n, d).to(dtype)


def compiled(text: str, extern, **settings):
    return declarative.compile(declarative.parse(text, name="outside"), extern=extern, **settings)


def equilibrium_of(f: Cell) -> declarative.DeclarativeLayer:
    return compiled(EQUILIBRIUM, {"f": f}, dims={"n": f.inner.in_features})


def equilibrium(f: Cell, x: Tensor) -> Tensor:
    z = torch.zeros(*x.shape[:-1], f.inner.in_features, dtype=x.dtype)
    for _ in range(100):
        z = f(z, x)
    return z


def test_an_equilibrium_has_the_gradients_of_its_iteration():
    f, x = cell(), torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    z, w = equilibrium_of(f)(x)
    assert torch.allclose(z, equilibrium(f, x), atol=1e-12) and torch.allclose(w, z, atol=1e-12)
    sought = [x, *f.parameters()]
    for mine, theirs in zip(
        torch.autograd.grad(z.sin().sum(), sought),
        torch.autograd.grad(equilibrium(f, x).sin().sum(), sought),
        strict=True,
    ):
        assert torch.allclose(mine, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore:.* it is a batch of vectors")
def test_second_derivatives_reach_the_data_and_the_weights():
    f, x = cell(2, 1), torch.tensor([[0.3], [-0.2]], dtype=torch.float64, requires_grad=True)
    layer = equilibrium_of(f)

    def solved(x: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"extern.f.inner.bias": bias}, (x,)).z

    bias = f.inner.bias.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(solved, (x, bias)) and torch.autograd.gradgradcheck(solved, (x, bias))


def test_a_module_in_single_precision_is_called_in_the_inner_one():
    f = cell(dtype=torch.float32)
    x = torch.randn(4, 2)
    z, _ = equilibrium_of(f)(x)
    exact = equilibrium(copy.deepcopy(f).double(), x.double())
    assert z.dtype == torch.float32 and torch.equal(z, exact.float())
    assert f.inner.weight.dtype == torch.float32


def test_the_module_is_part_of_the_layer_and_may_be_trained():
    layer, x = equilibrium_of(cell()), torch.randn(8, 2, dtype=torch.float64)
    assert set(layer.state_dict()) == {f"extern.f.{key}" for key in cell().state_dict()}
    target = 0.1 * torch.ones(8, 3, dtype=torch.float64)
    descent = torch.optim.SGD(layer.parameters(), lr=0.5)
    losses = []
    for _ in range(5):
        descent.zero_grad()
        loss = (layer(x).z - target).square().sum()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    assert all(after < before for before, after in pairwise(losses))
    with torch.no_grad():
        layer.extern.f.gain.zero_()  # a buffer is read anew at each call
    assert torch.equal(layer(x).z, torch.zeros(8, 3, dtype=torch.float64))


def test_items_depend_on_no_other_item_and_on_no_chance():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1), nn.Flatten(0))
    layer = compiled("dim n; param a : R^n; extern f : R^n -> R; var x : R^n; minimize sumsq(x - a) + f(x)", {"f": net})
    a = torch.randn(3, 2)
    whole = nn.Sequential(layer, net).train()[0](a)
    assert net.training and torch.equal(layer(a), whole)
    for item in range(3):
        assert torch.allclose(layer(a[item]), whole[item], atol=1e-7)


def test_copies_have_modules_of_their_own():
    layer, x = equilibrium_of(cell()), torch.randn(2, 2, dtype=torch.float64)
    before = layer(x).z
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x).z, before)
        with torch.no_grad():
            other.extern.f.inner.bias += 1.0
        assert not torch.allclose(other(x).z, before) and torch.equal(layer(x).z, before)
    store = io.BytesIO()
    torch.save(layer.state_dict(), store)
    store.seek(0)
    fresh = equilibrium_of(Cell(3, 2).double())
    fresh.load_state_dict(torch.load(store))
    assert torch.equal(fresh(x).z, before)


@pytest.mark.parametrize("method", ["newton", "gauss_newton", "interior_point"])
def test_a_model_is_fitted_that_is_called_for_each_index(method):
    """The axes of an index are part of the batch that the function sees."""
    shapes = []

    def model(t: Tensor, p: Tensor) -> Tensor:
        shapes.append((tuple(t.shape), tuple(p.shape)))
        return p[:, 0] * torch.exp(-p[:, 1] * t)

    text = f"{FIT}solve by {method}\n"
    t = torch.linspace(0, 2, 7, dtype=torch.float64)
    true = torch.tensor([[2.0, 0.7], [1.5, 1.2]], dtype=torch.float64)
    y = model(t.repeat(2), true.repeat_interleave(7, 0)).reshape(2, 7).requires_grad_()
    p = compiled(text, {"model": model})(t, y)
    assert torch.allclose(p, true, atol=1e-8)
    assert all(len(shape) == 1 and of_p == (*shape, 2) for shape, of_p in shapes)
    assert shapes[-1][0][0] % 7 == 0
    written = compiled(
        text.replace("extern model", "def model").replace(": R, R^2 -> R", "(t : R, p : R^2) : R = p[0]*exp(-p[1]*t)"),
        None,
    )
    for mine, theirs in zip(
        torch.autograd.grad(p.sin().sum(), y), torch.autograd.grad(written(t, y).sin().sum(), y), strict=True
    ):
        assert torch.allclose(mine, theirs, rtol=1e-8, atol=1e-10)


def test_a_function_of_data_alone_leaves_a_quadratic_program():
    text = "dim n; param a : R^n; extern f : R^n -> R^n; var x : R^n, nonneg; minimize sumsq(x - f(a))"
    layer, a = compiled(text, {"f": torch.sin}), torch.tensor([1.0, -1.0, 4.0], requires_grad=True)
    x = layer(a)
    assert torch.allclose(x, torch.sin(a).clamp(min=0)) and "quadratic program" in layer.explain()
    (gradient,) = torch.autograd.grad(x.sum(), a)
    assert torch.allclose(gradient, torch.where(torch.sin(a) > 0, torch.cos(a), 0.0))


def test_the_same_function_written_in_the_language_has_the_same_answers():
    """Derivatives by torch.func against those that are known from the structure, with constraints that are active."""
    text = "dim n; param a : R^n; DECLARED; var x : R^n, start(a); minimize sumsq(x - a)/2; subject to; c: g(x) <= 1"
    outside = compiled(
        text.replace("DECLARED", "extern g : R^n -> R"), {"g": lambda x: (x**4).sum(-1) + x.sin().prod(-1)}
    )
    inside = compiled(text.replace("DECLARED", "def g(x : R^n) : R = sum(x.^4) + sin(x[0])*sin(x[1])"), None)
    a = torch.tensor([[2.0, 0.7], [0.1, 0.2], [-0.5, -1.5]], dtype=torch.float64, requires_grad=True)
    one, other = outside.solve(a), inside.solve(a)
    assert torch.equal(one.status, other.status) and bool(one.solved.all())
    for mine, theirs in ((one.x, other.x), (one.duals["c"], other.duals["c"]), (one.value, other.value)):
        assert torch.allclose(mine, theirs, rtol=1e-9, atol=1e-11)
        gradients = [torch.autograd.grad(part.sin().sum(), a, retain_graph=True)[0] for part in (mine, theirs)]
        assert torch.allclose(*gradients, rtol=1e-8, atol=1e-10)


def test_data_and_weights_may_be_mapped():
    layer, x = equilibrium_of(cell()), torch.randn(4, 2, dtype=torch.float64)
    assert torch.allclose(torch.func.vmap(lambda x: layer(x).z)(x), layer(x).z, atol=1e-12)

    def solved(bias: Tensor, x: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"extern.f.inner.bias": bias}, (x,)).z

    biases = torch.randn(3, 3, dtype=torch.float64)
    one_by_one = torch.stack([solved(bias, x) for bias in biases])
    assert torch.allclose(torch.func.vmap(solved, in_dims=(0, None))(biases, x), one_by_one, atol=1e-12)
    assert torch.allclose(torch.func.jacfwd(solved)(biases[0], x), torch.func.jacrev(solved)(biases[0], x), atol=1e-12)
    slope = torch.func.grad(lambda bias, x: solved(bias, x).sum())
    each = torch.stack([slope(biases[0], row) for row in x])
    assert torch.allclose(torch.func.vmap(slope, in_dims=(None, 0))(biases[0], x), each, atol=1e-12)


PULL = "dim n; param a : R^n; extern f : R^n -> R^n; var x : R^n; minimize sumsq(x - a) + sumsq(x - f(x))"


class Twice(nn.Module):
    """One module at two places, whose weights are another one's too."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.again = self.first

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.again(torch.tanh(self.second(torch.tanh(self.first(x))))))


def test_a_module_is_left_as_it_was():
    torch.manual_seed(0)
    net = Twice().double()
    layer, a = compiled(PULL, {"f": net}), torch.randn(3, 2, dtype=torch.float64)
    before = {name: (t, t.detach().clone()) for name, t in net.named_parameters()}
    gradients = []
    for sought in (net.first.weight, net.first.bias):
        (found,) = torch.autograd.grad(layer(a).sum(), sought)
        step = 1e-6 * torch.ones_like(sought)
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                sought += sign * step
                values.append(layer(a).sum())
                sought -= sign * step
        gradients.append((found.sum(), (values[0] - values[1]) / 2e-6))
    assert all(torch.allclose(mine, difference, rtol=1e-6) for mine, difference in gradients)
    for name, t in net.named_parameters():
        assert t is before[name][0] and isinstance(t, nn.Parameter) and torch.allclose(t, before[name][1], atol=1e-12)
    assert net.training and net.again is net.first


def test_weights_that_are_no_numbers_are_named():
    layer, a = compiled(PULL, {"f": Twice().double()}, on_failure="mask"), torch.randn(2, 2, dtype=torch.float64)
    with torch.no_grad():
        layer.extern.f.first.bias[1] = torch.nan
    solution = layer.solve(a)
    assert solution.messages == {(item,): "`extern f.first.bias` is not finite" for item in range(2)}


def test_threads_may_share_a_layer():
    layer, a = compiled(PULL, {"f": Twice().double()}), torch.randn(6, 3, 2, dtype=torch.float64)
    alone = torch.stack([layer(part).detach() for part in a])
    with ThreadPoolExecutor(3) as threads:
        together = torch.stack(list(threads.map(lambda part: layer(part).detach(), a)))
    assert torch.equal(together, alone) and all(isinstance(t, nn.Parameter) for t in layer.extern.f.parameters())


def test_a_module_may_be_replaced_or_changed():
    a = torch.randn(3, 2, dtype=torch.float64)
    layer, other = compiled(PULL, {"f": Twice().double()}), nn.Sequential(nn.Linear(2, 2), nn.Tanh()).double()
    layer(a)
    layer.extern.f = other
    assert torch.equal(layer(a), compiled(PULL, {"f": other})(a))
    other[0] = nn.Linear(2, 2, bias=False).double()
    assert torch.equal(layer(a), compiled(PULL, {"f": other})(a))


def test_what_a_function_does_in_place_stays_inside():
    text = "dim n; param a : R^n; extern f : R^n -> R^n; var x : R^n; minimize sumsq(x - a - f(a))"
    a = torch.tensor([[1.0, -2.0]])
    x = compiled(text, {"f": nn.ReLU(inplace=True)})(a)
    assert torch.allclose(x, torch.tensor([[2.0, -2.0]])) and torch.equal(a, torch.tensor([[1.0, -2.0]]))


def test_a_function_of_constants_is_read_at_every_call():
    scale = {"w": 1.0}
    layer = compiled(
        "param a : R; extern f : R -> R; var x : R; minimize (x - a - f(2))^2", {"f": lambda t: t * scale["w"]}
    )
    assert float(layer(1.0)) == 3.0
    scale["w"] = 5.0
    assert float(layer(1.0)) == 11.0


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_the_inner_precision_and_the_module_may_differ(precision):
    a = torch.tensor([[0.5, -0.25]])
    net = Twice().to(precision)
    x = compiled(PULL, {"f": net}, dtype=torch.float32)(a)
    assert torch.allclose(x, compiled(PULL, {"f": net})(a), atol=1e-5) and x.dtype == torch.float32


WEIGHT = torch.ones((), requires_grad=True)
SCALAR = "param a : R; extern f : R -> R; var x : R; minimize (x - a)^2 + f(x)"
MISTAKES = {
    "no function": ({}, "E317", "no function was given for it"),
    "no function, but a number": ({"f": 3.0}, "E317", "this is 3.0"),
    "an unknown name": ({"f": torch.sin, "g": torch.cos}, "E316", "extern has `g`"),
    "another shape": (
        {"f": lambda x: x[:, None]},
        "E326",
        "called with (1,) and must give (1,); it gave a tensor (1, 1)",
    ),
    "a class": ({"f": nn.Tanh}, "E317", "this is <class"),
    "a module without weights": ({"f": nn.LazyLinear(1)}, "E317", "no weights before its first call"),
    "a complex result": ({"f": lambda x: x + 1j}, "E326", "it gave a complex tensor (1,)"),
    "a closure": ({"f": lambda x: x * WEIGHT}, "E328", "`f` reads tensors that require gradients"),
    "no tensor": ({"f": lambda x: None}, "E326", "it gave None"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    extern, code, words = MISTAKES[name]
    with pytest.raises(DiagnosticError) as found:
        compiled(SCALAR, extern)(1.0)
    (diagnostic,) = found.value.diagnostics
    assert diagnostic.code == code and words in diagnostic.message


def test_a_mistake_inside_of_the_function_is_told_with_its_name():
    with pytest.raises(ZeroDivisionError) as found:
        compiled(SCALAR, {"f": lambda x: x / 0 if x.shape[0] < 0 else 1 // 0})(1.0)
    assert found.value.__notes__ == [
        "while calling the extern function `f` with (1,); a function f of one item is one of batches as "
        "`torch.func.vmap(f)`"
    ]


def test_a_function_of_one_item_is_told_how_it_takes_batches():
    text = "dim n; param a : R^n; extern f : R^n -> R; var x : R^n; minimize sumsq(x - a) + f(x)"
    one = lambda x: x.square().sum()  # noqa: E731
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    with pytest.raises(DiagnosticError, match="E326") as found:
        compiled(text, {"f": one})(a)
    assert "`torch.func.vmap(f)`" in found.value.diagnostics[0].hints[1]
    assert torch.allclose(compiled(text, {"f": torch.func.vmap(one)})(a), a / 2, atol=1e-9)


def test_the_cone_backend_says_that_it_calls_none():
    with pytest.raises(DiagnosticError, match="the cone backend calls no functions from outside, such as `f`"):
        compiled(SCALAR, {"f": torch.sin}, backend="cone")


def test_a_function_cut_off_from_its_arguments_is_refused():
    """Its slopes would be 0, and the start would be called a minimum."""
    text = "dim n; param x0 : R^n; extern f : R^n -> R; var x : R^n, start(x0); minimize f(x) + 0.5*sumsq(x - x0)"
    x0 = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for f in (torch.no_grad()(lambda x: x.sum(-1)), lambda x: x.detach().sum(-1)):
        layer = declarative.compile(declarative.parse(text), extern={"f": f})
        with pytest.raises(DiagnosticError, match="has no gradient for them"):
            layer(x0)
    constant = declarative.compile(declarative.parse(text), extern={"f": lambda x: x.new_ones(len(x))})
    assert torch.allclose(constant(x0), x0)
