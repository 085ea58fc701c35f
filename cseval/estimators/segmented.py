"""Segmented regression: an interrupted time series of the treated area as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from cseval.errors import EstimationError, SpecError
from cseval.estimate import COUNT, LOG, Estimate
from cseval.estimators.poisson_did import coefficient_frame, left_out
from cseval.estimators.segmented_options import (
    Errors,
    Family,
    Gaussian,
    Harmonics,
    Interruption,
    ModelErrors,
    MonthDummies,
    NegativeBinomial,
    NeweyWest,
    Poisson,
    PraisWinsten,
    QuasiPoisson,
    Season,
)
from cseval.estimators.segmented_series import SeriesFit, fit_series, settled_errors
from cseval.estimators.segmented_shapes import (
    Pulse,
    Ramp,
    Shape,
    Step,
    flagged,
    pulse,
    ramp,
    require_distinct,
    step,
)
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import SeriesEffects

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

__all__ = [
    "Gaussian",
    "Harmonics",
    "Interruption",
    "ModelErrors",
    "MonthDummies",
    "NegativeBinomial",
    "NeweyWest",
    "Poisson",
    "PraisWinsten",
    "Pulse",
    "QuasiPoisson",
    "Ramp",
    "SegmentedRegression",
    "SeriesFit",
    "Shape",
    "Step",
    "fit_series",
    "pulse",
    "ramp",
    "step",
]

ASSUMPTION = (
    "Without the programme, the {what} in the treated area would have kept the level, trend and season of the "
    "pre period."
)


@dataclass(frozen=True, kw_only=True)
class SegmentedRegression:
    """Level and slope change of the treated area's monthly total at the first post month.

    ``log E y_t = offset_t + a + b t + season + level [t >= 0] + slope t [t >= 0] + other shapes and interruptions``,
    with t in calendar months since the first post month (transition months are left out but counted, so the
    trend runs through them). Because t is 0 in the first post month, `level` is the change in that month.
    The counterfactual is the same fit with the programme's terms switched off and the offset carried.

    Parameters
    ----------
    family : Poisson, QuasiPoisson, NegativeBinomial or Gaussian
    errors : ModelErrors, NeweyWest or PraisWinsten
    level, slope : bool
        Which lasting changes the programme may make.
    change : tuple of Shape
        Further shapes of the programme's own change. A passing effect alone is
        ``SegmentedRegression(level=False, slope=False, change=(pulse(half_life=6),))``.
    trend : bool
        Whether the series has a trend of its own.
    season : MonthDummies, Harmonics or None
    interruptions : tuple of Interruption
        Other dated changes, which stay in the counterfactual.
    exposure : bool
        Offset by the log exposure of the treated units.
    relative_to_comparison : bool
        Offset by the log total of the comparison units, so that what moves both areas alike cancels (a
        controlled interrupted time series); the comparison's own noise is then part of the residuals.

    Raises
    ------
    SpecError
        If options contradict each other.
    """

    family: Family = field(default_factory=QuasiPoisson)
    errors: Errors = field(default_factory=NeweyWest)
    level: bool = True
    slope: bool = True
    trend: bool = True
    season: Season | None = field(default_factory=MonthDummies)
    interruptions: tuple[Interruption, ...] = ()
    exposure: bool = False
    relative_to_comparison: bool = False
    change: tuple[Shape, ...] = ()

    def __post_init__(self) -> None:
        where = "SegmentedRegression"
        require_distinct(self.changes, where)
        if self.errors.gaussian_only and self.family.log_link:
            raise SpecError(
                f"{type(self.errors).__name__} with {type(self.family).__name__}", where=where, expected="Gaussian()"
            )
        if not self.family.log_link and (self.exposure or self.relative_to_comparison):
            raise SpecError("an offset with Gaussian()", where=where, expected="a family with log link")

    @property
    def changes(self) -> tuple[Shape, ...]:
        """Every shape of the programme's own change."""
        return flagged(self.level, self.slope, self.change)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        controlled = "Controlled segmented" if self.relative_to_comparison else "Segmented"
        return f"{controlled} {self.family.name} regression"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect over the post period.

        On the log scale it is the log of total expected incidents with the programme's terms over total
        expected without, with a delta-method error; with `slope` off this is the level coefficient. For
        Gaussian() it is the mean difference per treated unit and post month.

        Raises
        ------
        EstimationError
            If the series is too short, empty, or does not tell its terms apart.
        """
        design.require_one_start(self.name)
        series = fit_series(
            design.counts[design.is_treated].sum(axis=0).astype(float),
            elapsed(design),
            calendar_months(design),
            _offset(self, design),
            self,
            first_post=add_months(design.start, design.transition),
        )
        return _assemble(self, design, series)

    @property
    def affordable_series(self) -> int:
        """How many placebo series can be fitted in about a second."""
        from cseval.estimators.segmented_series import fits_together

        return 2000 if fits_together(self) else 200

    def settled(self, design: Design) -> Self:
        """The same model with an automatic lag as the months of `design` have it."""
        return replace(self, errors=settled_errors(self.errors, len(design.periods)))

    def estimate_series(self, design: Design, sets: PlaceboSets) -> SeriesEffects:
        """Fit the same model to the series of each set, against the design's comparison less the set and its ring.

        A set whose series cannot be fitted has NaN. Effects are on the scale of the fit, not put per unit.
        """
        from cseval.estimators.segmented_series import fit_sets

        design.require_one_start(self.name)
        return fit_sets(self, design, sets, elapsed(design), calendar_months(design))


def elapsed(design: Design) -> Index:
    """Calendar months of each used month since the first post month, the months left out counted."""
    import numpy as np

    first_post = month_number(design.start) + design.transition
    return np.array([month_number(p) - first_post for p in design.periods], dtype=np.int64)


def calendar_months(design: Design) -> Index:
    """Calendar month, 1 to 12, of each used month."""
    import numpy as np

    return np.array([month_number(p) % 12 + 1 for p in design.periods], dtype=np.int64)


def _offset(options: SegmentedRegression, design: Design) -> Floats | None:
    """Log exposure and log comparison total, as asked for."""
    import numpy as np

    parts = []
    if options.exposure:
        parts.append(np.log(_exposure(design, design.is_treated)))
    if options.relative_to_comparison:
        total = design.counts[design.comparison].sum(axis=0).astype(float)
        if (total == 0).any():
            raise EstimationError(
                "a month without any incident in the comparison units", where=f"outcome {design.outcome}"
            )
        parts.append(np.log(total))
        if options.exposure:
            parts.append(-np.log(_exposure(design, design.comparison)))
    return sum(parts[1:], parts[0]) if parts else None


def _exposure(design: Design, units: Any) -> Floats:
    if design.exposure is None:
        raise EstimationError(
            "no exposure in the panel",
            where=f"outcome {design.outcome}",
            todo="Use SegmentedRegression(exposure=False)",
        )
    return design.exposure[units].sum(axis=0)  # type: ignore[no-any-return]


def _assemble(options: SegmentedRegression, design: Design, series: SeriesFit) -> Estimate:
    """The Estimate; for a series without log link the total's effect is put per treated unit."""
    import numpy as np

    from cseval.estimators.its_notes import autocorrelation_notes
    from cseval.estimators.its_prediction import averted_frame, path_frame

    treated, months = int(design.is_treated.sum()), int(design.post.sum())
    effect, error = (v if series.log_link else v / treated for v in series.effect())
    row = coefficient_frame(["effect"], np.array([effect]), np.array([error]), series.fit.t_df).iloc[0]
    monthly = design.counts[design.is_treated].sum(axis=0).astype(float)
    observed, course, facts = float(monthly[design.post].sum()), series.counterfactual(), _facts(series)
    relative = options.relative_to_comparison
    return Estimate(
        estimator=options.name,
        estimand="Change against the area's own projected course"
        + (" relative to the comparison" if relative else "")
        + (", ratio of counts" if series.log_link else ", incidents per unit and month"),
        outcome=design.outcome,
        scale=LOG if series.log_link else COUNT,
        effect=effect,
        std_error=error,
        conf_low=float(row["conf_low"]),
        conf_high=float(row["conf_high"]),
        p_value=float(row["p_value"]),
        inference=options.errors.describe(options.family, series.fit),
        observed=observed,
        counterfactual=observed * math.exp(-effect) if series.log_link else observed - effect * treated * months,
        treated_units=treated,
        comparison_units=int(design.comparison.sum()) if relative else 0,
        pre_periods=int((~design.post).sum()),
        post_periods=months,
        assumption=ASSUMPTION.format(what="ratio of incidents to the comparison" if relative else "incidents"),
        coefficients=_table(series),
        path=path_frame(design.periods, monthly, series.fit.fitted, course),
        facts=facts,
        tables={"averted": averted_frame(design.periods, monthly, design.post, course)},
        left_out=left_out(design),
        notes=autocorrelation_notes(facts, options.errors.caveat),
    )


def _table(series: SeriesFit) -> pd.DataFrame:
    """Every term with its error, interval and p-value."""
    import numpy as np

    errors = np.sqrt(np.diag(series.fit.covariance))
    return coefficient_frame(series.terms, series.fit.coefficients, errors, series.fit.t_df)


def _facts(series: SeriesFit) -> dict[str, Any]:
    """Size, dispersion and autocorrelation of the fit; facts that do not apply are left out."""
    from cseval.estimators.its_notes import residual_facts

    fit = series.fit
    facts = {
        "n": len(fit.fitted),
        "k": len(series.terms),
        "df": len(fit.fitted) - len(series.terms),
        "dispersion": fit.dispersion,
        **residual_facts(fit.residuals, fit.regressors),
    }
    facts |= {"alpha": fit.alpha} if math.isfinite(fit.alpha) else {}
    facts |= {"rho": fit.rho} if math.isfinite(fit.rho) else {}
    return facts | ({"lag": fit.lag} if fit.lag >= 0 else {})
