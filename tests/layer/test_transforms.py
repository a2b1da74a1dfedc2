"""Layers inside torch.func's transforms, one inside another, and inside torch.compile: what a loop over items gives."""

import warnings
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian as reference_hessian
from torch.autograd.functional import jacobian as reference_jacobian
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vmap
from torch.utils.checkpoint import checkpoint

import declarative
from declarative import DiagnosticError

PROGRAMS = {
    "quadratic": "minimize sumsq(x - y)/t; subject to; one: sum(x) == 1; x >= 0; return x, v = value, one.dual",
    "smooth": "minimize sumsq(x - y) + t*sum(exp(x)); subject to; one: sum(x) == 1; return x, v = value, one.dual",
    "conic": "minimize sumsq(x - y) + t*norm(x)/5; subject to; one: sum(x) == 1; return x, v = value, one.dual",
}
RUNS = [("quadratic", "kkt"), ("smooth", "kkt"), ("conic", "cone")]
SECOND_ORDER = RUNS


def compiled(name: str, backend: str):
    text = f"param y : R^3; param t : R, pos; var x : R^3; {PROGRAMS[name]}"
    return declarative.compile(declarative.parse(text, name=name), backend=backend)


def total(layer, y: Tensor, t: Tensor | float = 1.0) -> Tensor:
    """A scalar of all outputs, duals and value among them."""
    x, v, dual = layer(y, t)
    return x.square().sum() + v.sum() * 0.3 + dual.sin().sum()


@pytest.fixture
def data() -> Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_vmap_is_a_loop(name, backend, data):
    layer = compiled(name, backend)
    items = zip(*(layer(y, 1.0) for y in data), strict=True)
    for whole, parts in zip(vmap(layer, (0, None))(data, 1.0), items, strict=True):
        assert torch.allclose(whole, torch.stack(parts), atol=1e-12)
    columns = vmap(lambda y: layer(y, 1.0).x, 1, out_dims=1)(data.mT)
    assert torch.allclose(columns, layer(data, 1.0).x.mT, atol=1e-12)


@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_the_mapped_axis_joins_the_batch_of_a_call(name, backend, data):
    layer, t = compiled(name, backend), torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)
    mapped = vmap(lambda t: layer(data, t).x)(t)  # data (4, 3) is the same for each t ()
    assert torch.allclose(mapped, layer(data, t[:, None]).x, atol=1e-12)
    twice = vmap(vmap(lambda y, t: layer(y, t).x, (0, None)), (None, 0))(data, t)
    assert torch.allclose(twice, mapped, atol=1e-12)


FIRST = {
    "gradients of items": lambda f: vmap(grad(f)),
    "gradient of a mapped sum": lambda f: grad(lambda Y: vmap(f)(Y).sum()),
    "reverse Jacobians": lambda f: vmap(jacrev(f)),
    "two maps": lambda f: lambda Y: vmap(vmap(grad(f)))(Y.reshape(2, 2, 3)).reshape(4, 3),
    "a map inside autograd": lambda f: (
        lambda Y: torch.autograd.grad(vmap(f)(Z := Y.clone().requires_grad_()).sum(), Z)[0]
    ),
}


@pytest.mark.parametrize("way", FIRST)
@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_first_derivatives_inside_maps(name, backend, way, data):
    layer = compiled(name, backend)
    expected = torch.stack([reference_jacobian(lambda y: total(layer, y), y) for y in data])
    assert torch.allclose(FIRST[way](lambda y: total(layer, y))(data), expected, atol=1e-10)


@pytest.mark.parametrize(("name", "backend"), SECOND_ORDER)
def test_forward_jacobians_inside_maps(name, backend, data):
    layer = compiled(name, backend)
    expected = torch.stack([reference_jacobian(lambda y: total(layer, y), y) for y in data])
    assert torch.allclose(vmap(jacfwd(lambda y: total(layer, y)))(data), expected, atol=1e-10)


def entry(function, k: int, y: Tensor) -> Tensor:
    return function(y)[k]


SECOND = {
    "reverse over reverse": lambda f: jacrev(jacrev(f)),
    "forward over reverse": hessian,
    "gradients of gradients": lambda f: lambda y: torch.stack([grad(partial(entry, grad(f), k))(y) for k in range(3)]),
    "mapped": lambda f: lambda y: vmap(hessian(f))(y[None])[0],
}


