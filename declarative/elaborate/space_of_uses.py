"""The space that a name without a declaration needs, as far as the text around its first use tells."""

import re
from collections.abc import Mapping

from declarative.elaborate.names import Entity
from declarative.syntax import tree


def space_of_uses(node: tree.Name, names: Mapping[str, Entity]) -> str:
    """`R^(m,n)` for the A of `A*x == b`, `R^n` for the c of `c'*x`, `S^n` for the P of `quad(x, P)`; else `R`."""
    text, start, end = node.span.source.text, node.span.start, node.span.end
    if matrix := re.search(r"\b(?:quad|quadform)\(\s*(\w+)\s*,\s*$", text[max(0, start - 60) : start]):
        size = _size(matrix[1], names)
        return f"S^{size}" if size else "R"
    if vector := re.match(r"'\s*\*\s*(\w+)\b(?![\[(.'])", text[end:]):
        size = _size(vector[1], names)
        return f"R^{size}" if size else "R"
    product = re.match(r"\s*\*\s*(\w+)\s*(?:==|<=|>=|=|-|\+)\s*(\w+)\b(?!\s*[\[(.'*/^])", text[end:])
    columns, rows = (_size(product[1], names), _size(product[2], names)) if product else (None, None)
    if columns and rows and (columns != rows or node.id[0].isupper()):
        return f"R^({rows},{columns})"
    return "R"


def _size(name: str, names: Mapping[str, Entity]) -> str | None:
    """The size of a declared vector, where it is a name or a number."""
    match names.get(name):
        case tree.Declaration(family=(), space=tree.Space(name="R", sizes=(tree.Name() | tree.Number() as size,))):
            return size.span.text.strip()
        case _:
            return None
