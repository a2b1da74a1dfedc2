"""What a layer keeps from call to call is never that of other data or other sizes."""

import pytest
import torch

import declarative


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_other_consts_in_the_place_of_old_ones(backend):
    """Tensors that come and go have the same place in memory, one after the other."""
    text = "dim n; const a : R^n; param b : R^n; var x : R^n; minimize sumsq(x - a - b); return x, twice = 2*a"
    layer = declarative.compile(declarative.parse(text, name="moved"), backend=backend, consts={"a": [0.0, 0.0]})
    zero = torch.zeros(2, dtype=torch.float64)
    for k in range(1, 6):
        layer.load_state_dict({"const.a": zero + k}, assign=True)
        assert torch.allclose(layer(zero).x, zero + k, atol=1e-9)
        out = torch.func.functional_call(layer, {"const.a": zero + 10 * k}, (zero,))
        assert torch.allclose(out.x, zero + 10 * k, atol=1e-8) and torch.equal(out.twice, zero + 20 * k)
    layer.get_buffer("const.a").fill_(-1.0)
    assert torch.allclose(layer(zero).x, zero - 1, atol=1e-9)


def test_consts_are_checked_and_made_symmetric_again_once_they_change():
    text = "const P : S^2, psd; param q : R^2; var x : R^2; minimize 1/2*quad(x, P) - q'*x; subject to; x >= 0"
    layer = declarative.compile(declarative.parse(text, name="c"), consts={"P": torch.eye(2)}, on_failure="mask")
    q = torch.ones(2, dtype=torch.float64)
    P = layer.get_buffer("const.P")
    for entry, answer in ((0.0, 1.0), (0.5, 1 / 1.5), (float("nan"), None), (0.5, 1 / 1.5), (2.0, None)):
        P[0, 1], P[1, 0] = entry, entry * (1 + 1e-8)
        for _ in range(2):
            x = layer(q)
            assert x.isnan().all() if answer is None else torch.allclose(x, torch.full_like(x, answer), atol=1e-6)


def test_explain_tells_of_the_last_call():
    layer = declarative.compile(declarative.parse("dim n; param y : R^n; var x : R^n; minimize sumsq(x - y)", name="s"))
    for n in (3, 4, 3):
        layer(torch.ones(n))
        assert f"{n} unknowns" in layer.explain()


def test_a_call_without_items_is_not_the_first_that_is_checked():
    problem = declarative.parse("param b : R, pos; var x : R; minimize (x - b)^2", name="checked")
    layer = declarative.compile(problem, check="first", on_failure="mask")
    assert layer(torch.zeros(0)).shape == (0,)
    assert layer(torch.tensor([-1.0, 2.0])).isnan().tolist() == [True, False]


def test_a_layer_made_without_gradients():
    with torch.inference_mode():
        problem = declarative.parse("const a : R; param b : R; var x : R; minimize (x - a - b)^2", name="made")
        layer = declarative.compile(problem, consts={"a": 1.0})
        assert float(layer(torch.tensor(2.0))) == 3.0
    b = torch.tensor(2.0, requires_grad=True)
    assert float(torch.autograd.grad(layer(b), b)[0]) == 1.0
