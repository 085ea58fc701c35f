"""The table of public claims as files: data, Markdown, a fragment of a page, places for a paper, and a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.claims.register import ACTIVITIES, CLAIMS, STAFFING
from cseval.claims_report import words
from cseval.claims_report.gather import evaluated
from cseval.inputs import REAL
from cseval.reporting.atomic import MANIFEST
from cseval.reporting.manifest import SCHEMA_VERSION, git_commit, versions
from cseval.reporting.printed import PLACES

if TYPE_CHECKING:
    import pandas as pd

    from cseval.claims_report.gather import Told
    from cseval.project import Project
    from cseval.tables import Table

COLUMNS = (
    "claim statement source paragraph programme tested_by verdict on_stand_in finding sentence caveat needs".split()
)
PRINTED = {
    "said": "What was said",
    "where": "Where",
    "verdict": "Verdict",
    "why": "Why",
    "data": "Data that would test it",
}
NOTES = (
    "Every verdict follows from figures by a fixed rule; where the same words can be read in several ways, it is what "
    "all readings say, or else “not supported”. A claim cannot be tested on an outcome that is not its own; what would "
    "be said of that outcome stands beside it.",
    "“Not supported” does not mean that the opposite is true: the counts, or the readings of the words, leave it open.",
    "A rate that has not fallen, or a trend that points down, says nothing of what a programme did.",
)
SLUG, TITLE = "claims", "Public claims and what is known of them"
COMMAND = "cseval claims --write"


def claims_record(told: Told) -> dict[str, Any]:
    """A claim with all that its tests say, as plain JSON data."""
    claim = told.claim
    return {
        "claim": claim.slug,
        "statement": claim.text,
        "source": claim.source,
        "paragraph": claim.paragraph,
        "programme": claim.programme,
        "verdict": told.verdict,
        "on_stand_in": told.stand_ins,
        "finding": words.finding_words(told),
        "needs": claim.needs,
        "readings": [
            {
                "tested_by": r.test,
                "reading": r.result.statement.reading if r.result else "",
                "outcome": r.result.outcome if r.result else "",
                "verdict": r.result.verdict if r.result else None,
                "on_stand_in": r.result.on_stand_in if r.result else "",
                "sentence": r.result.sentence if r.result else "",
                "caveat": r.result.caveat if r.result else "",
                "why_not": r.why_not,
            }
            for r in told.readings
        ],
    }


def claims_rows(everything: tuple[Told, ...]) -> pd.DataFrame:
    """One row per claim: what was said and where, verdict, what would be said of the stand-ins, finding, data needed.

    `sentence` and `caveat` are those of the first reading whose verdict counts, in full.
    """
    import pandas as pd

    rows = [
        {
            "claim": t.claim.slug,
            "statement": t.claim.text,
            "source": t.claim.source,
            "paragraph": t.claim.paragraph,
            "programme": t.claim.programme,
            "tested_by": "; ".join(t.claim.tested_by),
            "verdict": t.verdict,
            "on_stand_in": "; ".join(f"{outcome}: {verdict}" for outcome, verdict in t.stand_ins.items()),
            "finding": words.finding_words(t),
            "sentence": t.counted[0].sentence if t.results else "",
            "caveat": t.counted[0].caveat if t.results else "",
            "needs": t.claim.needs,
        }
        for t in everything
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def claims_table(everything: tuple[Told, ...]) -> Table:
    """The claims as a board paper prints them."""
    import pandas as pd

    from cseval.tables import Table

    rows = [
        {
            "said": words.said_words(t.claim),
            "where": words.where_words(t.claim),
            "verdict": words.verdict_words(t),
            "why": words.why_words(t),
            "data": words.needs_cell(t),
        }
        for t in everything
    ]
    return Table(
        slug=SLUG,
        title=TITLE,
        values=pd.DataFrame(rows, columns=list(PRINTED)),
        headings=PRINTED,
        notes=NOTES,
        source="Register of public claims, data/reference/claims.csv, and the outputs of the evaluations that it names",
    )


def claims_files(everything: tuple[Told, ...], project: Project) -> dict[str, bytes]:
    """Every output as bytes by its name; the same claims give the same bytes but for the ``run`` block."""
    from cseval.reporting.files import csv_bytes, json_bytes
    from cseval.reporting.html import render_fragment
    from cseval.reporting.markdown import render_table
    from cseval.reporting.word import render_table_word

    table = claims_table(everything)
    files = {
        CLAIMS: csv_bytes(claims_rows(everything)),
        "claims.md": (render_table(table) + "\n").encode(),
        "claims.html": render_fragment(table).encode(),
        "claims.docx": render_table_word(table, title=TITLE),
        PLACES: json_bytes(places(everything, table)),
    }
    return {**files, MANIFEST: json_bytes(manifest(everything, files, project))}


def places(everything: tuple[Told, ...], table: Table) -> dict[str, Any]:
    """Everything that a paper can show of the claims, as text."""
    from cseval.reporting.html import printed_of
    from cseval.reporting.printed import printed_json

    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": SLUG,
        "title": TITLE,
        "data": REAL,
        "tables": {SLUG: printed_json(printed_of(table))},
        "values": {t.claim.slug: _values(t) for t in everything},
        "figures": {},
    }


def _values(told: Told) -> dict[str, str]:
    return {
        "verdict": words.verdict_text(told),
        "stand_in": words.stand_in_words(told),
        "finding": words.why_words(told),
        "statement": words.said_words(told.claim),
        "where": words.where_words(told.claim),
        "needs": words.needs_cell(told),
    }


def manifest(everything: tuple[Told, ...], files: Mapping[str, bytes], project: Project) -> dict[str, Any]:
    """From what these files were made, in the shape of a run's manifest."""
    from cseval.reporting.files import sha256

    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": SLUG,
        "title": TITLE,
        "data": REAL,
        "headline": words.summary_words(everything),
        "command": COMMAND,
        "versions": versions(),
        "inputs": [
            {"kind": kind, "path": path.relative_to(base).as_posix(), "sha256": sha256(path.read_bytes())}
            for kind, base, path in _inputs(everything, project)
        ],
        "outputs": [{"path": p, "bytes": len(c), "sha256": sha256(c)} for p, c in sorted(files.items())],
        "warnings": [],
        "left_out": [f"{t.claim.slug}: {r.why_not}" for t in everything for r in t.readings if r.why_not],
        "run": {"git_commit": git_commit(project.root)},
    }


def _inputs(everything: tuple[Told, ...], project: Project) -> list[tuple[str, Path, Path]]:
    """Each file that was read: its kind, the folder that its path is relative to, and the file."""
    reference = project.reference
    tables = (reference / name for name in (CLAIMS, STAFFING, ACTIVITIES, "programmes.csv"))
    used = {r.test.split("/")[0] for t in everything for r in t.readings if r.result is not None}
    runs = [s for s in evaluated([t.claim for t in everything]) if s in used]
    return [
        *(("reference", reference.parent.parent, path) for path in tables if path.is_file()),
        *(("outputs", project.root, project.outputs / slug / CLAIMS) for slug in runs),
    ]
