"""The segmented regression of one monthly series, without a design: for placebo series as for the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import SeriesEffects
    from cseval.estimators.segmented import SegmentedRegression
    from cseval.estimators.segmented_kernels import Fitted

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

LEAST_PRE_MONTHS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesFit:
    """A segmented regression of one series.

    Parameters
    ----------
    terms : tuple of str
    x, off : float array, shape (n, k)
        Regressors, and the same with the programme's terms switched off.
    offset : float array, shape (n,)
    post : bool array, shape (n,)
    fit : Fitted
    log_link : bool
    """

    terms: tuple[str, ...]
    x: Floats
    off: Floats
    offset: Floats
    post: Any
    fit: Fitted
    log_link: bool

    def coefficient(self, term: str) -> tuple[float, float]:
        """Coefficient of a term and its standard error."""
        i = self.terms.index(term)
        return float(self.fit.coefficients[i]), float(self.fit.covariance[i, i] ** 0.5)

    def effect(self) -> tuple[float, float]:
        """Effect over the post period and its standard error.

        Log of total fitted over total counterfactual; the mean difference per month without a log link.
        """
        value, gradient = _effect(self)
        return value, float(gradient @ self.fit.covariance @ gradient) ** 0.5

    def counterfactual(self) -> tuple[Floats, Floats, Floats]:
        """Expected incidents without the programme and their 95 % interval from parameter uncertainty."""
        return _counterfactual(self)


def fit_series(
    y: Floats,
    event_time: Index,
    calendar_month: Index,
    offset: Floats | None,
    options: SegmentedRegression,
    *,
    first_post: str = "",
) -> SeriesFit:
    """Fit one monthly series.

    Parameters
    ----------
    y : float array, shape (n,)
    event_time : int array, shape (n,)
        Calendar months since the first post month, ascending, with the months left out counted.
    calendar_month : int array, shape (n,)
        1 to 12.
    offset : float array, shape (n,), optional
        On the scale of the linear predictor.
    options : SegmentedRegression
    first_post : str
        Month of event time 0; needed with dated interruptions only.

    Raises
    ------
    EstimationError
        If there are fewer than 8 months before the start, fewer than two degrees of freedom, no incident
        where a term needs one, terms that explain each other, or no convergence.
    """
    import numpy as np

    from cseval.estimators.segmented_kernels import require_incidents, require_rank

    columns, switched = _columns(options, event_time, calendar_month, first_post)
    terms, x = tuple(columns), np.column_stack(list(columns.values()))
    _require_months(y, event_time, x.shape[1])
    require_rank(x, terms)
    if options.family.log_link:
        require_incidents(y, x, terms)
    carried = np.zeros(len(y)) if offset is None else offset
    fit = options.errors.fit(options.family, y, x, carried, np.diff(event_time))
    off = np.where([t in switched for t in terms], 0.0, x)
    post = event_time >= 0
    return SeriesFit(terms=terms, x=x, off=off, offset=carried, post=post, fit=fit, log_link=options.family.log_link)


def fit_sets(
    options: SegmentedRegression, design: Design, sets: PlaceboSets, event_time: Index, calendar_month: Index
) -> SeriesEffects:
    """Fit the series of each set; see `SegmentedRegression.estimate_series`."""
    import numpy as np

    from cseval.estimators.did_kernels import member_sum
    from cseval.months import add_months

    treated = member_sum(design.counts.astype(float), sets.members)
    offset = _many_offsets(options, design, sets)
    carried = np.zeros_like(treated) if offset is None else offset
    first_post = add_months(design.start, design.transition)
    fit = _fit_together if fits_together(options) else _fit_one_by_one
    return fit(options, treated, carried, event_time, calendar_month, first_post)


def fits_together(options: SegmentedRegression) -> bool:
    """Whether many series are fitted in one step: Poisson coefficients with Newey-West errors."""
    from cseval.estimators.segmented_options import NeweyWest, Poisson, QuasiPoisson

    return isinstance(options.family, (Poisson, QuasiPoisson)) and isinstance(options.errors, NeweyWest)


def _fit_together(
    options: SegmentedRegression, y: Floats, offset: Floats, event_time: Index, calendar_month: Index, first_post: str
) -> SeriesEffects:
    """All series at once, which is exact for a Poisson fit with Newey-West errors."""
    import numpy as np

    from cseval.estimators import segmented_batch as batch
    from cseval.estimators.base import SeriesEffects
    from cseval.estimators.did_kernels import t_interval
    from cseval.estimators.segmented_kernels import require_rank
    from cseval.estimators.segmented_options import NeweyWest, automatic_lag

    columns, switched = _columns(options, event_time, calendar_month, first_post)
    terms, x = tuple(columns), np.column_stack(list(columns.values()))
    _require_months(np.ones(len(event_time)), event_time, x.shape[1])
    require_rank(x, terms)
    assert isinstance(options.errors, NeweyWest)
    lag = automatic_lag(len(x)) if options.errors.lag is None else options.errors.lag
    usable = (y.sum(axis=1) > 0) & np.isfinite(offset).all(axis=1)
    beta, fitted, information = batch.fit_poisson_many(y[usable], x, offset[usable])
    covariance = batch.newey_west_many(y[usable], x, fitted, information, lag)
    post, off = event_time >= 0, np.where([t in switched for t in terms], 0.0, x)
    effect, p_value = np.full(len(y), np.nan), np.full(len(y), np.nan)
    found, error = batch.log_ratio_many(beta, covariance, x[post], off[post], offset[usable][:, post])
    effect[usable], p_value[usable] = found, t_interval(found, error, len(x) - x.shape[1])[2]
    return SeriesEffects(method=f"Newey-West (lag {lag}, t)", effect=effect, p_value=p_value)


def _fit_one_by_one(
    options: SegmentedRegression, y: Floats, offset: Floats, event_time: Index, calendar_month: Index, first_post: str
) -> SeriesEffects:
    """One series after the other, for families and errors without a joint form."""
    import numpy as np

    from cseval.estimators.base import SeriesEffects
    from cseval.estimators.did_kernels import t_interval

    effect, p_value = np.full(len(y), np.nan), np.full(len(y), np.nan)
    method = ""
    for i in np.flatnonzero(np.isfinite(offset).all(axis=1)):
        try:
            series = fit_series(y[i], event_time, calendar_month, offset[i], options, first_post=first_post)
        except EstimationError:
            continue
        effect[i], error = series.effect()
        p_value[i] = float(t_interval(np.array(effect[i]), np.array(error), series.fit.t_df)[2])
        method = options.errors.describe(options.family, series.fit)
    return SeriesEffects(method=method, effect=effect, p_value=p_value)


def _many_offsets(options: SegmentedRegression, design: Design, sets: PlaceboSets) -> Floats | None:
    """Offset of each set's series, shape (sets, months), NaN where it has none; None where no option asks for one."""
    import numpy as np

    from cseval.estimators.did_kernels import comparison_sum, member_sum

    parts = []
    with np.errstate(divide="ignore", invalid="ignore"):
        if options.relative_to_comparison:
            parts.append(np.log(comparison_sum(design.counts.astype(float), design.comparison, sets)))
        if options.exposure and design.exposure is not None:
            parts.append(np.log(member_sum(design.exposure, sets.members)))
            if options.relative_to_comparison:
                parts.append(-np.log(comparison_sum(design.exposure, design.comparison, sets)))
    if not parts:
        return None
    total: Floats = np.sum(parts, axis=0)
    return np.where(np.isfinite(total), total, np.nan)


