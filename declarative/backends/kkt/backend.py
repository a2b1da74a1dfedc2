"""The `kkt` backend: smooth programs, convex or not, and kinks that linear constraints can describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.classify import classify
from declarative.backends.inspection import Inspection
from declarative.backends.kkt.assemble import Assembly, Duals, assemble, variables_of
from declarative.backends.kkt.program.envelope import attach_value
from declarative.backends.kkt.program.program import Options, Result, Theta, take
from declarative.backends.kkt.program.shape import kind_of
from declarative.backends.kkt.solve import connect, solve
from declarative.backends.kkt.starts import unfit_starts
from declarative.backends.kkt.verdict.blurred import LOST, blurred
from declarative.backends.kkt.verdict.inspect import inspect
from declarative.backends.kkt.warm import recalled, remembered
from declarative.backends.method import AUTO, Forward
from declarative.backends.mode import IMPLICIT, Mode
from declarative.backends.numbers import numbers, numbers_only
from declarative.backends.outcome import Outcome
from declarative.backends.report import Report
from declarative.backends.status import AnsweredBy, Status
from declarative.backends.tape.external import External
from declarative.backends.unanswered import without_unanswered
from declarative.ir.expr import Expr, Variable
from declarative.ir.facts import Sign
from declarative.ir.problem import Problem
from declarative.ir.walk import varies
from declarative.rewrite.domains import show_domains
from declarative.rewrite.extremes import bounds_of_extremes
from declarative.rewrite.graph_forms import to_graph_forms, unfit_kinks
from declarative.rewrite.residuals import squared_terms, with_residuals
from declarative.rewrite.sets import sets_to_rows
from declarative.rewrite.signs import without_known_signs
from declarative.rewrite.squares import squares
from declarative.rewrite.standard import Standard, problem_to_standard
from declarative.rewrite.triangles import to_one_triangle
from declarative.source.diagnostic import Diagnostic, error
from declarative.source.span import Span

LOCAL = (
    "what it finds is a minimum near `start`, maybe not the lowest; `solve by newton(starts = 8)` tries several starts"
)


@dataclass(frozen=True)
class KKTBackend:
    """A problem accepted by this backend: without kinks, its domains shown."""

    standard: Standard
    options: Options
    residuals: tuple[Expr, ...] = ()  # what is squared in the objective, for Gauss and Newton, or a quadratic program
    externs: Mapping[str, External] = field(default_factory=dict)  # what the problem calls, for its plans

    def plan(self, sizes: Mapping[str, int], constants: Mapping[str, np.ndarray], device: torch.device) -> KKTPlan:
        reduce = self.options.forward.solver is None  # a function of the user's knows where its variables are
        assembly = assemble(self.standard, sizes, constants, device, self.residuals, self.externs, reduce)
        return KKTPlan(assembly, self.options)

    @property
    def added(self) -> tuple[Variable, ...]:
        """The unknowns that are not the user's."""
        return tuple(auxiliary.variable for auxiliary in self.standard.auxiliaries)

    @property
    def curved(self) -> bool:
        """It has rows, and is neither quadratic nor anything else that one factorisation or two would solve."""
        return bool(self.standard.rows) and kind_of(self.standard) == "nlp"

    def remarks(self) -> list[str]:
        """What was rewritten, and that a minimum may not be the lowest, for `explain`."""
        alone = self.options.forward.starts == 1 and not classify(self.standard.problem).convex
        return [*self.standard.log, *([LOCAL] if alone else [])]


