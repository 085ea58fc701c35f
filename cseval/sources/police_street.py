"""Street-level crime and anti-social behaviour of data.police.uk, counted by LSOA and month.

A month is received for a force only if the force's file for it was: a missing file is missing, never zero.
Places are snapped to map points, and rows without a place have no LSOA; they are counted, never dropped silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_range
from cseval.panel import Panel
from cseval.sources.files import Summary, check_text, slug
from cseval.sources.sheets import Peek
from cseval.sources.street_files import Member, contents, has_street_files, list_members
from cseval.sources.street_parts import Part, count_file

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue
    from cseval.sources.lookup import Lookup

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

KIND = "police-street"
# A force covers an LSOA if it reports at least this share of its rows; rows that stray over a border do not count.
COVERS = 0.1
# A type that a force reports this often a month cannot be absent by chance (Poisson: 2 in a thousand million).
EXPECTED = 20
TYPES = frozenset(
    slug(t)
    for t in (
        "Anti-social behaviour",
        "Bicycle theft",
        "Burglary",
        "Criminal damage and arson",
        "Drugs",
        "Other crime",
        "Other theft",
        "Possession of weapons",
        "Public order",
        "Robbery",
        "Shoplifting",
        "Theft from the person",
        "Vehicle crime",
        "Violence and sexual offences",
    )
)


@dataclass(frozen=True, kw_only=True, eq=False)
class StreetCounts:
    """Street-level counts and what they cover.

    Parameters
    ----------
    panel : Panel
        LSOA by month, one outcome per crime type.
    received : mapping of str to frozenset of str
        The forces received, by month ``YYYY-MM``.
    forces : tuple of str
    unplaced : mapping of str to int
        Rows without an LSOA, by month.
    duplicates : int
        Rows dropped because they repeat another row in every column, with a Crime ID.
    rows : int
        Rows read.
    """

    panel: Panel
    received: Mapping[str, frozenset[str]]
    forces: tuple[str, ...]
    unplaced: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    rows: int = 0


def recognise(head: Peek) -> str | None:
    """``police-street`` for a street CSV, a folder or an archive."""
    if head.form in ("zip", "folder"):
        return KIND if has_street_files(head.path) else None
    wanted = {"crimeid", "month", "lsoacode", "crimetype"}
    return KIND if head.form == "csv" and wanted <= head.names else None


def summarise(path: Path, kind: str = KIND) -> Summary:
    """Read and validate a file, folder or archive and say what it holds.

    Raises
    ------
    DataError
        As `read_street`.
    """
    street = read_street([path])
    periods = street.panel.periods
    return Summary(
        rows=street.rows, first_month=periods[0], last_month=periods[-1], vintage=periods[-1], notes=street.panel.notes
    )


def read_streets(catalogue: Catalogue, forces: Sequence[str] | None = None) -> StreetCounts:
    """All imported street files.

    Raises
    ------
    DataError
        If there is none, or as `read_street`.
    """
    street = read_street(catalogue.require(KIND), forces)
    return replace(street, panel=replace(street.panel, provenance=catalogue.provenance(KIND)))


def read_street(paths: Iterable[Path], forces: Sequence[str] | None = None) -> StreetCounts:
    """Count street files by LSOA, month and crime type.

    Parameters
    ----------
    paths : iterable of Path
        CSV or .csv.gz files, folders ``YYYY-MM/YYYY-MM-force-street.csv``, archive zips. Of two archives that hold
        the same force and month, the later one is read.
    forces : sequence of str, optional
        Names as in the file names (``metropolitan``, ``city-of-london``); by default all.

    Returns
    -------
    StreetCounts

    Raises
    ------
    DataError
        If a file is unsafe, damaged, or not what its name and header say; the message names the row.
    """
    given = tuple(paths)
    where = ", ".join(str(p) for p in given[:3]) + (" and others" if len(given) > 3 else "")
    members, notes = list_members(given)
    chosen = [m for m in members if forces is None or not m.force or m.force in forces]
    parts, more = _read_parts(sorted(chosen, key=_priority, reverse=True))
    if forces is not None:
        parts = [p for p in parts if p.force in forces]
    if not parts:
        raise DataError("no street file of these forces", where=where, expected=", ".join(forces or ()))
    return _assemble(parts, notes + more, where)


def _priority(member: Member) -> tuple[str, str, str]:
    return member.vintage, str(member.path), member.inside


def _read_parts(members: list[Member]) -> tuple[list[Part], tuple[str, ...]]:
    """Count each member, newest archive first; a force and month that is already held is not read again."""
    held: dict[tuple[str, str], Member] = {}
    parts: list[Part] = []
    superseded = 0
    needed = []
    for member in members:
        key = (member.force, member.month)
        if member.month and key in held and held[key].path != member.path and (held[key].inside or member.inside):
            superseded += 1
        else:
            needed.append(member)
            held.setdefault(key, member)
    done: dict[tuple[str, str], Member] = {}
    for member, data in contents(needed):
        for part in count_file(check_text(data, member.where), member):
            other = done.setdefault((part.force, part.month), member)
            if other is not member:
                raise DataError(
                    f"{part.month} of {part.force} is also in {other.path.name}",
                    where=member.where,
                    expected="each force and month in one file",
                    todo="Import only one of them",
                )
            parts.append(part)
    notes = (f"{superseded} force-months are taken from a later archive",) if superseded else ()
    return parts, notes


def _assemble(parts: list[Part], notes: tuple[str, ...], where: str) -> StreetCounts:
    units = tuple(sorted({u for p in parts for u in p.lsoas}))
    if not units:
        raise DataError("no row with an LSOA", where=where, expected="at least one row with a place")
    periods = month_range(min(p.month for p in parts), max(p.month for p in parts))
    forces = tuple(sorted({p.force for p in parts}))
    types = tuple(sorted({t for p in parts for t in p.types}))
    row = {u: i for i, u in enumerate(units)}
    counts = {t: np.zeros((len(units), len(periods)), dtype=np.int64) for t in types}
    by_force = np.zeros((len(units), len(forces)), dtype=np.int64)
    seen = np.zeros((len(types), len(forces), len(periods)), dtype=np.int64)
    got = np.zeros((len(forces), len(periods)), dtype=bool)
    names: dict[str, str] = {}
    for part in sorted(parts, key=lambda p: (p.month, p.force)):
        at = np.array([row[u] for u in part.lsoas], dtype=np.int64)
        j, f = month_number(part.month) - month_number(periods[0]), forces.index(part.force)
        got[f, j] = True
        by_force[at, f] += part.counts.sum(axis=1)
        for k, outcome in enumerate(part.types):
            counts[outcome][at, j] += part.counts[:, k]
            seen[types.index(outcome), f, j] += part.counts[:, k].sum()
        names |= zip(part.lsoas, part.names, strict=True)
    received, partial = _received(by_force, got, seen, types)
    stray = _stray_note(counts, got)
    months = {p: frozenset(forces[f] for f in np.flatnonzero(got[:, j])) for j, p in enumerate(periods)}
    panel = Panel(
        units=units,
        periods=periods,
        counts=counts,
        received=received,
        names=names,
        districts={u: d for u, n in names.items() if (d := re.sub(r"\s+\d{3}[A-Z]$", "", n))},
        notes=notes + _notes(parts, months, forces) + partial + stray,
    )
    return StreetCounts(
        panel=panel,
        received={m: f for m, f in months.items() if f},
        forces=forces,
        unplaced={m: sum(p.unplaced for p in parts if p.month == m) for m in periods if months[m]},
        duplicates=sum(p.duplicates for p in parts),
        rows=sum(p.rows for p in parts),
    )


def _received(
    by_force: Index, got: Mask, seen: Index, types: tuple[str, ...]
) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Cells received: every force that covers the LSOA was, and its file did not leave the crime type out."""
    covers = by_force >= COVERS * by_force.sum(axis=1, keepdims=True)
    absent = seen == 0
    usual = seen.sum(axis=2) / np.maximum(got.sum(axis=1), 1)
    received: dict[str, Mask] = {}
    notes: list[str] = []
    for k, outcome in enumerate(types):
        dropped = got & absent[k] & (usual[k] >= EXPECTED)[:, None]
        mask = ~((covers[:, :, None] & ~(got & ~dropped)[None]).any(axis=1))
        if not mask.all():
            received[outcome] = mask
        if dropped.any():
            notes.append(f"{outcome} is absent from {int(dropped.sum())} files that should hold it: not received there")
    return received, tuple(notes)


