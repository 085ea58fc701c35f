"""Inputs of a ward-level evaluation from imported files: counts, map, roles and comparison groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.inputs import Inputs, read_roles
from cseval.months import month_range
from cseval.project import Project
from cseval.sources.geography import boundaries_for
from cseval.sources.input_parts import (
    LEAST_COVER,
    in_districts,
    months_covered,
    noted,
    reference_column,
    require_known,
    with_population,
)
from cseval.sources.mps import read_wards

if TYPE_CHECKING:
    from cseval.panel import Panel
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Programme, Window

ANTI_SOCIAL_BEHAVIOUR = "anti_social_behaviour"
FORCE = "metropolitan"


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

    Raises
    ------
    DataError
        If a ward of the roles CSV has no counts, or a file is not what its format promises.
    """
    reference = Project.find().reference
    panel = read_wards(catalogue)
    roles = read_roles(reference / programme.roles)
    require_known(roles, panel, reference / programme.roles, "wards")
    for name, parts in sums.items():
        panel = panel.with_sum(name, parts)
    provenance = catalogue.provenance("ward-boundaries")
    if catalogue.has("ward-population"):
        panel = with_population(panel, catalogue, "ward-population")
        provenance += catalogue.provenance("ward-population")
    if catalogue.has("police-street") and catalogue.has("lsoa-lookup"):
        panel = _with_asb(panel, catalogue, roles.treated, window)
        provenance += catalogue.provenance("police-street") + catalogue.provenance("lsoa-lookup")
    return Inputs(
        panel=panel,
        areas=boundaries_for(catalogue, "ward-boundaries", panel.units),
        roles=roles,
        groups=_groups(panel, roles.treated, reference_column(reference / inner, "borough") if inner else frozenset()),
        provenance=provenance,
    )


def _groups(panel: Panel, treated: frozenset[str], inner: frozenset[str]) -> dict[str, frozenset[str]]:
    home = {panel.districts.get(u, "") for u in treated}
    return {"inner": in_districts(panel, inner), "own-borough": in_districts(panel, home)}


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
        return noted(panel, f"Street files are not used: {error}")
    wards = to_wards(streets.panel, read_lookup(catalogue.paths("lsoa-lookup")[0]))
    if ANTI_SOCIAL_BEHAVIOUR not in wards.outcomes:
        return noted(panel, "Street files are not used: they hold no anti-social behaviour.")
    only = replace(
        wards,
        counts={ANTI_SOCIAL_BEHAVIOUR: wards.counts[ANTI_SOCIAL_BEHAVIOUR]},
        received={ANTI_SOCIAL_BEHAVIOUR: wards.mask(ANTI_SOCIAL_BEHAVIOUR)},
        provenance=(),
    )
    merged = panel.merge(only)
    months = months_covered(merged, ANTI_SOCIAL_BEHAVIOUR, treated, window)
    wanted = len(month_range(window.first, window.last))
    if months < LEAST_COVER * wanted:
        return noted(panel, f"Street files are not used: they cover {months} of the window's {wanted} months.")
    return merged
