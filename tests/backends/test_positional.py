"""Autograd functions whose arguments are not bound: the same values and derivatives, with and without transforms."""

import torch
from torch import Tensor

from declarative.backends.positional import positional
from declarative.backends.push import differentiable


@positional
class Cube(torch.autograd.Function):
    """x^3, where the derivative of a constant argument is not asked for."""

    generate_vmap_rule = True

    @staticmethod
    def forward(name, x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[1])
        ctx.save_for_forward(inputs[1])

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return None, 3 * x**2 * g

    @staticmethod
    def jvp(ctx, _, move):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * move


def cube(x: Tensor) -> Tensor:
    return Cube.apply("cube", x)  # pyright: ignore[reportReturnType]


def test_value_and_gradient():
    x = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(cube(x).sum(), x)
    assert cube(x).tolist() == [1, -8] and gradient.tolist() == [3, 12]
    assert torch.autograd.gradgradcheck(cube, x)


def test_within_transforms():
    x = torch.tensor([1.0, -2.0], dtype=torch.float64)
    assert torch.func.vmap(torch.func.grad(cube))(x).tolist() == [3, 12]
    assert torch.func.jvp(cube, (x,), (torch.ones_like(x),))[1].tolist() == [3, 12]


def test_a_tensor_left_by_a_transform():
    left = []
    torch.func.grad(lambda x: (left.append(x), x)[1])(torch.tensor(2.0))
    assert cube(left[0]).item() == 8


def test_whether_a_derivative_may_be_asked_for():
    x, moving = torch.ones(2), torch.ones(2, requires_grad=True)
    asked = []
    torch.func.jvp(lambda t: (asked.append(differentiable((t,))), t)[1], (x,), (x,))
    torch.func.vmap(lambda t: (asked.append(differentiable((t,))), t)[1])(x)
    assert asked == [True, True]
    assert differentiable((x, moving)) and not differentiable((x,))
    with torch.no_grad():
        assert not differentiable((moving,))
