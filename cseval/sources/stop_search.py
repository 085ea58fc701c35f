"""Stop and search by area and month, from the raw monthly files of data.police.uk or a table of counts.

Police activity drives what is recorded: searches find drugs and blades that nobody would have reported. A raw file
gives coordinates, snapped to map points, and the area is the one that holds the point. Times are UTC and are put in
the month they fall in in London. What is without coordinates is in no area; a month that lost too many is not
received (`stop_search_table`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_range
from cseval.sources.files import Summary, check_text
from cseval.sources.sheets import Peek, peek
from cseval.sources.stop_search_files import DIMENSIONS, Stops, list_stops, months_text, read_stops_file, stops_of
from cseval.sources.stop_search_table import (
    CITY,
    OUTSIDE,
    UNPLACED,
    StopSearch,
    coverage_notes,
    is_counts_table,
    read_counts_table,
    shares_lost,
    usable,
)
from cseval.sources.street_files import contents, has_street_files

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

RECORDS, COUNTS = "stop-and-search", "stop-and-search-counts"
#: Which force polices an area; every other area is policed by the force with the most searches in it.
FORCES = {CITY: "city-of-london"}
UTC_NOTE = "times are published in UTC; each search is in the month in which it took place in London"


def recognise(head: Peek) -> str | None:
    """``stop-and-search`` for a raw CSV, a folder or archive of them; ``stop-and-search-counts`` for the table.

    An archive that holds street files as well is of the kind ``police-street``; `read_stops` finds the searches in it.
    """
    if head.form in ("zip", "folder"):
        return RECORDS if not has_street_files(head.path) and stops_of(head.path) else None
    if is_counts_table(head):
        return COUNTS
    wanted = {DIMENSIONS[d] for d in ("self_ethnicity", "officer_ethnicity", "object", "outcome")}
    return RECORDS if head.form == "csv" and {"date", *wanted} <= head.names else None


def summarise(path: Path, kind: str = RECORDS) -> Summary:
    """Read and validate a file, folder or archive and say what it holds.

    Raises
    ------
    DataError
        As `read_stop_search`, but for boundaries, or as `read_counts_table`.
    """
    if kind == COUNTS:
        table = read_counts_table(path)
        rows, periods, notes = len(table.unit), table.periods, table.notes
    else:
        parts, said = _read_parts([path])
        rows, periods = sum(len(p.month) for p in parts), _periods(parts)
        notes = said + _part_notes(parts)
    return Summary(rows=rows, first_month=periods[0], last_month=periods[-1], vintage=periods[-1], notes=notes)


def read_stops(catalogue: Catalogue, boundaries: Path | None = None) -> StopSearch:
    """All imported stop and searches: raw files where there are any, else the table of counts.

    Parameters
    ----------
    catalogue : Catalogue
    boundaries : Path, optional
        Areas to count by; by default the imported borough boundaries.

    Raises
    ------
    DataError
        If there is neither, or boundaries are wanting for raw files.
    """
    tables = [replace(read_counts_table(p), provenance=catalogue.provenance(COUNTS)) for p in catalogue.paths(COUNTS)]
    archives = [p for p in catalogue.paths("police-street") if peek(p).form == "zip" and stops_of(p)]
    raw = [*catalogue.paths(RECORDS), *archives]
    if not raw:
        if not tables:
            catalogue.require(RECORDS)
        return tables[-1]
    areas = boundaries or catalogue.require("borough-boundaries")[0]
    found = read_stop_search(raw, areas, coverage=tables[-1] if tables else None)
    kinds = (RECORDS, COUNTS, "borough-boundaries", *(["police-street"] if archives else []))
    return replace(found, provenance=tuple(p for kind in kinds for p in catalogue.provenance(kind)))


def read_stop_search(
    paths: Iterable[Path],
    boundaries: Path,
    *,
    coverage: StopSearch | None = None,
) -> StopSearch:
    """Read raw stop-and-search files and place each search in an area.

    Parameters
    ----------
    paths : iterable of Path
        CSV or .csv.gz files, folders ``YYYY-MM/YYYY-MM-force-stop-and-search.csv``, archive zips. Of two archives that
        hold the same force and month, the one that ends later is read.
    boundaries : Path
        GeoJSON of the areas, in longitude and latitude.
    coverage : StopSearch, optional
        Which areas and months are usable. Needed for a file whose name does not say its force and month: what such a
        selection leaves out cannot be seen in it.

    Returns
    -------
    StopSearch
        Units are the areas with at least one search. An area and month is received if the file of the force that
        polices the area was, and at most a fifth of its searches lack coordinates. Searches by other forces there are
        left out and counted in the notes.

    Raises
    ------
    DataError
        If a file is unsafe, damaged or not what its name and header say, no search lies in the areas, or a selection
        comes without `coverage`; the message names the row.
    """
    parts, notes = _read_parts(list(paths))
    selection = [p for p in parts if not p.force]
    if selection and coverage is None:
        raise DataError(
            "a file whose name does not say its force and month",
            where="stop and search",
            expected="the name 2018-05-metropolitan-stop-and-search.csv",
            todo="Keep the publisher's name, or import the table of counts as well, which says which months are usable",
        )
    if selection and len(selection) < len(parts):
        raise DataError(
            f"{len(parts) - len(selection)} monthly files beside {len(selection)} with searches of many months",
            where="stop and search",
            expected="either kind alone, since the same searches would count twice",
            todo="`cseval data status` lists them, `cseval data remove NAME` takes one out",
        )
    found = _assemble(parts, *_shapes(boundaries))
    found = replace(found, notes=(UTC_NOTE, *notes, *_part_notes(parts), *found.notes))
    return found if coverage is None else found.covered_by(coverage)


def _read_parts(paths: list[Path]) -> tuple[list[Stops], tuple[str, ...]]:
    members, notes = list_stops(paths)
    return [read_stops_file(check_text(data, m.where), m) for m, data in contents(members)], notes


def _periods(parts: Sequence[Stops]) -> tuple[str, ...]:
    ends = months_text((min(int(p.month.min()) for p in parts), max(int(p.month.max()) for p in parts)))
    return month_range(ends[0], ends[1])


def _part_notes(parts: Sequence[Stops]) -> tuple[str, ...]:
    rows, blank = sum(len(p.month) for p in parts), sum(int((p.place < 0).sum()) for p in parts)
    strays, repeats = sum(p.strays for p in parts), sum(p.repeats for p in parts)
    notes = []
    if blank:
        notes.append(f"{blank:,} of {rows:,} searches have no coordinates and are in no area")
    if strays:
        notes.append(f"{strays:,} searches dated in a neighbouring month are counted in the month of their file")
    if repeats:
        notes.append(
            f"{repeats:,} rows repeat another one; searches have no number, so they may be several people and are kept"
        )
    return tuple(notes)


# Areas ------------------------------------------------------------------------------------------------


def _shapes(boundaries: Path) -> tuple[Sequence[str], npt.NDArray[np.object_], Mapping[str, str]]:
    """Codes in order, outlines and names of the areas, as the boundary reader has them before it simplifies any."""
    from cseval.sources import geography

    features = geography._read(boundaries)
    order = sorted(range(len(features.codes)), key=features.codes.__getitem__)
    return [features.codes[i] for i in order], features.shapes[order], features.names


def locate(points: Floats, shapes: npt.NDArray[np.object_]) -> Index:
    """Position of the area that holds each point, `OUTSIDE` if none; on a common border the first one.

    Parameters
    ----------
    points : float array, shape (points, 2)
        Longitude and latitude.
    shapes : array of shapely polygons, shape (areas,)
    """
    import shapely

    found = np.full(len(points), len(shapes), dtype=np.int64)
    at, area = shapely.STRtree(shapes).query(shapely.points(points), predicate="intersects")
    np.minimum.at(found, at, area)
    return np.where(found == len(shapes), OUTSIDE, found)


def _assemble(
    parts: Sequence[Stops], codes: Sequence[str], shapes: npt.NDArray[np.object_], names: Mapping[str, str]
) -> StopSearch:
    areas = np.concatenate([_area_of(p, shapes) for p in parts])
    seen = np.unique(areas[areas >= 0])
    if not len(seen):
        raise DataError(
            "no search lies in these areas", where="boundaries", expected="areas of the same part of England"
        )
    units = tuple(codes[i] for i in seen)
    unit = np.where(areas >= 0, np.searchsorted(seen, areas), areas)
    periods = _periods(parts)
    period = np.concatenate([p.month for p in parts]) - month_number(periods[0])
    forces = tuple(sorted({p.force for p in parts}))
    force = np.concatenate([np.full(len(p.month), forces.index(p.force)) for p in parts])
    rows = _Rows(unit=unit, period=period, force=force, forces=forces, units=units, periods=periods)
    kept, received, notes = _cover(rows, len(codes))
    merged = {d: _merge([(p.codes[d], p.words[d]) for p in parts]) for d in DIMENSIONS}
    ones = np.ones(len(unit), dtype=np.int64)
    return StopSearch(
        units=units,
        periods=periods,
        unit=unit[kept],
        period=period[kept],
        number=ones[kept],
        codes={d: c[kept] for d, (c, _) in merged.items()},
        words={d: w for d, (_, w) in merged.items()},
        received=received,
        lost=shares_lost(unit[kept], period[kept], ones[kept], len(periods))[1],
        names={u: names[u] for u in units if u in names},
        notes=notes,
    )


def _area_of(part: Stops, shapes: npt.NDArray[np.object_]) -> Index:
    if not len(part.points):
        return np.full(len(part.place), UNPLACED, dtype=np.int64)
    return np.where(part.place < 0, UNPLACED, locate(part.points, shapes)[part.place])


def _merge(parts: Sequence[tuple[Index, Sequence[str]]]) -> tuple[Index, tuple[str, ...]]:
    """Codes of several files as codes of one list of words, in alphabetical order."""
    words = tuple(sorted({w for _, own in parts for w in own}))
    place = {w: i for i, w in enumerate(words)}
    moved = [np.array([place[w] for w in own], dtype=np.int64)[codes] for codes, own in parts]
    return np.concatenate(moved), words


# Coverage ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """Where, when and by which force each search was made."""

    unit: Index
    period: Index
    force: Index
    forces: tuple[str, ...]
    units: tuple[str, ...]
    periods: tuple[str, ...]

    def counts(self, force: int) -> Index:
        """Searches of one force by area and month."""
        keep = (self.force == force) & (self.unit >= 0)
        at = self.unit[keep] * len(self.periods) + self.period[keep]
        shape = (len(self.units), len(self.periods))
        return np.bincount(at, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _cover(rows: _Rows, areas: int) -> tuple[Mask, Mask, tuple[str, ...]]:
    """Which rows are kept, which areas and months are received, and what there is to say of the rest."""
    by_force = np.stack([rows.counts(k) for k in range(len(rows.forces))])
    own = by_force.sum(axis=2).argmax(axis=0)
    selection = rows.forces == ("",)
    for i, unit in enumerate(rows.units):
        if unit in FORCES and not selection:
            own[i] = rows.forces.index(FORCES[unit]) if FORCES[unit] in rows.forces else -1
    received, told = np.zeros(by_force.shape[1:], dtype=bool), []
    for k, name in enumerate(rows.forces):
        mine = rows.force == k
        every, lost = shares_lost(rows.unit[mine], rows.period[mine], np.ones(mine.sum()), len(rows.periods))
        months = (own == k)[:, None] & (every > 0)
        kept, hollow = usable(months, lost, by_force[k])
        received |= kept
        told += [f"{name}: {note}" if name else note for note in coverage_notes(rows.periods, every, lost, hollow)]
    foreign = (rows.unit >= 0) & (np.append(own, -1)[rows.unit] != rows.force)
    told += _left_out(rows, own, foreign, areas)
    return ~foreign, received, tuple(told)


def _left_out(rows: _Rows, own: Index, foreign: Mask, areas: int) -> list[str]:
    notes = []
    outside = int((rows.unit == OUTSIDE).sum())
    if outside:
        notes.append(f"{outside:,} searches lie outside the areas and are not counted")
    if foreign.any():
        by = Counter(rows.forces[k] for k in rows.force[foreign].tolist())
        told = ", ".join(f"{n:,} by {force}" for force, n in sorted(by.items()))
        notes.append(f"searches by a force that does not police the area are not counted: {told}")
    unpoliced = [u for u, k in zip(rows.units, own.tolist(), strict=True) if k < 0]
    if unpoliced:
        notes.append(f"the files of the force that polices {', '.join(unpoliced)} were not given: not received")
    if areas > len(rows.units):
        notes.append(f"{areas - len(rows.units)} areas of the boundaries have no search in any month and are left out")
    return notes
