"""The imports of the package, read from its files by `ast`: who imports whom, and where the import stands."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "declarative"


@dataclass(frozen=True)
class Import:
    """`module` is imported by the file `importer` on line `line`; `late` where that is not at the top level."""

    importer: Path
    module: str
    line: int
    late: bool

    def __str__(self) -> str:
        return f"{self.importer.relative_to(ROOT)}:{self.line} imports {self.module}"


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[Import]:
    """Every import of a file, those inside functions and `if TYPE_CHECKING` included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        for module in _modules(node, path):
            yield Import(path, module, node.lineno, id(node) not in top)  # pyright: ignore[reportAttributeAccessIssue]


def _modules(node: ast.AST, path: Path) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = ".".join([*module_name(path).split(".")[: -level or None], module or ""]) if level else module or ""
            yield from (_module(base.strip("."), alias.name) for alias in names)


def _module(base: str, name: str) -> str:
    """`from a.b import c` imports the module a.b.c where there is one, and else a.b."""
    inner = ROOT.joinpath(*base.split("."), name)
    return f"{base}.{name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else base


def strongly_connected(graph: dict[str, set[str]]) -> list[list[str]]:
    """The cycles of a graph: each set of two or more nodes that reach each other, and each node that reaches itself."""
    reach = {node: _reachable(graph, node) for node in graph}
    cycles = {tuple(sorted(b for b in reach[a] if a in reach.get(b, ()))) for a in graph if a in reach[a]}
    return [list(cycle) for cycle in sorted(cycles)]


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    stack = list(graph[start])
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(graph.get(node, ()))
    return found
