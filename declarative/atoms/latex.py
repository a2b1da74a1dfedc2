"""How a function is set in LaTeX: with its name, between bars, with an index."""

from __future__ import annotations

from collections.abc import Callable


def named(name: str) -> Callable[..., str]:
    """`name` set upright, arguments in brackets; a command such as `\\log` is kept."""
    head = name if name.startswith("\\") else f"\\mathrm{{{name}}}"
    return lambda *args, **options: f"{head}({', '.join([*args, *map(str, options.values())])})"


def between(left: str, right: str) -> Callable[..., str]:
    return lambda x: f"{left}{x}{right}"


def norm(index: str) -> Callable[..., str]:
    return between("\\|", f"\\|_{{{index}}}")
