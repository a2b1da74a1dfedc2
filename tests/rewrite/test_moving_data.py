"""Functions whose data are params: texts before and after, and the answers of kkt, which takes them as they are."""

import pytest
import torch

import declarative
from declarative import parse
from declarative.elaborate.to_text import expression_to_text
from declarative.rewrite.moving_data import free_data
from declarative.rewrite.standard import problem_to_standard

HEAD = """dim n
param a : R, pos
param w : R^n, pos
const k : R, pos
var x : R^n
var s : R
"""


@pytest.mark.parametrize(
    "before, after",
    [
        ("pseudo_huber(s, a)", "a*norm([a, s]) - square(a)"),
        ("sum(pseudo_huber(x, a))", "sum(r1)"),
        ("sum(pseudo_huber(x[i] - w[i], a) for i in n)", "sum(a*norm([a, x[i] - w[i]]) - square(a) for i in n)"),
        ("a^s", "exp(log(a)*s)"),
        ("sum(w.^x)", "sum(exp(log(w) .* x))"),
        ("pseudo_huber(s, k)", "pseudo_huber(s, k)"),
        ("2^s", "2^s"),
    ],
)
def test_before_and_after(before, after):
    found = free_data(problem_to_standard(parse(HEAD + f"minimize {before}")))
    assert expression_to_text(found.objective) == after
    assert len(found.log) == (before != after)


def test_both_backends_agree():
    text = HEAD.replace("const k : R, pos\n", "") + (
        "minimize sum(pseudo_huber(x - 3, w)) + pseudo_huber(s - 1, a) + sum(w.^x) + a^(-s)\n"
        "subject to\n  total: sum(x) <= 2\nreturn x, s, total.dual, value"
    )
    results = []
    for backend in ("kkt", "cone"):
        data = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.4, [0.5, 1.7, 2.2])]
        outputs = declarative.compile(parse(text), backend=backend)(*data)
        weighted = sum(((1 + k) * o).sum() for k, o in enumerate(outputs))
        results.append([*outputs, *torch.autograd.grad(weighted, data)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)
