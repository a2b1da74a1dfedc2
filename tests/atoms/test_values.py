"""Laws of values and derivatives, over the whole table: CVXPY's value, finite differences, leading axes, vmap."""

import math
import warnings
from decimal import Decimal, localcontext

import cvxpy as cp
import numpy as np
import pytest
import torch
from atoms.cases import CASES, PD, SYM, Case

from declarative.atoms.perspectives import PERSPECTIVES
from declarative.atoms.registry import find, names
from declarative.backends.kkt.compiled.evaluate import Evaluator
from declarative.backends.kkt.scalar.trace import trace

WITH_CVXPY = [case for case in CASES if case.atom.cvxpy is not None]
MULTIPLE_EIGENVALUES = {"log_det", "tr_inv", "lambda_max", "lambda_min", "lambda_sum_largest"}


def tensors(args, grad=False):
    return tuple(torch.as_tensor(a, dtype=torch.float64).clone().requires_grad_(grad) for a in args)


def test_every_function_is_in_the_table():
    assert {case.name for case in CASES} == {*names(), *PERSPECTIVES}


@pytest.mark.parametrize("name", names())
def test_every_function_is_documented(name):
    atom = find(name)
    assert atom is not None
    assert atom.doc.endswith(".") and atom.signature and atom.latex is not None
    assert atom.operator or find(atom.written) is not None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_latex_is_written_from_the_arguments(case: Case):
    latex = case.atom.latex
    assert latex is not None
    letters = [f"v_{k}" for k in range(len(case.shapes))]
    text = latex(*letters, **case.options)
    assert all(letter in text for letter in letters)


