"""Inputs of a borough-level evaluation from imported files: counts, knife outcomes, map, roles and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.inputs import Inputs, Roles, read_roles
from cseval.months import month_range
from cseval.project import Project
from cseval.sources.boroughs import CODES
from cseval.sources.geography import boundaries_for
from cseval.sources.home_office import KIND as FORCES
from cseval.sources.home_office import force_context
from cseval.sources.input_parts import (
    LEAST_COVER,
    in_districts,
    months_covered,
    noted,
    reference_column,
    require_known,
    with_population,
)
from cseval.sources.mps import read_boroughs

if TYPE_CHECKING:
    from cseval.areas import Areas
    from cseval.panel import Panel
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Programme, Window

#: Incidents over all months from which on an offence of the middle borough is common.
COMMON = 100
POPULATION, BOUNDARIES, DASHBOARD = "borough-population", "borough-boundaries", "mps-dashboard"


def borough_inputs(
    catalogue: Catalogue,
    programme: Programme,
    window: Window,
    *,
    sums: Mapping[str, tuple[str, ...]] | None = None,
    inner: str = "inner_london.csv",
    forces: bool = False,
) -> Inputs:
    """Read Metropolitan Police borough counts, of every month of the files, and everything that belongs to them.

    Parameters
    ----------
    catalogue : Catalogue
        What has been imported.
    programme : Programme
        Its roles CSV says which borough is treated.
    window : Window
        Months that an outcome of the Monthly Crime Dashboard must cover in every borough to be used.
    sums : mapping of str to tuple of str, optional
        Outcomes made by adding others.
    inner : str
        Reference CSV with a column ``borough`` of the inner boroughs; empty for no such groups.
    forces : bool
        Whether knife crime by police force belongs to it, for context.

    Returns
    -------
    Inputs
        With the groups ``inner``, ``outer`` and ``neighbours`` (boroughs that touch a treated one); with residents
        as exposure where borough population is imported; with knife crime and its victims where a Monthly Crime
        Dashboard covers the window, else with a note that says why not.

    Raises
    ------
    DataError
        If borough counts or boundaries are not imported, or a file is not what its format promises.
    """
    reference = Project.find().reference
    panel = _panel(catalogue, window, sums or {})
    roles = read_roles(reference / programme.roles)
    require_known(roles, panel, reference / programme.roles, "boroughs")
    context = force_context(catalogue) if forces else None
    areas = boundaries_for(catalogue, BOUNDARIES, panel.units)
    require_whole(panel, areas)
    kinds = (BOUNDARIES, POPULATION, FORCES) if forces else (BOUNDARIES, POPULATION)
    return Inputs(
        panel=panel,
        areas=areas,
        roles=roles,
        groups=_groups(panel, areas, roles, reference_column(reference / inner, "borough") if inner else frozenset()),
        provenance=tuple(p for kind in kinds for p in catalogue.provenance(kind)),
        context=(context,) if context is not None else (),
    )


def _panel(catalogue: Catalogue, window: Window, sums: Mapping[str, tuple[str, ...]]) -> Panel:
    """Counts with what else was imported, and every sum asked for."""
    panel = _named(read_boroughs(catalogue))
    if catalogue.has(POPULATION):
        panel = with_population(panel, catalogue, POPULATION)
    if catalogue.has(DASHBOARD):
        panel = with_dashboard(panel, catalogue, window)
    for name, parts in sums.items():
        panel = panel.with_sum(name, parts)
    return panel


def require_whole(panel: Panel, areas: Areas) -> None:
    """Refuse counts that lack a borough of the map, or a common offence in one borough altogether.

    The police list a row for every borough and offence that occurred, so either means that a file was cut off or
    edited: the missing months would be read as zeros.

    Raises
    ------
    DataError
        Naming what is missing.
    """
    absent = [u for u in areas.units if u not in set(panel.units) and u != CODES["City of London"]]
    if absent:
        names = ", ".join(f"{areas.names.get(u, '')} ({u})".strip() for u in absent)
        raise _cut_off(f"no counts of {names}", "every borough of the map but the City of London")
    for outcome, counts in panel.counts.items():
        totals = counts.sum(axis=1)
        empty = [u for u, total in zip(panel.units, totals.tolist(), strict=True) if total == 0]
        if empty and sorted(totals.tolist())[len(totals) // 2] >= COMMON:
            what = f"not one {outcome.replace('_', ' ')} in {panel.names.get(empty[0], empty[0])} in any month"
            raise _cut_off(what, "a row for every borough of an offence that is common in the others")


def _cut_off(found: str, expected: str) -> DataError:
    return DataError(
        found,
        where="borough counts",
        expected=expected,
        todo="The file may be cut off: get it again, `cseval data remove` the imported one and import the new one",
    )


def with_dashboard(panel: Panel, catalogue: Catalogue, window: Window) -> Panel:
    """The panel with those outcomes of the imported dashboards that it lacks and that cover the window.

    Outcomes that do not cover it are named in a note.

    Parameters
    ----------
    panel : Panel
        Counts by borough.
    catalogue : Catalogue
        Holds at least one file of kind ``mps-dashboard``.
    window : Window
        An outcome is used if at least 90 % of these months were received for every borough of the panel.

    Raises
    ------
    DataError
        As `cseval.sources.mps_dashboard.read_dashboards`.
    """
    from cseval.sources.mps_dashboard import read_dashboards

    theirs = _only(read_dashboards(catalogue), frozenset(panel.outcomes))
    merged, wanted = panel.merge(theirs), len(month_range(window.first, window.last))
    months = {o: months_covered(merged, o, frozenset(panel.units), window) for o in theirs.outcomes}
    short = {o: n for o, n in months.items() if n < LEAST_COVER * wanted}
    if len(short) == len(months):
        held, most = f"{theirs.periods[0]} to {theirs.periods[-1]}", max(months.values(), default=0)
        return noted(
            panel,
            f"The Monthly Crime Dashboard is not used: it holds {held}, {most} of the window's {wanted} months.",
        )
    notes = [f"{o} of the dashboard is not used: {n} of the window's {wanted} months." for o, n in short.items()]
    return noted(_only(merged, frozenset(short)), *notes)


def _only(panel: Panel, without: frozenset[str]) -> Panel:
    return replace(
        panel,
        counts={o: v for o, v in panel.counts.items() if o not in without},
        received={o: m for o, m in panel.received.items() if o not in without},
    )


def _named(panel: Panel) -> Panel:
    """A note on the one borough that has a police force of its own."""
    if CODES["City of London"] in panel.units:
        return panel
    return noted(panel, "The City of London has its own police force and is not in these counts.")


def _groups(panel: Panel, areas: Areas, roles: Roles, inner: frozenset[str]) -> dict[str, frozenset[str]]:
    held = frozenset(panel.units)
    groups = {"neighbours": areas.ring(roles.treated)[0] & held}
    if inner:
        groups["inner"] = in_districts(panel, inner)
        groups["outer"] = held - groups["inner"]
    return groups
