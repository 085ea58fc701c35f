"""Does the finding hang on one of the choices that could defensibly have been made otherwise?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, INFORMATION, CheckResult, not_applicable
from cseval.errors import SpecError
from cseval.estimate import convert
from cseval.formats import MINUS, p_text
from cseval.inference.likeness import FEWEST_SETS
from cseval.months import month_number
from cseval.tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from cseval.checks.context import CheckContext
    from cseval.checks.specification_ranks import Found, Joint
    from cseval.estimators.base import PlaceboEstimator
    from cseval.spec import Window

NAME = "specification curve"
QUESTION = "Would other defensible choices have given another answer?"
MADE = "made"

#: Columns of the tidy table: the place on the curve, what was found, and one column for each choice.
CURVE_COLUMNS = (
    "rank percent_change percent_low percent_high p_value outcome window comparison_group start "
    "transition buffer_rings model registered reason".split()
)


@dataclass(frozen=True, kw_only=True)
class SpecificationCurve:
    """The primary question under every combination of defensible choices (Simonsohn, Simmons and Nelson 2020).

    The registered choice belongs to every dimension, whether it is named or not; a dimension left empty keeps it. Each
    specification is ranked among its own placebo neighbourhoods as the primary analysis is; one that cannot be made
    stays in the table with its reason. A model that has to be fitted anew for each neighbourhood (covariates;
    Poisson with an exposure that changes) is not run: ``LinearDiD(per=...)`` takes an exposure into account.

    Concern if fewer than half of the specifications whose interval leaves out zero have the sign of the registered
    estimate, or if the registered interval leaves out zero and fewer than half of the specifications leave it out on
    the same side; information otherwise.

    Parameters
    ----------
    outcomes : tuple of str
        Other outcomes that measure the same construct.
    windows : tuple of Window
    comparisons : tuple of str
        Names of comparison groups.
    starts : tuple of str
    transitions, buffer_rings : tuple of int
    estimators : tuple of PlaceboEstimator
        Models; an effect in incidents is put in per cent of what was expected without the programme.
    draws : int
        Placebo neighbourhoods of each specification, and of the curve as a whole.
    """

    outcomes: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    comparisons: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    transitions: tuple[int, ...] = ()
    buffer_rings: tuple[int, ...] = ()
    estimators: tuple[PlaceboEstimator, ...] = ()
    draws: int = 999

    def __post_init__(self) -> None:
        for start in self.starts:
            month_number(start)
        if any(n < 0 for n in (*self.transitions, *self.buffer_rings)):
            raise SpecError("a negative number of transition months or buffer rings", where=NAME, expected="0 or more")
        if self.draws < FEWEST_SETS:
            raise SpecError(f"{self.draws} draws", where=NAME, expected=f"at least {FEWEST_SETS}")

    def run(self, context: CheckContext) -> CheckResult:
        """Estimate and rank every specification, then the curve as a whole."""
        from cseval.checks.specification_ranks import estimate_all, rank_curve
        from cseval.checks.specifications import combinations, registered_specification

        specifications = combinations(registered_specification(context), self._others())
        placebo = replace(context.placebo, draws=self.draws)
        found, designs = estimate_all(context, specifications, placebo)
        found = [as_reported(context, f) if f.registered else f for f in found]
        estimated = [f for f in found if math.isfinite(f.change)]
        if len(estimated) < 2:
            return not_applicable(NAME, QUESTION, "no other specification than the registered one can be made")
        joint, concern = rank_curve(context, found, designs, placebo), concern_words(found)
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=CONCERN if concern else INFORMATION,
            statistic=median(f.change for f in estimated),
            reference="placebo neighbourhoods put through the same specifications",
            p_value=joint.median_p,
            sentence=" ".join(s for s in (curve_words(found), concern, joint_words(joint)) if s),
            table=_table(found, joint),
        )

    def _others(self) -> dict[str, Sequence[object]]:
        return {
            "outcome": self.outcomes,
            "window": self.windows,
            "comparison": self.comparisons,
            "start": self.starts,
            "transition": self.transitions,
            "buffer_rings": self.buffer_rings,
            "estimator": self.estimators,
        }


def as_reported(context: CheckContext, found: Found) -> Found:
    """The registered specification with the primary analysis' own interval and p-value, which rest on more draws."""
    estimate, inferred = context.estimate, context.inferred
    ends = (estimate.effect, inferred.conf_low, inferred.conf_high)
    change, low, high = convert(estimate.scale, "percent", ends, estimate.observed_rate)
    return replace(found, change=change, low=low, high=high, p_value=inferred.p_value)


