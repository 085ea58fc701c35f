"""Finding and reading raw stop-and-search files of data.police.uk, and what their words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_text
from cseval.sources.archive import open_archive
from cseval.sources.files import magic, plain, shown
from cseval.sources.sheets import Sheet, all_columns, factor, header_of, sheet_of
from cseval.sources.street_files import Member

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

#: What a search is counted by, and the plain name of the column that says it.
DIMENSIONS = {
    "type": "type",
    "gender": "gender",
    "age": "agerange",
    "self_ethnicity": "selfdefinedethnicity",
    "officer_ethnicity": "officerdefinedethnicity",
    "legislation": "legislation",
    "object": "objectofsearch",
    "outcome": "outcome",
}
#: A published column of categories has some forty words over all years; one with far more is something else.
MOST_WORDS = 120
_PLACED = {"date": "date", "latitude": "latitude", "longitude": "longitude"}
_ALIASES = {name: (alias,) for name, alias in (DIMENSIONS | _PLACED).items()}
_NAME = re.compile(r"(?P<month>\d{4}-(?:0[1-9]|1[0-2]))-(?P<force>[a-z][a-z-]*?)-stop-and-search\.csv(?P<packed>\.gz)?")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")

# Words ------------------------------------------------------------------------------------------------

NO_FURTHER_ACTION, FURTHER_ACTION, NOT_STATED = "no further action", "further action", "not stated"
#: The wording up to December 2017 says that nothing was found; the later one does not say whether anything was.
NOTHING_FOUND = "Nothing found - no further action"
_NO_ACTION = frozenset((plain(NOTHING_FOUND), plain("A no further action disposal")))
_ACTION = frozenset(
    plain(t)
    for t in (
        "Arrest",
        "Article found - Detailed outcome unavailable",
        "Caution (simple or conditional)",
        "Community resolution",
        "Khat or Cannabis warning",
        "Local resolution",
        "Offender cautioned",
        "Offender given drugs possession warning",
        "Offender given penalty notice",
        "Penalty Notice for Disorder",
        "Summons / charged by post",
        "Suspect arrested",
        "Suspect summonsed to court",
    )
)
#: Five groups of the Census of 2011, by how a self-defined ethnicity begins; Chinese people are Asian there.
_BEGINNINGS = (
    ("chineseorotherethnicgroupchinese", "Asian"),
    ("otherethnicgroupnotstated", NOT_STATED),
    ("notstated", NOT_STATED),
    ("chineseorother", "Other"),
    ("other", "Other"),
    ("asian", "Asian"),
    ("black", "Black"),
    ("mixed", "Mixed"),
    ("white", "White"),
)
GROUPS = ("Asian", "Black", "Mixed", "Other", "White")


def outcome_class(word: str) -> str:
    """Whether a recorded outcome is ``no further action`` or ``further action``; ``not stated`` if neither is known."""
    name = plain(word)
    return NO_FURTHER_ACTION if name in _NO_ACTION else FURTHER_ACTION if name in _ACTION else NOT_STATED


def ethnic_group(word: str) -> str:
    """The broad group of a self- or officer-defined ethnicity in any year's wording, or ``not stated``."""
    name = plain(word)
    return next((group for start, group in _BEGINNINGS if name.startswith(start)), NOT_STATED)


# Members ----------------------------------------------------------------------------------------------


def list_stops(paths: Iterable[Path]) -> tuple[list[Member], tuple[str, ...]]:
    """Every stop-and-search file under the paths, one for each force and month, and notes on what was left aside.

    Of two archives that hold the same force and month, the one that ends later is read.

    Raises
    ------
    DataError
        If a path holds none, an archive is unsafe, or a force and month is in two files.
    """
    found: list[Member] = []
    for path in paths:
        members = stops_of(path)
        if not members:
            raise DataError(
                "no stop-and-search file",
                where=str(path),
                expected="files named like 2018-05-metropolitan-stop-and-search.csv",
            )
        found += members
    held: dict[tuple[str, str, str], Member] = {}
    superseded = 0
    for member in sorted(found, key=lambda m: (m.vintage, str(m.path), m.inside)):
        key = (member.force, member.month, "" if member.month else str(member.path))
        if key in held:
            _require_archives(held[key], member)
            superseded += 1
        held[key] = member
    notes = (f"{superseded} force-months are taken from a later archive",) if superseded else ()
    return sorted(held.values(), key=lambda m: (m.month, m.force, str(m.path), m.inside)), notes


