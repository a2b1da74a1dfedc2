"""Symmetric eigenvalues and singular values of a batch, of any matrices: no item ends a batch in an error.

LAPACK's divide and conquer, which torch takes, fails on some matrices with many equal eigenvalues, and on what is not a
number. Then each item goes by itself, by the QR iteration, which is slower; what is not a number gives no numbers.
"""

import scipy.linalg
import torch
from torch import Tensor


def eigh(M: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (B, n), ascending, and eigenvectors as columns, of M (B, n, n)."""
    try:
        return torch.linalg.eigh(M)
    except torch.linalg.LinAlgError:  # pyright: ignore[reportPrivateImportUsage]
        values, vectors = torch.full_like(M[..., 0], torch.nan), torch.full_like(M, torch.nan)
        for i in usable(M):
            found = scipy.linalg.eigh(M[i].cpu().numpy(), driver="ev")
            values[i], vectors[i] = (torch.as_tensor(part).to(M) for part in found)
        return values, vectors


def svd(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """U (B, m, k), S (B, k) and V' (B, k, n) of A (B, m, n), with k the lesser of m and n."""
    try:
        return torch.linalg.svd(A, full_matrices=False)
    except torch.linalg.LinAlgError:  # pyright: ignore[reportPrivateImportUsage]
        (B, m, n), k = A.shape, min(A.shape[1:])
        U, S, Vt = (A.new_full((B, *shape), torch.nan) for shape in ((m, k), (k,), (k, n)))
        for i in usable(A):
            found = scipy.linalg.svd(A[i].cpu().numpy(), full_matrices=False, lapack_driver="gesvd")
            U[i], S[i], Vt[i] = (torch.as_tensor(part).to(A) for part in found)
        return U, S, Vt


def usable(M: Tensor) -> list[int]:
    """The items whose entries are numbers."""
    return M.isfinite().flatten(1).all(-1).nonzero()[:, 0].tolist()
