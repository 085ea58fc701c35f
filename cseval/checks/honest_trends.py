"""How far could the treated area have drifted from the comparison after the start before the finding is lost?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, INFORMATION, PASS, CheckResult, not_applicable
from cseval.errors import EstimationError
from cseval.estimate import COUNT, LOG, percent
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats
    from cseval.estimators.event_study import Bins, EventStudy
    from cseval.inference.honest import EventCoefficients, HonestInterval

NAME = "sensitivity to trends"
QUESTION = "How far could the treated area have drifted from the comparison after the start before the finding is lost?"

#: Placebo neighbourhoods needed for each coefficient whose covariance is taken from them as it is.
SETS_PER_COEFFICIENT = 10
#: Lengths of a bin tried after those asked for, where there are fewer.
WIDER = (12, 24)
FEW_NOTE = (
    "These are too few to take the covariance from them as it is: each is scaled to the spread of an area of the "
    "treated one's size, and the covariance is drawn towards one in which changes vary alike from bin to bin "
    "(Ledoit and Wolf 2003)."
)

SEVERAL_STARTS = "units begin in different months, and the bins before and after one start are what it bounds"

#: Drifts tried, as multiples of the largest before the start, and bends, as shares of the level, from bin to bin.
DRIFTS, BENDS = (0.0, 0.5, 1.0, 2.0), (0.0, 0.02)

#: Power at which a pre-test's trend is quoted: as likely missed as caught.
MISSED = 0.5

#: Largest bend tried for its breakdown value, as a share of the level.
LARGEST_BEND = 1.0


@dataclass(frozen=True, kw_only=True)
class HonestTrends:
    """Intervals that allow for drift, and the drift at which the finding breaks down.

    The event study of the primary outcome, on the primary estimator's scale, in bins against the last one before the
    start; the covariance of its coefficients is what they have among the placebo neighbourhoods. The effect is the mean
    over the bins after the start.

    Parameters
    ----------
    bin_months : tuple of int
        Lengths of a bin, in order of preference; the first that leaves three whole bins before the start and one
        after is used, if there are ten placebo neighbourhoods for each coefficient.

    Notes
    -----
    Rambachan and Roth (2023), "A more credible approach to parallel trends". The breakdown value is the Mbar, a
    multiple of the largest change between adjoining bins before the start, from which the interval holds zero.
    Verdict: information if the primary interval itself holds zero, for then there is no finding to break; pass if the
    breakdown value is at least 1, that is if drift had to be larger after the start than it ever was before; concern
    if it is 0, that is if the finding is gone as soon as the last bin alone is the base; information between, with the
    value in the sentence. On data without any drift the value of a true fall of 20 % lies below 1 in nine cases of ten,
    because noise in the bins counts as drift, so a value below 1 is no sign of drift by itself.

    With fewer placebo neighbourhoods the first length (a year or two included) is used that leaves three of them for
    each coefficient, and their covariance is drawn towards one with structure (`few_covariance`), after scaling each
    neighbourhood to the spread that an area of the treated one's size has.
    """

    bin_months: tuple[int, ...] = (6, 3)

    def run(self, context: CheckContext) -> CheckResult:
        """Bound the drift and see what is left of the finding."""
        from cseval.inference.honest import relative_magnitude_breakdown, relative_magnitude_interval

        if context.design.staggered:
            return not_applicable(NAME, QUESTION, SEVERAL_STARTS)
        try:
            bins, study, few = chosen_study(context, self.bin_months)
        except EstimationError as error:
            return not_applicable(NAME, QUESTION, error.found)
        finding = not context.inferred.conf_low <= 0 <= context.inferred.conf_high
        drifts = [relative_magnitude_interval(study, d, seed=context.seed) for d in DRIFTS]
        breakdown = relative_magnitude_breakdown(study, seed=context.seed, tolerance=0.01) if finding else math.nan
        width = bins[0][1] - bins[0][0] + 1
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=_verdict(finding, breakdown),
            statistic=breakdown,
            reference="1: as much drift after the start as the largest before it",
            p_value=math.nan,
            sentence=_sentence(context, width, drifts, breakdown),
            table=_table(context, study, bins, drifts, _notes(context, study, bins, breakdown, few)),
        )


def _verdict(finding: bool, breakdown: float) -> str:
    """See the notes of `HonestTrends`."""
    if not finding or 0 < breakdown < 1:
        return INFORMATION
    return PASS if breakdown >= 1 else CONCERN


def whole_bins(design: Design, lengths: tuple[int, ...]) -> Bins | None:
    """Bins of the first length that leaves three whole ones before the start and one after, each with a used month."""
    times = design.event_time
    for months in lengths:
        before, after = -int(times.min()) // months, (int(times.max()) + 1) // months
        bins = tuple((months * i, months * (i + 1) - 1) for i in range(-before, after))
        used = all(((times >= a) & (times <= b)).any() for a, b in bins)
        if before >= 3 and after >= 1 and used:
            return bins
    return None


def chosen_study(context: CheckContext, lengths: tuple[int, ...]) -> tuple[Bins, EventCoefficients, bool]:
    """Bins and coefficients: of the first length asked for, or of the first for which few neighbourhoods are enough.

    Returns
    -------
    bins : Bins
    study : EventCoefficients
    few : bool
        Whether their covariance is that of few neighbourhoods.

    Raises
    ------
    EstimationError
        If no length asked for leaves enough whole bins, a bin has no incident, or neighbourhoods are too few for any.
    """
    asked = whole_bins(context.design, lengths)
    if asked is None:
        raise EstimationError("fewer than three whole bins before the start, or none after it")
    try:
        return asked, event_coefficients(context, asked), False
    except _TooFewSets as error:
        found = error.found
    for bins in (whole_bins(context.design, (months,)) for months in (*lengths, *WIDER)):
        try:
            if bins is not None:
                return bins, event_coefficients(context, bins, few=True), True
        except EstimationError:  # too few even for these: the next length has fewer coefficients
            continue
    raise EstimationError(found)


class _TooFewSets(EstimationError):
    """Too few placebo neighbourhoods for a covariance taken from them as it is."""


def event_coefficients(context: CheckContext, bins: Bins, *, few: bool = False) -> EventCoefficients:
    """The treated area's coefficients, with the covariance they have among the placebo neighbourhoods.

    With `few` it is that of `few_covariance.structured_covariance`.

    Raises
    ------
    EstimationError
        If a bin has no incident, or too few placebo neighbourhoods have them all.
    """
    import numpy as np

    from cseval.estimators.event_study import EventStudy
    from cseval.inference.honest import EventCoefficients

    options = EventStudy(bins=bins, linear=context.estimate.scale == COUNT)
    before = sum(last < 0 for _, last in bins)
    own, placebo = _coefficients(options, context, before - 1)
    if not np.isfinite(own).all():
        raise EstimationError("a bin without any incident in the treated area or the comparison")
    covariance = (_few if few else _many)(context, bins, placebo)
    after = len(bins) - before
    return EventCoefficients(
        pre=own[: before - 1], post=own[before - 1 :], covariance=covariance, weights=np.full(after, 1 / after)
    )


def _many(context: CheckContext, bins: Bins, placebo: Floats) -> Floats:
    """Second moments of the coefficients among the placebo neighbourhoods, ten of them for each."""
    import numpy as np

    usable = placebo[np.isfinite(placebo).all(axis=1)]
    if len(usable) < SETS_PER_COEFFICIENT * (len(bins) - 1):
        raise _TooFewSets(f"{len(usable)} placebo neighbourhoods for the covariance of {len(bins) - 1} coefficients")
    return np.asarray(usable.T @ usable / len(usable))


def _few(context: CheckContext, bins: Bins, placebo: Floats) -> Floats:
    """Covariance with structure, from neighbourhoods scaled to the spread of one of the treated area's size."""
    import numpy as np

    from cseval.inference.few_covariance import chance_covariance, structured_covariance

    before = sum(last < 0 for _, last in bins)
    scaled = placebo * _relative_spread(context)[:, None]
    chance = chance_covariance(_chance_variances(context, bins), before - 1)
    return structured_covariance(scaled[np.isfinite(scaled).all(axis=1)], before - 1, chance)


