"""Metropolitan Police "Monthly Crime Dashboard": knife crime, its victims and other crime by borough and month.

Long files: one row per month, area, subtype and measure. Three things would make a sum wrong, and none is ever added
up here: subtypes overlap (knife crime with injury is part of knife crime), rows by Safer Neighbourhood Team are parts
of the rows by borough, and positive outcomes are not offences. Only cells above zero have a row, so in a month that
lists a subtype a borough without a row is a zero; a month in which no area has a row of it was not received.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_text
from cseval.panel import Panel
from cseval.sources import mps_dashboard_words as words_of
from cseval.sources.boroughs import CODES, borough_name, is_elsewhere
from cseval.sources.files import Summary, plain, shown
from cseval.sources.mps_dashboard_cells import Cells, lay, newest
from cseval.sources.mps_dashboard_join import join_issues
from cseval.sources.sheets import Peek, Sheet, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

KIND = "mps-dashboard"
#: The published files hold some seventy subtypes; a table with far more is something else.
MAX_SUBTYPES = 200
_ALIASES: dict[str, tuple[str, ...]] = {
    "month": ("monthyear", "month"),
    "area type": ("areatype",),
    "borough": ("boroughsnt",),
    "area name": ("areaname",),
    "area code": ("areacode",),
    "type": ("crimetype", "offencegroup"),
    "subtype": ("crimesubtype", "offencesubgroup"),
    "measure": ("measure",),
    "financial year": ("financialyear",),
    "refresh date": ("refreshdate",),
    "count": ("count", "value", "statistics", "offencecount"),
}
#: Months from January to the start of a financial year.
_APRIL = 3
#: What the code column holds where the area is none.
_NO_AREA = "-1"
_UNITS = sorted(CODES.values())
_OPTIONAL = frozenset(("area name", "area code", "financial year", "refresh date"))


def recognise(head: Peek) -> str | None:
    """``mps-dashboard`` if the header is one of theirs, whatever its case, order or year."""
    if head.form not in ("csv", "parquet"):
        return None
    sure = {"areatype", "measure"} <= head.names and bool({"monthyear", "month"} & head.names)
    return KIND if sure and bool({"boroughsnt", "crimesubtype", "offencesubgroup"} & head.names) else None


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file and say what it holds.

    Raises
    ------
    DataError
        As `read_dashboard`.
    """
    panel, rows, refreshed = _read(path)
    return Summary(
        rows=rows,
        first_month=panel.periods[0],
        last_month=panel.periods[-1],
        vintage=date.fromordinal(refreshed).isoformat() if refreshed else panel.periods[-1],
        notes=panel.notes,
    )


def read_dashboard(path: Path) -> Panel:
    """Offences and victims by borough and month.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet: the file on knife crime, on other crime, or on all notifiable offences (TNO), of any
        published issue. Columns are matched whatever their case and order.

    Returns
    -------
    Panel
        Units are borough codes E09…; every subtype is an outcome of its own, among them ``knife_crime``,
        ``knife_crime_with_injury``, ``knife_crime_with_injury_personal_robbery``, ``knife_injury_victims`` (aged 1 to
        24) and ``knife_injury_victims_non_domestic``. A month in which no area has a row of a subtype is not
        received.

    Raises
    ------
    DataError
        If the header, an area, a month, a financial year, a measure or a count is not what the format promises, two
        rows of one cell and refresh date differ, a part stands above its whole, or a month lists fewer than half as
        many boroughs as the others; the message names the row.
    """
    return _read(path)[0]


def read_dashboards(catalogue: Catalogue) -> Panel:
    """All imported dashboards as one panel; where issues overlap the newest refresh date wins.

    Raises
    ------
    DataError
        If there is none, or two issues of one refresh date differ.
    """
    found = [(path.name, *_read(path)) for path in catalogue.require(KIND)]
    joined = join_issues([(name, panel, refreshed) for name, panel, _, refreshed in found])
    return replace(joined, provenance=catalogue.provenance(KIND))


@dataclass(frozen=True, kw_only=True, eq=False)
class _File:
    """The sheet of a file, where each column stands, and how messages call it."""

    sheet: Sheet
    columns: dict[str, str]
    where: str

    def words(self, column: str) -> tuple[Index, list[str]]:
        """Codes of a text column and the words they stand for."""
        return factor(self.sheet.text[column])

    def place(self, row: int, column: str) -> str:
        """File, row and column of a cell, for messages."""
        return f"{self.where}, row {row + self.sheet.first}, column {self.columns[column]}"

    def read(self, column: str, meaning: Callable[[str], int], expected: str) -> Index:
        """A text column as numbers; a word whose meaning is below 0 is refused."""
        codes, words = self.words(column)
        numbers = np.array([meaning(w) for w in words], dtype=np.int64)[codes]
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            raise DataError(f"{column} {shown(words[codes[row]])}", where=self.place(row, column), expected=expected)
        return numbers


