"""Coefficients of affine expressions on a tape, as derivatives at 0: fixed ones once, the others at each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from declarative.backends.cone.rows.chunks import Chunk
from declarative.backends.cone.rows.template import Entries
from declarative.backends.layout import Layout
from declarative.backends.push import push
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Slot, Tape

AT_ONCE = 512  # columns whose derivatives are taken together


@dataclass(frozen=True)
class Coefficients:
    """One chunk's part of A and b. `places` (2, l): rows within the chunk and columns of the values of A.

    Fixed coefficients come first, from `fixed` (l_0,); then those that move, for each repetition the `entries` of its
    pattern times the derivatives with respect to `columns`; then the auxiliaries' that a parameter changes.
    """

    chunk: Chunk
    group: str
    data: str
    places: np.ndarray
    fixed: Tensor
    columns: np.ndarray | None  # None: no parameter changes the derivatives

    def values(
        self, runner: Runner, prepared: Sequence[Tensor], layout: Layout, x: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """A's values (B, l) and b (B, rows). x (B, n): the solution, which the derivatives of some parameters need."""
        p = _parameters(runner, prepared, self, self._of_form(runner, prepared, layout, x))
        e = _expressions(runner, prepared, layout, self)
        b = -_apply(self.chunk, e.unsqueeze(-1), p)[..., 0].flatten(1)
        b = b + _constants(self.chunk, p)
        if self.columns is None:
            return self.fixed.unsqueeze(0), b
        J = derivatives(runner, prepared, layout, self, self.columns)
        moving = _apply(self.chunk, J, p).flatten(1)
        extra = _auxiliaries(self.chunk, p)
        batch = max(moving.shape[0], extra.shape[0])
        return torch.cat([moving.expand(batch, -1), extra.expand(batch, -1)], dim=1), b

    def _of_form(self, runner: Runner, prepared: Sequence[Tensor], layout: Layout, x: Tensor | None) -> Tensor | None:
        """The argument of a quadratic form at the solution."""
        form = self.chunk.form
        return None if form is None or x is None else _at(runner, prepared, layout, self, x)[..., : form.n].detach()


def find_coefficients(
    chunk: Chunk, group: str, data: str, runner: Runner, layout: Layout, probe: dict[str, Tensor], first: int
) -> Coefficients:
    """`probe` holds stand-ins for the parameters; `first` is the column of the chunk's first auxiliary."""
    prepared = runner.prepare(probe)
    empty = Coefficients(chunk, group, data, np.zeros((2, 0), dtype=np.int64), torch.zeros(0), None)
    columns = _columns(chunk, layout)
    J = derivatives(runner, prepared, layout, empty, columns)
    p = _parameters(runner, prepared, empty)
    A, extra = _apply(chunk, J, p), _auxiliaries(chunk, p)
    rows = np.arange(chunk.rows)
    dense = np.stack([np.repeat(rows, len(columns)), np.tile(columns, len(rows))])
    places = np.concatenate([dense, _auxiliary_places(chunk, first)], 1)
    if A.requires_grad or extra.requires_grad or chunk.form is not None:
        return Coefficients(chunk, group, data, places, torch.zeros(0), columns)
    values = torch.cat([A.flatten(), extra.flatten()])
    kept = values.nonzero()[:, 0]
    return Coefficients(chunk, group, data, places[:, kept.cpu().numpy()], values[kept].detach(), None)


def derivatives(
    runner: Runner, prepared: Sequence[Tensor], layout: Layout, part: Coefficients, columns: np.ndarray
) -> Tensor:
    """(B, count, size, columns): how the chunk's expressions change with each of these unknowns."""
    index = torch.as_tensor(columns, device=runner.device)
    zero = torch.zeros(1, layout.size, dtype=runner.dtype, device=runner.device)

    def along(column: Tensor) -> Tensor:
        direction = torch.zeros_like(zero).index_fill(1, column.reshape(1), 1.0)
        return push(lambda x: _at(runner, prepared, layout, part, x), (zero,), (direction,))

    parts = [vmap(along)(some) for some in index.split(AT_ONCE)] if len(index) else []
    if not parts:
        return _at(runner, prepared, layout, part, zero).unsqueeze(-1)[..., :0]
    return torch.cat(parts).movedim(0, -1)


def _at(runner: Runner, prepared: Sequence[Tensor], layout: Layout, part: Coefficients, x: Tensor) -> Tensor:
    """The chunk's expressions (B, count, size) at unknowns x (1, n)."""
    results = runner.finish(prepared, layout.split(x), part.group)
    batch = max(r.shape[0] for r in results)
    return torch.cat([r.reshape(r.shape[0], part.chunk.count, -1).expand(batch, -1, -1) for r in results], dim=-1)


