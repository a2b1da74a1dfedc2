"""Programs whose solution and derivative are known in closed form."""

import torch
from backends.kkt.smooth_programs import (
    FLOAT,
    INF,
    closed,
    jacobian,
    quadratic_program,
    smooth_program,
    solution,
    solved,
    tensor,
    times,
)

from declarative.backends.kkt.program.program import SmoothProgram, no_rows
from declarative.backends.kkt.solve import connect, solve
from declarative.backends.status import Status

EXACT = {"rtol": 0, "atol": 1e-12}


def projection(n: int) -> SmoothProgram:
    """min |x - y|^2/2 on the simplex; theta = (y,)."""
    return SmoothProgram(
        n, 1, 0, lambda x, t: ((x - t[0]) ** 2).sum(-1) / 2, lambda x, t: x.sum(-1, keepdim=True) - 1, no_rows,
        lambda t: (torch.zeros(1, n, dtype=FLOAT), torch.full((1, n), INF, dtype=FLOAT)), closed(n), "qp",
    )  # fmt: skip


def onto_simplex(y):
    """The algorithm by sorting (Held, Wolfe and Crowder 1974)."""
    ordered = y.sort(-1, descending=True).values
    k = torch.arange(1, y.shape[-1] + 1)
    theta = (ordered.cumsum(-1) - 1) / k
    last = (ordered > theta).sum(-1, keepdim=True) - 1
    return (y - theta.gather(-1, last)).clamp(min=0)


def test_simplex_projection_and_its_jacobian():
    n, y = 7, torch.randn(20, 7, dtype=FLOAT) * 2
    result = solved(projection(n), (y,), torch.zeros_like(y))
    torch.testing.assert_close(result.x, onto_simplex(y), **EXACT)
    J = jacobian(lambda y: solution(projection(n), (y,), torch.zeros_like(y))[0], y)
    s = (result.x > 0).to(FLOAT)
    expected = torch.diag_embed(s) - s[:, :, None] * s[:, None] / s.sum(-1)[:, None, None]
    torch.testing.assert_close(J, expected, **EXACT)
    assert not result.degenerate.any() and not result.nonunique.any() and not result.dual_nonunique.any()


def max_entropy(n: int) -> SmoothProgram:
    """max y'p + entropy(p), sum(p) = 1, on the open domain p > 0."""
    domain = torch.stack([torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)])
    return SmoothProgram(
        n, 1, 0, lambda p, t: (p * p.log() - t[0] * p).sum(-1), lambda p, t: p.sum(-1, keepdim=True) - 1, no_rows,
        lambda t: (torch.zeros(1, n, dtype=FLOAT), torch.full((1, n), INF, dtype=FLOAT)), domain,
    )  # fmt: skip


def test_softmax_is_the_maximum_entropy():
    y = torch.randn(6, 5, dtype=FLOAT) * tensor([0.1, 1, 3, 10, 30, 60])[:, None]
    p = solution(max_entropy(5), (y,), torch.full_like(y, 0.2))[0]
    torch.testing.assert_close(p, y.softmax(-1), rtol=1e-9, atol=0)
    J = jacobian(lambda y: solution(max_entropy(5), (y,), torch.full_like(y, 0.2))[0], y)
    s = y.softmax(-1)
    torch.testing.assert_close(J, torch.diag_embed(s) - s[:, :, None] * s[:, None], rtol=1e-8, atol=1e-14)


