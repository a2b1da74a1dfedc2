"""The pattern of a cone program -> how many operations a sparse factorisation of its KKT matrix takes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spilu

from declarative.backends.cone.differentiate.function import Structure
from declarative.backends.cone.linear.symmetric import Matrix

SHARE = 0.1  # of the places hold entries: such a matrix is as good as full


def factorisation_work(structure: Structure) -> float:
    """The sum of squares of the factor's columns, in an order of minimum degree."""
    from declarative.backends.cone.linear.elimination import column_lengths

    K = kkt_pattern(structure)
    if K.nnz > SHARE * K.shape[0] ** 2:
        return K.shape[0] ** 3 / 3
    order = minimum_degree(K)
    upper: Matrix = sp.triu(K[order][:, order], format="csc")
    return float(np.square(column_lengths(upper.indptr, upper.indices).astype(float)).sum())


def minimum_degree(K: Matrix) -> np.ndarray:
    """The rows of a symmetric pattern in an order of elimination.

    SuperLU keeps it to itself until it has factored, so it is given a matrix that needs no pivots and told to drop all.
    """
    heavy = sp.diags_array(2.0 + abs(K).sum(1))
    options = {"SymmetricMode": True}
    settings = {"drop_tol": np.inf, "fill_factor": 1.0, "diag_pivot_thresh": 0.0, "options": options}
    return np.argsort(spilu(sp.csc_matrix(K + heavy), permc_spec="MMD_AT_PLUS_A", **settings).perm_c)


def kkt_pattern(structure: Structure) -> Matrix:
    """[[P, A'], [A, I]] with a one for each entry that may not be zero."""
    n, m = structure.columns, structure.cones.rows
    (i, j), (r, c) = structure.P_at, structure.A_at + np.array([[n], [0]])
    diagonal = np.arange(n + m)
    rows, columns = np.concatenate([i, r, c, diagonal]), np.concatenate([j, c, r, diagonal])
    return sp.coo_array((np.ones(len(rows)), (rows, columns)), shape=(n + m, n + m)).tocsr()
