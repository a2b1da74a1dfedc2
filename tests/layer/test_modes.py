"""`differentiate by`: each mode's derivative against its definition, computed in another way."""

import mpmath
import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.autograd.functional import jacobian

import declarative
from declarative import DiagnosticError

BOX = "param Q : S^3, pd; param q : R^3; var x : R^3, between(0, 1); minimize 1/2*quad(x, Q) + q'*x"
ROW = "; subject to; plane: sum(x) == 1"


def compiled(text: str, mode: str | None, **settings):
    return declarative.compile(declarative.parse(text, name="modes"), differentiate=mode, **settings)


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    """A solution inside the box, at its lower and at its upper side."""
    Q = torch.tensor([[2.0, 0.3, -0.2], [0.3, 1.5, 0.1], [-0.2, 0.1, 1.0]], dtype=torch.float64)
    return Q, torch.tensor([-1.0, 0.9, -1.8], dtype=torch.float64)


def descend(Q: Tensor, q: Tensor, x: Tensor, steps: int, step: float) -> Tensor:
    for _ in range(steps):
        x = (x - step * (Q @ x + q)).clamp(0, 1)
    return x


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_unroll_is_the_derivative_of_the_last_steps_of_projected_gradient(steps, data):
    Q, q = data
    layer = compiled(BOX, f"unroll({steps}, step = 0.3)")
    x = layer(Q, q)
    assert [float(v == 0) + float(v == 1) for v in x] == [0, 1, 1]
    for place, found in enumerate(jacobian(lambda Q, q: layer((Q + Q.mT) / 2, q), data)):
        expected = jacobian(lambda Q, q: descend((Q + Q.mT) / 2, q, x.detach(), steps, 0.3), data)[place]
        assert torch.allclose(found, expected, atol=1e-10)


def test_one_step_is_one_step_and_many_steps_are_the_implicit_derivative(data):
    def slope(mode: str | None) -> Tensor:
        return jacobian(lambda q: compiled(BOX + ROW, mode)(data[0], q), data[1])

    assert torch.allclose(slope("one_step(0.2)"), slope("unroll(1, 0.2)"), atol=1e-14)
    assert torch.allclose(slope("unroll(2000)"), slope(None), atol=1e-9)
    assert not torch.allclose(slope("one_step"), slope(None), atol=1e-3)


def on_the_path(cost: float, mu: float) -> float:
    """The minimiser of cost*x - mu*(log x + log(1 - x))."""
    return brentq(lambda x: cost - mu / x + mu / (1 - x), 1e-14, 1 - 1e-14, xtol=1e-15)  # pyright: ignore


@pytest.mark.parametrize("cost", [-0.4, 0.0, 0.7])
@pytest.mark.parametrize("mu", [1e-1, 1e-3])
def test_smooth_moves_the_vertex_of_a_linear_program(cost, mu):
    layer = compiled(
        "param c : R; var x : R, between(0, 1); minimize c*x; return x, up = x.upper.dual", f"smooth({mu})"
    )
    x = on_the_path(cost, mu)
    c = number(cost).requires_grad_()
    out = layer(c)
    if cost:
        assert float(out.x.detach()) == (cost < 0)  # the numbers are the solution's own
    slope = -1 / (mu / x**2 + mu / (1 - x) ** 2)
    assert float(torch.autograd.grad(out.x, c, retain_graph=True)[0]) == pytest.approx(slope, rel=1e-8)
    dual = torch.autograd.grad(out.up, c)[0]  # mu/(1 - x)
    assert float(dual) == pytest.approx(mu / (1 - x) ** 2 * slope, rel=1e-8)


def test_smooth_between_the_two_derivatives_of_a_weakly_active_bound():
    layer = compiled("param a : R; var x : R, nonneg; minimize (x - a)^2/2", "smooth(1e-6)")
    slopes = [float(jacobian(layer, number(a))) for a in (-0.1, 0.0, 0.1)]
    assert slopes == pytest.approx([0, 0.5, 1], abs=2e-4)


