"""Quadratics on spheres, in balls and ellipsoids: global minima, the hard case, multiple eigenvalues."""

import torch
from backends.kkt.smooth_programs import FLOAT, closed, solution, solved, tensor, times

import declarative
from declarative.backends.kkt.methods.spherical import minimise_spherical
from declarative.backends.kkt.program.program import SmoothProgram, free, no_rows
from declarative.backends.kkt.solve import solve
from declarative.backends.status import Status


def ball_program(n: int, equal: bool) -> SmoothProgram:
    """min 1/2 x'Hx + g'x, x'x == c or <= c; theta = (H, g, c)."""

    def row(x, t):
        return (x * x).sum(-1, keepdim=True) - t[2]

    return SmoothProgram(
        n, int(equal), int(not equal), lambda x, t: (x * (times(t[0], x) / 2 + t[1])).sum(-1),
        row if equal else no_rows, no_rows if equal else row, free(n), closed(n), "sphere",
    )  # fmt: skip


def random_symmetric(batch: int, n: int):
    H = torch.randn(batch, n, n, dtype=FLOAT)
    return H + H.mT


def test_optimality_conditions_of_the_global_minimum():
    n, batch = 6, 40
    H, g = (
        random_symmetric(batch, n),
        torch.randn(batch, n, dtype=FLOAT) * 10 ** tensor([-9.0, -3, 0, 3]).repeat(10)[:, None],
    )
    c = 10 ** (4 * torch.rand(batch, 1, dtype=FLOAT) - 2)
    H[:8] = H[:8] @ H[:8]
    for equal in (True, False):
        r = solved(ball_program(n, equal), (H, g, c), torch.randn(batch, n, dtype=FLOAT))
        multiplier = (r.y if equal else r.z)[:, 0]
        norm = (r.x**2).sum(-1)
        shifted = H + 2 * multiplier[:, None, None] * torch.eye(n, dtype=FLOAT)
        lowest = torch.linalg.eigvalsh(shifted)[:, 0]
        scale = torch.linalg.matrix_norm(shifted, 2)
        assert (lowest > -1e-12 * scale).all()  # with stationarity, this is global optimality
        residual = (times(shifted, r.x) + g).norm(dim=-1) / (scale * r.x.norm(dim=-1))
        assert residual.max() < 1e-12
        gap = (
            (norm / c[:, 0] - 1)
            if equal
            else torch.maximum(norm / c[:, 0] - 1, multiplier.sign() * (1 - norm / c[:, 0]))
        )
        assert gap.abs().max() < 1e-12 if equal else gap.max() < 1e-12


