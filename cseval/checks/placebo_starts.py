"""Does the same comparison find effects in the treated area where the programme had not begun?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.checks.pre_trends import FEW
from cseval.estimate import percent
from cseval.formats import MINUS, p_text
from cseval.inference.earlier_windows import shifted_starts
from cseval.inference.placebo import p_values
from cseval.inference.spread import scale_of, variance_by_size
from cseval.months import month_words
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats

QUESTION = "Does the same comparison find an effect in the treated area before the programme began?"


@dataclass(frozen=True, kw_only=True)
class PlaceboStarts:
    """The effect at every earlier start whose whole window lies before the programme.

    The statistic is the largest studentised effect over the starts; its reference is the same maximum in the
    placebo neighbourhoods, which counts the several starts as one test. Where the data begin too late for any whole
    window, both periods are shortened, by up to half, until there are three starts; the sentence says so.

    With fewer than 100 placebo neighbourhoods the spread that effects are divided by is fitted to the treated area's
    effect as well, so that it is in sample like theirs. Without that 5.5 % of areas without an effect came out first of
    32 in simulations, where 3.1 % should.
    """

    step: int = 6

    def run(self, context: CheckContext) -> CheckResult:
        """Compare the largest placebo-start effect with that of placebo neighbourhoods."""
        import numpy as np

        starts, design = shifted_starts(context.design, self.step)
        if not starts:
            return _not_applicable("no window fits into the months before the programme, even at half the length")
        own, own_scaled, placebo = _at_starts(context, design, starts)
        if not np.isfinite(own_scaled).any():
            return _not_applicable("the treated area has no incident in a phase of every earlier window")
        placebo = placebo[np.isfinite(placebo).any(axis=1)]
        largest = np.nanmax(np.abs(placebo), axis=1)
        statistic = float(np.nanmax(np.abs(own_scaled)))
        p_value = float(p_values(np.array([statistic]), largest)[0])
        each = [float(p_values(own_scaled[[i]], placebo[:, i][np.isfinite(placebo[:, i])])[0]) for i in range(len(own))]
        found = sum(p <= 0.05 for p in each)
        return CheckResult(
            name="placebo starts",
            question=QUESTION,
            verdict=CONCERN if p_value <= 0.05 else PASS,
            statistic=statistic,
            reference=f"largest effect over {len(starts)} starts in {len(largest):,} placebo neighbourhoods",
            p_value=p_value,
            sentence=(
                f"At {len(starts)} earlier start{'s' if len(starts) > 1 else ''} the same comparison"
                f"{_shortened(context.design, design)} finds an effect "
                f"with p at or below 0.05 {_times(found)}{_when(starts, own, each)}; the largest is "
                f"{'unusual' if p_value <= 0.05 else 'usual'} for an area where the programme did not run "
                f"({p_text(p_value)} for the largest of them)."
            ),
            table=_table(starts, own, each, context.design, design),
        )


def _not_applicable(why: str) -> CheckResult:
    return not_applicable("placebo starts", QUESTION, why)


def _shortened(registered: Design, used: Design) -> str:
    """How long the windows are, where they are not the registered ones."""
    if (registered.months_before, registered.months_after) == (used.months_before, used.months_after):
        return ""
    return (
        f", shortened to {used.months_before} months before and {used.months_after} after each start because the data "
        f"begin too late for {registered.months_before} and {registered.months_after},"
    )


def _at_starts(context: CheckContext, design: Design, starts: tuple[str, ...]) -> tuple[Floats, Floats, Floats]:
    """Effects of the treated area, the same studentised, and those of the placebo sets (sets, starts)."""
    import numpy as np

    from cseval.estimators.base import ManyEffects

    own, scaled, placebo = [], [], []
    for start in starts:
        at = design.at(start)
        many = context.estimator.estimate_many(at, context.sets)
        mine = context.estimator.estimate_many(at, at.own_set)
        few = len(context.sets) < FEW
        coefficients = variance_by_size(ManyEffects.join([mine, many]) if few else many)
        own.append(float(mine.effect[0]))
        scaled.append(float(mine.effect[0] / scale_of(mine, coefficients)[0]))
        placebo.append(many.effect / scale_of(many, coefficients))
    return np.array(own), np.array(scaled), np.stack(placebo, axis=1)


def _when(starts: tuple[str, ...], effects: Floats, p: list[float]) -> str:
    """The starts at which an effect was found, with the change."""
    found = [
        f"{month_words(s)}: {percent(e):+.0f}%".replace("-", MINUS)
        for s, e, q in zip(starts, effects, p, strict=True)
        if q <= 0.05
    ]
    return f" ({', '.join(found)})" if found else ""


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _table(starts: tuple[str, ...], effects: Floats, p: list[float], registered: Design, used: Design) -> Table:
    import pandas as pd

    shortened = _shortened(registered, used).strip(", ")
    notes = (f"Windows are {shortened}.",) if shortened else ()
    return Table(
        slug="placebo-starts",
        title="Effect of the treated area at starts before the programme",
        values=pd.DataFrame({"start": starts, "change": [percent(e) for e in effects], "p_value": p}),
        headings={"start": "Placebo start", "change": "Change, %", "p_value": "p (placebo neighbourhoods)"},
        notes=("Windows of successive starts overlap, so their effects are not independent.", *notes),
    )