def test_smooth_of_a_program_with_rows_against_differences_of_the_barrier_problem(data):
    mu = 0.02
    text = BOX + ROW + "; cap: x[0] + 2*x[2] <= 1.2"
    Q, q = data
    found = jacobian(lambda q: compiled(text, f"smooth({mu})")(Q, q), q)
    barrier = (
        "param Q : S^3, pd; param q : R^3; var x : R^3, start([1/3, 1/3, 1/3]); "
        f"minimize 1/2*quad(x, Q) + q'*x - {mu}*(sum(log(x)) + sum(log(1 - x)) + log(1.2 - x[0] - 2*x[2]))" + ROW
    )
    h = 1e-5
    for k in range(3):
        e = h * torch.eye(3, dtype=torch.float64)[k]
        up, down = (compiled(barrier, None)(Q, q + s * e) for s in (1, -1))
        assert torch.allclose(found[:, k], (up - down) / (2 * h), atol=1e-7)


def test_smooth_has_derivatives_forward_and_of_second_order(data):
    layer = compiled(BOX + ROW, "smooth(0.05)")
    Q, q = data
    assert torch.autograd.gradcheck(lambda q: jacobian(lambda p: layer(Q, p), q, create_graph=True), q.requires_grad_())
    direction = torch.ones(3, dtype=torch.float64)
    pushed = torch.func.jvp(lambda q: layer(Q, q), (q.detach(),), (direction,))[1]
    assert torch.allclose(pushed, jacobian(lambda q: layer(Q, q), q) @ direction, atol=1e-12)