def _read(path: Path) -> tuple[Panel, int, int]:
    """Panel, records of the file, and newest refresh date as an ordinal day (0 if there is none)."""
    where = str(path)
    head = peek(path)
    columns = _columns(head, where)
    text = {w: c for w, c in columns.items() if w != "count"}
    file = _File(sheet=read_sheet(path, text, [columns["count"]]), columns=columns, where=where)
    cells, outcomes, left_out = _cells(file)
    kept, notes = newest(cells, where)
    panel = lay(kept, _UNITS, outcomes, where)
    named = {code: name for name, code in CODES.items() if code in panel.units}
    said = (_variant(head, columns), *left_out, *notes, *panel.notes)
    return replace(panel, names=named, districts=named, notes=said), file.sheet.rows, int(cells.refresh.max())


def _cells(file: _File) -> tuple[Cells, list[str], tuple[str, ...]]:
    """The rows that count offences of a borough, the outcomes they point to, and notes on all others."""
    month, refresh = _months(file), _refresh(file)
    borough = _kinds(file, "area type", words_of.AREA_TYPES) == words_of.BOROUGH
    offence = _kinds(file, "measure", words_of.MEASURES) == words_of.OFFENCES
    outcome, outcomes, listed = _outcomes(file)
    used = borough & offence & listed
    unit = _units(file, used)
    counted = used & (unit >= 0)
    if not counted.any():
        raise DataError(
            "no row of a borough's offences",
            where=file.where,
            expected="rows of area type Borough and measure Offences",
        )
    cells = Cells(
        unit=unit[counted],
        outcome=outcome[counted],
        month=month[counted],
        refresh=refresh[counted],
        count=file.sheet.whole[counted, 0],
        row=np.flatnonzero(counted) + file.sheet.first,
    )
    notes = _left_out(file, borough, offence, listed) + _elsewhere(file, used & (unit < 0), outcome, outcomes)
    return cells, outcomes, notes


def _columns(head: Peek, where: str) -> dict[str, str]:
    if head.form not in ("csv", "parquet"):
        raise DataError(f"a {head.form} file", where=where, expected="a CSV or Parquet table")
    found = match_columns(head.columns, _ALIASES, where)
    missing = [w for w in _ALIASES if w not in found and w not in _OPTIONAL]
    if missing:
        why = "; subtypes overlap, so a table summed over them says nothing" if missing[0] == "subtype" else ""
        raise DataError(
            f"no {missing[0]} column (header {shown(', '.join(head.columns))})",
            where=f"{where}, row 1",
            expected="a column named one of " + ", ".join(_ALIASES[missing[0]]) + f", in any case{why}",
        )
    return found


def _variant(head: Peek, columns: dict[str, str]) -> str:
    what = "all notifiable offences (TNO)" if plain(columns["subtype"]) == "offencesubgroup" else "knife or other crime"
    index = "with" if "fyfyindex" in head.names else "without"
    return f"read as the dashboard file on {what}, {len(head.columns)} columns, {index} a financial-year index"


def _months(file: _File) -> Index:
    """Month number of each row, all written in one way and within the financial year beside them."""
    codes, words = file.words("month")
    read = [words_of.month_of(w) for w in words]
    number = file.read("month", lambda w: words_of.month_of(w)[1], "a month as 2018-04-01, 01/04/2018 or Apr-18")
    forms = np.array([form for form, _ in read])[codes]
    if (forms != forms[0]).any():
        row = int(np.argmax(forms != forms[0]))
        raise DataError(
            f"month {shown(words[codes[row]])} beside {shown(words[codes[0]])}",
            where=file.place(row, "month"),
            expected="every month written in the same way",
            todo="Download the file again; do not paste files together",
        )
    if "financial year" in file.columns:
        _check_financial_year(file, number)
    return number


def _check_financial_year(file: _File, month: Index) -> None:
    year = file.read("financial year", words_of.financial_year_of, "a financial year as fy18-19")
    wrong = year != (month - _APRIL) // 12
    if wrong.any():
        row = int(np.argmax(wrong))
        found = f"financial year {year[row]}/{(year[row] + 1) % 100:02d} beside the month {month_text(int(month[row]))}"
        raise DataError(
            found,
            where=file.place(row, "financial year"),
            expected="the financial year, April to March, that the month is in",
            todo="Download the file again: days and months may have been exchanged",
        )


