"""What an index becomes when an expression is put in its place, and that its text is read as the same tree."""

import pytest

import declarative as dc

DECLARED = """\
dim n, m
param s : R
param a : R^n
const tail[n] : index(n)
var x : R^n
var y : R^(n+1)
"""

# The first stands for the second, written out by hand.
WRITTEN_OUT = {
    "0 in a sum of numbers": ("let v[i] = i + (1 + x[i]) for i in n\nminimize v[0]", "minimize 1 + x[0]"),
    "a number, where nothing else is left": ("let v[i] = exp(i - 1) for i in n\nminimize v[1]*s", "minimize exp(0)*s"),
    "no sign of 0": ("let v[i] = -i*x[i] for i in n\nminimize v[0]", "minimize -0*x[0]"),
    "two signs": ("let v[i] = -(-i*x[i]) for i in n\nminimize v[1]", "minimize -(-1*x[1])"),
    "a difference": ("let v[i] = (n - i)*x[i] for i in n\nminimize v[2]", "minimize (n - 2)*x[2]"),
    "a size as a value": ("let v[i] = i*x[i] for i in n\nminimize v[n-1]", "minimize (n - 1)*x[n-1]"),
    "a size in a sum": ("let v[i] = (i - 1)*x[i] for i in n\nminimize v[n-1]", "minimize (n - 1 - 1)*x[n-1]"),
    "a quotient": ("let v[i] = i/(i + 1)*x[i] for i in n\nminimize v[3]", "minimize 3/4*x[3]"),
    "a power": ("let v[i] = x[i]^i for i in n\nminimize v[2]", "minimize x[2]^2"),
    "a square": ("let v[i] = (i + 1)^2*x[i] for i in n\nminimize v[2]", "minimize 9*x[2]"),
    "an inner product": ("let v[i] = (i*x)'*(2*x) for i in n\nminimize v[2]", "minimize (2*x)'*(2*x)"),
    "a condition": (
        "let v[i] = sum(x[k] for k in n if k < n - 1 - i) for i in n\nminimize v[n-1]",
        "minimize sum(x[k] for k in n if k < n - 1 - (n - 1))",
    ),
    "another index": (
        "let v[i] = (i + 1)*x[i] for i in n\nminimize sum(v[n-1-k] for k in n)",
        "minimize sum((-k + n - 1 + 1)*x[n-1-k] for k in n)",
    ),
    "a range from 1": (
        "minimize sum(stack((1 - i)*x[i-1] for i in 1..n-1))",
        "minimize sum(stack((1 - (i + 1))*x[i] for i in 0..n-2))",
    ),
    "a flexible size": ("def f(z : R^d) : R = (d - 1)*sum(z)\nminimize f(y)", "minimize (n + 1 - 1)*sum(y)"),
}

READ_AGAIN = (
    *(given for given, _ in WRITTEN_OUT.values()),
    "let v = stack(i*x[i] for i in n)\nminimize sum(v) + v[0] + v[n-1]",
    "minimize stack(i*x[i] for i in n)[0]",
    "minimize sum(stack(x[i]*(i + k) for i in n)[k] for k in n)",
    "let v = stack(x[i]*(i + k) for i in n, k in n)\nminimize v[1,2] + sum(v[0,:]) + sum(v[:,1])",
    "let v[i] = stack(x[i]*(i + k) for k in n) for i in n\nminimize sum(v) + sum(v[0]) + v[1,2]",
    "let v[i] = x[tail[i]]*i for i in n\nminimize v[n-1] + sum(v[tail[i]] for i in n)",
    "minimize std(y) + cvar([x, y], 0.5)",
)


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_an_index_is_replaced_as_if_its_value_were_written(name: str):
    first, second = (dc.parse(DECLARED + text + "\n").objective for text in WRITTEN_OUT[name])
    assert first == second


@pytest.mark.parametrize("text", READ_AGAIN)
def test_what_was_put_in_place_is_read_again(text: str):
    problem = dc.parse(DECLARED + text + "\n")
    assert dc.parse(str(problem)) == problem
