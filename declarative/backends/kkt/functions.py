"""What a runner of a tape gives for numbered unknowns -> the functions of a smooth program."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from declarative.backends.kkt.program.pinned import Pinned
from declarative.backends.kkt.program.program import SmoothProgram, Theta
from declarative.backends.kkt.program.rows import Block
from declarative.backends.kkt.program.shape import Kind
from declarative.backends.layout import Layout
from declarative.backends.tape.evaluate import Runner


def program_of(
    kind: Kind,
    runner: Runner,
    layout: Layout,
    blocks: tuple[Block, ...],
    open_domain: np.ndarray,
    pinned: Pinned | None,
) -> SmoothProgram:
    """The program whose objective, rows and bounds are groups of the runner's."""

    def objective(x: Tensor, theta: Theta) -> Tensor:
        (value,) = runner.finish(theta, layout.split(x), "objective")
        return value.expand(x.shape[0])

    def rows(group: str):
        def values(x: Tensor, theta: Theta) -> Tensor:
            parts = runner.finish(theta, layout.split(x), group)
            if not parts:
                return x.new_zeros(x.shape[0], 0)
            whole = torch.cat([p.expand(x.shape[0], -1) for p in parts], dim=1)
            if group != "g" or pinned is None:
                return whole
            return pinned.kept(whole, runner.finish(theta, {}, "pinned"))

        return values

    size = {kind: sum(b.count for b in blocks if b.kind == kind) for kind in ("c", "g")}
    return SmoothProgram(
        n=layout.size,
        p=size["c"],
        q=size["g"],
        objective=objective,
        equalities=rows("c"),
        inequalities=rows("g"),
        bounds=_bounds(runner, layout, blocks, pinned),
        open_domain=torch.as_tensor(open_domain, device=runner.device),
        kind=kind,
        blocks=layout.blocks().to(runner.device),
        residuals=rows("residuals") if runner.groups["residuals"] else None,
    )


def _bounds(runner: Runner, layout: Layout, blocks: tuple[Block, ...], pinned: Pinned | None):
    """theta -> (lower, upper), each (batch, n)."""
    places = {}
    for kind in ("lower", "upper"):
        columns = [b.unknowns(layout) for b in blocks if b.kind == kind]
        joined = np.concatenate(columns) if columns else np.zeros(0, dtype=np.int64)
        places[kind] = torch.as_tensor(joined, device=runner.device)

    def side(theta: Theta, kind: str, infinite: float) -> Tensor:
        parts = runner.finish(theta, {}, kind)
        batch = max([p.shape[0] for p in parts], default=1)
        whole = torch.full((batch, layout.size), infinite, dtype=runner.dtype, device=runner.device)
        if not parts:
            return whole
        values = torch.cat([p.expand(batch, -1) for p in parts], dim=1)
        return whole.index_copy(1, places[kind], values)

    def bounds(theta: Theta) -> tuple[Tensor, Tensor]:
        lower, upper = side(theta, "lower", -torch.inf), side(theta, "upper", torch.inf)
        return (lower, upper) if pinned is None else pinned.relaxed(lower, upper, runner.finish(theta, {}, "pinned"))

    return bounds
