"""``cseval register``: the programmes, where they overlap, and how far each can be evaluated."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cseval.cli.options import json_option, require_picture

if TYPE_CHECKING:
    from cseval.claims_report.gather import Told
    from cseval.project import Project
    from cseval.registry.details import Detail, Registry
    from cseval.reporting.manifest import Headline
    from cseval.sources.catalogue import Catalogue

WIDTH, INDENT = 110, "    "


@click.command()
@click.argument("slug", required=False)
@click.option("--overlaps", is_flag=True, help="Months that programmes share with each other and with evaluations.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="Write the timeline as SVG or PNG.")
@json_option
def register(slug: str | None, overlaps: bool, figure: Path | None, as_json: bool) -> None:
    """Programmes, their overlaps, and how far each can be evaluated.

    With the name of a programme: everything the register knows of it, with the source of every figure.

    \b
    Examples:
      cseval register
      cseval register operation-continuum
      cseval register --overlaps --figure timeline.svg
    """
    from cseval.project import Project
    from cseval.sources.catalogue import Catalogue

    _require_alone(slug, overlaps)
    require_picture(figure)
    project = Project.find()
    registry, catalogue = _registry(project), Catalogue.imported(project)
    if slug is not None:
        _show_one(_known(slug, registry), registry, catalogue, project, as_json)
    elif overlaps:
        _show_overlaps(registry, as_json)
    else:
        _show_list(registry, catalogue, project, as_json)
    if figure is not None:
        _write_figure(registry, figure, quiet=as_json)


def _require_alone(slug: str | None, overlaps: bool) -> None:
    from cseval.errors import UsageError

    if slug is not None and overlaps:
        expected = "a programme or --overlaps; a programme's own overlaps are told with it"
        raise UsageError(f"{slug!r} and --overlaps together", where="cseval register", expected=expected)


def _registry(project: Project) -> Registry:
    from cseval.loading import impact_evaluations
    from cseval.register import read_register
    from cseval.registry.details import PROGRAMMES, gather_registry

    entries = read_register(project.reference / PROGRAMMES)
    return gather_registry(project.reference, entries, impact_evaluations(project))


def _known(slug: str, registry: Registry) -> str:
    """The slug, if a programme has it; else an error that names the nearest."""
    import difflib

    from cseval.errors import UsageError

    if slug in registry.programmes:
        return slug
    near = difflib.get_close_matches(slug, registry.programmes, n=1)
    raise UsageError(
        f"no programme {slug!r}",
        expected="one of " + ", ".join(registry.programmes) if registry.programmes else "a row in programmes.csv",
        todo=f"The nearest is {near[0]}" if near else "",
    )


# List -------------------------------------------------------------------------------------------------


def _show_list(registry: Registry, catalogue: Catalogue, project: Project, as_json: bool) -> None:
    from cseval.registry.details import detail_of

    rows = [_row(detail_of(slug, registry, catalogue), registry, project) for slug in registry.programmes]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(_wrapped(f"{row['slug']}  {row['name']}", ""))
        for line in (row["when_where"], f"Evaluability: {row['evaluability']}", row["output"]):
            click.echo(_wrapped(line, INDENT))


def _row(detail: Detail, registry: Registry, project: Project) -> dict[str, str]:
    from cseval.registry.words import evaluability_words, where_when_words

    evaluation = detail.assessment.evaluation if detail.assessment else ""
    return {
        "slug": detail.programme.slug,
        "name": detail.programme.name,
        "start": detail.programme.start,
        "end": detail.programme.end,
        "area": detail.programme.area,
        "when_where": where_when_words(detail),
        "evaluability": evaluability_words(detail.assessment, detail.data),
        "evaluation": evaluation,
        "output": _output_words(evaluation, project),
    }


def _output_words(evaluation: str, project: Project) -> str:
    """The report of an evaluation or a study with its last headline, or what there is instead."""
    from cseval.loading import titles

    if not evaluation:
        return "No evaluation yet."
    if evaluation not in titles(project):
        return f"{evaluation} is no evaluation of this project."
    folder, found = _last_run(evaluation, project)
    if found is None:
        return f"{evaluation} has not been run here: cseval run {evaluation}"
    label = "Demonstration data: " if found.data == "demonstration" else ""
    return f"{folder.relative_to(project.root).as_posix()}/report.html: {label}{found.headline}"


def _last_run(evaluation: str, project: Project) -> tuple[Path, Headline | None]:
    from cseval.reporting.manifest import read_headline

    folders = (project.outputs / evaluation, project.outputs / "demonstration" / evaluation)
    runs = [(folder, read_headline(folder)) for folder in folders]
    return next((run for run in runs if run[1] is not None), runs[0])


# One programme ----------------------------------------------------------------------------------------


def _show_one(slug: str, registry: Registry, catalogue: Catalogue, project: Project, as_json: bool) -> None:
    from cseval.claims_report.files import claims_record
    from cseval.registry.details import detail_of, detail_record
    from cseval.registry.words import sections, where_when_words

    detail = detail_of(slug, registry, catalogue)
    claims = _claims(slug, project)
    output = _row(detail, registry, project)["output"]
    if as_json:
        record = {**detail_record(detail), "output": output, "claims": [claims_record(t) for t in claims]}
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    click.echo(f"{detail.programme.name} ({slug})\n{where_when_words(detail)}")
    said = [_claim_words(told) for told in claims]
    parts = [*sections(detail), ("Evaluation", [output]), ("Said in public", said or ["No claim of the register."])]
    for heading, lines in parts:
        click.echo(f"\n{heading}")
        click.echo("\n".join(_wrapped(line, "  ") for line in lines))


def _claims(slug: str, project: Project) -> list[Told]:
    """Public claims about a programme with what their tests say; none where the project has no register of claims."""
    from cseval.claims.register import CLAIMS
    from cseval.claims_report.gather import gather

    own = project.analyses.parent == project.reference.parent.parent
    if not own or not (project.reference / CLAIMS).is_file():
        return []
    return [told for told in gather(project) if told.claim.programme == slug]


def _claim_words(told: Told) -> str:
    from cseval.claims_report import words

    said = f"{words.said_words(told.claim)} ({words.where_words(told.claim)})"
    return f"{said}: {words.verdict_words(told)}. {words.finding_words(told)}"


# Overlaps ---------------------------------------------------------------------------------------------


def _show_overlaps(registry: Registry, as_json: bool) -> None:
    from cseval.registry.details import overlap_record
    from cseval.registry.overlaps import overlap_matrix, overlaps_of
    from cseval.registry.words import window_words

    if as_json:
        others = (*registry.runs, *registry.windows)
        found = {r.slug: overlaps_of(r, others, registry.until) for r in registry.runs}
        record = {slug: [overlap_record(o) for o in shared] for slug, shared in found.items()}
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    table = overlap_matrix(registry.runs, registry.windows)
    click.echo(f"{table.title}\n")
    _print_matrix(table.values)
    for line in (*table.notes, *(window_words(w, registry) for w in registry.windows)):
        click.echo(_wrapped(line, ""))
    _print_changes(registry)


def _print_matrix(values: Any) -> None:
    """The matrix with columns of equal width, names last so that they are not cut off."""
    columns = [c for c in values.columns if c not in ("number", "programme")]
    click.echo(f"{'':>3}" + "".join(f"{c:>5}" for c in columns))
    for row in values.to_dict("records"):
        cells = "".join(f"{row[c]:>5}" for c in columns)
        click.echo(f"{row['number']:>3}{cells}  {row['programme']}")
    click.echo("")


def _print_changes(registry: Registry) -> None:
    from cseval.registry.breaks import MILESTONE
    from cseval.registry.words import full_change_words

    changes = [b for b in registry.breaks if b.kind != MILESTONE]
    if changes:
        click.echo("\nChanges of recording and events")
    for entry in changes:
        click.echo(_wrapped(full_change_words(entry), "  "))


# Figure -----------------------------------------------------------------------------------------------


def _write_figure(registry: Registry, path: Path, *, quiet: bool) -> None:
    from cseval.errors import UsageError
    from cseval.reporting.figures import render
    from cseval.reporting.figures_register import register_figure

    made = register_figure(registry)
    if isinstance(made, str):
        raise UsageError(made, where="--figure")
    drawn = render(made)
    try:
        path.write_bytes(drawn.png if path.suffix.lower() == ".png" else drawn.svg)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})", where="--figure") from error
    if not quiet:
        click.echo(f"\nTimeline written to {path}: {made.alt}")


def _wrapped(text: str, indent: str) -> str:
    hanging = indent + ("  " if indent != INDENT else "")
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False)
