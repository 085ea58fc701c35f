"""A council's own survey, before and after: one row for each area, group, wave and measure.

Columns: `area`, `group` (treated or comparison), `wave` (before or after), `measure`, `base` (people who answered), and
either `count` (people who said so) or `proportion` (0 to 1, weighted); `effective_base` may stand beside a weighted
proportion. A row whose area is ``Total`` states the sums of its group, wave and measure, and is only checked.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.sources.files import Summary, shown
from cseval.sources.sheets import Peek, factor, match_columns, peek, read_sheet
from cseval.survey import COMPARISON, GROUPS, TREATED, WAVES, SurveyCell, SurveyTable

if TYPE_CHECKING:
    from cseval.sources.catalogue import Catalogue

KIND = "residents-survey"
TOTAL = "total"
_ALIASES: dict[str, tuple[str, ...]] = {
    "area": ("area",),
    "group": ("group",),
    "wave": ("wave",),
    "measure": ("measure",),
    "base": ("base",),
    "count": ("count",),
    "proportion": ("proportion",),
    "effective base": ("effectivebase",),
}
_KEYS = ("area", "group", "wave", "measure")
#: Columns that a file of this kind must have, by which one that nearly does is told what it lacks.
NEEDED = {KIND: (*_KEYS, "base")}
_WHOLE = re.compile(r"\d{1,7}")
_DECIMAL = re.compile(r"\d{1,7}(\.\d{1,12})?")
#: What rounding of stated proportions and bases may differ by.
_NEAR = 1e-9


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A typed row, with its place."""

    cell: SurveyCell
    where: str


