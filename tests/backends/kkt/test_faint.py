"""Parts of a point that nothing but barriers holds: their forces are nothing beside those of the others."""

import torch

import declarative
from declarative.backends.kkt import smooth

FLOAT = torch.float64
PACKING = """
dim m
param r : R^m, pos
param p0 : R^(m,2)
var p : R^(m,2), start(p0)
var L : R, start(2)
minimize L
subject to
  low: p[i,k] >= r[i] for i in m, k in 2
  high: p[i,k] <= L - r[i] for i in m, k in 2
  apart: sumsq(p[i,:] - p[j,:]) >= (r[i] + r[j])^2 for i in m, j in m if i < j
"""


def test_discs_that_rattle_are_no_reason_for_a_second_attempt(monkeypatch):
    """Of discs in the smallest square some touch nothing: their multipliers are 0, not shares of each other."""
    attempts, tried = [], smooth.try_once
    monkeypatch.setattr(smooth, "try_once", lambda *args: attempts.append(len(args[2])) or tried(*args))
    seeded = torch.Generator().manual_seed(0)
    r = 0.2 + 0.2 * torch.rand(16, 8, generator=seeded, dtype=FLOAT)
    start = 2 * torch.rand(16, 8, 2, generator=seeded, dtype=FLOAT)
    solution = declarative.compile(declarative.parse(PACKING), on_failure="mask").solve(r, start)
    assert solution.solved.all() and attempts == [16]
    p, L = solution["p"], solution["L"][:, None, None]
    apart = (p[:, :, None] - p[:, None]).norm(dim=-1) - (r[:, :, None] + r[:, None]) + torch.eye(8, dtype=FLOAT)
    gaps = torch.cat([apart, p - r[:, :, None], L - r[:, :, None] - p], -1)
    assert gaps.min() >= -1e-7
    rattles = (gaps.amin(-1) > 1e-5).any(-1)
    assert rattles.sum() >= 5 and solution.nonunique[rattles].all()
