"""The system of an interior-point step, condensed to [[P + C'WC, A'], [A, 0]] for W = z/s: factored and solved.

A small proximal term makes it regular (linear programs, dependent rows); where there are equations, refinement takes
its effect out again.
"""

from typing import NamedTuple

import numpy as np

from declarative.backends.kkt.compiled.along import add, copy, dot, fill, largest_entry, subtract
from declarative.backends.kkt.compiled.blas import rank_update
from declarative.backends.kkt.compiled.constants import PROXIMAL
from declarative.backends.kkt.compiled.diagonal import multiply, solve_diagonal
from declarative.backends.kkt.compiled.envelope import factor_envelope
from declarative.backends.kkt.compiled.jit import SUMS, inner
from declarative.backends.kkt.compiled.kept import solve_active
from declarative.backends.kkt.compiled.tiles import cholesky, products, solve_rows

LIFTS = 4  # of a matrix that rounding makes indefinite, each 100 times larger
LIFT = 1e-13  # of its diagonal
REFINEMENTS = 3
EXACT = 1e-12  # a residual of a refined step, relative, that is small enough


class System(NamedTuple):
    """W (m,); the factor H (n, n), the equations V = A L'^-1 (p, n) and the factor K (p p) of VV'; full rows times
    sqrt(W) (g, n); right-hand sides, residuals and products (n,), (p,), (m,).
    """

    W: np.ndarray
    H: np.ndarray
    V: np.ndarray
    K: np.ndarray
    full: np.ndarray
    x: np.ndarray
    y: np.ndarray
    rx: np.ndarray
    ry: np.ndarray
    product: np.ndarray
    info: np.ndarray


def system_for(n: int, p: int, g: int, m: int) -> System:
    """Memory for one item."""
    sizes = [m, (n, n), (p, n), p * p, (g, n), n, p, n, p, m]
    return System(*[*(np.empty(size) for size in sizes), np.zeros(1, np.int32)])


@inner()
def row_times(u, r, x):
    """Row r of R times x."""
    if u.count[r] == len(x):
        return dot(u.R[r], x)
    total = 0.0
    for k in range(u.count[r]):
        j = u.columns[r, k]
        total += u.R[r, j] * x[j]
    return total


@inner(fastmath=SUMS)
def add_sizes(a, factor, target):
    """target += factor |a|."""
    for j in range(len(a)):
        target[j] += factor * abs(a[j])


@inner()
def add_row(u, r, factor, target):
    """target += factor times row r of R."""
    if u.count[r] == len(target):
        subtract(u.R[r], -factor, target)
    else:
        for k in range(u.count[r]):
            j = u.columns[r, k]
            target[j] += factor * u.R[r, j]


@inner()
def add_row_sizes(u, r, factor, target):
    """target += factor times the absolute entries of row r of R."""
    if u.count[r] == len(target):
        add_sizes(u.R[r], factor, target)
    else:
        for k in range(u.count[r]):
            j = u.columns[r, k]
            target[j] += factor * abs(u.R[r, j])


@inner()
def rows_times(u, x, out):
    """out = C x; 0 where a row does not exist."""
    p = len(u.b)
    g = len(u.E) - p
    for r in range(g):
        out[r] = row_times(u, p + r, x) if u.on[r] else 0.0
    for k in range(len(u.low)):
        out[g + k] = -x[u.low[k]] if u.on[g + k] else 0.0
    for k in range(len(u.high)):
        r = g + len(u.low) + k
        out[r] = x[u.high[k]] if u.on[r] else 0.0


@inner()
def add_rows(u, z, target):
    """target += C'z."""
    p = len(u.b)
    g = len(u.E) - p
    for r in range(g):
        if z[r] != 0:
            add_row(u, p + r, z[r], target)
    for k in range(len(u.low)):
        target[u.low[k]] -= z[g + k]
    for k in range(len(u.high)):
        target[u.high[k]] += z[g + len(u.low) + k]


@inner()
def add_sizes_of_rows(u, z, target):
    """target += |C|'z for z >= 0."""
    p = len(u.b)
    g = len(u.E) - p
    for r in range(g):
        if z[r] != 0:
            add_row_sizes(u, p + r, z[r], target)
    for k in range(len(u.low)):
        target[u.low[k]] += z[g + k]
    for k in range(len(u.high)):
        target[u.high[k]] += z[g + len(u.low) + k]


@inner(fastmath=SUMS)
def scaled_copy(a, factor, target):
    """target = factor a."""
    for j in range(len(a)):
        target[j] = factor * a[j]


