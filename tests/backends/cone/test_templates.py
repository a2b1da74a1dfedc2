"""The cone rows of each function: the least value that they allow is the function's, over its whole domain."""

import cvxpy as cp
import numpy as np
import pytest
from atoms.cases import CASES, Case

from declarative.atoms.record import Facts
from declarative.backends.cone.rows.homogeneous import template_of
from declarative.backends.cone.rows.template import Entries, Template, Wanted
from declarative.backends.cone.sets.cones import Kind
from declarative.ir.facts import Cone, Curvature, Sign, Smoothness

VECTORS = (Cone.SECOND_ORDER, Cone.EXPONENTIAL, Cone.POWER)


def curvature(case: Case) -> Curvature:
    """In the arguments that are not fixed, each with the signs of its region."""
    facts = []
    for k, (shape, region) in enumerate(zip(case.symbolic, case.regions, strict=True)):
        inside = region.inside(np.random.default_rng(0), case.shapes[k])
        sign = Sign.ANY if np.any(inside < 0) or region.signed else Sign.NONNEG
        kind = Curvature.CONSTANT if k in case.fixed else Curvature.AFFINE
        facts.append(Facts(shape, sign, kind, int(k not in case.fixed), Smoothness.SMOOTH))
    return case.atom.curvature(tuple(facts), case.options)


SCALAR = [c for c in CASES if not c.form.shape and c.atom.cone in VECTORS and c.atom.cvxpy is not None]
CURVED = [c for c in SCALAR if curvature(c) in (Curvature.CONVEX, Curvature.CONCAVE)]


@pytest.mark.parametrize("case", CURVED, ids=str)
def test_the_value_is_the_optimum_of_the_cone_rows(case: Case):
    convex = curvature(case) is Curvature.CONVEX
    kinks = 4 if all(region.signed for region in case.regions) else 0  # at the edge of a root the slope is infinite
    for args in case.samples(4, special=kinks):
        given = tuple(a if k in case.fixed else None for k, a in enumerate(args))
        no = (False,) * len(args)
        template = template_of(Wanted(case.name, case.form, convex, given, no, no))
        found = optimum(template, [args[k] for k in template.moving], convex)
        assert found == pytest.approx(float(case.value(*args)), rel=1e-6, abs=1e-6), args


def optimum(template: Template, args: list[np.ndarray], convex: bool) -> float:
    """min t, or max t, subject to A w + s = b, s in K with w = (args, t, auxiliaries)."""
    w = cp.Variable(template.columns)
    known = np.concatenate([np.reshape(a, -1) for a in args])
    slack = _matrix(template.b, template.rows, 1)[:, 0] - _matrix(template.A, template.rows, template.columns) @ w
    rows, start = [w[: len(known)] == known], 0
    for block in template.blocks:
        part = slack[start : start + block.rows]
        start += block.rows
        rows.append(_member(part, block))
    t = w[len(known)]
    problem = cp.Problem(cp.Minimize(t) if convex else cp.Maximize(t), rows)
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)  # pyright: ignore[reportArgumentType]


def _matrix(entries: Entries, rows: int, columns: int) -> np.ndarray:
    whole = np.zeros((rows, columns))
    np.add.at(whole, (entries.rows, entries.columns), entries.values)
    return whole


def _member(part: cp.Expression, block) -> cp.Constraint:
    match block.kind:
        case Kind.ZERO:
            return part == 0
        case Kind.NONNEG:
            return part >= 0
        case Kind.SOC:
            return cp.SOC(part[0], part[1:])
        case Kind.ROTATED:
            return cp.quad_over_lin(part[2:], 2 * part[0]) <= part[1]
        case Kind.EXP:
            return cp.ExpCone(part[0], part[1], part[2])
        case Kind.POWER:
            return cp.PowCone3D(part[0], part[1], part[2], block.power)
        case kind:
            raise AssertionError(kind)