def _relative_spread(context: CheckContext) -> Floats:
    """Spread of the effect of an area like the treated one over that of each placebo neighbourhood, shape (sets,)."""
    from cseval.inference.spread import scale_of

    design, estimator = context.design, context.estimator
    own, many = (estimator.estimate_many(design, sets) for sets in (design.own_set, context.sets))
    coefficients = context.placebo.spread.coefficients(many)
    ratio: Floats = scale_of(own, coefficients)[0] / scale_of(many, coefficients)
    return ratio


def _chance_variances(context: CheckContext, bins: Bins) -> Floats:
    """Variance of the treated area's difference from the comparison in each bin if counts were Poisson."""
    import numpy as np

    from cseval.estimators.did_kernels import bin_columns, bin_sums

    design = context.design
    columns = bin_columns(design.event_time, bins)
    totals = [bin_sums(design.counts[g], columns).sum(axis=0) for g in (design.is_treated, design.comparison)]
    if context.estimate.scale != COUNT:
        return np.asarray(sum(1 / t for t in totals))
    months = np.array([last - first for first, last in columns])
    units = (int(design.is_treated.sum()), int(design.comparison.sum()))
    return np.asarray(sum(t / (n * months) ** 2 for t, n in zip(totals, units, strict=True)))


def _coefficients(options: EventStudy, context: CheckContext, base: int) -> tuple[Floats, Floats]:
    """Coefficients of the treated area and of each placebo neighbourhood, without the base bin."""
    import numpy as np

    design = context.design
    own, placebo = (options.coefficients_many(design, sets) for sets in (design.own_set, context.sets))
    return np.delete(own[0], base), np.delete(placebo, base, axis=1)


