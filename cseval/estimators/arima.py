"""An interrupted time series with ARIMA errors: the treated area against its own forecast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.estimators.arima_kernels import Order
from cseval.estimators.segmented_shapes import Shape, flagged, pulse, ramp, require_distinct, step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.arima_orders import Choice
    from cseval.estimators.arima_series import ArimaFit
    from cseval.estimators.its_series import Calendar, ModelFit
    from cseval.estimators.segmented_options import Interruption

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

__all__ = ["ArimaITS", "Order", "fit_series", "pulse", "ramp", "step"]


@dataclass(frozen=True, kw_only=True)
class ArimaITS:
    """Regression of the treated area's monthly total on the programme's terms, with seasonal ARIMA errors.

    ``y_t = x_t b + n_t``,  ``phi(B) Phi(B^12) (1 - B)^d (1 - B^12)^D n_t = theta(B) Theta(B^12) e_t``

    (Box and Tiao 1975; for programmes Schaffer, Dobbins and Pearson 2021). Regressors are differenced as the series is.
    The likelihood is exact and is climbed from several starts, since it has poor local optima. Errors come from the
    inverse of minus its numerical Hessian, as in R's `arima`.

    Parameters
    ----------
    order : Order, optional
        Chosen by AICc on the months before the start alone if left out, see `arima_orders.choose_order`.
    log : bool
        Whether to model the logs of the counts, so that effects are ratios.
    level, slope : bool
        Which lasting changes the programme may make.
    change : tuple of Shape
        Further shapes of the programme's own change.
    interruptions : tuple of Interruption
        Other dated changes, which stay in the counterfactual.
    small_sample : bool
        Whether variances are multiplied by ``n / (n - parameters)`` and intervals take Student's t, which keeps their
        coverage in short series; R's `arima` does neither.

    Raises
    ------
    SpecError
        If the programme has no change, or one twice.
    """

    order: Order | None = None
    log: bool = True
    level: bool = True
    slope: bool = True
    change: tuple[Shape, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    small_sample: bool = True

    def __post_init__(self) -> None:
        require_distinct(self.changes, "ArimaITS")

    @property
    def changes(self) -> tuple[Shape, ...]:
        """Every shape of the programme's own change."""
        return flagged(self.level, self.slope, self.change)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "ARIMA regression" + (" of logs" if self.log else "")

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect over the post period: incidents counted against the forecast of their total.

        Effect, counterfactual and the table of incidents averted rest on one forecast from the months before the
        start, see `its_series.forecast_effect`; what the programme's terms alone come to is among the facts.

        Raises
        ------
        EstimationError
            If the series is empty, constant, too short for the orders, has a zero on the log scale, or does not tell
            its terms apart.
        """
        from cseval.estimators.its_series import assemble, series_of

        design.require_one_start(self.name)
        return assemble(self, design, fit_series(*series_of(design), self))


def fit_series(y: Floats, event_time: Index, first_post: str, options: ArimaITS) -> ModelFit:
    """Choose orders if none are given, fit, and forecast without the programme.

    Parameters
    ----------
    y : float array, shape (n,)
        Counts.
    event_time : int array, shape (n,)
        Calendar months since the first post month, ascending, with the months left out counted.
    first_post : str
    options : ArimaITS

    Raises
    ------
    EstimationError
        See `ArimaITS.estimate`.
    """
    from cseval.estimators.arima_series import fit_arima
    from cseval.estimators.its_series import calendar_of

    calendar = calendar_of(options, y, event_time, first_post, "ARIMA")
    choice = _choice(calendar, options.order)
    return _described(fit_arima(calendar, choice.order), calendar, choice, options)


def _choice(calendar: Calendar, order: Order | None) -> Choice:
    """The order given, or the one that suits the months before the start, with what else changed in them."""
    from cseval.estimators.arima_orders import Choice, choose_order

    if order is not None:
        return Choice(order=order, aicc=math.nan, tried=0)
    n = calendar.before
    other = calendar.x[:n, ~calendar.own]
    missing = calendar.missing[:n]
    return choose_order(calendar.y[:n], other[:, (other != other[:1]).any(axis=0)], missing[:, missing.any(axis=0)])


def _described(fit: ArimaFit, calendar: Calendar, choice: Choice, options: ArimaITS) -> ModelFit:
    """The fit with its uncertainty as asked for, its forecast, and what is to be said about it."""
    import numpy as np

    from cseval.estimators import arima_series as series
    from cseval.estimators.its_notes import autocorrelation_notes
    from cseval.estimators.its_series import ModelFit

    free = fit.months - len(fit.parameters) - len(fit.terms)
    factor, df = (fit.months / free, float(free)) if options.small_sample else (1.0, math.inf)
    fitted, error = series.one_ahead(fit, calendar, factor)
    facts = _facts(fit, calendar, choice)
    said = [series.order_words(choice, options.order is not None), *([] if fit.curved else [AT_THE_EDGE])]
    said += autocorrelation_notes(facts, "Higher orders may be needed; the interval may be too narrow.")
    return ModelFit(
        terms=fit.terms,
        coefficients=fit.at.coefficients,
        covariance=factor * fit.coefficient_covariance,
        df=df,
        own=fit.own,
        own_columns=np.asarray(fit.x[calendar.post][:, fit.own]),
        fitted=fitted,
        error=error,
        forecast=series.forecast(fit, calendar, factor),
        method=f"{fit.order}, exact likelihood ({'t' if options.small_sample else 'z'})",
        facts=facts,
        notes=tuple(said),
    )


AT_THE_EDGE = (
    "The likelihood has its maximum at the edge of the parameters, so the errors take the autoregressive and "
    "moving-average parameters as known."
)


def _facts(fit: ArimaFit, calendar: Calendar, choice: Choice) -> dict[str, Any]:
    """Orders, likelihood, parameters and what is left in the innovations."""
    from cseval.estimators.its_notes import TEST_LAG
    from cseval.estimators.segmented_kernels import durbin_watson, ljung_box

    innovations = fit.at.innovations[calendar.used[fit.order.lost :]]
    facts = {
        "order": str(fit.order),
        "n": fit.months,
        "k": len(fit.terms) + len(fit.parameters),
        "log_likelihood": fit.at.llf,
        "sigma2": fit.at.sigma2,
        "durbin_watson": durbin_watson(innovations),
        "ljung_box_p": ljung_box(innovations, TEST_LAG, len(fit.parameters)),
        **dict(zip(fit.order.names, fit.parameters.tolist(), strict=True)),
    }
    return facts | ({"aicc_before": choice.aicc, "models_tried": choice.tried} if choice.tried else {})