def recognise(head: Peek) -> str | None:
    """``residents-survey`` if the header is that of a table before and after."""
    if head.form not in ("csv", "parquet") or not {"area", "group", "wave", "measure", "base"} <= head.names:
        return None
    return KIND if head.names & {"count", "proportion"} else None


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file and say what it holds.

    Raises
    ------
    DataError
        As `read_survey_table`.
    """
    found = read_survey_table(path)
    compared = sum(found.has_comparison(m) for m in found.measures)
    note = f"{len(found.measures)} measures before and after, {compared} with a comparison"
    return Summary(rows=len(found.cells), notes=(note, *found.notes))


def read_survey_table(path: Path) -> SurveyTable:
    """Read a table of shares before and after.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet, all cells as text or numbers.

    Raises
    ------
    DataError
        Naming row and column: a proportion that is not from 0 to 1, a count or an effective base above
        the base, an unknown group or wave, the same key twice, both or neither of count and proportion,
        counts or bases that do not add up to a stated total; also if a wave or the treated group is missing.
    """
    head, where = peek(path), str(path)
    if head.form not in ("csv", "parquet"):
        raise DataError(f"a {head.form} file", where=where, expected="a CSV table")
    found = match_columns(head.columns, _ALIASES, where)
    missing = [w for w in NEEDED[KIND] if w not in found]
    if missing or ("count" in found) == ("proportion" in found):
        raise DataError(
            f"no {missing[0]} column"
            if missing
            else f"{'both' if 'count' in found else 'neither'} of the columns count and proportion",
            where=f"{where}, row 1",
            expected="area, group, wave, measure, base, and either count or proportion",
        )
    rows = _rows(path, found, where)
    parts = [r for r in rows if r.cell.area.lower() != TOTAL]
    _require_once(rows)
    _require_totals(rows, parts)
    _require_waves(parts, where)
    return SurveyTable(cells=tuple(r.cell for r in parts), notes=_notes(len(rows) - len(parts)))


def survey_tables(catalogue: Catalogue) -> tuple[SurveyTable, ...]:
    """Every imported table before and after, in order.

    Raises
    ------
    DataError
        As `read_survey_table`.
    """
    return tuple(
        replace(read_survey_table(path), provenance=(entry,))
        for path, entry in zip(catalogue.paths(KIND), catalogue.provenance(KIND), strict=True)
    )


def _rows(path: Path, found: dict[str, str], where: str) -> list[_Row]:
    sheet = read_sheet(path, found)
    columns = {}
    for name in found:
        codes, words = factor(sheet.text[name])
        columns[name] = [words[i] for i in codes]
    return [
        _row({name: texts[i] for name, texts in columns.items()}, found, f"{where}, row {i + sheet.first}")
        for i in range(sheet.rows)
    ]


def _row(text: dict[str, str], found: dict[str, str], where: str) -> _Row:
    def fail(column: str, expected: str) -> DataError:
        told = shown(text[column]) if text[column] else "a blank"
        return DataError(told, where=f"{where}, column {found[column]}", expected=expected)

    for column in ("area", "measure"):
        if not text[column]:
            raise fail(column, f"the name of the {column}")
    for column, allowed in (("group", GROUPS), ("wave", WAVES)):
        if text[column].lower() not in allowed:
            raise fail(column, " or ".join(allowed))
    base = _number(text["base"], _WHOLE)
    if not base > 0:
        raise fail("base", "a whole number above zero")
    count = _number(text["count"], _WHOLE) if "count" in text else None
    proportion = count / base if count is not None else _number(text["proportion"], _DECIMAL)
    if not 0 <= proportion <= 1:
        raise fail(*(("count", "a whole number from 0 to the base") if "count" in text else ("proportion", "0 to 1")))
    effective = _number(text["effective base"], _DECIMAL) if text.get("effective base") else base
    if not 0 < effective <= base:
        raise fail("effective base", "a number above zero and not above the base, or a blank")
    return _Row(cell=_cell(text, proportion, base, effective, count), where=where)


def _cell(text: dict[str, str], proportion: float, base: float, effective: float, count: float | None) -> SurveyCell:
    return SurveyCell(
        area=text["area"],
        group=text["group"].lower(),
        wave=text["wave"].lower(),
        measure=text["measure"],
        proportion=proportion,
        base=base,
        effective_base=effective,
        count=None if count is None else int(count),
    )


def _number(text: str, form: re.Pattern[str]) -> float:
    """A number written as `form` says; NaN if it is not."""
    return float(text) if text.isascii() and form.fullmatch(text) else math.nan


def _require_once(rows: list[_Row]) -> None:
    seen: dict[tuple[str, str, str, str], str] = {}
    for row in rows:
        key = (row.cell.area.lower(), row.cell.group, row.cell.wave, row.cell.measure)
        if key in seen:
            raise DataError(
                f"the same area, group, wave and measure as {seen[key].rsplit(', ', 1)[-1]}",
                where=row.where,
                expected="each once",
            )
        seen[key] = row.where


def _require_totals(rows: list[_Row], parts: list[_Row]) -> None:
    """Hold every stated total against the areas it is the total of."""
    for total in (r for r in rows if r.cell.area.lower() == TOTAL):
        own = [p.cell for p in parts if _group_of(p.cell) == _group_of(total.cell)]
        sums = {"base": (total.cell.base, math.fsum(c.base for c in own))}
        if total.cell.count is not None:
            sums["count"] = (total.cell.count, math.fsum(c.count or 0 for c in own))
        for name, (stated, added) in sums.items():
            if abs(stated - added) > _NEAR:
                raise DataError(
                    f"a total {name} of {stated:g} where the areas add up to {added:g}",
                    where=f"{total.where}, column {name}",
                    expected="the sum of the areas of the same group, wave and measure",
                )


def _group_of(cell: SurveyCell) -> tuple[str, str, str]:
    return cell.group, cell.wave, cell.measure


def _require_waves(parts: list[_Row], where: str) -> None:
    """Refuse a measure without its treated group, and an area with one wave only."""
    keys = {(r.cell.measure, r.cell.group, r.cell.area, r.cell.wave) for r in parts}
    for measure, group, area, wave in sorted(keys):
        other = next(w for w in WAVES if w != wave)
        if (measure, group, area, other) not in keys:
            raise DataError(
                f"no {other} wave of {shown(measure)} for {shown(area)} ({group})",
                where=where,
                expected="both waves of every area and measure",
            )
    treated = {r.cell.measure for r in parts if r.cell.group == TREATED}
    alone = sorted({r.cell.measure for r in parts} - treated)
    if alone or not parts:
        raise DataError(
            f"no treated group for {shown(alone[0])}" if alone else "no row of an area",
            where=where,
            expected=f"a treated group; {COMPARISON} is optional",
        )


def _notes(totals: int) -> tuple[str, ...]:
    if not totals:
        return ()
    held = "1 row of totals was held against its" if totals == 1 else f"{totals} rows of totals were held against their"
    return (f"{held} areas and {'is' if totals == 1 else 'are'} not counted",)
