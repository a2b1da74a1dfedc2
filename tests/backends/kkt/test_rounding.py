"""Running error analysis of lists of operations, against values to fifty digits."""

from importlib.util import module_from_spec, spec_from_file_location

import mpmath
import pytest
import torch
from backends.kkt.test_numeric import evaluated

import declarative
from declarative.backends.kkt.scalar import rounding
from declarative.backends.kkt.scalar.rounding import rounding_error

FLOAT = torch.float64
CANCEL = {
    "a constant": lambda m, x, y: 0.1 * ((x + 9.81) * m.cos(y) - 9.81),
    "a sum": lambda m, x, y: (x + 1e6) + (y - 1e6),
    "a product": lambda m, x, y: (x + 3.0) * (y + 7.0) - 21.0,
    "a quotient": lambda m, x, y: (x + 1.0) / (y + 3.0) - 1.0 / 3.0,
    "a square root": lambda m, x, y: m.sqrt(x + 2.0) - m.sqrt(y + 2.0),
    "a power": lambda m, x, y: (1.0 + x) ** 2.7 - (1.0 + y) ** 2.7,
    "an exponent": lambda m, x, y: (x + 2.0) ** (y + 1.5) - 2.0**1.5,
    "exp": lambda m, x, y: m.exp(x + 3.0) - m.exp(y + 3.0),
    "expm1": lambda m, x, y: m.expm1(x + 3.0) - m.expm1(y + 3.0),
    "log": lambda m, x, y: m.log(x + 3.0) - m.log(y + 3.0),
    "log1p": lambda m, x, y: m.log1p(x + 3.0) - m.log1p(y + 3.0),
    "sin": lambda m, x, y: m.sin(x + 7.1) - m.sin(y + 7.1),
    "cos": lambda m, x, y: m.cos(x + 7.1) - m.cos(y + 7.1),
    "tan": lambda m, x, y: m.tan(x + 1.5) - m.tan(y + 1.5),
    "asin": lambda m, x, y: m.asin(x / 9 + 0.8) - m.asin(y / 9 + 0.8),
    "acos": lambda m, x, y: m.acos(x / 9 + 0.8) - m.acos(y / 9 + 0.8),
    "atan": lambda m, x, y: m.atan(x + 2.0) - m.atan(y + 2.0),
    "sinh": lambda m, x, y: m.sinh(x + 2.0) - m.sinh(y + 2.0),
    "cosh": lambda m, x, y: m.cosh(x + 2.0) - m.cosh(y + 2.0),
    "tanh": lambda m, x, y: m.tanh(x + 2.0) - m.tanh(y + 2.0),
    "erf": lambda m, x, y: m.erf(x + 1.0) - m.erf(y + 1.0),
    "lgamma": lambda m, x, y: m.lgamma(x + 5.3) - m.lgamma(y + 5.3),
    "the larger": lambda m, x, y: m.maximum(x + 9.81, y + 9.81) - 9.81,
    "the smaller": lambda m, x, y: m.minimum(x + 9.81, y + 9.81) - 9.81,
    "an absolute value": lambda m, x, y: abs(x - 4.4) - abs(y - 4.4),
}


class Exact:
    """mpmath's functions by torch's names."""

    lgamma = staticmethod(mpmath.loggamma)
    maximum, minimum = staticmethod(max), staticmethod(min)

    def __getattr__(self, name: str):
        return getattr(mpmath, name)


@pytest.mark.parametrize("size", [1.0, 1e-5, 1e-12])
@pytest.mark.parametrize("name", CANCEL)
def test_the_bound_holds_and_is_no_more_than_a_few_digits_too_large(name, size):
    function, g = CANCEL[name], torch.Generator().manual_seed(0)
    x = size * (torch.rand(400, 2, generator=g, dtype=FLOAT) - 0.5)
    value, bound = evaluated(lambda x: (f := function(torch, x[:, 0], x[:, 1]), rounding_error(f)), x)
    with mpmath.workdps(50):
        exact = [function(Exact(), mpmath.mpf(a), mpmath.mpf(b)) for a, b in x.tolist()]
        error = torch.tensor([float(abs(mpmath.mpf(v) - e)) for v, e in zip(value.tolist(), exact, strict=True)])
    assert (error <= bound).all()
    assert 0 < bound.max() <= 1000 * error.max()


def test_what_is_given_has_no_error():
    x = torch.tensor([[3.0, 3.0], [1e-20, 1e-20], [2.0, 5.0]], dtype=FLOAT)
    (bound,) = evaluated(lambda x: (rounding_error(x[:, 0] - x[:, 1]),), x)
    assert bound.tolist() == [0, 0, pytest.approx(3 * 2.0**-52)]


def test_a_choice_has_the_error_of_what_is_chosen():
    x = torch.tensor([[0.5], [-0.5]], dtype=FLOAT)
    (bound,) = evaluated(lambda x: (rounding_error(torch.where(x[:, 0] > 0, x[:, 0] + 1e3, x[:, 0] + 1.0)),), x)
    assert bound.tolist() == [pytest.approx(1000.5 * 2.0**-52), pytest.approx(0.5 * 2.0**-52)]


def test_where_nothing_is_known_there_is_no_allowance():
    """At 0 the slope of a root is infinite; and a plain number has no history."""
    x = torch.zeros(1, 1, dtype=FLOAT)
    (bound,) = evaluated(lambda x: (rounding_error(torch.sqrt((x[:, 0] + 0.1) - 0.1)),), x)
    assert bound.item() == 0
    assert rounding_error(torch.ones(3)).tolist() == [0, 0, 0]


def test_a_map_that_contracts_is_allowed_no_more_than_its_numbers_are():
    def limit(x):
        y = x[:, 0]
        for _ in range(80):
            y = y - 0.9 * (y - torch.cos(x[:, 0]))
        return (rounding_error(y),)

    (bound,) = evaluated(limit, torch.tensor([[0.5]], dtype=FLOAT))
    assert 2.0**-53 < bound.item() < 1e-11


def test_what_no_point_satisfies_is_not_solved_however_long_the_way_to_it():
    """The last state is cos(x), to rounding, and never 1.5."""
    states = "".join(f"let y{k + 1} = y{k} - 0.9*(y{k} - cos(x))\n" for k in range(40))
    text = f"var x : R, start(0.5)\nlet y0 = x\n{states}minimize x^2\nsubject to\n  y40 == 1.5\n"
    layer = declarative.compile(declarative.parse(text), on_failure="mask")
    assert layer.solve().status == declarative.Status.INFEASIBLE


def test_the_module_may_be_imported_anew():
    spec = spec_from_file_location("anew", rounding.__file__)
    assert spec is not None and spec.loader is not None
    anew = module_from_spec(spec)
    spec.loader.exec_module(anew)
    assert anew.rounding_error(torch.ones(2)).tolist() == rounding_error(torch.ones(2)).tolist() == [0, 0]
