"""The tables of a rolling year: the sums and the line through them, and every trend with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from cseval.estimators.rolling import YEAR, errors_of, line_weights, naive_interval, rolling_sums
from cseval.estimators.rolling_trends import AFTER, BEFORE, CHANGE, DIFFERENCE, OTHERS, OWN
from cseval.months import month_number, month_text

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.claims.rolling_year import Series
    from cseval.estimators.rolling_trends import RollingTrends

    Floats = npt.NDArray[np.float64]


def year_frame(found: Series, trends: RollingTrends) -> pd.DataFrame:
    """One row per month at which a rolling year ends.

    Columns ``period``; ``phase`` (before, across, after: where the twelve months lie); ``unit_sum, london_sum``, the
    sums of the units and of all others; ``unit_index, london_index``, the same with the year before the start as 100;
    ``fitted, low, high``, the line through the units' sums with its pointwise 95 % band, on the scale of the index and
    empty where a rolling year lies across the start.
    """
    own, others = rolling_sums(found.own), rolling_sums(found.others)
    ends = month_number(found.first) + YEAR - 1 + np.arange(len(own))
    base = found.before - YEAR
    fitted, low, high = (100 * column / own[base] for column in _lines(found, trends))
    return pd.DataFrame(
        {
            "period": [month_text(int(n)) for n in ends],
            "phase": _phases(len(own), found.before),
            "unit_sum": own.astype(np.int64),
            "london_sum": others.astype(np.int64),
            "unit_index": 100 * own / own[base],
            "london_index": 100 * others / others[base],
            "fitted": fitted,
            "low": low,
            "high": high,
        }
    )


def _phases(sums: int, before: int) -> list[str]:
    """Where the twelve months of each rolling sum lie."""
    return [BEFORE if i + YEAR <= before else AFTER if i >= before else "across" for i in range(sums)]


def _lines(found: Series, trends: RollingTrends) -> tuple[Floats, Floats, Floats]:
    """The line through each phase's sums and its band; NaN across the start."""
    months, before = len(found.own), found.before
    out = np.full((3, months - YEAR + 1), np.nan)
    for part, at in ((slice(0, before), 0), (slice(before, months), before)):
        rows = line_weights(part.stop - part.start)
        weights = np.zeros((len(rows), months))
        weights[:, part] = rows
        series = trends.series[OWN]
        half = special.stdtrit(series.noise.df, 0.975) * errors_of(weights, series.variance, series.noise)
        line = weights @ found.own
        out[:, at : at + len(rows)] = line, line - half, line + half
    return out[0], out[1], out[2]


def trend_frame(trends: RollingTrends, own: str, others: str, difference: str) -> pd.DataFrame:
    """One row per series and phase.

    Columns ``series, phase`` (before, after, change); ``slope_per_month, conf_low, conf_high``, incidents a year by
    which the rolling year moves from one month to the next; ``percent_a_year, percent_low, percent_high, p_value``, in
    per cent of the phase's mean rolling year; ``naive_low, naive_high``, the interval of the slope as if rolling sums
    were independent, which is far too narrow and is shown for that; ``dispersion, autocorrelation``, of the months.
    """
    names = {OWN: own, OTHERS: others, DIFFERENCE: difference}
    rows = [_row(trends, s, p, names[s]) for s in names for p in (BEFORE, AFTER, CHANGE)]
    return pd.DataFrame(rows)


def _row(trends: RollingTrends, series: str, phase: str, name: str) -> dict[str, object]:
    slope, percent = trends.slopes.get((series, phase)), trends.percents[series, phase]
    noise = trends.noises[series]
    naive = (np.nan, np.nan) if slope is None or phase == CHANGE else _naive(trends, series, phase)
    return {
        "series": name,
        "phase": phase,
        "slope_per_month": slope.estimate if slope else np.nan,
        "conf_low": slope.conf_low if slope else np.nan,
        "conf_high": slope.conf_high if slope else np.nan,
        "percent_a_year": percent.estimate,
        "percent_low": percent.conf_low,
        "percent_high": percent.conf_high,
        "p_value": percent.p_value,
        "naive_low": naive[0],
        "naive_high": naive[1],
        "dispersion": noise.dispersion,
        "autocorrelation": noise.rho,
    }


def _naive(trends: RollingTrends, series: str, phase: str) -> tuple[float, float]:
    values = trends.series[series].values
    return naive_interval(rolling_sums(values[: trends.before] if phase == BEFORE else values[trends.before :]))
