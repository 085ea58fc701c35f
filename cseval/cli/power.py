"""``cseval power``: which changes the registered comparison would find, even before there is anything to compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cseval.cli.options import data_option, json_option, require_picture, scheduler_option, seed_option, workers_option

if TYPE_CHECKING:
    from cseval.analyse import Settings
    from cseval.inputs import Inputs
    from cseval.power import PowerResult
    from cseval.power_plan import PowerPlan
    from cseval.spec import Analysis, Evaluation

#: Effects that the table shows of those the curve has, in per cent.
SHOWN = (-50.0, -40.0, -30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 100.0)


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is asked: analyses, start, months and areas."""
    options = (
        click.option(
            "--only", metavar="ANALYSIS", multiple=True, help="This analysis beside the primary one; repeatable."
        ),
        click.option("--all", "every", is_flag=True, help="Every analysis that is judged by placebo neighbourhoods."),
        click.option("--start", metavar="YYYY-MM", default="", help="Planned start; the registered one if left out."),
        click.option("--months", metavar="N[,N...]", default="", help="Months of follow-up; else 6, 12, 18, 24."),
        click.option("--before", type=click.IntRange(2), help="Months before the start; else as registered."),
        click.option("--areas", metavar="CODE[,CODE...]", default="", help="Areas to treat; else the programme's."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("slug")
@plan_options
@data_option
@seed_option
@click.option(
    "--placebos",
    default=20_000,
    show_default=True,
    type=click.IntRange(1000, 10_000_000),
    help="Placebo neighbourhoods over all placebo starts.",
)
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="Write the power curve as SVG or PNG.")
@workers_option
@scheduler_option
@json_option
def power(
    slug: str,
    figure: Path | None,
    as_json: bool,
    data: str,
    seed: int,
    placebos: int,
    workers: int | None,
    scheduler: str | None,
    **asked: Any,
) -> int:
    """Measure which effects would be detected, by effect and by months of follow-up. Changes no outputs.

    \b
    Examples:
      cseval power pilot-evaluation
      cseval power pilot-evaluation --only robbery --figure power.svg
      cseval power pilot-evaluation --start 2023-01 --months 12 --areas E05009330,E05009332,E05009334
    """
    from cseval.analyse import Settings
    from cseval.choose import choose_inputs
    from cseval.loading import find_evaluation
    from cseval.parallel import open_workers
    from cseval.project import Project

    require_picture(figure)
    project = Project.find()
    evaluation = find_evaluation(project, slug, "power")
    plan = _plan(asked)
    inputs, why = choose_inputs(evaluation, project, data, seed)
    chosen = _chosen(evaluation, inputs, asked["only"], asked["every"])
    settings = Settings(seed=seed)
    settings = replace(settings, plan=replace(settings.plan, placebos=placebos))
    with open_workers(workers or 1, scheduler):
        result = _measured(evaluation, chosen, inputs, settings, plan)
    if figure is not None:
        _draw(result, inputs, asked["only"][0] if asked["only"] else "", figure)
    if as_json:
        click.echo(json.dumps(_as_json(slug, inputs, result), indent=2))
        return 0
    click.echo(why)
    _print(result)
    if figure is not None:
        click.echo(f"\nFigure: {figure}")
    return 0


def _measured(
    evaluation: Evaluation, chosen: list[Analysis], inputs: Inputs, settings: Settings, plan: PowerPlan
) -> PowerResult:
    """Power of every chosen analysis."""
    from cseval.power import PowerResult, power_of, require_testable

    for analysis in chosen:  # before any of them is measured
        require_testable(analysis)
    return PowerResult.join([power_of(evaluation, analysis, inputs, settings, plan) for analysis in chosen])


def _plan(asked: dict[str, Any]) -> PowerPlan:
    """What the options ask for."""
    from cseval.power_plan import FOLLOW_UP, PowerPlan

    months = _months(asked["months"])
    areas = tuple(dict.fromkeys(code.strip() for code in asked["areas"].split(",") if code.strip()))
    return PowerPlan(
        months=months,
        follow_up=() if months else FOLLOW_UP,
        start=asked["start"],
        before=asked["before"],
        areas=areas,
    )


def _months(text: str) -> tuple[int, ...]:
    from cseval.errors import UsageError

    parts = [p.strip() for p in text.split(",") if p.strip()]
    wrong = [p for p in parts if not (p.isascii() and p.isdigit() and 0 < int(p) < 1000)]
    if wrong:
        raise UsageError(f"{wrong[0]!r}", where="--months", expected="whole numbers above 0, for example 12 or 6,12,18")
    return tuple(sorted({int(p) for p in parts}))


def _chosen(evaluation: Evaluation, inputs: Inputs, only: tuple[str, ...], every: bool) -> list[Analysis]:
    """The primary analysis, those named, and with `every` all that rest on placebo neighbourhoods."""
    from cseval.errors import UsageError
    from cseval.inference.placebo import PlaceboNeighbourhoods

    analyses, _ = evaluation.resolve(inputs.panel.outcomes)
    unknown = [slug for slug in only if slug not in {a.slug for a in analyses}]
    if unknown:
        raise UsageError(f"no analysis {unknown[0]!r}", expected="one of " + ", ".join(a.slug for a in analyses))

    def wanted(analysis: Analysis) -> bool:
        testable = isinstance(analysis.inference[0], PlaceboNeighbourhoods) and not analysis.subtract_selection
        return analysis.role == "primary" or analysis.slug in only or (every and testable)

    return [a for a in analyses if wanted(a)]


def _draw(result: PowerResult, inputs: Inputs, analysis: str, path: Path) -> None:
    """Write the figure of one analysis."""
    from cseval.errors import UsageError
    from cseval.reporting.figures import render
    from cseval.reporting.figures_power import power_figure

    made = power_figure(result, analysis, source="; ".join(p.title for p in inputs.sources), data=inputs.data)
    if isinstance(made, str):
        raise UsageError(made, where="--figure")
    drawn = render(made)
    try:
        path.write_bytes(drawn.png if path.suffix.lower() == ".png" else drawn.svg)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})", where="--figure") from error


