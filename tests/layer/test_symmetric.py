"""The symmetric part of a matrix, with derivatives of any order and mode."""

import torch
from torch.autograd import gradcheck, gradgradcheck

from declarative.layer.symmetric import SymmetricPart


def test_derivatives_of_the_symmetric_part():
    t = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    part = SymmetricPart.apply(t)
    assert torch.equal(part, part.mT) and torch.equal(part, (t + t.mT) / 2)
    assert gradcheck(SymmetricPart.apply, t, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(SymmetricPart.apply, t)
    torch.testing.assert_close(torch.func.vmap(SymmetricPart.apply)(t), part)
