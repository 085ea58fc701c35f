"""Event study: the difference in differences bin by bin, before and after the start."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cseval.errors import EstimationError, SpecError
from cseval.estimate import COUNT, LOG, Estimate
from cseval.estimators.base import ClusterErrors, ManyEffects
from cseval.estimators.poisson_did import CLUSTER_ROBUST, coefficient_frame, left_out, one_unit_note

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Columns: TypeAlias = list[tuple[int, int]]

Bins = tuple[tuple[int, int], ...]

ASSUMPTION = {
    LOG: "Without the programme, incidents in the treated units would have kept their ratio to the comparison units "
    "as it was in the base.",
    COUNT: "Without the programme, incidents per treated unit would have kept their distance to the comparison units "
    "as it was in the base.",
}


@dataclass(frozen=True, kw_only=True)
class EventStudy:
    """Leads and lags of the effect, saturated in group and bin, with unit and month effects.

    The coefficient of bin b is ``ln(T_b / T_base) - ln(C_b / C_base)`` with total counts of treated and
    comparison, which is exactly the estimate of the Poisson model with unit and month effects and one
    indicator per bin; with `linear` it is the difference of mean incidents per unit and month instead.

    Parameters
    ----------
    bin_months : int
        Length of a bin; bins run outwards from the start and the outermost may be shorter.
    bins : tuple of (first, last), optional
        Event times of each bin, both included, instead of `bin_months`. Months of no bin get no coefficient.
    base : {"last", "mean"}
        What coefficients are measured against: the last bin before the start, or the whole pre period.
    linear : bool
        Incidents per unit and month rather than log ratios.

    Raises
    ------
    SpecError
        If bins overlap, are out of order, or hold months on both sides of the start.
    """

    bin_months: int = 3
    bins: Bins | None = None
    base: Literal["last", "mean"] = "last"
    linear: bool = False

    def __post_init__(self) -> None:
        if self.bin_months < 1:
            raise SpecError(f"bin_months={self.bin_months}", where="EventStudy", expected="at least 1")
        if self.base not in ("last", "mean"):
            raise SpecError(f"base={self.base!r}", where="EventStudy", expected="'last' or 'mean'")
        if self.bins is not None:
            _check_bins(self.bins)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Linear event study" if self.linear else "Poisson event study"

    def bins_of(self, design: Design) -> Bins:
        """First and last event time of each bin, in order; bins without a used month are left out.

        Raises
        ------
        EstimationError
            If no bin lies before the start, or none after it.
        """
        times = design.event_time
        made = self.bins or _even_bins(int(times.min()), int(times.max()), self.bin_months)
        bins = tuple((a, b) for a, b in made if ((times >= a) & (times <= b)).any())
        if not bins or bins[0][0] >= 0 or bins[-1][0] < 0:
            raise EstimationError("no bin of used months on both sides of the start", where="event study")
        return bins

    def estimate(self, design: Design) -> Estimate:
        """Estimate every bin, and the effect over the post period against the base.

        Standard errors are cluster-robust by unit (CR1), with Student's t on units - 1 degrees of freedom; there are
        none with one treated unit. The coefficients table also has ``first_event_time`` and ``last_event_time``; a
        base bin has 0 and no error, and a bin without an incident in a group has NaN.

        Raises
        ------
        EstimationError
            If the base or the post period has no incident in a group.
        DesignError
            If treated units begin in different months.
        """
        import numpy as np

        design.require_one_start(self.name)
        bins = self.bins_of(design)
        effect, error = (x[0] for x in _post_effect(self, design, design.own_set))
        if not np.isfinite(effect):
            raise EstimationError(
                "the ratio is not estimable because a group has no incident in the base or the post period",
                where=f"outcome {design.outcome}",
                todo="Use a longer base, such as base='mean'",
            )
        clusters = int((design.is_treated | design.comparison).sum())
        values, errors = (_linear_bins if self.linear else _log_bins)(self, design, bins)
        if self.base == "last":
            errors[_last_lead(bins)] = np.nan
        if one_unit_note(design):
            error, errors = np.nan, np.full_like(errors, np.nan)
        table = coefficient_frame([_label(b) for b in bins], values, errors, clusters - 1)
        table.insert(1, "first_event_time", [a for a, _ in bins])
        table.insert(2, "last_event_time", [b for _, b in bins])
        return _assemble(
            self, design, coefficient_frame(["post"], np.array([effect]), np.array([error]), clusters - 1), table
        )

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect over the post period of each set against the design's comparison units less the set and its ring.

        A set with a zero total has NaN. The variance is linear in what it is for the difference in differences:
        a constant and the Poisson variance of the log ratio, or, with `linear`, the set's baseline incidents per
        unit and month and their square.
        """
        import numpy as np

        from cseval.estimators import did_kernels as kernels

        design.require_one_start(self.name)
        base, post = _base_column(self, design), _post_column(self, design)
        size = kernels.member_sum(design.pre_counts, sets.members)
        if self.linear:
            effect = kernels.mean_difference(post - base, design.comparison, sets)
            level = size / (kernels.group_sizes(design.comparison, sets)[0] * (~design.post).sum())
            terms, after = [level**2, level], None
        else:
            totals = kernels.group_totals(base, post, design.comparison, sets)
            effect, expected = kernels.log_ratio(totals), kernels.expected_variance(totals)
            terms, after = [np.ones_like(expected), expected], kernels.post_variance(totals)
        return ManyEffects(effect=effect, variance_terms=np.stack(terms, axis=1), size=size, post_term=after)

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Cluster-robust standard error (CR1, by unit) of each effect of `estimate_many`, units - 1 df."""
        from cseval.estimators.did_kernels import group_sizes

        design.require_one_start(self.name)
        treated, comparison = group_sizes(design.comparison, sets)
        error = _post_effect(self, design, sets)[1]
        return ClusterErrors(std_error=error, df=(treated + comparison - 1).astype(float))

    def coefficients_many(self, design: Design, sets: PlaceboSets) -> Floats:
        """Coefficients of each set against the comparison units less the set and its ring.

        Returns
        -------
        float array, shape (sets, bins)
            In the order of `bins_of`; the base bin is 0 and a zero total gives NaN.
        """
        from cseval.estimators import did_kernels as kernels

        design.require_one_start(self.name)
        many = kernels.mean_difference_columns if self.linear else kernels.log_ratio_columns
        columns = _bin_columns(self, design, self.bins_of(design))
        return many(_base_column(self, design), columns, design.comparison, sets)


def _check_bins(bins: Bins) -> None:
    """Refuse bins that overlap, are empty or out of order, or straddle the start."""
    edges = [edge for pair in bins for edge in pair]
    ordered = all(a <= b for a, b in bins) and all(x[1] < y[0] for x, y in pairwise(bins))
    if not edges or not ordered:
        raise SpecError(f"bins {bins}", where="EventStudy", expected="(first, last) pairs in order without overlap")
    if any(a < 0 <= b for a, b in bins):
        raise SpecError(f"bins {bins}", where="EventStudy", expected="no bin with months on both sides of the start")


def _even_bins(first: int, last: int, width: int) -> Bins:
    """Bins of `width` months outwards from the start, cut off at the ends of the window."""
    before = [(max(b - width + 1, first), b) for b in range(-1, first - 1, -width)]
    after = [(a, min(a + width - 1, last)) for a in range(0, last + 1, width)]
    return tuple(before[::-1] + after)


def _label(pair: tuple[int, int]) -> str:
    return f"{pair[0]}..{pair[1]}"


def _last_lead(bins: Bins) -> int:
    """Position of the last bin before the start."""
    return max(i for i, (_, last) in enumerate(bins) if last < 0)


def _bin_columns(options: EventStudy, design: Design, bins: Bins) -> Floats:
    """Counts of each unit in each bin (mean per month if linear), shape (units, bins)."""
    from cseval.estimators import did_kernels as kernels

    columns = kernels.bin_columns(design.event_time, bins)
    totals = kernels.bin_sums(design.counts, columns)
    return totals / _months(columns) if options.linear else totals


def _months(columns: Columns) -> Floats:
    """Number of used months in each bin."""
    import numpy as np

    return np.array([last - first for first, last in columns], dtype=float)


def _base_column(options: EventStudy, design: Design) -> Floats:
    """Counts of each unit in the base (mean per month if linear), shape (units,)."""
    if options.base == "mean":
        return design.pre_counts / (~design.post).sum() if options.linear else design.pre_counts
    bins = options.bins_of(design)
    return _bin_columns(options, design, (bins[_last_lead(bins)],))[:, 0]


def _post_column(options: EventStudy, design: Design) -> Floats:
    """Counts of each unit in the post period (mean per month if linear), shape (units,)."""
    return design.post_counts / design.post.sum() if options.linear else design.post_counts


def _post_effect(options: EventStudy, design: Design, sets: PlaceboSets) -> tuple[Floats, Floats]:
    """Effect of each set over the post period against the base, and its CR1 standard error."""
    import numpy as np

    from cseval.estimators import did_kernels as kernels

    base, post, comparison = _base_column(options, design), _post_column(options, design), design.comparison
    totals = kernels.group_totals(base, post, comparison, sets)
    if options.linear:
        effect = kernels.mean_difference(post - base, comparison, sets)
        variance = kernels.mean_difference_variance(post - base, comparison, sets)
    else:
        effect = kernels.log_ratio(totals)
        variance = kernels.log_ratio_variance(base, post, comparison, sets, totals)
    clusters = totals.treated + totals.comparison
    return effect, np.sqrt(variance * clusters / (clusters - 1))


def _log_bins(options: EventStudy, design: Design, bins: Bins) -> tuple[Floats, Floats]:
    """Coefficient and CR1 standard error of every bin; NaN where a total is zero.

    The variance is that of `log_ratio_variance`: over each group ``sum (y_b / Y_b - y_0 / Y_0)^2`` with a unit's
    counts y and the group's Y in the bin b and the base 0.
    """
    import numpy as np

    from cseval.estimators import did_kernels as kernels

    columns, base = kernels.bin_columns(design.event_time, bins), _base_column(options, design)
    change, variance = np.zeros(len(bins)), np.zeros(len(bins))
    for sign, group in ((1, design.is_treated), (-1, design.comparison)):
        total, start = _group_bins(design, columns, group), base[group].sum()
        share = np.divide(1.0, total, out=np.full(len(bins), np.nan), where=total > 0)
        start = start if start > 0 else np.nan
        change -= sign * (np.log(share) + np.log(start))
        variance += kernels.bin_spread(design.counts, columns, group, base / start, share, np.zeros(len(bins)))
    return change, np.sqrt(variance * _cr1(design))


def _linear_bins(options: EventStudy, design: Design, bins: Bins) -> tuple[Floats, Floats]:
    """Coefficient and CR1 standard error of every bin.

    The variance is that of `mean_difference_variance`: over each group ``sum (d_i - mean d)^2 / n^2`` with a unit's
    difference d of incidents per month in the bin and in the base.
    """
    import numpy as np

    from cseval.estimators import did_kernels as kernels

    columns, base = kernels.bin_columns(design.event_time, bins), _base_column(options, design)
    change, variance = np.zeros(len(bins)), np.zeros(len(bins))
    for sign, group in ((1, design.is_treated), (-1, design.comparison)):
        units = int(group.sum())
        mean = _group_bins(design, columns, group) / (_months(columns) * units) - base[group].mean()
        change += sign * mean
        variance += kernels.bin_spread(design.counts, columns, group, base, 1 / _months(columns), mean) / units**2
    return change, np.sqrt(variance * _cr1(design))


def _group_bins(design: Design, columns: Columns, group: Mask) -> Floats:
    """Total of a group in each bin, shape (bins,)."""
    from cseval.estimators.collapsed import month_totals
    from cseval.estimators.did_kernels import bin_sums

    totals: Floats = bin_sums(month_totals(design.counts, group)[None, :], columns)[0]
    return totals


def _cr1(design: Design) -> float:
    clusters = int((design.is_treated | design.comparison).sum())
    return clusters / (clusters - 1)


def _assemble(options: EventStudy, design: Design, effect: pd.DataFrame, table: pd.DataFrame) -> Estimate:
    """The Estimate: its effect is the post period against the base, its table the bins."""
    import math

    first = {k: float(v) for k, v in effect.iloc[0].items() if k != "term"}
    treated, months = int(design.is_treated.sum()), int(design.post.sum())
    observed = float(design.post_counts[design.is_treated].sum())
    scale = COUNT if options.linear else LOG
    tau = first["estimate"]
    return Estimate(
        estimator=options.name,
        estimand="ATT against the base, " + ("incidents per unit and month" if options.linear else "ratio of counts"),
        outcome=design.outcome,
        scale=scale,
        effect=tau,
        std_error=first["std_error"],
        conf_low=first["conf_low"],
        conf_high=first["conf_high"],
        p_value=first["p_value"],
        inference=CLUSTER_ROBUST,
        observed=observed,
        counterfactual=observed - tau * treated * months if options.linear else observed * math.exp(-tau),
        treated_units=treated,
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=months,
        assumption=ASSUMPTION[scale],
        coefficients=table,
        path=_path(options, design, table),
        facts={"method": "closed form", "base": options.base, "clusters": treated + int(design.comparison.sum())},
        left_out=left_out(design),
        notes=one_unit_note(design),
    )


def _path(options: EventStudy, design: Design, table: pd.DataFrame) -> pd.DataFrame:
    """The treated area beside the comparison's months, tied to it in the base; NaN fit outside the bins."""
    import numpy as np
    import pandas as pd

    lift = np.full(len(design.periods), np.nan)
    ends = table[["first_event_time", "last_event_time"]].itertuples(index=False)
    for (first, last), value in zip(ends, table["estimate"], strict=True):
        lift[(design.event_time >= first) & (design.event_time <= last)] = value
    counterfactual, fitted = _tied(options, design, lift)
    return pd.DataFrame(
        {
            "period": list(design.periods),
            "observed": design.counts[design.is_treated].sum(axis=0).astype(float),
            "fitted": fitted,
            "counterfactual": counterfactual,
            "low": np.nan,
            "high": np.nan,
        }
    )


def _tied(options: EventStudy, design: Design, lift: Any) -> tuple[Floats, Floats]:
    """Counterfactual and fitted incidents of the treated area in each month."""
    import numpy as np

    from cseval.estimators.collapsed import month_totals

    base = _base_column(options, design)
    treated, comparison = design.is_treated, design.comparison
    total = month_totals(design.counts, comparison)
    if not options.linear:
        tied = total * base[treated].sum() / base[comparison].sum()
        return tied, tied * np.exp(lift)
    moved = total / comparison.sum() - base[comparison].mean()
    tied = treated.sum() * (base[treated].mean() + moved)
    return tied, tied + treated.sum() * lift
