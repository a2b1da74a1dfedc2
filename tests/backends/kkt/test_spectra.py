"""Spectra of what LAPACK's divide and conquer gives up on."""

import pytest
import torch

from declarative.backends.kkt.linear import spectra


@pytest.mark.parametrize("gives_up", [True, False])
def test_one_bad_item_leaves_the_others_their_numbers(gives_up, monkeypatch):
    """Whether the method fails for an item that is not a number, or for one that is."""

    def fails(*args, **kwargs):
        raise torch.linalg.LinAlgError("failed to converge")  # pyright: ignore[reportPrivateImportUsage]

    M = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    M = M + M.mT
    A, values, S = M[:, :3], torch.linalg.eigvalsh(M), torch.linalg.svdvals(M[:, :3])
    bad = 1 if gives_up else 3
    if gives_up:
        monkeypatch.setattr(torch.linalg, "eigh", fails)
        monkeypatch.setattr(torch.linalg, "svd", fails)
        M[bad, 2, 2] = A[bad, 0, 0] = torch.nan
    good = [i for i in range(3) if i != bad]
    (e, Q), (U, s, Vt) = spectra.eigh(M), spectra.svd(A)
    torch.testing.assert_close(e[good], values[good])
    torch.testing.assert_close((Q * e[:, None] @ Q.mT)[good], M[good])
    torch.testing.assert_close(s[good], S[good])
    torch.testing.assert_close((U * s[:, None] @ Vt)[good], A[good])
    assert e[~torch.isin(torch.arange(3), torch.tensor(good))].isnan().all()
