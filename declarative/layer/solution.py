"""What a layer gives back: outputs as a named tuple, or everything about the solution."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

from declarative.backends.inspection import LazyReport
from declarative.backends.report import Report
from declarative.backends.status import Status
from declarative.elaborate.report import closest


class Outputs(tuple):
    """Outputs by position and by name: `w, price = layer(...)`, `out.price`. Names that tuples have get a `_`."""

    _fields: tuple[str, ...]

    def __new__(cls, values: Any, fields: tuple[str, ...]) -> Outputs:
        self = super().__new__(cls, values)
        self._fields = tuple(_free_name(name) for name in fields)
        return self

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields", ())
        if name in fields:
            return self[fields.index(name)]
        raise AttributeError(f"no output `{name}`; there are: {', '.join(fields)}")

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __reduce__(self):
        return Outputs, (tuple(self), self._fields)

    def __repr__(self) -> str:
        return f"Outputs({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"


def _free_name(name: str) -> str:
    return f"{name}_" if hasattr(tuple, name) or keyword.iskeyword(name) or name == "_fields" else name


# So that torch.func and DistributedDataParallel see the tensors inside.
_pytree.register_pytree_node(
    Outputs,
    lambda outputs: (list(outputs), outputs._fields),
    lambda values, fields: Outputs(values, fields),
    serialized_type_name="declarative.Outputs",
)


class Named(dict[str, Tensor]):
    """Tensors by name. A name that is not there is answered with those that are."""

    def __init__(self, kind: str, tensors: Mapping[str, Tensor]):
        super().__init__(tensors)
        self.kind = kind

    def __missing__(self, name: str) -> Tensor:
        raise KeyError(_no_such(self.kind, name, self))

    def __reduce__(self):
        return Named, (self.kind, dict(self))


_pytree.register_pytree_node(
    Named,
    lambda named: (list(named.values()), (named.kind, tuple(named))),
    lambda values, context: Named(context[0], dict(zip(context[1], values, strict=True))),
    serialized_type_name="declarative.Named",
)


def _no_such(kind: str, name: str, known: Mapping[str, Tensor]) -> str:
    """`name` may be that of a chain, which has two duals, or written as in the text: `budget.dual`."""
    bare = name.removesuffix(".dual") if isinstance(name, str) else ""
    parts = [known_name for known_name in known if known_name.startswith(f"{bare}.")]
    close = [bare] if bare in known else parts or [c for c in [closest(bare, known)] if c]
    meant = f"; did you mean {' or '.join(f'`{c}`' for c in close)}?" if close else ""
    return f"no {kind} `{name}`; there are: {', '.join(known) or 'none'}{meant}"


@dataclass(frozen=True, eq=False)
class Solution:
    """The answer for a batch. `sol["x"]` is a variable or output, `sol.x` too where the name is free.

    outputs: a named tuple of what a call gives; output_names: their names.
    values: variables (*batch, *shape) and outputs, NaN for items without an answer. duals: by constraint, "budget" or
    "box.lower", (*batch, *binders, *shape). status: int8 (*batch) of `declarative.Status`. The residuals (*batch) are
    relative to the largest term summed in a row. messages: by batch index, for items that are not solved.
    degenerate, nonunique, dual_nonunique: bool (*batch); the gradient is a choice, there are other solutions, other
    multipliers. answered_by: int8 (*batch) of `declarative.AnsweredBy`, the backend. memory: what
    `solve(..., warm=solution)` reads beside the variables; it takes solutions of the same `problem`, by its text.
    A solution equals itself alone. `copy.deepcopy` gives its numbers without the graph of derivatives.
    """

    values: Mapping[str, Tensor]
    output_names: tuple[str, ...]
    duals: Mapping[str, Tensor]
    value: Tensor
    status: Tensor
    primal_residual: Tensor
    dual_residual: Tensor
    gap: Tensor
    iterations: Tensor
    degenerate: Tensor
    nonunique: Tensor
    dual_nonunique: Tensor
    answered_by: Tensor
    messages: Mapping[tuple[int, ...], str] = field(default_factory=dict)
    inspection: LazyReport | None = field(default=None, repr=False, compare=False)
    memory: Mapping[str, Tensor] = field(default_factory=dict, repr=False, compare=False)
    problem: str = field(default="", repr=False, compare=False)

    def __getitem__(self, name: str) -> Tensor:
        if name in self.values:
            return self.values[name]
        if name in self.duals:
            return self.duals[name]
        raise KeyError(_no_such("value or dual", name, {**self.values, **self.duals}))

    def __getattr__(self, name: str) -> Tensor:
        values = self.__dict__.get("values", {})
        if name in values:
            return values[name]
        text = f"a solution has no `{name}`; its variables and outputs are: {', '.join(values)}"
        duals = [dual for dual in self.__dict__.get("duals", {}) if dual == name or dual.startswith(f"{name}.")]
        raise AttributeError(text + (f'; did you mean `.duals["{duals[0]}"]`?' if duals else ""))

    def __deepcopy__(self, memo: dict[int, Any]) -> Solution:
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Solution(**deepcopy(_pytree.tree_map_only(Tensor, Tensor.detach, parts), memo))

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    @property
    def outputs(self) -> Outputs:
        """The outputs by position and by name, as a call of the layer gives them: `solution.outputs.price`."""
        return Outputs([self.values[name] for name in self.output_names], self.output_names)

    @property
    def report(self) -> Report:
        """The active set, its rank, the inertia of the reduced Hessian and the smallest pivot of each item, and more.

        Worked out when it is first read (a copy, or a pickle, reads it) and kept, for the items that the kkt backend
        has answered; in its figures the others are blank. Raises RuntimeError where there is no such item, and where
        data were changed in place between the solution and the first reading.
        """
        if self.inspection is None:
            raise RuntimeError("this solution has no report: the kkt backend makes one, and the cone backend answered")
        return self.inspection.read()

    @property
    def solved(self) -> Tensor:
        """Which items are solved, bool (*batch)."""
        return self.status == Status.SOLVED

    def summary(self) -> str:
        """How many items ended how."""
        counts = {s: int((self.status == s).sum()) for s in Status}
        return ", ".join(f"{count} {s.name.lower()}" for s, count in counts.items() if count) or "an empty batch"

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {tuple(value.shape)}" for name, value in self.values.items())
        return f"Solution({self.summary()}; {shapes})"


def memory_of(solution: Solution) -> dict[str, Tensor]:
    """What a solve that begins there may read beside the variables: of items without an answer there is nothing."""
    lost = solution.status > Status.INACCURATE

    def left(part: Tensor) -> Tensor:
        return part.masked_fill(lost.reshape(*lost.shape, *[1] * (part.dim() - lost.dim())), torch.nan)

    return {name: left(part) if part.is_floating_point() else part for name, part in solution.memory.items()}


class SolveError(RuntimeError):
    """Some item has no answer. `.solution` holds everything; `layer(...)` with on_failure="mask" does not raise."""

    def __init__(self, name: str, solution: Solution):
        self.name, self.solution = name, solution
        super().__init__(_failure_text(name, solution))

    def __reduce__(self):
        return SolveError, (self.name, self.solution)


ADVICE = {
    Status.INFEASIBLE: "no point satisfies all constraints",
    Status.UNBOUNDED: "the objective has no bound",
    Status.FAILED: "the solver found no answer that passes the check",
}


MOST_TOLD = 5  # things that went wrong, and items of each


def _failure_text(name: str, solution: Solution) -> str:
    """What went wrong, each thing once with the items that it befell: what a batch shares fails for all of them."""
    failed = [tuple(int(k) for k in place) for place in torch.nonzero(solution.status > Status.INACCURATE)]
    lines = [f"`{name}`: {len(failed)} of {solution.status.numel()} items without an answer"]
    told: dict[str, list[tuple[int, ...]]] = {}
    for place in failed:
        status = Status(int(solution.status[place]))
        told.setdefault(f"{status.name.lower()}: {solution.messages.get(place, ADVICE[status])}", []).append(place)
    lines += [f"  {_where(places)}{text}" for text, places in list(told.items())[:MOST_TOLD]]
    if left := sum(map(len, list(told.values())[MOST_TOLD:])):
        lines.append(f"  and {left} more")
    lines.append('  (compile with on_failure="mask" to have NaN for these items and go on)')
    return "\n".join(lines)


def _where(places: list[tuple[int, ...]]) -> str:
    """The items by their batch index; nothing where there is no batch."""
    if places == [()]:
        return ""
    named = [str(place[0]) if len(place) == 1 else str(place) for place in places[:MOST_TOLD]]
    more = f" and {len(places) - MOST_TOLD} more" if len(places) > MOST_TOLD else ""
    return f"item{'s' if len(places) > 1 else ''} {', '.join(named)}{more}: "


def misfit(warm: object, problem: str, batch: tuple[int, ...], shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Why it starts no batch of this shape, with variables of these shapes, for the problem's text; None: it does."""
    if not isinstance(warm, Solution) or warm.problem != problem:
        return "`warm` must be a solution of this problem"
    if (found := tuple(warm.status.shape)) != batch:
        return f"`warm` solves a batch of shape {found}, and these data are a batch of shape {batch}"
    for name, shape in shapes.items():
        if (found := tuple(warm.values[name].shape[len(batch) :])) != shape:
            return f"`{name}` has shape {found} in `warm`, and {shape} with these data"
    return None
