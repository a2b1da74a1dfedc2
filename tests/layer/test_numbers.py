"""NaN and infinite data are found before anything is solved, by name, entry and item, on both backends."""

import pytest
import torch

import declarative
from declarative import SolveError, Status

NAN, INF = torch.nan, torch.inf
TEXT = """
dim m, n
param A : R^(m,n)
param b : R^m
param g : R
param lo : R^n
var x : R^n
minimize sumsq(A*x - b) + sumsq(x - g)
subject to
  low: lo <= x
"""


def compiled(text: str = TEXT, **settings):
    return declarative.compile(declarative.parse(text, name="numbers"), **settings)


def data(batch: int = 5) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    A, b = torch.randn(batch, 3, 2, generator=generator), torch.randn(batch, 3, generator=generator)
    return {"A": A.double(), "b": b.double(), "g": torch.zeros(batch).double(), "lo": -torch.ones(batch, 2).double()}


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_each_item_names_its_own_entry(backend):
    values = data()
    values["A"][0, 2, 1], values["b"][1, 0], values["g"][2], values["A"][3, 0, 0], values["lo"][4] = (
        NAN,
        INF,
        -INF,
        INF,
        -INF,
    )
    solution = compiled(backend=backend, on_failure="mask").solve(**values)
    assert solution.status.tolist() == [Status.FAILED] * 4 + [Status.SOLVED]
    side = "is infinite, which only a whole side of an inequality may be"
    words = ["`A[2, 1]` is NaN", f"`b[0]` {side}", f"`g` {side}", f"`A[0, 0]` {side}"]
    assert solution.messages == {(item,): word for item, word in enumerate(words)}
    good = compiled(backend=backend).solve(**{name: t[4] for name, t in values.items()})
    assert torch.equal(solution.x[4], good.x)


def test_items_that_break_at_the_same_entry_name_their_own_number():
    layer = declarative.compile(declarative.parse("param y : R; var x : R; minimize (x - y)^2"), on_failure="mask")
    numbers = ["`y` is NaN", *["`y` is infinite, which only a whole side of an inequality may be"] * 2]
    assert list(layer.solve([NAN, INF, -INF, 1.0]).messages.values()) == numbers
    layer = declarative.compile(
        declarative.parse("param y : R; var x : R; minimize x^2; subject to; x >= y"), on_failure="mask"
    )
    assert list(layer.solve([NAN, INF, -INF]).messages.values()) == [
        "`y` is NaN",
        "`y` is inf, and no number is above it",
    ]


@pytest.mark.parametrize("backend", ["kkt", "cone"])
def test_nothing_is_solved_where_no_item_has_numbers(backend, monkeypatch):
    layer, values = compiled(backend=backend), data()
    layer(**values)
    values["b"] = torch.full((3,), NAN, dtype=torch.float64)
    with pytest.raises(SolveError, match=r"items 0, 1, 2, 3, 4: failed: `b\[0\]` is NaN"):
        layer(**values)
    (ready,) = layer._memo.plans.values()
    monkeypatch.setattr(type(ready.plan), "run", lambda *_: pytest.fail("the solver was called"))
    inputs = {name: t.clone().requires_grad_() for name, t in values.items()}
    solution = layer.solve(**inputs)
    assert (solution.status == Status.FAILED).all() and solution.x.isnan().all() and solution.x.shape == (5, 2)
    gradients = torch.autograd.grad(
        solution.x.nan_to_num().sum() + solution.value.nan_to_num().sum(), list(inputs.values())
    )
    assert all((gradient == 0).all() for gradient in gradients)


SIDES = [  # text, the answer with r infinite, or the message
    ("minimize sumsq(x - 3); subject to; a: norm(x) <= r", [3.0, 3.0]),
    ("minimize sumsq(x - 3); subject to; a: norm(x) <= r; b: r >= x", [3.0, 3.0]),
    ("minimize sumsq(x - 3); subject to; a: exp(x) <= r", [3.0, 3.0]),
    ("minimize sumsq(x - 3); subject to; a: -r <= x <= 2", [2.0, 2.0]),
    ("minimize sumsq(x - 3); subject to; a: x <= 2 + r", None),
    ("minimize sumsq(x - 3); subject to; a: sum(x) == r", None),
    ("minimize sumsq(x - 3); subject to; a: (r, x) in SOC", None),
    ("minimize sumsq(x - 3); subject to; a: r*x[0] <= 1", None),
    ("minimize sumsq(x - 3) + r*norm(x)", None),
    ("minimize sumsq(x - 3); subject to; a: [x[0], 1; 1, r] in PSD", None),
]


@pytest.mark.parametrize(("text", "answer"), SIDES)
def test_infinity_is_a_side_and_nothing_else(text, answer):
    layer = compiled(f"param r : R, nonneg; var x : R^2; {text}", backend="cone", on_failure="mask")
    solution = layer.solve(torch.tensor([INF, 8.0], dtype=torch.float64))
    if answer is None:
        assert solution.status[0] == Status.FAILED
        assert solution.messages[(0,)] == "`r` is infinite, which only a whole side of an inequality may be"
    else:
        assert solution.status[0] == Status.SOLVED
        assert torch.allclose(solution.x[0], torch.tensor(answer, dtype=torch.float64), atol=1e-9)
    assert solution.status[1] == Status.SOLVED