def _bin_words(months: int) -> str:
    return {3: "quarter", 6: "half-year", 12: "year", 24: "two-year period"}.get(months, f"period of {months} months")


def _sentence(context: CheckContext, months: int, drifts: list[HonestInterval], breakdown: float) -> str:
    unit = _bin_words(months)
    alike = next(d for d in drifts if d.bound == 1)
    span = f"between {context.shown(alike.low)} and {context.shown(alike.high)}"
    largest = f"the largest drift between two adjoining {unit}s before it".replace("months", "months each")
    drifted = (
        f"f the treated area had drifted from the comparison after the start, from one {unit} to the next, by up to as "
        f"much as {largest}, the change would lie {span}"
    )
    if math.isnan(breakdown):
        return f"I{drifted}; the estimate cannot be told from zero anyway, so there is no finding to break."
    if breakdown == 0:
        none = drifts[0]
        return (
            f"Against the last {unit} before the start alone, the change cannot be told from zero even without any "
            f"drift (between {context.shown(none.low)} and {context.shown(none.high)}); i{drifted}."
        )
    if breakdown < 1:
        return f"I{drifted}: the finding is lost once drift reaches {breakdown:.2g} times that size."
    held = "whatever the drift up to 20 times" if math.isinf(breakdown) else f"until drift is {breakdown:.2g} times"
    return f"I{drifted}: the finding holds, {held} that size."


