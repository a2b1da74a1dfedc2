"""The commands that need torch: what they are given is read and checked here, before it takes seconds to load that."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from declarative.cli.inputs import Wanted, backend_option, data_options, gather
from declarative.cli.report import Form, reporting
from declarative.cli.texts import STDIN, read_problem, read_source
from declarative.elaborate.load import parse


@click.command()
@click.argument("file")
@data_options
@reporting
def solve(file: str, form: Form, backend: Wanted, **given: Any) -> int:
    """Solve FILE (`-`: standard input) for DATA, a JSON or .npz file that gives each parameter by name.

    \b
    In JSON: {"mu": [0.1, 0.2], "F": [[1, 0], [0, 1]], "gamma": 1}
    """
    problem = read_problem(file)
    return _run("solve", problem, gather(problem, **given), backend, form)


@click.command()
@click.argument("file")
@data_options
@reporting
def gradcheck(file: str, form: Form, backend: Wanted, **given: Any) -> int:
    """Compare the gradients of FILE's layer at DATA with central finite differences.

    Each entry of a parameter is moved (of a large one, random directions), in proportion to the data. Where
    differences of two sizes disagree there is no derivative to compare with, and the direction counts as a kink.
    The exit status is 4 where gradients differ, and where nothing could be compared.
    """
    problem = read_problem(file)
    return _run("gradcheck", problem, gather(problem, **given), backend, form)


@click.command()
@click.argument("file")
@backend_option
@reporting
def explain(file: str, backend: Wanted, form: Form) -> int:
    """Tell what FILE (`-`: standard input) is and why, what each backend says to it, and what is rewritten."""
    return _run("explain", read_problem(file), backend, form)


@click.command()
@click.argument("file")
@click.option("-o", "--output", metavar="MODULE", help="Where to write it; standard output if not given.")
@backend_option
@reporting
def compile(file: str, output: str | None, backend: Wanted, form: Form) -> int:
    """Write the layer of FILE (`-`: standard input) as a Python module with a class."""
    source = read_source(file)
    problem = parse(source.text, name="stdin" if file == STDIN else Path(file).stem, path=source.name)
    return _run("compile", problem, source, output, backend, form)


@click.command()
@reporting
def warmup(form: Form) -> int:
    """Compile the methods ahead, which takes minutes once, so that no first use on this machine has to wait."""
    return _run("warmup", form)


def _run(command: str, *given: Any) -> int:
    """The work of a command, which is in the file of its name."""
    return import_module(f"declarative.cli.{command}").run(*given)
