"""What the records claim is true on samples: signs, midpoint convexity, monotone differences, graph forms, kinks."""

from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from atoms.cases import CASES, PD, Case
from atoms.to_cvxpy import as_cvxpy, constraints_to_cvxpy

from declarative.atoms.record import Facts
from declarative.ir.expr import Parameter, Role, Variable
from declarative.ir.facts import Curvature, Domain, Monotonicity, Sign, Smoothness

HALVES = {Sign.ANY: lambda a: a, Sign.NONNEG: np.abs, Sign.NONPOS: lambda a: -np.abs(a)}


def halves(case: Case, k: int) -> list[Sign]:
    """The signs to declare for an argument: each half where it has two, else what its region has."""
    region = case.regions[k]
    if region.signed:
        return [Sign.ANY, Sign.NONNEG, Sign.NONPOS]
    inside = region.inside(np.random.default_rng(0), case.shapes[k])
    return [Sign.ANY] if np.any(inside < 0) else [Sign.ANY, Sign.NONNEG]


def facts(case: Case, signs, active) -> tuple[Facts, ...]:
    """Facts of arguments: `active` ones are variables, the others data; matrices are definite where sampled so."""
    found = []
    for k, (shape, sign) in enumerate(zip(case.symbolic, signs, strict=True)):
        curvature = Curvature.AFFINE if k in active else Curvature.CONSTANT
        definite = case.regions[k].inside.__name__ == "_definite"
        form = Sign.POS if definite else Sign.ANY
        found.append(Facts(shape, sign, curvature, int(k in active), Smoothness.SMOOTH, form))
    return tuple(found)


def settings(case: Case):
    """Which arguments move, and with which declared signs."""
    free = [k for k in range(len(case.shapes)) if k not in case.fixed]
    subsets = [(k,) for k in free] + ([tuple(free)] if len(free) > 1 else [])
    for active in subsets:
        for signs in product(*[halves(case, k) for k in range(len(case.shapes))]):
            if len(signs) < 3 or len(set(signs)) == 1:
                yield active, signs


def pairs(case: Case, active, signs, count: int = 12):
    """Two batches of points of the domain, with the declared signs, that differ in the active arguments only."""
    rng = np.random.default_rng(11)
    special = case.samples(0)
    firsts = [case.point(rng) for _ in range(max(count, len(special)))]
    seconds = [special[k] if k < len(special) else case.point(rng) for k in range(len(firsts))]
    a, b = (
        tuple(HALVES[sign](np.stack([p[k] for p in points])) for k, sign in enumerate(signs))
        for points in (firsts, seconds)
    )
    return a, tuple(b[k] if k in active else a[k] for k in range(len(a)))


def close_under(found, bound):
    return np.all(found <= bound + 1e-9 * (1 + np.abs(bound)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_curvature_is_true(case: Case):
    for active, signs in settings(case):
        claimed = case.atom.curvature(facts(case, signs, active), case.options)
        if claimed is Curvature.UNKNOWN:
            continue
        a, b = pairs(case, active, signs)
        middle = case.value(*[(x + y) / 2 for x, y in zip(a, b, strict=True)])
        mean = (case.value(*a) + case.value(*b)) / 2
        assert not claimed.convex or close_under(middle, mean), (active, signs)
        assert not claimed.concave or close_under(-middle, -mean), (active, signs)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_monotonicity_is_true(case: Case):
    for active, signs in settings(case):
        moves = case.atom.monotonicity(facts(case, signs, active), case.options)
        assert len(moves) == len(case.shapes)
        if len(active) > 1 or moves[active[0]] is Monotonicity.NONE:
            continue
        (k,) = active
        a, b = pairs(case, active, signs)
        low, high = list(a), list(a)
        low[k], high[k] = np.minimum(a[k], b[k]), np.maximum(a[k], b[k])
        below, above = case.value(*low), case.value(*high)
        rises = moves[k] is Monotonicity.INCREASING
        assert close_under(below, above) if rises else close_under(above, below), (signs, moves)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_sign_is_true(case: Case):
    for active, signs in settings(case):
        claimed = case.atom.sign(facts(case, signs, active), case.options)
        a, _ = pairs(case, active, signs)
        value = case.value(*a)
        assert Sign.NEG in claimed or np.all(value >= -1e-12), signs
        assert Sign.POS in claimed or np.all(value <= 1e-12), signs


def _below(x):
    return -0.05 - np.abs(x)


OUTSIDE = {
    Domain.NONNEG: _below,
    Domain.POS: _below,
    Domain.ABOVE_MINUS_ONE: lambda x: -1.05 - np.abs(x),
    Domain.BELOW_ONE: lambda x: 1.05 + np.abs(x),
    Domain.NEG: lambda x: 0.05 + np.abs(x),
    Domain.UNIT: lambda x: np.where(x < 0, x - 1.05, x + 1.05),
    Domain.PSD: lambda x: x - 20 * np.eye(len(x)),
    Domain.PD: lambda x: x - 20 * np.eye(len(x)),
    Domain.CONTRACTING: _below,
}


@pytest.mark.parametrize("case", [c for c in CASES if not c.name.startswith("perspective")], ids=str)
def test_data_outside_the_domain_give_no_value_of_another_sign(case: Case):
    """A bound holds a variable inside, but data are what they are. (What perspectives are of varies, or is divided.)"""
    rng, data = np.random.default_rng(13), facts(case, [Sign.ANY] * len(case.shapes), ())
    claimed = case.atom.sign(data, case.options)
    for k in range(len(case.shapes)):
        leave = OUTSIDE.get(case.atom.domain(k, case.options))
        for whole in (True, False) if leave else ():
            point = list(case.point(rng))
            outside = leave(point[k])
            if not whole and case.regions[k] is not PD:
                outside = np.where(np.arange(outside.size).reshape(outside.shape) == 0, outside, point[k])
            point[k] = outside
            value = case.value(*point)
            assert not np.isfinite(value).all() or claimed is Sign.ANY, (k, point)


@pytest.mark.parametrize("case", [c for c in CASES if c.atom.graph is not None], ids=str)
def test_the_value_is_the_optimum_of_the_graph_form(case: Case):
    """The least value that the rows allow for a convex function, the greatest for a concave one."""
    for args in case.samples(2, special=8):
        symbols = [Parameter(f"p{k}", shape, Role.PARAM) for k, shape in enumerate(case.symbolic)]
        values = {symbol: cp.Constant(a) for symbol, a in zip(symbols, args, strict=True)}
        fresh = []

        def new(shape):
            fresh.append(Variable(f"t{len(fresh)}", shape))  # noqa: B023
            values[fresh[-1]] = cp.Variable(tuple(s.evaluate({}) for s in shape))  # noqa: B023
            return fresh[-1]  # noqa: B023

        assert case.atom.graph is not None
        graph = case.atom.graph(new, *symbols, **case.options)
        rows = [c for row in graph.constraints for c in constraints_to_cvxpy(row, values)]
        total = cp.sum(as_cvxpy(graph.value, values))
        signs = tuple(Sign.ANY for _ in args)
        convex = case.atom.curvature(facts(case, signs, (0,)), case.options).convex
        problem = cp.Problem(cp.Minimize(total) if convex else cp.Maximize(total), rows)
        problem.solve(solver=cp.CLARABEL)
        assert problem.value == pytest.approx(case.value(*args).sum(), rel=1e-6, abs=1e-6), args


def test_kinked_functions_have_a_graph_form_or_need_a_cone():
    for case in CASES:
        if case.atom.smoothness is Smoothness.KINKED:
            assert case.atom.graph is not None or case.atom.cone is not None, case
