"""The order of a file's statements, checked: `problem`, imports, declarations, objective, `subject to`, the rest."""

from declarative.source.diagnostic import Diagnostic, Label, error
from declarative.source.span import Span
from declarative.syntax.tree import (
    Clause,
    Constraint,
    File,
    Import,
    Objective,
    ProblemLine,
    Return,
    Statement,
    SubjectTo,
)

_PLACES = (
    "the `problem` line comes first",
    "imports come before the declarations",
    "declarations come before the objective",
    "the objective comes before `subject to`, `return` and `solve by`",
    "`subject to` comes before the constraints",
    "constraints come before `return`, `solve by` and `differentiate by`",
    "`return` comes before `solve by` and `differentiate by`",
    "`solve by` comes before `differentiate by`",
    "",
)


def check_order(file: File, complete: bool) -> list[Diagnostic]:
    """What stands in the wrong place, twice, or not at all; `complete` says that no statement was left out."""
    repeated = _repeated(file)
    again = {id(statement) for _, statement in repeated}
    once = [s for s in file.statements if id(s) not in again]
    found = [_twice(*pair) for pair in repeated]
    found += _misplaced(once)
    found += _early_constraints(once)
    if complete and not any(isinstance(s, Objective) for s in once):
        found.append(_no_objective(file))
    return found


def _rank(statement: Statement) -> int:
    match statement:
        case ProblemLine():
            return 0
        case Import():
            return 1
        case Objective():
            return 3
        case SubjectTo():
            return 4
        case Constraint():
            return 5
        case Return():
            return 6
        case Clause(kind="solve"):
            return 7
        case Clause():
            return 8
        case _:
            return 2


def _head(statement: Statement) -> Span:
    """The first line of a statement."""
    end = statement.span.source.text.find("\n", statement.span.start, statement.span.end)
    return statement.span if end < 0 else Span(statement.span.source, statement.span.start, end)


def _repeated(file: File) -> list[tuple[Statement, Statement]]:
    """Pairs of statements of which a file holds one."""
    first: dict[int, Statement] = {}
    pairs = []
    for statement in file.statements:
        rank = _rank(statement)
        if rank in (0, 3, 4, 6, 7, 8) and first.setdefault(rank, statement) is not statement:
            pairs.append((first[rank], statement))
    return pairs


def _twice(first: Statement, again: Statement) -> Diagnostic:
    label = Label(_head(first), "the first one")
    if isinstance(again, Objective):
        hints = ["several aims are weighted and added: `minimize f + gamma*g`"]
        return error("E118", _head(again), "a problem has one objective", labels=[label], hints=hints)
    words = again.kind + " by" if isinstance(again, Clause) else _WORDS[_rank(again)]
    return error("E128", _head(again), f"a second `{words}`", labels=[label], hints=["keep one of them"])


_WORDS = {0: "problem", 4: "subject to", 6: "return"}


def _misplaced(statements: list[Statement]) -> list[Diagnostic]:
    """Statements that come after one that should follow them; constraints too early are another matter."""
    found: list[Diagnostic] = []
    latest: Statement | None = None
    blamed: list[Statement] = []  # one message for each statement that comes too early
    for statement in statements:
        if isinstance(statement, Constraint) and (latest is None or _rank(latest) < 4):
            continue
        if latest is None or _rank(statement) >= _rank(latest):
            latest = statement
        elif not any(latest is other for other in blamed):
            blamed.append(latest)
            label = Label(_head(latest), "this should come after it")
            found.append(error("E116", _head(statement), _PLACES[_rank(statement)], labels=[label]))
    return found


def _early_constraints(statements: list[Statement]) -> list[Diagnostic]:
    line = next((s for s in statements if isinstance(s, SubjectTo)), None)
    before = statements if line is None else statements[: [s is line for s in statements].index(True)]
    early = [s for s in before if isinstance(s, Constraint)]
    if line is None and early:
        hints = ["write `subject to` on a line of its own above it"]
        return [error("E115", _head(early[0]), "`subject to` is missing before the constraints", hints=hints)]
    label = [Label(_head(line), "here it is")] if line else []
    return [error("E116", _head(s), "constraints come after `subject to`", labels=label) for s in early]


def _no_objective(file: File) -> Diagnostic:
    span = _head(file.statements[-1]) if file.statements else Span(file.span.source, 0, 0)
    hints = ["write `minimize ...` or `maximize ...`, or `find x` for a point that satisfies the constraints"]
    return error("E117", span, "the problem has no objective", hints=hints)
