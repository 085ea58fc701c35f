"""The one place that writes the outputs of a run: everything as bytes first, then the folder in one step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.parallel import current
from cseval.reporting.atomic import MANIFEST, recover, replace_folder

if TYPE_CHECKING:
    import pandas as pd

    from cseval.reporting.document import Document
    from cseval.reporting.figures import Figure, Rendered
    from cseval.result import EvaluationResult

__all__ = ["build_outputs", "recover", "write_outputs"]


def write_outputs(result: EvaluationResult, folder: Path, *, protocol_hash: str, command: str) -> tuple[Path, ...]:
    """Write every output of a run and swap the folder in as one step.

    Parameters
    ----------
    result : EvaluationResult
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


def build_outputs(
    result: EvaluationResult, *, protocol_hash: str, command: str, project: Path | None = None
) -> dict[str, bytes]:
    """Every output as bytes by its path in the output folder; nothing is written.

    Two calls with the same result give the same bytes, except for the ``run`` block of the manifest.
    """
    from cseval.reporting.files import PACKAGE, csv_bytes, data_frames, json_bytes, package_bytes, title_of
    from cseval.reporting.manifest import manifest_bytes
    from cseval.reporting.places import places_json
    from cseval.reporting.printed import PLACES
    from cseval.reporting.protect import check_protected, protect
    from cseval.reporting.report import build_document

    result = protect(result)
    figures, not_drawn = _figures(result)
    rendered = dict(zip((g.name for g in figures), current().map(_draw, range(len(figures)), result), strict=True))
    frames: dict[str, tuple[str, pd.DataFrame]] = {
        f"{name}.csv": (title_of(name), frame) for name, frame in data_frames(result).items()
    }
    frames |= {f"figures/{g.name}.csv": (f"Data of the figure: {g.title}", g.data) for g in figures}
    data = {path: csv_bytes(frame) for path, (_, frame) in frames.items()}
    document = build_document(result, figures, not_drawn, protocol_hash=protocol_hash, command=command)
    files = {
        **data,
        **_effects(result, frames["effects.csv"][1], command),
        **_pictures(figures, rendered),
        **_reports(document, rendered),
        PLACES: json_bytes(places_json(result, figures, {name: r.png for name, r in rendered.items()}, command)),
        PACKAGE: package_bytes(result, {p: (*frames[p], data[p]) for p in frames}),
    }
    files[MANIFEST] = manifest_bytes(
        result,
        protocol_hash=protocol_hash,
        command=command,
        files=files,
        figures=figures,
        not_drawn=not_drawn,
        project=project or Path.cwd(),
    )
    check_protected(result, files)
    return files


@lru_cache(maxsize=1)
def _figures(result: EvaluationResult) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The figures of a result; a process that draws several of them makes them once."""
    from cseval.reporting.protect import protected_figures

    return protected_figures(result)


def _draw(number: int, result: EvaluationResult) -> Rendered:
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