def _stray_note(counts: dict[str, Index], got: Mask) -> tuple[str, ...]:
    """Warn of LSOAs seen in less than half of the months: a neighbouring force's, by the look of it."""
    months = np.flatnonzero(got.any(axis=0))
    seen = np.logical_or.reduce([v[:, months] > 0 for v in counts.values()])
    stray = int((seen.mean(axis=1) < 0.5).sum())
    if not stray:
        return ()
    return (f"{stray:,} LSOAs have rows in less than half of the months and may lie outside the forces received",)


def _notes(parts: list[Part], months: dict[str, frozenset[str]], forces: tuple[str, ...]) -> tuple[str, ...]:
    rows, unplaced = sum(p.rows for p in parts), sum(p.unplaced for p in parts)
    repeats = sum(p.duplicates for p in parts)
    gaps = [f"{f} {m}" for m, present in months.items() for f in forces if f not in present]
    unknown = sorted({t for p in parts for t in p.types} - TYPES)
    notes = []
    if unplaced:
        worst = max(parts, key=lambda p: p.unplaced)
        notes.append(
            f"{unplaced:,} of {rows:,} rows have no LSOA and are in no area (most: {worst.unplaced:,} in {worst.month})"
        )
    if repeats:
        notes.append(f"{repeats:,} rows that repeat another row exactly, with a Crime ID, are counted once")
    if gaps:
        notes.append(f"{len(gaps)} force-months were not received, for example {', '.join(gaps[:3])}")
    if unknown:
        notes.append(f"crime types not seen before, kept as they are: {', '.join(unknown[:5])}")
    return tuple(notes)


