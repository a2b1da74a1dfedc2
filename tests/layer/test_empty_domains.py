"""Problems that no point satisfies, though points as far away as numbers go nearly do: infeasible, and fast."""

import pytest
import torch

import declarative
from declarative import Status

EMPTY = [  # with c = (1, 0)
    "var x : R^2; maximize sum(log(c .* x)); subject to; sum(x) <= 1",
    "var x : R^2, nonneg; maximize sum(log(c .* x)); subject to; sum(x) <= 1",
    "var x : R^2; maximize sum(log(x)); subject to; x <= c",
    "var x : R^2; maximize sum(log(x)); subject to; sum(x) <= 1; x[0] == c[1]",
    "var x : R; maximize x; subject to; exp(x) <= c[1]",
    "var x : R^2; minimize x[0]; subject to; exp(x[0]) <= c[1]*x[1]; x[1] <= 1",
    "var x : R; minimize inv_pos(c[1]*x) + x",
    "var x : R; minimize inv_pos(x); subject to; x <= c[1]",
    "var x : R; minimize quad_over_lin(c[0], c[1]*x) + x^2",
    "var x : R^2; minimize sum(x); subject to; geo_mean(c .* x) >= 1",
    "var X : S^2, psd; maximize log_det(X); subject to; X[0,0] == c[1]; X[1,1] == 1",
    "var X : S^2, psd; maximize log_det(X); subject to; trace(X) <= c[1]",
    "var x : R; minimize kl_div(c[0], c[1]*x)",
    "var x : R; minimize rel_entr(c[0], x); subject to; x <= c[1]",
    "var x : R^3; minimize sum(x) + cvar(x - c[0], 0.6); subject to; geo_mean(x) >= c[0]; x[2] <= c[1]",
    "var x : R^3; minimize sum(inv_pos(x)) - log(geo_mean(x)); subject to; sum(x) >= 1; x[2] <= c[1]",
    "var x : R^3, nonneg; minimize sum(x) - log(geo_mean(x)) + sum(inv_pos(x)); subject to; x[2] <= c[1]",
]
NARROW = [  # with c = (1, r), and the value
    ("var x : R^2, nonneg; maximize sum(log(c .* x)); subject to; sum(x) <= 1", lambda r: (r / 4).log()),
    ("var x : R; maximize x; subject to; exp(x) <= c[1]", torch.log),
    ("var x : R; minimize inv_pos(x); subject to; x <= c[1]", lambda r: 1 / r),
]


def compiled(text: str, backend: str):
    text = "param c : R^2; " + text
    return declarative.compile(declarative.parse(text, name="domain"), backend=backend, on_failure="mask")


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("backend", ["auto", "cone"])
def test_what_no_point_satisfies_is_infeasible(text, backend):
    solution = compiled(text, backend).solve(torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert solution.status == Status.INFEASIBLE
    assert "to blame" in solution.messages[()]


@pytest.mark.parametrize(("text", "value"), NARROW)
@pytest.mark.parametrize("backend", ["auto", "cone"])
def test_a_little_room_is_enough(text, value, backend):
    r = torch.tensor([1e-3, 1e-9, 1e-20], dtype=torch.float64)
    solution = compiled(text, backend).solve(torch.stack([torch.ones_like(r), r], -1))
    assert (solution.status == Status.SOLVED).all()
    assert torch.allclose(solution.value, value(r), rtol=1e-6)


FAR = ["(x - 5e3)^2 + exp(-x)", "(x - 2e4)^2 + 1e-3*abs(x)", "-log(x) + 1e-4*x", "(x - 5e3)^2"]
ON_A_FACE = ["norm([c[0], c[1], c[2], y]) <= d", "norm([c[0], c[1], c[2], y]) <= d; [d, y; y, 1] in PSD"]


@pytest.mark.parametrize("objective", FAR)
@pytest.mark.parametrize("rows", ON_A_FACE)
@pytest.mark.parametrize("backend", ["auto", "cone"])
def test_what_holds_without_room_is_not_refuted_where_x_is_large(objective, rows, backend):
    text = f"param c : R^3; param d : R, nonneg; var x : R; var y : R; minimize {objective}; subject to; {rows}"
    layer = declarative.compile(declarative.parse(text, name="face"), backend=backend, on_failure="mask")
    c = torch.tensor([[3, 4, 0], [3, 0, 4], [1, 2, 2], [2, 3, 6]] * 3, dtype=torch.float64)
    more = torch.tensor([0, 1e-15, 1e-13], dtype=torch.float64).repeat_interleave(4)
    solution = layer.solve(c, torch.tensor([5, 5, 3, 7] * 3, dtype=torch.float64) * (1 + more))
    assert not (solution.status == Status.INFEASIBLE).any()


@pytest.mark.parametrize("rows", ["norm(y) <= d; y == c", "norm(y) <= d; c'*y >= d^2"])
@pytest.mark.parametrize("backend", ["auto", "cone"])
def test_zeros_in_the_data_of_a_cone_without_room(rows, backend):
    text = f"param c : R^3; param d : R, nonneg; var x : R; var y : R^3; minimize x^2; subject to; {rows}"
    layer = declarative.compile(declarative.parse(text, name="zeros"), backend=backend)
    c = torch.tensor([[3, 4, 0], [3, 0, 4], [3, 4, 1e-3], [5, 12, 0], [1, 2, 2]], dtype=torch.float64)
    solution = layer.solve(c, c.norm(dim=1))
    assert solution.solved.all()
    torch.testing.assert_close(solution["y"], c, rtol=1e-9, atol=1e-9)
