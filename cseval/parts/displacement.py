"""Displacement and diffusion from counts: every published measure in one table, ranked among placebo neighbourhoods."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import pandas as pd

    from cseval.inference.base import PlaceboDraws
    from cseval.part import Ground, PartResult
    from cseval.result import AnalysisResult
    from cseval.tables import Table

LEVEL = 0.05
#: What each abbreviation stands for, with the sign that is good.
MEASURES = {
    "GE": "Gross effect: incidents before less incidents after, compared with nothing",
    "NE": "Net effect: incidents for each one in the comparison, before less after",
    "WDQ": "Weighted displacement quotient: the change next door over that in the treated area",
    "TNE": "Total net effect: incidents fewer in both areas together",
    "WDD": "Weighted displacement difference: incidents more or fewer than in the comparison",
    "RIRR": "Relative incident rate ratio: change as a multiple of the comparison's",
}
AREAS = {
    "treated": "treated area",
    "ring 1": "next door",
    "ring 2": "one further",
    "treated and ring 1": "treated area and next door",
}
OWN_ERRORS = (
    "The measures' own intervals take counts for Poisson numbers, and call a change clear in many places where nothing "
    "was done; the reading rests on the rank among placebo neighbourhoods"
)
NEIGHBOURS_HAD_MORE = "Whatever else changed next door in the same months is in what this table says of displacement"


@dataclass(frozen=True, kw_only=True)
class DisplacementMeasures:
    """WDD, WDQ with its guard, GE, NE, TNE and RIRR with overdispersion, for the primary outcome.

    Parameters
    ----------
    name : str
        What the part is called where it is left out.
    """

    name: str = "displacement measures"

    def run(self, ground: Ground) -> PartResult:
        """Every measure with its rank.

        Raises
        ------
        EstimationError
            If there is no evaluation, its primary analysis rests on no placebo neighbourhoods, or nothing is next door.
        DesignError
            If treated units begin in different months.
        """
        from cseval.estimators.displacement_area import area_counts, displacement_table, placebo_measures
        from cseval.part import PartResult

        primary, draws = self._primary(ground)
        counts = area_counts(primary.design)
        if counts.ring_1 is None:
            raise EstimationError("no unit touches the treated area", where=self.name, expected="a neighbour")
        frame = displacement_table(counts, placebos=placebo_measures(primary.design, draws.sets))
        table = measures_table(frame)
        return PartResult(
            slug="displacement-measures",
            heading="Displacement and diffusion, every measure",
            headline=headline(frame),
            sentences=sentences(frame, counts.dispersion),
            tables=(table,),
            printed={table.slug: in_print(table)},
            weaknesses=(NEIGHBOURS_HAD_MORE,),
            of_counts=True,
        )

    def _primary(self, ground: Ground) -> tuple[AnalysisResult, PlaceboDraws]:
        """The primary analysis and the placebo neighbourhoods that it was ranked among."""
        result = ground.result
        found = next((i.draws for i in result.primary.inferred if i.draws is not None), None) if result else None
        if result is None or found is None:
            raise EstimationError(
                "no placebo neighbourhoods to be ranked among",
                where=self.name,
                expected="an evaluation whose primary analysis is ranked among them",
            )
        return result.primary, found


def _row(frame: pd.DataFrame, measure: str, area: str) -> pd.Series:
    return frame[(frame["measure"] == measure) & (frame["area"] == area)].iloc[0]


def headline(frame: pd.DataFrame) -> str:
    """What the difference next door says, with its number."""
    from cseval import formats as f

    near, both = _row(frame, "WDD", "ring 1"), _row(frame, "WDD", "treated and ring 1")
    p = float(near["p_value"])
    own = _row(frame, "WDD", "treated")
    moved = p < LEVEL and float(own["p_value"]) < LEVEL and float(own["estimate"]) < 0
    start = f"Next door {f.fewer_words(-float(near['estimate']))} incidents than expected ({f.p_text(p)})"
    total = f"in both areas together {f.fewer_words(-float(both['estimate']))} ({f.p_text(float(both['p_value']))})"
    if moved:
        return f"{start}, which reads as {near['reads_as']}; {total}."
    return f"There is no clear evidence that incidents moved next door, or that a benefit spread. {start}; {total}."


def sentences(frame: pd.DataFrame, dispersion: float) -> tuple[str, ...]:
    """How far the measures' own errors can be relied on, and what the quotient would need to be read."""
    from cseval import formats as f

    wdd = _row(frame, "WDD", "treated")
    said = [
        f"Ranked among {f.count_text(float(wdd['placebos']))} placebo neighbourhoods, each with rings and a comparison "
        f"of its own. The interval of the weighted displacement difference leaves out nought in "
        f"{f.rate_text(float(wdd['called_clear']), digits=0)} of them, where nothing was done, instead of in 5%.",
        f"Counts vary {f.decimal_text(dispersion, digits=1)} times as much as Poisson numbers from month to month; the "
        "rate ratios allow for that.",
    ]
    quotient = frame[frame["measure"] == "WDQ"]
    if len(quotient) and quotient.iloc[0]["reads_as"] == "no clear evidence":
        said.append(
            "The quotient divides by the change in the treated area, which is not clearly a fall; it is given for "
            "completeness and says nothing here."
        )
    return tuple(said)


def measures_table(frame: pd.DataFrame) -> Table:
    """The table as typed values, one row per measure and area."""
    from cseval.tables import Table

    columns = "measure area estimate std_error conf_low conf_high p_value placebos called_clear reads_as note".split()
    return Table(
        slug="displacement-measures",
        title="Displacement and diffusion by every measure",
        values=frame[columns].rename(columns={"reads_as": "verdict"}),
        headings={
            "measure": "Measure",
            "area": "Where",
            "estimate": "Value",
            "own": "95% by its own error",
            "p_value": "p (placebo)",
            "called_clear": "Own interval errs in",
            "verdict": "Reading",
        },
        notes=(
            *(f"{short}: {words}." for short, words in MEASURES.items()),
            "Own interval errs in: share of placebo neighbourhoods in which the measure's own interval leaves out no "
            "effect. The p-value is the rank among them; the table of rings ranks other quantities among other sets.",
            OWN_ERRORS + ".",
        ),
    )


def in_print(table: Table) -> Table:
    """The table for a page: intervals in one column, a reading in words, no note that repeats the legend."""
    import pandas as pd

    from cseval import formats as f

    rows = [
        {
            "measure": row["measure"],
            "area": f.sentence_case(AREAS[row["area"]]),
            "estimate": _number(float(row["estimate"]), row["measure"]),
            "own": _interval(float(row["conf_low"]), float(row["conf_high"]), row["measure"]),
            "p_value": f.p_cell(float(row["p_value"])) if math.isfinite(row["p_value"]) else f.NOT_APPLICABLE,
            "called_clear": f.rate_text(float(row["called_clear"]), digits=0),
            "verdict": f.sentence_case(str(row["verdict"])),
        }
        for row in table.values.to_dict("records")
    ]
    return replace(table, values=pd.DataFrame(rows))


def _number(value: float, measure: str) -> str:
    """Incidents whole, ratios and quotients with the digits they are read by."""
    from cseval import formats as f

    if measure in ("RIRR", "WDQ"):
        return f.decimal_text(value)
    return f.decimal_text(value, digits=4) if measure == "NE" else f.count_text(value)


def _interval(low: float, high: float, measure: str) -> str:
    from cseval import formats as f

    if not (math.isfinite(low) and math.isfinite(high)):
        return f.NOT_APPLICABLE
    return f"{_number(low, measure)} to {_number(high, measure)}"
