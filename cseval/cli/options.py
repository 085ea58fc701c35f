"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cseval.defaults import DEFAULT_DRAWS, DEFAULT_SEED

if TYPE_CHECKING:
    from pathlib import Path

#: Analyses from which a second process pays.
LONG_RUN = 20

F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """``--data``: which data to use."""
    return click.option(
        "--data",
        default="auto",
        show_default=True,
        metavar="auto|demonstration|DIR",
        help="Imported real data if all are there, else demonstration data; or a folder of files as published.",
    )(command)


def draws_option(command: F) -> F:
    """``--draws``: number of placebo neighbourhoods."""
    return click.option(
        "--draws",
        default=DEFAULT_DRAWS,
        show_default=True,
        type=click.IntRange(19, 10_000_000),
        help="Placebo neighbourhoods drawn for each test.",
    )(command)


def seed_option(command: F) -> F:
    """``--seed``: seed of the draws and of the demonstration data."""
    return click.option(
        "--seed",
        default=DEFAULT_SEED,
        show_default=True,
        type=click.IntRange(0, 2**31 - 1),
        help="Seed of the draws and of the demonstration data.",
    )(command)


def workers_option(command: F) -> F:
    """``--workers``: how many processes share the work."""
    return click.option(
        "--workers",
        default=None,
        type=click.IntRange(min=1),
        help="Processes that share the work; the numbers do not depend on it. "
        "[default: 2 for a long run where there are two processors, else 1]",
    )(command)


def workers_for(analyses: int) -> int:
    """Processes for a run that asks for none: starting a second one takes as long as about ten analyses."""
    import os

    return 2 if analyses >= LONG_RUN and (os.cpu_count() or 1) > 1 else 1


def scheduler_option(command: F) -> F:
    """``--scheduler``: a Dask cluster that does the work."""
    return click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler whose workers share the work, such as tcp://192.168.0.5:8786.",
    )(command)


def json_option(command: F) -> F:
    """``--json``: print data instead of words."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def require_picture(figure: Path | None) -> None:
    """Refuse a picture that cannot be written before anything is measured."""
    from cseval.errors import UsageError

    if figure is None:
        return
    if figure.suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"{str(figure)!r}", where="--figure", expected="a file name that ends in .svg or .png")
    if not figure.absolute().parent.is_dir():
        raise UsageError(f"no folder {str(figure.parent)!r}", where="--figure", expected="a folder that exists")
