"""The segmented regression of one monthly series, without a design: for placebo series as for the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import SeriesEffects
    from cseval.estimators.its_prediction import Course
    from cseval.estimators.segmented import SegmentedRegression
    from cseval.estimators.segmented_kernels import Fitted
    from cseval.estimators.segmented_options import Errors, Family

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

LEAST_PRE_MONTHS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesFit:
    """A segmented regression of one series.

    Parameters
    ----------
    y : float array, shape (n,)
    terms : tuple of str
    x, off : float array, shape (n, k)
        Regressors, and the same with the programme's terms switched off.
    offset : float array, shape (n,)
    event_time : int array, shape (n,)
    fit : Fitted
    family : Family
    errors : Errors
    """

    y: Floats
    terms: tuple[str, ...]
    x: Floats
    off: Floats
    offset: Floats
    event_time: Index
    fit: Fitted
    family: Family
    errors: Errors

    @property
    def post(self) -> npt.NDArray[np.bool_]:
        """Which months are post, shape (n,)."""
        return self.event_time >= 0

    @property
    def log_link(self) -> bool:
        """Whether effects are log ratios (else incidents)."""
        return self.family.log_link

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

    def counterfactual(self) -> Course:
        """Expected incidents without the programme and their 95 % prediction intervals, by month and summed up."""
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
        If there are fewer than 8 months before the start or too few after it, fewer than two degrees of freedom, no
        incident where a term needs one, months that are all alike, terms that explain each other, or no convergence.
    """
    import numpy as np

    from cseval.estimators.segmented_kernels import require_incidents, require_rank

    columns, switched = _columns(options, event_time, calendar_month, first_post)
    terms, x = tuple(columns), np.column_stack(list(columns.values()))
    require_variation(y)
    _require_months(event_time, x.shape[1], len(switched))
    require_rank(x, terms)
    if options.family.log_link:
        require_incidents(y, x, terms)
    carried = np.zeros(len(y)) if offset is None else offset
    fit = options.errors.fit(options.family, y, x, carried, np.diff(event_time))
    off = np.where([t in switched for t in terms], 0.0, x)
    return SeriesFit(
        y=y,
        terms=terms,
        x=x,
        off=off,
        offset=carried,
        event_time=event_time,
        fit=fit,
        family=options.family,
        errors=options.errors,
    )


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


def settled_errors(errors: Errors, months: int) -> Errors:
    """The same errors with an automatic lag fixed at that of a series of so many months."""
    from dataclasses import replace

    from cseval.estimators.segmented_options import NeweyWest, automatic_lag

    if isinstance(errors, NeweyWest) and errors.lag is None:
        return replace(errors, lag=automatic_lag(months))
    return errors


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
    _require_months(event_time, x.shape[1], len(switched))
    require_rank(x, terms)
    assert isinstance(options.errors, NeweyWest)
    lag = automatic_lag(len(x)) if options.errors.lag is None else options.errors.lag
    usable = (np.ptp(y, axis=1) > 0) & np.isfinite(offset).all(axis=1)
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

    from cseval.estimators.segmented_shapes import shape_columns

    time = event_time.astype(float)
    own = shape_columns(options.changes, event_time)
    columns = {"intercept": np.ones(len(time))} | ({"time": time} if options.trend else {}) | own
    columns |= options.season.columns(calendar_month) if options.season else {}
    for other in options.interruptions:
        columns |= other.columns(event_time, first_post)
    return columns, frozenset(own)


def require_variation(y: Floats, where: str = "segmented regression") -> None:
    """Refuse a series without an incident, and one whose months are all alike.

    Raises
    ------
    EstimationError
        If it is.
    """
    if y.sum() == 0:
        raise EstimationError("the series has no incident at all", where=where)
    if y.min() == y.max():
        raise EstimationError(f"every month has the same count, {y[0]:g}", where=where, expected="counts that vary")


def _require_months(event_time: Index, terms: int, own: int) -> None:
    require_both_sides(event_time, own, "segmented regression")
    if len(event_time) < terms + 2:
        raise EstimationError(
            f"{len(event_time)} months for {terms} terms",
            where="segmented regression",
            expected=f"at least {terms + 2} months",
            todo="Use fewer terms, for example Harmonics(pairs=1), or a longer window",
        )


def require_both_sides(event_time: Index, own: int, where: str) -> None:
    """Refuse fewer than 8 months before the start, or so few after it that the programme's terms fit them exactly.

    Parameters
    ----------
    event_time : int array, shape (n,)
    own : int
        Terms of the programme's change.

    Raises
    ------
    EstimationError
        If there are too few.
    """
    before, after = int((event_time < 0).sum()), int((event_time >= 0).sum())
    for months, least, side in ((before, LEAST_PRE_MONTHS, "before"), (after, own + 2, "from the first post month on")):
        if months < least:
            raise EstimationError(
                f"{months} months {side}" + (" the start" if side == "before" else ""),
                where=where,
                expected=f"at least {least}",
                todo="Choose a longer pre period" if side == "before" else "Choose a longer post period or fewer terms",
            )


def _effect(series: SeriesFit) -> tuple[float, Floats]:
    from cseval.estimators.segmented_kernels import mean_log_ratio

    x, off, beta = series.x[series.post], series.off[series.post], series.fit.coefficients
    if series.log_link:
        return mean_log_ratio(x, off, series.offset[series.post], beta)
    gradient = (x - off).mean(axis=0)
    return float(gradient @ beta), gradient


def _counterfactual(series: SeriesFit) -> Course:
    """The fit with the programme's terms off, and months that deviate from it as they did from the fit."""
    import numpy as np

    from cseval.estimators.its_prediction import log_course, plain_course, spread_out

    fit, log_link = series.fit, series.log_link
    spread = np.sqrt(series.family.variance(fit.fitted, fit))
    gradient = series.x * ((fit.fitted if log_link else 1.0) / spread)[:, None]
    noise = series.errors.noise(fit, (series.y - fit.fitted) / spread, gradient, series.event_time)
    expected = series.off @ fit.coefficients + series.offset
    variance = noise.factor * series.family.variance(np.exp(expected) if log_link else expected, fit)
    course = log_course if log_link else plain_course
    together = spread_out(variance, noise.correlation)
    df = min(fit.t_df, float(len(series.y) - len(series.terms)))
    return course(expected, series.off, noise.covariances, together, series.post, df)
