"""Functions that others define, and the option `axis`: the values and verdicts of CVXPY, in every shape."""

from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
import pytest
from atoms.to_cvxpy import as_cvxpy, numbers

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.atoms.defined import DEFINITIONS
from declarative.atoms.record import Form, ShapeMismatch
from declarative.ir.expr import Constant, Expr, Parameter, Role, Variable
from declarative.ir.facts import Curvature
from declarative.ir.size import Size

VECTOR, MATRIX, SQUARE = (4,), (2, 3), (3, 3)


@dataclass(frozen=True)
class Case:
    """A definition applied to a variable of a shape, then to numbers."""

    name: str
    shape: tuple[int, ...]
    rest: tuple[float, ...] = ()
    options: dict = field(default_factory=dict)
    positive: bool = False
    curvature: str = "convex"

    def __str__(self) -> str:
        return f"{self.name}{list(self.shape)}{self.rest or ''}{self.options or ''}"

    def samples(self):
        """Numbers of both signs with ties and zeros among them; symmetric matrices where eigenvalues are meant."""
        rng = np.random.default_rng(1)
        for k in range(6):
            x = np.round(rng.normal(size=self.shape) * 2, 0 if k % 2 else 6)
            x = np.abs(x) + 0.25 if self.positive else x
            yield (x + x.T) / 2 if self.name.startswith("lambda") else x

    @property
    def variable(self) -> Variable:
        return Variable("x", tuple(map(Size.of, self.shape)), symmetric=self.name.startswith("lambda"))

    def expression(self, x: Expr) -> Expr:
        return apply(self.name, x, *map(Constant, self.rest), **self.options)


CASES = [
    Case("norm2", VECTOR),
    *[Case("mixed_norm", MATRIX, options={"p": p, "q": q}) for p in (1.0, 2.0, np.inf) for q in (1.0, 2.0, 3.0)],
    Case("mixed_norm", MATRIX),
    *[Case(name, shape) for name in ("variance", "std", "ptp") for shape in (VECTOR, MATRIX)],
    *[Case("scalene", shape, (2.0, 0.5)) for shape in ((), VECTOR, MATRIX)],
    Case("scalene", VECTOR, (0.0, 1.0)),
    *[Case("inv_prod", shape, positive=True) for shape in ((2,), VECTOR)],
    *[Case("lambda_sum_smallest", SQUARE, options={"k": k}, curvature="concave") for k in (1, 2, 3)],
    Case("prod", (), curvature="affine"),
    *[Case("prod", shape, curvature="unknown") for shape in (VECTOR, MATRIX)],
    *[Case("diff_pos", shape, (0.125,), curvature="unknown", positive=True) for shape in ((), MATRIX)],
    Case("resolvent", SQUARE, (25.0,), curvature="unknown", positive=True),
]


