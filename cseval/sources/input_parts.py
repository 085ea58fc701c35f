"""Steps that the inputs of ward and borough evaluations share: groups, residents, coverage, reference columns."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cseval.inputs import Roles
    from cseval.panel import Panel
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Window

#: Share of the window's months in which an outcome of a second source must have been received to be used.
LEAST_COVER = 0.9


def in_districts(panel: Panel, names: Iterable[str]) -> frozenset[str]:
    """Units of the panel whose district is one of `names`."""
    wanted = frozenset(names)
    return frozenset(u for u in panel.units if panel.districts.get(u) in wanted)


def require_known(roles: Roles, panel: Panel, path: Path, what: str) -> None:
    """Refuse a role for a code that has no counts, naming the file that a non-programmer edits.

    Parameters
    ----------
    roles : Roles
    panel : Panel
    path : Path
        The roles CSV.
    what : str
        What the units are, such as ``wards``.

    Raises
    ------
    DataError
        Naming the file, a code that is unknown and some that are known.
    """
    unknown = sorted((roles.treated | roles.buffer | roles.excluded) - frozenset(panel.units))
    if unknown:
        known = ", ".join(f"{unit} ({panel.names.get(unit, '')})".replace(" ()", "") for unit in panel.units[:2])
        raise DataError(
            f"unit {unknown[0]!r} has no counts",
            where=str(path),
            expected=f"codes of {what}, such as {known}",
            todo=f"Put into the column unit the codes of the {what} where the programme ran, a row for each",
        )


def with_population(panel: Panel, catalogue: Catalogue, kind: str) -> Panel:
    """Residents as exposure, from the imported population of this kind; months that it does not reach are noted.

    Raises
    ------
    DataError
        If no imported population holds all units.
    """
    from cseval.sources.population import population_of

    population = population_of(catalogue, kind, panel.units)
    carried = [f"{note[0].upper()}{note[1:]}." for note in population.carried(panel.periods)]
    return replace(noted(panel, *carried), exposure=population.exposure(panel.units, panel.periods))


def months_covered(panel: Panel, outcome: str, units: frozenset[str], window: Window) -> int:
    """Months of the window in which `outcome` was received for every one of `units`."""
    rows = [i for i, u in enumerate(panel.units) if u in units]
    inside = [window.first <= p <= window.last for p in panel.periods]
    return int((panel.mask(outcome)[rows].all(axis=0) & np.array(inside)).sum())


def noted(panel: Panel, *notes: str) -> Panel:
    """The panel with more notes."""
    return replace(panel, notes=(*panel.notes, *notes))


def reference_column(path: Path, column: str) -> frozenset[str]:
    """The values of one column of a reference CSV.

    Raises
    ------
    DataError
        If the file cannot be read or has no such column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("cannot be read", where=str(path), expected=f"a CSV with a column {column}") from error
    if not rows or column not in rows[0]:
        raise DataError(f"no column {column!r}", where=str(path), expected=f"a CSV with a column {column}")
    return frozenset(row[column].strip() for row in rows)
