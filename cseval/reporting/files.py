"""The data files of a run as bytes: CSV, JSON and the data package that describes them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval.checks.specification_curve import CURVE_COLUMNS, curve_frame
from cseval.checks.specification_curve import NAME as CURVE
from cseval.errors import DataError
from cseval.estimate import EFFECT_COLUMNS
from cseval.formats import SUPPRESSED, csv_text, json_number, number_text
from cseval.reporting.columns import MONTHS, describe_column
from cseval.reporting.protected_frames import holds_withheld
from cseval.result import (
    CALIBRATION_COLUMNS,
    CHECK_COLUMNS,
    CLAIM_COLUMNS,
    DETECTABLE_COLUMNS,
    DISPLACEMENT_COLUMNS,
    EVENT_COLUMNS,
    INFERENCE_COLUMNS,
    PLACEBO_COLUMNS,
    POWER_COLUMNS,
    SERIES_COLUMNS,
)

if TYPE_CHECKING:
    import pandas as pd

    from cseval.part import PartResult
    from cseval.result import EvaluationResult, Told
    from cseval.tables import Table

PACKAGE = "datapackage.json"
TITLES = {
    "effects": "Estimated effects, one row per analysis",
    "series": "Monthly series of each analysis",
    "event_study": "Effects by time since the start",
    "placebo": "Placebo neighbourhoods, one row per draw",
    "checks": "Checks of the primary analysis",
    "calibration": "Measured error rates of each inference method",
    "displacement": "Change in the treated area and the rings around it",
    "inference": "Every registered inference method of every analysis",
    "power": "Power by effect and months of follow-up",
    "detectable": "Smallest effects that would be detected four times in five",
    "specification_curve": "The primary question under every combination of defensible choices",
    "force_context": "Knife crime by quarter in London and elsewhere, for context",
    "claims": "Public claims held against these data",
    "averted": "Incidents averted by month and in all, by analyses of time series",
    "donor_weights": "Weights of the comparison units in synthetic controls",
    "time_weights": "Weights of the months before the start in synthetic difference in differences",
    "att_by_cohort_and_period": "Effects by cohort and month",
    "aggregations": "Effects by event time, cohort and calendar month, and over all",
    "dose": "The treated area month by month with the dose it had",
    "ranking": "Change of every unit and its rank",
    "ranking_summary": "The rank that a claim is about, and what regression to the mean alone would give",
    "rolling_year": "Rolling twelve-month sums of the area and of the others",
    "rolling_trend": "Trends of the rolling year",
}


def context_file(table: Table) -> str:
    """Name of the file of a table that is shown for context."""
    return table.slug.replace("-", "_")


def title_of(name: str) -> str:
    """What a data file holds; a table that an estimator leaves of its own goes by its name."""
    return TITLES.get(name, name.replace("_", " ").capitalize())


def data_frames(result: EvaluationResult) -> dict[str, pd.DataFrame]:
    """The tables of the output folder by name, with the contract's columns first."""
    frames = {
        "effects": (result.effects, EFFECT_COLUMNS),
        "series": (result.series, SERIES_COLUMNS),
        "event_study": (result.event_study, EVENT_COLUMNS),
        "placebo": (result.placebo, PLACEBO_COLUMNS),
        "checks": (checks_frame(result), CHECK_COLUMNS),
        "calibration": (result.calibration, CALIBRATION_COLUMNS),
        "displacement": (result.displacement, DISPLACEMENT_COLUMNS),
        "inference": (result.inference, INFERENCE_COLUMNS),
        "power": (_joined([p.curve for p in result.power]), POWER_COLUMNS),
        "detectable": (_joined([p.detectable for p in result.power]), DETECTABLE_COLUMNS),
        "specification_curve": (_curve(result), CURVE_COLUMNS),
        "claims": (claims_frame(result), CLAIM_COLUMNS),
        **{name: (frame, tuple(map(str, frame.columns))) for name, frame in result.further.items()},
        **{context_file(t): (t.values, tuple(map(str, t.values.columns))) for t in result.inputs.context},
    }
    own = {name: ordered(frame, columns, name) for name, (frame, columns) in frames.items()}
    return own | {name: frame for name, (_, frame) in further_files(result.parts, result.matrix).items()}


def further_files(parts: Sequence[PartResult], matrix: Table | None) -> dict[str, tuple[str, pd.DataFrame]]:
    """Title and frame of every data file of the parts, and of the overlaps of all programmes, by name.

    Raises
    ------
    DataError
        If two parts have a table of one name.
    """
    tables = [t for part in parts for t in part.files] + ([matrix] if matrix is not None else [])
    found: dict[str, tuple[str, pd.DataFrame]] = {}
    for table in tables:
        name = context_file(table)
        if name in found:
            raise DataError(f"two tables {table.slug!r}", where="parts", expected="a slug of its own for each")
        found[name] = (table.title, table.values)
    return found


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _curve(result: EvaluationResult) -> pd.DataFrame:
    """The specification curve, without rows where the check was not made."""
    import pandas as pd

    found = next((c for c in result.checks if c.name == CURVE), None)
    return curve_frame(found) if found is not None else pd.DataFrame()


