"""The verdicts on compositions are CVXPY's: each function over arguments of every curvature and sign."""

import warnings
from itertools import product

import cvxpy as cp
import pytest
from atoms.cases import CASES, Case
from atoms.to_cvxpy import as_cvxpy, numbers

from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.atoms.build import call
from declarative.atoms.perspectives import PERSPECTIVES
from declarative.ir.expr import Attribute, Constant, Parameter, Role, Variable
from declarative.ir.facts import Curvature

NONNEG = (Attribute("nonneg"),)


def variable(name, shape, **kind):
    return Variable(name, shape, NONNEG if kind.get("nonneg") else ()), cp.Variable(numbers(shape), **kind)


def inner_expressions(shape, name):
    """Arguments of each curvature and sign, each as ours and as CVXPY's symbols."""
    x, X = variable(f"x{name}", shape)
    y, Y = variable(f"y{name}", shape, nonneg=True)
    p = Parameter(f"p{name}", shape, Role.PARAM, NONNEG)
    q = Parameter(f"q{name}", shape, Role.PARAM)
    symbols = {
        x: X,
        y: Y,
        p: cp.Parameter(numbers(shape), nonneg=True),
        q: cp.Parameter(numbers(shape)),
    }
    square = apply("square", x)
    forms = {
        "affine": x,
        "affine >= 0": y,
        "affine <= 0": apply("neg", y),
        "convex >= 0": square,
        "convex": apply("add", square, Constant(-1.0)),
        "convex <= 0": apply("neg", apply("sqrt", y)),
        "concave <= 0": apply("neg", square),
        "concave >= 0": apply("sqrt", y),
        "concave": apply("log", y),
        "data >= 0": p,
        "data <= 0": apply("neg", p),
        "data": q,
    }
    return symbols, forms


# CVXPY reads these as functions on x > 0 only; here they are defined on both sides of 0. The argument that counts:
# (Its exact power also calls (x^2 - 1)^4 convex, which it is not: -1, 0, 1 give 0, 1, 0.)
ONE_SIDED = {
    ("power", 3.0): 0,
    ("power", 4.0): 0,
    ("power", -1.0): 0,
    ("power", -2.0): 0,
    ("div", None): 1,
    ("xexp", None): 0,
}
# Here more is known than CVXPY's form of these tells: c/y for y > 0, the monotonicity of the norm of a
# pair and of cosh.
STRONGER = {"div", "pseudo_huber", "cosh"}
# CVXPY wants the weights of a geometric mean as numbers and the arguments of a perspective as variables; it has no
# power of two expressions.
APART = ("stack", "block", "pow", "geo_mean_weighted", *PERSPECTIVES)
SMALL = [c for c in CASES if c.atom.cvxpy is not None and c.name not in APART]
EIGENVALUES = {"lambda_max", "lambda_min", "lambda_sum_largest", "log_det", "tr_inv", "von_neumann_entr"}
MATRICES = EIGENVALUES | {"matrix_frac", "quad"}


def ours_and_theirs(case: Case):
    """Every composition as (label, facts, CVXPY's expression)."""
    sources = [inner_expressions(shape, k) for k, shape in enumerate(case.symbolic)]
    symbols = {s: v for found, _ in sources for s, v in found.items()}
    kinds = list(sources[0][1]) if len(sources) < 3 else ["affine", "convex >= 0", "concave", "data"]
    for labels in product(kinds, repeat=len(sources)):
        if any(labels[k] != "data >= 0" for k in case.fixed) or all(one.startswith("data") for one in labels):
            continue
        args = [forms[label] for (_, forms), label in zip(sources, labels, strict=True)]
        node = call(case.atom, *args, options=case.options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                theirs = as_cvxpy(node, symbols)
            except (ValueError, cp.DCPError):
                continue  # CVXPY has no product of two variables there
        yield labels, facts_of(node), [facts_of(a).sign for a in args], theirs


def curvature_of(theirs: cp.Expression) -> Curvature:
    if theirs.is_constant():
        return Curvature.CONSTANT
    if theirs.is_affine():
        return Curvature.AFFINE
    return Curvature.CONVEX if theirs.is_convex() else Curvature.CONCAVE if theirs.is_concave() else Curvature.UNKNOWN


@pytest.mark.parametrize("case", [c for c in SMALL if c.name not in MATRICES], ids=str)
def test_compositions(case: Case):
    seen = 0
    one_sided = ONE_SIDED.get((case.name, case.options.get("p")))
    for labels, ours, signs, theirs in ours_and_theirs(case):
        if one_sided is not None and not signs[one_sided].nonneg:
            continue
        seen += 1
        if theirs.is_nonneg():
            assert ours.sign.nonneg, (labels, ours)
        if theirs.is_nonpos() and case.name != "cumprod":  # CVXPY says so where all entries are <= 0: -1, 1, -1
            assert ours.sign.nonpos, (labels, ours)
        found = curvature_of(theirs)
        if case.name in STRONGER and found is Curvature.UNKNOWN:
            continue
        assert ours.curvature is found, (labels, ours, str(theirs))
    assert seen > 0


@pytest.mark.parametrize("name", sorted(EIGENVALUES))
def test_functions_of_a_symmetric_matrix(name):
    case = next(c for c in CASES if c.name == name)
    X = Variable("X", case.symbolic[0], symmetric=True)
    node = call(case.atom, X, options=case.options)
    theirs = as_cvxpy(node, {X: cp.Variable((3, 3), symmetric=True)})
    assert facts_of(node).curvature is curvature_of(theirs)
