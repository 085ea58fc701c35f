"""The one place that writes the outputs of a run: everything as bytes first, then the folder in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.parallel import current
from cseval.reporting.atomic import MANIFEST, recover, replace_folder

if TYPE_CHECKING:
    import pandas as pd

    from cseval.reporting.document import Document
    from cseval.reporting.figures import Figure, Rendered
    from cseval.result import EvaluationResult, StudyResult

__all__ = ["build_outputs", "protected", "recover", "write_outputs"]


def write_outputs(
    result: EvaluationResult | StudyResult, folder: Path, *, protocol_hash: str, command: str
) -> tuple[Path, ...]:
    """Write every output of a run and swap the folder in as one step.

    Parameters
    ----------
    result : EvaluationResult or StudyResult
    folder : Path
        Replaced as a whole; a failed or killed run leaves the old outputs as they were.
    protocol_hash : str
        Of the registered protocol, see `cseval.spec.protocol_hash`.
    command : str
        The command that makes these outputs again.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    UsageError
        If another run is writing there, or the folder holds files that no run wrote.
    CsevalError
        If the files cannot be written.
    """
    files = build_outputs(result, protocol_hash=protocol_hash, command=command, project=_nearest(folder))
    return replace_folder(folder, files)


def protected(result: EvaluationResult | StudyResult) -> EvaluationResult | StudyResult:
    """The result without small counts of unpublished data; the parts of a study withhold their own."""
    from cseval.reporting.protect import protect
    from cseval.result import EvaluationResult

    return protect(result) if isinstance(result, EvaluationResult) else result


def build_outputs(
    result: EvaluationResult | StudyResult, *, protocol_hash: str, command: str, project: Path | None = None
) -> dict[str, bytes]:
    """Every output as bytes by its path in the output folder; nothing is written.

    Two calls with the same result give the same bytes, except for the ``run`` block of the manifest.
    """
    from cseval.result import StudyResult

    run = _Run(protocol_hash=protocol_hash, command=command, project=project or Path.cwd())
    return _study_files(result, run) if isinstance(result, StudyResult) else _evaluation_files(result, run)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """By what a run was made."""

    protocol_hash: str
    command: str
    project: Path


def _evaluation_files(result: EvaluationResult, run: _Run) -> dict[str, bytes]:
    from cseval.reporting.files import data_frames, further_files, title_of
    from cseval.reporting.places import places_json
    from cseval.reporting.protect import check_protected, protect
    from cseval.reporting.report import build_document

    result = protect(result)
    figures, not_drawn = _figures(result)
    rendered = _rendered(result, figures)
    titles = {name: title for name, (title, _) in further_files(result.parts, result.matrix).items()}
    frames = {name: (titles.get(name, title_of(name)), frame) for name, frame in data_frames(result).items()}
    document = build_document(result, figures, not_drawn, protocol_hash=run.protocol_hash, command=run.command)
    places = places_json(result, figures, {name: r.png for name, r in rendered.items()}, run.command)
    own = _effects(result, frames["effects"][1], run.command)
    files = _files(result, frames, (figures, not_drawn, rendered), (document, places, own), run)
    check_protected(result, files)
    return files


def _study_files(result: StudyResult, run: _Run) -> dict[str, bytes]:
    from cseval.reporting.files import further_files
    from cseval.reporting.study import study_document, study_places, weaknesses_of

    figures, not_drawn = _figures(result)
    rendered = _rendered(result, figures)
    frames = further_files(result.parts, result.matrix)
    frames |= {t.slug: (t.title, t.values) for t in (result.overlaps, weaknesses_of(result)) if t is not None}
    document = study_document(result, figures, not_drawn, protocol_hash=run.protocol_hash, command=run.command)
    places = study_places(result, figures, {name: r.png for name, r in rendered.items()}, run.command)
    return _files(result, frames, (figures, not_drawn, rendered), (document, places, {}), run)


def _files(
    result: EvaluationResult | StudyResult,
    tables: dict[str, tuple[str, pd.DataFrame]],
    drawn: tuple[Sequence[Figure], tuple[str, ...], dict[str, Rendered]],
    said: tuple[Document, Any, dict[str, bytes]],
    run: _Run,
) -> dict[str, bytes]:
    """Data files, figures, reports, places, package and manifest of any run."""
    from cseval.reporting.files import PACKAGE, csv_bytes, json_bytes, package_bytes
    from cseval.reporting.manifest import manifest_bytes
    from cseval.reporting.printed import PLACES

    (figures, not_drawn, rendered), (document, places, own) = drawn, said
    frames = {f"{name}.csv": table for name, table in tables.items()}
    frames |= {f"figures/{g.name}.csv": (f"Data of the figure: {g.title}", g.data) for g in figures}
    data = {path: csv_bytes(frame) for path, (_, frame) in frames.items()}
    files = {**data, **own, **_pictures(figures, rendered), **_reports(document, rendered)}
    files[PLACES] = json_bytes(places)
    files[PACKAGE] = package_bytes(result, {p: (*frames[p], data[p]) for p in frames})
    files[MANIFEST] = manifest_bytes(
        result,
        protocol_hash=run.protocol_hash,
        command=run.command,
        files=files,
        figures=figures,
        not_drawn=not_drawn,
        project=run.project,
    )
    return files


def _rendered(result: EvaluationResult | StudyResult, figures: Sequence[Figure]) -> dict[str, Rendered]:
    drawn = current().map(_draw, range(len(figures)), result)
    return dict(zip((g.name for g in figures), drawn, strict=True))


@lru_cache(maxsize=1)
def _figures(result: EvaluationResult | StudyResult) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The figures of a result; a process that draws several of them makes them once."""
    from cseval.reporting.parts import part_figures
    from cseval.reporting.protect import protected_figures
    from cseval.result import EvaluationResult

    return protected_figures(result) if isinstance(result, EvaluationResult) else part_figures(result)


