"""Money: what outputs cost, what would have to be averted to be worth a price, and a benefit only where one is told."""

from __future__ import annotations

import calendar
import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.errors import CsevalError, DataError, EstimationError

if TYPE_CHECKING:
    from cseval.costs import Budget
    from cseval.money import BreakEven, Deflators, UnitCost
    from cseval.money_benefit import Appraisal, Averted
    from cseval.panel import Provenance
    from cseval.part import Ground, PartResult
    from cseval.result import EvaluationResult
    from cseval.tables import Table

#: The edition whose recorded offences can be scaled to those that were not recorded.
EDITION = "Costs of crime 2019 to 2020"
#: The offence whose curve is drawn: the one that the Taskforce's evaluation is about.
DRAWN = "violence_with_injury"
WHOSE_PRICE = (
    "That price is the one asked for the ASB and Drug Suppression Unit of 2021-22, which was to follow the Taskforce; "
    "what the Taskforce itself cost in a year is not on record."
)
TITLE = "Figures of the two council papers and published unit costs"
PUBLISHERS = "London Borough of Tower Hamlets; Home Office; HM Treasury"
WHOLE_POUNDS = ("cost", "each", "published", "unit_cost", "net_benefit", "value", "cost_each")
DECIMALS = {"per_officer_month": 2, "recorded": 1, "actual": 1, "without_anticipation": 1, "multiplier": 2}
NO_BENEFIT = (
    "These are offences that would have to be averted, not offences that were. No benefit is claimed by it, whatever "
    "the estimates beside this table say."
)
OFFICERS_PAID = (
    "Cost laid on it: of the officers known to be in post over the {months} months of the effect. If more came, it "
    "cost more, and each pound bought less."
)
NO_PRICE_YEAR = "The sum agreed has no price year and years that are not known, so it is not set against a value."
IN_PLACE_OF = "Unit costs are averages of the country; what an offence costs in one borough is not known"


@dataclass(frozen=True, kw_only=True)
class BreakEvenMoney:
    """Offences that a programme with a yearly price would have to avert to be worth it, with the curve of one.

    Parameters
    ----------
    programme : str
        Slug of the programme whose yearly price is in ``data/reference/budgets.csv``.
    name : str
        What the part is called where it is left out.
    """

    programme: str
    name: str = "money"

    def run(self, ground: Ground) -> PartResult:
        """The break-even by offence.

        Raises
        ------
        DataError
            If the data of the run are simulated, or a table lacks a figure that this rests on.
        """
        from cseval.part import PartResult

        books = _Books.of(ground, self.name)
        found = books.break_even(self.programme)
        return PartResult(
            slug="money",
            heading="What it would have to avert to be worth its price",
            headline=books.headline(found),
            sentences=(NO_BENEFIT,),
            tables=(books.table(found),),
            folded=(books.curve(found),),
            figures=books.figures(found),
            weaknesses=(IN_PLACE_OF,),
            sources=books.sources(),
        )


@dataclass(frozen=True, kw_only=True)
class TaskforceMoney:
    """What each output of the Partnership Taskforce cost, the break-even of the price asked, and the benefit if any.

    Parameters
    ----------
    name : str
        What the part is called where it is left out.
    """

    name: str = "money"

    def run(self, ground: Ground) -> PartResult:
        """Costs of outputs, break-even and appraisal of the primary effect, which costs nothing else if it fails.

        Raises
        ------
        DataError
            If the data of the run are simulated, or a table lacks a figure that this rests on.
        """
        from cseval.claims.register import ACTIVITIES, STAFFING
        from cseval.money_programme import UNIT
        from cseval.part import PartResult

        books = _Books.of(ground, self.name)
        of_year, of_three = books.outputs()
        found = books.break_even(UNIT)
        appraised, said = _benefit(books, ground)
        tables = (of_year, *((books.benefit_table(appraised),) if appraised else ()))
        return PartResult(
            slug="money",
            heading="What it cost, and what would be worth it",
            headline=books.arrest_words(of_year),
            sentences=(f"{books.headline(found)} {WHOSE_PRICE}", *said),
            tables=tables,
            folded=(of_three, books.table(found), books.curve(found)),
            printed={table.slug: printed_table(table) for table in (*tables, of_three)},
            figures=books.figures(found),
            weaknesses=(IN_PLACE_OF,),
            sources=books.sources(ACTIVITIES, STAFFING),
        )


