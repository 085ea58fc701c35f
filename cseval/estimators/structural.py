"""An interrupted time series with a structural model: a level that wanders, a slope and a season."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError
from cseval.estimators.segmented_shapes import Shape, flagged, require_distinct
from cseval.estimators.structural_kernels import Structure
from cseval.months import month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.its_likelihood import Concentrated
    from cseval.estimators.its_prediction import Forecast
    from cseval.estimators.its_series import Calendar, ModelFit
    from cseval.estimators.segmented_options import Interruption

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

__all__ = ["StructuralITS", "Structure"]

WHERE = "structural model"
YEAR = 12


@dataclass(frozen=True, kw_only=True)
class StructuralITS:
    """The treated area's monthly total as level, slope, season and irregular part, plus the programme's terms.

    ``y_t = mu_t + gamma_t + x_t b + e_t``, with ``mu_t = mu_(t-1) + nu_(t-1) + xi_t``, ``nu_t = nu_(t-1) + zeta_t`` and
    a season whose twelve months sum to a shock (Harvey 1989; for a programme Harvey and Durbin 1986). Initial states
    have a flat prior, the variances are those of highest exact likelihood, and errors of b take them as known.

    Parameters
    ----------
    structure : Structure, optional
        Chosen by AICc on the months before the start alone if left out, see `structural_kernels.choose_structure`.
    log : bool
        Whether to model the logs of the counts, so that effects are ratios.
    level, slope : bool
        Which lasting changes the programme may make.
    change : tuple of Shape
        Further shapes of the programme's own change.
    interruptions : tuple of Interruption
        Other dated changes, which stay in the counterfactual.

    Raises
    ------
    SpecError
        If the programme has no change, or one twice.
    """

    structure: Structure | None = None
    log: bool = True
    level: bool = True
    slope: bool = True
    change: tuple[Shape, ...] = ()
    interruptions: tuple[Interruption, ...] = ()

    def __post_init__(self) -> None:
        require_distinct(self.changes, "StructuralITS")

    @property
    def changes(self) -> tuple[Shape, ...]:
        """Every shape of the programme's own change."""
        return flagged(self.level, self.slope, self.change)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Structural time series" + (" of logs" if self.log else "")

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect over the post period: incidents counted against the forecast of their total.

        Effect, counterfactual and the table of incidents averted rest on one forecast from the months before the
        start, see `its_series.forecast_effect`; what the programme's terms alone come to is among the facts.

        Raises
        ------
        EstimationError
            If the series is empty, constant, too short for its season, has a zero on the log scale, or does not tell
            its terms apart.
        """
        from cseval.estimators.its_series import assemble, series_of

        design.require_one_start(self.name)
        return assemble(self, design, fit_series(*series_of(design), self))


@dataclass(frozen=True, kw_only=True, eq=False)
class StructuralFit:
    """A structural model of one series, on the used months.

    Parameters
    ----------
    structure : Structure
    ratios : float array, shape (parts,)
        Variances of level, slope and season over that of the irregular part.
    at : Concentrated
    correlation : float array, shape (n, n)
    z : float array, shape (n, m)
    chosen : tuple
        The criterion and how many structures were tried; empty if it was given.
    """

    structure: Structure
    ratios: Floats
    at: Concentrated
    correlation: Floats
    z: Floats
    chosen: tuple[float, int] | tuple[()]


def fit_series(y: Floats, event_time: Index, first_post: str, options: StructuralITS) -> ModelFit:
    """Choose the structure if none is given, fit, and forecast without the programme.

    Parameters
    ----------
    y : float array, shape (n,)
        Counts.
    event_time : int array, shape (n,)
        Calendar months since the first post month, ascending, with the months left out counted.
    first_post : str
    options : StructuralITS

    Raises
    ------
    EstimationError
        See `StructuralITS.estimate`.
    """
    from cseval.estimators.its_series import calendar_of

    calendar = calendar_of(options, y, event_time, first_post, WHERE)
    calendar_month = (event_time + month_number(first_post)) % YEAR + 1
    return _described(_fit(calendar, event_time, calendar_month, options), calendar)


def _fit(calendar: Calendar, event_time: Index, calendar_month: Index, options: StructuralITS) -> StructuralFit:
    import numpy as np

    from cseval.estimators import structural_kernels as kernels
    from cseval.estimators.its_likelihood import STARTS, Regression, concentrate

    y, x, before = calendar.y[calendar.used], calendar.x[calendar.used], int((event_time < 0).sum())
    structure, *chosen = _structure(calendar, event_time[:before], calendar_month[:before], options)
    columns = kernels.fixed_columns(structure, event_time, calendar_month)
    z = np.column_stack(list(columns.values()))
    _require(z, x, before, (*columns, *calendar.terms))
    place = event_time - event_time[0]
    parts = [p[np.ix_(place, place)] for p in kernels.random_parts(structure, len(calendar.y))]
    data = Regression(y=y, x=x, z=z)
    logs = kernels.likeliest(data, parts, STARTS)
    correlation = kernels.mixture(parts, logs)
    at = concentrate(data, correlation)
    if at is None:
        raise EstimationError("the likelihood cannot be computed", where=WHERE, todo="Choose a simpler structure")
    given = tuple(chosen) if chosen else ()
    return StructuralFit(structure=structure, ratios=np.exp(logs), at=at, correlation=correlation, z=z, chosen=given)


def _structure(calendar: Calendar, event_time: Index, calendar_month: Index, options: StructuralITS) -> tuple[Any, ...]:
    """The structure given; or the one that suits the months before, its criterion and the number tried."""
    from cseval.estimators.structural_kernels import choose_structure

    if options.structure is not None:
        return (options.structure,)
    y, x = (values[calendar.used][: len(event_time)] for values in (calendar.y, calendar.x[:, ~calendar.own]))
    return choose_structure(y, x[:, (x != x[:1]).any(axis=0)], event_time, calendar_month)


def _require(z: Floats, x: Floats, before: int, terms: tuple[str, ...]) -> None:
    """Refuse initial states that the months before the start do not tell, and terms that explain each other."""
    import numpy as np

    from cseval.estimators.segmented_kernels import require_rank

    n, k = len(z), z.shape[1] + x.shape[1]
    if before < z.shape[1] + 4 or np.linalg.matrix_rank(z[:before]) < z.shape[1] or n < k + 4:
        raise EstimationError(
            f"{before} months before the start for {z.shape[1]} initial states",
            where=WHERE,
            expected=f"at least {z.shape[1] + 4}, with every month of the year where season is modelled",
            todo="Choose a longer pre period or a simpler structure",
        )
    require_rank(np.column_stack([z, x]), terms)


def _described(fit: StructuralFit, calendar: Calendar) -> ModelFit:
    """The fit with its uncertainty, its forecast, and what is to be said about it."""
    import numpy as np

    from cseval.estimators.its_notes import autocorrelation_notes
    from cseval.estimators.its_series import ModelFit

    n, m, k = len(fit.z), fit.z.shape[1], len(calendar.terms)
    factor, df = (n - m) / (n - m - k), float(n - m - k)
    variance = factor * fit.at.sigma2
    covariance = variance * np.linalg.inv(fit.at.information)
    spread, facts = np.diag(fit.at.factor), _facts(fit, k)
    return ModelFit(
        terms=calendar.terms,
        coefficients=fit.at.coefficients,
        covariance=covariance,
        df=df,
        own=calendar.own,
        own_columns=calendar.x[calendar.post][:, calendar.own],
        fitted=calendar.y[calendar.used] - spread * fit.at.innovations,
        error=spread * variance**0.5,
        forecast=_forecast(fit, calendar, variance, covariance),
        method=f"structural model ({fit.structure}), exact likelihood (t)",
        facts=facts,
        notes=(_words(fit), *autocorrelation_notes(facts, "The interval may be too narrow.")),
    )


def _forecast(fit: StructuralFit, calendar: Calendar, variance: float, covariance: Floats) -> Forecast:
    """The post months without the programme's terms, forecast from those before; errors of b by the delta method."""
    import numpy as np

    from cseval.estimators.its_prediction import Forecast
    from cseval.estimators.structural_kernels import conditional

    y, x = calendar.y[calendar.used], calendar.x[calendar.used]
    before = int((~calendar.post[calendar.used]).sum())
    off = np.where(calendar.own, 0.0, x)
    weights, noise = conditional(fit.correlation, fit.z, before)
    gradient = off[before:] - weights @ off[:before]
    return Forecast(
        mean=gradient @ fit.at.coefficients + weights @ y[:before],
        noise=variance * noise,
        parameter=gradient @ covariance @ gradient.T,
    )