def _columns(
    options: SegmentedRegression, event_time: Index, calendar_month: Index, first_post: str
) -> tuple[dict[str, Floats], frozenset[str]]:
    """Regressors by term, and the names of the programme's own."""
    import numpy as np

    time, post = event_time.astype(float), event_time >= 0
    own = {"level": post.astype(float)} if options.level else {}
    own |= {"slope": time * post} if options.slope else {}
    columns = {"intercept": np.ones(len(time))} | ({"time": time} if options.trend else {}) | own
    columns |= options.season.columns(calendar_month) if options.season else {}
    for other in options.interruptions:
        columns |= other.columns(event_time, first_post)
    return columns, frozenset(own)


def _require_months(y: Floats, event_time: Index, terms: int) -> None:
    before = int((event_time < 0).sum())
    if y.sum() == 0:
        raise EstimationError("the series has no incident at all", where="segmented regression")
    if before < LEAST_PRE_MONTHS:
        raise EstimationError(
            f"{before} months before the start",
            where="segmented regression",
            expected=f"at least {LEAST_PRE_MONTHS}",
            todo="Choose a longer pre period",
        )
    if len(y) < terms + 2:
        raise EstimationError(
            f"{len(y)} months for {terms} terms",
            where="segmented regression",
            expected=f"at least {terms + 2} months",
            todo="Use fewer terms, for example Harmonics(pairs=1), or a longer window",
        )


def _effect(series: SeriesFit) -> tuple[float, Floats]:
    from cseval.estimators.segmented_kernels import mean_log_ratio

    x, off, beta = series.x[series.post], series.off[series.post], series.fit.coefficients
    if series.log_link:
        return mean_log_ratio(x, off, series.offset[series.post], beta)
    gradient = (x - off).mean(axis=0)
    return float(gradient @ beta), gradient


def _counterfactual(series: SeriesFit) -> tuple[Floats, Floats, Floats]:
    import numpy as np
    from scipy import special

    predictor = series.off @ series.fit.coefficients + series.offset
    error = np.sqrt(np.einsum("ij,jk,ik->i", series.off, series.fit.covariance, series.off))
    half = special.stdtrit(series.fit.t_df, 0.975) * error
    inverse = np.exp if series.log_link else np.asarray
    return inverse(predictor), inverse(predictor - half), inverse(predictor + half)
