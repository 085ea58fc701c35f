"""How much of the change would have come from choosing the worst area alone?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.estimate import LOG, percent
from cseval.months import month_number
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext

QUESTION = "How much change would choosing the worst neighbourhood bring by itself (regression to the mean)?"


@dataclass(frozen=True, kw_only=True)
class RegressionToMean:
    """The mean effect in neighbourhoods chosen as the worst of their district when nothing was done.

    At each placebo start the connected set with the highest count in the year before the decision is taken in every
    district and put through the same comparison. Concern if the expected change exceeds half a placebo standard
    deviation, or if subtracting it changes whether the interval holds zero.
    """

    def run(self, context: CheckContext) -> CheckResult:
        """Measure what selection alone brings, on the user's own pre period."""

        from cseval.inference.calibration import selection_bias

        bias, error, count = selection_bias(context.measured)
        if not count:
            return not_applicable("regression to the mean", QUESTION, _why(context))
        inferred = context.inferred
        spans = inferred.conf_low <= 0 <= inferred.conf_high
        corrected = inferred.conf_low - bias <= 0 <= inferred.conf_high - bias
        large = abs(bias) > inferred.std_error / 2
        rank = _rank_in_district(context)
        shown = context.shown(bias)
        return CheckResult(
            name="regression to the mean",
            question=QUESTION,
            verdict=CONCERN if large or spans != corrected else PASS,
            statistic=bias,
            reference=f"{count} neighbourhoods chosen as the worst of their district when nothing was done",
            p_value=2 * _upper_normal(abs(bias) / error) if error > 0 else math.nan,
            sentence=(
                f"{rank}In {count} neighbourhoods chosen as the worst of their district when nothing was done, the "
                f"same comparison finds a mean change of {shown} (standard error {100 * error:.1f} points); "
                f"subtracting it {'changes' if spans != corrected else 'does not change'} the reading."
            ),
            table=_table(context, bias, error, count),
        )


def _why(context: CheckContext) -> str:
    """Why nothing could be chosen as the worst."""
    from cseval.inference.calibration import sets_to_choose
    from cseval.inference.placebo_draws import shape_of

    elsewhere = "the check of the peak before the start asks what starting from one brings"
    if not shape_of(context.design).single:
        return f"separate neighbourhoods are not chosen as the worst of one district; {elsewhere}"
    if not sets_to_choose(context.design):
        return f"no district holds two areas like the treated one, so none was the worst of its district; {elsewhere}"
    return "no full window before the programme to choose in"


def _upper_normal(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def _rank_in_district(context: CheckContext) -> str:
    """Where the treated area stood among the connected sets of its own district when it was chosen."""
    import numpy as np

    from cseval.areas import connected_sets
    from cseval.inference.calibration import year_total

    design = context.design
    programme = context.evaluation.programme
    if programme.agreed is None:
        return ""
    panel = design.inputs.panel
    home = {panel.districts.get(u, "") for u in design.treated}
    pool = np.array([panel.districts.get(u, "") in home for u in design.units])
    sets = connected_sets(design.areas, pool, int(design.is_treated.sum()), 200_000)
    end = month_number(programme.agreed) - month_number(panel.periods[0])
    if sets is None or not len(sets) or end < 12 or len(home) != 1:
        return ""
    year = year_total(design, pool, end)
    if year is None:
        return ""
    totals = year[sets].sum(axis=1)
    rank = int((totals > year[design.is_treated].sum()).sum()) + 1
    return (
        f"In the year before it was chosen the treated area had the {_ordinal(rank)}highest count of the "
        f"{len(sets):,} sets of as many adjoining units in its borough. "
    )


def _ordinal(n: int) -> str:
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return "" if n == 1 else f"{n:,}{suffix} "


def _table(context: CheckContext, bias: float, error: float, count: int) -> Table:
    import pandas as pd

    show = percent if context.estimate.scale == LOG else float
    effect = context.estimate.effect
    frame = pd.DataFrame(
        {
            "quantity": ["Estimate", "Change from selection alone", "Estimate less selection"],
            "change": [show(effect), show(bias), show(effect - bias)],
        }
    )
    return Table(
        slug="regression-to-the-mean",
        title="What choosing the worst neighbourhood brings by itself",
        values=frame,
        headings={"quantity": "Quantity", "change": "Change, %"},
        notes=(f"{count} selection-matched placebos; standard error {error:.3g} on the estimation scale.",),
    )
