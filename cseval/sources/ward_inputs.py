"""Inputs of a ward-level evaluation from imported files: counts, map, roles and comparison groups."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.inputs import Inputs, read_roles
from cseval.months import month_range
from cseval.project import Project
from cseval.sources.geography import boundaries_for
from cseval.sources.mps import read_wards

if TYPE_CHECKING:
    from cseval.panel import Panel
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Programme, Window

ANTI_SOCIAL_BEHAVIOUR = "anti_social_behaviour"
FORCE = "metropolitan"

#: Share of the window's months in which anti-social behaviour must have been received to be the primary outcome.
LEAST_COVER = 0.9


def ward_inputs(
    catalogue: Catalogue,
    programme: Programme,
    window: Window,
    *,
    sums: Mapping[str, tuple[str, ...]],
    inner: str = "",
) -> Inputs:
    """Read Metropolitan Police ward counts and everything that belongs to them.

    Parameters
    ----------
    catalogue : Catalogue
        What has been imported.
    programme : Programme
        Its roles CSV says which wards are treated.
    window : Window
        Months that anti-social behaviour must cover in the treated wards to be used.
    sums : mapping of str to tuple of str
        Outcomes made by adding others.
    inner : str
        Reference CSV with a column ``borough`` that lists the inner boroughs.

    Returns
    -------
    Inputs
        With the groups ``inner`` and ``own-borough``; with residents as exposure where ward population is imported;
        with anti-social behaviour where street files and a lookup from LSOA to ward are.
    """
    reference = Project.find().reference
    panel = read_wards(catalogue)
    for name, parts in sums.items():
        panel = panel.with_sum(name, parts)
    provenance = catalogue.provenance("ward-boundaries")
    if catalogue.has("ward-population"):
        panel = _with_population(panel, catalogue)
        provenance += catalogue.provenance("ward-population")
    roles = read_roles(reference / programme.roles)
    if catalogue.has("police-street") and catalogue.has("lsoa-lookup"):
        panel = _with_asb(panel, catalogue, roles.treated, window)
        provenance += catalogue.provenance("police-street") + catalogue.provenance("lsoa-lookup")
    home = {panel.districts.get(u, "") for u in roles.treated}
    return Inputs(
        panel=panel,
        areas=boundaries_for(catalogue, "ward-boundaries", panel.units),
        roles=roles,
        groups={
            "inner": _in_districts(panel, _column(reference / inner, "borough") if inner else frozenset()),
            "own-borough": _in_districts(panel, frozenset(home)),
        },
        provenance=provenance,
    )


def _in_districts(panel: Panel, names: frozenset[str]) -> frozenset[str]:
    return frozenset(u for u in panel.units if panel.districts.get(u) in names)


def _with_population(panel: Panel, catalogue: Catalogue) -> Panel:
    """Residents as exposure, if the population covers every unit and the panel's years."""
    from cseval.sources.population import population_of

    population = population_of(catalogue, "ward-population", panel.units)
    carried = population.carried(panel.periods)
    note = f"Residents after the last mid-year estimate are carried forward ({len(carried)} months)." if carried else ""
    return replace(
        panel,
        exposure=population.exposure(panel.units, panel.periods),
        notes=(*panel.notes, note) if note else panel.notes,
    )


def _with_asb(panel: Panel, catalogue: Catalogue, treated: frozenset[str], window: Window) -> Panel:
    """Anti-social behaviour by ward from street files of the Metropolitan Police, where it covers the window.

    Files of another force hold stray rows of these wards (crimes mapped just over a border), which are not their
    counts, so only the Metropolitan Police counts as having received a ward of its area.
    """
    from cseval.sources.lookup import read_lookup
    from cseval.sources.police_street import read_streets, to_wards

    try:
        streets = read_streets(catalogue, forces=(FORCE,))
    except DataError as error:
        return _noted(panel, f"Street files are not used: {error}")
    wards = to_wards(streets.panel, read_lookup(catalogue.paths("lsoa-lookup")[0]))
    if ANTI_SOCIAL_BEHAVIOUR not in wards.outcomes:
        return _noted(panel, "Street files are not used: they hold no anti-social behaviour.")
    only = replace(
        wards,
        counts={ANTI_SOCIAL_BEHAVIOUR: wards.counts[ANTI_SOCIAL_BEHAVIOUR]},
        received={ANTI_SOCIAL_BEHAVIOUR: wards.mask(ANTI_SOCIAL_BEHAVIOUR)},
        provenance=(),
    )
    merged = panel.merge(only)
    months = _covered(merged, treated, window)
    wanted = len(month_range(window.first, window.last))
    if months < LEAST_COVER * wanted:
        return _noted(panel, f"Street files are not used: they cover {months} of the window's {wanted} months.")
    return merged


def _covered(panel: Panel, treated: frozenset[str], window: Window) -> int:
    """Months of the window received for every treated ward."""
    rows = [i for i, u in enumerate(panel.units) if u in treated]
    inside = [window.first <= p <= window.last for p in panel.periods]
    return int((panel.mask(ANTI_SOCIAL_BEHAVIOUR)[rows].all(axis=0) & np.array(inside)).sum())


def _noted(panel: Panel, note: str) -> Panel:
    return replace(panel, notes=(*panel.notes, note))


def _column(path: Path, column: str) -> frozenset[str]:
    """The values of one column of a reference CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("cannot be read", where=str(path), expected=f"a CSV with a column {column}") from error
    if not rows or column not in rows[0]:
        raise DataError(f"no column {column!r}", where=str(path), expected=f"a CSV with a column {column}")
    return frozenset(row[column].strip() for row in rows)