def checks_frame(result: EvaluationResult) -> pd.DataFrame:
    """The checks as rows."""
    import pandas as pd

    rows = [
        (
            result.primary.analysis.slug,
            c.name,
            c.question,
            c.verdict,
            c.statistic,
            c.reference,
            c.p_value,
            c.sentence,
        )
        for c in result.checks
    ]
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)


def claims_frame(result: EvaluationResult) -> pd.DataFrame:
    """The public claims as rows, with their verdicts."""
    import pandas as pd

    rows = [
        (
            result.evaluation.slug,
            c.statement.slug,
            c.statement.text,
            c.statement.source,
            c.statement.paragraph,
            c.statement.reading,
            c.outcome,
            c.verdict,
            c.on_stand_in,
            c.sentence,
            c.caveat,
        )
        for c in result.claims
    ]
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS)


def ordered(frame: pd.DataFrame, columns: Sequence[str], name: str) -> pd.DataFrame:
    """The frame with these columns first and any further ones after them.

    Raises
    ------
    DataError
        If one is missing from a frame that has rows.
    """
    if not len(frame):
        return frame.reindex(columns=list(columns))
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise DataError(f"no column {missing[0]!r}", where=f"table {name}", expected=", ".join(columns))
    further = [c for c in frame.columns if c not in columns]
    return frame[[*columns, *further]]


# CSV --------------------------------------------------------------------------------------------------


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as CSV: UTF-8, LF, at most 10 significant digits, nothing that a spreadsheet would run."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([csv_text(str(c)) for c in frame.columns])
    cells = [[_cell(v) for v in frame[c].tolist()] for c in frame.columns]
    writer.writerows(zip(*cells, strict=True))
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    return "" if _absent(value) else csv_text(str(value))


def _absent(value: object) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT


# JSON -------------------------------------------------------------------------------------------------


def json_bytes(content: Any) -> bytes:
    """JSON with a stable layout: two spaces, keys as given, plain letters, a line end."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def json_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as plain JSON objects; what is not a number is null."""
    columns = {str(c): [json_value(v) for v in frame[c].tolist()] for c in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def json_value(value: object) -> Any:
    """A cell as JSON data."""
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return json_number(value)
    return None if _absent(value) else str(value)


def effects_json(result: EvaluationResult, effects: pd.DataFrame) -> bytes:
    """The effect table for programs: headline, kind of data, and one record per analysis."""
    return json_bytes(
        {
            "schema_version": 1,
            "evaluation": result.evaluation.slug,
            "title": result.evaluation.title,
            "data": result.data,
            "headline": result.headline,
            "primary": result.primary.analysis.slug,
            "effects": json_records(effects),
        }
    )


# Data package -----------------------------------------------------------------------------------------


def package_bytes(result: Told, tables: Mapping[str, tuple[str, pd.DataFrame, bytes]]) -> bytes:
    """A Frictionless tabular data package.

    Parameters
    ----------
    result : EvaluationResult or StudyResult
    tables : mapping of str to (title, frame, bytes)
        By path of the CSV file.
    """
    return json_bytes(
        {
            "profile": "tabular-data-package",
            "name": result.slug,
            "title": result.title,
            "description": result.headline,
            "keywords": ["evaluation", "community safety", result.data],
            "sources": [{"title": p.title, "path": p.path} for p in result.sources],
            "resources": [_resource(path, *table) for path, table in tables.items()],
        }
    )


def _resource(path: str, title: str, frame: pd.DataFrame, content: bytes) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": path.removesuffix(".csv").replace("/", "-").replace("_", "-"),
        "title": title,
        "path": path,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": "sha256:" + sha256(content),
        "schema": {
            "fields": [_field(str(c), frame[c]) for c in frame.columns],
            "missingValues": ["", SUPPRESSED] if holds_withheld(frame) else [""],
        },
    }


def _field(name: str, values: pd.Series[Any]) -> dict[str, str]:
    return {"name": name, "type": field_type(name, values), "description": describe_column(name)}


def field_type(name: str, values: pd.Series[Any]) -> str:
    """The Frictionless type of a column."""
    import pandas as pd

    if name in MONTHS:
        return "yearmonth"
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_integer_dtype(values):
        return "integer"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    present = values.dropna()
    numeric = len(present) and present.map(lambda v: isinstance(v, (int, float)) and not isinstance(v, bool)).all()
    return "number" if numeric else "string"


def sha256(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
