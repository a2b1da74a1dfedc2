"""A smooth program's functions of plain numbers on a CPU: lists of scalar operations, run by compiled code.

What torch needs for a small program is the time of its launches, a hundred for an evaluation. Each function is traced
when it is first called; where it is no list of scalar operations, or a very long one, it stays in torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import AtOnce, Everything, Function, SmoothProgram, Theta, Weights, take
from declarative.backends.kkt.scalar.listing import NotScalar
from declarative.backends.kkt.scalar.trace import trace

if TYPE_CHECKING:
    from declarative.backends.kkt.compiled.evaluate import Evaluator
    from declarative.backends.kkt.compiled.lanes import Functions
    from declarative.backends.kkt.compiled.walkers import Free


class Traced:
    """A function of tensors (B, ...), or (1, ...) for what the items share, whose results are (B, ...)."""

    def __init__(self, function: Callable[..., Sequence[Tensor]]):
        self.function = function
        self.evaluator: Evaluator | None = None
        self.tried = False

    def __call__(self, batch: int, *args: Tensor) -> Sequence[Tensor]:
        evaluator = self.evaluator_at(args)
        return evaluator(args, batch) if evaluator is not None else self.function(*args)

    def evaluator_at(self, args: Sequence[Tensor]) -> Evaluator | None:
        """The list of operations, made with the first arguments; None where there is none."""
        if not self.tried:
            self.evaluator, self.tried = self._traced(args), True
        return self.evaluator

    def _traced(self, args: Sequence[Tensor]) -> Evaluator | None:
        from declarative.backends.kkt.compiled.evaluate import Evaluator

        shapes, truths = [(1, *a.shape[1:]) for a in args], [k for k, a in enumerate(args) if a.dtype == torch.bool]
        try:
            listing, results = trace(self.function, *shapes, truths=frozenset(truths))
        except NotScalar:
            return None
        return Evaluator(listing, [shape[1:] for shape in shapes], results)


class Lists:
    """Functions of a program's derivatives and of tensors, each of them one list of operations."""

    def __init__(self, program: SmoothProgram, structure: NumericStructure | None = None):
        self._program, self._structure = program, structure
        self._traced: dict[tuple[AtOnce, int], Traced] = {}
        self._changed: dict[Callable[[SmoothProgram], SmoothProgram], Lists] = {}
        self._numeric: dict[Callable[[SmoothProgram], SmoothProgram], SmoothProgram] = {}

    def of(self, change: Callable[[SmoothProgram], SmoothProgram]) -> Lists:
        """Those of the program that is made from this one."""
        if change not in self._changed:
            self._changed[change] = Lists(change(self._program))
        return self._changed[change]

    def numeric(self, change: Callable[[SmoothProgram], SmoothProgram]) -> SmoothProgram:
        """The program that is made from this one, for numbers."""
        if change not in self._numeric:
            self._numeric[change] = on_numbers(change(self._program))
        return self._numeric[change]

    def pattern(self, x: Tensor, theta: Theta) -> Pattern | None:
        """That of the derivatives in all rows; None of another program made from this one."""
        return self._structure and self._structure.pattern(x, theta, self._program.p, self._program.q)

    def __call__(self, function: AtOnce, theta: Theta, args: Sequence[Tensor]) -> Sequence[Tensor] | None:
        key = function, len(args)
        if key not in self._traced:
            self._traced[key] = Traced(partial(with_theta, self._program, *key))
        evaluator = self._traced[key].evaluator_at((*args, *theta))
        return None if evaluator is None else evaluator((*args, *theta), args[0].shape[0])


def with_theta(program: SmoothProgram, function: AtOnce, count: int, *tensors: Tensor) -> Sequence[Tensor]:
    """The function of so many tensors; theta comes after them."""
    return function(Derivatives(program, tensors[count:]), *tensors[:count])


