"""What Python's operators, generators and keywords mean, told as the text that they are equal to."""

# ruff: noqa: SIM300 -- the order of sides is what is tested

from collections.abc import Callable

import numpy as np
import pytest

import declarative as dc

n, m, T = dc.dim("n"), dc.dim("m"), dc.dim("T", 5)
A, c = dc.param("A", m, n), dc.param("c", "pos")
Q = dc.param("Q", n, "S")
E, tail = dc.const("E", n, n), dc.index_data("tail", n, n)
x, z = dc.var("x", n), dc.var("z", m, family=dc.range(0, T + 1))

HEAD = """
dim n, m, T = 5
param A : R^(m,n)
param c : R, pos
param Q : S^n
const E : R^(n,n)
const tail[n] : index(n)
var x : R^n
var z[0..T] : R^m
"""

# Scalars: Python, and the same in a text.
EXPRESSIONS: dict[str, tuple[Callable, str]] = {
    "a scalar before a product": (lambda: 1 / 2 * x @ Q @ x, "1/2*x'*Q*x"),
    "a scalar in brackets": (lambda: x @ Q @ x / 2, "x'*Q*x/2"),
    "an inner product": (lambda: (A @ x) @ z[0], "(A*x)'*z[0]"),
    "a row": (lambda: dc.sum(z[0] @ A), "sum(z[0]'*A)"),
    "a transpose": (lambda: dc.sum(A.T @ z[0]), "sum(A'*z[0])"),
    "`.T` of a vector": (lambda: x.T @ x.T, "x'*x"),
    "a symmetric transpose": (lambda: dc.trace(Q.T), "trace(Q)"),
    "an outer product": (lambda: dc.trace(dc.outer(x, x)), "trace(x*x')"),
    "entry by entry": (lambda: dc.sum(x * x / x - x**2), "sum(x.*x ./ x - x.^2)"),
    "powers": (lambda: c**-1 + c**0.5 + 2**c + c ** (c + 1), "c^-1 + c^0.5 + 2^c + c^(c + 1)"),
    "signs": (lambda: -x[0] - -x[1] + +c - (-2), "-x[0] + x[1] + c + 2"),
    "minus binds like Python's": (lambda: -(x[0] ** 2) - c * -x[0], "-x[0]^2 - c*(-x[0])"),
    "abs": (lambda: dc.sum(abs(x)), "sum(abs(x))"),
    "numpy's numbers": (lambda: np.float64(2) * x[0] - np.int64(1) + np.float32(0.5) / c, "2*x[0] - 1 + 0.5/c"),
    "zero axes": (lambda: np.array(2.0) * x[0], "2*x[0]"),
    "a size as a number": (lambda: dc.sum(x) / n + (T + 1) * c, "sum(x)/n + (T + 1)*c"),
    "from the end": (lambda: x[-1] + dc.sum(x[:-1]) + dc.sum(x[2:]), "x[n-1] + sum(x[0:n-1]) + sum(x[2:n])"),
    "a row of a matrix": (lambda: A[0] @ x + dc.sum(A[:, 1]), "A[0,:]'*x + sum(A[:,1])"),
    "a member of a family": (lambda: z[T][0] + z[1, 0] + dc.sum(z[-1]), "z[T,0] + z[1,0] + sum(z[T])"),
    "index data": (lambda: dc.sum(x[tail[i]] for i in n), "sum(x[tail[i]] for i in n)"),
    "norms": (lambda: dc.norm(x) + dc.norm(x, 1) + dc.norm(x, np.inf), "norm(x) + norm1(x) + norminf(x)"),
    "maxima": (lambda: dc.max(x) + dc.max(c, 1, x[0]) + dc.min([c, 1]), "max(x) + max(c, 1, x[0]) + min(c, 1)"),
    "options": (lambda: dc.sum_largest(x, 2) + dc.sum_largest(x, k=3), "sum_largest(x, 2) + sum_largest(x, 3)"),
    "spaces": (
        lambda: dc.trace(dc.partial_trace(dc.outer(x, x), (n, 1)) + dc.partial_transpose(Q, (1, n), axis=1)[:1, :1]),
        "trace(partial_trace(x*x', n, 1) + partial_transpose(Q, 1, n, axis = 1)[0:1,0:1])",
    ),
    "truths": (
        lambda: dc.vec_to_upper_tri(dc.concat(x[0], c, 1), strict=True)[0, 1],
        "vec_to_upper_tri([x[0], c, 1], strict = 1)[0,1]",
    ),
    "products": (
        lambda: dc.prod(x) * dc.prod([c, x[0]]) + dc.sum(dc.gmatmul(Q, x)) + dc.sum(dc.cumprod(x)),
        "prod(x)*(c*x[0]) + sum(gmatmul(Q, x)) + sum(cumprod(x))",
    ),
    "arrays": (lambda: dc.sum(dc.concat(x, 1, [c, c])), "sum([x, 1, c, c])"),
    "blocks": (lambda: dc.trace(dc.block([[Q, x], [A[:1], 1]])), "trace([Q, x; A[0:1,:], 1])"),
    "a list of terms": (lambda: dc.sum([x[0], x[1], c]), "x[0] + x[1] + c"),
    "Python's numbers": (lambda: dc.sum(x[k] ** k for k in range(1, 3)), "x[1]^1 + x[2]^2"),
    "Python's sum of a list": (lambda: sum(x[k] for k in range(2)), "0 + x[0] + x[1]"),
    "a range": (lambda: dc.prod(x[k] for k in dc.range(1, n - 1)), "prod(x[k] for k in 1..n-2)"),
    "nested": (lambda: dc.max(dc.sum(A[j, i] for i in n) for j in m), "max(sum(A[j,i] for i in n) for j in m)"),
    "the same index twice": (
        lambda: dc.sum(x[i] for i in n) * dc.sum(dc.sum(E[i, k] for k in n) for i in n),
        "sum(x[i] for i in n)*sum(sum(E[i,k] for k in n) for i in n)",
    ),
    "a function of an index": (
        lambda: (lambda e: dc.sum(e(i) for i in n))(lambda k: x[k] ** 2),
        "sum(x[i]^2 for i in n)",
    ),
}

