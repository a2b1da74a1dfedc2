"""Sums of outer products, written once: for large matrices it is the memory that takes the time."""

from declarative.backends.kkt.compiled.jit import inner, outer


@inner()
def combine(a, x, b, y, target):
    """target = a x + b y."""
    for j in range(len(target)):
        target[j] = a * x[j] + b * y[j]


@outer
def sum_products(a, x, b, y, found):
    """found (B, k, n) = a x' + b y' for a, b (B, k) and x, y (B, n)."""
    for item in range(len(found)):
        for i in range(found.shape[1]):
            combine(a[item, i], x[item], b[item, i], y[item], found[item, i])
