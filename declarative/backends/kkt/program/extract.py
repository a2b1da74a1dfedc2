"""The tape of a quadratic program -> its data as a few instructions on the parameters, at compile time.

P, q, k, A, b, G, h are coefficients of the objective and of the rows: a matrix that is a parameter is taken as it is,
and what no parameter changes is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declarative.backends.kkt.program.rows import Block
from declarative.backends.layout import Layout
from declarative.backends.tape.coefficients import Coefficients, Entries
from declarative.backends.tape.polynomial import Moving, NotPolynomial, Polynomials
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.tape import Slot
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Parameter
from declarative.ir.walk import postorder
from declarative.rewrite.standard import Standard


@dataclass(frozen=True)
class Extracted:
    """The data's slots: P, A and G as sparse matrices, the others as arrays (n,), (), (p,), (m,)."""

    P: Entries
    q: Slot
    k: Slot
    A: Entries
    b: Slot
    G: Entries
    h: Slot
    lower: Slot
    upper: Slot

    def dense(self, coefficients: Coefficients) -> tuple[Slot, ...]:
        """All nine as arrays, in the order of `Quadratic`."""
        P, A, G = (coefficients.dense(matrix) for matrix in (self.P, self.A, self.G))
        return (P, self.q, self.k, A, self.b, G, self.h, self.lower, self.upper)


def extract(
    standard: Standard, vectoriser: Vectoriser, layout: Layout, objective: Slot, blocks: tuple[Block, ...]
) -> tuple[Slot, ...] | None:
    """The nine slots of `Quadratic`, emitted on the tape; None where the structure is not understood."""
    polynomials = Polynomials(vectoriser.instructions, layout.places, symmetric_names(standard), RULES)
    coefficients = Coefficients(polynomials.maps, layout.size)
    try:
        return extracted(polynomials, coefficients, layout, objective, blocks).dense(coefficients)
    except NotPolynomial:
        return None


def extracted(
    polynomials: Polynomials, coefficients: Coefficients, layout: Layout, objective: Slot, blocks: tuple[Block, ...]
) -> Extracted:
    """The data, sparse. Raises NotPolynomial."""
    arrays = polynomials.arrays
    f = polynomials(objective)
    rows: dict[str, list[Moving]] = {kind: [polynomials(b.slot) for b in blocks if b.kind == kind] for kind in "cg"}
    right = {kind: arrays.times(coefficients.constants(values), -1.0) for kind, values in rows.items()}
    return Extracted(
        P=coefficients.hessian(f),
        q=coefficients.dense(coefficients.gradient(f)),
        k=arrays.reshape(coefficients.constants([f]), ()),
        A=coefficients.rows(rows["c"]),
        b=right["c"],
        G=coefficients.rows(rows["g"]),
        h=right["g"],
        lower=_bounds(coefficients, layout, [b for b in blocks if b.kind == "lower"], -np.inf),
        upper=_bounds(coefficients, layout, [b for b in blocks if b.kind == "upper"], np.inf),
    )


def _bounds(coefficients: Coefficients, layout: Layout, blocks: list[Block], infinite: float) -> Slot:
    """One side's bounds (n,), infinite where there are none."""
    arrays = coefficients.arrays
    places = np.concatenate([np.zeros(0, dtype=np.int64), *(b.unknowns(layout) for b in blocks)])
    open_side = np.full(layout.size, infinite)
    if not places.size:
        return arrays.literal(open_side)
    open_side[places] = 0.0
    found = arrays.scatter(arrays.join([b.slot for b in blocks]), places, layout.size)
    return found if not open_side.any() else arrays.apply("add", found, arrays.literal(open_side))


def symmetric_names(standard: Standard) -> frozenset[str]:
    """The parameters declared symmetric."""
    roots = (standard.objective, *(row.body for row in standard.rows))
    symbols = (node for root in roots for node in postorder(root) if isinstance(node, Parameter))
    return frozenset(symbol.name for symbol in symbols if symbol.symmetric)
