"""``cseval embed``: keep the marked tables, figures and numbers of a Word paper current."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cseval.cli.options import json_option

if TYPE_CHECKING:
    from cseval.errors import CsevalError
    from cseval.papers.embed import Plan
    from cseval.papers.survey import Place

#: Characters of a text that a table on the screen has room for.
_SHOWN = 60


@click.command()
@click.argument("paper", metavar="PAPER.docx", type=click.Path(path_type=Path))
@click.option(
    "--check", is_flag=True, help="Only list the places that are not current, exit code 1 if any; writes nothing."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="OTHER.docx",
    help="Write to another file and leave the paper as it is.",
)
@click.option("--force", is_flag=True, help="Replace the file that --out names if it is there.")
@click.option(
    "--data",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "demonstration"]),
    help="Outputs on real data alone, or those on demonstration data for a draft.",
)
@click.option("--verbose", is_flag=True, help="Name every place, also those that are current.")
@json_option
def embed(paper: Path, check: bool, out: Path | None, force: bool, data: str, verbose: bool, as_json: bool) -> int:
    """Refresh the marked tables, figures and numbers in a Word paper.

    Places are content controls with a tag: cseval:SLUG/effects, cseval:SLUG/table/TABLE, cseval:SLUG/figure/FIGURE and
    cseval:SLUG/value/ANALYSIS/FIELD. Only their content changes, and only where it is not what the last run says. If
    one cannot be filled, nothing is written.

    \b
    Examples:
      cseval embed paper.docx
      cseval embed paper.docx --check
      cseval embed paper.docx --out draft.docx --data demonstration
    """
    from cseval.errors import CsevalError, UsageError
    from cseval.papers.contents import Contents
    from cseval.papers.embed import embed_paper
    from cseval.papers.plain import printable_json
    from cseval.project import Project

    if check and out is not None:
        raise UsageError("both --check and --out", expected="one of them, since --check writes nothing")
    contents = Contents(Project.find().outputs, demonstration=data == "demonstration")
    try:
        plan = embed_paper(paper, contents, out=out, write=not check, force=force)
    except CsevalError as error:
        raise _for_screen(error) from error
    if as_json:
        click.echo(printable_json(json.dumps(_as_json(plan, paper, out, check), indent=2, ensure_ascii=False)))
    else:
        if contents.demonstration:
            click.echo("DEMONSTRATION DATA: simulated, no real place.")
        _print_check(plan, paper, verbose) if check else _print_filled(plan, paper if out is None else out, verbose)
    return 1 if check and plan.stale else 0


def _for_screen(error: CsevalError) -> CsevalError:
    """The same error with nothing in it that a terminal would obey, whatever the paper and the outputs hold."""
    from cseval.papers.plain import printable_lines as shown

    return type(error)(
        shown(error.found), where=shown(error.where), expected=shown(error.expected), todo=shown(error.todo)
    )


def _as_json(plan: Plan, paper: Path, out: Path | None, check: bool) -> dict[str, Any]:
    written = str(paper if out is None else out)
    unchanged = out is None and not plan.stale and not plan.renewed
    return {"paper": str(paper), "written": "" if check or unchanged else written, **plan.as_json()}


# What a check says ------------------------------------------------------------------------------------


def _print_check(plan: Plan, paper: Path, verbose: bool) -> None:
    """A table of the places that are not current, or of all, and how many there are of each kind."""
    listed = plan.places if verbose else plan.stale
    if listed:
        _print_table(plan, listed)
        click.echo()
    found = f"{len(plan.stale)} of {len(plan.places)} places not current" if plan.stale else _all_current(plan)
    same = f"{len(plan.renewed)} the same, from an earlier run" if plan.renewed else ""
    _say(f"{paper}: {', '.join(filter(None, (found, same)))}.{_others(plan)}")


def _print_table(plan: Plan, places: tuple[Place, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cseval.papers.plain import printable_lines

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Place", "In", "Says", "State", "The last run says", "From", "Run"):
        table.add_column(heading, overflow="fold")
    for place in places:
        cells = (place.tag, place.part, *_said(place, place in plan.stale), place.origin.words(), place.run)
        table.add_row(*(Text(printable_lines(cell) or "none") for cell in cells))
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)


def _said(place: Place, stale: bool) -> tuple[str, str, str]:
    """What a place says, its state, and what the last run says instead."""
    last = _short(place.says) if stale else "the same"
    return _short(place.now) or "nothing", place.state, place.difference or last


# What filling says ------------------------------------------------------------------------------------


def _print_filled(plan: Plan, written: Path, verbose: bool) -> None:
    """Each place that was filled, or every place, and what the reader of a tracked paper must be told."""
    for place in plan.places if verbose else plan.stale:
        for line in _done(place, place in plan.stale):
            _say(line)
    if plan.tracked and plan.stale:
        click.echo("This paper tracks changes, but these are not tracked; say so to whoever approves it:")
        for place in plan.stale:
            _say(f"  {place.tag}")
    _say(f"{written}: {_counted(plan)}{_replaced(plan)}{_others(plan)}")


def _say(line: str) -> None:
    """Print one line, in which nothing of a paper, of outputs or of a file's name is obeyed by the terminal."""
    from cseval.papers.plain import printable_lines

    click.echo(printable_lines(line))


def _done(place: Place, stale: bool) -> Iterator[str]:
    """What was done with a place; what stood there is of interest only where it was not a prompt."""
    from cseval.papers.survey import NOT_FILLED

    if not stale:
        yield f"  kept: {place.tag} ({place.part}, {place.state})"
    elif place.state == NOT_FILLED:
        yield f"  filled: {place.tag} ({place.part}): {_short(place.says)} [{place.origin.words()}]"
    else:
        yield f"  filled: {place.tag} ({place.part}, {place.state})"
        if place.difference:
            yield f"    {place.difference}"
        else:
            yield f"    was: {_short(place.now) or 'empty'}"
            yield f"    now: {_short(place.says)}"
        yield f"    [{place.origin.words()}]"


def _counted(plan: Plan) -> str:
    """How many places were filled, and that all are current now."""
    if not plan.stale and not plan.renewed:
        return f"{_all_current(plan)}, nothing to change."
    filled = f"{len(plan.stale)} filled" if plan.stale else ""
    renewed = f"{len(plan.renewed)} the same and marked as from the last run" if plan.renewed else ""
    return f"{', '.join(filter(None, (filled, renewed)))}, all current now."


def _replaced(plan: Plan) -> str:
    """How many places a person had changed, which now say what the last run says."""
    if not plan.by_hand:
        return ""
    tags = ", ".join(place.tag for place in plan.by_hand)
    return f" {len(plan.by_hand)} of them had been changed by hand: {tags}."


def _all_current(plan: Plan) -> str:
    from cseval.formats import plural

    return f"{plural(len(plan.places), 'place')}, {'all current' if len(plan.places) != 1 else 'current'}"


def _others(plan: Plan) -> str:
    from cseval.formats import plural

    return f" {plural(plan.others, 'other content control')} left alone." if plan.others else ""


def _short(text: str) -> str:
    """The beginning of a text, in one line."""
    from cseval.papers.plain import printable

    return printable(" ".join(text.split()), _SHOWN)
