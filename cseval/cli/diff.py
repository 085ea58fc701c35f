"""``cseval diff``: make the outputs again in memory and compare them with those on disk."""

from __future__ import annotations

import json

import click

from cseval.cli.options import data_option, json_option
from cseval.errors import UsageError


@click.command()
@click.argument("slugs", nargs=-1, metavar="SLUG...")
@click.option("--all", "everything", is_flag=True, help="Compare every evaluation of the project that has outputs.")
@data_option
@json_option
def diff(slugs: tuple[str, ...], everything: bool, data: str, as_json: bool) -> int:
    """Run again and compare with the outputs on disk; writes nothing. Exit code 1 if anything differs.

    Draws and seed are those of the outputs' own manifest. Numbers are compared to 1e-6, text exactly.

    \b
    Example:
      cseval diff pilot-evaluation
    """
    from cseval.loading import evaluations, find
    from cseval.project import Project

    if everything == bool(slugs):
        raise UsageError("both slugs and --all" if slugs else "nothing to compare", expected="either slugs or --all")
    project = Project.find()
    chosen = list(evaluations(project).values()) if everything else [find(project, s) for s in slugs]
    drift = False
    records = []
    for evaluation in chosen:
        record = _diff_one(evaluation, project, data)
        records.append(record)
        drift |= bool(record["differences"])
        if not as_json:
            _print(record)
    if as_json:
        click.echo(json.dumps(records, indent=2))
    return 1 if drift else 0


def _diff_one(evaluation: object, project: object, data: str) -> dict[str, object]:
    from cseval.choose import choose_inputs
    from cseval.compare import compare_outputs
    from cseval.execute import execute
    from cseval.project import Project
    from cseval.reporting.write import build_outputs
    from cseval.spec import Evaluation, protocol_hash

    assert isinstance(evaluation, Evaluation)
    assert isinstance(project, Project)
    inputs, _ = choose_inputs(evaluation, project, data, 0)
    folder = project.outputs / evaluation.slug
    if inputs.data == "demonstration":
        folder = project.outputs / "demonstration" / evaluation.slug
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise UsageError(
            f"no outputs in {folder}",
            where=evaluation.slug,
            expected="outputs of an earlier run",
            todo=f"Run `cseval run {evaluation.slug}` first",
        )
    stored = json.loads(manifest.read_bytes())
    kind = "demonstration" if inputs.data == "demonstration" else data
    result, why = execute(evaluation, project, data=kind, draws=stored["draws"], seed=stored["seed"])
    made = build_outputs(
        result, protocol_hash=protocol_hash(evaluation), command=stored.get("command", ""), project=project.root
    )
    return {
        "evaluation": evaluation.slug,
        "folder": str(folder),
        "data": why,
        "differences": compare_outputs(made, folder),
    }


def _print(record: dict[str, object]) -> None:
    differences = record["differences"]
    assert isinstance(differences, list)
    click.echo(f"{record['evaluation']}: {record['folder']}")
    for line in differences:
        click.echo(f"  {line}")
    click.echo("  no difference" if not differences else f"  {len(differences)} differences")
