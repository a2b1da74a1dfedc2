"""Errors of s and z beside the largest terms of the rows and columns where they are, compiled."""

from declarative.backends.cone.linear.jit import compiled


@compiled
def largest_shares(A_starts, columns, A, P_starts, others, P, b, q, x, s, z, errors, terms, pushed, found):
    """`found` (B,): the largest share, where there are terms.

    Sizes x, s, z, b and q are absolute, those that count for nothing 0. `errors` (2, B, m) are of s and of z; `terms`
    and `pushed` (n,) are for work.
    """
    n, m = x.shape[1], s.shape[1]
    for k in range(len(x)):
        found[k] = 0.0
        for j in range(n):
            terms[j], pushed[j] = q[k, j], 0.0
        for i in range(m):
            most = max(b[k, i], s[k, i])
            for e in range(A_starts[i], A_starts[i + 1]):
                j, size = columns[e], abs(A[k, e])
                most = max(most, size * x[k, j])
                terms[j] = max(terms[j], size * z[k, i])
                pushed[j] = max(pushed[j], size * errors[1, k, i])
            if most > 0:
                found[k] = max(found[k], errors[0, k, i] / most)
        for j in range(n):
            for e in range(P_starts[j], P_starts[j + 1]):
                terms[j] = max(terms[j], abs(P[k, e]) * x[k, others[e]])
            if terms[j] > 0:
                found[k] = max(found[k], pushed[j] / terms[j])
