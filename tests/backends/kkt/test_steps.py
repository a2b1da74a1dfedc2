"""Newton's steps on the equations of small active sets in compiled code, against the same in torch."""

from dataclasses import replace

import pytest
import torch

from declarative.backends.kkt.differentiate.adjoint import active_system
from declarative.backends.kkt.program.certify import Local, Primal
from declarative.backends.kkt.program.program import Active
from declarative.backends.kkt.verdict.newton import compiled_steps, jacobian, newton, steps

FLOAT = torch.float64
BATCH = 12


def problem(n: int, p: int, q: int) -> tuple[Local, Primal, Active]:
    """Points with bounds on some variables, equal ones on others; one without curvature, one with dependent rows, one
    that is infinitely curved in an entry.
    """
    g = torch.Generator().manual_seed(n + p + q)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(BATCH, *shape, generator=g, dtype=FLOAT)

    def some(share: float, *shape: int) -> torch.Tensor:
        return torch.rand(BATCH, *shape, generator=g) < share

    H, Jc, Jg = normal(n, n), normal(p, n), normal(q, n)
    H = H @ H.mT
    H[3] = 0
    H[5, 0, 0] = torch.inf
    if p + q > 1:
        J = torch.cat([Jc, Jg], 1)
        J[4, 1] = -2 * J[4, 0]
        Jc, Jg = J.split([p, q], 1)
    lower, equal = normal(n) - 3, some(0.1, n)
    upper = torch.where(equal, lower, lower + 5)
    low = some(0.1, n) | equal
    active = Active(some(0.4, q), low, (some(0.1, n) & ~low) | equal)
    local = Local(
        normal(), normal(n), normal(p), normal(q), lower, upper, H, Jc, Jg, *(normal(k) for k in (p, q, p, q, n))
    )
    return local, Primal(normal(n), normal(p), normal(q), normal(n).abs(), normal(n).abs()), active


@pytest.mark.parametrize("n, p, q", [(1, 0, 0), (2, 1, 0), (4, 0, 3), (7, 2, 5), (12, 6, 0), (20, 3, 15)])
def test_they_agree(n, p, q):
    local, at, active = problem(n, p, q)
    going = torch.arange(BATCH) != 7
    with torch.no_grad():
        found, several = steps(local, at, active, going)
        raw, hard = compiled_steps(local, at, active, going)
        system = active_system(active, local.H, jacobian(local))
        right = newton(system, local, at, active)
        assert torch.equal(several, system.dual_nonunique & going)
        singular = system.singular
    assert torch.equal(hard, singular & going | (torch.arange(BATCH) == 5))
    for one, plain, other, old in zip(found.parts(), raw.parts(), right.parts(), at.parts(), strict=True):
        assert torch.equal(one[7], old[7]) and torch.equal(plain[hard], old[hard])
        for i in going.nonzero()[:, 0].tolist():
            size = max([1.0, *other[i].abs().tolist()])
            torch.testing.assert_close(one[i], other[i], rtol=0, atol=1e-8 * size)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_row_of_one_entry_is_met_to_the_last_digit(compiled):
    """x[0] - 1e-20 == 0, which the factors do not tell from 0 beside the others."""
    local, at, active = problem(7, 2, 0)
    Jc, c = local.Jc.clone(), local.c.clone()
    Jc[:, 0], c[:, 0] = 0, at.x[:, 0] - 1e-20
    Jc[:, 0, 0] = 1
    local = replace(local, Jc=Jc, c=c)
    system = active_system(active, local.H, jacobian(local))
    new = compiled_steps(local, at, active, ~system.singular)[0] if compiled else newton(system, local, at, active)
    plain = ~system.singular & ~system.fixed[:, 0]
    assert plain.sum() >= 6
    assert torch.equal(new.x[plain, 0], (at.x - c[:, :1])[plain, 0])
