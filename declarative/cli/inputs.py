"""The options that commands share, and the data that they name. What layers need is in `layers.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args

import click

from declarative.cli.values import Values, read_sizes, read_values, read_words
from declarative.ir.expr import Role
from declarative.ir.problem import Problem
from declarative.source.diagnostic import DiagnosticError, error

Wanted: TypeAlias = Literal["auto", "cone", "kkt"]


@dataclass(frozen=True)
class Data:
    """What is given from outside, by the role that each name has in the problem."""

    params: dict[str, Any]
    consts: Values
    learn: Values
    dims: dict[str, int]


def backend_option(command: Callable[..., int]) -> Callable[..., int]:
    option = click.option(
        "--backend", type=click.Choice(get_args(Wanted)), default="auto", help="What solves the problem."
    )
    return option(command)


def dims_option(command: Callable[..., int]) -> Callable[..., int]:
    return click.option("--dims", multiple=True, metavar="NAME=SIZE", help="A size, as n=5; may be repeated.")(command)


def data_options(command: Callable[..., int]) -> Callable[..., int]:
    """The arguments `data, words, dims, consts` of a command; `gather` reads them."""
    for decorate in (
        backend_option,
        click.option("--consts", metavar="FILE", help="More data, of the same kinds as DATA."),
        dims_option,
        click.option("-p", "--param", "words", multiple=True, metavar="NAME=VALUE", help="One value, as gamma=0.5."),
        click.argument("data", required=False),
    ):
        command = decorate(command)
    return command


def gather(
    problem: Problem, data: str | None, words: tuple[str, ...], dims: tuple[str, ...], consts: str | None
) -> Data:
    """All data that was given; words win over files. Raises DiagnosticError for a name that the problem lacks."""
    values: Values = {}
    for path in (data, consts):
        values |= read_values(path) if path else {}
    values |= read_words(words)
    roles = {declaration.symbol.name: declaration.symbol.role for declaration in problem.parameters}
    unknown = [error("E316", None, *_unknown(name, roles)) for name in values if name not in roles]
    if unknown:
        raise DiagnosticError(unknown)
    by_role = {role: {name: value for name, value in values.items() if roles[name] is role} for role in Role}
    return Data(by_role[Role.PARAM], by_role[Role.CONST], by_role[Role.LEARN], read_sizes(dims))


def _unknown(name: str, roles: Mapping[str, Role]) -> tuple[str]:
    close = get_close_matches(name, roles, n=1)
    wanted = f"did you mean `{close[0]}`?" if close else f"it has: {', '.join(roles) or 'none'}"
    return (f"the data has `{name}`, which the problem has not; {wanted}",)
