"""The command line, from words to an exit status. A command's file is loaded when it is called, not before."""

import gc
import logging
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from traceback import extract_tb
from typing import NoReturn

import click

from declarative.cli.status import Exit

COMMANDS = {
    "check": "Say what is wrong with problems, or what they are.",
    "solve": "Solve a problem for the data of a file.",
    "explain": "Tell how a problem is solved, and why so.",
    "fmt": "Write problems in the plain form.",
    "compile": "Write a problem's layer as a Python module.",
    "gradcheck": "Compare the layer's gradients with finite differences.",
    "warmup": "Compile the methods ahead, for first uses that do not wait.",
}


_LIGHT = ("check", "fmt")  # each a file of its own; the others are in `usage.py`


class Commands(click.Group):
    """The commands by name; their modules are imported by name too, for each loads what it needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LIGHT:
            return import_module(f"declarative.cli.{cmd_name}").command
        return getattr(import_module("declarative.cli.usage"), cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With the nearest command for one that is not there."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as mistake:
            if not (nearest := get_close_matches(args[0], COMMANDS, n=1)):
                raise
            raise click.UsageError(f"{mistake.message} Did you mean '{nearest[0]}'?", mistake.ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="declarative")
def declarative() -> None:
    """Optimisation problems as text: checked, solved, and compiled to differentiable PyTorch layers."""


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit status of a call; every outcome has one, and none is a traceback."""
    try:
        status = int(declarative.main(arguments, prog_name="declarative", standalone_mode=False) or Exit.FINE)
        sys.stdout.flush()  # what it is written to may be full
        return status
    except click.ClickException as mistake:
        mistake.show()
        return Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    except OSError as mistake:
        click.echo(f"error: {mistake.strerror or mistake}", err=True)
        return Exit.USAGE
    except Exception as mistake:
        click.echo(_report(mistake), err=True)
        return Exit.INTERNAL


def _drop_what_cannot_be_written() -> None:
    """It would be tried again on the way out, whose status is another one."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(mistake: Exception) -> str:
    """Where our own mistake happened, in one line, and what to do with it."""
    where = [frame for frame in extract_tb(mistake.__traceback__) if f"{os.sep}declarative{os.sep}" in frame.filename]
    place = f" ({os.path.basename(where[-1].filename)}, line {where[-1].lineno})" if where else ""
    return (
        f"internal error: {type(mistake).__name__}: {mistake}{place}\n"
        "This is a mistake in declarative, not in your problem. Please report it, with the command and the file."
    )


def _show_progress() -> None:
    """What takes long is told while it goes on."""
    log = logging.getLogger("declarative")
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel(logging.INFO)


def main() -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    if sys.stderr.isatty():
        _show_progress()
    gc.set_threshold(10_000_000)  # what a command makes it mostly keeps, and looking through it costs a third
    status = run()
    _drop_what_cannot_be_written()
    gc.disable()  # nor is it looked through on the way out
    sys.exit(status)
