"""What a solution is like as a point: which constraints are active, are they independent, what curvature is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, repr=False)
class Report:
    """B items. `known` (B,): those that the kkt backend has answered; of the others all figures are 0, False or NaN.

    `active`: by constraint, named and shaped as its dual (B, *binders, *shape), where it holds and pushes. `rank` (B,):
    the number of independent active rows, equations included. `positive`, `zero`, `negative` (B,): the inertia of the
    Lagrangian's Hessian along the directions that the active rows leave, in equilibrated units (Nocedal and Wright,
    section 16.1): no negative ones, and the point is a local minimum to second order; no zero ones either, and it is
    strict. `smallest_pivot` (B,): of the equilibrated KKT matrix, relative to its largest; small: gradients lose as
    many digits. `iterations` and the residuals (B,) are the solution's.
    """

    known: Tensor
    active: dict[str, Tensor]
    rank: Tensor
    positive: Tensor
    zero: Tensor
    negative: Tensor
    smallest_pivot: Tensor
    iterations: Tensor
    primal_residual: Tensor
    dual_residual: Tensor
    gap: Tensor

    def __repr__(self) -> str:
        return shown(self)

    def each(self, change: Callable[[Tensor], Tensor]) -> Report:
        """The same with every tensor changed."""
        names = [f.name for f in fields(self) if f.name != "active"]
        active = {path: change(holds) for path, holds in self.active.items()}
        return Report(active=active, **{name: change(getattr(self, name)) for name in names})

    def spread(self, own: Tensor, places: Tensor, batch: int) -> Report:
        """The items `own` (long, K) at the places `places` (long, K) of a batch, of whose others nothing is known."""

        def put(figures: Tensor) -> Tensor:
            blank = torch.nan if figures.is_floating_point() else 0
            return figures.new_full((batch, *figures.shape[1:]), blank).index_copy(0, places, figures[own])

        return self.each(put)

    def or_else(self, other: Report) -> Report:
        """What is known here, and the other's items elsewhere; of constraints, those that both name."""

        def choose(a: Tensor, b: Tensor) -> Tensor:
            return torch.where(self.known.reshape(-1, *[1] * (a.dim() - 1)), a, b)

        names = [f.name for f in fields(self) if f.name != "active"]
        active = {path: choose(self.active[path], other.active[path]) for path in self.active if path in other.active}
        return Report(active=active, **{name: choose(getattr(self, name), getattr(other, name)) for name in names})


MOST_ITEMS = 10  # of a batch that a table shows
COLUMNS = ("iterations", "primal_residual", "dual_residual", "gap", "rank", "positive", "zero", "negative")


def shown(report: Report) -> str:
    """A table with a line an item where these are few, else a line a field with its range."""
    items = list(np.ndindex(*report.rank.shape))
    return _table(report, items) if 0 < len(items) <= MOST_ITEMS else _summary(report)


def _table(report: Report, items: list[tuple[int, ...]]) -> str:
    names = (*COLUMNS, "smallest_pivot")
    rows = [["item", *(name.replace("_", " ") for name in names), "active"]]
    for item in items:
        title = ", ".join(map(str, item)) or "-"
        if not report.known[item]:
            rows.append([title, *[""] * len(names), "not answered by kkt"])
            continue
        counts = {path: int(holds[item].sum()) for path, holds in report.active.items()}
        active = ", ".join(
            f"{path} {count}/{report.active[path][item].numel()}" for path, count in counts.items() if count
        )
        rows.append([title, *(_figure(getattr(report, name)[item]) for name in names), active or "none"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _summary(report: Report) -> str:
    lines = [f"known: {int(report.known.sum())} of {report.known.numel()} items, {tuple(report.known.shape)}"]
    for name in (*COLUMNS, "smallest_pivot"):
        values = getattr(report, name)[report.known]
        if values.numel():
            lines.append(f"{name.replace('_', ' ')}: {_figure(values.min())} to {_figure(values.max())}")
    for path, holds in report.active.items():
        lines.append(f"active {path}: {int(holds.sum())} of {holds.numel()}, {tuple(holds.shape)}")
    return "\n".join(lines)


def _figure(value: Tensor) -> str:
    return f"{float(value):.1e}" if value.is_floating_point() else str(int(value))
