"""Home Office knife crime by police force and quarter: London against the rest of England and Wales, as context.

One row per force and quarter of a financial year, which starts in April. Nothing in it is about a borough, so it is
never an outcome; it says how recorded knife crime moved in London as a whole and elsewhere in the same years.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import add_months, month_words
from cseval.sources.files import Summary, shown
from cseval.sources.sheets import Peek, Sheet, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue
    from cseval.tables import Table

    Counts = npt.NDArray[np.int64]
    Index = npt.NDArray[np.int64]

KIND = "home-office-knife-force"
LONDON = "Metropolitan Police"
_ALIASES: dict[str, tuple[str, ...]] = {
    "force": ("forcename",),
    "year": ("financialyear",),
    "quarter": ("financialquarter",),
    "count": ("knifecrime",),
}
_YEAR = re.compile(r"(\d{4})/(\d{2})")
_HEADINGS = {
    "quarter": "Quarter of the financial year",
    "first_month": "First month",
    "london": "Metropolitan Police, offences in the quarter",
    "elsewhere": "Rest of England and Wales, offences in the quarter",
    "london_year": "Metropolitan Police, last four quarters",
    "elsewhere_year": "Rest of England and Wales, last four quarters",
    "london_share": "Metropolitan Police's share of the last four quarters",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Forces:
    """Knife crime by force and quarter.

    Parameters
    ----------
    forces : tuple of str
    quarters : tuple of str
        ``2018/19 Q1``, in order, without a gap.
    counts : int64 array, shape (forces, quarters)
    """

    forces: tuple[str, ...]
    quarters: tuple[str, ...]
    counts: Counts

    @property
    def first_months(self) -> tuple[str, ...]:
        """First month ``YYYY-MM`` of each quarter; Q1 starts in April."""
        return tuple(_first_month(q) for q in self.quarters)


def recognise(head: Peek) -> str | None:
    """``home-office-knife-force`` if the header is that of the table by force and financial quarter."""
    if head.form not in ("csv", "parquet"):
        return None
    return KIND if {names[0] for names in _ALIASES.values()} <= head.names else None


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file and say what it holds.

    Raises
    ------
    DataError
        As `read_forces`.
    """
    found = read_forces(path)
    last = add_months(found.first_months[-1], 2)
    note = f"{len(found.forces)} forces, every one with {len(found.quarters)} quarters"
    return Summary(
        rows=found.counts.size,
        first_month=found.first_months[0],
        last_month=last,
        vintage=found.quarters[-1],
        notes=(note,),
    )


def read_forces(path: Path) -> Forces:
    """Read a table of knife crime by force and quarter.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet with the columns Force Name, Financial Year, Financial Quarter, Knife Crime; others
        (rates, scores, parts of the count, which hold corrections below zero) are not read.

    Raises
    ------
    DataError
        If a column, year, quarter or count is not what the format promises, a force and quarter occurs twice or is
        absent, or the Metropolitan Police is; the message names the row.
    """
    head, where = peek(path), str(path)
    if head.form not in ("csv", "parquet"):
        raise DataError(f"a {head.form} file", where=where, expected="a CSV or Parquet table")
    found = match_columns(head.columns, _ALIASES, where)
    missing = [w for w in _ALIASES if w not in found]
    if missing:
        raise DataError(
            f"no {missing[0]} column (header {shown(', '.join(head.columns))})",
            where=f"{where}, row 1",
            expected="Force Name, Financial Year, Financial Quarter, Knife Crime",
        )
    sheet = read_sheet(path, {w: found[w] for w in ("force", "year", "quarter")}, [found["count"]])
    force, forces = factor(sheet.text["force"])
    if LONDON not in forces or "" in forces:
        raise DataError(
            f"no row of the {LONDON}" if LONDON not in forces else "a row without a force",
            where=f"{where}, column {found['force']}",
            expected="every police force by its name",
        )
    return _lay(sheet, force, forces, _quarters(sheet, found, where), where)


def _quarters(sheet: Sheet, found: dict[str, str], where: str) -> Index:
    """Number of each row's quarter: four times the year in which it starts, plus 0 to 3."""
    year, years = factor(sheet.text["year"])
    quarter, quarters = factor(sheet.text["quarter"])
    starts = np.array([_start_year(y) for y in years], dtype=np.int64)[year]
    number = np.array([int(q[1]) - 1 if re.fullmatch(r"Q[1-4]", q) else -1 for q in quarters], dtype=np.int64)[quarter]
    for column, values, codes, words, form in (
        ("year", starts, year, years, "a financial year as 2018/19"),
        ("quarter", number, quarter, quarters, "Q1 to Q4"),
    ):
        if (values < 0).any():
            row = int(np.argmax(values < 0))
            raise DataError(
                f"{column} {shown(words[codes[row]])}",
                where=f"{where}, row {row + sheet.first}, column {found[column]}",
                expected=form,
            )
    return starts * 4 + number