def concern_words(found: Sequence[Found]) -> str:
    """How the registered specification reads otherwise than most, by the rule of `SpecificationCurve`; or nothing."""
    own = next(f for f in found if f.registered)
    clear = [f for f in found if f.side]
    same_sign = sum(f.side * own.change > 0 for f in clear)
    if 2 * same_sign < len(clear):
        return "Most of these point the other way from the registered one."
    ranked = [f for f in found if math.isfinite(f.p_value)]
    if own.side and 2 * sum(f.side == own.side for f in ranked) < len(ranked):
        return "The registered one is among these, and most others are not."
    return ""


def curve_words(found: Sequence[Found]) -> str:
    """Where the estimates run, and how many intervals leave out zero, in one sentence."""
    changes = [f.change for f in found if math.isfinite(f.change)]
    start = f"Of {len(found)} defensible specifications, "
    start += "estimates run" if len(changes) == len(found) else f"{len(changes)} could be made; their estimates run"
    return (
        f"{start} from {_signed(min(changes))} to {_signed(max(changes))} (median {_signed(median(changes))}); "
        f"{_clear_words(found)}."
    )


def _clear_words(found: Sequence[Found]) -> str:
    below, above = sum(f.side < 0 for f in found), sum(f.side > 0 for f in found)
    if not below + above:
        return "none has an interval that excludes zero"
    if below + above == 1:
        return f"1 has an interval that excludes zero, {'below' if below else 'above'} it"
    where = f"{below} below and {above} above" if below and above else f"all {'below' if below else 'above'}"
    return f"{below + above} have an interval that excludes zero, {where}"


def joint_words(joint: Joint) -> str:
    """How unusual the curve as a whole is, in one sentence."""
    if joint.reason:
        return f"The curve as a whole could not be ranked among placebo neighbourhoods: {joint.reason}."
    return (
        f"The curve's own test, among {joint.sets:,} placebo neighbourhoods put through {joint.specifications:,} of "
        f"these specifications, gives {p_text(joint.median_p)} for its median and {p_text(joint.share_p)} for how "
        "many of them come out clear."
    )


def _signed(change: float) -> str:
    text = f"{change:+.1f}%".replace("-", MINUS)
    return "0.0%" if text[1:] == "0.0%" else text


def curve_frame(result: CheckResult) -> pd.DataFrame:
    """The tidy table of a specification curve, one row per specification in `CURVE_COLUMNS`.

    Specifications are in the order of their estimates; those that cannot be made come last, without a rank. An empty
    `reason` is that of a specification with an estimate and an interval. No rows if the check was not applicable.
    """
    import pandas as pd

    if result.table is None:
        return pd.DataFrame(columns=CURVE_COLUMNS)
    frame = result.table.values.copy()
    frame["reason"] = frame["reason"].where(frame["reason"] != MADE, "")
    return frame


def _table(found: Sequence[Found], joint: Joint) -> Table:
    return Table(
        slug="specification-curve",
        title="The primary question under every combination of defensible choices",
        values=_frame(found),
        headings={
            "percent_change": "Change, %",
            "percent_low": "95% interval from, %",
            "percent_high": "to, %",
            "p_value": "p (placebo neighbourhoods)",
            "comparison_group": "Comparison group",
            "transition": "Transition months",
            "reason": "Made, or why not",
        },
        notes=(
            "Each specification is ranked among its own placebo neighbourhoods; specifications are not independent of "
            "one another, so their number says nothing by itself.",
            joint_words(joint),
        ),
    )


def _frame(found: Sequence[Found]) -> pd.DataFrame:
    import pandas as pd

    made = sorted((f for f in found if math.isfinite(f.change)), key=lambda f: f.change)
    ordered = [*made, *(f for f in found if not math.isfinite(f.change))]
    rows = [
        {
            "rank": place if place <= len(made) else None,
            "percent_change": f.change,
            "percent_low": f.low,
            "percent_high": f.high,
            "p_value": f.p_value,
            **f.specification.labels(),
            "registered": f.registered,
            "reason": f.reason or MADE,
        }
        for place, f in enumerate(ordered, start=1)
    ]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS).astype({"rank": "Int64"})
