"""Text to syntax tree: every statement that can be read, and a diagnostic for each mistake, several in one run."""

from collections import deque
from dataclasses import replace

from declarative.source.diagnostic import MOST_MISTAKES, Diagnostic, error, too_many
from declarative.source.span import Source, Span
from declarative.syntax.foreign import foreign_file
from declarative.syntax.lalr import Stuck, TooDeep, read_statement
from declarative.syntax.mistakes import Mistake, Trouble, explain, explain_bare, explain_read, function_of_python
from declarative.syntax.names import check_names
from declarative.syntax.order import check_order
from declarative.syntax.relations import check_relations
from declarative.syntax.tokens.layout import STARTING, Layout, Line, lay_out
from declarative.syntax.tokens.lexer import Token, lex
from declarative.syntax.transpose import plain_transposes
from declarative.syntax.tree import Compare, Constraint, File, Logic, Not, Statement

MOST_REPAIRS = 20  # mistakes reported in one statement


def parse_tree(source: Source) -> tuple[File, list[Diagnostic]]:
    """The tree of a text, and what is wrong with it in order of place. Never raises, whatever the text is.

    Statements that cannot be read are left out of the tree; where a mistake leaves no doubt about what was
    meant (`2x`), the tree holds what was meant.
    """
    tokens = lex(source.text)
    return read_tree(source, tokens, lay_out(source, tokens))


def read_tree(source: Source, tokens: list[Token], layout: Layout) -> tuple[File, list[Diagnostic]]:
    """The same for a text that is cut into tokens and statements already."""
    reader = _Reader(source, layout)
    reader.run()
    diagnostics = [*layout.diagnostics, *reader.diagnostics, *check_names(source, tokens)]
    file = File(tuple(reader.statements), layout.comments, span=Span(source, 0, len(source.text)))
    diagnostics += check_relations(file)
    diagnostics += check_order(file, complete=not reader.lost)
    diagnostics.sort(key=_place)
    if diagnostics and (foreign := foreign_file(source)):
        return file, [foreign]
    return file, diagnostics


def _place(diagnostic: Diagnostic) -> int:
    return diagnostic.span.start if diagnostic.span else 0


class _Reader:
    """Reads the statements one by one; a statement repaired or split goes back to the front of the queue."""

    def __init__(self, source: Source, layout: Layout):
        self.source = source
        self.imported = _imported(layout.lines)
        self.queue = deque((line, MOST_REPAIRS) for line in layout.lines)
        self.statements: list[Statement] = []
        self.diagnostics: list[Diagnostic] = []
        self.reserved: set[str] = set()  # words already reported as names
        self.lost = False  # was a statement left out?

    def run(self) -> None:
        while self.queue and len(self.diagnostics) <= MOST_MISTAKES:
            line, repairs = self.queue.popleft()
            if line.broken:
                self.lost = True
            else:
                self._read(line, repairs)
        if len(self.diagnostics) > MOST_MISTAKES:
            self.lost = True
            self.diagnostics.append(too_many())

    def _read(self, line: Line, repairs: int) -> None:
        if not line.tokens:
            return
        tokens = plain_transposes(line.tokens, self.imported)
        match read_statement(self.source, tokens):
            case Constraint(relation=relation) if not isinstance(relation, Compare | Logic | Not):
                if repairs == MOST_REPAIRS:
                    self._mistaken(explain_bare(self.source, line), repairs)
                self.lost = True
            case Constraint() if (mistake := explain_read(self.source, line)) is not None:
                self._mistaken(mistake, repairs)
            case Statement() as statement:
                self.statements.append(replace(statement, comments=line.comments, trailing=line.trailing))
            case TooDeep(span):
                hints = ["name a part of it with `let`"]
                self.diagnostics.append(error("E121", span, "nested too deeply", hints=hints))
                self.lost = True
            case Stuck(index, expected):
                trouble = Trouble(self.source, replace(line, tokens=tokens), index, expected)
                self._mistaken(self._with_the_line_below(trouble) or explain(trouble), repairs)
            case other:
                raise AssertionError(f"a statement was read as {other!r}; please report this")

    def _with_the_line_below(self, trouble: Trouble) -> Mistake | None:
        """`minimize` alone on its line belongs to what stands below it, and so does `def f(x):`."""
        line, below = trouble.line, self.queue[0][0] if self.queue else None
        if below is None or below.broken or not below.tokens:
            return None
        if (mistake := function_of_python(trouble, below)) is not None:
            self.queue.popleft()
            return mistake
        alone = len(line.tokens) == 1 and line.tokens[0].type in ("minimize", "maximize")
        if not alone or below.tokens[0].type in STARTING:
            return None
        self.queue.popleft()
        joined = replace(below, tokens=line.tokens + below.tokens, comments=line.comments + below.comments)
        return replace(explain(trouble), repaired=(joined,))

    def _mistaken(self, mistake: Mistake, repairs: int) -> None:
        """Report it, a reserved word once only, and go on with what was meant."""
        if mistake.diagnostic.code != "E111" or mistake.diagnostic.message not in self.reserved:
            self.diagnostics.append(mistake.diagnostic)
        if mistake.diagnostic.code == "E111":
            self.reserved.add(mistake.diagnostic.message)
        if repairs and mistake.repaired:
            self.queue.extendleft((line, repairs - 1) for line in reversed(mistake.repaired))
        else:
            self.lost = True


def _imported(lines: list[Line]) -> frozenset[str]:
    return frozenset(line.tokens[1].text for line in lines if line.tokens[0].type == "import" and len(line.tokens) > 1)
