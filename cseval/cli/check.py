"""``cseval check``: specification, data hashes, coverage, panel and design; fits nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cseval.cli.options import data_option, json_option, seed_option

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.spec import Evaluation


@click.command()
@click.argument("slug")
@data_option
@seed_option
@json_option
def check(slug: str, data: str, seed: int, as_json: bool) -> int:
    """Check specification, data and design; fits nothing. Exit code 1 if an analysis cannot be made.

    \b
    Example:
      cseval check pilot-evaluation
    """
    from cseval.choose import choose_inputs
    from cseval.loading import find_evaluation
    from cseval.project import Project

    project = Project.find()
    evaluation = find_evaluation(project, slug, "design to check")
    inputs, why = choose_inputs(evaluation, project, data, seed)
    findings = _findings(evaluation, inputs)
    bad = [f for f in findings if f["finding"] == "problem"]
    if as_json:
        click.echo(json.dumps({"evaluation": slug, "data": inputs.data, "findings": findings}, indent=2))
    else:
        click.echo(why)
        panel = inputs.panel
        click.echo(f"Panel: {len(panel.units)} units, {panel.periods[0]} to {panel.periods[-1]}.")
        for note in (*panel.notes, *inputs.notes):
            click.echo(f"  note: {note}")
        for finding in findings:
            click.echo(f"  {finding['finding']}: {finding['analysis']}: {finding['text']}")
        click.echo(f"{len(bad)} problem{'' if len(bad) == 1 else 's'}.")
    return 1 if bad else 0


def _findings(evaluation: Evaluation, inputs: Inputs) -> list[dict[str, str]]:
    """One finding for each analysis: its design in a sentence, or why it cannot be made."""
    from cseval.analyse import design_of
    from cseval.errors import CsevalError

    analyses, left_out = evaluation.resolve(inputs.panel.outcomes)
    found = [{"finding": "left out", "analysis": x.split(":")[0], "text": x.split(":", 1)[1].strip()} for x in left_out]
    for analysis in analyses:
        try:
            text, kind = design_of(evaluation, analysis, inputs).describe(), "ok"
        except CsevalError as error:
            text, kind = str(error), "problem"
        found.append({"finding": kind, "analysis": analysis.slug, "text": text})
    return found
