"""What a segmented regression can be told: distribution, season, errors and other dated interruptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cseval.errors import SpecError
from cseval.estimators.segmented_shapes import flagged, require_distinct, shape_columns
from cseval.months import month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.estimators.its_prediction import Noise
    from cseval.estimators.segmented_kernels import Fitted
    from cseval.estimators.segmented_shapes import Shape

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


# Distribution -----------------------------------------------------------------------------------------------


class Family(Protocol):
    """The distribution of the monthly counts."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    @property
    def log_link(self) -> bool:
        """Whether effects are log ratios (else incidents)."""
        ...

    @property
    def normal(self) -> bool:
        """Whether its own errors go with the normal distribution rather than Student's t."""
        ...

    def fit(self, y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
        """Fit; `covariance` is statsmodels' ``cov_type`` and ``cov_kwds``, the model's own if left out."""
        ...

    def variance(self, mean: Floats, fit: Fitted) -> Floats:
        """Variance of single months about these means, shape (n,)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Poisson:
    """Poisson with log link; dispersion 1, so its errors are too small when counts are overdispersed."""

    name: str = "Poisson"
    log_link: bool = True
    normal: bool = True

    def fit(self, y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
        """Fit by statsmodels' GLM."""
        from cseval.estimators.segmented_kernels import fit_poisson

        return fit_poisson(y, x, offset, 1.0, **covariance)

    def variance(self, mean: Floats, fit: Fitted) -> Floats:
        """The mean."""
        return mean


@dataclass(frozen=True, kw_only=True)
class QuasiPoisson:
    """Poisson with log link and errors scaled by the Pearson dispersion."""

    name: str = "quasi-Poisson"
    log_link: bool = True
    normal: bool = False

    def fit(self, y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
        """Fit by statsmodels' GLM with ``scale="X2"``."""
        from cseval.estimators.segmented_kernels import fit_poisson

        return fit_poisson(y, x, offset, "X2", **covariance)

    def variance(self, mean: Floats, fit: Fitted) -> Floats:
        """Dispersion times the mean."""
        return fit.dispersion * mean


@dataclass(frozen=True, kw_only=True)
class NegativeBinomial:
    """Negative binomial (variance ``mu + alpha mu^2``) with log link and alpha by maximum likelihood.

    Errors are conditional on alpha, as in R's ``MASS::glm.nb``.
    """

    name: str = "negative binomial"
    log_link: bool = True
    normal: bool = True

    def fit(self, y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
        """Fit by statsmodels' GLM, alternating with alpha until both stand still."""
        from cseval.estimators.segmented_kernels import fit_negative_binomial

        return fit_negative_binomial(y, x, offset, **covariance)

    def variance(self, mean: Floats, fit: Fitted) -> Floats:
        """``mu + alpha mu^2``, times the Pearson dispersion if that is above 1: alpha's likelihood has it too small."""
        return max(fit.dispersion, 1.0) * (mean + fit.alpha * mean**2)


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """Ordinary least squares on the counts."""

    name: str = "Gaussian"
    log_link: bool = False
    normal: bool = False

    def fit(self, y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
        """Fit by statsmodels' OLS; `offset` is taken off the counts first."""
        from cseval.estimators.segmented_kernels import fit_gaussian

        return fit_gaussian(y, x, offset, **covariance)

    def variance(self, mean: Floats, fit: Fitted) -> Floats:
        """The residual variance, of the innovations where errors are autoregressive."""
        import numpy as np

        return np.full(len(mean), fit.dispersion)


# Errors -----------------------------------------------------------------------------------------------------


class Errors(Protocol):
    """Where the covariance of the coefficients comes from."""

    @property
    def gaussian_only(self) -> bool:
        """Whether it is defined for least squares only."""
        ...

    @property
    def caveat(self) -> str:
        """What autocorrelated residuals mean for its interval, as a sentence."""
        ...

    def fit(self, family: Family, y: Floats, x: Floats, offset: Floats, gaps: Index) -> Fitted:
        """Fit `family`; `gaps` are the months between one observation and the next, shape (n - 1,).

        A gap of `its_panel.BREAK` stands between two series that are stacked.
        """
        ...

    def noise(self, fit: Fitted, deviations: Floats, gradient: Floats, months: Index) -> Noise:
        """How single months deviate from their means together.

        `deviations` are divided by their standard deviations under the family, shape (n,), `gradient` is that of the
        means divided likewise, shape (n, k), and `months` are calendar positions, shape (n,).
        """
        ...

    def describe(self, family: Family, fit: Fitted) -> str:
        """Name of the method in the effect table."""
        ...


@dataclass(frozen=True, kw_only=True)
class ModelErrors:
    """The errors of the distribution itself, which take months as independent given the terms."""

    gaussian_only: bool = False

    @property
    def caveat(self) -> str:
        """What autocorrelated residuals mean for its interval, as a sentence."""
        return (
            "The errors used here take months as independent, so the interval is probably too narrow and the p-value "
            "too small; NeweyWest() allows for it."
        )

    def fit(self, family: Family, y: Floats, x: Floats, offset: Floats, gaps: Index) -> Fitted:
        """Fit with the model's own covariance."""
        return family.fit(y, x, offset)

    def noise(self, fit: Fitted, deviations: Floats, gradient: Floats, months: Index) -> Noise:
        """None: months are independent."""
        import numpy as np

        from cseval.estimators.its_prediction import Noise

        return Noise(correlation=np.eye(len(months)), factor=1.0, covariances=(fit.covariance,))

    def describe(self, family: Family, fit: Fitted) -> str:
        """Name of the method in the effect table."""
        return f"model-based ({family.name}, {'z' if family.normal else 't'})"


@dataclass(frozen=True, kw_only=True)
class NeweyWest:
    """Heteroskedasticity and autocorrelation consistent errors with Bartlett weights (Newey and West 1987).

    Multiplied by ``n / (n - k)``, with Student's t on ``n - k`` degrees of freedom. Months left out are not
    counted as lags.

    Parameters
    ----------
    lag : int, optional
        ``floor(4 (n / 100)^(2/9))`` if left out (Newey and West 1994).

    Raises
    ------
    SpecError
        If `lag` is negative.
    """

    lag: int | None = None
    gaussian_only: bool = False

    def __post_init__(self) -> None:
        if self.lag is not None and self.lag < 0:
            raise SpecError(f"lag={self.lag}", where="NeweyWest", expected="0 or more")

    @property
    def caveat(self) -> str:
        """What autocorrelated residuals mean for its interval, as a sentence."""
        return (
            "The Newey-West errors allow for what months share up to their lag, but in a short series they are still "
            "somewhat too small, and they do not reach further back."
        )

    def fit(self, family: Family, y: Floats, x: Floats, offset: Floats, gaps: Index) -> Fitted:
        """Fit with the Newey-West covariance, for stacked series by the groups that `groups` makes of them."""
        from dataclasses import replace

        from cseval.estimators.its_panel import newey_west, runs_of

        runs = runs_of(gaps)
        lag = automatic_lag(max(len(r) for r in runs)) if self.lag is None else self.lag
        if len(runs) > 1:
            fit = family.fit(y, x, offset)
            fit = replace(fit, covariance=newey_west(fit.regressors, fit.residuals, lag, self.groups(runs)))
        else:
            fit = family.fit(y, x, offset, cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": True})
        return replace(fit, t_df=float(len(y) - x.shape[1]), lag=lag)

    def noise(self, fit: Fitted, deviations: Floats, gradient: Floats, months: Index) -> Noise:
        """A first-order autoregression, as far as the deviations show one."""
        from cseval.estimators.its_prediction import autoregressive_noise

        return autoregressive_noise(deviations, gradient, months, fit.covariance, weighted=False)

    def describe(self, family: Family, fit: Fitted) -> str:
        """Name of the method in the effect table."""
        return self.label(fit.lag)

    def label(self, lag: int) -> str:
        """Name of the method with this lag."""
        return f"Newey-West (lag {lag}, t)"

    def groups(self, runs: tuple[Index, ...]) -> tuple[tuple[Index, ...], ...]:
        """Stacked series whose scores of a month are added up: here each stands alone, and no lag goes across."""
        return tuple((run,) for run in runs)


def automatic_lag(months: int) -> int:
    """The lag ``floor(4 (n / 100)^(2/9))``."""
    return int(4 * (months / 100) ** (2 / 9))


@dataclass(frozen=True, kw_only=True)
class PraisWinsten:
    """First-order autoregressive errors by iterated Prais-Winsten (1954), which keeps the first month."""

    gaussian_only: bool = True

    @property
    def caveat(self) -> str:
        """What autocorrelated residuals mean for its interval, as a sentence."""
        return "A first-order autoregression does not account for all of it, so the interval may be too narrow."

    def fit(self, family: Family, y: Floats, x: Floats, offset: Floats, gaps: Index) -> Fitted:
        """Fit by generalised least squares, iterating the autocorrelation."""
        from cseval.estimators.segmented_kernels import fit_prais_winsten

        return fit_prais_winsten(y, x, offset, gaps)

    def noise(self, fit: Fitted, deviations: Floats, gradient: Floats, months: Index) -> Noise:
        """A first-order autoregression, as far as the deviations show one."""
        from cseval.estimators.its_prediction import autoregressive_noise

        return autoregressive_noise(deviations, gradient, months, fit.covariance, weighted=True)

    def describe(self, family: Family, fit: Fitted) -> str:
        """Name of the method in the effect table."""
        return "Prais-Winsten (AR(1), t)"


# Season and interruptions -----------------------------------------------------------------------------------


class Season(Protocol):
    """Terms for the calendar month."""

    def columns(self, calendar_month: Index) -> dict[str, Floats]:
        """Terms by name from calendar months 1 to 12, shape (n,) each."""
        ...


@dataclass(frozen=True, kw_only=True)
class MonthDummies:
    """One indicator per calendar month but the first of those that occur."""

    def columns(self, calendar_month: Index) -> dict[str, Floats]:
        """Terms by name, for example ``month 02``."""
        present = sorted(set(calendar_month.tolist()))[1:]
        return {f"month {m:02d}": (calendar_month == m).astype(float) for m in present}


@dataclass(frozen=True, kw_only=True)
class Harmonics:
    """Pairs of sine and cosine: ``sin(2 pi k m / 12)`` and ``cos(2 pi k m / 12)`` with calendar month m.

    Parameters
    ----------
    pairs : int
        From 1 to 5.

    Raises
    ------
    SpecError
        If `pairs` is outside 1 to 5.
    """

    pairs: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.pairs <= 5:
            raise SpecError(f"pairs={self.pairs}", where="Harmonics", expected="1 to 5")

    def columns(self, calendar_month: Index) -> dict[str, Floats]:
        """Terms by name, for example ``sin 1``."""
        import numpy as np

        out: dict[str, Floats] = {}
        for k in range(1, self.pairs + 1):
            angle = 2 * np.pi * k * calendar_month / 12
            out |= {f"sin {k}": np.sin(angle), f"cos {k}": np.cos(angle)}
        return out


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """Another dated change, which stays in the counterfactual: a lockdown, a change of recording.

    Parameters
    ----------
    month : str
        First month of it, ``YYYY-MM``.
    level, slope : bool
        Whether the level and the slope may change from then on.
    label : str
        Name of its terms; the month if left out.
    shapes : tuple of Shape
        Further shapes of it: ``Interruption(month="2020-03", level=False, shapes=(pulse(months=4),))``.

    Raises
    ------
    SpecError
        If it has no shape, or one twice.
    """

    month: str
    level: bool = True
    slope: bool = False
    label: str = ""
    shapes: tuple[Shape, ...] = ()

    def __post_init__(self) -> None:
        month_number(self.month)
        require_distinct(self._all, f"Interruption {self.month}")

    @property
    def _all(self) -> tuple[Shape, ...]:
        return flagged(self.level, self.slope, self.shapes)

    def columns(self, event_time: Index, first_post: str) -> dict[str, Floats]:
        """Terms by name; `event_time` counts months from `first_post`."""
        since = event_time - (month_number(self.month) - month_number(first_post))
        return shape_columns(self._all, since, f"{self.label or self.month} ")