def _table(
    context: CheckContext, study: EventCoefficients, bins: Bins, drifts: list[HonestInterval], notes: tuple[str, ...]
) -> Table:
    import pandas as pd

    from cseval.inference.honest import smoothness_interval

    unit = _bin_words(bins[0][1] - bins[0][0] + 1)
    level = _level(context, bins)
    bends = [smoothness_interval(study, b * level) for b in BENDS]
    labels = [f"Drift up to {d.bound:g} times the largest before the start" for d in drifts]
    labels[0] = f"No drift after the last {unit} before the start"
    labels += [f"The trend before the start goes on, bending by up to {100 * b:g}% a {unit}" for b in BENDS]
    labels[len(drifts)] = "The trend before the start goes on in a straight line"
    show = percent if context.estimate.scale == LOG else float
    rows = [(x, show(i.low), show(i.high)) for x, i in zip(labels, [*drifts, *bends], strict=True)]
    shown = ", %" if context.estimate.scale == LOG else ", incidents per unit and month"
    return Table(
        slug="sensitivity-to-trends",
        title="The change, if the treated area had drifted from the comparison",
        values=pd.DataFrame(rows, columns=["allowed", "low", "high"]),
        headings={"allowed": "What is allowed for", "low": f"95% interval, from{shown}", "high": f"to{shown}"},
        notes=notes,
    )


def _level(context: CheckContext, bins: Bins) -> float:
    """What a bend is a share of: 1 for a log ratio, else incidents per treated unit and month in the pre period."""
    if context.estimate.scale == LOG:
        return 1.0
    design = context.design
    return float(design.pre_counts[design.is_treated].mean() / (~design.post).sum())


def _notes(context: CheckContext, study: EventCoefficients, bins: Bins, breakdown: float, few: bool) -> tuple[str, ...]:
    design, unit = context.design, _bin_words(bins[0][1] - bins[0][0] + 1)
    notes = [
        f"Mean over {len(study.post)} {unit}s from the start, against the last one before it; drift is the change of "
        f"the difference from one {unit} to the next. Covariance from {len(context.sets):,} placebo neighbourhoods."
    ]
    if few:
        notes.append(FEW_NOTE)
    outside = int(((design.event_time < bins[0][0]) | (design.event_time > bins[-1][1])).sum())
    if outside:
        notes.append(f"{outside} months at the ends that fill no whole {unit} are left out.")
    if design.transition:
        notes.append(f"The change at the start spans the {design.transition} transition months that are left out.")
    if not math.isnan(breakdown):
        notes.append(_breakdown_note(study, breakdown, _level(context, bins), unit))
    return (*notes, _pretest_note(context, study, bins, unit))


def _breakdown_note(study: EventCoefficients, breakdown: float, level: float, unit: str) -> str:
    """At which drift and which bend the finding is lost."""
    from cseval.inference.honest import smoothness_breakdown

    bend = smoothness_breakdown(study, LARGEST_BEND * level) / level
    found = f"{100 * bend:.2g}%" if math.isfinite(bend) else f"more than {100 * LARGEST_BEND:.0f}%"
    drift = f"{breakdown:.2f}" if math.isfinite(breakdown) else "more than 20"
    return (
        f"The interval first holds zero at a drift of {drift} times the largest before the start, and at a bend of "
        f"{found} a {unit}."
    )


def _pretest_note(context: CheckContext, study: EventCoefficients, bins: Bins, unit: str) -> str:
    """What a test of the bins before the start would miss, and what passing it leaves (Roth 2022)."""
    import numpy as np

    from cseval.inference.pretest_power import Joint, mean_after_passing, slope_caught

    before = len(study.pre)
    middle = np.array([(a + b) / 2 for a, b in bins])
    times = np.delete(middle, before) - middle[before]  # the base is the last bin before the start
    slope = slope_caught(times[:before], study.covariance[:before, :before], Joint(), MISSED)
    passed = mean_after_passing(slope * times, study.covariance, before, Joint())[before:]
    width = bins[0][1] - bins[0][0] + 1
    return (
        f"A test of the {unit}s before the start alone would miss a steady trend of "
        f"{context.shown(abs(slope) * width)} a {unit} half of the time. Such a trend moves this estimate by "
        f"{context.shown(abs(float(study.weights @ times[before:]) * slope))}, and by "
        f"{context.shown(abs(float(study.weights @ passed)))} among areas that pass the test (Roth 2022)."
    )
