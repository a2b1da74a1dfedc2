"""torch's own check of gradients, first and second, over every input of a layer at once."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import declarative

BOX = "param y : R^3; param r : R, pos; var x : R^3; minimize sumsq(x - y) + r*x[0]*x[1]/4; subject to; s: sum(x) == r"
PROGRAMS = {
    "equality": (BOX + "; return x, s.dual, v = value", [[1.0, 2.0, -0.5], 1.5]),
    "active": (BOX + "; low: x >= 0; return x, s.dual, low.dual, v = value", [[1.0, 2.0, -0.5], 1.5]),
    "lasso": (
        "param A : R^(3,2); param b : R^3; param l : R, pos; var x : R^2; minimize sumsq(A*x - b) + l*norm1(x)",
        [[[1.0, 0.2], [0.3, 1.0], [-0.4, 0.6]], [1.0, -0.4, 0.1], 0.3],
    ),
    "entropy": (
        "param y : R^3; param t : R, pos; var p : R^3; maximize y'*p + t*sum(entr(p)); subject to; one: sum(p) == 1",
        [[1.0, 2.0, -0.5], 0.7],
    ),
    "ball": (
        "param H : R^(2,2); param g : R^2; param r : R, pos; var s : R^2"
        "; minimize s'*H*s/2 + g'*s; subject to; b: s'*s <= r^2; return s, b.dual, v = value",
        [[[1.0, 0.5], [0.3, -1.0]], [1.0, 0.3], 1.2],
    ),
    "curve": (
        "param t : R^4; param y : R^4; var a : R, start(1); var b : R, start(-1)"
        "; minimize sum((y[i] - a*exp(b*t[i]))^2 for i in 4)",
        [[0.1, 0.5, 1.0, 1.6], [2.0, 1.4, 0.9, 0.7]],
    ),
}


def outputs_of(name: str, **settings):
    text, values = PROGRAMS[name]
    layer = declarative.compile(declarative.parse(text, name=name), **settings)
    inputs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]

    def function(*args):
        out = layer(*args)
        return tuple(out) if isinstance(out, tuple) else out

    return function, inputs


@pytest.mark.parametrize("name", PROGRAMS)
def test_first_derivatives(name):
    function, inputs = outputs_of(name)
    assert gradcheck(function, inputs, eps=1e-5, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["active", "lasso", "entropy"])
def test_first_derivatives_of_the_cone_backend(name):
    text, values = PROGRAMS[name]
    text = text.replace(" + r*x[0]*x[1]/4", "")
    layer = declarative.compile(declarative.parse(text, name=name), backend="cone")
    inputs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]

    def function(*args):
        out = layer(*args)
        return tuple(out) if isinstance(out, tuple) else out

    assert gradcheck(function, inputs, eps=1e-5, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["equality", "active", "entropy", "ball"])
def test_second_derivatives(name):
    function, inputs = outputs_of(name)
    assert gradgradcheck(function, inputs, eps=1e-5, atol=1e-5, rtol=1e-5)
