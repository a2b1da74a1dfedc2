"""Which backend takes a problem, and why the other does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeAlias

from declarative.analysis.classify import Classification, Kind, classify
from declarative.analysis.parameters import dependence
from declarative.analysis.reasons import accounts
from declarative.analysis.tell import to_lines
from declarative.analysis.words import brief
from declarative.backends import geometric
from declarative.backends.bounded import BoundedBackend, has_bound
from declarative.backends.cone import backend as cone
from declarative.backends.kkt import backend as kkt
from declarative.backends.method import AUTO, Forward, forward_of
from declarative.backends.mode import IMPLICIT, Mode, mode_of
from declarative.backends.outcome import Backend
from declarative.backends.second import UNSURE, SecondBackend
from declarative.backends.status import Status
from declarative.backends.tape.external import External
from declarative.ir.problem import Problem, Sense
from declarative.layer.by_size import BySize
from declarative.rewrite.repair import no_backend, repair
from declarative.rewrite.residuals import with_residuals
from declarative.source.diagnostic import Diagnostic, DiagnosticError, error
from declarative.source.render import render

BackendName: TypeAlias = Literal["cone", "kkt"]


@dataclass(frozen=True)
class Route:
    """The backend chosen, for these methods. Called, it gives the lines of `explain`."""

    problem: Problem
    name: BackendName
    backend: Backend
    mode: Mode
    forward: Forward

    def __call__(self) -> list[str]:
        return _explained(self.problem, self.name, self.mode, self.forward)


def route(
    problem: Problem,
    wanted: Literal["auto", "cone", "kkt"],
    options: Mapping[str, Any],
    mode: Mode = IMPLICIT,
    forward: Forward = AUTO,
    externs: Mapping[str, External] | None = None,
) -> Route:
    """The backend wanted, or the first that accepts: kkt, then cone; cone first where smooth functions have kinks.

    Raises DiagnosticError with the reasons.
    """
    if wanted == "auto" and (obstacles := no_backend(problem)):
        raise DiagnosticError(obstacles)
    refusals: list[Diagnostic] = []
    repaired = repair(problem)
    cone_first = bool(repaired.kinks or (repaired.corners and not options))
    first: tuple[BackendName, ...] = ("cone", "kkt") if cone_first else ("kkt", "cone")
    for name in first if wanted == "auto" else (wanted,):
        accepted = _accept(problem, name, options, mode, forward, externs)
        if not isinstance(accepted, list):
            _check_options(name, options)
            alone = wanted != "auto" or name == "cone" or _other_mode(problem, mode) or _other_method(problem, forward)
            chosen = accepted if alone else _by_size(problem, accepted, options)
            if name == "cone" and (residual := with_residuals(problem)) is not None:
                chosen = SecondBackend(chosen, residual, _to_cone, _doubted(problem), many=True)
            if name == "cone" and wanted == "auto" and repaired.corners:
                chosen = SecondBackend(chosen, problem, _to_kkt)
            if has_bound(problem) and not isinstance(accepted, geometric.GeometricBackend):
                chosen = BoundedBackend(chosen, problem.objective.sense is Sense.MAXIMIZE)
            return Route(problem, name, chosen, mode, forward)
        refusals.extend(accepted)
        if name == "kkt" and _other_method(problem, forward) and "E322" in [found.code for found in accepted]:
            break  # of a method that kkt alone has, it alone can say what is the matter
    raise DiagnosticError(refusals)


def _by_size(problem: Problem, accepted: Backend, options: Mapping[str, Any]) -> Backend:
    """A convex problem with many unknowns may go to the cone backend first, which has no options."""
    dense = _with_cone(problem, accepted)
    if options or not classify(problem).convex:
        return dense
    sparse = _to_cone(problem)
    if isinstance(sparse, list) or not isinstance(accepted, kkt.KKTBackend):
        return dense if isinstance(sparse, list) else BySize(problem, dense, sparse)
    return BySize(problem, dense, sparse, accepted.added, accepted.curved)


def explain(problem: Problem, chosen: BackendName | None = None) -> list[str]:
    """What the problem is, and what each backend says to it, for the methods of its clauses."""
    found = mode_of(problem.differentiate)
    mode = found if isinstance(found, Mode) else IMPLICIT
    asked = forward_of(problem.solve)
    return _explained(problem, chosen, mode, asked if isinstance(asked, Forward) else AUTO)


def _explained(problem: Problem, chosen: BackendName | None, mode: Mode, forward: Forward) -> list[str]:
    repaired = repair(problem)
    lines = [f"{problem.name}: {repaired.text}", *dependence(problem), *why(repaired.original)]
    lines += [f"`{brief(node)}` has a kink where it is 0, so cone comes before kkt" for node in repaired.kinks]
    lines += [
        f"`{brief(node)}` has a corner where `{brief(e)}` is 0, so cone comes before kkt"
        for node, e in repaired.corners
    ]
    for name in ("kkt", "cone"):
        accepted = _accept(problem, name, {}, mode, forward)
        mark = " (chosen)" if name == chosen else ""
        if isinstance(accepted, list):
            lines.append(f"{name}: does not take it")
            lines.extend(f"  {line}" for line in render(accepted).splitlines())
        else:
            lines.append(f"{name}: takes it{mark}")
            lines.extend(f"  {line}" for line in _first(accepted.remarks()))
    return lines


MOST_REMARKS = 20


def _first(remarks: list[str]) -> list[str]:
    """A sum of a thousand terms may have a thousand graph forms."""
    left_out = len(remarks) - MOST_REMARKS
    return [*remarks[:MOST_REMARKS], f"and {left_out} more"] if left_out > 0 else remarks


def why(found: Classification) -> list[str]:
    """The trees of curvature; a geometric program has its own reasons."""
    told = () if found.kind is Kind.GP else accounts(found)
    return ["by the rules of convexity:", *(f"  {line}" for line in to_lines(told))] if told else []


def _accept(
    problem: Problem,
    name: str,
    options: Mapping[str, Any],
    mode: Mode,
    forward: Forward,
    externs: Mapping[str, External] | None = None,
) -> Backend | list[Diagnostic]:
    if name == "kkt":
        accept = partial(kkt.accept, options=options, mode=mode, forward=forward, externs=externs)
        return geometric.to_kkt(problem, accept)
    return _other_mode(problem, mode) or _other_method(problem, forward) or _to_cone(problem)


def _with_cone(problem: Problem, first: Backend) -> SecondBackend:
    """That a sum of monomials has no point is said of a least violation, of which only a ray is the proof.

    Squares go there by what is squared: that kkt has failed may be owed to their matrix. Of a convex problem with
    curved rows or a smooth objective kkt is asked again, for a least violation, where cone has no answer either.
    """
    if isinstance(first, geometric.GeometricBackend):
        return SecondBackend(first, problem, _to_cone, (*UNSURE, Status.INFEASIBLE))
    found = classify(problem)
    if isinstance(first, kkt.KKTBackend) and found.convex and found.kind not in (Kind.LP, Kind.QP):
        doubted = (*UNSURE, Status.INFEASIBLE, Status.UNBOUNDED)
        brief = replace(first, options=replace(first.options, brief=True))
        return SecondBackend(SecondBackend(brief, problem, _to_cone, doubted), problem, partial(_itself, first))
    if (residual := with_residuals(problem)) is None:
        return SecondBackend(first, problem, _to_cone)
    return SecondBackend(first, residual, _to_cone, _doubted(problem))


def _itself(backend: Backend, problem: Problem) -> Backend:
    return backend


def _doubted(problem: Problem) -> tuple[Status, ...]:
    """What is said of squares by their matrix; where they leave nothing to fall without end, that it does, too."""
    return (*UNSURE, Status.UNBOUNDED) if has_bound(problem) else UNSURE


def _to_kkt(problem: Problem) -> Backend | list[Diagnostic]:
    return _accept(problem, "kkt", {}, IMPLICIT, AUTO)


def _to_cone(problem: Problem) -> Backend | list[Diagnostic]:
    return geometric.to_cone(problem, cone.accept)


def _other_mode(problem: Problem, mode: Mode) -> list[Diagnostic]:
    """The cone backend has the derivative of the solution, or none."""
    if mode.name in ("implicit", "none"):
        return []
    origin = problem.differentiate.origin if problem.differentiate is not None else None
    text = f"the cone backend differentiates the solution itself, not by `{mode.name}`"
    return [error("E322", origin, text, hints=("`differentiate by implicit`, or leave the line out",))]


def _other_method(problem: Problem, forward: Forward) -> list[Diagnostic]:
    """The cone backend has its own method."""
    if forward == AUTO or forward == Forward("interior_point"):
        return []
    origin = problem.solve.origin if problem.solve is not None else None
    text = f"the cone backend has one method of its own, and no `solve by {forward.called or forward.name}`"
    return [error("E322", origin, text, hints=("leave the line out, or `solve by interior_point` without settings",))]


_OPTIONS: dict[str, tuple[str, ...]] = {"kkt": ("max_iterations",), "cone": ()}


def _check_options(name: BackendName, options: Mapping[str, Any]) -> None:
    for option in options:
        if option not in _OPTIONS[name]:
            known = ", ".join(_OPTIONS[name]) or "none"
            text = f"the {name} backend has no option `{option}`; it has: {known}"
            raise DiagnosticError([error("E315", None, text)])