def _start_year(text: str) -> int:
    """The year in which a financial year starts, -1 if the text is none."""
    match = _YEAR.fullmatch(text)
    if match is None or (int(match[1]) + 1) % 100 != int(match[2]) or not 1990 <= int(match[1]) <= 2100:
        return -1
    return int(match[1])


def _lay(sheet: Sheet, force: Index, forces: list[str], quarter: Index, where: str) -> Forces:
    names = sorted(forces)
    row = np.array([names.index(f) for f in forces], dtype=np.int64)[force]
    first, last = int(quarter.min()), int(quarter.max())
    counts = np.full((len(names), last - first + 1), -1, dtype=np.int64)
    key = row * counts.shape[1] + quarter - first
    _require_once(key, sheet, where)
    counts.reshape(-1)[key] = sheet.whole[:, 0]
    quarters = tuple(_quarter_text(q) for q in range(first, last + 1))
    if (counts < 0).any():
        i, j = np.argwhere(counts < 0)[0]
        raise DataError(f"no row for {names[i]} in {quarters[j]}", where=where, expected="every force in every quarter")
    return Forces(forces=tuple(names), quarters=quarters, counts=counts)


def _require_once(key: Index, sheet: Sheet, where: str) -> None:
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[back] != np.arange(len(key)))
    if len(again):
        row = int(again[0])
        raise DataError(
            f"the same force and quarter as row {int(first[back[row]]) + sheet.first}",
            where=f"{where}, row {row + sheet.first}",
            expected="each force and quarter once",
        )


def _quarter_text(number: int) -> str:
    year, quarter = divmod(number, 4)
    return f"{year}/{(year + 1) % 100:02d} Q{quarter + 1}"


def _first_month(quarter: str) -> str:
    return add_months(f"{quarter[:4]}-04", 3 * (int(quarter[-1]) - 1))


def force_context(catalogue: Catalogue) -> Table | None:
    """Knife crime in London and in the rest of England and Wales, quarter by quarter; None if not imported.

    Parameters
    ----------
    catalogue : Catalogue
        Of several files of kind ``home-office-knife-force`` the one that ends last is used.

    Returns
    -------
    Table or None
        One row a quarter: `quarter` (``2018/19 Q1``), `first_month` (``YYYY-MM``), `london` and `elsewhere` (offences
        in the quarter), `london_year` and `elsewhere_year` (sums of the last four quarters, empty for the first
        three), `london_share` (of the two sums, 0 to 1).

    Raises
    ------
    DataError
        As `read_forces`.
    """
    files = [read_forces(path) for path in catalogue.paths(KIND)]
    if not files:
        return None
    return _table(max(files, key=lambda f: f.first_months[-1]), catalogue)


def _table(found: Forces, catalogue: Catalogue) -> Table:
    import pandas as pd

    from cseval.tables import Table

    london = found.counts[found.forces.index(LONDON)]
    elsewhere = found.counts.sum(axis=0) - london
    values = pd.DataFrame({"quarter": found.quarters, "first_month": found.first_months})
    values["london"], values["elsewhere"] = london, elsewhere
    values["london_year"] = values["london"].rolling(4).sum().astype("Int64")
    values["elsewhere_year"] = values["elsewhere"].rolling(4).sum().astype("Int64")
    total = values["london_year"] + values["elsewhere_year"]
    values["london_share"] = (values["london_year"] / total).astype("Float64")
    source = catalogue.provenance(KIND)[0]
    return Table(
        slug="force-context",
        title="Knife crime recorded by the Metropolitan Police and elsewhere in England and Wales, by quarter",
        values=values,
        headings=_HEADINGS,
        notes=(
            f"{len(found.forces)} police forces from {month_words(found.first_months[0])}; a force that is not in the "
            "file is not in the rest.",
            "Context only: counts of whole forces say nothing of one borough. Methods of counting differ between "
            "forces and have changed over the years, so levels are not comparable; courses are, with care.",
        ),
        source=f"{source.publisher}, {source.title}",
    )
