"""A `Problem` to the tree of a whole file: the statements in the order in which a person would write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from declarative.elaborate.expression_tree import Printing, condition_with, expression_tree
from declarative.elaborate.named_parts import named_parts
from declarative.elaborate.outputs import output_name
from declarative.elaborate.size_tree import binder_tree, range_tree, size_tree
from declarative.ir.condition import Condition
from declarative.ir.expr import Attribute, Binder, Expr, Index, Parameter, Reduce, Slice, Stack, Variable
from declarative.ir.problem import (
    Comparison,
    Constraint,
    ExternDeclaration,
    Membership,
    Method,
    Objective,
    Output,
    Problem,
    Sense,
)
from declarative.ir.size import Shape, Size
from declarative.ir.walk import condition_expressions, free_indices, postorder
from declarative.source.span import Source, Span
from declarative.syntax import tree
from declarative.syntax.tokens.lexer import WORDS, lex

NOWHERE = Span(Source("", ""), 0, 0)


def problem_tree(problem: Problem, draft: bool = False) -> tree.File:
    """The file that says the same; nodes without an origin stand nowhere.

    A draft has entries of arrays that are written as members of families, so that they are put in their places.
    """
    writer = _Writer(problem, draft)
    return tree.File(tuple(writer.statements()), span=problem.origin or NOWHERE)


def expressions(p: Problem) -> Iterator[Expr]:
    """Every expression of a problem, statement by statement."""
    for d in (*p.parameters, *p.variables):
        yield from (_member(arg) for a in d.symbol.attributes for arg in a.args)
    yield from (d.default for d in p.parameters if d.default is not None)
    yield from () if p.objective.body is None else (p.objective.body,)
    for constraint in (*p.promises, *p.constraints):
        yield from constraint_expressions(constraint)
    yield from (output.body for output in p.outputs)


def constraint_expressions(c: Constraint) -> tuple[Expr, ...]:
    sides = (c.left, c.right) if isinstance(c, Comparison) else (*c.elements, *c.args)
    return (*sides, *condition_expressions(c.condition))


def _member(e: Expr) -> Expr:
    """What an attribute repeats for all members of a family is written once."""
    repeated = isinstance(e, Stack) and not free_indices(e.body) & {b.index for b in e.binders}
    return e.body if repeated and isinstance(e, Stack) else e


def _read_by_entry(p: Problem, parts: Iterable[Expr]) -> Iterator[Expr]:
    """The arrays of which an entry is read: `v[0]` of `let v = stack(...)` stays one, of a family it is its member."""
    if any(isinstance(part, Stack) for part in parts):
        for node in (node for e in expressions(p) for node in postorder(e)):
            if isinstance(node, Index) and isinstance(node.base, Stack):
                leading = node.subscripts[: len(node.base.binders)]
                if not any(isinstance(s, Slice) for s in leading):
                    yield node.base


def is_name(name: str) -> bool:
    """True for what a text reads as a name."""
    tokens = lex(name)
    return len(tokens) == 1 and tokens[0].type == "NAME" and tokens[0].text == name


def taken_names(p: Problem) -> set[str]:
    """What an index may not be called."""
    symbols = (d.symbol.name for d in (*p.parameters, *p.variables))
    labels = (c.name for c in p.constraints if c.name)
    return {*symbols, *labels, *(d.name for d in (*p.dims, *p.externs, *p.imports)), *WORDS}


@dataclass
class _Writer:
    problem: Problem
    draft: bool

    def __post_init__(self) -> None:
        self.taken = taken_names(self.problem)
        self.lets = named_parts(expressions(self.problem), self.taken)
        self.taken |= set(self.lets.values())
        self.arrays = set() if self.draft else set(_read_by_entry(self.problem, self.lets))

    # --- statements ----------------------------------------------------------------------------

    def statements(self) -> Iterator[tree.Statement]:
        p = self.problem
        if is_name(p.name):  # a file's name need not be one; a text without this line takes it again
            yield tree.ProblemLine(p.name, p.doc, span=p.origin or NOWHERE)
        yield from (tree.Import(inner.name, span=NOWHERE) for inner in p.imports)
        if p.dims:
            yield self._dims()
        yield from (self._declaration(d.symbol, d.default, d.doc, d.origin) for d in p.parameters)
        yield from map(self._extern, p.externs)
        yield from (self._declaration(d.symbol, None, d.doc, d.origin) for d in p.variables)
        yield from (self._let(part, name) for part, name in self.lets.items())
        yield from (tree.Assume(*self._constraint([c]), span=c.origin or NOWHERE) for c in p.promises)
        yield self._objective(p.objective)
        yield from self._constraints()
        yield from self._return()
        yield from (self._clause("solve", m) for m in (p.solve,) if m)
        yield from (self._clause("differentiate", m) for m in (p.differentiate,) if m)

    def _dims(self) -> tree.Dim:
        items = tuple(
            tree.DimItem(d.name, d.default and size_tree(d.default, d.origin or NOWHERE), span=d.origin or NOWHERE)
            for d in self.problem.dims
        )
        return tree.Dim(items, None, span=items[0].span)

    def _extern(self, e: ExternDeclaration) -> tree.Extern:
        span = e.origin or NOWHERE
        domain = tuple(_space("R", shape, span) for shape in e.domain)
        return tree.Extern(e.name, domain, _space("R", e.codomain, span), None, span=span)

    def _declaration(self, symbol: Parameter | Variable, default: Expr | None, doc: str | None, origin: Span | None):
        span = origin or NOWHERE
        kind = symbol.role.value if isinstance(symbol, Parameter) else "var"
        family = tuple(range_tree(Size.of(0), size, span) for size in symbol.shape[: symbol.family])
        attributes = tuple(self._attribute(a, span) for a in symbol.attributes)
        value = None if default is None else self.expression(default, span)
        return tree.Declaration(
            kind, symbol.name, family, _symbol_space(symbol, span), attributes, value, doc, span=span
        )

    def _attribute(self, a: Attribute, span: Span) -> tree.AttributeItem:
        span = a.origin or span
        args = tuple(self.expression(_member(arg), span) for arg in a.args)
        return tree.AttributeItem(a.name, args, span=span)

    def _let(self, part: Expr, name: str) -> tree.Let:
        span = part.origin or NOWHERE
        names = self.names((part,))
        printing = Printing(span, names, self.lets)
        if not isinstance(part, Stack) or part in self.arrays:
            return tree.Let(name, (), expression_tree(part, printing, written_out=True), None, span=span)
        fors = tree.Fors(tuple(binder_tree(b, names[b.index.number], span) for b in part.binders), span=span)
        indices = tuple(f.index for f in fors.binders)
        return tree.Let(name, indices, expression_tree(part.body, printing), fors, span=span)

    def _objective(self, o: Objective) -> tree.Objective:
        span = o.origin or NOWHERE
        if o.sense is Sense.FIND:
            return tree.Objective("find", tuple(tree.Name(v.name, span=span) for v in o.unknowns), span=span)
        assert o.body is not None
        return tree.Objective(o.sense.value, (self.expression(o.body, span),), span=span)

    def _constraints(self) -> Iterator[tree.Statement]:
        if self.problem.constraints:
            yield tree.SubjectTo(span=NOWHERE)
        for group in _chains(self.problem.constraints):
            yield tree.Constraint(group[0].name, *self._constraint(group), span=group[0].origin or NOWHERE)

    def _constraint(self, group: list[Constraint]) -> tuple[tree.Expression, tree.Fors | None]:
        """A comparison, both halves of a chain, or a membership; and where it runs."""
        c = group[0]
        span = c.origin or NOWHERE
        names = self.names([e for part in group for e in constraint_expressions(part)], c.binders)
        printing = Printing(span, names, self.lets)
        return self._relation(group, printing), self._fors(c.binders, c.condition, printing)

    def _relation(self, group: list[Constraint], printing: Printing) -> tree.Expression:
        span = printing.span
        match group:
            case [Membership(elements=elements, cone=cone, args=args)]:
                return _membership([expression_tree(e, printing) for e in elements], cone, args, printing)
            case [Comparison(left=left, right=right, relation=relation)]:
                sides = expression_tree(left, printing), expression_tree(right, printing)
                return tree.Compare(sides[0], ((relation.value, sides[1]),), span=span)
            case [Comparison(left=body, right=lower), Comparison(right=upper)]:
                low, middle, high = (expression_tree(e, printing) for e in (lower, body, upper))
                return tree.Compare(low, (("<=", middle), ("<=", high)), span=span)
            case _:
                raise AssertionError("a chain has two halves")

    def _fors(self, binders: tuple[Binder, ...], condition: Condition | None, printing: Printing) -> tree.Fors | None:
        if not binders:
            return None
        loops = tuple(binder_tree(b, printing.names[b.index.number], printing.span) for b in binders)
        parts = tuple(expression_tree(e, printing) for e in condition_expressions(condition))
        return tree.Fors(loops, condition_with(condition, parts, printing.span), span=printing.span)

    def _return(self) -> Iterator[tree.Return]:
        variables = tuple((v.symbol.name, v.symbol) for v in self.problem.variables)
        if tuple((o.name, o.body) for o in self.problem.outputs) != variables:
            items = tuple(map(self._output, self.problem.outputs))
            yield tree.Return(items, span=items[0].span.to(items[-1].span))

    def _output(self, output: Output) -> tree.ReturnItem:
        span = output.origin or NOWHERE
        value = self.expression(output.body, span)
        alias = None if output_name(output.body) == output.name else output.name
        return tree.ReturnItem(alias, value, span=span)

    def _clause(self, kind, method: Method) -> tree.Clause:
        span = method.origin or NOWHERE
        keywords = tuple(tree.Keyword(name, _literal(value, span), span=span) for name, value in method.options)
        args = (*(_literal(value, span) for value in method.args), *keywords)
        return tree.Clause(kind, method.name, args or None, span=span)

    # --- expressions ---------------------------------------------------------------------------

    def expression(self, e: Expr, span: Span) -> tree.Expression:
        return expression_tree(e, Printing(span, self.names((e,)), self.lets))

    def names(self, roots: Iterable[Expr], binders: tuple[Binder, ...] = ()) -> Mapping[int, str]:
        return index_names(roots, binders, self.taken)


def index_names(roots: Iterable[Expr], binders: tuple[Binder, ...], taken: Iterable[str]) -> dict[int, str]:
    """A name for every index that is bound in one statement: its own, where that is free."""
    inner = (b for root in roots for n in postorder(root) if isinstance(n, Reduce | Stack) for b in n.binders)
    used, names = set(taken), {}
    for symbol in (b.index for b in (*binders, *inner)):
        if symbol.number not in names:
            names[symbol.number] = _free_name(symbol.name, used)
            used.add(names[symbol.number])
    return names


def _free_name(wanted: str, used: set[str]) -> str:
    candidates = (wanted, *"ijklpqrst", *(f"i{k}" for k in range(1, len(used) + 2)))
    return next(name for name in candidates if name not in used)


def _chains(constraints: tuple[Constraint, ...]) -> list[list[Constraint]]:
    """The two halves of a chain together, everything else by itself."""
    groups: list[list[Constraint]] = []
    for c in constraints:
        previous = groups[-1][-1] if groups and len(groups[-1]) == 1 else None
        if previous is not None and _is_other_half(previous, c):
            groups[-1].append(c)
        else:
            groups.append([c])
    return groups


def _is_other_half(first: Constraint, second: Constraint) -> bool:
    return (
        isinstance(first, Comparison)
        and isinstance(second, Comparison)
        and (first.part, second.part) == ("lower", "upper")
        and (first.name, first.left, first.binders) == (second.name, second.left, second.binders)
    )


def _membership(elements: list[tree.Expression], cone: str, args: tuple[Expr, ...], printing: Printing) -> tree.Compare:
    span = printing.span
    first = elements[0] if len(elements) == 1 else tree.Tuple(tuple(elements), span=span)
    name = tree.Name(cone, span=span)
    target = tree.Call(name, tuple(expression_tree(a, printing) for a in args), span=span) if args else name
    return tree.Compare(first, (("in", target),), span=span)


def _symbol_space(symbol: Parameter | Variable, span: Span) -> tree.Space:
    shape = symbol.shape[symbol.family :]
    if isinstance(symbol, Parameter) and symbol.index_range is not None:
        return _space("index", (symbol.index_range,), span)
    return _space("S", shape[:1], span) if symbol.symmetric else _space("R", shape, span)


def _space(name: str, shape: Shape, span: Span) -> tree.Space:
    return tree.Space(name, tuple(size_tree(size, span) for size in shape), span=span)


def _literal(value: float | str, span: Span) -> tree.Expression:
    from_text = tree.Name(value, span=span) if isinstance(value, str) else None
    return from_text or tree.Number(str(int(value)) if value == int(value) else repr(value), span=span)