CONDITIONS: dict[str, tuple[Callable, str]] = {
    "plain": (lambda: dc.sum(x[i] for i in n if E[i, 0]), "E[i,0]"),
    "not": (lambda: dc.sum(x[i] for i in n if not E[i, 0]), "not E[i,0]"),
    "and": (lambda: dc.sum(x[i] for i in n if E[i, 0] and i > 0 and tail[i] != i), "E[i,0] and i > 0 and tail[i] != i"),
    "or": (lambda: dc.sum(x[i] for i in n if E[i, 0] or not i < 2), "E[i,0] or not i < 2"),
    "two ifs": (lambda: dc.sum(x[i] for i in n if E[i, 0] if i > 0), "E[i,0] and i > 0"),
    "or in and": (lambda: dc.sum(x[i] for i in n if (E[i, 0] or i > 2) and i < 9), "(E[i,0] or i > 2) and i < 9"),
    "and in or": (lambda: dc.sum(x[i] for i in n if (E[i, 0] and i > 2) or i < 1), "E[i,0] and i > 2 or i < 1"),
    "not of and": (lambda: dc.sum(x[i] for i in n if not (E[i, 0] and i > 2)), "not E[i,0] or not i > 2"),
    "a chain": (lambda: dc.sum(x[i] for i in n if 0 < i < n - 1), "i > 0 and i < n - 1"),
    "a chain of indices": (lambda: dc.sum(x[i] for i in n if 0 <= i), "0 <= i"),
    "operators": (lambda: dc.sum(x[i] for i in n if ~E[i, 0] & (i > 0) | (i == 5)), "not E[i,0] and i > 0 or i == 5"),
    "equal indices": (lambda: dc.sum(x[i] for i in n if tail[i] == i), "tail[i] == i"),
}