def _refresh(file: _File) -> Index:
    if "refresh date" not in file.columns:
        return np.zeros(file.sheet.rows, dtype=np.int64)
    return file.read("refresh date", words_of.refresh_of, "a date as 2019-12-06 or 06/12/2019")


def _kinds(file: _File, column: str, known: dict[str, str]) -> npt.NDArray[np.str_]:
    """What each row of a column of few words is; a word that is not known is refused."""
    names = list(dict.fromkeys(known.values()))
    number = file.read(
        column,
        lambda w: names.index(known[plain(w)]) if plain(w) in known else -1,
        "one of " + ", ".join(known),
    )
    return np.array(names)[number]


def _outcomes(file: _File) -> tuple[Index, list[str], Mask]:
    """Outcome of each row, their names, and which rows are of an offence that is counted at all."""
    kind, kinds = file.words("type")
    subtype, subtypes = file.words("subtype")
    pair = kind * len(subtypes) + subtype
    distinct, back = np.unique(pair, return_inverse=True)
    spelled = [(kinds[int(p) // len(subtypes)], subtypes[int(p) % len(subtypes)]) for p in distinct]
    for number, (_, name) in enumerate(spelled):
        if not plain(name):
            row = int(np.argmax(back == number))
            raise DataError(
                f"subtype {shown(name)}", where=file.place(row, "subtype"), expected="the name of a crime subtype"
            )
    if len(spelled) > MAX_SUBTYPES:
        raise DataError(
            f"{len(spelled)} crime subtypes", where=file.where, expected=f"at most {MAX_SUBTYPES}, as in a dashboard"
        )
    listed = np.array([plain(t) not in words_of.NOT_NOTIFIABLE for t, _ in spelled])
    names = words_of.outcome_names(set(spelled))
    outcomes = sorted(set(names.values()))
    place = {o: i for i, o in enumerate(outcomes)}
    return np.array([place[names[s]] for s in spelled], dtype=np.int64)[back], outcomes, listed[back]


def _units(file: _File, used: Mask) -> Index:
    """Position of each row's borough in the code list, -1 for an area that is none; rows not used are not judged."""
    codes, words = file.words("borough")
    names = [borough_name(w) for w in words]
    position = np.array([_UNITS.index(CODES[n]) if n is not None else -1 for n in names], dtype=np.int64)[codes]
    given, spelled = file.words("area code") if "area code" in file.columns else (np.zeros_like(codes), [""])
    none = np.array([is_elsewhere(w) for w in words])[codes] | np.array([s == _NO_AREA for s in spelled])[given]
    wrong = used & (position < 0) & ~none
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"area {shown(words[codes[row]])}",
            where=file.place(row, "borough"),
            expected="the name of a London borough",
        )
    _check_codes(file, used & (position >= 0), position)
    return position


def _check_codes(file: _File, placed: Mask, position: Index) -> None:
    """Refuse a code beside the name of another borough."""
    if "area code" not in file.columns:
        return
    given, spelled = file.words("area code")
    at = np.array([_UNITS.index(s) if s in _UNITS else -1 if s in ("", _NO_AREA) else -2 for s in spelled])[given]
    differ = placed & (at != -1) & (at != position)
    if differ.any():
        row = int(np.argmax(differ))
        codes, words = file.words("borough")
        raise DataError(
            f"code {shown(spelled[given[row]])} beside {shown(words[codes[row]])}",
            where=file.place(row, "area code"),
            expected=f"{_UNITS[position[row]]}, the code of that borough",
        )


def _left_out(file: _File, borough: Mask, offence: Mask, listed: Mask) -> tuple[str, ...]:
    notes = (
        (~borough, "rows by Safer Neighbourhood Team are parts of the boroughs and are not counted again"),
        (borough & ~offence, "rows of positive outcomes are not offences and are not read"),
        (borough & offence & ~listed, "rows of accepted crime that is not notifiable are not read"),
    )
    return tuple(f"{int(mask.sum()):,} {text}" for mask, text in notes if mask.any())


def _elsewhere(file: _File, outside: Mask, outcome: Index, outcomes: list[str]) -> tuple[str, ...]:
    """What was left out because its area is no borough, outcome by outcome since they overlap."""
    if not outside.any():
        return ()
    codes, words = file.words("borough")
    areas = ", ".join(sorted({words[i] for i in np.unique(codes[outside])})[:5])
    sums = np.bincount(outcome[outside], weights=file.sheet.whole[outside, 0], minlength=len(outcomes))
    parts = ", ".join(f"{outcomes[i]} {int(sums[i]):,}" for i in np.flatnonzero(sums)[:8])
    return (f"{int(outside.sum()):,} rows are of no borough ({areas}) and are not counted: {parts}",)
