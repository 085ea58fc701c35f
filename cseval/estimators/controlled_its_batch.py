"""The controlled time series of many placebo neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators import segmented_batch as batch
from cseval.estimators.base import SeriesEffects
from cseval.estimators.controlled_its_series import OWN, Pair, design_matrix, exposure_of, fit_pair
from cseval.estimators.did_kernels import comparison_sum, member_sum, t_interval
from cseval.estimators.its_panel import runs_of, stacked_months
from cseval.estimators.segmented_options import Gaussian, NeweyWest, Poisson, QuasiPoisson, automatic_lag
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.controlled_its import ControlledITS
    from cseval.estimators.its_panel import Groups

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Series of many sets; parameters as in `Pair`, shape (sets, n) for the first four."""

    treated: Floats
    comparison: Floats
    treated_size: Floats
    comparison_size: Floats
    event_time: Index
    first_post: str

    def one(self, i: int) -> Pair:
        """The pair of one set."""
        return Pair(
            treated=self.treated[i],
            comparison=self.comparison[i],
            treated_size=self.treated_size[i],
            comparison_size=self.comparison_size[i],
            event_time=self.event_time,
            first_post=self.first_post,
        )


def fits_together(options: ControlledITS) -> bool:
    """Whether many sets are fitted in one step: Poisson or least squares with Newey-West errors."""
    return isinstance(options.family, (Poisson, QuasiPoisson, Gaussian)) and isinstance(options.errors, NeweyWest)


def fit_sets(options: ControlledITS, design: Design, sets: PlaceboSets) -> SeriesEffects:
    """Fit the series of each set; see `ControlledITS.estimate_series`."""
    pairs = _pairs(options, design, sets)
    return (_fit_together if fits_together(options) else _fit_one_by_one)(options, pairs)


def _pairs(options: ControlledITS, design: Design, sets: PlaceboSets) -> Pairs:
    """Totals and sizes of each set and of what is left of the comparison."""
    counts = design.counts.astype(float)
    size = exposure_of(design) if options.exposure else np.ones(counts.shape)
    first_post = add_months(design.start, design.transition)
    numbers = np.array([month_number(p) for p in design.periods], dtype=np.int64)
    return Pairs(
        treated=member_sum(counts, sets.members),
        comparison=comparison_sum(counts, design.comparison, sets),
        treated_size=member_sum(size, sets.members),
        comparison_size=comparison_sum(size, design.comparison, sets),
        event_time=numbers - month_number(first_post),
        first_post=first_post,
    )


def _fit_together(options: ControlledITS, pairs: Pairs) -> SeriesEffects:
    """All sets at once, which is exact for Poisson and least squares with Newey-West errors."""
    assert isinstance(options.errors, NeweyWest)
    terms, x = design_matrix(options, pairs.event_time, pairs.first_post)
    y, size = np.hstack([pairs.comparison, pairs.treated]), np.hstack([pairs.comparison_size, pairs.treated_size])
    usable = (np.ptp(pairs.treated, axis=1) > 0) & (np.ptp(pairs.comparison, axis=1) > 0) & (size > 0).all(axis=1)
    lag = automatic_lag(len(pairs.event_time)) if options.errors.lag is None else options.errors.lag
    groups = options.errors.groups(runs_of(np.diff(stacked_months(pairs.event_time))))
    solve = _log_effects if options.family.log_link else _plain_effects
    effect, error = np.full((2, len(y)), np.nan)
    effect[usable], error[usable] = solve(y[usable], size[usable], terms, x, pairs.event_time, lag, groups)
    p_value = t_interval(effect, error, len(x) - x.shape[1])[2]
    return SeriesEffects(method=options.errors.label(lag), effect=effect, p_value=p_value)


def _log_effects(
    y: Floats, size: Floats, terms: tuple[str, ...], x: Floats, event_time: Index, lag: int, groups: Groups
) -> tuple[Floats, Floats]:
    offset, off = np.log(size), np.where(np.isin(terms, OWN), 0.0, x)
    rows = np.append(np.zeros(len(event_time), dtype=bool), event_time >= 0)
    beta, fitted, information = batch.fit_poisson_many(y, x, offset)
    covariance = batch.newey_west_many(y, x, fitted, information, lag, groups)
    return batch.log_ratio_many(beta, covariance, x[rows], off[rows], offset[:, rows])


def _plain_effects(
    y: Floats, size: Floats, terms: tuple[str, ...], x: Floats, event_time: Index, lag: int, groups: Groups
) -> tuple[Floats, Floats]:
    rates = y / size
    beta, fitted, information = batch.fit_least_squares_many(rates, x)
    covariance = batch.newey_west_many(rates, x, fitted, information, lag, groups)
    gradient = np.where(np.isin(terms, OWN), x[len(event_time) :][event_time >= 0].mean(axis=0), 0.0)
    return beta @ gradient, np.sqrt(np.maximum(np.einsum("k,skl,l->s", gradient, covariance, gradient), 0.0))


def _fit_one_by_one(options: ControlledITS, pairs: Pairs) -> SeriesEffects:
    """One set after the other, for families and errors without a joint form."""
    effect, p_value = np.full((2, len(pairs.treated)), np.nan)
    method = ""
    for i in range(len(effect)):
        try:
            pair = fit_pair(pairs.one(i), options)
        except EstimationError:
            continue
        effect[i], error = pair.effect()
        p_value[i] = float(t_interval(np.array(effect[i]), np.array(error), pair.fit.t_df)[2])
        method = options.errors.describe(options.family, pair.fit)
    return SeriesEffects(method=method, effect=effect, p_value=p_value)