def _benefit(books: _Books, ground: Ground) -> tuple[tuple[Appraisal, ...], tuple[str, ...]]:
    """The effect against each cost, and what is said of it: of the highest cost, so that no benefit is flattered."""
    if ground.result is None:
        return (), ()
    try:
        found = books.appraisals(ground.result, ground.seed)
    except CsevalError as error:
        return (), (f"No benefit is worked out: {error}",)
    return found, _benefit_words(max(found, key=lambda a: a.cost.amount))


def _benefit_words(found: Appraisal) -> tuple[str, ...]:
    from cseval.money_words import benefit_sentences, pounds, pounds_interval

    first = benefit_sentences(found)[:1]
    if found.benefit is None:
        return first
    net = found.benefit.net
    less = f"Less the cost, that is {pounds(net[0])} (95% interval {pounds_interval(*net[1:])})."
    return (*first, less, f"The cost is the higher of the two in the table: {found.cost.assumption}.")


@dataclass(frozen=True, kw_only=True)
class _Books:
    """The tables of money of a project, and what is worked out from them."""

    reference: Path
    budgets: Sequence[Budget]
    deflators: Deflators
    units: Mapping[str, UnitCost]
    figures_read: Any

    @classmethod
    def of(cls, ground: Ground, name: str) -> _Books:
        from cseval.claims.records import read_figures
        from cseval.costs import BUDGETS, DEFLATORS, UNIT_COSTS, read_budgets, read_deflators, read_unit_costs
        from cseval.costs import unit_costs_of as edition_of
        from cseval.inputs import DEMONSTRATION

        if ground.data == DEMONSTRATION:
            raise DataError(
                "money of a real programme says nothing of a simulated effect",
                where=name,
                expected="a run on real data",
            )
        programmes, reference = ground.registry.programmes, ground.reference
        return cls(
            reference=reference,
            budgets=read_budgets(reference / BUDGETS, programmes=programmes),
            deflators=read_deflators(reference / DEFLATORS),
            units=edition_of(read_unit_costs(reference / UNIT_COSTS), EDITION),
            figures_read=read_figures(reference, programmes),
        )

    def sources(self, *further: str) -> tuple[Provenance, ...]:
        """The tables that the money rests on, each with its hash; `further` ones by the names of their files."""
        from cseval.costs import BUDGETS, DEFLATORS, UNIT_COSTS
        from cseval.registry.provenance import provenance_of

        paths = (self.reference / name for name in (BUDGETS, UNIT_COSTS, DEFLATORS, *further))
        return tuple(provenance_of(path, title=TITLE, publisher=PUBLISHERS) for path in paths)

    # Break-even

    def break_even(self, programme: str) -> tuple[BreakEven, ...]:
        """The break-even of a programme's yearly price, by offence."""
        from cseval.costs import YEARLY
        from cseval.money import break_even

        asked = [b for b in self.budgets if (b.programme, b.kind) == (programme, YEARLY)]
        if len(asked) != 1:
            raise DataError(f"{len(asked)} yearly prices of {programme}", where="budgets.csv", expected="one")
        return tuple(break_even(asked[0].cost, unit, self.deflators) for unit in self.units.values())

    def headline(self, found: Sequence[BreakEven]) -> str:
        """The break-even of the offence that is drawn."""
        from cseval.money_words import break_even_sentence

        return break_even_sentence(_drawn(found))

    def table(self, found: Sequence[BreakEven]) -> Table:
        """The break-even by offence, rounded."""
        from cseval.money_tables import break_even_table

        table = break_even_table(found, self.deflators)
        kept = table.values.drop(columns=["yearly", "share"], errors="ignore")
        return rounded_table(replace(table, values=kept), "break-even", notes=(NO_BENEFIT,))

    def curve(self, found: Sequence[BreakEven]) -> Table:
        """Net benefit by offences averted, of the offence that is drawn."""
        from cseval.money import break_even_curve
        from cseval.money_tables import curve_table

        drawn = _drawn(found)
        return rounded_table(curve_table(drawn, break_even_curve(drawn)), "break-even-curve")

    def figures(self, found: Sequence[BreakEven]) -> dict[str, partial[Any]]:
        """The curve of one offence, and the break-even of all."""
        from cseval.money import break_even_curve
        from cseval.reporting.figures_money import break_even_figure, curve_figure

        drawn = _drawn(found)
        return {
            "break-even-curve": partial(curve_figure, drawn, break_even_curve(drawn), TITLE),
            "break-even": partial(break_even_figure, tuple(found), TITLE),
        }

    # Outputs

    def outputs(self) -> tuple[Table, Table]:
        """What each output cost in the year that has dates, and over the years that have none."""
        from cseval.money_programme import KNOWN_COSTS, taskforce_costs
        from cseval.money_tables import output_table

        costs = taskforce_costs(self.figures_read, self.budgets, self.deflators)
        dated = [c for c in costs if not math.isnan(c.per_officer_month)]  # officers in post are known for dated ones
        others = [c for c in costs if math.isnan(c.per_officer_month)]
        of_year = rounded_table(output_table(dated, notes=(KNOWN_COSTS,)), "taskforce-costs")
        of_three = rounded_table(output_table(others, notes=(KNOWN_COSTS,)), "taskforce-costs-three-years")
        return (
            replace(of_year, title=f"{of_year.title} in the year to March 2019"),
            replace(of_three, title=f"{of_three.title} over three years"),
        )

    def arrest_words(self, of_year: Table) -> str:
        """What an arrest cost, from the least to the most that the papers allow."""
        from cseval.money_words import pounds

        rows = of_year.values[of_year.values["output"] == "Arrests"]
        least, most = float(rows["each"].min()), float(rows["each"].max())
        return (
            "What was spent is in neither paper: an arrest of the year to March 2019 would have cost from "
            f"{pounds(least)} to {pounds(most)}, by which sum in them, of prices of different years, is laid on it."
        )

    # Benefit

    def appraisals(self, result: EvaluationResult, seed: int) -> tuple[Appraisal, ...]:
        """The primary effect against the officers in post in its months, at each price of an officer.

        Raises
        ------
        DataError
            If officers in post are not known for every day of those months.
        EstimationError
            If the outcome has no published unit cost, the effect is no ratio, or too few areas bound it.
        """
        from cseval.money_benefit import MonteCarlo, appraise
        from cseval.money_programme import officer_costs

        effect = averted_of(result)
        unit = self.units.get(effect.outcome)
        if unit is None:
            expected = "one of " + ", ".join(self.units)
            raise EstimationError(f"{effect.outcome} has no unit cost", expected=expected)
        _require_draws(effect)
        officers = self.officer_months(_months_after(result), effect.months)
        costs = officer_costs(self.figures_read, self.budgets, self.deflators, officers)
        return tuple(
            appraise(
                effect, replace(cost, months=effect.months), unit, self.deflators, uncertainty=MonteCarlo(seed=seed)
            )
            for cost in costs
        )

    def officer_months(self, span: tuple[datetime.date, datetime.date], months: int) -> float:
        """Officers times months in post from one day to another."""
        from cseval.money import officer_months
        from cseval.money_programme import TASKFORCE

        posts = self.figures_read.in_post(TASKFORCE, *span)
        return officer_months(((row.officers, days) for row, days in posts), months)

    def benefit_table(self, found: Sequence[Appraisal]) -> Table:
        """What averted offences are worth against each cost; empty where nothing may be claimed."""
        from cseval.money_tables import HEADINGS, benefit_table

        table = benefit_table(found, self.deflators)
        values = table.values.copy()
        values.insert(3, "assumption", [a.cost.assumption for a in found])
        headings = {**table.headings, "assumption": HEADINGS["assumption"]}
        paid = OFFICERS_PAID.format(months=found[0].effect.months)
        return rounded_table(replace(table, values=values, headings=headings), "benefit", notes=(paid, NO_PRICE_YEAR))


