"""``cseval list``: the evaluations of this project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cseval.cli.options import json_option

if TYPE_CHECKING:
    from cseval.reporting.manifest import Headline


@click.command("list")
@json_option
def list_evaluations(as_json: bool) -> None:
    """Evaluations of this project, with their last headline.

    \b
    Example:
      cseval list
    """
    from cseval.loading import titles
    from cseval.project import Project
    from cseval.reporting.manifest import read_headline

    project = Project.find()
    rows = []
    for slug, title in titles(project).items():
        real = read_headline(project.outputs / slug)
        shown = real or read_headline(project.outputs / "demonstration" / slug)
        rows.append({"slug": slug, "title": title, "headline": _words(shown)})
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['slug']}  {row['title']}\n    {row['headline']}")


def _words(headline: Headline | None) -> str:
    if headline is None:
        return "not run yet"
    label = "Demonstration data: " if headline.data == "demonstration" else ""
    return label + headline.headline