@pytest.mark.parametrize("mode", ["unroll(3)", "smooth(1e-2)"])
def test_modes_of_a_batch_with_an_item_without_an_answer(mode):
    text = "param a : R; param b : R; var x : R; minimize (x - b)^2 + exp(x); subject to; x >= a; x <= 1"
    layer = compiled(text, mode, on_failure="mask")
    a = torch.tensor([0.5, 2.0, -1.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([1.0, 1.0, 3.0], dtype=torch.float64, requires_grad=True)
    x = layer(a, b)
    grads = torch.autograd.grad(x.nansum(), (a, b))
    for item in (0, 2):
        own = [t[item].detach().requires_grad_() for t in (a, b)]
        alone = torch.autograd.grad(layer(*own), own)
        assert torch.allclose(torch.stack([g[item] for g in grads]), torch.stack(alone), atol=1e-10)
    assert x[1].isnan() and grads[0][1] == 0 and grads[1][1] == 0


def test_the_gradient_of_value_is_exact_in_every_mode(data):
    text = BOX + ROW + "; return v = value"
    exact = jacobian(lambda q: compiled(text, None)(data[0], q), data[1])
    for mode in ("one_step", "unroll(3)", "smooth(0.1)"):
        assert torch.allclose(
            jacobian(lambda q, mode=mode: compiled(text, mode)(data[0], q), data[1]), exact, atol=1e-12
        )


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_none_gives_numbers_only(backend, data):
    x = compiled(BOX, "none", backend=backend)(data[0], data[1].requires_grad_())
    assert not x.requires_grad and torch.allclose(x, compiled(BOX, None)(*data), atol=1e-9)


def test_a_mode_stands_in_the_text_and_is_printed_back(data):
    text = BOX.replace("; ", "\n") + "\ndifferentiate by unroll(2, step = 0.3)\n"
    problem = declarative.parse(text, name="modes")
    assert declarative.parse(str(problem), name="modes") == problem and "unroll(2, step = 0.3)" in str(problem)
    own, given = declarative.compile(problem), compiled(BOX, "unroll(2, step = 0.3)")
    slopes = [jacobian(lambda q, layer=layer: layer(data[0], q), data[1]) for layer in (own, given)]
    assert torch.equal(*slopes)


WRONG = {
    "unroll(0)": "positive whole number",
    "unroll(2.5)": "positive whole number",
    "smooth(mu = -1)": "positive number",
    "smooth(mu = inf)": "finite number",
    "smooth(1, 2)": "takes `mu`",
    "smooth(1, mu = 2)": "takes `mu`",
    "one_step(length = 2)": "not `length`",
    "implicit(3)": "takes no settings",
    "smoth": "did you mean `smooth`",
    "unroll(": "never closed",
}


@pytest.mark.parametrize("mode", WRONG)
def test_a_mode_that_cannot_be_is_refused(mode):
    with pytest.raises(DiagnosticError) as refusal:
        compiled(BOX, mode)
    assert WRONG[mode] in str(refusal.value)


def test_the_cone_backend_says_which_modes_it_has():
    with pytest.raises(DiagnosticError, match="not by `one_step`") as refusal:
        compiled("param y : R^3; var x : R^3; minimize norm(x - y) + sumsq(x)", "one_step", backend="cone")
    assert [d.code for d in refusal.value.diagnostics] == ["E322"]


def test_a_flow_whose_equations_depend_on_each_other_is_smoothed_as_without_the_last_of_them():
    M = torch.tensor([[1, 1, 0, 0, 0], [-1, 0, 1, 1, 0], [0, -1, -1, 0, 1], [0, 0, 0, -1, -1]], dtype=torch.float64)
    b = torch.tensor([1, 0, 0, -1], dtype=torch.float64)
    w = torch.tensor([1, 2, 0.5, 2, 1], dtype=torch.float64, requires_grad=True)
    text = "dim v, e; param M : R^(v,e); param b : R^v; param w : R^e; var f : R^e, between(0, 1); minimize w'*f"
    layer = declarative.compile(
        declarative.parse(f"{text}; subject to; M*f == b", name="path"), differentiate="smooth(mu = 1e-2)"
    )
    slopes = [torch.autograd.grad((layer(M[:k], b[:k], w) ** 2).cumsum(-1).sum(), w)[0] for k in (3, 4)]
    assert torch.allclose(*slopes, rtol=1e-9, atol=1e-12) and slopes[0].abs().max() > 0.1


def test_smooth_has_second_derivatives_where_equations_depend_on_each_other():
    """A flow through a square: its four balances sum to 0."""
    text = "param c : R^4; param M : R^(4,4); param b : R^4; var f : R^4, nonneg; minimize c'*f; subject to; M*f == b"
    layer = compiled(text, "smooth(1e-2)")
    M = torch.tensor([[1, 1, 0, 0], [-1, 0, 1, 0], [0, -1, 0, 1], [0, 0, -1, -1]], dtype=torch.float64)
    b = torch.tensor([1.0, 0, 0, -1], dtype=torch.float64)
    c = torch.tensor([0.5, 0.52, 0.4, 0.39], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda c: layer(c, M, b), c)


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e11])
def test_smooth_without_inequalities_is_the_derivative_itself_in_any_units(scale):
    """dx[2]/db[2] of an equation in other units, and dx[0]/da[0] beside sum(x) == 1."""
    small = (
        "param b : R^3; param c : R; var x : R^4; minimize c*sumsq(x)/2; subject to; x[0] == b[0]; 1e-6*x[2] == b[2]"
    )
    b = torch.tensor([1, 2, 3e-6], dtype=torch.float64, requires_grad=True)
    x = compiled(small, "smooth(mu = 1e-3)")(b, number(scale))
    assert float(torch.autograd.grad(x[2], b)[0][2]) == pytest.approx(1e6, rel=1e-9)
    near = "param a : R^4; param c : R; var x : R^4; minimize c*sumsq(x - a)/2; subject to; sum(x) == 1"
    a = torch.tensor([0.1, 0.5, -0.3, 0.2], dtype=torch.float64, requires_grad=True)
    x = compiled(near, "smooth(mu = 1e-3)")(a, number(scale))
    assert float(torch.autograd.grad(x[0], a)[0][0]) == pytest.approx(0.75, rel=1e-9)


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6])
def test_smooth_by_a_place_where_nothing_flows_in_any_units(unit):
    """1 - t goes from s to v directly, and t by a place between; their three balances sum to 0. t is the root of
    d - 2 mu/t + mu/(1 - t) with d = c[1] + c[2] - c[0].
    """
    text = "param c : R^3; param M : R^(3,3); param b : R^3; var f : R^3, nonneg; minimize c'*f; subject to; M*f == b"
    mu, M = 1e-3, torch.tensor([[1, 1, 0], [0, -1, 1], [-1, 0, -1]], dtype=torch.float64)
    c = (unit * torch.tensor([0.2, 0.7, 0.4], dtype=torch.float64)).requires_grad_()
    f = compiled(text, f"smooth({mu})")(c, M, torch.tensor([1, 0, -1], dtype=torch.float64))
    d = 0.9 * unit
    t = 4 * mu / (d + 3 * mu + ((d + 3 * mu) ** 2 - 8 * d * mu) ** 0.5)
    slope = -1 / (2 * mu / t**2 + mu / (1 - t) ** 2)
    assert torch.autograd.grad(f[1], c)[0].tolist() == pytest.approx([-slope, slope, slope], rel=1e-8, abs=0)


