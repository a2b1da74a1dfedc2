"""Templates before and after: the variable that CVXPY adds gives way to ours."""

import numpy as np
import pytest

from declarative.atoms.record import Form
from declarative.backends.cone.rows.template import Entries, Template, Wanted, make_template
from declarative.backends.cone.rows.tighten import tighten
from declarative.backends.cone.sets.cones import Kind


def template(atom: str, shape: tuple[int, ...], convex: bool, **options) -> Template:
    form = Form((shape,), shape if atom in ("sqrt", "entr") else (), options)
    return make_template(Wanted(atom, form, convex, (None,), (False,), (False,)))


def dense(entries: Entries, rows: int, columns: int) -> np.ndarray:
    whole = np.zeros((rows, columns))
    np.add.at(whole, (entries.rows, entries.columns), entries.values)
    return whole


def test_a_norm_is_one_second_order_cone():
    """Before: t - aux >= 0, (aux, y) in SOC. After: (t, y) in SOC."""
    before, after = template("norm", (2,), True), tighten(template("norm", (2,), True))
    assert [b.kind for b in before.blocks] == [Kind.NONNEG, Kind.SOC]
    assert [(b.kind, b.rows) for b in after.blocks] == [(Kind.SOC, 3)]
    assert after.auxiliaries == before.auxiliaries - 1 == 0
    expected = np.array([[0, 0, -1], [-1, 0, 0], [0, -1, 0]])
    assert np.array_equal(dense(after.A, 3, 3), expected)


def test_entropies_are_bounded_from_below():
    after = tighten(template("entr", (), False))
    assert [(b.kind, b.rows) for b in after.blocks] == [(Kind.EXP, 3)]
    assert after.columns == 2
    assert sorted(after.A.values.tolist()) == [-1, -1]


@pytest.mark.parametrize("atom", ["logsumexp", "norm1", "max"])
def test_every_entry_that_is_left_has_a_place(atom):
    after = tighten(template(atom, (3,), True))
    assert after.A.rows.max() < after.rows
    assert after.A.columns.max() < after.columns
    assert len(np.unique(after.A.columns)) == after.columns
