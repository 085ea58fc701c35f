"""Power of an interrupted time series, by simulating the treated area's own series and fitting the registered model.

The model is fitted to the treated area in the months before the programme, as if the programme had begun there. Its
counterfactual is the mean of the simulated series: level, trend, season and offset as fitted. Around it the counts
are Poisson given a first-order autoregression on the log scale, whose variance and autocorrelation are those of the
fitted residuals by the method of moments (a parameter-driven count series: Zeger 1988, "A regression model for time
series of counts", section 2):

``y_t ~ Poisson(mu_t exp(z_t - s2 / 2))``, ``z_t = rho z_(t-1) + noise``, ``Var z = s2 = log(1 + alpha)``, so that
``Var y = mu + alpha mu^2`` and ``Cov(y_t, y_(t-1)) = mu_t mu_(t-1) ((1 + alpha)^rho - 1)``.

A level change is injected from the start on, and the registered model with its own errors is fitted to every series.
The share of series without a change in which it finds one is printed beside the power, since a test that raises false
alarms finds everything more often. What a fit leaves over is a little less dispersed and less autocorrelated than what
it was fitted to, and one area's past need not hold the breaks that others saw, so the error rate that `calibrate`
measures in other places may be higher than the one simulated here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas, PlaceboSets
from cseval.design import Design
from cseval.errors import EstimationError
from cseval.inference.power_curve import PowerCurve
from cseval.inputs import Inputs, Roles
from cseval.months import month_number
from cseval.panel import Panel

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.base import SeriesEstimator

    Floats = npt.NDArray[np.float64]

#: Months that dispersion and autocorrelation are measured on, if the data go back so far. In two years the terms of
#: the model take up most of the autocorrelation; over eight years the trend is no straight line.
HISTORY = 60
#: A negative autocorrelation of counts is what fitting a trend leaves behind, not how incidents follow each other.
LARGEST_RHO = 0.95
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesModel:
    """What a simulated series is drawn from.

    Parameters
    ----------
    mean : float array, shape (months,)
        Expected count without an effect.
    post : bool array, shape (months,)
    alpha : float
        Variance beyond Poisson: ``Var y = mu + alpha mu^2``.
    rho : float
        Autocorrelation from one month to the next of the process on the log scale.
    """

    mean: Floats
    post: npt.NDArray[np.bool_]
    alpha: float
    rho: float


def series_model(design: Design, estimator: SeriesEstimator) -> SeriesModel:
    """Mean, dispersion and autocorrelation of the treated area over a window in which nothing was done.

    Parameters
    ----------
    design : Design
        A design at a placebo start. Up to `HISTORY` months are used where the data reach further back.

    Raises
    ------
    EstimationError
        If the model cannot be fitted, or gives no course without the programme.
    """
    longer = _longer(design)
    fit = estimator.estimate(longer)
    if fit.path is None or not np.isfinite(fit.path[["fitted", "counterfactual"]].to_numpy(dtype=float)).all():
        raise EstimationError(f"{fit.estimator} gives no monthly course to simulate from", where="power")
    observed, fitted, mean = (fit.path[c].to_numpy(dtype=float) for c in ("observed", "fitted", "counterfactual"))
    if (fitted <= 0).any() or (mean <= 0).any():
        raise EstimationError(
            "the fitted course falls to zero or below",
            where=f"power, outcome {design.outcome}",
            todo="Use a family with log link",
        )
    alpha, rho = moments(observed, fitted, int(fit.facts.get("k", 0)))
    return SeriesModel(mean=mean[-len(design.periods) :], post=design.post, alpha=alpha, rho=rho)


def _longer(design: Design) -> Design:
    """The design with as many months before as the data have, up to `HISTORY` in all."""
    window = design.months_before + design.transition + design.months_after
    missing = design.inputs.panel.mask(design.outcome).mean(axis=0) <= 0.5
    at = month_number(design.start) - month_number(design.inputs.panel.periods[0]) - design.months_before
    gaps = np.flatnonzero(missing[:at])
    available = at - (int(gaps[-1]) + 1 if len(gaps) else 0)
    return replace(design, months_before=design.months_before + max(min(available, HISTORY - window), 0))


def moments(observed: Floats, fitted: Floats, terms: int) -> tuple[float, float]:
    """Dispersion and latent autocorrelation of a series about its fit.

    Parameters
    ----------
    observed, fitted : float array, shape (months,)
    terms : int
        Fitted coefficients; squares are multiplied by ``n / (n - terms)``.

    Returns
    -------
    alpha : float
        ``sum((y - mu)^2 - mu) / sum(mu^2)``, at least 0.
    rho : float
        From ``(1 + alpha)^rho - 1``, the mean product of relative residuals a month apart; between 0 and 0.95.
    """
    n = len(observed)
    scale = n / max(n - terms, 1)
    alpha = max(float((scale * (observed - fitted) ** 2 - fitted).sum() / (fitted**2).sum()), 0.0)
    relative = observed / fitted - 1
    product = scale * float((relative[1:] * relative[:-1]).mean())
    if alpha == 0 or product <= 0:
        return alpha, 0.0
    return alpha, min(math.log1p(product) / math.log1p(alpha), LARGEST_RHO)


def simulate_series(model: SeriesModel, ratio: float, latent: Floats, rng: np.random.Generator) -> Floats:
    """Counts with the post months' mean multiplied by `ratio`.

    Parameters
    ----------
    latent : float array, shape (series, months)
        Standard normal with autocorrelation ``model.rho``; see `latent_series`.

    Returns
    -------
    float array, shape (series, months).
    """
    spread = math.sqrt(math.log1p(model.alpha))
    mean = model.mean * np.where(model.post, ratio, 1.0)
    return rng.poisson(mean * np.exp(spread * latent - spread**2 / 2)).astype(float)


def latent_series(series: int, months: int, rho: float, rng: np.random.Generator) -> Floats:
    """Stationary first-order autoregressions with variance 1, shape (series, months)."""
    noise = rng.standard_normal((series, months))
    out = noise.copy()
    for t in range(1, months):
        out[:, t] = rho * out[:, t - 1] + math.sqrt(1 - rho**2) * noise[:, t]
    return out


def series_curve(
    design: Design, estimator: SeriesEstimator, ratios: Floats, simulations: int, seed: int
) -> tuple[PowerCurve, str, SeriesModel]:
    """Share of simulated series in which the registered model, with its own errors, finds each level change.

    The simulations at all effects share their latent process, so that the curve is smooth.

    Returns
    -------
    curve : PowerCurve
    method : str
        Name of the model's errors.
    model : SeriesModel
        What was simulated.

    Raises
    ------
    EstimationError
        If the model fits none of the simulated series.
    """
    model = series_model(design, estimator)
    rng = np.random.default_rng(seed)
    latent = latent_series(simulations, len(model.mean), model.rho, rng)
    rejected, method = [], ""
    for ratio in ratios:
        at, sets = _simulated_design(design, simulate_series(model, float(ratio), latent, rng))
        found = estimator.estimate_series(at, sets)
        method = found.method or method
        rejected.append(np.where(np.isfinite(found.p_value), found.p_value, 1.0) <= LEVEL)
    if not method:
        raise EstimationError("the model fits none of the simulated series", where=f"power, outcome {design.outcome}")
    return PowerCurve(ratios=ratios, rejected=np.array(rejected), place=np.arange(simulations)), method, model


def _simulated_design(design: Design, series: Floats) -> tuple[Design, PlaceboSets]:
    """A design whose units are the simulated series, the treated area and the comparison as one."""
    months = design.all_months
    used = np.isin(months, design.periods)
    units = (*(f"series {i}" for i in range(len(series))), "treated", "comparison")
    areas = Areas(units=units, pairs=np.zeros((0, 2), dtype=np.int64), border=np.zeros(0))
    panel = Panel(
        units=units,
        periods=months,
        counts={design.outcome: _placed(np.vstack([series, *_own_rows(design)]), used).astype(np.int64)},
        received={design.outcome: np.tile(used | _in_transition(design), (len(units), 1))},
        exposure=_exposure(design, len(series), used),
    )
    simulated = Design(
        inputs=Inputs(panel=panel, areas=areas, roles=Roles(treated=frozenset(["treated"]))),
        outcome=design.outcome,
        start=design.start,
        months_before=design.months_before,
        months_after=design.months_after,
        transition=design.transition,
        treated=frozenset(["treated"]),
        pool=frozenset(["comparison"]),
        buffer_rings=0,
    )
    return simulated, simulated.sets(np.arange(len(series), dtype=np.int64)[:, None])


def _own_rows(design: Design) -> tuple[Floats, Floats]:
    """Monthly totals of the treated area and of the comparison."""
    counts = design.counts.astype(float)
    return counts[design.is_treated].sum(axis=0), counts[design.comparison].sum(axis=0)


def _exposure(design: Design, series: int, used: npt.NDArray[np.bool_]) -> Floats | None:
    if design.exposure is None:
        return None
    own, rest = (design.exposure[m].sum(axis=0) for m in (design.is_treated, design.comparison))
    return _placed(np.vstack([np.tile(own, (series + 1, 1)), rest]), used, 1.0)


def _placed(rows: Floats, used: npt.NDArray[np.bool_], fill: float = 0.0) -> Floats:
    """Rows of used months spread over all months of the window."""
    out = np.full((len(rows), len(used)), fill)
    out[:, used] = rows
    return out


def _in_transition(design: Design) -> npt.NDArray[np.bool_]:
    since = np.array([month_number(m) - month_number(design.start) for m in design.all_months])
    return np.asarray((since >= 0) & (since < design.transition))
