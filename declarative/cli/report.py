"""What every command says the same way: diagnostics as text or JSON, and the option that chooses."""

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Literal, TypeAlias, get_args

import click

from declarative.cli.status import Exit
from declarative.cli.words import in_words_of_the_command
from declarative.source.diagnostic import Diagnostic, DiagnosticError
from declarative.source.render import render, to_json

Form: TypeAlias = Literal["full", "concise", "json"]


def reporting(command: Callable[..., int]) -> Callable[..., int]:
    """Adds `--format`, and shows the diagnostics that a command raises in that format."""

    @click.option("--format", "form", type=click.Choice(get_args(Form)), default="full", help="How to show the result.")
    @wraps(command)
    def reported(*args: Any, form: Form, **named: Any) -> int:
        try:
            return command(*args, form=form, **named)
        except DiagnosticError as mistake:
            show(in_words_of_the_command(mistake.diagnostics), form)
            return Exit.DIAGNOSTICS

    return reported


def show(diagnostics: Iterable[Diagnostic], form: Form, more: int = 0) -> None:
    """Diagnostics on standard error, or as one JSON object on standard output; `more` are not among them."""
    if form == "json":
        show_json({"diagnostics": to_json(diagnostics)})
    else:
        click.echo(render(diagnostics, form, more=more), err=True)


def show_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def count(number: int, noun: str) -> str:
    """`1 variable`, `2 variables`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