def _expressions(runner: Runner, prepared: Sequence[Tensor], layout: Layout, part: Coefficients) -> Tensor:
    return _at(runner, prepared, layout, part, torch.zeros(1, layout.size, dtype=runner.dtype, device=runner.device))


def _parameters(
    runner: Runner, prepared: Sequence[Tensor], part: Coefficients, argument: Tensor | None = None
) -> Tensor:
    """The pattern's parameters and a one at the end, (B, count, p + 1); `argument`: of a form, at the solution."""
    chunk = part.chunk
    one = torch.ones(1, chunk.count, 1, dtype=runner.dtype, device=runner.device)
    results = runner.finish(prepared, {}, part.data)
    batch = max((r.shape[0] for r in results), default=1)
    values = [r.reshape(r.shape[0], chunk.count, -1).expand(batch, -1, -1) for r in results]
    if chunk.form is not None:
        values = [chunk.form.parameters(values[0], argument)]
        batch = values[0].shape[0]
    return torch.cat([*values, one.expand(batch, -1, -1)], dim=-1)


def _columns(chunk: Chunk, layout: Layout) -> np.ndarray:
    """The unknowns of the variables that the chunk reads."""
    places = [layout.places[name].reshape(-1) for name in sorted(chunk.reads)]
    joined = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *places]))
    return joined[joined >= 0]


def _weights(entries: Entries, kept: np.ndarray, p: Tensor) -> Tensor:
    """The entries' values times their parameters, (B, count, kept)."""
    values = torch.as_tensor(entries.values[kept], dtype=p.dtype, device=p.device)
    return p[..., torch.as_tensor(entries.params[kept], device=p.device)] * values


def _apply(chunk: Chunk, e: Tensor, p: Tensor) -> Tensor:
    """The pattern's A times (B, count, size, k): (B, count, rows, k)."""
    A, size = chunk.pattern.A, e.shape[2]
    kept = A.columns < size
    rows, columns = (torch.as_tensor(a[kept], device=e.device) for a in (A.rows, A.columns))
    terms = _weights(A, kept, p).unsqueeze(-1) * e.index_select(2, columns)
    zero = terms.new_zeros(*terms.shape[:2], chunk.pattern.rows, e.shape[-1])
    return zero.index_add(2, rows, terms)


def _constants(chunk: Chunk, p: Tensor) -> Tensor:
    """The pattern's b, (B, count * rows)."""
    b = chunk.pattern.b
    terms = _weights(b, np.ones(len(b.rows), dtype=bool), p)
    zero = terms.new_zeros(*terms.shape[:2], chunk.pattern.rows)
    return zero.index_add(2, torch.as_tensor(b.rows, device=p.device), terms).flatten(1)


def _auxiliaries(chunk: Chunk, p: Tensor) -> Tensor:
    """The pattern's coefficients of its auxiliaries, (B, count * k)."""
    return _weights(chunk.pattern.A, _of_auxiliaries(chunk), p).flatten(1)


def _of_auxiliaries(chunk: Chunk) -> np.ndarray:
    return chunk.pattern.A.columns >= sum(chunk.pattern.sizes)


def _auxiliary_places(chunk: Chunk, first: int) -> np.ndarray:
    A, kept = chunk.pattern.A, _of_auxiliaries(chunk)
    step = np.arange(chunk.count)[:, None]
    rows = A.rows[kept] + step * chunk.pattern.rows
    columns = A.columns[kept] - sum(chunk.pattern.sizes) + first + step * chunk.pattern.auxiliaries
    return np.stack([rows.reshape(-1), columns.reshape(-1)])


# --- the objective ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curvatures:
    """P and q of the objective. `fixed` holds P's values where no parameter changes them, else `columns` are P's."""

    places: np.ndarray
    fixed: Tensor
    columns: np.ndarray | None

    def values(
        self, runner: Runner, prepared: Sequence[Tensor], layout: Layout, width: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """P's values (B, k), q (B, width) and the value at 0 (B,)."""
        offset, q = _linear(runner, prepared, layout)
        q = torch.nn.functional.pad(q, (0, width - layout.size))
        if self.columns is None:
            return self.fixed.unsqueeze(0), q, offset
        return _hessian(runner, prepared, layout, self.columns).flatten(1), q, offset


def find_curvatures(runner: Runner, layout: Layout, probe: dict[str, Tensor], curved: frozenset[str]) -> Curvatures:
    """`curved` are the variables in which the objective is quadratic."""
    places = [layout.places[name].reshape(-1) for name in sorted(curved)]
    columns = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *places]))
    columns = columns[columns >= 0]
    P = _hessian(runner, runner.prepare(probe), layout, columns)
    dense = np.stack([np.repeat(columns, len(columns)), np.tile(columns, len(columns))])
    if P.requires_grad:
        return Curvatures(dense, torch.zeros(0), columns)
    kept = P.flatten().nonzero()[:, 0]
    return Curvatures(dense[:, kept.cpu().numpy()], P.flatten()[kept].detach(), None)