def test_every_definition_has_a_case_and_a_text():
    apart = {"perspective", "gmatmul", "cross", "det"}  # which have a test of their own
    assert {case.name for case in CASES} == DEFINITIONS.keys() - apart
    assert all(d.doc.endswith(".") and d.signature.startswith(d.name) for d in DEFINITIONS.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_value_is_that_of_cvxpy(case: Case):
    symbol = case.variable
    expression = case.expression(symbol)
    form = Form((case.shape,), numbers(expression.shape), case.options)
    for x in case.samples():
        found = as_cvxpy(expression, {symbol: cp.Constant(x)}).value
        theirs = DEFINITIONS[case.name].cvxpy
        assert theirs is not None
        expected = theirs(cp, form, cp.Constant(x), *case.rest).value
        np.testing.assert_allclose(found, expected, rtol=1e-6 if case.name == "inv_prod" else 1e-9, atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_rules_find_its_curvature(case: Case):
    assert facts_of(case.expression(case.variable)).curvature is Curvature(case.curvature)


@pytest.mark.parametrize("shape", [VECTOR, (4, 2)], ids=str)
def test_products_of_powers(shape: tuple[int, ...]):
    rng = np.random.default_rng(3)
    A, x = rng.normal(size=(3, 4)), rng.uniform(0.2, 3, size=shape)
    powers = Parameter("A", tuple(map(Size.of, A.shape)), Role.PARAM)
    factors = Variable("x", tuple(map(Size.of, shape)))
    found = as_cvxpy(apply("gmatmul", powers, factors), {powers: cp.Constant(A), factors: cp.Constant(x)}).value
    np.testing.assert_allclose(found, cp.gmatmul(A, cp.Variable(shape, pos=True, value=x)).value, rtol=1e-12)


def test_products_of_powers_that_do_not_fit_are_told():
    A, x, y = (Variable(n, tuple(map(Size.of, shape))) for n, shape in (("A", "mn"), ("x", "n"), ("y", "m")))
    with pytest.raises(ShapeMismatch, match="n and m do not match"):
        apply("gmatmul", A, y)
    for left, right, wanted in ((x, x, "a matrix"), (A, Constant(2.0), "a vector")):
        with pytest.raises(ShapeMismatch, match=f"`gmatmul` needs {wanted} here"):
            apply("gmatmul", left, right)


AXES = [
    *[(name, {}) for name in ("sum", "mean", "max", "min", "norm", "norm1", "norminf", "logsumexp", "sumsq")],
    *[(name, {}) for name in ("cumsum", "cummax", "std", "variance", "ptp", "geo_mean", "diff")],
    ("norm", {"p": 3.0}),
    ("sum_largest", {"k": 2}),
    ("sum_smallest", {"k": 1}),
]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name, options", AXES, ids=str)
def test_along_an_axis_it_is_the_function_of_each_column_or_row(name: str, options: dict, axis: int):
    X = Variable("X", (Size.of(3), Size.of(2)))
    numbers_ = np.abs(np.random.default_rng(2).normal(size=(3, 2))) + 0.1
    found = as_cvxpy(apply(name, X, axis=axis, **options), {X: cp.Constant(numbers_)}).value
    parts = [numbers_[:, 0], numbers_[:, 1]] if axis == 0 else list(numbers_)
    x = Variable("x", (Size.of(len(parts[0])),))
    members = [as_cvxpy(apply(name, x, **options), {x: cp.Constant(part)}).value for part in parts]
    np.testing.assert_allclose(found, np.stack(members, -1 if axis == 0 else 0), rtol=1e-12)


def test_axes_that_do_not_fit_are_told():
    x, X, cube = (Variable("x", tuple(map(Size.of, "mnk"[:rank]))) for rank in (1, 2, 3))
    assert apply("max", x, axis=0) == apply("max", x, axis=-1) == apply("max", x)
    assert apply("max", X, axis=-1) == apply("max", X, axis=Constant(1.0))
    for body, axis in ((x, 1), (X, 2), (X, 0.5), (cube, 0), (Variable("s", ()), 0)):
        with pytest.raises(ShapeMismatch, match="a vector has one axis only" if body == x else "`axis` is 0"):
            apply("max", body, axis=axis)
    with pytest.raises(ShapeMismatch, match="entry by entry"):
        apply("exp", X, axis=0)


def rounded(shape: tuple[int, ...], k: int) -> np.ndarray:
    return np.round(np.random.default_rng(k).normal(size=shape) * 2, 6)


def test_the_cross_product_is_that_of_numpy():
    """Affine in each vector; at right angles to both; against itself 0."""
    x, y = (Variable(name, (Size.of(3),)) for name in "xy")
    for k in range(5):
        a, b = rounded((3,), k), rounded((3,), k + 100)
        values = {x: cp.Constant(a), y: cp.Constant(b)}
        np.testing.assert_allclose(as_cvxpy(apply("cross", x, y), values).value, np.cross(a, b), atol=1e-12)
        np.testing.assert_allclose(as_cvxpy(apply("cross", x, x), values).value, 0, atol=1e-12)
    data = Parameter("d", (Size.of(3),), Role.PARAM)
    assert (
        facts_of(apply("cross", data, x)).curvature is facts_of(apply("cross", x, data)).curvature is Curvature.AFFINE
    )
    with pytest.raises(ShapeMismatch):
        apply("cross", x, Variable("z", (Size.of(2),)))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_determinant_is_that_of_numpy(n: int):
    X = Variable("X", (Size.of(n), Size.of(n)))
    for k in range(5):
        A = rounded((n, n), k)
        found = as_cvxpy(apply("det", X), {X: cp.Constant(A)}).value
        np.testing.assert_allclose(found, np.linalg.det(A), rtol=1e-9, atol=1e-9)


def test_a_determinant_of_another_size_says_what_there_is():
    for size in (Size.of("n"), Size.of(5)):
        with pytest.raises(ShapeMismatch, match="sizes 1 to 4") as raised:
            apply("det", Variable("X", (size, size)))
        assert "log_det" in raised.value.hints[0]
    with pytest.raises(ShapeMismatch):
        apply("det", Variable("X", (Size.of(2), Size.of(3))))
