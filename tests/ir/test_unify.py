"""Sizes from shapes, where they came from, and who disagrees."""

import pytest

from declarative.ir.size import Shape, Size
from declarative.ir.unify import SizeConflict, infer_sizes, match_shapes

n, m, k, T = (Size.of(name) for name in "nmkT")


def conflict(*args, **more) -> str:
    with pytest.raises(SizeConflict) as found:
        infer_sizes(*args, **more)
    return found.value.message


def test_sizes_are_read_off():
    assert infer_sizes([("mu", (n,)), ("F", (k, n)), ("gamma", ())], [(5,), (2, 5), ()]) == {"n": 5, "k": 2}


def test_the_message_says_who_said_what():
    assert conflict([("mu", (n,)), ("F", (k, n))], [(5,), (2, 6)]) == "n = 5 from `mu`; `F` axis 1 gives 6"
    assert conflict([("F", (k, n)), ("mu", (n,))], [(2, 6), (5,)]) == "n = 6 from `F` axis 1; `mu` gives 5"


def test_known_sizes():
    assert infer_sizes([("mu", (n,))], [(5,)], {"T": 20}) == {"T": 20, "n": 5}
    assert conflict([("mu", (n,))], [(5,)], {"n": 4}) == "n = 4 as given; `mu` gives 5"


@pytest.mark.parametrize(
    ("pattern", "actual", "expected"),
    [(T + 1, 21, 20), (T - 1, 19, 20), (T * 2, 40, 20), (T * 3 - 2, 7, 3), (Size.of(5) - T, 3, 2), (T, 0, 0)],
)
def test_linear_sizes_are_solved(pattern: Size, actual: int, expected: int):
    assert infer_sizes([("x", (pattern,))], [(actual,)]) == {"T": expected}


def test_sizes_without_a_whole_solution():
    assert conflict([("x", (T * 2,))], [(5,)]) == "`x` gives 2*T = 5: no whole T fits"
    assert conflict([("x", (T + 3,))], [(1,)]) == "`x` gives T+3 = 1: no whole T fits"


def test_later_arguments_help_earlier_ones():
    """m*n = 12 waits until n is known; m^2 is never solved but checked."""
    assert infer_sizes([("v", (m * n,)), ("x", (n,))], [(12,), (3,)]) == {"m": 4, "n": 3}
    assert infer_sizes([("v", (m * m,)), ("x", (m,))], [(9,), (3,)]) == {"m": 3}
    assert conflict([("v", (m * m,)), ("x", (m,))], [(8,), (3,)]) == "m = 3 from `x`; `v` gives m*m = 8"


def test_what_cannot_be_told_is_named():
    message = conflict([("v", (m * m,))], [(9,)], needed=["T"])
    assert message == "the sizes cannot be told from the arguments: T, m"
    assert "m (in `v`)" in conflict([("v", (m * m,))], [(9,)])


def test_ranks_and_numbers():
    assert conflict([("F", (k, n))], [(3,)]) == "`F` is declared R^(k,n); R^3 was given"
    assert conflict([("p", (n, Size.of(3)))], [(4, 2)]) == "`p` axis 1 is 3 by declaration; 2 was given"


def test_symbolic_shapes():
    shape: Shape = (n * 2 + 1,)
    found = match_shapes([("`z`", (k * 2 + 1,))], [shape])
    assert found["k"].size == n
    with pytest.raises(SizeConflict):
        match_shapes([("`z`", (k,)), ("`w`", (k,))], [(n,), (m,)])
