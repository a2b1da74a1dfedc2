"""A function f to its perspective, t*f(y/t) for t > 0, as a record: jointly convex in (y, t) where f is convex."""

from __future__ import annotations

from declarative.atoms.arithmetic import POWER
from declarative.atoms.elementwise import EXP, EXP2, INV_POS, LOG, LOG10, SQRT, SQUARE
from declarative.atoms.entropy import ENTR, LOGSUMEXP, XLOGX
from declarative.atoms.matrix import LOG_DET, TR_INV
from declarative.atoms.record import Atom, Form, ShapeMismatch
from declarative.atoms.rules import NEITHER
from declarative.atoms.shapes import broadcast
from declarative.atoms.sigmoids import LOGISTIC, SOFTPLUS
from declarative.ir.facts import Domain

OF = "perspective of "  # no user can give a name like this


def perspective_of(f: Atom) -> Atom:
    """The record of (y, t) -> t*f(y/t). The domain of f must be a cone, so that y lies in it where y/t does."""
    name = OF + f.name

    def shape(shapes, options):
        if f.elementwise:
            return broadcast("`perspective`")(shapes, options)
        if shapes[1]:
            raise ShapeMismatch("the second argument of `perspective` is a scalar", 1)
        return f.shape(shapes[:1], options)

    def inner(form: Form) -> Form:
        return Form((form.shape,) if f.elementwise else form.shapes[:1], form.shape, form.options)

    def torch(xp, form: Form, y, t):
        if f.elementwise:
            return t * f.torch(xp, inner(form), y / t)
        return t * f.torch(xp, inner(form), y / t[(..., *(None,) * len(form.shapes[0]))])

    def cvxpy(cp, form: Form, y, t):
        """The value; CVXPY has no rule for it, and its own perspective is one of scalars only."""
        return cp.multiply(t, f.cvxpy(cp, inner(form), y / t))  # pyright: ignore[reportOptionalCall]

    return Atom(
        name=name,
        doc=f"t*{f.name}(y/t), for t > 0.",
        signature=name,
        shape=shape,
        torch=torch,
        cvxpy=cvxpy,
        sign=lambda facts, options: f.sign(facts[:1], options),
        curvature=lambda facts, options: f.curvature(facts[:1], options),
        monotonicity=lambda facts, options: (*f.monotonicity(facts[:1], options), NEITHER),
        domains=lambda options: (f.domain(0, options), Domain.POS),
        cone=f.cone,
        arity=(2, 2),
        elementwise=f.elementwise,
        operator=True,
        python=False,
        option_names=f.option_names,
        latex=lambda y, t, **options: f"{t} {f.latex(f'({y}/{t})', **options)}",  # pyright: ignore[reportOptionalCall]
    )


_ENTRIES = (EXP, EXP2, LOG, LOG10, ENTR, XLOGX, LOGISTIC, SOFTPLUS, SQRT, INV_POS, SQUARE, POWER)
PERSPECTIVES = {atom.name: atom for atom in map(perspective_of, (*_ENTRIES, LOGSUMEXP, LOG_DET, TR_INV))}
