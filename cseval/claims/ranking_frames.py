"""The tables of a ranking: one row per unit, and the numbers behind its verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cseval.claims.phrases import unit_name
from cseval.inference.ranks import ranks
from cseval.inference.ranks_changes import change_interval, funnel_limits

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.claims.ranking import RankedChanges, Reading
    from cseval.inputs import Inputs

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


def ranking_frame(inputs: Inputs, found: RankedChanges) -> pd.DataFrame:
    """One row per unit, the largest fall in per cent first; units without a change in per cent last.

    Columns: ``unit, name, stated`` (whether the statement is about it), ``before, after, change``;
    ``percent_change`` with its 95 % interval ``conf_low, conf_high``; ``rank_relative`` (1 = largest fall in per cent)
    with the simultaneous set ``rank_low, rank_high``; ``rank_absolute`` (by number) with ``rank_absolute_low,
    rank_absolute_high``; what regression to the mean alone lets one expect, ``expected_percent_change,
    expected_rank, probability_first``; and the funnel limits in per cent at the unit's size, ``funnel_low_95,
    funnel_high_95, funnel_low_998, funnel_high_998``.
    """
    frame = pd.DataFrame(
        {
            "unit": list(found.units),
            "name": [unit_name(inputs, u) for u in found.units],
            "stated": np.arange(len(found.units)) == found.own,
            "before": found.before.astype(np.int64),
            "after": found.after.astype(np.int64),
            "change": (found.after - found.before).astype(np.int64),
            **_relative_columns(found),
            "rank_absolute": ranks(found.after - found.before),
            "rank_absolute_low": found.number.all.low,
            "rank_absolute_high": found.number.all.high,
            **_expected_columns(found),
            **_funnel_columns(found),
        }
    )
    order = ["rank_relative", "rank_absolute", "name", "unit"]
    return frame.sort_values(order, na_position="last", kind="stable").reset_index(drop=True)


def _relative_columns(found: RankedChanges) -> dict[str, object]:
    low, high = change_interval(found.before, found.after, found.variance)
    sets = found.relative.all if found.relative else None
    return {
        "percent_change": found.percent,
        "conf_low": low,
        "conf_high": high,
        "rank_relative": _of_defined(found.defined, ranks(found.percent[found.defined])),
        "rank_low": _of_defined(found.defined, sets.low if sets else None),
        "rank_high": _of_defined(found.defined, sets.high if sets else None),
    }


def _of_defined(defined: Mask, values: Index | None) -> pd.Series:
    """Whole numbers of the units whose change in per cent is defined, missing for the others."""
    out = np.full(len(defined), np.nan)
    if values is not None:
        out[defined] = values
    return pd.Series(out).astype("Int64")


def _expected_columns(found: RankedChanges) -> dict[str, Floats]:
    nothing = np.full(len(found.units), np.nan)
    if found.expected is None:
        return dict.fromkeys(("expected_percent_change", "expected_rank", "probability_first"), nothing)
    return {
        "expected_percent_change": 100 * np.expm1(found.expected.log_change),
        "expected_rank": found.expected.rank,
        "probability_first": found.expected.first,
    }


def _funnel_columns(found: RankedChanges) -> dict[str, Floats]:
    out = {}
    for level, name in ((0.95, "95"), (0.998, "998")):
        size = np.where(found.defined, found.before, np.nan)
        limits = funnel_limits(size, found.common, found.variance, level)
        out[f"funnel_low_{name}"], out[f"funnel_high_{name}"] = limits
    return out


def summary_frame(found: RankedChanges) -> pd.DataFrame:
    """The numbers behind the verdict: columns ``quantity, value, low, high, note``; NaN where there is none."""
    rows = [*_rank_rows(found), *_expected_rows(found), *_variance_rows(found)]
    return pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "note"])


Row = tuple[str, float, float, float, str]


def _rank_rows(found: RankedChanges) -> list[Row]:
    rows: list[Row] = [("units ranked", len(found.units), math.nan, math.nan, f"{len(found.left_out)} left out")]
    low, high = change_interval(found.before, found.after, found.variance)
    own = found.own
    rows.append(("change of the unit, %", found.percent[own], low[own], high[own], "95% interval"))
    rows.append(("change of all units, %", 100 * math.expm1(found.common), math.nan, math.nan, ""))
    by_number = ranks(found.after - found.before)
    if found.relative and found.relative.own:
        at = int(found.defined[:own].sum())
        rows += _set_rows("rank by change in per cent", ranks(found.percent[found.defined])[at], found.relative, at)
    return rows + _set_rows("rank by change in number", by_number[own], found.number, own)


def _set_rows(what: str, rank: int, reading: Reading, at: int) -> list[Row]:
    low, high = reading.own or (math.nan, math.nan)
    return [
        (what, rank, low, high, "95% confidence set of this unit's rank alone; decides the verdict"),
        (f"{what}, all units at once", rank, reading.all.low[at], reading.all.high[at], "95% simultaneous set"),
    ]


def _expected_rows(found: RankedChanges) -> list[Row]:
    if found.expected is None or found.regression is None:
        return []
    fit, own = found.regression, found.own
    change = 100 * math.expm1(found.expected.log_change[own])
    past = "common change of the year and own past"
    note = f"{fit.changes} changes of {fit.units} units in earlier years; 95% interval, clustered by unit"
    return [
        ("slope of the next change in the deviation from own level", fit.slope, fit.conf_low, fit.conf_high, note),
        ("change expected from the common change and own past, %", change, math.nan, math.nan, ""),
        ("rank expected from the same", found.expected.rank[own], math.nan, math.nan, "mean rank"),
        ("probability of the largest fall in per cent", found.expected.first[own], math.nan, math.nan, past),
        ("probability of the largest fall in number", found.expected.first_number[own], math.nan, math.nan, past),
    ]  # fmt: skip


def _variance_rows(found: RankedChanges) -> list[Row]:
    variance = found.variance
    return [
        ("overdispersion of changes", variance.dispersion, math.nan, math.nan, f"from {found.variance_from}"),
        ("drift of a unit's level, %", 100 * math.sqrt(variance.drift), math.nan, math.nan, "standard deviation"),
    ]
