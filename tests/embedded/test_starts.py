"""A starting point as a list or an array of numbers is the vector or matrix of them, as in `start([1, 2, 3])`."""

import numpy as np
import pytest
import torch

import declarative as dc


@pytest.mark.parametrize("start", [[1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), torch.tensor([1.0, 2.0, 3.0])])
def test_a_list_is_a_vector(start):
    x = dc.var("x", 3, start=start)
    built = dc.problem(dc.minimize(dc.sumsq(x)))
    assert built.variables == dc.parse("var x : R^3, start([1, 2, 3])\nminimize sumsq(x)").variables
    assert dc.parse(str(built)) == built


def test_a_list_of_another_length_is_refused():
    with pytest.raises(dc.DiagnosticError):
        dc.problem(dc.minimize(dc.sumsq(dc.var("x", 3, start=[1, 2]))))


@pytest.mark.parametrize("start", [[[1, 2, 3], [4, 5, 6]], np.arange(1.0, 7.0).reshape(2, 3)])
def test_lists_in_a_list_are_the_rows_of_a_matrix(start):
    X = dc.var("X", 2, 3, start=start)
    built = dc.problem(dc.minimize(dc.sumsq(X)))
    assert built.variables == dc.parse("var X : R^(2,3), start([1, 2, 3; 4, 5, 6])\nminimize sumsq(X)").variables
    assert dc.parse(str(built)) == built


def test_rows_of_several_lengths_are_refused():
    with pytest.raises(dc.DiagnosticError, match="one length"):
        dc.var("X", 2, 2, start=[[1, 2], [3]])


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(dc.DiagnosticError):
        dc.problem(dc.minimize(dc.sumsq(dc.var("x", 3, start=np.zeros((2, 2))))))


def test_a_number_is_for_every_entry():
    x = dc.var("x", 3, start=np.float64(2))
    assert (
        dc.problem(dc.minimize(dc.sumsq(x))).variables == dc.parse("var x : R^3, start(2)\nminimize 0*x[0]").variables
    )
