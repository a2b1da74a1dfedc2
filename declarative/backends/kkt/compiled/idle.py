"""Directions in which a function is flat at its start -> no step has a part in them, while all that leads there may be
rounding.

A function of differences (logsumexp(x) - x[0], along (1, ..., 1)) is flat in some direction everywhere. Where all else
has nearly come to rest, rounding errors are its steepest slopes and its largest curvatures: steps go far along it, and
far away all slopes are small beside H x. At the start rows of H tell such a direction, as sums that are 0 beside their
terms; and how large those were says what rounding may leave of them later.
"""

from declarative.backends.kkt.compiled.along import largest_entry
from declarative.backends.kkt.compiled.ball import eigenvectors, step
from declarative.backends.kkt.compiled.constants import IDLE, MULTIPLE, NEARLY_CONVEX
from declarative.backends.kkt.compiled.jit import inner, once


@once()
def seek_idle(routines, ball, N):
    """How many directions, the first rows of N (n, n), rows of H do not see at all; only a convex H is asked."""
    n, count, most = len(ball.g), 0, 0.0
    for i in range(n):
        most = max(most, abs(ball.H[i, i]))
    if step(routines, ball, 0.0) or (most > 0 and not step(routines, ball, NEARLY_CONVEX * most)):
        return 0
    if not eigenvectors(routines, ball):
        return 0
    size = largest_entry(ball.values)
    for k in range(n):
        if abs(ball.values[k]) <= MULTIPLE * size and seen(ball, ball.L[k]) <= IDLE:
            for i in range(n):
                N[count, i] = ball.L[k, i]
            count += 1
    return count


@inner()
def seen(ball, v):
    """The largest row of H v beside its terms."""
    n, most = len(v), 0.0
    for i in range(n):
        total, terms = 0.0, 0.0
        for k in range(n):
            part = ball.H[max(i, k), min(i, k)] * v[k]
            total, terms = total + part, terms + abs(part)
        most = max(most, abs(total) / terms if terms > 0 else 0.0)
    return most


@once()
def hold(ball, N, count, steep, bent):
    """Of so many rows of N those that are still idle, after sizes of g and H at the start: g loses its part along them,
    and H is made positive there, and N gets them in front. Their number.
    """
    n, size, still = len(ball.g), 0.0, 0
    for i in range(n):
        size = max(size, abs(ball.H[i, i]))
    for k in range(count):
        slope = 0.0
        for i in range(n):
            slope += N[k, i] * ball.g[i]
        if abs(slope) <= IDLE * steep and pull(ball, N[k]) <= IDLE * bent:
            for i in range(n):
                N[still, i], N[k, i] = N[k, i], N[still, i]
                ball.g[i] -= slope * N[still, i]
            still += 1
    for k in range(still):
        for i in range(n):
            for m in range(i + 1):
                ball.H[i, m] += size * N[k, i] * N[k, m]
    return still


@inner()
def pull(ball, v):
    """The largest entry of H v."""
    n, most = len(v), 0.0
    for i in range(n):
        total = 0.0
        for k in range(n):
            total += ball.H[max(i, k), min(i, k)] * v[k]
        most = max(most, abs(total))
    return most


@once()
def without(s, N, count):
    """s loses its parts along the first rows of N."""
    for k in range(count):
        part = 0.0
        for i in range(len(s)):
            part += N[k, i] * s[i]
        for i in range(len(s)):
            s[i] -= part * N[k, i]
