"""The tape of a smooth program -> its derivatives as instructions on the same tape, at compile time.

The chain rule is written out once for each set of sizes; a call then costs the operations that are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.program.extract import symmetric_names
from declarative.backends.kkt.program.pinned import Pinned
from declarative.backends.kkt.program.program import Everything, Theta, Weights
from declarative.backends.kkt.program.rows import Block
from declarative.backends.layout import Layout
from declarative.backends.tape.differential import Differential
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.nodes import Smooth
from declarative.backends.tape.polynomial import NotPolynomial
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.tape import Input, Slot
from declarative.backends.tape.vectorise import Vectoriser
from declarative.rewrite.standard import Standard

CANCELLED = 1e-14  # a Hessian this small, beside the terms that are summed in it, is rounding error
LOCAL = ("objective", "gradient", "c", "g", "hessian", "jacobian c", "jacobian g")
WEIGHTS = ("weight of f", "weight of c", "weight of g")


@dataclass(frozen=True)
class TapeStructure:
    """Derivatives by the runner of a tape that has the groups of `structure_groups`."""

    runner: Runner
    layout: Layout
    pinned: Pinned | None = None

    def gradient(self, x: Tensor, theta: Theta) -> Tensor:
        """The gradient of f, (B, n)."""
        return self._read("gradient", x, theta)[0].expand(x.shape)

    def jacobian_c(self, x: Tensor, theta: Theta) -> Tensor:
        """The Jacobian of c, (B, p, n)."""
        return self._read("jacobian c", x, theta)[0].expand(len(x), -1, -1)

    def jacobian_g(self, x: Tensor, theta: Theta) -> Tensor:
        """The Jacobian of g, (B, q, n)."""
        return self._read("jacobian g", x, theta)[0].expand(len(x), -1, -1)

    def slope(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The gradient (B, n) of the weighted sum of f, c and g."""
        return self._read("slope", x, theta, weights)[0].expand(x.shape)

    def hessian(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The Hessian (B, n, n) of the weighted sum, symmetric to the last bit; 0 where all of it is rounding.

        Curvatures of f and of the constraints may cancel (at an eigenvector of the identity, say).
        """
        return self._hessian(
            self._read("hessian" if weights[0] is not None else "hessian of rows", x, theta, weights), x
        )

    def local(self, x: Tensor, theta: Theta, weights: Weights) -> Everything:
        """f (B,), its gradient, c, g, the weighted Hessian, the Jacobians: what they share is computed once."""
        values = list(self._read("local", x, theta, weights))
        parts = {name: [values.pop(0) for _ in self.runner.groups[name]] for name in LOCAL}
        (f,), (slope,), (Jc,), (Jg,) = (parts[name] for name in ("objective", "gradient", "jacobian c", "jacobian g"))
        c, g = (
            torch.cat([part.expand(len(x), -1) for part in parts[name]], 1) if parts[name] else x.new_zeros(len(x), 0)
            for name in ("c", "g")
        )
        if self.pinned is not None:
            g = self.pinned.kept(g, self._read("pinned", x, theta))
        H = self._hessian(tuple(parts["hessian"]), x)
        Jc, Jg = (J.expand(len(x), -1, -1) for J in (Jc, Jg))
        return f.expand(len(x)), slope.expand(x.shape), c, g, H, Jc, Jg

    def _hessian(self, found: tuple[Tensor, ...], x: Tensor) -> Tensor:
        H, *terms = found
        H = (H + H.mT).expand(len(x), -1, -1) / 2
        if len(terms) < 2 or not H.numel():
            return H
        largest = torch.stack([t.detach().abs().amax(-1).expand(len(x)) for t in terms]).amax(0)
        return H * (H.detach().abs().flatten(1).amax(-1) > CANCELLED * largest)[:, None, None]

    def _read(self, group: str, x: Tensor, theta: Theta, weights: Weights | None = None) -> tuple[Tensor, ...]:
        values = self.layout.split(x)
        if weights is not None:
            f, c, g = weights
            values |= dict(zip(WEIGHTS, (c if f is None else f[:, None], c, g), strict=True))
        return self.runner.finish(theta, values, group)


def structure_groups(
    standard: Standard, vectoriser: Vectoriser, layout: Layout, objective: Slot, blocks: tuple[Block, ...]
) -> dict[str, tuple[Slot, ...]] | None:
    """The slots of all derivatives, emitted on the tape, by group; None where a function has no rule."""
    smooth = Smooth(vectoriser.instructions, layout.places, symmetric_names(standard), RULES)
    differential = Differential(smooth.maps, layout.size)
    try:
        f = smooth(objective)
        rows = {kind: [smooth(b.slot) for b in blocks if b.kind == kind] for kind in "cg"}
    except NotPolynomial:
        return None
    sizes = {kind: sum(b.count for b in blocks if b.kind == kind) for kind in "cg"}
    w_f, *w_rows = (
        smooth.arrays.emit(Input(name, (size,)))
        for name, size in zip(WEIGHTS, (1, sizes["c"], sizes["g"]), strict=True)
    )
    weighted = [(f, w_f)]
    for (kind, values), slot in zip(rows.items(), w_rows, strict=True):
        first = 0
        for value, block in zip(values, (b for b in blocks if b.kind == kind), strict=True):
            places = first + np.arange(block.count)
            weighted.append((value, smooth.arrays.gather(slot, places)))
            first += block.count
    gradient, _ = differential.weighted([(f, smooth.arrays.literal(np.ones(1)))])
    slope, hessian = differential.weighted(weighted)
    _, bent = differential.weighted(weighted[1:])
    groups = {"gradient": gradient, "slope": slope, "hessian": hessian, "hessian of rows": bent}
    groups |= {f"jacobian {kind}": differential.jacobian(values) for kind, values in rows.items()}
    found = {name: (differential.dense(entries),) for name, entries in groups.items()}
    of_terms = {"hessian": hessian.slots, "hessian of rows": bent.slots}
    found |= {name: found[name] + slots for name, slots in of_terms.items()}
    values = {"objective": (objective,)} | {kind: tuple(b.slot for b in blocks if b.kind == kind) for kind in "cg"}
    return found | {"local": tuple(slot for name in LOCAL for slot in (found | values)[name])}
