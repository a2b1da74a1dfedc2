"""E4xx: problems written in Python."""

from declarative.source.codes.record import Code

EMBEDDED: tuple[Code, ...] = (
    Code(
        "E401",
        "a condition that Python asks at once",
        "Symbols have no truth before the problem is solved. A condition over dims, consts and indices may stand after "
        "`if` in a generator that dc.sum, dc.forall or a constraint takes. There `not`, `and` and `or` mean what they "
        "say.",
        "if E[0, 1]: cost = cost + x[0]",
        "cost = cost + E[0, 1] * x[0]",
    ),
    Code(
        "E402",
        "a constraint that Python takes apart",
        "Python reads `0 <= w <= 1` as two comparisons joined by `and`, and asks the first one for its truth. The same "
        "happens in Python's own `max` and `min`.",
        "dc.problem(objective, 0 <= w <= 1)",
        "dc.problem(objective, dc.chain(0, w, 1))",
    ),
    Code(
        "E403",
        "a symbol where Python needs a value, or a value where the problem needs a symbol",
        "Handles stand for arrays that are known later. Python's and numpy's functions compute at once; the functions "
        "of the library keep their arguments. Arrays of numbers are data: a problem knows them by name.",
        "np.exp(x)",
        "dc.exp(x)",
    ),
    Code(
        "E404",
        "a generator without a symbolic meaning",
        "A generator over dims stands for one expression, or one constraint, with indices. So it yields one body, "
        "whatever its condition says, and its indices are not used up inside it by a list or by Python's own `sum`.",
        "dc.max(sum(x[i, j] for i in n) for j in n)",
        "dc.max(dc.sum(x[i, j] for i in n) for j in n)",
    ),
    Code(
        "E405",
        "something that is no part of a problem",
        "dc.problem takes an objective first, then constraints. Keywords name constraints.",
        "dc.problem(dc.sumsq(x), x >= 1)",
        "dc.problem(dc.minimize(dc.sumsq(x)), x >= 1)",
    ),
)