def _require_archives(first: Member, second: Member) -> None:
    if first.path == second.path or not (first.inside and second.inside):
        raise DataError(
            f"{second.month} of {second.force} is also in {first.where}",
            where=second.where,
            expected="each force and month in one file",
            todo="Give only one of them",
        )


def stops_of(path: Path) -> list[Member]:
    """The stop-and-search files of a file, folder or archive, by their names; a single CSV needs no name.

    Raises
    ------
    DataError
        If the path is absent or an archive is unsafe or damaged.
    """
    if path.is_dir():
        return [_member(p) for p in sorted(path.rglob("*")) if p.is_file() and _NAME.fullmatch(p.name)]
    if magic(path)[:2] != b"PK":
        return [_member(path)]
    with open_archive(path) as archive:
        names = sorted(
            n for n in archive.namelist() if (m := _NAME.fullmatch(n.rsplit("/", 1)[-1])) and not m["packed"]
        )
    vintage = max((n.rsplit("/", 1)[-1][:7] for n in names), default="")
    return [_member(path, inside=n, vintage=vintage) for n in names]


def _member(path: Path, inside: str = "", vintage: str = "") -> Member:
    match = _NAME.fullmatch(inside.rsplit("/", 1)[-1] or path.name)
    month, force = (match["month"], match["force"]) if match else ("", "")
    return Member(path=path, inside=inside, month=month, force=force, vintage=vintage)


# Rows -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Stops:
    """The rows of one file.

    Parameters
    ----------
    force : str
        From the file name; empty where it does not say.
    month : int64 array, shape (rows,)
        Month number of each search, in London time.
    place : int64 array, shape (rows,)
        Row of `points`, or -1 without coordinates.
    points : float array, shape (places, 2)
        Longitude and latitude.
    codes : mapping of str to int64 array
        Category of each row, by dimension.
    words : mapping of str to list of str
        What the codes stand for; empty where nothing is recorded.
    strays : int
        Rows dated in another month than the file name says, which are counted in that of the name.
    repeats : int
        Rows that repeat another in every column read; searches have no number, so none is left out.
    """

    force: str
    month: Index
    place: Index
    points: Floats
    codes: Mapping[str, Index]
    words: Mapping[str, Sequence[str]]
    strays: int
    repeats: int


def read_stops_file(data: bytes, member: Member) -> Stops:
    """The rows of one CSV.

    Raises
    ------
    DataError
        Naming the row that is not what the header or the file name promises.
    """
    where = member.where
    header = header_of(data, where)
    expected = "the fifteen columns of data.police.uk: Type, Date, …, Outcome, …"
    found = all_columns(header, _ALIASES, where, expected=expected)
    sheet = sheet_of(data, where, found)
    factors = {name: factor(sheet.text[name]) for name in _ALIASES}
    _check_categories(factors, found, where)
    month, strays = _months(factors["date"], member, found["date"])
    place, points = _points(factors, sheet, where, found)
    table = np.column_stack([factors[name][0] for name in _ALIASES])
    return Stops(
        force=member.force,
        month=month,
        place=place,
        points=points,
        codes={d: factors[d][0] for d in DIMENSIONS},
        words={d: factors[d][1] for d in DIMENSIONS},
        strays=strays,
        repeats=sheet.rows - len(np.unique(table, axis=0)),
    )


def _check_categories(factors: Mapping[str, tuple[Index, list[str]]], found: dict[str, str], where: str) -> None:
    for dimension in DIMENSIONS:
        words = factors[dimension][1]
        if len(words) > MOST_WORDS:
            raise DataError(
                f"{len(words)} different entries",
                where=f"{where}, column {found[dimension]}",
                expected=f"at most {MOST_WORDS} categories",
            )