def to_wards(panel: Panel, lookup: Lookup) -> Panel:
    """Sum an LSOA panel to wards.

    Parameters
    ----------
    panel : Panel
        Units are LSOA codes of 2011 or 2021, mixed or not.
    lookup : Lookup

    Returns
    -------
    Panel
        A ward is received in a month only if each of its LSOAs was. LSOAs without a ward are in the notes.

    Raises
    ------
    DataError
        If no LSOA of the panel has a ward in the lookup.
    """
    wards = tuple(sorted({lookup.wards[u] for u in panel.units if u in lookup.wards}))
    if not wards:
        raise DataError(
            "no LSOA of the counts has a ward", where="LSOA lookup", expected="a lookup of the same part of England"
        )
    position = {w: i for i, w in enumerate(wards)}
    rows = np.array([i for i, u in enumerate(panel.units) if u in lookup.wards], dtype=np.int64)
    target = np.array([position[lookup.wards[panel.units[i]]] for i in rows], dtype=np.int64)
    shape = (len(wards), len(panel.periods))
    counts, received = {}, {}
    for outcome, values in panel.counts.items():
        counts[outcome] = np.zeros(shape, dtype=np.int64)
        np.add.at(counts[outcome], target, values[rows])
        if outcome in panel.received:
            mask = np.ones(shape, dtype=bool)
            np.logical_and.at(mask, target, panel.received[outcome][rows])
            received[outcome] = mask
    return replace(
        panel,
        units=wards,
        counts=counts,
        received=received,
        exposure=None,
        names={w: n for w, n in lookup.names.items() if w in position},
        districts={w: d for w, d in lookup.districts.items() if w in position},
        notes=panel.notes + _outside_note(panel, lookup),
    )


def _outside_note(panel: Panel, lookup: Lookup) -> tuple[str, ...]:
    outside = [i for i, u in enumerate(panel.units) if u not in lookup.wards]
    if not outside:
        return ()
    total = sum(int(v[outside].sum()) for v in panel.counts.values())
    return (f"{len(outside):,} LSOAs with {total:,} rows have no ward in the lookup and are not counted",)
