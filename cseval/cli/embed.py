"""``cseval embed``: keep the marked tables, figures and numbers of a Word paper current."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cseval.cli.options import json_option

if TYPE_CHECKING:
    from cseval.papers.embed import Plan

#: Characters of a text that a table on the screen has room for.
_SHOWN = 60


@click.command()
@click.argument("paper", metavar="PAPER.docx", type=click.Path(path_type=Path))
@click.option(
    "--check", is_flag=True, help="Only say which places are not current, exit code 1 if any; writes nothing."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="OTHER.docx",
    help="Write to a new file and leave the paper as it is.",
)
@click.option(
    "--data",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "demonstration"]),
    help="Outputs on real data alone, or those on demonstration data for a draft.",
)
@json_option
def embed(paper: Path, check: bool, out: Path | None, data: str, as_json: bool) -> int:
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
    from cseval.errors import UsageError
    from cseval.papers.contents import Contents
    from cseval.papers.embed import embed_paper
    from cseval.project import Project

    if check and out is not None:
        raise UsageError("both --check and --out", expected="one of them, since --check writes nothing")
    contents = Contents(Project.find().outputs, demonstration=data == "demonstration")
    plan = embed_paper(paper, contents, out=out, write=not check)
    if as_json:
        click.echo(json.dumps(_as_json(plan, paper, out, check), indent=2, ensure_ascii=False))
    else:
        if contents.demonstration:
            click.echo("DEMONSTRATION DATA: simulated, no real place.")
        _print_check(plan, paper) if check else _print_filled(plan, paper if out is None else out)
    return 1 if check and plan.stale else 0


def _as_json(plan: Plan, paper: Path, out: Path | None, check: bool) -> dict[str, Any]:
    written = str(paper if out is None else out)
    return {
        "paper": str(paper),
        "written": "" if check or (out is None and not plan.stale) else written,
        "stale": len(plan.stale),
        **plan.as_json(),
    }


def _print_check(plan: Plan, paper: Path) -> None:
    """A table of every place, and how many are not current."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cseval.papers.markup import printable

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Place", "In", "Says", "State", "The last run says", "From", "Run"):
        table.add_column(heading, overflow="fold")
    for place in plan.places:
        last = _short(place.says) if place in plan.stale else "the same"
        cells = (
            place.tag,
            place.part,
            _short(place.now) or "nothing",
            place.state,
            last,
            place.origin.words(),
            place.run,
        )
        table.add_row(*(Text(printable(cell) or "none") for cell in cells))
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
    click.echo(f"\n{paper}: {_count(plan)}.")


def _print_filled(plan: Plan, written: Path) -> None:
    """Each place with what was done there, and what the reader of a tracked paper must be told."""
    from cseval.papers.markup import printable

    for place in plan.places:
        stale = place in plan.stale
        click.echo(printable(f"  {'filled' if stale else 'kept'}: {place.tag} ({place.part}, {place.state})"))
        if stale:
            click.echo(printable(f"    was: {_short(place.now) or 'empty'}"))
            click.echo(printable(f"    now: {_short(place.says)} [{place.origin.words()}]"))
    if plan.tracked and plan.stale:
        click.echo("This paper tracks changes, but these are not tracked; say so to whoever approves it:")
        click.echo("\n".join(f"  {printable(place.tag)}" for place in plan.stale))
    done = "nothing to change" if not plan.stale else f"filled {len(plan.stale)} of them"
    click.echo(f"{written}: {_count(plan)}, {done}.")


def _count(plan: Plan) -> str:
    from cseval.formats import plural

    return f"{plural(len(plan.places), 'place')}, {len(plan.stale) or 'none'} not current"


def _short(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
