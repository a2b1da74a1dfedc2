"""The rows that bound f(y) by z to those that bound its perspective: t*f(y/t) <= z.

f(y) <= z is A w + s = b, s in K, with w = (y, z, auxiliaries). For t > 0 divide by t and multiply again, K being a
cone: t*f(y/t) <= z is A w - b t + s = 0, s in K; the closure of that has t >= 0.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from declarative.atoms.perspectives import OF, PERSPECTIVES
from declarative.atoms.record import Form
from declarative.backends.cone.rows.template import Entries, Template, Wanted, make_template
from declarative.backends.cone.sets.cones import Block, Kind


def template_of(wanted: Wanted) -> Template:
    """By CVXPY, of a perspective by way of its function. Raises NotConic."""
    if wanted.atom not in PERSPECTIVES:
        return make_template(wanted)
    form = Form(wanted.form.shapes[:1], wanted.form.shape, wanted.form.options)
    one = (wanted.given[:1], wanted.data[:1], wanted.nonneg[:1])
    return homogeneous(make_template(Wanted(wanted.atom.removeprefix(OF), form, wanted.convex, *one)))


def homogeneous(f: Template) -> Template:
    """The template of (y, t) -> t*f(y/t) from that of f, whose only argument is y; t comes after y."""
    at = f.sizes[0]
    columns = f.A.columns + (f.A.columns >= at)
    last = f.rows
    A = Entries(
        np.concatenate([f.A.rows, f.b.rows, [last]]),
        np.concatenate([columns, np.full(len(f.b.rows), at), [at]]),
        np.concatenate([f.A.params, f.b.params, [0]]),
        np.concatenate([f.A.values, -f.b.values, [-1.0]]),
    )
    none = np.zeros(0, dtype=np.int64)
    sizes = (at, 1, *f.sizes[1:])
    blocks = (*f.blocks, Block(Kind.NONNEG, 1))
    return replace(f, blocks=blocks, moving=(0, 1), sizes=sizes, A=A, b=Entries(none, none, none, np.zeros(0)))