def accept(
    problem: Problem,
    options: Mapping[str, Any],
    mode: Mode = IMPLICIT,
    forward: Forward = AUTO,
    externs: Mapping[str, External] | None = None,
) -> KKTBackend | list[Diagnostic]:
    """The backend for this problem, or why it cannot take it: which expression, and what is the matter with it.

    Of the options it reads `max_iterations`.
    """
    standard = sets_to_rows(problem_to_standard(problem), balls=True)
    if standard.cones:
        return [_cone_refusal(row.cone, row.origin) for row in standard.cones]
    if unfit := unfit_kinks(problem) or unfit_starts(problem):
        return unfit
    settings = Options(forward.tolerance, options.get("max_iterations", forward.max_iterations), mode, forward)
    plain = bounds_of_extremes(without_known_signs(to_one_triangle(standard)))
    smooth = show_domains(to_graph_forms(plain))
    if forward.name != "gauss_newton":
        return KKTBackend(smooth, settings, _squared(smooth), externs or {})
    squared = squares(smooth.objective, least=Sign.NONNEG)
    if squared is None:
        return [_no_squares(problem)]
    return KKTBackend(smooth, settings, tuple(e for e in squared if varies(e)), externs or {})


def _squared(standard: Standard) -> tuple[Expr, ...]:
    """Of a quadratic program what its objective squares, if that is more than variables."""
    found = squared_terms(standard.objective) if kind_of(standard) == "qp" else None
    return tuple(found) if found and with_residuals(standard.problem) is not None else ()


def _no_squares(problem: Problem) -> Diagnostic:
    text = "`gauss_newton` needs an objective that is a sum of squares, and this is none that can be recognised"
    hints = ("write it with `sumsq(...)` or `sum(w[i]*(...)^2 for i in n)`, or say `solve by newton`",)
    return error("E322", problem.objective.origin, text, hints=hints)


def _cone_refusal(cone: str, origin: Span | None) -> Diagnostic:
    message = f"the kkt backend takes equations and inequalities, not membership in `{cone}`"
    return error("E302", origin, message)


