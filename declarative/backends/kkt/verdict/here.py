"""A point, the model there and the certificate's numbers: of a smooth program by one list of operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from declarative.backends.kkt.program.certify import (
    Appraisal,
    Local,
    Model,
    Primal,
    Shares,
    Way,
    appraise,
    evaluate,
    measure,
)
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import AtOnce

AtPoint = Callable[..., Sequence[Tensor]]  # of `Derivatives`, a point, the model there, and tensors (B, ...)


@dataclass(frozen=True)
class Here:
    """A point, the model there, and the certificate's numbers."""

    at: Primal
    local: Local
    shares: Shares

    def where(self, items: Tensor, other: "Here") -> "Here":
        """This for some items (bool, B), the other for the rest."""
        at, local = self.at.where(items, other.at), self.local.where(items, other.local)
        return Here(at, local, self.shares.where(items, other.shares))

    def take(self, items: Tensor) -> "Here":
        """Some of the items (long, K)."""
        return Here(self.at.take(items), self.local.take(items), self.shares.take(items))

    def put(self, items: Tensor, other: "Here") -> "Here":
        """The same with other's items at the places `items` (long, K)."""
        at, local = self.at.put(items, other.at), self.local.put(items, other.local)
        return Here(at, local, self.shares.put(items, other.shares))


def appraised(model: Model, at: Primal, blocks: Tensor | None, began: Tensor | None) -> Appraisal:
    """`appraise`, at once."""
    if not isinstance(model, Derivatives):
        return appraise(model, at, blocks, began)
    return Appraisal.of(model.run(parts_at_once, *at.parts(), *([] if began is None else [began])))


def parts_at_once(d: Derivatives, *tensors: Tensor) -> list[Tensor]:
    """What `appraise` says of a point (five tensors), maybe with the start of the way to it."""
    return appraise(d, Primal(*tensors[:5]), d.program.blocks, *(tensors[5:] or [None])).parts()


def moved(model: Model, at: Primal, blocks: Tensor | None, D: Tensor, way: Way | None) -> Here:
    """What there is at another point, in the units of the first; at once."""
    if not isinstance(model, Derivatives):
        local = evaluate(model, at)
        return Here(at, local, measure(local, at, blocks, D, way))
    parts = model.run(moved_at_once, *at.parts(), D, *(way.parts() if way else []))
    local, shares = Local.first(parts)
    return Here(at, local, Shares(*shares))


def moved_at_once(d: Derivatives, *tensors: Tensor) -> list[Tensor]:
    """The same of a point (five tensors), units, and maybe a way (four)."""
    at, D, way = Primal(*tensors[:5]), tensors[5], Way(*tensors[6:]) if tensors[6:] else None
    local = evaluate(d, at)
    return [*local.parts(), *measure(local, at, d.program.blocks, D, way).parts()]


def at_point(
    d: Derivatives, function: AtPoint, at: Primal, local: Local, *others: Tensor, items: Tensor | None = None
) -> Sequence[Tensor]:
    """function(d, at, local, *others) of a point and the model there; as one list of operations, where there is one.

    A list evaluates the model itself: of large matrices only the entries that are not 0 everywhere cost anything. Where
    `items` (long, B) are given, all the rest is of these, and `local` of a larger batch.
    """
    found = d.listed(evaluating(function), *at.parts(), *others)
    if found is not None:
        return found
    return function(d, at, local if items is None else local.take(items), *others)


@cache
def evaluating(function: AtPoint) -> AtOnce:
    """The same function of the tensors of a point (five), and of the others."""

    def at_once(d: Derivatives, *tensors: Tensor) -> Sequence[Tensor]:
        at = Primal(*tensors[:5])
        return function(d, at, evaluate(d, at), *tensors[5:])

    return at_once
