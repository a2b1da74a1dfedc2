"""Which matrices are what their declaration promises, symmetric and positive definite: by one factorisation each."""

from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.compiled.tiles import cholesky


@outer
def find_definite(routines, P, tolerance, L, info, found):
    """Which of P (B, n, n) are symmetric, to `tolerance` beside their largest entry, and positive definite.

    L (n, n) is memory.
    """
    n = P.shape[1]
    for b in range(len(P)):
        gap, largest, nothing = 0.0, 0.0, 0.0
        for i in range(n):
            for j in range(i + 1):
                below, above = P[b, i, j], P[b, j, i]
                gap, largest = max(gap, abs(below - above)), max(largest, abs(below), abs(above))
                nothing += 0.0 * (below + above)  # not 0 where an entry is infinite or no number
                L[i, j] = (below + above) / 2
        found[b] = nothing == 0 and gap <= tolerance * largest and cholesky(routines, L, n, n, info) == 0
