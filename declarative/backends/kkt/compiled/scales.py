"""The scaling of large matrices (`linear/scaling.py`), item by item, so that what is read again is still at hand."""

from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.compiled.systems import largest_product, root
from declarative.backends.kkt.compiled.units import raise_to


@outer
def find_scales(H, A, rounds, D, E, before, most):
    """D (B, n) and E (B, m) for H (B, n, n) and A (B, m, n), after so many rounds.

    `before` and `most` (n) are memory.
    """
    n, m = len(before), A.shape[1]
    for b in range(len(H)):
        for i in range(n):
            D[b, i] = 1.0
        for r in range(m):
            E[b, r] = 1.0
        for _ in range(rounds):
            for i in range(n):
                before[i], most[i] = D[b, i], 0.0
            for r in range(m):
                raise_to(A[b, r], E[b, r], most)
                E[b, r] *= root(E[b, r] * largest_product(A[b, r], before))
            for i in range(n):
                D[b, i] *= root(before[i] * max(most[i], largest_product(H[b, i], before)))
        size = 0.0
        for i in range(n):
            size = max(size, D[b, i] * largest_product(H[b, i], D[b]))
        t = root(size)
        for i in range(n):
            D[b, i] *= t
        for r in range(m):
            E[b, r] /= t