def _draw(number: int, result: EvaluationResult | StudyResult) -> Rendered:
    """Draw one figure; its number is sent to a worker, since what draws it is made from the result there."""
    from cseval.reporting.figures import render

    return render(_figures(result)[0][number])


def _effects(result: EvaluationResult, effects: pd.DataFrame, command: str) -> dict[str, bytes]:
    from cseval.reporting.files import effects_json
    from cseval.reporting.html import render_fragment
    from cseval.reporting.markdown import render_table
    from cseval.reporting.report import banner_of
    from cseval.reporting.tables import effects_table
    from cseval.reporting.word import render_table_word
    from cseval.reporting.workbook import render_workbook

    table, title = effects_table(result), f"{result.evaluation.title}: effects"
    return {
        "effects.json": effects_json(result, effects),
        "effects.md": (render_table(table) + "\n").encode(),
        "effects.html": render_fragment(table).encode(),
        "effects.docx": render_table_word(table, title=title, warning=banner_of(result)),
        "effects.xlsx": render_workbook(result, run=command),
    }


def _pictures(figures: Sequence[Figure], rendered: dict[str, Rendered]) -> dict[str, bytes]:
    pictures: dict[str, bytes] = {}
    for figure in figures:
        pictures[f"figures/{figure.name}.png"] = rendered[figure.name].png
        pictures[f"figures/{figure.name}.svg"] = rendered[figure.name].svg
    return pictures


def _reports(document: Document, rendered: dict[str, Rendered]) -> dict[str, bytes]:
    from cseval.reporting.html import render_html
    from cseval.reporting.markdown import render_markdown
    from cseval.reporting.word import render_word

    pictures = {name: r.png for name, r in rendered.items()}
    return {
        "report.md": render_markdown(document).encode(),
        "report.html": render_html(document, pictures).encode(),
        "report.docx": render_word(document, pictures),
    }


def _nearest(folder: Path) -> Path:
    """The nearest folder above that exists: where the project's checkout is looked for."""
    return next(p for p in folder.absolute().parents if p.is_dir())
