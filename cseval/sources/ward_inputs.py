"""Inputs of a ward-level evaluation from imported files: counts, map, roles and comparison groups."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.inputs import Inputs, read_roles
from cseval.project import Project
from cseval.sources.geography import boundaries_for
from cseval.sources.mps import read_wards

if TYPE_CHECKING:
    from cseval.panel import Panel
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Programme

ANTI_SOCIAL_BEHAVIOUR = "anti_social_behaviour"


def ward_inputs(
    catalogue: Catalogue,
    programme: Programme,
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
    if catalogue.has("police-street") and catalogue.has("lsoa-lookup"):
        panel = _with_asb(panel, catalogue)
        provenance += catalogue.provenance("police-street") + catalogue.provenance("lsoa-lookup")
    roles = read_roles(reference / programme.roles)
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


def _with_asb(panel: Panel, catalogue: Catalogue) -> Panel:
    """Anti-social behaviour by ward from street files, kept only where it covers the treated units' months."""
    from cseval.sources.lookup import read_lookup
    from cseval.sources.police_street import read_streets, to_wards

    streets = read_streets(catalogue)
    wards = to_wards(streets.panel, read_lookup(catalogue.paths("lsoa-lookup")[0]))
    if ANTI_SOCIAL_BEHAVIOUR not in wards.outcomes:
        return panel
    only = replace(
        wards,
        counts={ANTI_SOCIAL_BEHAVIOUR: wards.counts[ANTI_SOCIAL_BEHAVIOUR]},
        received={ANTI_SOCIAL_BEHAVIOUR: wards.mask(ANTI_SOCIAL_BEHAVIOUR)},
        provenance=(),
    )
    return panel.merge(only)


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
