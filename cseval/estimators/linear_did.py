"""Difference in differences for counts or rates: a linear model with unit and month effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError, SpecError
from cseval.estimate import COUNT, Estimate
from cseval.estimators.base import ClusterErrors, ManyEffects
from cseval.estimators.poisson_did import (
    TERM,
    coefficient_frame,
    covariate_counts,
    known_errors,
    left_out,
    one_unit_note,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.collapsed import Collapsed

    Floats = npt.NDArray[np.float64]

ASSUMPTION = (
    "Without the programme, incidents per treated unit would have changed by the same number as per comparison unit."
)


@dataclass(frozen=True, kw_only=True)
class LinearDiD:
    """Two-way fixed-effects linear difference in differences.

    ``y_it = a_i + g_t + tau D_it + x_it b + error``. Without covariates ``tau`` is the difference of four means on the
    balanced panel of a design, and is computed so with its error by unit; with covariates the model is fitted by
    `linearmodels.PanelOLS`. The effect is reported in incidents per unit and month.

    Parameters
    ----------
    per : float, optional
        Model the rate per `per` of the panel's exposure (for example 1000 residents) rather than the count.
        The rate's coefficient is in the coefficients table; the effect is the rate's times the mean exposure
        of the treated units in the post period, so again incidents per unit and month.
    covariates : tuple of str
        Outcomes of the panel that enter as regressors, as counted.

    Raises
    ------
    SpecError
        If `per` is not above 0.
    """

    per: float | None = None
    covariates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.per is not None and not self.per > 0:
            raise SpecError(f"per={self.per}", where="LinearDiD", expected="a number above 0")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Linear DiD"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect, with standard error by unit and Student's t with units - 1 df.

        The standard error is linearmodels' (CR0 times observations over residual degrees of freedom). With one treated
        unit there is none: what varies between treated units cannot be seen from one.

        Raises
        ------
        EstimationError
            If exposure is asked for and absent, a covariate was not received, or the model is not identified.
        DesignError
            If treated units begin in different months.
        """
        design.require_one_start(self.name)
        return (_fitted_estimate if self.covariates else _closed_estimate)(self, design)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring.

        Equal to `estimate` set by set: by closed form, or with covariates by least squares for each set, which takes
        milliseconds a set and leaves NaN where the model is not identified. The variance is linear in the
        square of the set's baseline incidents per unit and month and, last, in these themselves.
        """
        import numpy as np

        from cseval.estimators import did_kernels as kernels

        design.require_one_start(self.name)
        size = kernels.member_sum(design.pre_counts, sets.members)
        level = size / (kernels.group_sizes(design.comparison, sets)[0] * (~design.post).sum())
        effect, _ = (_fitted_many if self.covariates else _closed_many)(self, design, sets)
        return ManyEffects(
            effect=_incidents(self, design, sets.members) * effect,
            variance_terms=np.stack([level**2, level], axis=1),
            size=size,
        )

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Standard error by unit (linearmodels' factor) of each effect of `estimate_many`, units - 1 df."""
        import numpy as np

        from cseval.estimators.did_kernels import group_sizes

        design.require_one_start(self.name)
        _, error = (_fitted_many if self.covariates else _closed_many)(self, design, sets)
        clusters = np.sum(group_sizes(design.comparison, sets), axis=0)
        return ClusterErrors(std_error=_incidents(self, design, sets.members) * error, df=(clusters - 1).astype(float))

    def collapsed(self, design: Design, sets: PlaceboSets) -> Collapsed:
        """The model as a difference of mean changes.

        Raises
        ------
        EstimationError
            If there are covariates, or exposure is asked for and absent.
        """
        import numpy as np

        from cseval.estimators.collapsed import Collapsed, Identity

        if self.covariates:
            raise EstimationError(
                "with covariates the model does not collapse to one change by unit",
                where=f"outcome {design.outcome}",
                todo="Use cluster-robust (CR1) errors or placebo neighbourhoods",
            )
        factor = _incidents(self, design, sets.members)
        return Collapsed(value=_change(self, design), mass=np.ones(len(design.units)), link=Identity(), factor=factor)


