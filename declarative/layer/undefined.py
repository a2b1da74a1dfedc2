"""Data outside the domains of functions, found before solving: `log(a)*x` with a < 0, `huber(x, M)` with M < 0.

Each call that reads data where its domain is bounded is evaluated, with INSIDE in the place of what holds variables.
Values in torch are no finite numbers exactly where the data are outside. Graph forms and cones know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.words import text
from declarative.atoms.build import call
from declarative.atoms.registry import find
from declarative.backends.tape.axes import Selection
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.external import External
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Binder, Constant, Expr, IndexSymbol, Parameter, Stack
from declarative.ir.facts import Domain
from declarative.ir.size import Shape, Size
from declarative.ir.walk import varies
from declarative.layer.bounded_data import Site
from declarative.layer.promises import Breach

INSIDE = 0.5  # in every domain where data stand beside variables


class Undefined:
    """The calls of a problem that its data may leave undefined, at concrete sizes."""

    def __init__(
        self,
        found: list[Site],
        sizes: Mapping[str, int],
        constants: Mapping[str, np.ndarray],
        device: torch.device,
        externs: Mapping[str, External],
    ):
        self._sites = found
        vectoriser = Vectoriser(sizes, constants, externs)
        self._selections = [vectoriser.select(site.scope.binders, site.scope.condition) for site in found]
        pairs = list(zip(found, self._selections, strict=True))
        self._calls = Runner(
            vectoriser.tape([_flat(vectoriser, _with_inside(s), own) for s, own in pairs]), device=device
        )
        args = [_flat(vectoriser, s.call.args[k], own) for s, own in pairs for k in s.domains]
        self._args = Runner(vectoriser.tape(args), device=device)
        self._shapes = [vectoriser.shape(s.call.args[k].shape) for s in found for k in s.domains]

    def breaches(self, inputs: Mapping[str, Tensor]) -> list[Breach]:
        """Numbers only."""
        if not self._sites:
            return []
        values = self._calls(inputs)
        if bool(sum((value.sum() for value in values), values[0].new_zeros(())).isfinite()):
            return []
        args, found = iter(zip(self._args(inputs), self._shapes, strict=True)), []
        for site, selection, value in zip(self._sites, self._selections, values, strict=True):
            read = [Read(site.call.args[k], domain, *next(args), selection) for k, domain in site.domains.items()]
            line = f" (line {site.call.origin.line})" if site.call.origin else ""
            message = f"`{text(site.call)}`{line} is not defined for these data"
            bad = (value.isnan() if site.whole else ~value.isfinite()).any(1)
            found.append(Breach(bad, message, partial(_culprit, read, site.scope.binders)))
        return [breach for breach in found if bool(breach.items.any())]


def _flat(vectoriser: Vectoriser, e: Expr, selection: Selection) -> int:
    return vectoriser.flat(vectoriser.value(e, selection.environment), selection.axes, vectoriser.shape(e.shape))


def _with_inside(site: Site) -> Expr:
    record = find(site.call.atom)
    assert record is not None
    args = [_filled(arg.shape, record.elementwise) if varies(arg) else arg for arg in site.call.args]
    return call(record, *args, options=dict(site.call.options))


def _filled(shape: Shape, broadcast: bool) -> Expr:
    if broadcast or not shape:
        return Constant(INSIDE)
    binders = (Binder(IndexSymbol(-1 - k, "k"), Size.of(0), length) for k, length in enumerate(shape))
    return Stack(Constant(INSIDE), tuple(binders))


@dataclass(frozen=True)
class Read:
    """An argument that is data: `values` (batch or 1, entries), for each tuple of the selection an array of `shape`."""

    expr: Expr
    domain: Domain
    values: Tensor
    shape: tuple[int, ...]
    selection: Selection

    def worst(self, item: int) -> tuple[bool, list[int], float, str]:
        """Is an entry outside; which one, after the number of its tuple; its value, or a figure of the whole matrix,
        and which figure that is.
        """
        value = self.values[min(item, len(self.values) - 1)].reshape(-1, *self.shape)
        figures, of, domain = value, "", self.domain
        if domain in (Domain.PD, Domain.PSD):
            figures, of = torch.linalg.eigvalsh((value + value.mT) / 2).amin(-1), "least eigenvalue"
        elif domain is Domain.CONTRACTING and bool((value >= 0).all()):
            figures, of, domain = torch.linalg.eigvals(value).abs().amax(-1), "spectral radius", Domain.BELOW_ONE
        inward = _INWARD.get(domain, lambda x: x)(figures)
        place = [int(k) for k in np.unravel_index(int(inward.nan_to_num(-torch.inf).argmin()), figures.shape)]
        inside = inward[tuple(place)] >= 0 if domain in _CLOSED else inward[tuple(place)] > 0
        return not bool(inside), place, float(figures[tuple(place)]), of


_CLOSED = (Domain.NONNEG, Domain.UNIT, Domain.PSD, Domain.CONTRACTING)
_NEEDED = {"spectral radius": ", and must be below 1"}
_INWARD: dict[Domain, Callable[[Tensor], Tensor]] = {  # how far inside; of others, the figures themselves
    Domain.NONZERO: lambda x: x.abs(),
    Domain.ABOVE_MINUS_ONE: lambda x: x + 1,
    Domain.BELOW_ONE: lambda x: 1 - x,
    Domain.NEG: lambda x: -x,
    Domain.UNIT: lambda x: 1 - x.abs(),
}


def _culprit(read: list[Read], binders: tuple[Binder, ...], item: int) -> str:
    """The first argument that is outside: "where `a[1]` is -2"."""
    worst = [(own, *own.worst(item)) for own in read]
    own, outside, (tuple_, *place), figure, of = next((w for w in worst if w[1]), worst[0])
    name = text(own.expr)
    if not outside and own.shape:
        return f"though no entry of `{name}` is to blame alone"
    if of:
        what = f"the {of} of `{name}`"
    elif not place:
        what = f"`{name}`"
    elif isinstance(own.expr, Parameter):
        what = f"`{name}[{', '.join(map(str, place))}]`"
    else:
        what = f"the entry [{', '.join(map(str, place))}] of `{name}`"
    return f"where {what} is {figure:.6g}{_at(own.selection, binders, tuple_)}{_NEEDED.get(of, '')}"


def _at(selection: Selection, binders: tuple[Binder, ...], number: int) -> str:
    """The values of the indices."""
    if not binders:
        return ""
    lengths = [axis.length for axis in selection.axes]
    along = dict(zip(selection.axes, np.unravel_index(number, lengths), strict=True))
    here = (selection.environment[binder.index] for binder in binders)
    values = (f"{b.index.name} = {int(own.values[along[own.axis]])}" for b, own in zip(binders, here, strict=True))
    return f" ({', '.join(values)})"
