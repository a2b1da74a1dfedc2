"""A file's syntax tree to the problem that it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from declarative.elaborate.clauses import method
from declarative.elaborate.context import Context
from declarative.elaborate.declarations import (
    dim_declaration,
    extern_declaration,
    parameter_declaration,
    symbol_of,
    variable_declaration,
)
from declarative.elaborate.definitions import check_definition, let_value
from declarative.elaborate.expressions import evaluate
from declarative.elaborate.finite import check_finite
from declarative.elaborate.growth import check_growth
from declarative.elaborate.names import declared_names
from declarative.elaborate.objective import objective
from declarative.elaborate.outputs import default_outputs, outputs
from declarative.elaborate.problem_tree import expressions
from declarative.elaborate.relations import constraints, promises
from declarative.elaborate.report import Report, TooMany
from declarative.elaborate.semidefinite import warn_of_entries
from declarative.elaborate.undeclared import report_undeclared
from declarative.elaborate.unused import warn_of_unused
from declarative.ir.canonical import canonical_problem
from declarative.ir.problem import Constraint, Method, Output, Problem
from declarative.source.diagnostic import Diagnostic
from declarative.source.span import Span
from declarative.syntax import tree

S = TypeVar("S", bound=tree.Statement)
N = TypeVar("N", tree.Declaration, tree.Extern, tree.Let, tree.Def, tree.Import)


def elaborate(
    file: tree.File, name: str | None = None, imports: Mapping[str, Problem | None] | None = None
) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem of a file without syntax errors, or None, and everything found on the way, in order of place.

    `name` is taken where the file has no `problem` line. `imports` holds the problems that the file imports, by
    name, and None for those that could not be read (their names then stay silent).
    """
    report = Report()
    try:
        ctx = Context(report, declared_names(file, report), evaluate, dict(imports or {}), file)
        problem = _problem(ctx, file, name or "problem")
        report_undeclared(report, ctx.undeclared)
        if problem is not None and check_growth(report, expressions(problem)):
            check_finite(report, expressions(problem))
    except RecursionError:  # the caller's own frames may leave fewer than DEEPEST needs
        report.error("E121", None, "an expression is nested too deeply", hints=["name a part of it with `let`"])
        return None, report.in_order()
    except TooMany:
        return None, report.in_order()
    if problem is None or report.failed:
        return None, report.in_order()
    warn_of_unused(report, file, ctx.imports)
    return canonical_problem(problem), report.in_order()


def _problem(ctx: Context, file: tree.File, name: str) -> Problem | None:
    """The statements in the order in which they need each other."""
    head = _first(file, tree.ProblemLine)
    items = [item for s in _all(file, tree.Dim) for item in s.items if ctx.names[item.name] is item]
    dims = _made(dim_declaration(ctx, item) for item in items)
    externs = _externs(ctx, file)
    data = [d for d in _named(ctx, file, tree.Declaration) if d.kind != "var"]
    unknowns = [d for d in _named(ctx, file, tree.Declaration) if d.kind == "var"]
    for declaration in (*data, *unknowns):
        symbol_of(ctx, declaration)
    for definition in _named(ctx, file, tree.Def):
        check_definition(ctx, definition)
    parameters = _made(parameter_declaration(ctx, d) for d in data)
    variables = _made(variable_declaration(ctx, d) for d in unknowns)
    for let in _named(ctx, file, tree.Let):
        let_value(ctx, let)
    promised = _made(c for s in _all(file, tree.Assume) for c in promises(ctx, s) or ())
    aim = _first(file, tree.Objective)
    goal = objective(ctx, aim) if aim else None
    subject = _constraints(ctx, file)
    results = _outputs(ctx, file) or default_outputs(variables)
    solve, differentiate = _clause(ctx, file, "solve"), _clause(ctx, file, "differentiate")
    if goal is None:
        return None
    if aim is not None and not unknowns:
        hints = ["what is solved for is declared by `var`, as in `var x : R^n`; a `param` is given"]
        ctx.report.warn("W204", aim.span, "nothing is solved for: no variable is declared", hints=hints)
    return Problem(
        name=head.name if head else name,
        dims=dims,
        parameters=parameters,
        variables=variables,
        objective=goal,
        constraints=subject,
        outputs=results,
        externs=externs,
        imports=_made(ctx.imports.get(s.name) for s in _named(ctx, file, tree.Import)),
        promises=promised,
        solve=solve,
        differentiate=differentiate,
        doc=head.doc if head else None,
        expansions=tuple(ctx.expansions),
        origin=head.span if head else file.span,
    )


def _all(file: tree.File, kind: type[S]) -> list[S]:
    return [s for s in file.statements if isinstance(s, kind)]


def _named(ctx: Context, file: tree.File, kind: type[N]) -> list[N]:
    """Statements that introduce a name, without those whose name was taken before."""
    return [s for s in _all(file, kind) if ctx.names.get(s.name) is s]


def _first(file: tree.File, kind: type[S]) -> S | None:
    return next(iter(_all(file, kind)), None)


def _made(results) -> tuple:
    """What did not fail."""
    return tuple(r for r in results if r is not None)


def _externs(ctx: Context, file: tree.File) -> tuple:
    """Extern functions, noted by name for the calls of them."""
    found = {s.name: extern_declaration(ctx, s) for s in _named(ctx, file, tree.Extern)}
    ctx.resolved.update(found)
    return _made(found.values())


def _constraints(ctx: Context, file: tree.File) -> tuple[Constraint, ...]:
    """All constraints, noted by label for the duals of them."""
    found: list[tuple[Span, Constraint]] = []
    for s in _all(file, tree.Constraint):
        made = constraints(ctx, s)
        found += ((s.relation.span, c) for c in made or ())
        if s.label is not None and made is not None:
            ctx.constraints.setdefault(s.label, made)
    warn_of_entries(ctx.report, found)
    return tuple(c for _, c in found)


def _outputs(ctx: Context, file: tree.File) -> tuple[Output, ...]:
    statement = _first(file, tree.Return)
    return outputs(ctx, statement) if statement else ()


def _clause(ctx: Context, file: tree.File, kind: str) -> Method | None:
    clause = next((c for c in _all(file, tree.Clause) if c.kind == kind), None)
    return method(ctx, clause) if clause else None
