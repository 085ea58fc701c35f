"""The money of the Partnership Taskforce beside its evaluation: what outputs cost, and what would break even."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.claims.records import read_figures
from cseval.costs import BUDGETS, DEFLATORS, UNIT_COSTS, YEARLY, read_budgets, read_deflators, read_unit_costs
from cseval.costs import unit_costs_of as edition_of
from cseval.money import break_even
from cseval.money_programme import KNOWN_COSTS, UNIT, taskforce_costs
from cseval.money_tables import break_even_table, output_table
from cseval.panel import Provenance
from cseval.register import read_register

if TYPE_CHECKING:
    from cseval.tables import Table

#: The edition whose recorded offences can be scaled to those that were not recorded.
EDITION = "Costs of crime 2019 to 2020"
TITLE = "Figures of the two council papers and published unit costs"
WHOLE_POUNDS = ("cost", "each", "published", "unit_cost")
DECIMALS = {"per_officer_month": 2, "recorded": 1, "actual": 1, "without_anticipation": 1, "multiplier": 2}
NO_BENEFIT = (
    "These are offences that would have to be averted, not offences that were. No benefit is claimed, whatever the "
    "estimates beside this table say."
)


def taskforce_money(reference: Path) -> tuple[tuple[Table, ...], tuple[Provenance, ...]]:
    """What each output of the Taskforce cost, and the break-even of the yearly price that was proposed.

    Parameters
    ----------
    reference : Path
        Folder of the reference tables.

    Returns
    -------
    tables : tuple of Table
        Outputs of the dated year, outputs of three years, break-even by offence; numbers in pounds and counts.
    sources : tuple of Provenance
        The tables that they rest on, each with its hash.

    Raises
    ------
    DataError
        If a table is not what it should be, or lacks a figure that these rest on.
    """
    programmes = {p.slug: p for p in read_register(reference / "programmes.csv")}
    figures = read_figures(reference, programmes)
    budgets = read_budgets(reference / BUDGETS, programmes=programmes)
    deflators = read_deflators(reference / DEFLATORS)
    units = edition_of(read_unit_costs(reference / UNIT_COSTS), EDITION)
    costs = taskforce_costs(figures, budgets, deflators)
    asked = next(b for b in budgets if (b.programme, b.kind) == (UNIT, YEARLY)).cost
    of_year = [c for c in costs if c.output.period.startswith("Year")]
    of_three = [c for c in costs if c not in of_year]
    tables = (
        _rounded(output_table(of_year, notes=(KNOWN_COSTS,)), "taskforce-costs", "in the year to March 2019"),
        _rounded(output_table(of_three, notes=(KNOWN_COSTS,)), "taskforce-costs-three-years", "over three years"),
        _rounded(break_even_table([break_even(asked, u, deflators) for u in units.values()], deflators), "break-even"),
    )
    return tables, tuple(_provenance(reference / name) for name in (BUDGETS, UNIT_COSTS, DEFLATORS))


def _rounded(table: Table, slug: str, when: str = "") -> Table:
    """Pounds whole and counts to the digits that can be read; the unit stands in the heading."""
    values = table.values.rename(columns={"period": "when"})  # a period is a month everywhere else
    pounds = [c for c in WHOLE_POUNDS if c in values]
    values[pounds] = values[pounds].round(0).astype("int64")
    values = values.round({c: digits for c, digits in DECIMALS.items() if c in values})
    headings = {c: f"{text}, £" if c in pounds else text for c, text in table.headings.items()} | {"when": "Period"}
    notes = (*table.notes, *((NO_BENEFIT,) if "recorded" in values else ()))
    source = f"{TITLE}. {table.source}".rstrip(". ")
    title = f"{table.title} {when}".strip()
    return replace(table, slug=slug, title=title, values=values, headings=headings, notes=notes, source=source)


def _provenance(path: Path) -> Provenance:
    content = path.read_bytes()
    return Provenance(
        kind="reference",
        title=TITLE,
        publisher="London Borough of Tower Hamlets; Home Office; HM Treasury",
        licence="Figures cited with their source in each row",
        path=f"data/reference/{path.name}",
        sha256=hashlib.sha256(content).hexdigest(),
        rows=content.count(b"\n") - 1,
        published=True,  # facts of public papers about money and work done, none of them a count of people
    )
