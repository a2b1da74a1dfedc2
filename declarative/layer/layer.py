"""The layer: a torch module whose forward pass solves the problem and whose backward pass differentiates it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from declarative.backends.hosted import hosted
from declarative.backends.layout import entries
from declarative.backends.numbers import apart
from declarative.backends.outcome import Backend, Outcome, Plan
from declarative.backends.status import AnsweredBy, Status
from declarative.backends.tape.external import External
from declarative.ir.expr import Role
from declarative.ir.problem import Problem
from declarative.layer.answer import Answer
from declarative.layer.binding import Bound, Fit, Raw, bind, flat_batch, match_arguments
from declarative.layer.bounded_data import sites
from declarative.layer.by_device import place_of
from declarative.layer.finite import run_finite
from declarative.layer.learned import initial, parametrisation
from declarative.layer.mapped import needs_mapping, unwrapped
from declarative.layer.mapped_call import mapped_call
from declarative.layer.outputs import Defaults, OutputReader
from declarative.layer.promises import Breach, Promises, unlike_numbers
from declarative.layer.solution import Outputs, Solution, SolveError, memory_of, misfit
from declarative.layer.undefined import Undefined
from declarative.source.diagnostic import DiagnosticError, error
from declarative.source.warn import warn


@dataclass(frozen=True)
class Settings:
    """How a layer behaves. `dtype` is the inner precision."""

    backend: str = "kkt"
    on_failure: Literal["raise", "mask"] = "raise"
    check: Literal["always", "first", "never"] = "always"
    dtype: torch.dtype = torch.float64
    dims: tuple[tuple[str, int], ...] = ()
    mode: str = "implicit"


@dataclass(frozen=True)
class _Ready:
    """What is worked out once for sizes and device."""

    plan: Plan
    reader: OutputReader
    undefined: Undefined
    consts: tuple[tuple[Tensor, int], ...]  # as they were, each with its version
    nothing: list[Outcome] = field(default_factory=list)  # that of no items, once it was asked for


@dataclass(frozen=True)
class _Fixed:
    """The consts as inputs of calls, found to keep their promises; each buffer with its version at that time."""

    inputs: dict[str, Tensor]
    consts: tuple[tuple[Tensor, int], ...]


class _Memo:
    """What a layer finds out and keeps from call to call; it can be found out again."""

    def __init__(self, problem: Problem):
        self.fits: dict[Any, Fit] = {}
        self.plans: dict[Any, _Ready] = {}
        self.last: _Ready | None = None
        self.answered_by: Tensor | None = None  # of the last call
        self.fixed: _Fixed | None = None
        self.defaults, self.promises, self.sites = Defaults(problem), Promises(problem), sites(problem)


def _unchanged(consts: tuple[tuple[Tensor, int], ...], now: tuple[tuple[Tensor, int], ...]) -> bool:
    """Are these the same tensors, and unchanged? They are kept, so that no other has the place of one in memory."""
    pairs = zip(consts, now, strict=True)
    return all(old is new and before == after for (old, before), (new, after) in pairs)


def _equal(consts: tuple[tuple[Tensor, int], ...], now: tuple[tuple[Tensor, int], ...]) -> bool:
    """Have other tensors the numbers of these, which nobody has changed?"""
    pairs = zip(consts, now, strict=True)
    return all(old._version == then and torch.equal(old, new) for (old, then), (new, _) in pairs)


class DeclarativeLayer(nn.Module):
    """A compiled problem.

    `layer(*params, **params)` takes parameters by position in order of declaration (those with a default by name
    only), each (*batch, *declared shape), and gives one tensor, or an `Outputs` tuple of several. Raises
    DiagnosticError for arguments that do not fit, and SolveError for items without an answer unless compiled with
    on_failure="mask". `layer.solve(...)` gives a `Solution` and never raises for an outcome.

    >>> import torch, declarative
    >>> text = "dim n; param y : R^n; var x : R^n, nonneg; minimize sumsq(x - y)"
    >>> declarative.compile(declarative.parse(text, name="part"))(torch.tensor([1.0, -1.0]))
    tensor([1., 0.])
    """

    def __init__(
        self,
        problem: Problem,
        backend: Backend,
        settings: Settings,
        consts: Mapping[str, Tensor],
        learn: Mapping[str, Tensor | tuple[int, ...]],
        externs: Mapping[str, External],
        holder: nn.Module,
        explanation: Callable[[], list[str]],
    ):
        super().__init__()
        self.problem, self._backend, self.settings = problem, backend, settings
        self._explanation = explanation
        self._memo = _Memo(problem)
        self._checked = False
        self.const = nn.Module()
        for name, value in consts.items():
            with torch.inference_mode(False):  # inference tensors have no version
                self.const.register_buffer(name, value.clone())
        self.learn = nn.Module()
        for declaration in problem.parameters:
            symbol = declaration.symbol
            if symbol.role is Role.LEARN:
                given = learn[symbol.name]
                if isinstance(given, Tensor):
                    start = parametrisation(symbol).free(given)
                else:
                    start = initial(symbol, given, torch.get_default_dtype())
                self.learn.register_parameter(symbol.name, nn.Parameter(start.detach().clone()))

        self._externs, self.extern = externs, holder

    # --- calls ---------------------------------------------------------------------------------

    @property
    def forward(self) -> Callable[..., Any]:
        """The call. `torch.compile` runs it as it is: torch's compiler cannot follow a solver, which looks at data."""
        if "torch._dynamo" in sys.modules:  # loading it would take a second
            return torch.compiler.disable(self._call)
        return self._call

    def _call(self, *args: Raw, **named: Raw) -> Any:
        raw = match_arguments(self.problem, args, named)
        names = tuple(o.name for o in self.problem.outputs)
        if (results := mapped_call(self, self.problem, self._externs, raw)) is not None:
            return _given_back(list(results), names)
        with self._grad_mode():
            answer = self._solve(raw, None)
            if not answer.solved:
                self._complain(self._solution(answer))
            return _given_back(answer.outputs(), names)

    def solve(self, *args: Raw, warm: Solution | None = None, **named: Raw) -> Solution:
        """The solution with its status, duals and residuals. `warm`: one of the same problem and shapes to begin at."""
        raw = match_arguments(self.problem, args, named)
        if needs_mapping(value for value in raw.values() if isinstance(value, Tensor)):
            text = "`solve` looks at its data, which `torch.func.vmap` hides; call the layer itself there"
            raise DiagnosticError([error("E310", None, text, hints=("or give a batch as leading axes",))])
        with self._grad_mode():
            return self._solution(self._solve(raw, warm))

    def explain(self) -> str:
        """What the problem is, why each backend takes it or not, what was rewritten, the size of the system."""
        lines = self._explanation()
        if (last := self._memo.last) is not None:
            told = [*last.plan.describe(), *_answered(self._memo.answered_by, self.backend)]
            lines = [*lines, "at the sizes of the last call:", *(f"  {line}" for line in told)]
        return "\n".join(lines)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__ and (text := self._learned(name)):
            raise AttributeError(f'{text}; to begin elsewhere: `compile(..., learn={{"{name}": value}})`')
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if text := self._learned(name):
            raise AttributeError(f'{text}; to read it: `layer.value_of("{name}")`')
        return super().__getattr__(name)

    def _learned(self, name: str) -> str:
        """Where the value of learned data comes from, in words; empty for other names."""
        learn = self.__dict__.get("_modules", {}).get("learn")
        if learn is None or name not in learn._parameters:
            return ""
        return f"`{name}` is learned, and its value follows from `layer.learn.{name}`, which an optimiser moves"

    def value_of(self, name: str) -> Tensor:
        """A learned parameter with its attributes: `value_of("lam")` is positive where `learn.lam` is free."""
        learned = {d.symbol.name: d.symbol for d in self.problem.parameters if d.symbol.role is Role.LEARN}
        if name not in learned:
            raise KeyError(f"no learned parameter `{name}`; there are: {', '.join(learned) or 'none'}")
        return parametrisation(learned[name]).value(getattr(self.learn, name))

    @property
    def backend(self) -> str:
        """The name of the backend that was chosen: "kkt" or "cone"."""
        return self.settings.backend

    @property
    def mode(self) -> str:
        """The name of the backward mode."""
        return self.settings.mode

    def extra_repr(self) -> str:
        return f"{self.problem.name}, backend={self.backend!r}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_memo": _Memo(self.problem)}  # plans hold functions, and are worked out again

    def _solution(self, answer: Answer) -> Solution:
        return replace(answer.solution(), problem=self._text)

    @cached_property
    def _text(self) -> str:
        """By which solutions of this problem are known."""
        return str(self.problem)

    # --- one call, from arguments to solution -----------------------------------------------------

    def _grad_mode(self) -> AbstractContextManager:
        return torch.no_grad() if self.mode == "none" else nullcontext()

    def _solve(self, raw: Mapping[str, Raw], warm: Solution | None) -> Answer:
        memo, dtype = self._memo, self.settings.dtype
        held = self._consts()
        consts = tuple((const, const._version) for const in held.values())
        fixed = memo.fixed.inputs if memo.fixed is not None and _unchanged(memo.fixed.consts, consts) else {}
        bound = bind(self.problem, raw, self._held(held), dict(self.settings.dims), dtype, memo.fits, fixed)
        inputs = memo.defaults.complete(bound.inputs, bound.sizes, bound.device, dtype) | self._weights(bound)
        if self.mode == "none":
            inputs = {name: value.detach() for name, value in inputs.items()}  # forward mode does not ask no_grad
        ready = self._ready(bound, inputs, consts)
        good, messages = _good_items(self._breaches(ready, bound, inputs, fixed), bound)
        if not fixed and good is None and not torch.is_inference_mode_enabled():  # its tensors have no version
            memo.fixed = _Fixed({name: bound.inputs[name] for name in held}, consts)
        chosen = inputs if good is None else {n: t if t.shape[0] == 1 else t[good] for n, t in inputs.items()}
        start = self._start(warm, bound, good)
        outcome = self._run(ready, chosen, bound.batch if good is None else len(good), start)
        memo.answered_by = outcome.answered_by
        return Answer(self.problem, ready.reader, bound, chosen, outcome, good, messages)

    def _weights(self, bound: Bound) -> dict[str, Tensor]:
        """What external modules read, as inputs (batch or 1, *shape), in the inner precision."""
        found = {}
        for external in self._externs.values():
            for name, t in external.weights().items():
                rank = external.rank(name, t)
                found[name] = flat_batch(t.to(bound.device, self.settings.dtype), rank, bound.batch_shape)
        return found

    def _consts(self) -> dict[str, Tensor]:
        """The numbers that plans are made for, whatever transform is around: nothing is differentiated for them."""
        return {name: unwrapped(t) for name, t in self.const._buffers.items() if t is not None}

    def _held(self, consts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {n: t.detach() for n, t in consts.items()} | {n: self.value_of(n) for n in self.learn._parameters}

    def _ready(self, bound: Bound, inputs: Mapping[str, Tensor], consts: tuple[tuple[Tensor, int], ...]) -> _Ready:
        shapes = [tuple(external.shapes().items()) for external in self._externs.values()]
        place, memo = self._place(bound), self._memo
        key = (tuple(sorted(bound.sizes.items())), bound.device, place, *shapes)
        ready = memo.plans.get(key)
        if ready is None or not (_unchanged(ready.consts, consts) or _equal(ready.consts, consts)):
            fixed = {d.symbol.name for d in self.problem.parameters if d.symbol.role is Role.CONST}
            constants = {name: inputs[name][0].detach().cpu().numpy() for name in fixed if name in inputs}
            ready = memo.plans[key] = apart(self._prepare, bound, place, constants, consts)
        memo.last = ready
        return ready

    def _place(self, bound: Bound) -> torch.device:
        """Where to solve; functions from outside are called where the data are."""
        if self._externs or bound.device.type == "cpu":
            return bound.device
        unknowns = entries((d.symbol for d in self.problem.variables), bound.sizes)
        return place_of(bound.device, self.settings.dtype, unknowns, bound.batch)

    def _prepare(self, bound: Bound, place: torch.device, constants: Mapping[str, np.ndarray], consts: tuple) -> _Ready:
        for external in self._externs.values():
            external.check_closed(bound.sizes, self.settings.dtype, bound.device)
        plan = self._backend.plan(bound.sizes, constants, place)
        plan = plan if place == bound.device else hosted(plan, bound.device)
        reader = OutputReader(self.problem.outputs, bound.sizes, constants, bound.device, self._externs)
        undefined = Undefined(self._memo.sites, bound.sizes, constants, bound.device, self._externs)
        return _Ready(plan, reader, undefined, consts)

    def _breaches(
        self, ready: _Ready, bound: Bound, inputs: Mapping[str, Tensor], fixed: Mapping[str, Tensor]
    ) -> list[Breach]:
        if not bound.batch:
            return []
        check = self.settings.check
        full = check == "always" or (check == "first" and not self._checked)
        self._checked = True
        with torch.no_grad():
            found = self._memo.promises.breaches(inputs, bound.raw, bound.sizes, full, fixed)
            weights = [name for external in self._externs.values() for name in external.weights()]
            found += [b for name in weights if bool((b := unlike_numbers(name, inputs[name])).items.any())]
            return found + ready.undefined.breaches(inputs)

    def _start(self, warm: Solution | None, bound: Bound, good: Tensor | None) -> dict[str, Tensor] | None:
        if warm is None:
            return None
        symbols = [d.symbol for d in self.problem.variables]
        shapes = {symbol.name: tuple(size.evaluate(bound.sizes) for size in symbol.shape) for symbol in symbols}
        if (text := misfit(warm, self._text, bound.batch_shape, shapes)) is not None:
            raise DiagnosticError([error("E310", None, text)])
        values = {n: warm.values[n].detach().to(self.settings.dtype) for n in shapes}
        known = {
            name: value.reshape(bound.batch, *value.shape[warm.status.dim() :]).to(bound.device)
            for name, value in (values | memory_of(warm)).items()
        }
        return known if good is None else {name: value[good] for name, value in known.items()}

    def _run(self, ready: _Ready, inputs: dict[str, Tensor], batch: int, start: dict[str, Tensor] | None) -> Outcome:
        if batch:
            return run_finite(ready.plan, inputs, batch, start)
        if not ready.nothing:
            one = {name: t.new_ones(1, *t.shape[1:]).detach() for name, t in inputs.items()}
            ready.nothing.append(_first_items(apart(ready.plan.run, one, 1, None), 0))
        return _connected(ready.nothing[0], inputs)

    def _complain(self, solution: Solution) -> None:
        """Raise for items without an answer, where that is wanted, and warn of inaccurate ones."""
        if self.settings.on_failure == "raise" and bool((solution.status > Status.INACCURATE).any()):
            raise SolveError(self.problem.name, solution)
        if bool((solution.status == Status.INACCURATE).any()):
            self._warn_inaccurate(solution)

    def _warn_inaccurate(self, solution: Solution) -> None:
        count = int((solution.status == Status.INACCURATE).sum())
        text = f"`{self.problem.name}`: {count} of {solution.status.numel()} items are inaccurate: residuals above 1e-6"
        warn(text)


def _given_back(results: list[Tensor], names: tuple[str, ...]) -> Any:
    """One output as a tensor, several as a named tuple."""
    return results[0] if len(results) == 1 else Outputs(results, names)


def _answered(by: Tensor | None, backend: str) -> list[str]:
    """How many items each backend has answered, where it is not the one that was chosen for all of them."""
    if by is None or bool((by == AnsweredBy[backend.upper()]).all()):
        return []
    counts = {one.name.lower(): int((by == one).sum()) for one in AnsweredBy}
    return [f"items answered: {', '.join(f'{count} by {name}' for name, count in counts.items() if count)}"]


MOST_TOLD = 100  # items whose numbers are looked up for each promise


def _good_items(broken: list[Breach], bound: Bound) -> tuple[Tensor | None, dict[int, str]]:
    """The items whose data keep all promises (None: all of them), and what is wrong with the others."""
    if not broken:
        return None, {}
    messages: dict[int, str] = {}
    bad = torch.zeros(bound.batch, dtype=torch.bool)
    for breach in broken:
        items = breach.items.cpu().expand(bound.batch)
        for count, item in enumerate(items.nonzero()[:, 0].tolist()):
            if item not in messages:
                messages[item] = breach.of(item) if count < MOST_TOLD else breach.message
        bad |= items
    return (~bad).nonzero()[:, 0].to(bound.device), messages


def _first_items(outcome: Outcome, count: int) -> Outcome:
    """The same outcome for the first items only."""
    per_item = {f.name: part[:count] for f in fields(Outcome) if isinstance(part := getattr(outcome, f.name), Tensor)}
    variables = {name: t[:count] for name, t in outcome.variables.items()}
    duals = {path: t[:count] for path, t in outcome.duals.items()}
    memory = {name: t[:count] for name, t in outcome.memory.items()}
    inspection = outcome.inspection and outcome.inspection.then(lambda report: report.each(lambda t: t[:count]))
    return replace(
        outcome, variables=variables, duals=duals, memory=memory, messages={}, inspection=inspection, **per_item
    )


def _connected(nothing: Outcome, inputs: Mapping[str, Tensor]) -> Outcome:
    """The outcome of no items as a function of the inputs, whose gradients are 0."""
    zero = sum(t.flatten()[:0].sum() for t in inputs.values())
    variables = {name: t.detach() + zero for name, t in nothing.variables.items()}
    duals = {path: t.detach() + zero for path, t in nothing.duals.items()}
    return replace(nothing, variables=variables, duals=duals, value=nothing.value.detach() + zero)
