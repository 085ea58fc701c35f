"""``cseval show``: the protocol of an evaluation in English."""

from __future__ import annotations

import json

import click

from cseval.cli.options import json_option


@click.command()
@click.argument("slug")
@json_option
def show(slug: str, as_json: bool) -> None:
    """The protocol of an evaluation in English, and whether its data are present.

    \b
    Example:
      cseval show pilot-evaluation
    """
    from cseval.loading import find
    from cseval.project import Project
    from cseval.protocol import protocol_lines
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import describe, protocol_hash

    project = Project.find()
    evaluation = find(project, slug)
    catalogue = Catalogue.imported(project)
    present = {kind: catalogue.has(kind) for kind in (*evaluation.needs, *evaluation.optional)}
    if as_json:
        record = {"protocol": describe(evaluation), "hash": protocol_hash(evaluation), "data": present}
        click.echo(json.dumps(record, ensure_ascii=False, indent=2, default=str))
        return
    click.echo("\n".join(protocol_lines(evaluation)))
    click.echo("\nData")
    for kind, there in present.items():
        need = "needed" if kind in evaluation.needs else "used where present"
        click.echo(f"  {kind}: {'imported' if there else 'not imported'} ({need})")
    only = str(getattr(evaluation, "demonstration_only", ""))
    if only:
        click.echo(f"  none: {only}")
    elif not present:
        click.echo("  none but the programme register")
    elif catalogue.missing(evaluation.needs):
        click.echo("  A run now uses demonstration data.")
