"""The regression of a treated and a comparison series with all interactions, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.its_panel import stacked_months
from cseval.estimators.its_prediction import Course, log_course, plain_course, spread_out
from cseval.estimators.segmented_kernels import mean_log_ratio, require_incidents, require_rank
from cseval.estimators.segmented_series import require_both_sides, require_variation
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimators.controlled_its import ControlledITS
    from cseval.estimators.segmented_kernels import Fitted
    from cseval.estimators.segmented_options import Errors, Family

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

WHERE = "controlled time series"
OWN = ("zx", "zxt")


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """Monthly totals of two series and what they are totals of.

    Parameters
    ----------
    treated, comparison : float array, shape (n,)
    treated_size, comparison_size : float array, shape (n,)
        Units, or their exposure.
    event_time : int array, shape (n,)
        Calendar months since the first post month, ascending.
    first_post : str
    """

    treated: Floats
    comparison: Floats
    treated_size: Floats
    comparison_size: Floats
    event_time: Index
    first_post: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ControlledFit:
    """A regression of two stacked series, the comparison first.

    Parameters
    ----------
    terms : tuple of str
    x, off : float array, shape (2 n, k)
        Regressors, and the same with the programme's terms switched off.
    y, offset : float array, shape (2 n,)
        As modelled: counts with log link, incidents per unit otherwise.
    size : float array, shape (n,)
        Units of the treated series, by which incidents per unit are multiplied.
    event_time : int array, shape (n,)
    fit : Fitted
    family : Family
    errors : Errors
    """

    terms: tuple[str, ...]
    x: Floats
    off: Floats
    y: Floats
    offset: Floats
    size: Floats
    event_time: Index
    fit: Fitted
    family: Family
    errors: Errors

    @property
    def log_link(self) -> bool:
        """Whether effects are log ratios."""
        return self.family.log_link

    @property
    def months(self) -> int:
        """Months of one series."""
        return len(self.event_time)

    def coefficient(self, term: str) -> tuple[float, float]:
        """Coefficient of a term and its standard error."""
        i = self.terms.index(term)
        return float(self.fit.coefficients[i]), float(self.fit.covariance[i, i] ** 0.5)

    def effect(self) -> tuple[float, float]:
        """Effect over the post period and its standard error; see `ControlledITS.estimate`."""
        post = self.event_time >= 0
        x, off, offset = (values[self.months :][post] for values in (self.x, self.off, self.offset))
        if self.log_link:
            value, gradient = mean_log_ratio(x, off, offset, self.fit.coefficients)
        else:
            gradient = (x - off).mean(axis=0)
            value = float(gradient @ self.fit.coefficients)
        return value, float(gradient @ self.fit.covariance @ gradient) ** 0.5

    def fitted(self) -> Floats:
        """Expected incidents of the treated series with the programme, shape (n,)."""
        own = self.fit.fitted[self.months :]
        return own if self.log_link else own * self.size

    def course(self) -> Course:
        """Expected incidents of the treated series without the programme, with prediction intervals."""
        return _course(self)

    def facts(self) -> dict[str, float]:
        """Size, dispersion and autocorrelation within the treated series; facts that do not apply are left out."""
        return _facts(self)


def pair_of(options: ControlledITS, design: Design) -> Pair:
    """The two series of a design.

    Raises
    ------
    EstimationError
        If rates are asked for and the panel has no exposure.
    """
    first_post = add_months(design.start, design.transition)
    numbers = np.array([month_number(p) for p in design.periods], dtype=np.int64)
    counts = design.counts
    return Pair(
        treated=counts[design.is_treated].sum(axis=0).astype(float),
        comparison=counts[design.comparison].sum(axis=0).astype(float),
        treated_size=_size(options, design, design.is_treated),
        comparison_size=_size(options, design, design.comparison),
        event_time=numbers - month_number(first_post),
        first_post=first_post,
    )


def _size(options: ControlledITS, design: Design, units: Mask) -> Floats:
    if not options.exposure:
        return np.full(len(design.periods), float(units.sum()))
    return exposure_of(design)[units].sum(axis=0)  # type: ignore[no-any-return]


def exposure_of(design: Design) -> Floats:
    """Exposure, shape (units, months).

    Raises
    ------
    EstimationError
        If the panel has none.
    """
    if design.exposure is None:
        raise EstimationError(
            "no exposure in the panel", where=f"outcome {design.outcome}", todo="Use ControlledITS(exposure=False)"
        )
    return design.exposure


def fit_pair(pair: Pair, options: ControlledITS) -> ControlledFit:
    """Fit both series together.

    Raises
    ------
    EstimationError
        If either series is empty or constant, months are too few, an indicator has no incident on one side, terms
        explain each other, or the regression does not converge.
    """
    terms, x = design_matrix(options, pair.event_time, pair.first_post)
    log_link = options.family.log_link
    for name, series in (("treated", pair.treated), ("comparison", pair.comparison)):
        require_variation(series, f"{WHERE}, {name} series")
        if log_link:
            _require_both_phases(series, pair.event_time >= 0, name)
    sizes = np.concatenate([pair.comparison_size, pair.treated_size])
    y = np.concatenate([pair.comparison, pair.treated]) / (1.0 if log_link else sizes)
    if log_link:
        require_incidents(y, x, terms, WHERE)
        if (sizes <= 0).any():
            raise EstimationError("a month without exposure", where=WHERE)
    offset = np.log(sizes) if log_link else np.zeros(len(y))
    fit = options.errors.fit(options.family, y, x, offset, np.diff(stacked_months(pair.event_time)))
    return ControlledFit(
        terms=terms,
        x=x,
        off=np.where(np.isin(terms, OWN), 0.0, x),
        y=y,
        offset=offset,
        size=pair.treated_size,
        event_time=pair.event_time,
        fit=fit,
        family=options.family,
        errors=options.errors,
    )


def _require_both_phases(series: Floats, post: Mask, name: str) -> None:
    """Refuse a series without an incident before or after the start, whose log ratio would be infinite."""
    for months, phase in ((~post, "before"), (post, "after")):
        if series[months].sum() == 0:
            raise EstimationError(f"no incident {phase} the start in the {name} series", where=WHERE)


def design_matrix(options: ControlledITS, event_time: Index, first_post: str) -> tuple[tuple[str, ...], Floats]:
    """Terms and regressors of the stacked series, comparison first.

    Returns
    -------
    terms : tuple of str, length k
    x : float array, shape (2 n, k)

    Raises
    ------
    EstimationError
        If there are too few months, or terms explain each other.
    """
    n, both = len(event_time), _dated(options, event_time)
    require_both_sides(event_time, len(both) - 1, WHERE)
    season = _season(options, event_time, first_post)
    for other in options.interruptions:
        both |= other.columns(event_time, first_post)
    none = np.zeros(n)
    columns = {"intercept": np.ones(2 * n)} | {name: np.concatenate([c, c]) for name, c in both.items()}
    columns["z"] = np.concatenate([none, np.ones(n)])
    columns |= {_in_treated(name): np.concatenate([none, c]) for name, c in both.items()}
    columns |= {name: np.concatenate([c, c]) for name, c in season.items()}
    if options.separate_season:
        columns |= {_in_treated(name): np.concatenate([none, c]) for name, c in season.items()}
    terms, x = tuple(columns), np.column_stack(list(columns.values()))
    if len(x) < len(terms) + 4:
        raise EstimationError(f"{n} months in each series for {len(terms)} terms", where=WHERE)
    require_rank(x, terms, WHERE)
    return terms, x


def _dated(options: ControlledITS, event_time: Index) -> dict[str, Floats]:
    """t, x and xt as `itsa` has them."""
    after = event_time >= 0
    out = {"t": (event_time - event_time[0]).astype(float)}
    out |= {"x": after.astype(float)} if options.level else {}
    return out | ({"xt": (event_time * after).astype(float)} if options.slope else {})


def _season(options: ControlledITS, event_time: Index, first_post: str) -> dict[str, Floats]:
    if options.season is None:
        return {}
    month = (event_time + month_number(first_post)) % 12 + 1 if first_post else np.ones_like(event_time)
    return options.season.columns(month)


def _in_treated(name: str) -> str:
    return f"z{name}" if name in ("t", "x", "xt") else f"z {name}"


def _course(pair: ControlledFit) -> Course:
    """The treated series with the programme's terms off; months deviate as each series' own did.

    What treated and comparison months share counts once: a month that is bad in both lifts the comparison's terms, and
    with them the expectation, as well as the count that would have been.
    """
    fit, n, log_link = pair.fit, pair.months, pair.log_link
    relative = _series_scale(pair)
    spread = np.sqrt(pair.family.variance(fit.fitted, fit) * relative)
    gradient = pair.x * ((fit.fitted if log_link else 1.0) / spread)[:, None]
    noise = pair.errors.noise(fit, (pair.y - fit.fitted) / spread, gradient, stacked_months(pair.event_time))
    size = np.ones(n) if log_link else pair.size
    expected = pair.off[n:] @ fit.coefficients + pair.offset[n:]
    mean = np.exp(expected) if log_link else expected
    own = np.sqrt(noise.factor * pair.family.variance(mean, fit) * relative[n:]) * size
    slopes = pair.off[n:] * ((mean if log_link else 1.0) * size)[:, None]
    common = noise.factor**0.5 * own[:, None] * noise.correlation[n:, :n] @ gradient[:n]
    shared = common @ np.linalg.pinv(gradient.T @ gradient) @ slopes.T
    together = spread_out(own**2, noise.correlation[n:, n:]) - shared - shared.T
    regressors = pair.off[n:] if log_link else slopes
    course = log_course if log_link else plain_course
    df = min(fit.t_df, float(2 * n - len(pair.terms)))
    return course(expected * size, regressors, noise.covariances, together, pair.event_time >= 0, df)


def _series_scale(pair: ControlledFit) -> Floats:
    """How much more, or less, each series varies than the common model has it, shape (2 n,)."""
    n, free = pair.months, 2 * pair.months - len(pair.terms)
    relative = (pair.y - pair.fit.fitted) ** 2 / pair.family.variance(pair.fit.fitted, pair.fit)
    means = relative.reshape(2, n).sum(axis=1) * 2 / free
    return np.repeat(means, n)


def _facts(pair: ControlledFit) -> dict[str, float]:
    from cseval.estimators.its_notes import residual_facts

    fit, n = pair.fit, pair.months
    used = np.abs(pair.x[n:]).max(axis=0) > 0
    own = fit.regressors[n:][:, used]
    basis = own[:, np.linalg.norm(own, axis=0) > 0]
    facts = {"n": 2 * n, "k": len(pair.terms), "df": 2 * n - len(pair.terms), "dispersion": fit.dispersion}
    facts |= residual_facts(fit.residuals[n:], np.linalg.qr(basis)[0][:, : np.linalg.matrix_rank(basis)])
    facts |= {"alpha": fit.alpha} if np.isfinite(fit.alpha) else {}
    facts |= {"rho": fit.rho} if np.isfinite(fit.rho) else {}
    return facts | ({"lag": fit.lag} if fit.lag >= 0 else {})
