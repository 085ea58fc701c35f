"""Does what the treated area's own series says hang on how season, trend, errors and other changes are modelled?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, product
from typing import TYPE_CHECKING, Any

from cseval.checks.base import CONCERN, INFORMATION, CheckResult, not_applicable
from cseval.errors import EstimationError, SpecError
from cseval.estimators.its_notes import LEVEL, autocorrelation_p
from cseval.estimators.segmented import SegmentedRegression
from cseval.estimators.segmented_options import (
    Errors,
    Family,
    Harmonics,
    Interruption,
    ModelErrors,
    MonthDummies,
    NeweyWest,
    QuasiPoisson,
    Season,
)
from cseval.formats import MINUS
from cseval.tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from cseval.checks.context import CheckContext
    from cseval.design import Design

NAME = "time-series choices"
QUESTION = "Would the treated area's own series say something else with another season, trend, slope or error model?"

#: Columns of the table: the choices, what was found on the estimation scale and in per cent, the p-value of the test of
#: autocorrelated residuals, and why there is nothing where a choice cannot be fitted.
GRID_COLUMNS = (
    "season trend interruptions errors slope family effect std_error conf_low conf_high percent_change percent_low "
    "percent_high autocorrelation_p believed reason".split()
)


@dataclass(frozen=True, kw_only=True)
class SeriesGrid:
    """The interrupted time series of the treated area under every combination of choices.

    A combination is clear if its 95 % interval leaves out zero, unless it has the model's own errors, which take months
    as independent, and its residuals are autocorrelated (p at most 0.05). Concern if any combination, clear or not,
    has an estimate on the other side of zero than a clear one: then what is found hangs on the choice. Information
    otherwise. Combinations that contradict each other (Prais-Winsten errors of counts) are not part of the grid.

    Parameters
    ----------
    seasons : tuple of Season or None
    errors : tuple of Errors
    slopes : tuple of bool
        Whether the programme may change the slope beside the level.
    trends : tuple of bool
        Whether the series has a trend of its own.
    interruptions : tuple of Interruption
        Other dated changes, each tried with and without, beside those of `base`.
    families : tuple of Family
    base : SegmentedRegression
        What all combinations have in common: further interruptions, offsets.
    """

    seasons: tuple[Season | None, ...] = (None, Harmonics(pairs=2), MonthDummies())
    errors: tuple[Errors, ...] = (ModelErrors(), NeweyWest())
    slopes: tuple[bool, ...] = (False, True)
    trends: tuple[bool, ...] = (True, False)
    interruptions: tuple[Interruption, ...] = ()
    families: tuple[Family, ...] = (QuasiPoisson(),)
    base: SegmentedRegression = field(default_factory=SegmentedRegression)

    def __post_init__(self) -> None:
        if not self.models():
            raise SpecError("no combination that can be fitted", where=NAME, expected="at least one")

    def models(self) -> list[SegmentedRegression]:
        """Every combination that does not contradict itself."""
        bases = [replace(b, trend=t) for b in with_and_without(self.base, self.interruptions) for t in self.trends]
        return [m for b in bases for m in grid_models(b, self.seasons, self.errors, self.slopes, self.families)]

    def run(self, context: CheckContext) -> CheckResult:
        """Fit every combination to the series of the primary analysis' treated area."""
        table = series_grid(context.design, self.models())
        estimated = table[table["effect"].notna()]
        if len(estimated) < 2:
            return not_applicable(NAME, QUESTION, "fewer than two of the time-series models can be fitted")
        sides = grid_sides(estimated)
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=CONCERN if turns(estimated["effect"].tolist(), sides) else INFORMATION,
            statistic=float(estimated["percent_change"].median()),
            reference="the same series under the other choices",
            p_value=math.nan,
            sentence=grid_words(estimated, sides, len(table)),
            table=_table(table),
        )


def with_and_without(base: SegmentedRegression, dated: Sequence[Interruption]) -> list[SegmentedRegression]:
    """The base with every choice of the dated changes, none of them first."""
    chosen = product((False, True), repeat=len(dated))
    return [replace(base, interruptions=(*base.interruptions, *compress(dated, which))) for which in chosen]


