"""``cseval calibrate``: measured error rates of the registered methods on this data."""

from __future__ import annotations

import json
from dataclasses import replace

import click

from cseval.cli.options import data_option, json_option, scheduler_option, seed_option, workers_option


@click.command()
@click.argument("slug")
@data_option
@seed_option
@click.option("--only", metavar="ANALYSIS", help="One analysis; the primary one if left out.")
@click.option(
    "--placebos",
    default=20_000,
    show_default=True,
    type=click.IntRange(1000, 10_000_000),
    help="Placebo neighbourhoods over all placebo starts.",
)
@workers_option
@scheduler_option
@json_option
def calibrate(
    slug: str,
    data: str,
    seed: int,
    only: str | None,
    placebos: int,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
) -> int:
    """Measure how often each method finds an effect where nothing was done. Writes nothing.

    \b
    Examples:
      cseval calibrate pilot-evaluation
      cseval calibrate pilot-evaluation --only robbery --placebos 50000
    """
    from cseval.analyse import Settings, run_analysis
    from cseval.choose import choose_inputs
    from cseval.errors import UsageError
    from cseval.loading import find_evaluation
    from cseval.parallel import open_workers
    from cseval.project import Project
    from cseval.reporting.files import json_value

    project = Project.find()
    evaluation = find_evaluation(project, slug, "error rate to measure")
    inputs, why = choose_inputs(evaluation, project, data, seed)
    analyses, _ = evaluation.resolve(inputs.panel.outcomes)
    chosen = [a for a in analyses if (a.slug == only if only else a.role == "primary")]
    if not chosen:
        raise UsageError(f"no analysis {only!r}", expected="one of " + ", ".join(a.slug for a in analyses))
    settings = Settings(seed=seed)
    settings = replace(settings, plan=replace(settings.plan, placebos=placebos))
    with open_workers(workers or 1, scheduler):
        result, measured = run_analysis(evaluation, chosen[0], inputs, settings)
    rows = [{"analysis": chosen[0].slug, "outcome": result.estimate.outcome, **r} for m in measured for r in m.rows()]
    if as_json:
        plain = [{name: json_value(value) for name, value in row.items()} for row in rows]
        click.echo(json.dumps({"evaluation": slug, "data": inputs.data, "calibration": plain}, indent=2))
        return 0
    click.echo(why)
    if not rows:
        click.echo("No placebo start fits into the months before the programme, so no error rate can be measured.")
        return 1
    _print(rows)
    click.echo(f"\n{result.choice}")
    return 0


def _print(rows: list[dict[str, object]]) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    headings = ("Method", "Placebo neighbourhoods", "Number", "Nominal", "Rejected", "Monte Carlo error", "Mean effect")
    for heading in headings:
        table.add_column(heading)
    for r in rows:
        table.add_row(
            str(r["method"]),
            str(r["population"]),
            f"{r['placebos']:,}",
            f"{100 * float(r['level']):.0f}%",  # type: ignore[arg-type]
            f"{100 * float(r['false_positive_rate']):.1f}%",  # type: ignore[arg-type]
            _error(float(r["mc_error"])),  # type: ignore[arg-type]
            f"{float(r['bias']):+.3f}",  # type: ignore[arg-type]
        )
    Console(highlight=False, width=None if sys.stdout.isatty() else 130).print(table)


def _error(error: float) -> str:
    """A Monte Carlo error in points; a rate that the number of ranks gives has none."""
    return f"{100 * error:.1f} points" if error == error else "by construction"