def test_hard_case_and_choice_by_the_start():
    H, g, c = torch.diag(tensor([-2.0, 1, 3]))[None], tensor([[0.0, 0.6, -1]]), tensor([[4.0]])
    rest = tensor([-0.6 / 3, 1 / 5])
    for sign in (1.0, -1.0):
        r = solved(ball_program(3, False), (H, g, c), tensor([[sign * 0.1, 5, 5]]))
        expected = torch.cat([sign * (4 - (rest**2).sum()).sqrt()[None], rest])
        torch.testing.assert_close(r.x[0], expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(r.z, tensor([[1.0]]), rtol=0, atol=1e-12)
        assert r.nonunique.all()  # the other sign is as good


def test_eigenvector_of_a_multiple_eigenvalue_is_flagged_and_has_finite_gradients():
    H = torch.diag(tensor([-1.0, -1, 2]))[None].requires_grad_()
    theta = (H, torch.zeros(1, 3, dtype=FLOAT), torch.ones(1, 1, dtype=FLOAT))
    r = solved(ball_program(3, True), theta, tensor([[3.0, 4, 0]]))
    torch.testing.assert_close(r.x, tensor([[0.6, 0.8, 0]]), rtol=0, atol=1e-12)
    assert r.nonunique.all() and r.minimum.all()
    x = solution(ball_program(3, True), theta, tensor([[3.0, 4, 0]]))[0]
    (gradient,) = torch.autograd.grad(x.sum(), H)
    assert gradient.isfinite().all() and gradient.abs().max() < 10


def test_top_eigenvector_and_its_gradient_where_the_hessian_alone_is_singular():
    n, batch = 5, 4
    A = random_symmetric(batch, n).requires_grad_()
    start = torch.randn(batch, n, dtype=FLOAT)
    theta = (-2 * A, torch.zeros(1, n, dtype=FLOAT), torch.ones(1, 1, dtype=FLOAT))
    x, y = solution(ball_program(n, True), theta, start)[:2]
    values, V = torch.linalg.eigh(A)
    v = V[:, :, -1] * (V[:, :, -1] * start).sum(-1, keepdim=True).sign().detach()
    torch.testing.assert_close(x, v, rtol=0, atol=1e-12)
    torch.testing.assert_close(y[:, 0], values[:, -1], rtol=0, atol=1e-12)
    weights = torch.randn_like(v)
    for ours, theirs in (((x * weights).sum(), (v * weights).sum()), (y.sum(), values[:, -1].sum())):
        a, b = (torch.autograd.grad(out, A, retain_graph=True)[0] for out in (ours, theirs))
        torch.testing.assert_close(a + a.mT, b + b.mT, rtol=1e-9, atol=1e-11)


def test_ellipsoids_are_spheres_in_other_units():
    n = 3
    M = tensor([[4.0, 1, 0], [1, 3, 0.5], [0, 0.5, 2]])
    m, y = tensor([0.3, -0.2, 0.1]), torch.randn(5, n, dtype=FLOAT) * 3

    def row(x, t):
        return ((times(M, x) / 2 + m) * x).sum(-1, keepdim=True) - 1

    program = SmoothProgram(
        n, 0, 1, lambda x, t: ((x - t[0]) ** 2).sum(-1) / 2, no_rows, row, free(n), closed(n), "sphere"
    )
    smooth = SmoothProgram(**{**program.__dict__, "kind": "nlp"})
    ours, theirs = (solved(p, (y,), torch.zeros_like(y)) for p in (program, smooth))
    torch.testing.assert_close(ours.x, theirs.x, rtol=0, atol=1e-11)
    torch.testing.assert_close(ours.z, theirs.z, rtol=0, atol=1e-10)


def test_the_start_chooses_between_opposite_eigenvectors_by_its_angle():
    text = """
        dim n
        param A : S^n; param B : S^n, pd; param u0 : R^n
        var u : R^n, start(u0)
        maximize u'*A*u
        subject to
          u'*B*u == 1
        """
    layer = declarative.compile(declarative.parse(text), backend="kkt")
    A, C, u0 = torch.randn(12, 3, 3, dtype=FLOAT), torch.randn(12, 3, 3, dtype=FLOAT), torch.randn(12, 3, dtype=FLOAT)
    A, B = A + A.mT, C @ C.mT + 0.1 * torch.eye(3, dtype=FLOAT)
    u = layer(A=A, B=B, u0=u0)
    values = torch.linalg.eigvals(torch.linalg.solve(B, A)).real
    torch.testing.assert_close(times(A, u), values.amax(-1, keepdim=True) * times(B, u), rtol=0, atol=1e-8)
    assert ((u * u0).sum(-1) > 0).all() and ((u * times(B, u0)).sum(-1) < 0).any()


def test_an_empty_sphere_is_infeasible():
    theta = (torch.eye(2, dtype=FLOAT)[None], torch.ones(1, 2, dtype=FLOAT), tensor([[-1.0], [1.0]]))
    r = solve(ball_program(2, True), theta, torch.zeros(2, 2, dtype=FLOAT))
    assert r.status.tolist() == [Status.INFEASIBLE, Status.SOLVED] and r.blamed == {0: [("c", 0)]}


def test_secular_equation_over_many_scales():
    H = torch.diag(tensor([0.0, 1e-6, 1, 1e6]))[None].repeat(9, 1, 1)
    g = torch.ones(9, 4, dtype=FLOAT) * 10 ** torch.linspace(-12, 12, 9, dtype=FLOAT)[:, None]
    found = minimise_spherical(H, g, torch.ones(9, dtype=FLOAT), torch.zeros(9, 4, dtype=FLOAT), ball=False)
    torch.testing.assert_close(found.x.norm(dim=-1), torch.ones(9, dtype=FLOAT), rtol=1e-13, atol=0)
    assert (found.sigma >= 0).all()


def test_where_several_minima_are_the_gradient_has_the_least_norm():
    """Along what an eigenvalue leaves free nothing moves; elsewhere by e_i'dA v/(lambda_1 - lambda_i)."""
    layer = declarative.compile(declarative.parse("param A : S^3\nvar x : R^3, unit\nminimize quad(x, A)"))
    for size in (1e-6, 1.0, 1e6):
        A = (size * torch.diag(tensor([1.0, 1.0, 3.0]))).requires_grad_()
        found = layer.solve(A)
        slopes = torch.stack([torch.autograd.grad(entry, A, retain_graph=True)[0] for entry in found.x])
        assert found.nonunique and torch.equal(slopes[:2], torch.zeros(2, 3, 3, dtype=FLOAT))
        expected = torch.zeros(3, 3, dtype=FLOAT)
        expected[2, :2] = -found.x[:2].detach() / (2 * size)
        expected = (expected + expected.mT) / 2
        torch.testing.assert_close(slopes[2], expected, rtol=1e-9, atol=0)
    project = declarative.compile(declarative.parse("param a : R^3\nvar x : R^3, unit\nminimize sumsq(x - a)"))
    a = torch.zeros(3, dtype=FLOAT, requires_grad=True)
    x = project.solve(a).x
    assert torch.equal(torch.autograd.grad(x.sum(), a)[0], torch.zeros(3, dtype=FLOAT))


def test_minima_inside_a_ball_beside_others_at_its_edge():
    """In a batch and alone: what lies inside is found without the secular equation, if that is so of all items."""
    torch.manual_seed(3)
    n, batch = 5, 30
    H, g, c = random_symmetric(batch, n), torch.randn(batch, n, dtype=FLOAT), torch.ones(batch, dtype=FLOAT)
    H[:20] = H[:20] @ H[:20] + torch.eye(n, dtype=FLOAT)
    g[:10] /= 10
    nowhere = torch.zeros(batch, n, dtype=FLOAT)
    found = minimise_spherical(H, g, c, nowhere, ball=True)
    newton = torch.linalg.solve(H, -g)
    inside = (torch.linalg.eigvalsh(H)[:, 0] > 0) & ((newton**2).sum(-1) <= 1)
    assert inside[:10].all() and not inside[20:].any()
    torch.testing.assert_close(found.x[inside], newton[inside], rtol=1e-10, atol=1e-12)
    assert (found.sigma[inside] == 0).all() and (found.sigma[~inside] > 0).all()
    left = times(H, found.x) + found.sigma[:, None] * found.x + g
    assert (left.abs() <= 1e-10 * (1 + found.sigma[:, None])).all()
    for k in range(batch):
        alone = minimise_spherical(H[k : k + 1], g[k : k + 1], c[:1], nowhere[:1], ball=True)
        torch.testing.assert_close(alone.x[0], found.x[k], rtol=1e-10, atol=1e-12)