def grid_models(
    base: SegmentedRegression,
    seasons: Sequence[Season | None],
    errors: Sequence[Errors],
    slopes: Sequence[bool],
    families: Sequence[Family],
) -> list[SegmentedRegression]:
    """The base with every combination of choices that does not contradict itself."""
    found = []
    for season, error, slope, family in product(seasons, errors, slopes, families):
        if not (error.gaussian_only and family.log_link):
            found.append(replace(base, season=season, errors=error, slope=slope, family=family))
    return found


def series_grid(design: Design, models: Sequence[SegmentedRegression]) -> pd.DataFrame:
    """Effect, interval and autocorrelation of each model, one row each, columns `GRID_COLUMNS`.

    A model that cannot be fitted has NaN and its reason.
    """
    import pandas as pd

    return pd.DataFrame([_row(design, m) for m in models], columns=list(GRID_COLUMNS))


def _row(design: Design, model: SegmentedRegression) -> dict[str, Any]:
    choices = {
        "season": season_words(model.season),
        "trend": model.trend,
        "interruptions": ", ".join(i.label or i.month for i in model.interruptions) or "none",
        "errors": _words(type(model.errors).__name__),
        "slope": model.slope,
        "family": model.family.name,
    }
    try:
        estimate = model.estimate(design)
    except EstimationError as error:
        return {**dict.fromkeys(GRID_COLUMNS, math.nan), **choices, "believed": False, "reason": str(error)}
    change, low, high = estimate.on_scale("percent")
    left = autocorrelation_p(estimate.facts)[1]
    return {
        **choices,
        "errors": estimate.inference,
        "effect": estimate.effect,
        "std_error": estimate.std_error,
        "conf_low": estimate.conf_low,
        "conf_high": estimate.conf_high,
        "percent_change": change,
        "percent_low": low,
        "percent_high": high,
        "autocorrelation_p": left,
        "believed": not (isinstance(model.errors, ModelErrors) and left <= LEVEL),
        "reason": "",
    }


def season_words(season: Season | None) -> str:
    """A season as the table names it."""
    if season is None:
        return "none"
    pairs = getattr(season, "pairs", None)
    return _words(type(season).__name__) + (f" ({pairs} pairs)" if pairs else "")


def _words(name: str) -> str:
    """A class name as words: ``MonthDummies`` becomes ``month dummies``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def grid_sides(table: pd.DataFrame) -> list[int]:
    """For each model -1 or 1 where its interval lies wholly below or above zero and is to be believed, else 0."""
    rows = zip(table["conf_low"], table["conf_high"], table["believed"], strict=True)
    return [(int(low > 0) - int(high < 0)) * int(believed) for low, high, believed in rows]


def turns(effects: Sequence[float], sides: Sequence[int]) -> bool:
    """Whether some estimate lies on the other side of zero than one that is clear."""
    return any(effect * side < 0 for side in set(sides) for effect in effects)


def grid_words(table: pd.DataFrame, sides: Sequence[int], tried: int) -> str:
    """The range of the estimates, how many are clear and on which side, and how many leave months autocorrelated."""
    low, high = (
        f"{v:+.1f}%".replace("-", MINUS) for v in (table["percent_change"].min(), table["percent_change"].max())
    )
    falls, rises = sides.count(-1), sides.count(1)
    clear = f"{falls} of them show a clear fall and {rises} a clear rise" if falls or rises else "none of them is clear"
    below, above = (int((side * table["percent_change"] > 0).sum()) for side in (-1, 1))
    still = int((table["autocorrelation_p"] <= LEVEL).sum())
    left = f" {tried - len(table)} more could not be fitted." if tried > len(table) else ""
    return (
        f"Taken alone, the treated area's series gives a change from {low} to {high} over {len(table)} choices of "
        f"season, trend, dated changes, errors, slope and family: {below} estimates lie below zero and {above} above; "
        f"{clear}, and {still} leave months autocorrelated.{left}"
    )


def _table(values: pd.DataFrame) -> Table:
    return Table(
        slug="series_grid",
        title="The treated area's own time series under every choice",
        values=values,
        headings={
            "season": "Season",
            "trend": "Trend",
            "interruptions": "Other dated changes",
            "errors": "Errors",
            "slope": "Slope may change",
            "family": "Distribution",
            "effect": "Effect",
            "std_error": "Standard error",
            "conf_low": "Low",
            "conf_high": "High",
            "percent_change": "Change (%)",
            "percent_low": "Low (%)",
            "percent_high": "High (%)",
            "autocorrelation_p": "Autocorrelation, p",
            "believed": "Errors allow for it",
            "reason": "Why not",
        },
    )
