"""The parts of a way along which there is hardly any curvature: in compiled code, against torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from declarative.backends.kkt.compiled.pattern import pattern_of
from declarative.backends.kkt.linear.system import ActiveSystem
from declarative.backends.kkt.verdict.portions import portions

FLOAT = torch.float64


def distinct(which: Tensor, parts: Tensor, item: int) -> list[Tensor]:
    """Those of an item that are not rounding, the longest first, without those that repeat another."""
    found: list[Tensor] = []
    for part in parts[which == item]:
        if part.abs().max() > 1e-6 and (not found or (part - found[-1]).abs().max() > 1e-9 * part.abs().max()):
            found.append(part)
    return found


@pytest.mark.parametrize("n, m", [(1, 0), (1, 1), (4, 0), (4, 2), (7, 9), (12, 6), (25, 15)])
def test_they_agree(n, m):
    """Curvatures over nine decades, some of them negative; dependent rows, fixed variables, entries that stay."""
    g, batch = torch.Generator().manual_seed(n + m), 40
    Q = torch.linalg.qr(torch.randn(batch, n, n, generator=g, dtype=FLOAT))[0]
    values = 10 ** (-9 * torch.rand(batch, n, generator=g, dtype=FLOAT))
    values *= torch.where(torch.rand(batch, n, generator=g) < 0.1, -1, 1)
    A = torch.randn(batch, m, n, generator=g, dtype=FLOAT)
    if m > 1:
        A[::3, 1] = -2 * A[::3, 0]
    rows, fixed = torch.rand(batch, m, generator=g) < 0.6, torch.rand(batch, n, generator=g) < 0.1
    way = torch.randn(batch, n, generator=g, dtype=FLOAT) * (torch.rand(batch, n, generator=g) < 0.9)
    system = ActiveSystem((Q * values[:, None]) @ Q.mT, A, rows, fixed)
    least = torch.full((batch,), 1e-4, dtype=FLOAT)
    with torch.no_grad():
        which, parts = portions(system, way, least)
        known, others = portions(replace(system, small=False), way, least)
    several = 0  # items with a part
    for i in range(batch):
        one, other = distinct(which, parts, i), distinct(known, others, i)
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6 * float(b.abs().max()))
        several += len(one) > 0
    assert several or n == 1


def test_nothing_is_asked_of_what_is_curved():
    way = torch.tensor([[1.0, -2.0, 0.0]], dtype=FLOAT)
    H, A = torch.diag(torch.tensor([1.0, 0.0, 0.0], dtype=FLOAT))[None], torch.tensor([[[0.0, 1.0, 0.0]]], dtype=FLOAT)
    for held, count in ((True, 0), (False, 5)):
        rows, fixed = torch.tensor([[held]]), torch.zeros(1, 3, dtype=torch.bool)
        system = ActiveSystem(H, A, rows, fixed)
        with torch.no_grad():
            which, parts = portions(system, way, torch.full((1,), 1e-4, dtype=FLOAT))
            known, others = portions(replace(system, small=False), way, torch.full((1,), 1e-4, dtype=FLOAT))
        assert (len(which), len(known)) == (min(count, 1), count)
        torch.testing.assert_close(parts, others[:1])


@pytest.mark.parametrize("n, m", [(60, 0), (60, 20), (120, 70)])
def test_of_what_is_sparse_they_are_about_the_same(n, m):
    """Curvatures of 1, 1e-5 and 1e-11 in units of the way, and rows that read neighbours."""
    g, batch = torch.Generator().manual_seed(n + m), 20
    sizes = 10.0 ** torch.tensor([0.0, -2.5, -5.5], dtype=FLOAT).repeat_interleave(n // 3)
    way, A = sizes * torch.randn(batch, n, generator=g, dtype=FLOAT).sign(), torch.zeros(batch, m, n, dtype=FLOAT)
    for r in range(m):
        place = r * n // m  # rows read two that went as far, or one
        A[:, r, place : place + 1 + (sizes[place] == sizes[(place + 1) % n])] = 1.0
    A *= 1 + torch.rand(A.shape, generator=g, dtype=FLOAT)
    pattern = pattern_of(np.eye(n, dtype=bool), (A != 0).any(0).numpy(), np.zeros((0, n), bool))
    every = torch.ones(batch, m, dtype=torch.bool), torch.zeros(batch, n, dtype=torch.bool)
    system = ActiveSystem(torch.eye(n, dtype=FLOAT).expand(batch, n, n), A, *every, pattern)
    least = torch.full((batch,), 1e-4, dtype=FLOAT)
    with torch.no_grad():
        assert system.sparse is not None and len(system.sparse.left) == 0
        which, parts = portions(system, way, least)
        known, others = portions(replace(system, pattern=None), way, least)
    for i in range(batch):
        sharp = distinct(known, others, i)
        assert len(sharp) == 2  # without what is curved by 1, and without what is curved by 1e-5 too
        for part in sharp:
            assert (parts[which == i] - part).abs().amax(-1).min() < 2e-2 * part.abs().max()
