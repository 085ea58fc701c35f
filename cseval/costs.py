"""The tables of money in a reference folder: unit costs of crime, price index, budgets of programmes."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cseval.errors import DataError, UsageError
from cseval.money import NAN, Cost, Deflators, UnitCost, financial_year
from cseval.register import csv_table
from cseval.sources.offences import KNOWN

UNIT_COSTS, DEFLATORS, BUDGETS = "unit_costs.csv", "deflators.csv", "budgets.csv"
IN_ALL, YEARLY, PER_CENT_OFF = KINDS = ("in all", "a year", "per cent off")
#: Parts of a unit cost are published to the nearest ten pounds, as their sum is: how far apart they may be, in pounds.
ROUNDING = 20.0
_DEFLATOR_COLUMNS = ("year", "index", "base", "vintage", "source", "table", "verified_in")
_PARTS = ("anticipation", "consequence", "response")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A sum of money of a programme as a paper gives it.

    Parameters
    ----------
    slug, programme : str
    kind : str
        ``in all``, ``a year``, or ``per cent off``, which is no sum but a reduction in per cent.
    value : float
        Pounds, or per cent.
    first, last : str
        Financial years that it covers; empty where the paper gives none.
    price_base : str
        Financial year of its prices; empty where it is cash without a year.
    note, source, paragraph : str
    """

    slug: str
    programme: str
    kind: str
    value: float
    first: str
    last: str
    price_base: str
    note: str
    source: str
    paragraph: str

    @property
    def cost(self) -> Cost:
        """A yearly sum as the cost of twelve months.

        Raises
        ------
        UsageError
            If it is not a yearly sum: nothing says how many months the others are of.
        """
        if self.kind != YEARLY:
            raise UsageError(f"budget {self.slug} {self.kind!r}", expected=f"one of kind {YEARLY!r}")
        return Cost(amount=self.value, months=12, price_year=self.price_base)


# Reading ----------------------------------------------------------------------------------------------


def read_unit_costs(path: Path, *, outcomes: Collection[str] = KNOWN) -> tuple[UnitCost, ...]:
    """Read unit costs of crime, of one edition or several.

    Parameters
    ----------
    path : Path
    outcomes : collection of str
        Outcomes that a unit cost may be of.

    Raises
    ------
    DataError
        If the file is not that table, a cell that is needed is empty (the price base and the source among them), an
        outcome is unknown or comes twice in an edition, a number is not above 0, parts do not add up to their whole, or
        an edition has two price bases; the message names row and column.
    """
    needed = ("edition", "outcome", "offence", "unit_cost", "price_base", "source", "table", "verified_in")
    found: dict[tuple[str, str], UnitCost] = {}
    for where, row in _rows(path, [f.name for f in fields(UnitCost)], "the table of unit costs"):
        _require(row, needed, where)
        _require_one_of(row["outcome"], outcomes, f"{where}, column outcome", "an offence that counts are kept of")
        key = (row["edition"], row["outcome"])
        if key in found:
            raise DataError(f"{key[1]} again", where=f"{where}, column outcome", expected="each once in an edition")
        entry = _unit_cost(row, where)
        _require_one_price_base(entry, found.values(), where)
        found[key] = entry
    return tuple(found.values())


def read_deflators(path: Path) -> Deflators:
    """Read a price index by financial year.

    Raises
    ------
    DataError
        If the file is not that table or has no row, a year is none, does not follow the one above it or comes twice, an
        index is not above 0, or the rows are not of one issue of one publication.
    """
    index: dict[str, float] = {}
    first: dict[str, str] = {}
    for where, row in _rows(path, _DEFLATOR_COLUMNS, "the table of deflators"):
        _require(row, _DEFLATOR_COLUMNS, where)
        year = _financial_year(row["year"], f"{where}, column year")
        if index and year != 1 + max(financial_year(y) for y in index):
            found = f"{row['year']!r} after {max(index)}"
            raise DataError(found, where=f"{where}, column year", expected="every financial year, in order, once")
        first = first or row
        for column in ("base", "vintage", "source"):
            _require_one_of(row[column], (first[column],), f"{where}, column {column}", f"{first[column]!r}, as above")
        index[row["year"]] = _positive(row["index"], f"{where}, column index")
    if not index:
        raise DataError("no rows", where=str(path), expected="a row for each financial year")
    return Deflators(index=index, vintage=first["vintage"], source=first["source"])


def read_budgets(path: Path, *, programmes: Collection[str]) -> tuple[Budget, ...]:
    """Read the budgets of programmes.

    Raises
    ------
    DataError
        If the file is not that table, a cell that is needed is empty, a slug comes twice, programme or kind is unknown,
        a value is not above 0 (a reduction: not below 100), a year is none, a yearly sum has no price base, or two sums
        of one programme cover the same year, which would count money twice.
    """
    found: list[tuple[str, Budget]] = []
    for where, row in _rows(path, [f.name for f in fields(Budget)], "the table of budgets"):
        _require(row, ("slug", "programme", "kind", "value", "source", "paragraph"), where)
        if row["slug"] in (b.slug for _, b in found):
            raise DataError(f"slug {row['slug']!r} again", where=f"{where}, column slug", expected="each slug once")
        _require_one_of(row["programme"], programmes, f"{where}, column programme", "a programme of programmes.csv")
        _require_one_of(row["kind"], KINDS, f"{where}, column kind", "one of " + ", ".join(KINDS))
        entry = _budget(row, where)
        _require_apart(entry, found, where)
        found.append((where, entry))
    return tuple(entry for _, entry in found)