def _drawn(found: Sequence[BreakEven]) -> BreakEven:
    return next(b for b in found if b.unit.outcome == DRAWN)


def _months_after(result: EvaluationResult) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of the months that the effect is counted over."""
    design = result.primary.design
    months = [m for m, after in zip(design.periods, design.post, strict=True) if after]
    first, last = (datetime.date.fromisoformat(f"{m}-01") for m in (months[0], months[-1]))
    return first, last.replace(day=calendar.monthrange(last.year, last.month)[1])


def _require_draws(effect: Averted) -> None:
    """Refuse a benefit whose interval would end at the furthest of few areas."""
    from cseval.money_benefit import LEAST_DRAWS
    from cseval.verdict import REDUCTION

    drawn = len(effect.placebo)
    if effect.verdict == REDUCTION and drawn < LEAST_DRAWS:
        found = f"the effect is held against {drawn} other areas, too few for an interval in pounds"
        raise EstimationError(found, expected=f"at least {LEAST_DRAWS}")


def averted_of(result: EvaluationResult) -> Averted:
    """The primary effect as incidents averted, with those of every placebo brought to the size of the treated area.

    A placebo's log ratio e, where nothing was done, would have been ``E (1 - exp(e))`` incidents of the E expected in
    the treated area.

    Raises
    ------
    EstimationError
        If the effect is no log ratio.
    """
    import numpy as np

    from cseval.estimate import LOG
    from cseval.money_benefit import Averted

    primary = result.primary
    estimate, inferred = primary.estimate, primary.inferred[0]
    if estimate.scale != LOG:
        raise EstimationError(f"an effect on the scale {estimate.scale}", where="money", expected="a ratio of counts")
    middle, low, high = estimate.averted(inferred.conf_low, inferred.conf_high)
    draws = inferred.draws.effects if inferred.draws is not None else np.empty(0)
    return Averted(
        outcome=estimate.outcome,
        middle=middle,
        low=low,
        high=high,
        verdict=primary.verdict,
        months=estimate.post_periods,
        placebo=tuple((estimate.counterfactual * (1 - np.exp(draws))).tolist()),
    )


def rounded_table(table: Table, slug: str, notes: tuple[str, ...] = ()) -> Table:
    """Pounds whole and counts to the digits that can be read; the unit stands in the heading."""
    values = table.values.rename(columns={"period": "when"})  # a period is a month everywhere else
    pounds = [c for c in WHOLE_POUNDS if c in values]
    whole = [c for c in pounds if values[c].notna().all()]
    values[whole] = values[whole].round(0).astype("int64")
    values = values.round({c: digits for c, digits in DECIMALS.items() if c in values})
    empty = [c for c in ("per_officer_month",) if c in values and values[c].isna().all()]
    headings = {c: f"{text}, £" if c in pounds else text for c, text in table.headings.items()} | {"when": "Period"}
    source = f"{TITLE}. {table.source}".rstrip(". ")
    return replace(
        table,
        slug=slug,
        values=values.drop(columns=empty),
        headings=headings,
        notes=(*table.notes, *notes),
        source=source,
    )


def printed_table(table: Table) -> Table:
    """The same in words: pounds, no upper end, and what a count of "over" so many makes of the cost of each."""
    from cseval.money_tables import in_print

    text = in_print(replace(table, values=table.values.rename(columns={"when": "period"})))
    headings = {c: heading.removesuffix(", £") for c, heading in table.headings.items()}
    return replace(text, values=text.values.rename(columns={"period": "when"}), headings=headings)