@pytest.mark.parametrize("way", SECOND)
@pytest.mark.parametrize(("name", "backend"), SECOND_ORDER)
def test_second_derivatives_by_transforms(name, backend, way, data):
    layer = compiled(name, backend)
    expected = reference_hessian(lambda y: total(layer, y), data[0])
    assert torch.allclose(SECOND[way](lambda y: total(layer, y))(data[0]), expected, atol=1e-9)


def test_gradients_of_what_is_shared_are_items_own_inside_a_map(data):
    layer = compiled("quadratic", "kkt")
    own = vmap(grad(lambda t, y: total(layer, y, t)), (None, 0))(torch.tensor(2.0, dtype=torch.float64), data)
    t = torch.full((4,), 2.0, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(own, torch.autograd.grad(total(layer, data, t), t)[0], atol=1e-10)


def test_a_direction_is_pushed_through_a_map(data):
    layer = compiled("smooth", "kkt")
    direction = torch.ones_like(data)
    found = jvp(lambda Y: vmap(lambda y: layer(y, 1.0).x)(Y), (data,), (direction,))[1]
    assert torch.allclose(found, jvp(lambda Y: layer(Y, 1.0).x, (data,), (direction,))[1], atol=1e-10)


def test_an_ensemble_of_learned_parameters(data):
    text = "param y : R^3; learn a : R^3, pos; var x : R^3; minimize sum(a[i]*(x[i] - y[i])^2 for i in 3) + sumsq(x)"
    problem = declarative.parse(text, name="shrink")
    layers = [declarative.compile(problem, learn={"a": torch.full((3,), float(k + 1)).double()}) for k in range(2)]
    parameters, buffers = stack_module_state(layers)  # pyright: ignore

    def loss(own: dict[str, Tensor]) -> Tensor:
        return functional_call(layers[0], (own, buffers), (data,)).square().sum()

    found = vmap(grad(loss))(parameters)["learn.a"]
    for layer, gradient in zip(layers, found, strict=True):
        (expected,) = torch.autograd.grad(layer(data).square().sum(), layer.learn.a)
        assert torch.allclose(gradient, expected, atol=1e-10)


def test_an_item_without_an_answer_spoils_no_map():
    problem = declarative.parse("param a : R; var x : R; minimize (x - 3)^2; subject to; x <= a; x >= 0", name="part")
    layer = declarative.compile(problem, on_failure="mask")
    a = torch.tensor([0.5, 2.0, -1.0], dtype=torch.float64)
    assert torch.allclose(vmap(layer)(a), torch.tensor([0.5, 2.0, torch.nan]).double(), equal_nan=True, atol=1e-12)
    assert torch.allclose(vmap(grad(layer))(a), torch.tensor([1.0, 1.0, 0.0]).double(), atol=1e-12)


def test_solve_inside_a_map_says_what_to_do(data):
    with pytest.raises(DiagnosticError, match="call the layer itself"):
        vmap(lambda y: compiled("quadratic", "kkt").solve(y, 1.0).x)(data)


@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_torch_compile_runs_a_layer_as_it_is(name, backend, data):
    layer = compiled(name, backend)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.layer = torch.nn.Linear(3, 3).double(), layer

        def forward(self, y: Tensor) -> Tensor:
            return self.layer(self.linear(y).tanh(), 1.0).x.sum(-1).exp()

    net = Net()
    torch.compiler.reset()
    fast = torch.compile(net, backend="aot_eager")
    slopes = []
    for module in (net, fast):
        net.zero_grad()
        out = module(data)
        out.square().sum().backward()
        slopes.append((out.detach(), net.linear.weight.grad.clone()))  # pyright: ignore[reportOptionalMemberAccess]
    for a, b in zip(*slopes, strict=True):
        assert torch.allclose(a, b, atol=1e-12)


def test_a_first_call_inside_a_transform_leaves_nothing_of_it_behind():
    text = "param y : S^2; param l : R, pos = 0.5; var X : S^2; minimize sumsq(X - y) + l*sum(abs(X[i,i]) for i in 2)"
    text += "\nsubject to\n  low: X[0,1] >= 0.1\n  order: X[0,0] <= X[1,1]"
    layer = declarative.compile(declarative.parse(text, name="first"))
    y = torch.tensor([[1.0, 0.2], [0.2, 2.0]], dtype=torch.float64, requires_grad=True)
    inside = torch.func.grad(lambda t: layer(t).sum())(y.detach())
    layer(y).sum().backward()
    torch.testing.assert_close(y.grad, inside)
    assert set(layer.solve(y).duals) == {"low", "order"}


@pytest.mark.parametrize(
    "outer", [lambda f: vmap(grad(f)), lambda f: vmap(hessian(f)), lambda f: vmap(jacfwd(grad(f)))]
)
@pytest.mark.parametrize("mode", ["implicit", "one_step", "smooth", "none"])
def test_results_of_transforms_are_plain_numbers(outer, mode, data):
    """They belong to no graph of torch's, and outputs that nothing moves do no harm."""
    text = "const c : R^3 = 2; param y : R^3; var x : R^3, nonneg; minimize sumsq(x - y); return x, c"
    layer = declarative.compile(declarative.parse(text, name="fixed"), differentiate=mode)
    found = outer(lambda y: (layer(y).x * layer(y).c).square().sum())(data)
    assert not found.requires_grad and (mode != "none" or not found.any())


JACOBIANS = [jacfwd, jacrev, lambda f: vmap(jacfwd(f)), lambda f: vmap(jacrev(f))]


@pytest.mark.parametrize("way", JACOBIANS)
@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_jacobians_of_a_layer_itself(name, backend, way, data):
    layer = compiled(name, backend)
    found = way(lambda y: tuple(layer(y, 1.0)))(data)
    for k, whole in enumerate(reference_jacobian(lambda y: tuple(layer(y, 1.0)), data)):
        own = torch.stack([whole[i, ..., i, :] for i in range(len(data))])
        assert torch.allclose(found[k], whole if found[k].dim() == whole.dim() else own, atol=1e-10)


@pytest.mark.parametrize("way", JACOBIANS)
@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_no_backward_mode_is_no_derivative_in_any_transform(name, backend, way, data):
    text = f"param y : R^3; param t : R, pos; var x : R^3; {PROGRAMS[name]}"
    layer = declarative.compile(declarative.parse(text, name=name), backend=backend, differentiate="none")
    assert not any(part.any() for part in way(lambda y: tuple(layer(y, 1.0)))(data))


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("objective", ["sumsq(x - y)", "sumsq(x - y) + sum(exp(x))"])
def test_checkpoints(backend, objective):
    text = f"dim n; param y : R^n; var x : R^n, simplex; minimize {objective}; return x, v = value"
    layer = declarative.compile(declarative.parse(text), backend=backend)
    y = torch.tensor([1.0, 0.5, 0.2], dtype=torch.float64, requires_grad=True)
    slopes = []
    for outputs in (layer(y), checkpoint(layer, y, use_reentrant=False)):
        slopes += torch.autograd.grad(outputs[0][0] + outputs[1], y)
    assert torch.equal(*slopes)


@pytest.mark.parametrize("called_before", [False, True])
def test_a_layer_in_a_trace_is_refused(called_before: bool, data: Tensor):
    layer = compiled("quadratic", "kkt")
    if called_before:
        layer(data, 1.0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 3, dtype=torch.float64), OneOutput(layer))
    with pytest.raises(DiagnosticError, match=r"(?s)E329.*torch.compile"), warnings.catch_warnings(action="ignore"):
        torch.jit.trace(net, data)
    with pytest.raises(Exception, match=r"(?s)E329.*torch.compile"):
        torch.export.export(net, (data,), strict=False)


class OneOutput(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, y: Tensor) -> Tensor:
        return self.layer(y, 1.0)[0]


def test_what_a_second_backend_prepares_in_a_transform_or_in_inference_serves_later_calls():
    """The smooth program is infeasible where b < 0, which the cone backend is asked about too."""
    text = "param q : R^2; param b : R; var x : R^2, nonneg; minimize sum(exp(x)) - 10*q'*x; subject to; sum(x) == b"
    q, b = torch.tensor([1.0, 0.5], dtype=torch.float64), torch.tensor([-1.0, 9.0], dtype=torch.float64)
    for first in ("transform", "inference"):
        layer = declarative.compile(declarative.parse(text), on_failure="mask")
        if first == "transform":
            assert (jacrev(lambda q, layer=layer: layer(q, b[0]))(q) == 0).all()
        else:
            with torch.inference_mode():
                assert layer(q, b[0]).isnan().all()
        at = q.clone().requires_grad_()
        x = layer(at, b)
        slope = 10 / float(x[1].detach().exp().sum())
        assert torch.autograd.grad(x[:, 0].nansum(), at)[0].tolist() == pytest.approx([slope, -slope], rel=1e-8)
