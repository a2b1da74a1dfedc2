"""Programs for the tests of the engine, built from torch functions."""

import torch
from torch import Tensor

from declarative.backends.kkt.program.program import Result, SmoothProgram, free, no_rows
from declarative.backends.kkt.solve import connect, solve
from declarative.backends.status import Status

INF = torch.inf
FLOAT = torch.float64


def tensor(values) -> Tensor:
    """A double tensor."""
    return torch.as_tensor(values, dtype=FLOAT)


def times(M: Tensor, v: Tensor) -> Tensor:
    """M v for a batch."""
    return (M @ v[..., None])[..., 0]


def closed(n: int) -> Tensor:
    """No bound is an open domain."""
    return torch.zeros(2, n, dtype=torch.bool)


def box(lower, upper):
    """Constant bounds."""
    return lambda theta: (tensor([lower]), tensor([upper]))


def quadratic_program(n: int, p: int = 0, q: int = 0, **more) -> SmoothProgram:
    """min 1/2 x'Px + q'x, Ax = b, Gx <= h, lower <= x <= upper; theta = (P, q, A, b, G, h, lower, upper)."""
    return SmoothProgram(
        n,
        p,
        q,
        objective=lambda x, t: ((times(t[0], x) / 2 + t[1]) * x).sum(-1),
        equalities=(lambda x, t: times(t[2], x) - t[3]) if p else no_rows,
        inequalities=(lambda x, t: times(t[4], x) - t[5]) if q else no_rows,
        bounds=lambda t: (t[6], t[7]),
        open_domain=closed(n),
        kind="qp",
        **more,
    )


def smooth_program(n, objective, equalities=None, inequalities=None, lower=None, upper=None, kind="nlp"):
    """A program from functions of the columns of x that return lists of rows; theta may be used by all of them."""
    probe = torch.ones(1, n, dtype=FLOAT)

    def rows(function):
        if function is None:
            return no_rows, 0
        return lambda x, t: torch.stack(function(x.unbind(-1), t), -1), len(function(probe.unbind(-1), PROBE))

    (c, p), (g, q) = rows(equalities), rows(inequalities)
    bounds = free(n)
    if lower is not None or upper is not None:
        bounds = box(lower or [-INF] * n, upper or [INF] * n)
    return SmoothProgram(n, p, q, lambda x, t: objective(x.unbind(-1), t), c, g, bounds, closed(n), kind)


class Probe:
    """Stands for any parameters while the rows of a function are counted."""

    def __getitem__(self, index):
        return torch.ones(1, 8, dtype=FLOAT)


PROBE = Probe()


def random_quadratic(seed: int, batch: int, n: int, p: int, q: int, rank: int | None = None, active: float = 0.3):
    """The data of feasible quadratic programs; about `active` of the rows pass through a common feasible point."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=FLOAT)

    def uniform(*shape):
        return torch.rand(*shape, generator=g, dtype=FLOAT)

    L = normal(batch, n, n if rank is None else max(rank, 1)) * (rank != 0)
    A, G, x = normal(batch, p, n), normal(batch, q, n), normal(batch, n)
    h = times(G, x) + uniform(batch, q) * (uniform(batch, q) > active)
    lower = torch.where(uniform(batch, n) < 0.5, x - uniform(batch, n), -INF)
    upper = torch.where(uniform(batch, n) < 0.5, x + uniform(batch, n), INF)
    return L @ L.mT, normal(batch, n), A, times(A, x), G, h, lower, upper


def solved(program: SmoothProgram, theta, x0: Tensor) -> Result:
    """The result, all of whose items must be solved."""
    result = solve(program, theta, x0)
    assert (result.status == Status.SOLVED).all(), (result.status, result.messages)
    return result


def solution(program: SmoothProgram, theta, x0: Tensor):
    """The differentiable (x, y, z, z_lower, z_upper)."""
    return connect(program, theta, solved(program, theta, x0))


def jacobian(function, theta: Tensor) -> Tensor:
    """d function(theta)[b] / d theta[b] for a function of items, (B, *out, *in)."""
    J = torch.autograd.functional.jacobian(lambda t: function(t).sum(0), theta)
    return J.movedim(function(theta).ndim - 1, 0)