def unit_costs_of(units: Iterable[UnitCost], edition: str) -> Mapping[str, UnitCost]:
    """The unit costs of one edition by outcome.

    Raises
    ------
    DataError
        If there is no such edition.
    """
    known = tuple(units)
    chosen = {u.outcome: u for u in known if u.edition == edition}
    if not chosen:
        editions = ", ".join(sorted({u.edition for u in known}))
        raise DataError(f"no edition {edition!r}", where=UNIT_COSTS, expected=f"one of {editions}")
    return chosen


# Rows -------------------------------------------------------------------------------------------------


def _rows(path: Path, names: Sequence[str], what: str) -> Iterable[tuple[str, dict[str, str]]]:
    """Each row of a CSV file with exactly these columns, and its place for messages."""
    table = csv_table(path, what)
    header = [cell.strip() for cell in table[0]] if table else []
    if sorted(header) != sorted(names):
        odd = sorted(set(header) ^ set(names)) or sorted(n for n in set(header) if header.count(n) > 1)
        found = f"columns that differ in {', '.join(map(repr, odd))}"
        raise DataError(found, where=f"{path}, row 1", expected="the columns " + ", ".join(names))
    for number, cells in enumerate(table[1:], start=2):
        where = f"{path}, row {number}"
        if len(cells) != len(header):
            raise DataError("cells that do not fit the header", where=where, expected=", ".join(names))
        yield where, dict(zip(header, (cell.strip() for cell in cells), strict=True))


def _unit_cost(row: Mapping[str, str], where: str) -> UnitCost:
    _financial_year(row["price_base"], f"{where}, column price_base")
    numbers = {
        column: _positive(row[column], f"{where}, column {column}") if row[column] else NAN
        for column in ("unit_cost", "multiplier", *_PARTS)
    }
    total, given = sum(numbers[p] for p in _PARTS), [p for p in _PARTS if row[p]]
    if given and not abs(total - numbers["unit_cost"]) <= ROUNDING:
        found = f"parts of {total:g}" if len(given) == len(_PARTS) else f"no {_missing(given)}"
        expected = f"three parts that add up to {row['unit_cost']}, or none"
        raise DataError(found, where=f"{where}, columns {', '.join(_PARTS)}", expected=expected)
    values: dict[str, Any] = {**row, **numbers}
    return UnitCost(**values)


def _missing(given: Collection[str]) -> str:
    return " and no ".join(p for p in _PARTS if p not in given)


def _budget(row: Mapping[str, str], where: str) -> Budget:
    for column in ("first", "last", "price_base"):
        if row[column]:
            _financial_year(row[column], f"{where}, column {column}")
    if row["first"] and row["last"] and financial_year(row["last"]) < financial_year(row["first"]):
        expected = f"a year from {row['first']} on, or empty"
        raise DataError(f"{row['last']!r}", where=f"{where}, column last", expected=expected)
    if row["kind"] == YEARLY and not row["price_base"]:
        raise DataError(
            "an empty cell", where=f"{where}, column price_base", expected="the financial year of its prices"
        )
    value = _positive(row["value"], f"{where}, column value")
    if row["kind"] == PER_CENT_OFF and value >= 100:
        raise DataError(f"{row['value']!r}", where=f"{where}, column value", expected="a reduction of less than 100%")
    values: dict[str, Any] = {**row, "value": value}
    return Budget(**values)


# Cells ------------------------------------------------------------------------------------------------


def _require(row: Mapping[str, str], columns: Sequence[str], where: str) -> None:
    for column in columns:
        if not row[column]:
            raise DataError(
                "an empty cell", where=f"{where}, column {column}", expected=f"the {column.replace('_', ' ')}"
            )


def _require_one_of(value: str, known: Collection[str], where: str, expected: str) -> None:
    if value not in known:
        raise DataError(f"{value!r}", where=where, expected=expected)


def _positive(text: str, where: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else NAN
    if not (math.isfinite(value) and value > 0):
        raise DataError(f"{text!r}", where=where, expected="a number above 0, in digits alone")
    return value


def _financial_year(text: str, where: str) -> int:
    try:
        return financial_year(text)
    except UsageError as error:
        raise DataError(f"{text!r}", where=where, expected=f"a financial year, {error.expected}") from error


def _require_one_price_base(entry: UnitCost, others: Iterable[UnitCost], where: str) -> None:
    for other in others:
        if other.edition == entry.edition and other.price_base != entry.price_base:
            expected = f"{other.price_base!r}, as the other rows of {entry.edition}"
            raise DataError(f"{entry.price_base!r}", where=f"{where}, column price_base", expected=expected)


def _require_apart(entry: Budget, found: Sequence[tuple[str, Budget]], where: str) -> None:
    """Refuse a sum for a year that another sum of the programme covers; a year that is not given bounds nothing."""
    for place, other in found:
        sums = PER_CENT_OFF not in (entry.kind, other.kind)
        if sums and entry.programme == other.programme and _starts_by(entry, other) and _starts_by(other, entry):
            raise DataError(
                f"years that overlap those of {place.rpartition(', ')[2]}",
                where=f"{where}, columns first and last",
                expected="one sum a year for each programme",
            )


def _starts_by(entry: Budget, other: Budget) -> bool:
    """Whether `entry` begins before `other` has ended."""
    return not (entry.first and other.last) or financial_year(entry.first) <= financial_year(other.last)
