"""torch's recipe for an ensemble, `vmap` over `functional_call` of a stacked state, beside a loop over members."""

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

import declarative
from declarative import DiagnosticError

TEXT = """problem member
dim n
param y : R^n
const A : S^n, psd
learn g : R, pos
learn B : R^(n,n)
var x : R^n, nonneg
minimize 1/2*quad(x, A) + g*sumsq(x) - (B*y)'*x
return x, v = value
"""


class Net(nn.Module):
    def __init__(self, A: Tensor, backend):
        super().__init__()
        self.before = nn.Linear(2, 3, dtype=torch.float64)
        learn = {"g": torch.rand((), dtype=torch.float64) + 0.1, "B": torch.randn(3, 3, dtype=torch.float64)}
        self.layer = declarative.compile(declarative.parse(TEXT), consts={"A": A}, learn=learn, backend=backend)

    def forward(self, z: Tensor) -> Tensor:
        out = self.layer(self.before(z))
        return torch.cat([out.x, out.v[..., None]], -1)


def nets(differ: bool, backend) -> list[Net]:
    torch.manual_seed(0)
    return [Net((1.0 + k * differ) * torch.eye(3), backend) for k in range(3)]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize("differ", [False, True])
def test_an_ensemble_is_a_loop_over_its_members(differ: bool, backend):
    members, z = nets(differ, backend), torch.randn(4, 2, dtype=torch.float64)
    state, buffers = stack_module_state(members)  # pyright: ignore
    skeleton = copy.deepcopy(members[0]).to("meta")
    out = vmap(lambda own, held: functional_call(skeleton, (own, held), (z,)))(state, buffers)
    expected = torch.stack([member(z) for member in members])
    assert torch.allclose(out, expected, atol=1e-9)
    found = torch.autograd.grad(out.sin().sum(), list(state.values()))
    wanted = torch.autograd.grad(expected.sin().sum(), [t for member in members for t in member.parameters()])
    for k, slope in enumerate(found):
        assert torch.allclose(slope, torch.stack(wanted[k :: len(found)]), atol=1e-8)


def test_consts_of_a_call_are_those_of_its_gradient():
    """The pullback runs when `functional_call` is over, and the layer holds its own consts again."""
    layer = declarative.compile(
        declarative.parse("const a : R; param b : R; var x : R; minimize (x - a*b)^2"), consts={"a": 2}
    )
    three = {"const.a": torch.tensor(3.0, dtype=torch.float64)}
    b = torch.tensor([1.0, 4.0], dtype=torch.float64, requires_grad=True)
    out = vmap(lambda b: functional_call(layer, three, (b,)))(b)
    assert out.tolist() == pytest.approx([3.0, 12.0])
    assert torch.autograd.grad(out.sum(), b)[0].tolist() == pytest.approx([3.0, 3.0])
    assert vmap(grad(lambda b: functional_call(layer, three, (b,))))(b).tolist() == pytest.approx([3.0, 3.0])


def test_a_const_has_no_batch_and_no_gradient():
    layer = declarative.compile(
        declarative.parse("const a : R; param b : R; var x : R; minimize (x - a*b)^2"), consts={"a": 2}
    )
    several = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(DiagnosticError, match=r"E312\]: the const `a` is R, one for all items; this has shape \(2,\)"):
        functional_call(layer, {"const.a": several}, (1.0,))
    assert not functional_call(layer, {"const.a": several[1]}, (1.0,)).requires_grad


def test_a_function_that_calls_a_layer_is_refused_in_a_trace_whatever_the_layer_learns():
    layer = declarative.compile(declarative.parse("learn a : R, pos; param b : R; var x : R; minimize (x - a*b)^2"))
    with pytest.raises(DiagnosticError, match="E329"), warnings.catch_warnings(action="ignore"):
        torch.jit.trace(lambda b: 2 * layer(b), torch.ones(()))
