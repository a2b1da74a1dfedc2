"""`declarative fmt FILE...`: problems written in the plain form, in place; comments stay."""

from difflib import unified_diff
from pathlib import Path

import click

from declarative.cli.report import Form, reporting
from declarative.cli.status import Exit
from declarative.cli.texts import STDIN, read_source
from declarative.source.diagnostic import DiagnosticError, Severity
from declarative.source.span import Source
from declarative.syntax.parse import parse_tree
from declarative.syntax.print import print_tree


@click.command(name="fmt")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit with 1 where a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Change nothing; show what would change.")
@reporting
def command(files: tuple[str, ...], only_check: bool, show_diff: bool, form: Form) -> int:
    """Write each FILE in the plain form (`-`: from standard input to standard output)."""
    sources = [(path, read_source(path)) for path in files]
    plain = [(path, source, _formatted(source)) for path, source in sources]
    changed = [(path, source, text) for path, source, text in plain if not _stands(path, source, text)]
    for path, source, text in changed:
        if show_diff:
            click.echo(_diff(source, text) or f"{path}: other line ends, or a byte-order mark\n", nl=False)
        elif only_check:
            click.echo(f"would reformat {path}")
        elif path != STDIN:
            _write(path, text)
    if only_check or show_diff:
        return Exit.DIAGNOSTICS if changed else Exit.FINE
    click.echo("".join(text for path, _, text in plain if path == STDIN), nl=False)
    return Exit.FINE


def _formatted(source: Source) -> str:
    """The plain form. Raises DiagnosticError for a text that cannot be read whole, since printing would lose a part."""
    file, diagnostics = parse_tree(source)
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(errors)
    return print_tree(file)


def _stands(path: str, source: Source, text: str) -> bool:
    """Is the text there already, to the byte? (Of standard input only the text is known.)"""
    return source.text == text if path == STDIN else Path(path).read_bytes() == text.encode("utf-8")


def _diff(source: Source, text: str) -> str:
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    return "".join(line if line.endswith("\n") else line + "\n" for line in unified_diff(before, after, source.name))


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as mistake:
        raise click.UsageError(f"cannot write {path}: {mistake.strerror}") from None
    click.echo(f"reformatted {path}")
