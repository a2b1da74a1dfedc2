"""Second derivatives of cone programs: closed forms, torch's own check in every order of modes, each kind of cone."""

import pytest
import torch
from backends.cone.programs import item_of, structure_of, tensors_of
from backends.cone.test_function import REGULAR
from torch import Tensor
from torch.autograd import gradgradcheck
from torch.func import hessian, jacfwd, jacrev

import declarative
from declarative.backends.cone.differentiate.function import solve_batch

PROGRAMS = {
    "norm": (
        "param y : R^3; param g : R, pos; var x : R^3; minimize sumsq(x - y)/2 + g*norm(x); return x, v = value",
        [[1.0, 2.0, -0.5], 0.7],
    ),
    "ball": (
        "param y : R^3; param r : R, pos; var x : R^3; minimize sumsq(x - y)/2; subject to; b: x in Ball(r)"
        "; return x, b.dual, v = value",
        [[1.0, 2.0, -0.5], 0.7],
    ),
    "entropy": (
        "param y : R^3; param t : R, pos; var p : R^3; maximize y'*p + t*sum(entr(p)); subject to; one: sum(p) == 1"
        "; return p, one.dual, v = value",
        [[1.0, 2.0, -0.5], 0.7],
    ),
    "correlation": (
        "param C : R^(3,3); var X : S^3; minimize sumsq(X - C); subject to; one: diag(X) == 1; c: X in PSD"
        "; return X, c.dual, v = value",
        [[[0.5, 1.4, -1.0], [1.0, 0.3, 1.2], [-0.8, 2.0, 0.1]]],
    ),
    "power": (
        "param y : R^3; var x : R^3; minimize sumsq(x - y)/2; subject to; c: (x[0], x[1], x[2]) in POW(0.3)"
        "; return x, c.dual, v = value",
        [[0.2, -0.1, 1.0]],
    ),
    "lasso": (
        "param A : R^(3,2); param b : R^3; param l : R, pos; var x : R^2; minimize sumsq(A*x - b) + l*norm1(x)",
        [[[1.0, 0.2], [0.3, 1.0], [-0.4, 0.6]], [1.0, -0.4, 0.1], 0.3],
    ),
}


def compiled(name: str):
    text, values = PROGRAMS[name]
    layer = declarative.compile(declarative.parse(text, name=name), backend="cone")
    inputs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]

    def function(*args: Tensor) -> tuple[Tensor, ...]:
        out = layer(*args)
        return tuple(out) if isinstance(out, tuple) else (out,)

    return function, inputs


@pytest.mark.parametrize("name", PROGRAMS)
def test_torchs_own_check_of_second_derivatives(name):
    function, inputs = compiled(name)
    assert gradgradcheck(function, inputs, eps=1e-5, atol=1e-6, rtol=1e-6, check_fwd_over_rev=True)


@pytest.mark.parametrize("name", ["norm", "entropy", "correlation"])
def test_modes_in_any_order_give_one_hessian(name):
    function, inputs = compiled(name)
    inputs = [t.detach() for t in inputs]
    loss = lambda t: sum(torch.sin(part).sum() for part in function(t, *inputs[1:]))  # noqa: E731
    first = hessian(loss)(inputs[0])
    for one, other in ((jacrev, jacrev), (jacrev, jacfwd)):
        assert torch.allclose(one(other(loss))(inputs[0]), first, rtol=1e-9, atol=1e-11)
    assert first.abs().max() > 1e-2


@pytest.mark.parametrize("name", ["nearest_correlation", "robust", "norms", "logistic", "geometric_mean", "powers"])
def test_the_derivative_of_the_gradient_with_respect_to_all_data(name):
    """Richardson's extrapolation of central differences of the gradient."""
    item = item_of(REGULAR[name])
    structure, data = structure_of(item), tensors_of(item)
    generator = torch.Generator().manual_seed(0)
    gx, gz, *moves = (
        torch.randn(1, width, generator=generator, dtype=torch.float64)
        for width in (structure.columns, item.cones.rows, *(d.shape[1] for d in data))
    )
    moves = [move * d.abs().mean() / (1 + d.shape[1]) for move, d in zip(moves, data, strict=True)]

    def gradient(*parts: Tensor) -> tuple[Tensor, ...]:
        parts = tuple(p.requires_grad_() for p in parts)
        x, z, _, _ = solve_batch(structure, *parts)
        return torch.autograd.grad((x * gx).sum() + (z * gz).sum(), parts, create_graph=True)

    start = tuple(d.clone().requires_grad_() for d in data)
    sideways = sum((g * m).sum() for g, m in zip(gradient(*start), moves, strict=True))
    found = torch.cat(torch.autograd.grad(sideways, start), 1)

    def slope(h: float) -> Tensor:
        ends = [torch.cat(gradient(*(d + s * m for d, m in zip(data, moves, strict=True))), 1) for s in (h, -h)]
        return (ends[0] - ends[1]).detach() / (2 * h)

    assert (found - (4 * slope(1e-4) - slope(2e-4)) / 3).norm() <= 1e-6 * found.norm()