def test_smooth_of_an_item_off_the_central_path_does_not_spoil_what_the_batch_shares():
    """Its slacks would be 1e-15 beside flows of 1; it is differentiated implicitly, as it is by itself."""
    text = "param c : R^2; param a : R^2; var f : R^2, nonneg; minimize c'*f; subject to; a'*f == 1"
    layer = compiled(text, "smooth(1e-6)")
    c = torch.tensor([[0.2, 0.7], [2e11, 7e11]], dtype=torch.float64, requires_grad=True)
    a = torch.ones(2, dtype=torch.float64, requires_grad=True)
    with pytest.warns(UserWarning, match="1 of 2 items have no point on the central path"):
        whole = torch.autograd.grad(layer(c, a)[:, 0].sum(), (c, a))
    alone = torch.autograd.grad(layer(c[0], a)[0], (c, a))
    assert torch.allclose(whole[0], alone[0], rtol=1e-9, atol=0)
    assert torch.allclose(whole[1], alone[1] + torch.tensor([-1, 0]), rtol=1e-9, atol=1e-12)


def test_smooth_has_second_derivatives_by_any_transforms():
    """x = mu/q of min q'x over x >= 0; jacobians map over views that show the data of one item to all."""
    layer = compiled("param q : R^2; var x : R^2, nonneg; minimize q'*x", "smooth(0.1)")
    q = torch.tensor([0.3, 0.9], dtype=torch.float64)
    wanted = torch.diag(0.2 / q**3)
    for outer in (torch.func.jacrev, torch.func.jacfwd):
        for inner in (torch.func.jacrev, torch.func.jacfwd):
            assert torch.allclose(outer(inner(lambda q: layer(q).sum()))(q), wanted, rtol=1e-8)


@pytest.mark.parametrize("mu", [1e-3, 1e-6, 1e-9])
def test_smooth_of_two_arcs_in_any_units(mu):
    """On the central path mu/x[0] - mu/x[1] = c[0] - c[1] =: d; x[0] is a root of d x^2 - (d b + 2 mu) x + mu b."""
    layer = compiled("param c : R^2; param b : R; var x : R^2, nonneg; minimize c'*x; subject to; sum(x) == b",
                     f"smooth({mu})", backend="kkt")  # fmt: skip
    cases = [(1 + d, 1.0, b) for b in (1.0, 1e3, 1e5) for d in (1.0, 1e-3, 1e-6, 0.0)]
    c0, c1, b = torch.tensor(cases, dtype=torch.float64).unbind(-1)
    c, total = torch.stack([c0, c1], -1).requires_grad_(), b.clone().requires_grad_()
    of_c, of_b = torch.autograd.grad(layer(c, total)[:, 0].sum(), (c, total))
    with mpmath.workdps(50):
        for k, case in enumerate(zip(c0.tolist(), c1.tolist(), b.tolist(), strict=True)):
            high, low, whole = map(mpmath.mpf, case)
            d, half = high - low, (high - low) * whole + 2 * mu
            x = 2 * mu * whole / (half + mpmath.sqrt(half * half - 4 * d * mu * whole))
            here, there = mu / x**2, mu / (whole - x) ** 2
            assert of_c[k].tolist() == pytest.approx([-1 / (here + there), 1 / (here + there)], rel=1e-13)
            assert of_b[k].item() == pytest.approx(there / (here + there), rel=1e-13)
