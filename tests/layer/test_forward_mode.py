"""Forward mode beside finite differences, and layers that several threads call at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad

import declarative

PROGRAMS = {
    "quadratic": "minimize sumsq(x - y); subject to; one: sum(x) == 1; x >= 0; return x, v = value, one.dual",
    "smooth": "minimize sumsq(x - y) + sum(exp(x)); subject to; one: sum(x) == 1; return x, v = value, one.dual",
    "conic": "minimize sumsq(x - y) + norm(x)/5; subject to; one: sum(x) == 1; return x, v = value, one.dual",
}
RUNS = [("quadratic", "kkt"), ("quadratic", "cone"), ("smooth", "kkt"), ("smooth", "cone"), ("conic", "cone")]


def compiled(name: str, backend: str):
    return declarative.compile(
        declarative.parse(f"param y : R^3; var x : R^3; {PROGRAMS[name]}", name=name), backend=backend
    )


def by_func(function, y: Tensor, direction: Tensor) -> tuple[Tensor, ...]:
    return torch.func.jvp(lambda t: tuple(function(t)), (y,), (direction,))[1]


def by_levels(function, y: Tensor, direction: Tensor) -> list[Tensor]:
    with forward_ad.dual_level():
        return [forward_ad.unpack_dual(out).tangent for out in function(forward_ad.make_dual(y, direction))]


@pytest.mark.parametrize("forward", [by_func, by_levels])
@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_forward_mode_agrees_with_central_differences(name, backend, forward):
    layer, h = compiled(name, backend), 1e-5
    y = torch.tensor([1.0, 0.4, -0.7], dtype=torch.float64)
    direction = torch.tensor([0.1, 0.2, -0.3], dtype=torch.float64)
    found = forward(layer, y, direction)
    for up, down, slope in zip(layer(y + h * direction), layer(y - h * direction), found, strict=True):
        assert torch.allclose(slope, (up - down) / (2 * h), atol=1e-8)


@pytest.mark.parametrize(("name", "backend"), RUNS)
def test_a_layer_is_called_by_threads(name, backend):
    layer = compiled(name, backend)
    data = torch.randn(8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def slope(y: Tensor) -> Tensor:
        y = y.clone().requires_grad_()
        return torch.autograd.grad(layer(y).x.square().sum(), y)[0]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(slope, data))
    for y, gradient in zip(data, found, strict=True):
        assert torch.allclose(gradient, slope(y), atol=1e-12)