def _objective(runner: Runner, prepared: Sequence[Tensor], layout: Layout, x: Tensor) -> Tensor:
    (value,) = runner.finish(prepared, layout.split(x), "objective")
    return value.reshape(-1).expand(x.shape[0])


def _zeros(runner: Runner, prepared: Sequence[Tensor], layout: Layout) -> Tensor:
    batch = max((t.shape[0] for t in prepared), default=1)
    return torch.zeros(batch, layout.size, dtype=runner.dtype, device=runner.device)


def _linear(runner: Runner, prepared: Sequence[Tensor], layout: Layout) -> tuple[Tensor, Tensor]:
    """The value (B,) and the gradient (B, n) at 0."""
    zero = _zeros(runner, prepared, layout)
    slope = grad(lambda x: _objective(runner, prepared, layout, x).sum())(zero)
    return _objective(runner, prepared, layout, zero), slope


def _hessian(runner: Runner, prepared: Sequence[Tensor], layout: Layout, columns: np.ndarray) -> Tensor:
    """(B, k, k) at 0, between the given unknowns."""
    index = torch.as_tensor(columns, device=runner.device)
    zero = _zeros(runner, prepared, layout)
    slope = grad(lambda x: _objective(runner, prepared, layout, x).sum())

    def along(column: Tensor) -> Tensor:
        direction = torch.zeros_like(zero).index_fill(1, column.reshape(1), 1.0)
        return push(slope, (zero,), (direction,)).index_select(1, index)

    parts = [vmap(along)(some) for some in index.split(AT_ONCE)] if len(index) else []
    return torch.cat(parts).movedim(0, -1) if parts else zero.new_zeros(zero.shape[0], 0, 0)


# --- the whole program ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Differentiated:
    """What `Extracted` is, by derivatives."""

    runner: Runner
    layout: Layout
    columns: int
    rows: tuple[Coefficients, ...]  # a chunk each
    objective: Curvatures
    A_at: np.ndarray
    lifted: int = 0

    @property
    def P_at(self) -> np.ndarray:
        return self.objective.places

    def read(self, inputs: Mapping[str, Tensor], x: Tensor | None = None) -> tuple[Tensor, ...]:
        prepared = self.runner.prepare(inputs)
        P, q, offset = self.objective.values(self.runner, prepared, self.layout, self.columns)
        parts = [c.values(self.runner, prepared, self.layout, x) for c in self.rows]
        return P, q, _joined([A for A, _ in parts], q), _joined([b for _, b in parts], q), offset


def _joined(parts: list[Tensor], like: Tensor) -> Tensor:
    batch = max((p.shape[0] for p in parts), default=1)
    return torch.cat([like.new_zeros(batch, 0), *(p.expand(batch, -1) for p in parts)], dim=1)


def differentiate(
    tape: Tape,
    names: list[str],
    layout: Layout,
    objective: Slot,
    chunks: list[Chunk],
    probe: dict[str, Tensor],
    curved: frozenset[str],
    device: torch.device | str,
) -> Differentiated:
    """Coefficients that no parameter changes are computed here, once. `probe` holds stand-ins for the parameters."""
    groups: dict[str, tuple[Slot, ...]] = {"objective": (objective,)}
    for k, chunk in enumerate(chunks):
        groups |= {f"rows {k}": chunk.slots, f"data {k}": chunk.data}
    runner = Runner(tape, names, groups, device=device)
    rows, at, row, column = [], [np.zeros((2, 0), dtype=np.int64)], 0, layout.size
    for k, chunk in enumerate(chunks):
        rows.append(find_coefficients(chunk, f"rows {k}", f"data {k}", runner, layout, probe, column))
        at.append(rows[-1].places + np.array([[row], [0]]))
        row, column = row + chunk.rows, column + chunk.count * chunk.pattern.auxiliaries
    curvatures = find_curvatures(runner, layout, probe, curved)
    return Differentiated(runner, layout, column, tuple(rows), curvatures, np.concatenate(at, 1))