def _exposure(options: LinearDiD, design: Design) -> Floats | None:
    if options.per is None:
        return None
    if design.exposure is None:
        raise EstimationError(
            "no exposure in the panel", where=f"outcome {design.outcome}", todo="Use LinearDiD(per=None)"
        )
    return design.exposure


def _change(options: LinearDiD, design: Design) -> Floats:
    """Mean after less mean before of each unit."""
    import numpy as np

    from cseval.estimators.linear_kernels import unit_change

    exposure = _exposure(options, design)
    if exposure is None:
        return np.asarray(design.post_counts / design.post.sum() - design.pre_counts / (~design.post).sum())
    return unit_change(design.counts, exposure, options.per or 1.0, design.post)


def _incidents(options: LinearDiD, design: Design, members: Any) -> Floats:
    """Incidents per unit and month that one unit of the modelled quantity stands for, per set."""
    import numpy as np

    if options.per is None or design.exposure is None:
        return np.ones(len(members))
    from cseval.estimators.did_kernels import member_sum

    used = (members < len(design.units)).sum(axis=1)  # a row may be padded
    mean = design.exposure @ (design.post / design.post.sum())
    return np.asarray(member_sum(mean, members) / used / options.per)


# The closed form ----------------------------------------------------------------------------------


def _closed_many(options: LinearDiD, design: Design, sets: PlaceboSets) -> tuple[Floats, Floats]:
    """Coefficient and standard error of each set, both of the modelled quantity."""
    import numpy as np

    from cseval.estimators import did_kernels as kernels
    from cseval.estimators.linear_kernels import small_sample_factor

    change = _change(options, design)
    clusters = np.sum(kernels.group_sizes(design.comparison, sets), axis=0)
    variance = kernels.mean_difference_variance(change, design.comparison, sets)
    error = np.sqrt(variance * small_sample_factor(clusters, len(design.periods)))
    return kernels.mean_difference(change, design.comparison, sets), error


def _closed_estimate(options: LinearDiD, design: Design) -> Estimate:
    tau, error = _closed_many(options, design, design.own_set)
    return _assemble(options, design, tau, error, _closed_path(options, design, float(tau[0])), "closed form")


def _closed_path(options: LinearDiD, design: Design, tau: float) -> pd.DataFrame:
    """The treated area: each unit's own level moved by the comparison's mean change, month by month."""
    import numpy as np

    from cseval.estimators.linear_kernels import month_means, rate_blocks

    post, treated, exposure, per = design.post, design.is_treated, design.exposure, options.per or 1.0
    exposure = None if options.per is None else exposure
    theirs = None if exposure is None else exposure[treated]
    moved = month_means(design.counts, exposure, per, design.comparison)
    values = np.concatenate(list(rate_blocks(design.counts[treated], theirs, per)))
    level = values[:, ~post].mean(axis=1, keepdims=True) - moved[~post].mean()
    weight = np.ones(values.shape) if theirs is None else theirs / per
    return _path_frame(design, (weight * (level + moved)).sum(axis=0), tau * weight.sum(axis=0))


def _path_frame(design: Design, counterfactual: Floats, lift: Floats) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    return pd.DataFrame(
        {
            "period": list(design.periods),
            "observed": design.counts[design.is_treated].sum(axis=0).astype(float),
            "fitted": counterfactual + lift * design.post,
            "counterfactual": counterfactual,
            "low": np.nan,
            "high": np.nan,
        }
    )


# With covariates ----------------------------------------------------------------------------------


def _fitted_estimate(options: LinearDiD, design: Design) -> Estimate:
    """By `linearmodels.PanelOLS`."""
    import numpy as np

    used = design.is_treated | design.comparison
    fit = _fit_panel(_rates(options, design)[used], _regressors(options, design, design.is_treated, used))
    values, errors = (np.asarray(x, dtype=float) for x in (fit.params, fit.std_errors))
    path = _fitted_path(options, design, fit, float(values[0]))
    return _assemble(options, design, values, errors, path, "linearmodels.PanelOLS")


def _rates(options: LinearDiD, design: Design) -> Floats:
    import numpy as np

    from cseval.estimators.linear_kernels import rate_blocks

    return np.concatenate(list(rate_blocks(design.counts, _exposure(options, design), options.per or 1.0)))


