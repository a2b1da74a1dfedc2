"""A column for a vector of free size is a batch of vectors of one entry: taken so, with a warning."""

import pytest
import torch

import declarative as dc

TEXT = "dim n\nparam a : R^n\nvar x : R^n\nminimize sumsq(x - a)\nsubject to\n  sum(x) == 1"
COLUMN = torch.tensor([[1.0], [2.0], [3.0]])


def test_a_column_is_taken_for_items_with_a_warning_once():
    layer = dc.compile(dc.parse(TEXT))
    with pytest.warns(UserWarning, match=r"of the shape \(3, 1\) it is a batch of vectors with n = 1.*a.squeeze\(-1\)"):
        assert torch.equal(layer(COLUMN), torch.ones(3, 1))
    assert torch.equal(layer(COLUMN), torch.ones(3, 1))  # warnings fail here
    assert torch.allclose(layer(COLUMN.squeeze(-1)), torch.tensor([-2 / 3, 1 / 3, 4 / 3]))


NUMBER = "dim n\nparam a : R^n\nparam b : R\nvar x : R^n\nminimize sumsq(x - a) + b*sum(x)"


def test_numbers_in_a_column_meet_every_item_with_a_warning():
    a, b = torch.zeros(3, 2), torch.tensor([[1.0], [2.0], [3.0]])
    with pytest.warns(
        UserWarning, match=r"the shape \(3, 1\) a batch; with the batch \(3,\) of `a` .*\(3, 3\).*b.squeeze"
    ):
        assert dc.compile(dc.parse(NUMBER))(a, b).shape == (3, 3, 2)


@pytest.mark.parametrize(
    "a, b",
    [
        ((3, 2), (3,)),
        ((2,), (3, 1)),
        ((4, 2), (3, 1)),
        ((3, 1, 2), (3, 1)),
        ((1, 2), (3, 1)),
        ((3, 5, 2), (3, 1)),
        ((3, 2), ()),
    ],
)
def test_no_warning_of_batches_that_say_what_they_are(a: tuple[int, ...], b: tuple[int, ...]):
    assert dc.compile(dc.parse(NUMBER))(torch.zeros(a), torch.ones(b)) is not None


def test_a_mapped_function_is_told_of_the_shapes_that_it_has():
    assert torch.func.vmap(dc.compile(dc.parse(TEXT)))(COLUMN).shape == (3, 1)  # vectors of one entry: no warning
    with pytest.warns(UserWarning, match=r"of the shape \(3, 1\)"):
        torch.func.vmap(dc.compile(dc.parse(TEXT)))(COLUMN.expand(2, 3, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda layer: layer(COLUMN),
        lambda layer: layer.solve(COLUMN),
        lambda layer: torch.nn.Sequential(layer)(COLUMN),
        lambda layer: torch.func.vmap(layer)(COLUMN[None]),
    ],
    ids=["a call", "solve", "within a module", "mapped"],
)
def test_the_line_of_the_warning_is_the_callers(call):
    with pytest.warns(UserWarning, match="squeeze") as told:
        call(dc.compile(dc.parse(TEXT)))
    assert [warning.filename for warning in told] == [__file__]


@pytest.mark.parametrize(
    "text, dims, data",
    [
        (TEXT, {"n": 1}, [COLUMN]),
        (TEXT.replace("dim n", "dim n = 1"), {}, [COLUMN]),
        (TEXT, {}, [COLUMN[0]]),
        (TEXT, {}, [COLUMN[:1]]),
        (TEXT, {}, [COLUMN.mT]),
        (TEXT.replace("- a)", "- a - b)").replace("var", "param b : R^n\nvar"), {}, [COLUMN, COLUMN[0]]),
        (TEXT.replace("- a)", "- a) + sumsq(A*x)").replace("var", "param A : R^(2,n)\nvar"), {}, [COLUMN, [[1], [2]]]),
    ],
    ids=["told", "told in the text", "one entry", "one item", "a row", "another vector", "a matrix"],
)
def test_no_warning_where_something_else_says_that_the_size_is_one(text: str, dims: dict[str, int], data: list):
    assert dc.compile(dc.parse(text), dims=dims)(*data) is not None
