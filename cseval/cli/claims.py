"""``cseval claims``: what was said in public, and what is known of it."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import click

from cseval.cli.options import json_option

if TYPE_CHECKING:
    from cseval.claims_report.gather import Told

WIDTH, INDENT = 110, "    "


@click.command()
@json_option
@click.option("--write", is_flag=True, help="Write outputs/claims: the table for a paper, its data and a manifest.")
def claims(as_json: bool, write: bool) -> None:
    """What was said in public, held against data and records.

    A claim that an evaluation tests has the verdict of its last run on real data, if protocol and data are still those
    of that run. Full sentences and every reading: --json.

    \b
    Examples:
      cseval claims
      cseval claims --write
    """
    from cseval.claims_report.files import SLUG, claims_files, claims_record
    from cseval.claims_report.gather import gather
    from cseval.claims_report.words import summary_words
    from cseval.project import Project
    from cseval.reporting.atomic import replace_folder

    project = Project.find()
    everything = gather(project)
    if not everything and not as_json:
        click.echo("No claim is registered yet. Add a row to data/reference/claims.csv; its header says what it holds.")
        return
    folder = project.outputs / SLUG
    if write and everything:
        replace_folder(folder, claims_files(everything, project))
    if as_json:
        click.echo(json.dumps([claims_record(t) for t in everything], ensure_ascii=False, indent=2))
        return
    click.echo("\n\n".join(_lines(t) for t in everything))
    click.echo(f"\n{summary_words(everything)}")
    if write:
        click.echo(f"Written to {folder}")


def _lines(told: Told) -> str:
    """One claim on the screen."""
    from cseval.claims_report import words

    parts = (
        words.where_words(told.claim),
        f"Verdict: {words.verdict_words(told)}",
        words.finding_words(told),
        *([f"Caveat: {caveat}"] if (caveat := words.caveat_words(told)) else []),
        f"{words.needs_label(told)}: {words.needs_words(told)}",
    )
    head = f"{told.claim.slug}  {words.said_words(told.claim)}"
    return "\n".join([_wrapped(head, ""), *(_wrapped(part, INDENT) for part in parts)])


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=INDENT, break_on_hyphens=False)
