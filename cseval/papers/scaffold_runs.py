"""Which runs a new paper is about, and what each of them has to show: read from their output folders."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cseval.errors import DataError, UsageError
from cseval.inputs import DEMONSTRATION, REAL
from cseval.papers.concerns import CHECKS, concerns
from cseval.papers.concerns import FIELD as CONCERNS
from cseval.papers.runs import CLAIMS
from cseval.papers.tags import nearest, some_of
from cseval.reporting.atomic import MANIFEST
from cseval.reporting.printed import PLACES, RUN

EFFECTS = "effects.csv"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of a run: its title, what stands under it, and the size of its file in pixels."""

    title: str
    caption: str
    size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a run has to show.

    Parameters
    ----------
    slug, title : str
    data : {"real", "demonstration"}
    primary : str
        Slug of the primary analysis; empty for a study and the table of claims, which have none.
    tables : mapping of str to str
        Titles of its tables by slug.
    figures : mapping of str to Picture
    values : mapping of str to mapping of str to str
        Texts by analysis, or ``run``, and field.
    """

    slug: str
    title: str
    data: str
    primary: str
    tables: Mapping[str, str]
    figures: Mapping[str, Picture] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_shown(folder: Path) -> Shown | None:
    """What the run in an output folder has to show; None if there is none.

    Raises
    ------
    DataError
        If its files cannot be read.
    """
    path = folder / PLACES
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        return Shown(
            slug=content["evaluation"],
            title=content["title"],
            data=content["data"],
            primary=_primary(folder),
            tables={slug: table["title"] for slug, table in content["tables"].items()},
            figures={name: _picture(folder, figure) for name, figure in content["figures"].items()},
            values=_values(folder, content["values"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise _damaged(f"{type(error).__name__}: {error}", path) from error


def _values(folder: Path, values: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """The texts, with the checks of concern among those of the run as a whole."""
    checks = folder / CHECKS
    if not checks.is_file():
        return dict(values)
    return {**values, RUN: {**values.get(RUN, {}), CONCERNS: concerns(checks.read_text(encoding="utf-8"))}}


def _damaged(why: str, path: Path) -> DataError:
    return DataError(
        f"the outputs cannot be read ({why})",
        where=str(path),
        expected="the outputs of a run as it left them",
        todo="Run the evaluation again",
    )


def _primary(folder: Path) -> str:
    """Slug of the primary analysis; empty where there is no table of effects, which a study and the claims lack."""
    if not (folder / EFFECTS).is_file():
        return ""
    with (folder / EFFECTS).open(encoding="utf-8", newline="") as lines:
        return next(row["analysis"] for row in csv.DictReader(lines) if row["role"] == "primary")


def _picture(folder: Path, figure: Mapping[str, Any]) -> Picture:
    with (folder / figure["path"]).open("rb") as file:
        head = file.read(24)
    width, height = (int.from_bytes(head[at : at + 4]) for at in (16, 20))
    if not head.startswith(b"\x89PNG") or width < 1 or height < 1:
        raise _damaged("not a PNG", folder / figure["path"])
    return Picture(title=figure["title"], caption=figure["caption"], size=(width, height))


# Which runs -----------------------------------------------------------------------------------------------


def runs_for_paper(outputs: Path, known: Collection[str], wanted: Sequence[str], data: str) -> tuple[Shown, ...]:
    """The runs that a paper is about, all of one kind: real ones and simulated ones never share a paper.

    Parameters
    ----------
    outputs : Path
        Folder of results of the project.
    known : collection of str
        Slugs of the project's evaluations, in the order of the paper.
    wanted : sequence of str
        Those that were asked for; if empty, all that have outputs of the kind.
    data : {"auto", "demonstration"}
        ``auto`` is real wherever there is a real run, else demonstration.

    Raises
    ------
    UsageError
        If an evaluation is unknown, is a study or has not been run, or real and demonstration runs would share the
        paper.
    """
    for slug in wanted:
        if slug not in known:
            first = nearest(slug, known)
            raise UsageError(
                f"no evaluation {slug!r}", where="--evaluation", expected=f"one of {some_of(known, first=first)}"
            )
    slugs = tuple(dict.fromkeys(wanted)) or tuple(known)
    found = {kind: _runs(outputs, slugs, kind) for kind in (REAL, DEMONSTRATION)}
    kind = DEMONSTRATION if data == DEMONSTRATION or not found[REAL] else REAL
    studies = [s for s in wanted if s in found[kind] and not found[kind][s].primary]
    if studies:
        raise UsageError(
            f"{studies[0]} is a study without an effect of its own",
            where="--evaluation",
            expected="evaluations of an effect",
            todo=f"Put its contents into the paper by tag, such as cseval:{studies[0]}/value/run/headline",
        )
    chosen = {slug: run for slug, run in found[kind].items() if run.primary}
    missing = [s for s in slugs if s not in chosen] if wanted or not chosen else []
    if missing:
        raise _not_run(missing, kind, data)
    return tuple(chosen.values())


def slugs_with_outputs(outputs: Path) -> frozenset[str]:
    """Every name under which there are outputs of either kind, by which a tag could be meant."""
    folders = (outputs, outputs / DEMONSTRATION)
    return frozenset(p.parent.name for folder in folders for p in folder.glob(f"*/{MANIFEST}"))


def shown_claims(outputs: Path, kind: str) -> Shown | None:
    """The table of public claims, where `cseval claims` has left one of this kind."""
    return _runs(outputs, (CLAIMS,), kind).get(CLAIMS)


def _runs(outputs: Path, slugs: Sequence[str], kind: str) -> dict[str, Shown]:
    folder = outputs / DEMONSTRATION if kind == DEMONSTRATION else outputs
    read = {slug: read_shown(folder / slug) for slug in slugs}
    return {slug: run for slug, run in read.items() if run is not None}


def _not_run(missing: Sequence[str], kind: str, data: str) -> UsageError:
    option = " --data demonstration" if data == DEMONSTRATION else ""
    other = ", or choose --data demonstration: simulated outputs never stand beside real ones" if kind == REAL else ""
    return UsageError(
        f"no {kind} outputs of {', '.join(missing) or 'any evaluation'}",
        where="cseval new paper",
        expected="evaluations that have been run, all on real or all on demonstration data",
        todo=f"`cseval run {missing[0] if missing else '--all'}{option}` first{other}",
    )
