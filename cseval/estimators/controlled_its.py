"""A controlled interrupted time series: treated and comparison series in one regression with all interactions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from cseval.errors import EstimationError, SpecError
from cseval.estimate import COUNT, LOG, Estimate
from cseval.estimators.its_errors import DriscollKraay
from cseval.estimators.poisson_did import coefficient_frame, left_out
from cseval.estimators.segmented_options import (
    Errors,
    Family,
    Interruption,
    MonthDummies,
    QuasiPoisson,
    Season,
)
from cseval.estimators.segmented_series import settled_errors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import SeriesEffects
    from cseval.estimators.controlled_its_series import ControlledFit

    Floats = npt.NDArray[np.float64]

__all__ = ["ControlledITS", "DriscollKraay"]

ASSUMPTION = (
    "Without the programme, the level and trend of the treated area would have changed at the start as those of the "
    "comparison did, in {by}."
)


@dataclass(frozen=True, kw_only=True)
class ControlledITS:
    """Level and slope change of the treated series beyond that of the comparison series.

    ``g(E y) = offset + b0 + b1 t + b2 x + b3 xt + b4 z + b5 zt + b6 zx + b7 zxt + season``

    (Linden and Adams 2011; Linden 2015, Stata's `itsa`, which calls them _t, _x, _x_t, _z, _z_t, _z_x and _z_x_t), with
    z = 1 in the treated series, t in calendar months since the first month of the window, x = 1 from the first post
    month on and xt the months since then. The programme's terms are zx and zxt: with them switched off the treated
    series changes as the comparison did.

    Both series are totals of their units: with log link the number of units (or their exposure) is the offset, without
    it totals are divided by it. `DriscollKraay` errors, the default, add up both series' scores of a month before they
    take lags, so what moves both areas alike cancels in the error as it does in the effect. `NeweyWest` errors take
    lags within each series and nothing across, as `itsa` does by Stata's `newey` on a panel: where both areas share
    good and bad months, they are far too large. The automatic lag goes by the months of one series. `PraisWinsten` has
    one autocorrelation for both series, keeps the first month of each, and takes them as independent.

    Parameters
    ----------
    family : Family
    errors : Errors
    level, slope : bool
        Which changes the programme, and the comparison at the same time, may make; at least one.
    season : Season or None
    separate_season : bool
        Whether each series has a season of its own.
    interruptions : tuple of Interruption
        Other dated changes, each with a term of its own in either series; they stay in the counterfactual.
    exposure : bool
        Rates per exposure rather than per unit.

    Raises
    ------
    SpecError
        If options contradict each other.
    """

    family: Family = field(default_factory=QuasiPoisson)
    errors: Errors = field(default_factory=DriscollKraay)
    level: bool = True
    slope: bool = True
    season: Season | None = field(default_factory=MonthDummies)
    separate_season: bool = False
    interruptions: tuple[Interruption, ...] = ()
    exposure: bool = False

    def __post_init__(self) -> None:
        where = "ControlledITS"
        if not (self.level or self.slope):
            raise SpecError("neither level nor slope", where=where, expected="at least one")
        if self.errors.gaussian_only and self.family.log_link:
            raise SpecError(
                f"{type(self.errors).__name__} with {type(self.family).__name__}", where=where, expected="Gaussian()"
            )
        if self.exposure and not self.family.log_link:
            raise SpecError("exposure with Gaussian()", where=where, expected="a family with log link")
        if self.separate_season and self.season is None:
            raise SpecError("separate_season without a season", where=where, expected="a season")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return f"Controlled interrupted time series, {self.family.name}"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect over the post period.

        With log link the log of total expected incidents with the programme's terms over total expected without, by the
        delta method; otherwise the mean difference per unit and post month.

        Raises
        ------
        EstimationError
            If either series is empty, constant or too short, or does not tell its terms apart.
        """
        from cseval.estimators.controlled_its_series import fit_pair, pair_of

        design.require_one_start(self.name)
        return _assemble(self, design, fit_pair(pair_of(self, design), self))

    @property
    def affordable_series(self) -> int:
        """How many placebo series can be fitted in about a second."""
        from cseval.estimators.controlled_its_batch import fits_together

        return 400 if fits_together(self) else 60

    def settled(self, design: Design) -> Self:
        """The same model with an automatic lag as the months of `design` have it."""
        return replace(self, errors=settled_errors(self.errors, len(design.periods)))

    def estimate_series(self, design: Design, sets: PlaceboSets) -> SeriesEffects:
        """Fit the same model to each set's series against the design's comparison less the set and its ring.

        A set whose series cannot be fitted has NaN.
        """
        from cseval.estimators.controlled_its_batch import fit_sets

        design.require_one_start(self.name)
        return fit_sets(self, design, sets)


def _assemble(options: ControlledITS, design: Design, pair: ControlledFit) -> Estimate:
    import numpy as np

    from cseval.estimators.its_notes import autocorrelation_notes
    from cseval.estimators.its_prediction import averted_frame, path_frame

    treated, months = int(design.is_treated.sum()), int(design.post.sum())
    effect, error = pair.effect()
    row = coefficient_frame(["effect"], np.array([effect]), np.array([error]), pair.fit.t_df).iloc[0]
    monthly = design.counts[design.is_treated].sum(axis=0).astype(float)
    observed, course, facts, log_link = float(monthly[design.post].sum()), pair.course(), pair.facts(), pair.log_link
    if not (np.isfinite(effect) and np.isfinite(error)):
        raise EstimationError("the effect has no finite standard error", where="controlled series")
    return Estimate(
        estimator=options.name,
        estimand="Change against the course of the comparison"
        + (", ratio of ratios" if log_link else ", incidents per unit and month"),
        outcome=design.outcome,
        scale=LOG if log_link else COUNT,
        effect=effect,
        std_error=error,
        conf_low=float(row["conf_low"]),
        conf_high=float(row["conf_high"]),
        p_value=float(row["p_value"]),
        inference=options.errors.describe(options.family, pair.fit),
        observed=observed,
        counterfactual=float(observed * np.exp(-effect)) if log_link else observed - effect * treated * months,
        treated_units=treated,
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=months,
        assumption=ASSUMPTION.format(by="per cent" if log_link else "incidents per unit"),
        coefficients=_table(pair),
        path=path_frame(design.periods, monthly, pair.fitted(), course),
        facts=facts,
        tables={"averted": averted_frame(design.periods, monthly, design.post, course)},
        left_out=left_out(design),
        notes=autocorrelation_notes(facts, options.errors.caveat),
    )


def _table(pair: ControlledFit) -> Any:
    """Every term with its error, interval and p-value."""
    import numpy as np

    errors = np.sqrt(np.diag(pair.fit.covariance))
    return coefficient_frame(pair.terms, pair.fit.coefficients, errors, pair.fit.t_df)