@inner()
def condense(routines, u, system):
    """The lower triangle of P + C'WC in H."""
    H, W, n, p, full = system.H, system.W, len(u.q), len(u.b), 0
    g = len(u.E) - p
    for i in range(n):
        copy(u.P[i, : i + 1], H[i])
    for r in range(g):
        weight, row, columns, count = W[r], u.R[p + r], u.columns[p + r], u.count[p + r]
        if count == n:
            scaled_copy(row, np.sqrt(weight), system.full[full])
            full += 1
        else:
            for k in range(count):
                i = columns[k]
                share = weight * row[i]
                for l in range(k + 1):
                    H[i, columns[l]] += share * row[columns[l]]
    for k in range(len(u.low)):
        H[u.low[k], u.low[k]] += W[g + k]
    for k in range(len(u.high)):
        H[u.high[k], u.high[k]] += W[g + len(u.low) + k]
    if full > 0:
        rank_update(routines, system.full, full, n, H)


@inner()
def largest_of_diagonal(H):
    """The largest entry of the diagonal, or 1."""
    most = 1.0
    for i in range(len(H)):
        most = max(most, H[i, i])
    return most


@inner()
def factor_diagonal(u, system):
    """The same where all is diagonal but the equations."""
    h, K, p, lift = u.by_column.h, system.K, len(u.b), 0.0
    for i in range(len(h)):
        h[i] = u.curve[i] + PROXIMAL
    for k in range(len(u.low)):
        h[u.low[k]] += system.W[k]
    for k in range(len(u.high)):
        h[u.high[k]] += system.W[len(u.low) + k]
    for _ in range(LIFTS if p > 0 else 0):
        multiply(u, K)
        most = 0.0
        for r in range(p):
            most = max(most, K[r * p + r])
        for r in range(p):
            K[r * p + r] += PROXIMAL + lift * most
        if factor_envelope(u.by_column.first, K, p):
            return True
        lift = max(LIFT, 100 * lift)
    return p == 0


@inner()
def factor(routines, u, system):
    """Factor the system of W; false where rounding has spoilt it."""
    H, n, p = system.H, len(u.q), len(u.b)
    if u.diagonal[0]:
        return factor_diagonal(u, system)
    sound, lift = False, 0.0
    for _ in range(LIFTS):
        condense(routines, u, system)
        most = largest_of_diagonal(H)
        for i in range(n):
            H[i, i] += PROXIMAL + lift * most
        if cholesky(routines, H, n, n, system.info) == 0:
            sound = True
            break
        lift = max(LIFT, 100 * lift)
    return sound and (p == 0 or factor_equations(routines, u, system))


@inner()
def factor_equations(routines, u, system):
    """V and K; false where rounding has spoilt them."""
    K, n, p = system.K, len(u.q), len(u.b)
    for r in range(p):
        copy(u.R[r], system.V[r])
    solve_rows(routines, system.H, n, system.V, p)
    lift = 0.0
    for _ in range(LIFTS):
        products(routines, system.V, 0, p, n, K, p)
        most = 0.0
        for r in range(p):
            most = max(most, K[r * p + r])
        for r in range(p):
            K[r * p + r] += PROXIMAL + lift * most
        if cholesky(routines, K, p, p, system.info) == 0:
            return True
        lift = max(LIFT, 100 * lift)
    return False


@inner()
def curvature_times(u, i, x):
    """Row i of P times x."""
    return u.curve[i] * x[i] if u.diagonal[0] else dot(u.P[i], x)


@inner()
def left(u, system, rx, ry, x, y):
    """The residual of (P + C'WC) x + A'y = rx, A x = ry, in `system.rx` and `system.ry`."""
    copy(rx, system.rx)
    for i in range(len(x)):
        system.rx[i] -= curvature_times(u, i, x)
    rows_times(u, x, system.product)
    for r in range(len(system.W)):
        system.product[r] *= -system.W[r]
    add_rows(u, system.product, system.rx)
    for r in range(len(y)):
        system.ry[r] = ry[r] - row_times(u, r, x)
        add_row(u, r, -y[r], system.rx)


@inner()
def reduced(routines, u, system, rx, ry, x, y):
    """(x, y) with (P + C'WC) x + A'y = rx, A x = ry; refined where there are equations."""
    n, p = len(x), len(y)
    fill(x, n, 0.0)
    fill(y, p, 0.0)
    copy(rx, system.rx)
    copy(ry, system.ry)
    size, side = largest_entry(rx), largest_entry(ry)
    for _ in range(1 + REFINEMENTS if p > 0 else 1):
        if u.diagonal[0]:
            solve_diagonal(u, system.K, system.rx, system.ry)
        else:
            solve_active(routines, system.H, system.V, system.K, n, p, system.rx, system.ry)
        add(system.rx, x)
        add(system.ry, y)
        if p > 0:
            left(u, system, rx, ry, x, y)
            if largest_entry(system.rx) <= EXACT * size and largest_entry(system.ry) <= EXACT * side:
                break
