"""``cseval disclosure``: what two releases of one table give away."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cseval.cli.options import json_option


@click.command()
@click.argument("first", type=click.Path(path_type=Path), metavar="FIRST.csv")
@click.argument("second", type=click.Path(path_type=Path), metavar="SECOND.csv")
@click.option(
    "--threshold", default=5, show_default=True, type=click.IntRange(3, 1000), help="Counts below it are small."
)
@click.option("--keys", metavar="COLUMN,...", help="Columns that name a row.  [default: those that hold text]")
@click.option("--total", "totals", metavar="NAME", multiple=True, help="A row or column that is a total; repeatable.")
@json_option
def disclosure(
    first: Path, second: Path, threshold: int, keys: str | None, totals: tuple[str, ...], as_json: bool
) -> int:
    """Compare two releases of a table for small counts that they give away.

    Looks for small counts, small differences of one cell, cells that one release shows and the other withholds (marked
    [c], c, *, <5, .., - or "suppressed"), rows of one release only, and totals that lead back to a withheld cell: rows
    and columns whose name holds total, all, overall or sum, and those named by --total. Writes nothing. Exit code 1 if
    anything is found.

    \b
    Example:
      cseval disclosure wards-2025.csv wards-2026.csv --threshold 5 --total London
    """
    from dataclasses import asdict

    from cseval.disclosure_audit import differencing, read_release, taken_as_totals

    named = [k.strip() for k in keys.split(",") if k.strip()] if keys else []
    releases = read_release(first), read_release(second)
    known = taken_as_totals(*releases, named, totals)
    found = differencing(*releases, named, threshold, totals)
    click.echo(f"Taken as totals: {', '.join(known) or 'none; name them with --total'}.", err=as_json)
    if as_json:
        click.echo(json.dumps([asdict(f) for f in found], indent=2, ensure_ascii=False))
        return 1 if found else 0
    for finding in found:
        click.echo(finding.sentence)
    if not found:
        click.echo(f"These two releases give away no count below {threshold}.")
    return 1 if found else 0
