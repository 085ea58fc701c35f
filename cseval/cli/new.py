"""``cseval new``: begin a board paper, an evaluation or a project."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click


@click.group()
def new() -> None:
    """Begin a board paper, an evaluation or a project.

    \b
    Examples:
      cseval new paper --out paper.docx
      cseval new evaluation corner-patrol
      cseval new project patrols
    """


@new.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The paper to write, a .docx.")
@click.option(
    "--evaluation",
    "wanted",
    multiple=True,
    metavar="SLUG",
    help="What it is about; repeat for several. [default: every evaluation with outputs on real data]",
)
@click.option("--title", default="", help="Title of the paper.")
@click.option(
    "--data",
    default="auto",
    show_default=True,
    type=click.Choice(("auto", "demonstration")),
    help="Outputs on real data where there are any; or those of demonstration runs, and the paper says so.",
)
@click.option("--force", is_flag=True, help="Replace a paper that is there.")
def paper(out: Path, wanted: tuple[str, ...], title: str, data: str, force: bool) -> None:
    """Write a board paper in the council's own sections, with a marked place for everything that a run found.

    The places are filled by `cseval embed`. Equalities, other statutory implications and the comments of finance and
    of legal services are left to those who must write them.

    \b
    Examples:
      cseval new paper --out paper.docx
      cseval new paper --out pilot.docx --evaluation pilot-evaluation --title "Neighbourhood Management Pilot"
    """
    from cseval.errors import UsageError
    from cseval.loading import titles
    from cseval.papers.kinds import embed_command
    from cseval.papers.new import new_paper, write_paper
    from cseval.papers.scaffold_runs import runs_for_paper, shown_claims, slugs_with_outputs
    from cseval.project import Project

    if out.suffix.lower() != ".docx":
        raise UsageError(f"{out.name!r}", where="--out", expected="a name that ends in .docx")
    project = Project.find()
    known = titles(project)
    runs = runs_for_paper(project.outputs, known, wanted, data)
    claims = shown_claims(project.outputs, runs[0].data)
    slugs = slugs_with_outputs(project.outputs) | set(known)
    write_paper(out, new_paper(runs, slugs=slugs, claims=claims, title=title), force=force)
    simulated = runs[0].data == "demonstration"
    click.echo(f"{out}: a board paper on " + ", ".join(run.slug for run in runs))
    if simulated:
        click.echo("Demonstration data: simulated, no real place. The paper says so on every page.")
    click.echo(f"Fill its places with `{embed_command(str(out), runs[0].data)}`, then write what stands in [brackets].")


@new.command()
@click.argument("slug")
@click.option("--title", default="", help="Its name in print. [default: made from SLUG]")
def evaluation(slug: str, title: str) -> None:
    """Write an evaluation that runs at once on demonstration data and is ready for counts by ward.

    \b
    Example:
      cseval new evaluation corner-patrol --title "Corner patrol"
    """
    from cseval.loading import titles
    from cseval.project import Project
    from cseval.scaffold import module_of, new_evaluation, roles_of

    project = Project.find()
    own = project.analyses.parent == project.root
    _print_written(new_evaluation(project, slug, title, titles(project)))
    if not own:
        click.echo("This folder now has evaluations of its own; those that come with cseval are no longer listed here.")
    click.echo(f"Try it on demonstration data:\n  cseval run {slug} --data demonstration")
    click.echo(f"Then go through the decisions in analyses/{module_of(slug)}, and put the codes of the treated wards")
    click.echo(f"into data/reference/{roles_of(slug)}. After that, on real data:\n  cseval run {slug}")


@new.command()
@click.argument("folder", type=click.Path(path_type=Path))
def project(folder: Path) -> None:
    """Write a project folder with one example evaluation, which can be run at once.

    \b
    Example:
      cseval new project patrols
    """
    from cseval.scaffold import EXAMPLE, new_project

    _print_written(new_project(folder))
    click.echo(f"Go to {folder} and type `cseval list`, then `cseval run {EXAMPLE}`.")


def _print_written(files: Iterable[Path]) -> None:
    for path in files:
        click.echo(f"written {path}")