def _months(dates: tuple[Index, list[str]], member: Member, column: str) -> tuple[Index, int]:
    """Month of each row, and how many are dated in another month than the name of their file."""
    codes, words = dates
    numbers = np.full(len(words), -1, dtype=np.int64)
    for i, word in enumerate(words):
        days = _days_of(word)
        if days is None and (codes == i).any():
            raise _bad_row(codes, i, word, f"{member.where}|{column}", "a date as 2018-05-01T14:30:00+00:00, in UTC")
        numbers[i] = days if days is not None else -1
    month = numbers[codes]
    if not member.month:
        return month, 0
    named = month_number(member.month)
    far = np.flatnonzero(np.abs(month - named) > 1)
    if len(far):
        word = words[codes[far[0]]]
        raise _bad_row(codes, int(codes[far[0]]), word, f"{member.where}|{column}", f"{member.month}, as in the name")
    return np.full_like(month, named), int((month != named).sum())


def _days_of(word: str) -> int | None:
    try:
        return london_month(word) if _STAMP.fullmatch(word) else None
    except (ValueError, OverflowError):
        return None


def london_month(stamp: str) -> int:
    """Number of the month in which a UTC time falls in London.

    Parameters
    ----------
    stamp : str
        ISO 8601; without an offset it is taken as UTC.

    Notes
    -----
    Clocks are an hour ahead from 01:00 UTC on the last Sunday of March to the same hour on the last Sunday of
    October (Summer Time Order 2002, SI 2002/262), so a search at 23:05 UTC on 30 April took place in May.
    """
    moment = datetime.fromisoformat(stamp)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if _last_sunday(moment.year, 3) <= moment < _last_sunday(moment.year, 10):
        moment += timedelta(hours=1)
    return month_number(f"{moment.year:04d}-{moment.month:02d}")


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _points(
    factors: Mapping[str, tuple[Index, list[str]]], sheet: Sheet, where: str, found: dict[str, str]
) -> tuple[Index, Floats]:
    """Which distinct pair of coordinates each row has, -1 for none."""
    degrees = {
        name: _degrees(factors[name], f"{where}|{found[name]}", most)
        for name, most in (("latitude", 90), ("longitude", 180))
    }
    north, east = degrees["latitude"], degrees["longitude"]
    half = np.isnan(north) != np.isnan(east)
    if half.any():
        row = int(np.argmax(half)) + sheet.first
        raise DataError(
            "one coordinate without the other",
            where=f"{where}, row {row}",
            expected="latitude and longitude, or neither",
        )
    place = np.full(sheet.rows, -1, dtype=np.int64)
    placed = ~np.isnan(north)
    points, back = np.unique(np.column_stack([east[placed], north[placed]]), axis=0, return_inverse=True)
    place[placed] = back.ravel()
    return place, np.asarray(points, dtype=np.float64).reshape(-1, 2)


def _degrees(column: tuple[Index, list[str]], place: str, most: int) -> Floats:
    codes, words = column
    values = np.full(len(words), np.nan)
    for i, word in enumerate(words):
        good = re.fullmatch(r"-?\d{1,3}(\.\d{1,20})?", word) is not None and abs(float(word)) <= most
        if word and not good and (codes == i).any():
            raise _bad_row(codes, i, word, place, f"degrees from −{most} to {most}, or a blank")
        values[i] = float(word) if good else np.nan
    return np.asarray(values[codes])


def _bad_row(codes: Index, code: int, word: str, place: str, expected: str) -> DataError:
    where, column = place.rsplit("|", 1)
    row = int(np.argmax(codes == code)) + 2
    return DataError(shown(word), where=f"{where}, row {row}, column {column}", expected=expected)


def months_text(numbers: Iterable[int]) -> tuple[str, ...]:
    """Month numbers as months ``YYYY-MM``."""
    return tuple(month_text(int(n)) for n in numbers)