def test_the_projection_onto_a_ball_has_a_known_hessian():
    """v(y) = (|y| - r)^2 / 2: I - r/|y| (I - uu')."""
    function, (y, r) = compiled("ball")
    found = hessian(lambda t: function(t, r.detach())[-1])(y.detach())
    u = (y / y.norm()).detach()
    expected = torch.eye(3).double() - r * (torch.eye(3) - torch.outer(u, u)) / y.norm()
    assert torch.allclose(found, expected.detach(), atol=1e-9)


def test_the_projection_onto_semidefinite_matrices_has_a_known_second_derivative():
    """X = max(C, 0): along H at C = diag(a, -b) the entry (1, 1) has the second derivative 2 h^2 b / (a + b)^2."""
    text = "param C : S^2; var X : S^2; minimize sumsq(X - C); subject to; X in PSD"
    layer = declarative.compile(declarative.parse(text, name="part"), backend="cone")
    a, b, h = 2.0, 0.5, 0.3
    C, H = torch.diag(torch.tensor([a, -b])).double(), torch.tensor([[0, h], [h, 0]]).double()
    second = jacfwd(jacrev(lambda t: layer(C + t * H)))(torch.tensor(0.0, dtype=torch.float64))
    scale = 2 * h**2 / (a + b) ** 2
    assert torch.allclose(second, scale * torch.tensor([[b, 0.0], [0.0, a]]).double(), atol=1e-9)


def test_a_batch_with_an_item_that_has_no_answer():
    text = "param y : R^2; param r : R; var x : R^2; minimize sumsq(x - y); subject to; norm(x) <= r"
    layer = declarative.compile(declarative.parse(text, name="disc"), backend="cone", on_failure="mask")
    y = torch.tensor([3.0, 1.0], dtype=torch.float64, requires_grad=True)
    r = torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64, requires_grad=True)

    def second(r: Tensor) -> tuple[Tensor, ...]:
        (first,) = torch.autograd.grad(layer(y, r).nan_to_num().pow(3).sum(), y, create_graph=True)
        return torch.autograd.grad(first.square().sum(), (y, r))

    whole, part = second(r), second(r.detach()[[0, 2]].requires_grad_())
    assert torch.allclose(whole[0], part[0], rtol=1e-10)
    assert torch.allclose(whole[1][[0, 2]], part[1], rtol=1e-10) and whole[1][1] == 0


def test_third_derivatives_are_refused_and_not_zero():
    function, (y, g) = compiled("norm")
    (first,) = torch.autograd.grad(function(y, g)[0].square().sum(), y, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), y, create_graph=True)
    with pytest.raises(NotImplementedError, match="third derivatives"):
        torch.autograd.grad(second.sum(), y)
    with pytest.raises(NotImplementedError, match="third derivatives"):
        jacrev(jacrev(jacrev(lambda t: function(t, g.detach())[0])))(y.detach())


def test_forward_mode_within_forward_mode_is_refused_and_not_zero():
    function, (y, g) = compiled("norm")
    with pytest.raises(NotImplementedError, match="jacfwd of jacrev"):
        jacfwd(jacfwd(lambda t: function(t, g.detach())[0]))(y.detach())
    item = item_of(REGULAR["norms"])
    structure, (P, q, A, b) = structure_of(item), tensors_of(item)
    with pytest.raises(NotImplementedError, match="jacfwd of jacrev"):
        jacfwd(jacfwd(lambda t: solve_batch(structure, P, t, A, b)[0].sum()))(q)