def _regressors(options: LinearDiD, design: Design, treated: Any, used: Any) -> Floats:
    """The programme's switch and the covariates, shape (used units, months, terms)."""
    import numpy as np

    switch = (treated[used][:, None] & design.post[None, :]).astype(float)
    return np.stack([switch, *(covariate_counts(design, c)[used] for c in options.covariates)], axis=2)


def _fit_panel(values: Floats, x: Floats) -> Any:
    """Fit with unit and month effects, clustered by unit."""
    import pandas as pd
    from linearmodels import PanelOLS

    from cseval.estimators.linear_kernels import require_identified

    require_identified(x)
    units, months = values.shape
    index = pd.MultiIndex.from_product([range(units), range(months)], names=["unit", "month"])
    regressors = pd.DataFrame(x.reshape(units * months, -1), index=index)
    model = PanelOLS(pd.Series(values.ravel(), index=index), regressors, entity_effects=True, time_effects=True)
    return model.fit(cov_type="clustered", cluster_entity=True)


def _fitted_path(options: LinearDiD, design: Design, fit: Any, tau: float) -> pd.DataFrame:
    """Fitted values of the treated units with and without the effect."""
    used = design.is_treated | design.comparison
    expected = (fit.fitted_values.to_numpy() + fit.estimated_effects.to_numpy()).reshape(int(used.sum()), -1)
    expected = expected[design.is_treated[used]]
    weight = expected * 0 + 1 if options.per is None else design.exposure[design.is_treated] / options.per  # type: ignore[index]
    lift = tau * weight.sum(axis=0)
    return _path_frame(design, (weight * expected).sum(axis=0) - lift * design.post, lift)


def _fitted_many(options: LinearDiD, design: Design, sets: PlaceboSets) -> tuple[Floats, Floats]:
    """Coefficient and standard error of each set by least squares, one set after another."""
    import numpy as np

    from cseval.estimators.linear_kernels import fit_linear

    rates, out = _rates(options, design), np.full((len(sets), 2), np.nan)
    for row, (members, ring) in enumerate(zip(sets.members, sets.ring, strict=True)):
        treated, used = np.zeros((2, len(design.units) + 1), dtype=bool)  # a row may be padded
        used[:-1] = design.comparison
        used[ring] = False
        treated[members] = used[members] = True
        treated, used = treated[:-1], used[:-1]
        try:
            values, covariance = fit_linear(rates[used], _regressors(options, design, treated, used))
        except EstimationError:
            continue
        out[row] = values[0], np.sqrt(covariance[0, 0])
    return out[:, 0], out[:, 1]


def _assemble(
    options: LinearDiD, design: Design, values: Floats, errors: Floats, path: pd.DataFrame, method: str
) -> Estimate:
    """The Estimate in incidents per unit and month; the effect is the first of `values`."""
    clusters = int((design.is_treated | design.comparison).sum())
    errors = known_errors(design, errors)
    coefficients = coefficient_frame([TERM, *options.covariates], values, errors, clusters - 1)
    first = {c: float(coefficients.iloc[0][c]) for c in ("estimate", "std_error", "conf_low", "conf_high", "p_value")}
    factor = float(_incidents(options, design, design.own_set.members)[0])
    treated, months = int(design.is_treated.sum()), int(design.post.sum())
    observed = float(design.post_counts[design.is_treated].sum())
    return Estimate(
        estimator=options.name,
        estimand="ATT, incidents per unit and month",
        outcome=design.outcome,
        scale=COUNT,
        effect=factor * first["estimate"],
        std_error=factor * first["std_error"],
        conf_low=factor * first["conf_low"],
        conf_high=factor * first["conf_high"],
        p_value=first["p_value"],
        inference="cluster-robust (linearmodels, t)",
        observed=observed,
        counterfactual=observed - factor * first["estimate"] * treated * months,
        treated_units=treated,
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=months,
        assumption=ASSUMPTION,
        coefficients=coefficients,
        path=path,
        facts={"method": method, "clusters": clusters, "per": options.per},
        left_out=left_out(design),
        notes=one_unit_note(design),
    )
