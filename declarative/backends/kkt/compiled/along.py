"""What vectors of any length are copied, added and multiplied with; loops are what the compiler is quick with."""

from declarative.backends.kkt.compiled.jit import SUMS, inner


@inner()
def copy(source, target):
    """target = source (the slices' own assignment takes seconds to compile)."""
    for j in range(len(source)):
        target[j] = source[j]


@inner()
def add(source, target):
    """target += source."""
    for j in range(len(source)):
        target[j] += source[j]


@inner()
def largest_entry(a):
    """The largest absolute entry."""
    most = 0.0
    for j in range(len(a)):
        most = max(most, abs(a[j]))
    return most


@inner()
def fill(target, count, value):
    """The first entries are set to a value."""
    for j in range(count):
        target[j] = value


@inner(fastmath=SUMS)
def dot(a, x):
    """a'x."""
    total = 0.0
    for j in range(len(x)):
        total += a[j] * x[j]
    return total


@inner(fastmath=SUMS)
def subtract(a, factor, target):
    """target -= factor a."""
    for j in range(len(a)):
        target[j] -= factor * a[j]