CONSTRAINTS: dict[str, tuple[Callable, str]] = {
    "sides stay": (lambda: 1 <= x, "1 <= x"),
    "sides of an equation stay": (lambda: 1 == dc.sum(x), "1 == sum(x)"),
    "sides of an equation the other way": (lambda: dc.sum(x) == 1, "sum(x) == 1"),
    "a numpy side": (lambda: np.float64(1) >= x, "1 >= x"),
    "a chain": (lambda: dc.chain(-1, x, 1), "-1 <= x <= 1"),
    "semidefinite": (lambda: Q * x[0] >> 0, "Q*x[0] in PSD"),
    "an order of matrices": (lambda: Q * x[0] << Q, "Q - Q*x[0] in PSD"),
    "a cone": (lambda: dc.member("SOC", c * x[0], x), "(c*x[0], x) in SOC"),
    "a set with arguments": (lambda: dc.member("Box", x, args=(-1, c)), "x in Box(-1, c)"),
    "a set with one argument": (lambda: dc.member("Ball", x, args=c), "x in Ball(c)"),
    "a family": (lambda: (z[t + 1] == z[t] for t in T), "z[t+1] == z[t] for t in T"),
    "forall": (lambda: dc.forall(x[i] >= c for i in n if i > 1), "x[i] >= c for i in n if i > 1"),
    "two indices": (lambda: (z[t][j] <= c for t in T for j in m), "z[t,j] <= c for t in T, j in m"),
    "a family of chains": (lambda: (dc.chain(0, x[i], 1) for i in n), "0 <= x[i] <= 1 for i in n"),
    "a condition before the second loop": (
        lambda: (x[i] <= E[i, j] for i in n if i > 0 for j in n if not E[i, j]),
        "x[i] <= E[i,j] for i in n, j in n if i > 0 and not E[i,j]",
    ),
}


def python(**parts) -> dc.Problem:
    used = [A, c, Q, E, tail]
    aim = dc.minimize(parts.pop("body", 0) + 0 * x[0] + 0 * z[0, 0])
    return dc.problem(aim, params=used, name="p", **parts)


def text(body: str, *rest: str) -> dc.Problem:
    return dc.parse("\n".join([HEAD, f"minimize {body} + 0*x[0] + 0*z[0,0]", *rest]), name="p")


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression(name: str):
    made, written = EXPRESSIONS[name]
    assert python(body=made()) == text(written)


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition(name: str):
    made, written = CONDITIONS[name]
    assert python(body=made()) == text(f"sum(x[i] for i in n if {written})")


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(name: str):
    made, written = CONSTRAINTS[name]
    assert python(body=c, row=made()) == text("c", "subject to", f"row: {written}")


def test_a_family_as_one_array_starts_at_zero():
    stack = dc.stack(x[k] for k in dc.range(1, n))
    for body, written in ((dc.sumsq(stack), "sumsq(r)"), (stack[0], "r[0]"), (dc.sum(stack[1:]), "sum(r[1:n-1])")):
        aim = f"let r[k] = x[k+1] for k in 0..n-2\nminimize {written} + 0*x[0] + 0*z[0,0]"
        assert python(body=body) == dc.parse(HEAD + aim, name="p")


def test_outputs_duals_and_clauses():
    budget = dc.sum(x) == c
    made = dc.problem(
        dc.maximize(c * x[0] + 0 * z[0, 0]),
        {"budget": budget},
        box=dc.chain(0, x, 1),
        params=[A, c, Q, E, tail],
        outputs={
            "x": x,
            "price": dc.dual(budget),
            "low": "box.lower.dual",
            "best": dc.value,
            "flip": -dc.dual("budget"),
        },
        solve=dc.method("newton", tol=1e-10, starts=8),
        differentiate="one_step",
        name="p",
    )
    written = dc.parse(
        HEAD
        + """maximize c*x[0] + 0*z[0,0]
        subject to
          budget: sum(x) == c
          box: 0 <= x <= 1
        return x, price = budget.dual, low = box.lower.dual, best = value, flip = -budget.dual
        solve by newton(tol = 1e-10, starts = 8)
        differentiate by one_step""",
        name="p",
    )
    assert made == written


def test_params_come_in_order_of_creation_or_as_listed():
    p, q, r = dc.param("p"), dc.const("q"), dc.param("r")
    t = dc.var("t")
    body = (t - r * p - q) ** 2
    names = lambda problem: [d.symbol.name for d in problem.parameters]  # noqa: E731
    assert names(dc.problem(dc.minimize(body))) == ["p", "q", "r"]
    assert names(dc.problem(dc.minimize(body), params=[r, p])) == ["r", "p", "q"]
    unused = dc.param("unused")
    assert names(dc.problem(dc.minimize(t**2))) == []
    assert names(dc.problem(dc.minimize(t**2), params=[unused])) == ["unused"]


def test_a_dim_yields_one_index_and_stops():
    assert len(list(n)) == 1
    assert len(list(dc.range(1, n))) == 1


def test_handles_may_be_keys():
    table = {x: "x", c: "c"}
    assert table[x] == "x" and table[c] == "c"


def test_sizes_made_twice_are_one():
    again = dc.dim("n")
    extra = dc.var("extra", again)
    assert len(dc.problem(dc.minimize(dc.sumsq(x - extra))).dims) == 1
