"""The reduced Newton system of a barrier problem against the whole of it."""

import pytest
import torch
from torch import Tensor

from declarative.backends.kkt.differentiate.barrier_system import BarrierSystem, depend

B, N, Q = 3, 5, 2


def system(p: int, spread: float = 1.0, seed: int = 0) -> BarrierSystem:
    """With a nonconvex H, and a lower bound missing here and there; t over `spread` decades to both sides."""
    random = torch.Generator().manual_seed(seed)
    H, A, G = (torch.randn(B, k, N, generator=random, dtype=torch.float64) for k in (N, p, Q))
    on = torch.rand(B, Q + 2 * N, generator=random) > 0.3
    t = 10 ** (spread * (2 * torch.rand(B, Q + 2 * N, generator=random, dtype=torch.float64) - 1))
    return BarrierSystem(H + H.mT, A, G, on, t)


def whole(s: BarrierSystem) -> Tensor:
    unit = torch.eye(N, dtype=s.H.dtype).expand(B, -1, -1)
    rows = torch.cat([s.A, torch.cat([s.G, -unit, unit], 1) * s.on[:, :, None]], 1)
    corner = torch.diag_embed(torch.cat([s.t.new_zeros(B, s.A.shape[1]), -s.t], -1))
    return torch.cat([torch.cat([s.H, rows.mT], -1), torch.cat([rows, corner], -1)], -2)


def right(s: BarrierSystem) -> Tensor:
    size = N + s.A.shape[1] + s.t.shape[1]
    return torch.randn(B, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0])
@pytest.mark.parametrize("p", [0, 1, 3])
def test_it_solves_the_whole_system(p, spread):
    s = system(p, spread)
    r = right(s)
    expected = torch.linalg.solve(whole(s), r)
    torch.testing.assert_close(s.solve(r), expected, rtol=1e-9, atol=1e-12 * float(expected.abs().max()))


def test_equations_that_depend_on_each_other_are_seen_and_solved():
    s = system(2)
    s = BarrierSystem(s.H, torch.cat([s.A, s.A[:, :1] - s.A[:, 1:]], 1), s.G, s.on, s.t)
    r = right(s)
    r[:, N + 2] = r[:, N] - r[:, N + 1]  # as the equations depend on each other
    assert depend(s.A).all() and not depend(system(2).A).any()
    w = s.solve(r)
    torch.testing.assert_close((whole(s) @ w[..., None])[..., 0], r, rtol=0, atol=1e-10)
    assert w.abs().max() < 1e3  # nothing of what the equations leave open


def test_a_row_of_zeros_depends_on_nothing_else():
    assert depend(torch.zeros(2, 1, 4)).all()


def test_the_answer_has_derivatives_of_second_order():
    s = system(2)
    A = torch.cat([s.A, s.A[:, :1]], 1)[:1]
    r = right(BarrierSystem(s.H, A.expand(B, -1, -1), s.G, s.on, s.t))[:1]
    r[:, N + 2] = r[:, N]

    def answer(H: Tensor, t: Tensor) -> Tensor:
        return BarrierSystem(H + H.mT, A, s.G[:1], s.on[:1], t).solve(r)[:, :N]

    args = [x[:1].clone().requires_grad_() for x in (s.H, s.t)]
    assert torch.autograd.gradcheck(answer, args) and torch.autograd.gradgradcheck(answer, args)