@dataclass(frozen=True)
class KKTPlan:
    """The problem at concrete sizes, on one device."""

    assembly: Assembly
    options: Options

    def run(self, inputs: Mapping[str, Tensor], batch: int, start: Mapping[str, Tensor] | None) -> Outcome:
        """Solve, then connect the solution, the duals and the value to the inputs."""
        assembly, program = self.assembly, self.assembly.program
        theta = assembly.theta(inputs)
        fixed = tuple(t.detach() for t in theta)
        warm = recalled(start, program)
        whole = program.explicit and warm is not None and bool(warm.usable.all())
        x0 = warm.at(program).x if warm and whole else assembly.start(inputs, batch, start, fixed)
        result = self._sharp(solve(program, fixed, x0, self.options, warm), fixed, inputs)
        if assembly.implied is not None:
            result = assembly.implied.judged(result, inputs)
        answered = result.answered
        if answered is not None and not answered.all():
            inputs = without_unanswered(inputs, answered)
            theta = assembly.theta(inputs)
        return self._outcome(result, connect(program, theta, result, self.options.mode), theta, inputs)

    def _sharp(self, result: Result, theta: Theta, inputs: Mapping[str, Tensor]) -> Result:
        """The result, inaccurate where rounding errors of a matrix Q'Q hide what Q holds."""
        functions = self.assembly.functions
        if not self.assembly.program.explicit or functions.residuals is None:
            return result

        def squared(x: Tensor, items: Tensor) -> Tensor:
            known = self.assembly.runner.prepare({name: numbers(t.detach()) for name, t in inputs.items()})
            assert functions.residuals is not None
            return functions.residuals(x, take(known, items))

        with numbers_only():
            lost = blurred(result, numbers(theta[0]), squared)
        if not lost.any():
            return result
        status = torch.where(lost, int(Status.INACCURATE), result.status).to(result.status.dtype)
        return replace(result, status=status, messages=result.messages | {int(k): LOST for k in lost.nonzero()[:, 0]})

    def _outcome(
        self, result: Result, solution: tuple[Tensor, ...], theta: Theta, inputs: Mapping[str, Tensor]
    ) -> Outcome:
        assembly, duals = self.assembly, self.assembly.duals(solution, inputs)
        value = assembly.value(result.value, result.x, theta, inputs)
        value = attach_value(assembly.program, value, solution, theta, result.answered)
        value = value if assembly.standard.sign > 0 else -value
        degenerate, dual_nonunique = self._of_fixed(result, duals)
        if assembly.pinned is not None:
            dual_nonunique = dual_nonunique | ((result.status <= Status.INACCURATE) & assembly.pinned.touched(inputs))
        if assembly.implied is not None:
            dual_nonunique = dual_nonunique | (result.status <= Status.INACCURATE)
        return Outcome(
            variables=variables_of(assembly, solution[0]),
            duals=duals,
            value=value,
            status=result.status,
            iterations=result.iterations,
            primal=result.primal,
            dual=result.dual,
            gap=result.gap,
            degenerate=degenerate,
            nonunique=self._nonunique(result),
            dual_nonunique=dual_nonunique,
            messages={item: self._message(item, text, result) for item, text in result.messages.items()},
            answered_by=torch.full_like(result.status, int(AnsweredBy.KKT)),
            inspection=self._inspection(result, theta, inputs),
            memory=remembered(result, assembly.program),
        )

    def _of_fixed(self, result: Result, duals: Duals) -> tuple[Tensor, Tensor]:
        """The result's `degenerate` and `dual_nonunique`, with what multipliers are that came back.

        One that has no bounds, as where sqrt(x) is held at 0, makes its item degenerate.
        """
        fixed = self.assembly.fixed
        if fixed is None:
            return result.degenerate, result.dual_nonunique
        endless, answered = torch.zeros_like(result.degenerate), result.status <= Status.INACCURATE
        if fixed.read:
            parts = [dual.detach().flatten(1) if dual.dim() > 1 else dual.detach()[:, None] for dual in duals.values()]
            endless = ~torch.cat(parts, 1).isfinite().all(-1)
        return result.degenerate | (answered & endless), result.dual_nonunique | (answered & fixed.many)

    def _inspection(self, result: Result, theta: Theta, inputs: Mapping[str, Tensor]) -> Inspection:
        parts, names, data = {**result.__dict__, "system": None}, list(inputs), len(theta)
        result = Result(**parts)

        def work(reads: tuple[Tensor, ...]) -> Report:
            known = dict(zip(names, reads[data:], strict=True))
            active = self.assembly.active(result, known)
            report = inspect(self.assembly.program, result, reads[:data], active)
            return replace(report, rank=torch.where(report.known, report.rank + self.assembly.left_out, report.rank))

        return Inspection(work, (*theta, *inputs.values()))

    def _nonunique(self, result: Result) -> Tensor:
        """(B,): not where only variables move that a rewrite has added."""
        hidden = self.assembly.program.hidden
        if hidden is None:
            return result.nonunique
        return result.nonunique & (~result.loose.any(-1) | (result.loose & ~hidden).any(-1))

    def _message(self, item: int, text: str, result: Result) -> str:
        """The engine's words, with the constraints to blame by name and line."""
        blamed = [self.assembly.row_of(kind, index) for kind, index in result.blamed.get(item, [])]  # pyright: ignore
        places = dict.fromkeys(_place(block.row) for block in blamed if block is not None)
        return text + (f"; to blame: {', '.join(list(places)[:5])}" if places else "")

    def describe(self) -> list[str]:
        program = self.assembly.program
        kinds = {"qp": "quadratic program", "sphere": "quadratic on a sphere or ball", "nlp": "smooth program"}
        size, left_out = program.n + program.p + program.q, self.assembly.left_out
        bounds = sum(block.count for block in self.assembly.blocks if block.kind in ("lower", "upper"))
        counts = {"unknown": program.n, "equation": program.p, "inequality": program.q, "bound": bounds}
        listed = ", ".join(_count(number, noun) for noun, number in counts.items() if number)
        fixed = [f"{_count(left_out, 'more unknown')} and what fixes them to 0 left out"] if left_out else []
        return [
            f"solved as a {kinds[program.kind]}: {listed}",
            *fixed,
            f"one KKT matrix of side at most {size} per item, factored once for solution and gradient",
        ]


def _count(number: int, noun: str) -> str:
    """`1 equation`, `2 inequalities`."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _place(row) -> str:
    name = ".".join(row.path) if row.path else "a rewritten function"
    return f"`{name}` (line {row.origin.line})" if row.origin is not None else f"`{name}`"
