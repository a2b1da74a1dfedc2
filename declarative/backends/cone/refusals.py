"""What this backend cannot bound by cones, found before any data is there."""

from __future__ import annotations

import numpy as np

from declarative.analysis.facts import facts_of
from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.cone.chunks import is_static, not_conic
from declarative.backends.cone.epigraph import AtomRow, Conic
from declarative.backends.cone.homogeneous import template_of
from declarative.backends.cone.template import NotConic, Wanted
from declarative.ir.walk import variables
from declarative.source.diagnostic import Diagnostic, error


def refusals(conic: Conic) -> list[Diagnostic]:
    """One for each function that CVXPY does not have, or that needs its data at compile time."""
    return [d for row in conic.atoms if (d := _refusal(row)) is not None]


def _refusal(row: AtomRow) -> Diagnostic | None:
    record = find(row.call.atom)
    assert record is not None
    if record.cvxpy is None and row.call.atom != "quad_root":
        text = f"the cone backend has no conic form of `{row.call.atom}`"
        return error("E302", row.origin, text)
    return not_conic(row) if record.elementwise and not _fits_one_entry(row) else None


def _fits_one_entry(row: AtomRow) -> bool:
    """Is there a template for one entry, with 1 for data that the layer is compiled with?"""
    args = row.call.args
    data = tuple(not variables(a) for a in args)
    given = tuple(np.ones(()) if is_static(a) else None for a in args)
    if all(value is not None for value, known in zip(given, data, strict=True) if known):
        return True
    nonneg = tuple(facts_of(a, row.binders).sign.nonneg for a in args)
    form = Form(((),) * len(args), (), dict(row.call.options))
    try:
        template_of(Wanted(row.call.atom, form, row.convex, given, data, nonneg))
    except NotConic:
        return False
    return True