@pytest.mark.parametrize("case", WITH_CVXPY, ids=str)
def test_the_value_is_that_of_cvxpy(case: Case):
    assert case.atom.cvxpy is not None
    for args in case.samples():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a domain's edge, as CVXPY evaluates it by numpy
            expression = case.atom.cvxpy(cp, case.form, *map(cp.Constant, args))
            expected = expression.value if isinstance(expression, cp.Expression) else expression
        found = case.value(*args)
        assert found.shape == case.form.shape == tuple(np.shape(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=str(args))


@pytest.mark.parametrize("case", [c for c in CASES if c.atom.cvxpy is None], ids=str)
def test_the_value_is_that_of_numpy_where_cvxpy_has_none(case: Case):
    from scipy import special

    reference = {
        "sigmoid": special.expit,
        "erf": special.erf,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "loggamma": special.gammaln,
        "log_normcdf": special.log_ndtr,
        "quad_root": lambda x, A: np.sqrt(x @ A @ x),
        "log_pf_eigenvalue": lambda U: np.log(np.abs(np.linalg.eigvals(np.exp(U))).max()),
        "log_eye_minus_inv": lambda U: np.log(np.linalg.inv(np.eye(3) - np.exp(U))),
    }
    function = reference.get(case.name) or getattr(np, case.name)
    for args in case.samples():
        np.testing.assert_allclose(case.value(*args), function(*args), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_first_and_second_derivatives_are_finite_differences(case: Case):
    args = tensors(case.point(np.random.default_rng(7)), grad=True)
    assert torch.autograd.gradcheck(case.evaluate, args, eps=1e-6, atol=1e-7, rtol=1e-6)
    assert torch.autograd.gradgradcheck(case.evaluate, args, eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_first_derivatives_over_the_whole_domain(case: Case):
    """Of a weighted sum of the entries, along a random direction, at points of both signs; kinks have no measure."""
    rng = np.random.default_rng(8)
    for args in (case.point(rng) for _ in range(6)):
        points, weights = tensors(args, grad=True), torch.as_tensor(rng.normal(size=case.form.shape))
        along = [torch.as_tensor(_direction(case, k, a, rng)) for k, a in enumerate(args)]

        def value(h: float) -> torch.Tensor:
            return (case.evaluate(*(p + h * d for p, d in zip(points, along, strict=True))) * weights).sum()  # noqa: B023

        found = sum((g * d).sum() for g, d in zip(torch.autograd.grad(value(0.0), points), along, strict=True))
        h = 1e-3  # the error of this rule is of order h^4
        expected = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
        terms = (value(0.0).detach().abs() + expected.detach().abs()).item()
        assert found.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-7 * terms), args


def _direction(case: Case, k: int, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Short beside each entry, so that it stays inside the domain; symmetric where the argument is."""
    direction = 0.05 * np.minimum(1, np.abs(x)) * rng.normal(size=case.shapes[k])
    return (direction + direction.T) / 2 if case.regions[k] in (SYM, PD) else direction


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_derivative_is_nan_at_kinks(case: Case):
    """Inside the domain; at its edge a derivative may be infinite."""
    for args in case.samples():
        if not _inside(case, args):
            continue
        leaves = tensors(args, grad=True)
        value = case.evaluate(*leaves).sum()
        for gradient in torch.autograd.grad(value, leaves, allow_unused=True):
            assert gradient is None or torch.isfinite(gradient).all(), args


def _inside(case: Case, args) -> bool:
    """Off the edges 0 and 1 of domains; of a full matrix with equal entries the rank is 1, so no inverse exists."""
    name = case.name.removeprefix("perspective of ")
    if name in MULTIPLE_EIGENVALUES:
        return True
    edges = {"sqrt", "entr", "xlogx", "rel_entr", "kl_div", "geo_mean", "geo_mean_weighted", "norm_below_one"}
    edge = 0.0 if name in edges or (name == "power" and case.options["p"] < 1) else None
    if name in ("asin", "acos"):
        return bool(np.all(np.abs(args[0]) < 1))
    return edge is None or bool(np.all(args[0] != edge))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_leading_axes_are_items(case: Case):
    rng = np.random.default_rng(3)
    items = [[case.point(rng) for _ in range(3)] for _ in range(2)]
    stacked = [np.stack([np.stack([row[k] for row in rows]) for rows in items]) for k in range(len(case.shapes))]
    found = case.value(*stacked)
    expected = np.stack([np.stack([case.value(*item) for item in row]) for row in items])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if len(c.shapes) > 1], ids=str)
def test_leading_axes_broadcast(case: Case):
    """The first argument has items along one axis, the others along another; an axis of length 1 is shared."""
    rng = np.random.default_rng(4)
    firsts, rests = [case.point(rng)[0] for _ in range(2)], [case.point(rng)[1:] for _ in range(3)]
    first = np.stack(firsts)[:, None]
    others = [np.stack([r[k] for r in rests])[None] for k in range(len(case.shapes) - 1)]
    found = case.value(first, *others)
    expected = np.stack([np.stack([case.value(a, *r) for r in rests]) for a in firsts])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_function_transforms_agree_with_autograd(case: Case):
    """vmap of vjp, and of jvp, is what autograd gives item by item."""
    rng = np.random.default_rng(5)
    points = [case.point(rng) for _ in range(2)]
    batch = tuple(torch.as_tensor(np.stack([p[k] for p in points])) for k in range(len(case.shapes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch tells where a rule is not batched for speed
        positions = tuple(range(len(batch)))
        reverse = torch.func.vmap(torch.func.jacrev(case.evaluate, positions))(*batch)
        forward = torch.func.vmap(torch.func.jacfwd(case.evaluate, positions))(*batch)
        expected = [torch.autograd.functional.jacobian(case.evaluate, tensors(p)) for p in points]
    for k in positions:
        single = torch.stack([e[k] for e in expected])
        torch.testing.assert_close(reverse[k], single, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(forward[k], single, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("x", [-1e3, -40.0, 40.0, 1e3])
def test_exponentials_neither_overflow_nor_vanish(x):
    """Far out, values and first two derivatives are those of the asymptotes."""
    logistic = next(case for case in CASES if case.name == "logistic" and case.shapes == ((),))
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(logistic.evaluate(leaf), leaf, create_graph=True)
    (bend,) = torch.autograd.grad(slope, leaf)
    assert logistic.evaluate(leaf).item() == pytest.approx(max(x, 0.0) + np.log1p(np.exp(-abs(x))), rel=1e-15)
    assert slope.item() == pytest.approx(1 / (1 + np.exp(-x)) if x > -700 else 0.0, rel=1e-12)
    assert np.isfinite(bend.item())


def test_a_resolvent_is_there_where_the_spectral_radius_is_below_one():
    """Of matrices with zeros, whose inverses have zeros up to rounding, with gradients there too."""
    rng, resolvent = np.random.default_rng(0), find("eye_minus_inv")
    assert resolvent is not None
    outcomes = set()
    for n in rng.integers(2, 5, size=400):
        X = rng.uniform(0, 1, (n, n)) * (rng.random((n, n)) < 0.5) * rng.choice([1.0, 1e6], p=[0.9, 0.1], size=(n, n))
        radius = np.abs(np.linalg.eigvals(X)).max()
        leaf = torch.tensor(X, requires_grad=True)
        found = resolvent.torch(torch, None, leaf)
        outcomes.add(radius < 1)
        assert found.isfinite().all() if radius < 1 else found.isnan().all(), X.tolist()
        if radius < 1:
            expected = np.linalg.inv(np.eye(n) - X)
            np.testing.assert_allclose(found.detach(), expected, rtol=1e-9, atol=1e-12 * expected.max())
            assert (found >= 0).all()
            (slope,) = torch.autograd.grad(found.sum(), leaf)
            np.testing.assert_allclose(slope, np.outer(expected.sum(0), expected.sum(1)), rtol=1e-8, atol=1e-8)
    assert outcomes == {False, True}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("one_minus_pos", 3.0),
        ("inv_pos", -0.5),
        ("inv_pos", 0.0),
        ("log1mexp", 0.5),
        ("pf_eigenvalue", [[-3.0, 0.0], [0.0, -3.0]]),
        ("pf_eigenvalue", [[1.0, -0.1], [0.0, 1.0]]),
        ("eye_minus_inv", [[0.0, -0.5], [-0.5, 0.0]]),
        ("eye_minus_inv", [[0.0, 2.0], [1.0, 0.0]]),
        ("eye_minus_inv", [[0.5, 0.0], [0.0, 1e13]]),
    ],
)
def test_data_outside_a_domain_have_no_value(name, data):
    """A number there might have another sign than the record says, and a solver believes the record."""
    atom = find(name)
    assert atom is not None
    assert atom.torch(torch, None, torch.tensor(data, dtype=torch.float64)).isnan().all()


@pytest.mark.parametrize("x", [-1e-9, -1e-3, -0.69, -math.log(2), -0.7, -5.0, -20.0, -40.0, -100.0, -700.0])
def test_log1mexp_and_its_derivatives_keep_all_digits(x):
    """Against 400 digits; compiled, too."""
    log1mexp = find("log1mexp")
    assert log1mexp is not None
    with localcontext(prec=400):
        e = Decimal(x).exp()
        expected = [float(v) for v in ((1 - e).ln(), -e / (1 - e), -e / (1 - e) ** 2)]

    def three(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def value(x: torch.Tensor) -> torch.Tensor:
            return log1mexp.torch(torch, None, x).sum()

        slope = torch.func.grad(value)
        return log1mexp.torch(torch, None, x), slope(x), torch.func.grad(lambda x: slope(x).sum())(x)

    point = torch.tensor([[x]], dtype=torch.float64)
    listing, kinds = trace(three, (1, 1))
    compiled = Evaluator(listing, [(1,)], kinds)
    for found in (three(point), compiled([point], 1)):
        assert [part.item() for part in found] == pytest.approx(expected, rel=1e-14, abs=0)


def test_pseudo_huber_is_exact_near_zero():
    case = next(case for case in CASES if case.name == "pseudo_huber" and case.shapes == ((), ()))
    assert case.value(np.array(1e-9), np.array(1.0)).item() == pytest.approx(5e-19, rel=1e-12)
