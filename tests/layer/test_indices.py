"""Data that are indices: whole numbers in the range that they are declared for."""

import pytest
import torch

import declarative
from declarative import DiagnosticError

ZONES = """
dim v, e
const at[e] : index(v)
param c : R^e
param lim : R^v
var x : R^e, between(0, 10)
maximize c'*x
subject to
  zone: sum(x[k] for k in e if at[k] == i) <= lim[i] for i in v
"""


@pytest.mark.parametrize(("at", "found"), [([1, 2, 3], r"`at\[2\]` is 3"), ([-1, 0, 1], r"`at\[0\]` is -1")])
def test_indices_that_are_only_compared_are_in_range_too(at, found):
    problem = declarative.parse(ZONES)
    c, lim = torch.ones(3), torch.tensor([2.0, 3, 4])
    with pytest.raises(DiagnosticError, match="(?s)E305.*" + found):
        declarative.compile(problem, consts={"at": at}, check="never")(c, lim)
    with pytest.raises(DiagnosticError, match="(?s)E305.*" + found):
        declarative.compile(problem, consts={"at": at}, dims={"v": 3})
    layer = declarative.compile(problem, consts={"at": [0, 1, 2]})
    assert layer(c, lim).sum().item() == pytest.approx(9)
    layer.load_state_dict({"const.at": torch.tensor(at, dtype=torch.float64)})
    with pytest.raises(DiagnosticError, match="(?s)E305.*" + found):
        layer(c, lim)


def test_data_that_count_from_one_are_told_so():
    problem = declarative.parse(ZONES)
    for at, hints in (([1, 2, 3], ("these count from 1, as it seems: give `at - 1`",)), ([0, 2, 3], ())):
        with pytest.raises(DiagnosticError) as caught:
            declarative.compile(problem, consts={"at": at}, dims={"v": 3})
        assert caught.value.diagnostics[0].hints == hints


def test_indices_are_whole_numbers():
    text = "dim e; const k[e] : index(2); param y : R^2; var x : R^2; minimize sumsq(x - y) + sum(x[k[j]] for j in e)"
    problem = declarative.parse(text, name="pick")
    with pytest.raises(DiagnosticError, match="whole numbers"):
        declarative.compile(problem, consts={"k": [0, 0.5]})
    x = declarative.compile(problem, consts={"k": [1, 1]})(torch.zeros(2))
    assert torch.allclose(x, torch.tensor([0.0, -1.0]))
