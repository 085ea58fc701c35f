"""What an evaluator reads on the screen: steps on stderr, the result on stdout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cseval.result import AnalysisResult, EvaluationResult, StudyResult


class Steps:
    """Report each step with what came out of it, on stderr; live on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("Reading") if self._console.is_terminal else None
        if self._status is not None:
            self._status.start()

    def __call__(self, step: str, found: str) -> None:
        """Print one finished step."""
        self._console.print(f"  {step}: {found}", markup=False, soft_wrap=True)
        if self._status is not None:
            self._status.update("Working")

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the live display, or an error message would be drawn over and the cursor stay hidden."""
        if self._status is not None:
            self._status.stop()


def print_result(result: EvaluationResult, folder: Path, seconds: float) -> None:
    """Print headline, effect table, what weakens it, where the report is and how long it took."""
    from rich.console import Console

    from cseval.reporting.report import finding_in
    from cseval.words import sentences

    width = None if sys.stdout.isatty() else 150
    console = Console(highlight=False, width=width)
    if result.data == "demonstration":
        console.print("DEMONSTRATION DATA: simulated, no real place.", markup=False)
    console.print(f"\n{result.evaluation.title}", markup=False)
    console.print(result.headline, markup=False)
    console.print(_effect_table(result))
    console.print(
        "Measured error rate: false alarms at the 5% level where nothing was done; of all placebo neighbourhoods / "
        "of those with a count like the treated area's / of those chosen as the worst of their district.\n",
        markup=False,
    )
    for part in result.parts:
        console.print(f"{part.heading}: {part.headline}\n", markup=False)
    said = sentences(finding_in(result, result.primary))
    for sentence in (said["incidents"], said["smallest_change"], said["certainty"], result.primary.choice):
        if sentence:
            console.print(f"{sentence}\n", markup=False)
    console.print("What weakens it", markup=False)
    for sentence in result.weaknesses:
        console.print(f"  - {sentence}", markup=False)
    for reason in result.left_out:
        console.print(f"  - left out: {reason}", markup=False)
    kind = " (DEMONSTRATION DATA)" if result.data == "demonstration" else ""
    click.echo(f"\nReport{kind}: {folder / 'report.html'}")
    click.echo(f"Took {seconds:.1f} s.")


def print_study(result: StudyResult, folder: Path, seconds: float) -> None:
    """Print what each part of a study found, what weakens it, where the report is and how long it took."""
    from cseval.formats import full_stop

    kind = " (DEMONSTRATION DATA)" if result.data == "demonstration" else ""
    if kind:
        click.echo("DEMONSTRATION DATA: simulated, no real place.")
    click.echo(f"\n{result.title}\n")
    for part in result.parts:
        click.echo(f"{part.heading}\n  {part.headline}")
        for sentence in part.sentences:
            click.echo(f"  - {sentence}")
    click.echo("\nWhat weakens it")
    for sentence in dict.fromkeys(result.weaknesses):
        click.echo(f"  - {full_stop(sentence)}")
    for reason in result.left_out:
        click.echo(f"  - left out: {full_stop(reason)}")
    click.echo(f"\nReport{kind}: {folder / 'report.html'}\nTook {seconds:.1f} s.")


def _effect_table(result: EvaluationResult) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Analysis", "Change", "95% interval", "p (placebo)", "measured error rate", "Reading"):
        table.add_column(heading, justify="left", overflow="fold")
    for item, (_, row) in zip(result.analyses, result.effects.iterrows(), strict=True):
        table.add_row(*_cells(item, {str(k): v for k, v in row.to_dict().items()}))
    return table


def _cells(item: AnalysisResult, row: dict[str, Any]) -> tuple[str, ...]:
    from rich.markup import escape

    from cseval import formats as f
    from cseval.reporting.tables_base import RATES
    from cseval.words import rates_words

    return (
        escape(str(row["label"])),
        f.percent_text(row["percent_change"], signed=True),
        f.interval_cell(row["percent_low"], row["percent_high"]),
        f.p_cell(row["p_value"]) + _by(item),
        rates_words([float(row[c]) for c in RATES]),
        str(row["verdict"]),
    )


def _by(item: AnalysisResult) -> str:
    """The method of a p-value that is no rank among placebo neighbourhoods, in brackets."""
    from cseval.estimators.base import SeriesEstimator

    first = item.inferred[0]
    if first.draws is not None or first.method.startswith("placebo"):
        return ""
    return " (time series)" if isinstance(item.analysis.estimator, SeriesEstimator) else " (not placebo)"