def test_box_projection_has_the_gradient_of_clamp():
    n, lower, upper = 6, torch.zeros(1, 6, dtype=FLOAT), torch.ones(1, 6, dtype=FLOAT)
    y, eye = torch.randn(9, n, dtype=FLOAT) * 2, torch.eye(n, dtype=FLOAT)[None]
    empty = (torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT)) * 2

    def clamp(y, lower, upper):
        return solution(quadratic_program(n), (eye, -y, *empty, lower, upper), torch.zeros_like(y))[0]

    inputs = [t.clone().requires_grad_() for t in (y, lower, upper)]
    ours, theirs = clamp(*inputs), torch.clamp(*inputs)
    torch.testing.assert_close(ours, theirs, **EXACT)
    weights = torch.randn_like(y)
    for a, b in zip(*(torch.autograd.grad((out * weights).sum(), inputs) for out in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, **EXACT)


def test_equality_program_with_98_of_100_rows():
    n, p = 100, 98
    L = torch.randn(2, n, n, dtype=FLOAT) / 10
    P, q = L @ L.mT, torch.randn(2, n, dtype=FLOAT)
    A, b = torch.randn(2, p, n, dtype=FLOAT), torch.randn(2, p, dtype=FLOAT)
    none = (torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    unbounded = (torch.full((1, n), -INF, dtype=FLOAT), torch.full((1, n), INF, dtype=FLOAT))
    q.requires_grad_()
    K = torch.cat([torch.cat([P, A.mT], 2), torch.cat([A, torch.zeros(2, p, p, dtype=FLOAT)], 2)], 1)
    expected = torch.linalg.solve(K, torch.cat([-q, b], -1))
    x, y = solution(quadratic_program(n, p), (P, q, A, b, *none, *unbounded), torch.zeros(2, n, dtype=FLOAT))[:2]
    torch.testing.assert_close(torch.cat([x, y], -1), expected, rtol=1e-9, atol=1e-9)
    weights = torch.randn(2, n + p, dtype=FLOAT)
    ours, theirs = (
        torch.autograd.grad((out * weights).sum(), q)[0] for out in (torch.cat([x, y], -1), expected)
    )  # fmt: skip
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def total_variation(n: int, lam: float) -> SmoothProgram:
    """min |x - y|^2/2 + lam sum u, u >= |Dx|, in the variables (x, u); theta = (y,)."""

    def rows(v, t):
        d, u = v[:, 1:n] - v[:, : n - 1], v[:, n:]
        return torch.cat([d - u, -d - u], -1)

    m = 2 * n - 1
    infinite = torch.full((1, m), INF, dtype=FLOAT)
    return SmoothProgram(
        m, 0, 2 * (n - 1), lambda v, t: ((v[:, :n] - t[0]) ** 2).sum(-1) / 2 + lam * v[:, n:].sum(-1), no_rows, rows,
        lambda t: (-infinite, infinite), closed(m), "qp",
    )  # fmt: skip


def test_total_variation_averages_over_merged_segments():
    y = tensor([[1.0, 1.2, 0.9, 5.0, 5.3, 4.9, 0.1]])
    program, start = total_variation(7, 0.4), torch.zeros(1, 13, dtype=FLOAT)
    x = solved(program, (y,), start).x[0, :7]
    blocks = [[0, 1, 2], [3, 4, 5], [6]]
    shifts = [0.4 / 3, -0.8 / 3, 0.4]
    for block, shift in zip(blocks, shifts, strict=True):
        torch.testing.assert_close(x[block], y[0, block].mean().expand(len(block)) + shift, **EXACT)
    J = jacobian(lambda y: solution(program, (y,), start)[0][:, :7], y)[0]
    expected = torch.zeros(7, 7, dtype=FLOAT)
    for block in blocks:
        expected[torch.tensor(block)[:, None], torch.tensor(block)] = 1 / len(block)
    torch.testing.assert_close(J, expected, **EXACT)


def test_linear_program_at_a_vertex_does_not_feel_its_cost():
    n = 3
    G, h = tensor([[[1.0, 2, 3], [3, 1, 1]]]), tensor([[6.0, 5]])
    nothing = (torch.zeros(1, 0, n, dtype=FLOAT), torch.zeros(1, 0, dtype=FLOAT))
    cost = tensor([[-3.0, -2, -4]]).requires_grad_()
    h.requires_grad_()
    zero = torch.zeros(1, n, n, dtype=FLOAT)
    theta = (zero, cost, *nothing, G, h, torch.zeros(1, n, dtype=FLOAT), torch.full((1, n), INF, dtype=FLOAT))
    x = solution(quadratic_program(n, 0, 2), theta, torch.zeros(1, n, dtype=FLOAT))[0]
    free = [0, 2]  # x = (9/8, 0, 13/8): both rows hold
    torch.testing.assert_close(x, tensor([[9 / 8, 0, 13 / 8]]), **EXACT)
    along_cost, along_h = torch.autograd.grad(x[0, 0], (cost, h))
    torch.testing.assert_close(along_cost, torch.zeros_like(cost), **EXACT)
    torch.testing.assert_close(along_h[0], torch.linalg.inv(G[0][:, free])[0], **EXACT)


def test_least_squares_with_a_curved_residual_uses_the_exact_hessian():
    program = smooth_program(1, lambda x, t: (x[0] ** 2 - t[0][:, 0]) ** 2 + x[0] ** 2)
    t = tensor([[1.0]]).requires_grad_()
    a = solution(program, (t,), tensor([[1.0]]))[0]
    torch.testing.assert_close(a, tensor([[0.5**0.5]]), **EXACT)
    torch.testing.assert_close(torch.autograd.grad(a.sum(), t)[0], tensor([[0.5**0.5]]), **EXACT)


def test_projection_on_sphere_and_ball():
    def distance(x, t):
        return sum((x[i] - t[0][:, i]) ** 2 for i in range(3)) / 2

    def norm(x, t):
        return [sum(v**2 for v in x) - 1]

    y = torch.randn(4, 3, dtype=FLOAT) * tensor([0.2, 0.5, 2, 5])[:, None]
    y.requires_grad_()
    for kind in ("nlp", "sphere"):
        for program, expected in (
            (smooth_program(3, distance, norm, kind=kind), y / y.norm(dim=-1, keepdim=True)),
            (smooth_program(3, distance, None, norm, kind=kind), y / y.norm(dim=-1, keepdim=True).clamp(min=1)),
        ):
            x = solution(program, (y,), y.detach())[0]
            torch.testing.assert_close(x, expected, **EXACT)
            weights = torch.randn_like(x)
            ours, theirs = (torch.autograd.grad((out * weights).sum(), y)[0] for out in (x, expected))
            torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


def test_linear_function_on_the_unit_circle():
    program = smooth_program(
        2, lambda x, t: x[0] * t[0][:, 0] + x[1] * t[0][:, 1], lambda x, t: [x[0] ** 2 + x[1] ** 2 - 1]
    )
    g = tensor([[3.0, 4], [-1, 1e-3]])
    result = solved(program, (g,), tensor([[0.1, 0.2], [0.5, 0.5]]))
    torch.testing.assert_close(result.x, -g / g.norm(dim=-1, keepdim=True), **EXACT)
    torch.testing.assert_close(result.y[:, 0], g.norm(dim=-1) / 2, **EXACT)


def test_unconstrained_weighted_least_squares():
    X, w, y = (torch.randn(2, 9, 3, dtype=FLOAT), torch.rand(2, 9, dtype=FLOAT), torch.randn(2, 9, dtype=FLOAT))
    none = torch.full((1, 3), INF, dtype=FLOAT)
    program = SmoothProgram(
        3, 0, 0, lambda x, t: (t[1] * (times(t[0], x) - t[2]) ** 2).sum(-1), no_rows, no_rows,
        lambda t: (-none, none), closed(3), "qp",
    )  # fmt: skip
    inputs = [t.requires_grad_() for t in (X, w, y)]
    x = solution(program, (X, w, y), torch.zeros(2, 3, dtype=FLOAT))[0]
    W = w[:, :, None]
    expected = torch.linalg.solve(X.mT @ (W * X), (X.mT @ (W * y[..., None])))[..., 0]
    torch.testing.assert_close(x, expected, rtol=1e-11, atol=1e-12)
    for a, b in zip(*(torch.autograd.grad(out.prod(-1).sum(), inputs) for out in (x, expected)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_transport_has_dependent_marginals_and_a_gradient_all_the_same():
    m, n = 3, 4
    a, b = tensor([[0.2, 0.3, 0.5]]), tensor([[0.1, 0.2, 0.3, 0.4]])
    C = torch.randn(1, m * n, dtype=FLOAT, requires_grad=True)

    def marginals(x, t):
        P = x.view(-1, m, n)
        return torch.cat([P.sum(2) - a, P.sum(1) - b], -1)

    program = SmoothProgram(
        m * n, m + n, 0, lambda x, t: (t[0] * x).sum(-1) + 3 * (x**2).sum(-1), marginals, no_rows,
        lambda t: (torch.zeros(1, m * n, dtype=FLOAT), torch.full((1, m * n), INF, dtype=FLOAT)), closed(m * n), "qp",
    )  # fmt: skip
    result = solved(program, (C,), torch.zeros(1, m * n, dtype=FLOAT))
    assert result.dual_nonunique.all() and not result.nonunique.any() and not result.degenerate.any()
    u, v = result.y[0, :m], result.y[0, m:]
    torch.testing.assert_close(u.sum(), v.sum(), **EXACT)  # least norm: orthogonal to (1, -1)
    x = solution(program, (C,), torch.zeros(1, m * n, dtype=FLOAT))[0]
    weights = torch.randn_like(x)
    (ours,) = torch.autograd.grad((x * weights).sum(), C)
    moved = [solved(program, (C + s * 1e-6 * ours,), torch.zeros_like(x)).x for s in (1, -1)]
    slope = ((moved[0] - moved[1]) * weights).sum() / 2e-6
    torch.testing.assert_close(slope, (ours**2).sum(), rtol=1e-6, atol=0)


def test_every_outcome_in_one_batch():
    n = 2
    B = 5
    P, q = torch.eye(2, dtype=FLOAT).repeat(B, 1, 1), tensor([[-1.0, -2]]).repeat(B, 1)
    A, b = torch.ones(B, 1, 2, dtype=FLOAT), torch.ones(B, 1, dtype=FLOAT)
    G, h = tensor([[[1.0, 0]]]).repeat(B, 1, 1), tensor([[0.2]]).repeat(B, 1)
    lower, upper = torch.full((B, n), -INF, dtype=FLOAT), torch.full((B, n), INF, dtype=FLOAT)
    b[1], upper[1, 1] = 3, 1  # x0 + x1 = 3 with x0 <= 0.2, x1 <= 1
    P[2], q[2] = 0, tensor([1.0, -1])  # falls along (-1, 1)
    q[3, 0] = torch.nan
    theta = tuple(t.requires_grad_() for t in (P, q, A, b, G, h, lower, upper))

    program = quadratic_program(n, 1, 1)
    result = solve(program, theta, torch.zeros(B, n, dtype=FLOAT))
    codes = [Status.SOLVED, Status.INFEASIBLE, Status.UNBOUNDED, Status.FAILED, Status.SOLVED]
    assert result.status.tolist() == codes and sorted(result.messages) == [1, 2, 3]
    assert set(result.blamed) == {1} and {("c", 0), ("g", 0), ("upper", 1)} <= set(result.blamed[1])
    torch.testing.assert_close(result.x[[0, 4]], tensor([[0.0, 1], [0, 1]]), **EXACT)
    weights = torch.randn(B, n, dtype=FLOAT)
    gradients = torch.autograd.grad((connect(program, theta, result)[0] * weights).sum(), theta)
    for g in gradients:
        assert g.isfinite().all() and (g[1:4] == 0).all()
    assert gradients[1][0].abs().max() > 0
