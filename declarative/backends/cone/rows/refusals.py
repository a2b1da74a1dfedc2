"""What this backend cannot bound by cones, found before any data is there."""

from __future__ import annotations

import numpy as np

from declarative.analysis.facts import facts_of
from declarative.analysis.words import text, title
from declarative.atoms.record import Form
from declarative.atoms.registry import find
from declarative.backends.cone.rows.chunks import is_static, not_conic
from declarative.backends.cone.rows.epigraph import AtomRow, Conic
from declarative.backends.cone.rows.homogeneous import template_of
from declarative.backends.cone.rows.template import NotConic, Wanted
from declarative.ir.walk import varies
from declarative.rewrite.standard import ConeRow
from declarative.source.diagnostic import Diagnostic, error


def refusals(conic: Conic) -> list[Diagnostic]:
    """One for each function that CVXPY does not have, or that needs its data at compile time; a cone may too."""
    atoms = [d for row in conic.atoms if (d := _refusal(row)) is not None]
    return [*atoms, *(_moving_power(row) for row in conic.standard.cones if row.cone == "POW" and _moves(row))]


def _moves(row: ConeRow) -> bool:
    return not is_static(row.args[0])


def _moving_power(row: ConeRow) -> Diagnostic:
    a = text(row.args[0])
    told = f"the cone backend needs the exponent of `POW` when the layer is compiled, and `{a}` comes with the data"
    return error("E302", row.origin, told, hints=("declare it `const`, or write a number",))


def _refusal(row: AtomRow) -> Diagnostic | None:
    record = find(row.call.atom)
    assert record is not None
    if record.cvxpy is None and row.call.atom != "quad_root":
        return error("E302", row.origin, f"the cone backend has no conic form of `{title(row.call)}`")
    return not_conic(row) if record.elementwise and not _fits_one_entry(row) else None


def _fits_one_entry(row: AtomRow) -> bool:
    """Is there a template for one entry, with 1 for data that the layer is compiled with?"""
    args = row.call.args
    data = tuple(not varies(a) for a in args)
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
