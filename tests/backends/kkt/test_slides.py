"""Where rows depend on each other, no point is called solved that is not a minimum along them, and minima are found."""

import pytest
import torch

import declarative

CIRCLE = """
param a : R^2
var x : R^2
maximize a'*x
subject to
  one: x'*x == 1
  two: x[0]*(x'*x) == x[0]
"""
SPHERE = """
param a : R^3
var x : R^3
maximize a'*x
subject to
  x'*x == 1
  x[0]*(x'*x) == x[0]
  x[1]*(x'*x) == x[1]
"""
ROTATION = """
param H : R^(3,3)
var R : R^(3,3), orthonormal
maximize sum(H .* R)
subject to
  right: R[0,0]*R[1,1] - R[0,1]*R[1,0] == R[2,2]
  right2: R[0,1]*R[1,2] - R[0,2]*R[1,1] == R[2,0]
  right3: R[0,2]*R[1,0] - R[0,0]*R[1,2] == R[2,1]
"""
MINORS = ["(R[1,1]*R[2,2] - R[1,2]*R[2,1])", "(R[1,0]*R[2,2] - R[1,2]*R[2,0])", "(R[1,0]*R[2,1] - R[1,1]*R[2,0])"]
DETERMINANT = f"""
param H : R^(3,3)
var R : R^(3,3), orthonormal
maximize sum(H .* R)
subject to
  R[0,0]*{MINORS[0]} - R[0,1]*{MINORS[1]} + R[0,2]*{MINORS[2]} == 1
"""
TANGENT = """
param a : R^3
var x : R^3, start([0.6, 0.8, 0.1])
minimize sumsq(x - a)
subject to
  cylinder: x[0]^2 + x[1]^2 == 1
  sphere: sumsq(x) == 1
"""
SADDLES = [58, 70, 111, 116, 243, 254]


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def solved(text: str, data: torch.Tensor):
    return declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask").solve(data)


def test_a_circle_said_twice():
    """The gradients of the rows are parallel everywhere on it; at x_0 = 0 one of them vanishes."""
    t = torch.linspace(0, 6.28, 63, dtype=torch.float64)
    a = torch.stack([t.cos(), t.sin()], -1).requires_grad_()
    solution = solved(CIRCLE, a)
    assert solution.solved.all() and solution.degenerate.all()
    torch.testing.assert_close(solution.x, a, rtol=0, atol=1e-7)
    (slope,) = torch.autograd.grad(solution.x.sum(), a)
    assert slope.isfinite().all()


def test_a_sphere_said_three_times():
    a = normal(40, 3)
    solution = solved(SPHERE, a)
    assert solution.solved.all()
    torch.testing.assert_close(solution.x, a / a.norm(dim=-1, keepdim=True), rtol=0, atol=1e-6)


def best_rotation(H: torch.Tensor) -> torch.Tensor:
    """Wahba's problem by the singular value decomposition of H (Kabsch 1976): its value, (B,)."""
    U, S, Vt = torch.linalg.svd(H)
    return S[:, 0] + S[:, 1] + S[:, 2] * torch.linalg.det(U @ Vt)


def test_rotations_by_their_cross_products():
    H = normal(40, 3, 3)
    solution = solved(ROTATION, H)
    assert solution.solved.all()
    torch.testing.assert_close(solution.value, best_rotation(H), rtol=0, atol=1e-6)


def test_a_saddle_that_barriers_do_not_leave():
    """On the rotations the determinant's gradient is in the span of the others; six of 300 items stood at saddles."""
    H = torch.randn(300, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)[SADDLES]
    solution = solved(DETERMINANT, H)
    assert solution.solved.all()
    torch.testing.assert_close(solution.value, best_rotation(H), rtol=0, atol=1e-6)


def test_where_surfaces_touch_there_are_no_multipliers_and_the_flag_says_so():
    """On x_2 = 0 both rows have the same gradient, and that of the objective has a part along x_2."""
    a = normal(40, 3)
    solution = solved(TANGENT, a)
    assert solution.solved.sum() >= 35 and solution.degenerate[solution.solved].all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_small_row_is_not_taken_for_none(scale):
    """x_1 = 2 in a unit of its own, beside a circle of radius 3."""
    text = f"param a : R^2; var x : R^2, start(1); maximize a'*x; subject to; {scale}*x[1]^3 == {8 * scale}; x'*x == 9"
    solution = solved(
        text.replace("; ", "\n").replace("subject to\n", "subject to\n  "), torch.tensor([1.0, 0.5]).double()
    )
    assert solution.solved and not solution.degenerate
    torch.testing.assert_close(
        solution.x.detach(), torch.tensor([5.0**0.5, 2.0], dtype=torch.float64), rtol=0, atol=1e-9
    )