def _words(fit: StructuralFit) -> str:
    if not fit.chosen:
        return f"Structure as registered: {fit.structure}."
    tried = f"chosen by AICc among {fit.chosen[1]} structures on the months before the start alone"
    return f"Structure: {fit.structure}, {tried}."


def _facts(fit: StructuralFit, terms: int) -> dict[str, Any]:
    """Structure, likelihood, variances and what is left in the innovations."""
    from cseval.estimators.its_notes import TEST_LAG
    from cseval.estimators.segmented_kernels import durbin_watson, ljung_box

    has = (True, fit.structure.random_trend, fit.structure.random_season)
    names = [name for name, there in zip(("level", "slope", "season"), has, strict=True) if there]
    innovations = fit.at.innovations
    facts = {
        "structure": str(fit.structure),
        "n": len(innovations),
        "k": terms + fit.z.shape[1] + len(fit.ratios),
        "log_likelihood": fit.at.llf,
        "irregular_variance": fit.at.sigma2,
        **{f"{n}_variance": float(fit.at.sigma2 * r) for n, r in zip(names, fit.ratios, strict=True)},
        "durbin_watson": durbin_watson(innovations),
        "ljung_box_p": ljung_box(innovations, TEST_LAG, len(fit.ratios)),
    }
    return facts | ({"aicc_before": fit.chosen[0], "structures_tried": fit.chosen[1]} if fit.chosen else {})