class NumericStructure:
    """The derivatives of a program at numbers: `Structure` in terms of its own one."""

    def __init__(self, program: SmoothProgram):
        f, c, g, s = program.objective, program.equalities, program.inequalities, program.structure
        assert s is not None
        self._functions: Functions | None = None
        self._free: Free | None = None
        self._pattern: Pattern | None = None
        self._tried = self._sought = False
        self._values = Traced(lambda x, *t: (f(x, t), c(x, t), g(x, t)))
        self._gradient = Traced(lambda x, *t: (s.gradient(x, t),))
        self._jacobian_c = Traced(lambda x, *t: (s.jacobian_c(x, t),))
        self._jacobian_g = Traced(lambda x, *t: (s.jacobian_g(x, t),))
        self._slope = Traced(lambda x, f, c, g, *t: (s.slope(x, t, (f, c, g)),))
        self._hessian = Traced(lambda x, f, c, g, *t: (s.hessian(x, t, (f, c, g)),))
        self._hessian_of_rows = Traced(lambda x, c, g, *t: (s.hessian(x, t, (None, c, g)),))
        self._local = Traced(lambda x, f, c, g, *t: s.local(x, t, (f, c, g)))

    def gradient(self, x: Tensor, theta: Theta) -> Tensor:
        """The gradient of f, (B, n)."""
        return self._gradient(len(x), x, *theta)[0]

    def jacobian_c(self, x: Tensor, theta: Theta) -> Tensor:
        """The Jacobian of c, (B, p, n)."""
        return self._jacobian_c(len(x), x, *theta)[0]

    def jacobian_g(self, x: Tensor, theta: Theta) -> Tensor:
        """The Jacobian of g, (B, q, n)."""
        return self._jacobian_g(len(x), x, *theta)[0]

    def slope(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The gradient (B, n) of the weighted sum."""
        f, c, g = weights
        assert f is not None
        return self._slope(len(x), x, f, c, g, *theta)[0]

    def hessian(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor:
        """The Hessian (B, n, n) of the weighted sum."""
        f, c, g = weights
        if f is None:
            return self._hessian_of_rows(len(x), x, c, g, *theta)[0]
        return self._hessian(len(x), x, f, c, g, *theta)[0]

    def local(self, x: Tensor, theta: Theta, weights: Weights) -> Everything:
        """All of them at once."""
        f, c, g = weights
        assert f is not None
        return tuple(self._local(len(x), x, f, c, g, *theta))

    def functions(self, x: Tensor, theta: Theta, p: int, q: int) -> Functions | None:
        """What the compiled method calls."""
        from declarative.backends.kkt.compiled.lanes import functions

        if not self._tried:
            local, values = self._local_at(x, theta, p, q), self._values.evaluator_at((x, *theta))
            self._functions, self._tried = local and values and functions(x.shape[1], p, q, local, values), True
        return self._functions

    def free(self, x: Tensor, theta: Theta) -> Free | None:
        """What the compiled trust region calls, of a program without constraints."""
        from declarative.backends.kkt.compiled.walkers import Free

        if self._free is None:
            local, values = self._local_at(x, theta, 0, 0), self._values.evaluator_at((x, *theta))
            self._free = Free(x.shape[1], local, values) if local and values else None
        return self._free

    def pattern(self, x: Tensor, theta: Theta, p: int, q: int) -> Pattern | None:
        """Which derivatives may be other than 0, those of all rows as of equations, where few are."""
        from declarative.backends.kkt.compiled.lanes import whole_pattern

        if not self._sought:
            local = self._local_at(x, theta, p, q)
            self._pattern, self._sought = local and whole_pattern(x.shape[1], p, q, local), True
        return self._pattern

    def _local_at(self, x: Tensor, theta: Theta, p: int, q: int) -> Evaluator | None:
        return self._local.evaluator_at((x, x.new_zeros(1), x.new_zeros(1, p), x.new_zeros(1, q), *theta))


class Bounds:
    """theta -> lower and upper bounds, (B, n) or (1, n); worked out once where no parameter moves them."""

    def __init__(self, bounds: Callable[[Theta], tuple[Tensor, Tensor]]):
        self._bounds = bounds
        self._fixed: tuple[Tensor, Tensor] | None = None
        self._tried = False

    def __call__(self, theta: Theta) -> tuple[Tensor, Tensor]:
        if not self._tried:
            self._fixed, self._tried = self._known(theta), True
        return self._fixed or self._bounds(theta)

    def _known(self, theta: Theta) -> tuple[Tensor, Tensor] | None:
        try:
            listing, _ = trace(lambda *t: self._bounds(t), *((1, *t.shape[1:]) for t in theta))
        except NotScalar:
            return None
        return None if len(listing.inputs) else self._bounds(take(theta, torch.zeros(1, dtype=torch.int64)))


def on_numbers(program: SmoothProgram) -> SmoothProgram:
    """The program, whose derivatives are known, for numbers in double precision on a CPU."""

    def function(of: Function) -> Function:
        traced = Traced(lambda x, *theta: (of(x, theta),))
        return lambda x, theta: traced(len(x), x, *theta)[0]

    structure = NumericStructure(program)
    return replace(
        program,
        bounds=Bounds(program.bounds),
        objective=function(program.objective),
        equalities=function(program.equalities),
        inequalities=function(program.inequalities),
        structure=structure,
        listed=Lists(program, structure),
    )
