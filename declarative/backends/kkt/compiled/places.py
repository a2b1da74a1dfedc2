"""Where the numbers of an item stand in a column of a block's memory, whose rows are numbered here."""

from functools import cache
from typing import NamedTuple

from declarative.backends.kkt.compiled.constants import FILTER


class Places(NamedTuple):
    """Sizes, and the first row of each group. What comes before `kept` stays from one iteration to the next.

    x (n), y (p), s (q), z (m), mu, lift: the iterate; `limit` of the filter, `size` of the start, and the `goal`, an
    objective below which nothing is left to do; `on` (m); lower, upper, wall_lower, wall_upper, `fixed` (n): all as in
    `methods/barrier.py`. The units of f, c (p), g (q) and x (n). The filter's violations and objectives (FILTER), how
    many `pairs` it has been given, the `last` error; how many `short` steps there were in a row.
    The model at x: f, slope (n), c (p), g (q), the entries of H, Jc, Jg that may be other than 0. The distances v (m),
    sigma (m) = z/v. The direction dx (n), ny (p), dv (m), dz (m); Newton's own ox (n), oy (p), which may be bent;
    another one's bx (n), by (p), and distances bv (m); the residuals rc (p) of c and rg (q) of g + s that a direction
    is for. A trial point tx (n), ts (q), with f, c, g from `there` on. Single numbers, and a row of zeros.
    """

    n: int
    p: int
    q: int
    low: int
    high: int
    m: int
    x: int
    y: int
    s: int
    z: int
    mu: int
    lift: int
    limit: int
    size: int
    goal: int
    on: int
    lower: int
    upper: int
    wall_lower: int
    wall_upper: int
    fixed: int
    f_unit: int
    c_unit: int
    g_unit: int
    x_unit: int
    given: int
    violations: int
    objectives: int
    pairs: int
    last: int
    item: int
    rounds: int
    short: int
    kept: int
    f: int
    slope: int
    c: int
    g: int
    H: int
    Jc: int
    Jg: int
    v: int
    sigma: int
    dx: int
    ny: int
    dv: int
    dz: int
    ox: int
    oy: int
    bx: int
    by: int
    bv: int
    rc: int
    rg: int
    tx: int
    ts: int
    there: int
    dual: int
    primal: int
    scale: int
    violation: int
    objective: int
    falling: int
    longest: int
    alpha: int
    bent: int
    left: int
    armijo: int
    lifted: int
    stage: int
    why: int
    zero: int
    rows: int


@cache
def places(n: int, p: int, q: int, low: int, high: int, entries: tuple[int, int, int]) -> Places:
    """The rows for n unknowns, p equations, q inequalities, lower and upper bounds, and entries of H, Jc and Jg."""
    m, found, row = q + low + high, {}, 0
    sizes = {
        "x": n, "y": p, "s": q, "z": m, "mu": 1, "lift": 1, "limit": 1, "size": 1, "goal": 1, "on": m,
        "lower": n, "upper": n, "wall_lower": n, "wall_upper": n, "fixed": n,
        "f_unit": 1, "c_unit": p, "g_unit": q, "x_unit": n, "given": 0,
        "violations": FILTER, "objectives": FILTER, "pairs": 1, "last": 1, "item": 1, "rounds": 1, "short": 1,
        "kept": 0, "f": 1, "slope": n, "c": p, "g": q, "H": entries[0], "Jc": entries[1], "Jg": entries[2],
        "v": m, "sigma": m,
        "dx": n, "ny": p, "dv": m, "dz": m, "ox": n, "oy": p, "bx": n, "by": p, "bv": m, "rc": p, "rg": q,
        "tx": n, "ts": q, "there": 1 + p + q,
        "dual": 1, "primal": 1, "scale": 1,
        "violation": 1, "objective": 1, "falling": 1, "longest": 1, "alpha": 1, "bent": 1, "left": 1, "armijo": 1,
        "lifted": 1, "stage": 1, "why": 1, "zero": 1, "rows": 0,
    }  # fmt: skip
    for name, size in sizes.items():
        found[name], row = row, row + size
    return Places(n, p, q, low, high, m, **found)
