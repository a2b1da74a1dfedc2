"""A starting point as a plain list of numbers is the vector of them, as in `start([1, 2, 3])`."""

import pytest

import declarative as dc


@pytest.mark.parametrize("start", [[1, 2, 3], (1.0, 2.0, 3.0)])
def test_a_list_is_a_vector(start):
    x = dc.var("x", 3, start=start)
    built = dc.problem(dc.minimize(dc.sumsq(x)))
    assert built.variables == dc.parse("var x : R^3, start([1, 2, 3])\nminimize sumsq(x)").variables
    assert dc.parse(str(built)) == built


def test_a_list_of_another_length_is_refused():
    with pytest.raises(dc.DiagnosticError):
        dc.problem(dc.minimize(dc.sumsq(dc.var("x", 3, start=[1, 2]))))
