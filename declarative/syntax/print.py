"""A syntax tree to text in the one canonical form: the formatter. Whatever it prints is read back as the same tree."""

import re

from declarative.syntax.fold import fold
from declarative.syntax.parenthesise import parenthesise
from declarative.syntax.print_expression import expression, fors_clause, signature, space, tight_list
from declarative.syntax.tree import (
    Assume,
    AttributeItem,
    Clause,
    Constraint,
    Declaration,
    Def,
    Dim,
    DimItem,
    Expression,
    Extern,
    File,
    Fors,
    Import,
    Let,
    Objective,
    ProblemLine,
    Return,
    ReturnItem,
    Statement,
    SubjectTo,
)

DOC_COLUMN = 29  # where docs stand in a column of declarations


def print_tree(file: File) -> str:
    """The text of a file, comments and docs included, a statement a line; brackets are added where meaning needs them.

    `parse_tree(Source(name, print_tree(file)))` gives `parenthesise(file)` back.
    """
    lines: list[str] = []
    for statement in parenthesise(file).statements:
        indent = 2 if isinstance(statement, Constraint) else 0
        lines += [(" " * indent + comment).rstrip() for comment in statement.comments]
        text = fold(" " * indent + _statement(statement), _hanging(statement))
        lines.append(f"{text}  {statement.trailing}" if statement.trailing else text)
    lines += file.comments
    return "".join(f"{line}\n" for line in lines)


def print_expression(node: Expression) -> str:
    """The text of one expression on one line."""
    return expression(parenthesise(node))


def _hanging(statement: Statement) -> int:
    """How far the second line of a long statement is indented."""
    if isinstance(statement, Constraint):
        return min(4 + len(statement.label), 12) if statement.label else 4
    return 2


def _statement(node: Statement) -> str:
    match node:
        case ProblemLine(name, doc):
            return f"problem {name}{_doc(doc)}"
        case Import(name):
            return f"import {name}"
        case Dim(items, doc):
            return _documented("dim " + ", ".join(_dim_item(item) for item in items), doc)
        case Declaration():
            return _documented(_declaration(node), node.doc)
        case Extern(name, domain, codomain, doc):
            spaces = ", ".join(space(item) for item in domain)
            return _documented(f"extern {name} : {spaces} -> {space(codomain)}", doc)
        case Let(name, indices, body, fors):
            brackets = f"[{','.join(indices)}]" if indices else ""
            return f"let {name}{brackets} = {expression(body)}{_repeated(fors)}"
        case Def(name, arguments, result, body):
            given = ", ".join(signature(argument) for argument in arguments)
            return f"def {name}({given}) : {space(result)} = {expression(body)}"
        case Assume(relation, fors):
            return f"assume {expression(relation)}{_repeated(fors)}"
        case Objective(sense, body):
            return f"{sense} {', '.join(expression(item) for item in body)}"
        case SubjectTo():
            return "subject to"
        case Constraint(label, relation, fors):
            return f"{label + ': ' if label else ''}{expression(relation)}{_repeated(fors)}"
        case Return(items):
            return "return " + ", ".join(_return_item(item) for item in items)
        case Clause():
            return _clause(node)
        case _:
            raise AssertionError(f"{type(node).__name__} is no statement of a file; please report this")


def _documented(text: str, doc: str | None) -> str:
    return text if doc is None else text.ljust(DOC_COLUMN - 1) + _doc(doc)


def _doc(doc: str | None) -> str:
    if doc is None:
        return ""
    escaped = re.sub(r"[\r\n]+", " ", doc).replace("\\", "\\\\").replace('"', '\\"')
    return f' "{escaped}"'


def _dim_item(node: DimItem) -> str:
    return node.name if node.default is None else f"{node.name} = {expression(node.default)}"


def _declaration(node: Declaration) -> str:
    family = f"[{tight_list(node.family)}]" if node.family else ""
    attributes = "".join(f", {_attribute(item)}" for item in node.attributes)
    default = "" if node.default is None else f" = {expression(node.default)}"
    return f"{node.kind} {node.name}{family} : {space(node.space)}{attributes}{default}"


def _attribute(node: AttributeItem) -> str:
    return f"{node.name}({', '.join(expression(arg) for arg in node.args)})" if node.args else node.name


def _repeated(fors: Fors | None) -> str:
    return f" {fors_clause(fors)}" if fors else ""


def _return_item(node: ReturnItem) -> str:
    return (f"{node.alias} = " if node.alias else "") + expression(node.value)


def _clause(node: Clause) -> str:
    args = "" if node.args is None else f"({', '.join(expression(arg) for arg in node.args)})"
    return f"{node.kind} by {node.method}{args}"