def _as_json(slug: str, inputs: Inputs, result: PowerResult) -> dict[str, Any]:
    from cseval.reporting.files import json_value

    def rows(frame: Any) -> list[dict[str, Any]]:
        return [{str(k): json_value(v) for k, v in row.items()} for row in frame.to_dict("records")]

    return {
        "evaluation": slug,
        "data": inputs.data,
        "detectable": rows(result.detectable),
        "curve": rows(result.curve),
        "sentences": list(result.words()),
        "notes": list(result.notes),
    }


def _print(result: PowerResult) -> None:
    """What would be detected, the curve, and the sentences."""
    import sys

    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
    console.print(_detectable_table(result))
    for analysis, rows in result.curve.groupby("analysis", sort=False):
        console.print(f"\nShare of placebos in which the effect is found at 5%, {analysis}", markup=False)
        console.print(_curve_table(rows))
    console.print()
    for sentence in (*_sentences(result), *result.notes):
        console.print(sentence, markup=False, soft_wrap=True)


def _sentences(result: PowerResult) -> list[str]:
    """The sentences, each with the name of its analysis where there are several."""
    names = result.detectable["analysis"].tolist()
    several = len(set(names)) > 1
    return [f"{name}: {s}" if several else s for name, s in zip(names, result.words(), strict=True)]


def _detectable_table(result: PowerResult) -> Any:
    from rich.table import Table

    from cseval.reporting.figures_power import detectable_text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Analysis", "Months", "Smallest fall found 4 in 5", "Smallest rise", "False alarms", "Placebos"):
        table.add_column(heading)
    for r in result.detectable.to_dict("records"):
        table.add_row(
            str(r["analysis"]),
            f"{r['months_before']} + {r['months_after']}",
            detectable_text(r["mde_fall"], r["mde_fall_error"], r["largest_fall"]),
            detectable_text(r["mde_rise"], r["mde_rise_error"], r["largest_rise"]),
            f"{100 * r['size']:.1f}% (± {100 * r['size_error']:.1f})",
            f"{r['placebos']:,}",
        )
    return table


def _curve_table(rows: Any) -> Any:
    from rich.table import Table

    from cseval.formats import percent_text

    shown = rows[rows["effect_percent"].isin(SHOWN)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    months = list(dict.fromkeys(rows["months_after"].tolist()))
    for heading in ("Effect", *(f"{m} months" for m in months)):
        table.add_column(heading, justify="right")
    for effect, group in shown.groupby("effect_percent"):
        power = dict(zip(group["months_after"].tolist(), group["power"].tolist(), strict=True))
        label = "none" if effect == 0 else percent_text(float(effect), digits=0, signed=True)
        table.add_row(label, *(f"{100 * power[m]:.0f}%" for m in months))
    return table
