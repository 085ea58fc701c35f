"""Difference in differences for counts or rates: a linear model with unit and month effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError, SpecError
from cseval.estimate import COUNT, Estimate
from cseval.estimators.base import ClusterErrors, ManyEffects
from cseval.estimators.poisson_did import TERM, coefficient_frame, left_out

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Floats = npt.NDArray[np.float64]

ASSUMPTION = (
    "Without the programme, incidents per treated unit would have changed by the same number as per comparison unit."
)


@dataclass(frozen=True, kw_only=True)
class LinearDiD:
    """Two-way fixed-effects linear difference in differences.

    ``y_it = a_i + g_t + tau D_it + error``, fitted by `linearmodels.PanelOLS`; on the balanced panel of a
    design ``tau`` is the difference of four means. The effect is reported in incidents per unit and month.

    Parameters
    ----------
    per : float, optional
        Model the rate per `per` of the panel's exposure (for example 1000 residents) rather than the count.
        The rate's coefficient is in the coefficients table; the effect is the rate's times the mean exposure
        of the treated units in the post period, so again incidents per unit and month.

    Raises
    ------
    SpecError
        If `per` is not above 0.
    """

    per: float | None = None

    def __post_init__(self) -> None:
        if self.per is not None and not self.per > 0:
            raise SpecError(f"per={self.per}", where="LinearDiD", expected="a number above 0")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Linear DiD"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect, with standard error by unit and Student's t with units - 1 df.

        The standard error is linearmodels' (CR0 times observations over residual degrees of freedom).

        Raises
        ------
        EstimationError
            If exposure is asked for and absent, or a group has a single unit and nothing varies.
        """
        used = design.is_treated | design.comparison
        fit = _fit_panel(_values(self, design)[used], design.is_treated[used], design.post)
        factor = float(_incidents(self, design, design.own_set.members)[0])
        return _assemble(self, design, float(fit.params["did"]), float(fit.std_errors["did"]), factor)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring.

        By closed form, equal to `estimate` set by set. The variance is linear in the set's baseline
        incidents per unit and month and their square.
        """
        import numpy as np

        from cseval.estimators import did_kernels as kernels

        change = _change(_values(self, design), design.post)
        factor = _incidents(self, design, sets.members)
        size = kernels.member_sum(design.pre_counts, sets.members)
        level = size / (kernels.group_sizes(design.comparison, sets)[0] * (~design.post).sum())
        return ManyEffects(
            effect=factor * kernels.mean_difference(change, design.comparison, sets),
            variance_terms=np.stack([level, level**2], axis=1),
            size=size,
        )

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Standard error by unit (linearmodels' factor) of each effect of `estimate_many`, units - 1 df."""
        import numpy as np

        from cseval.estimators import did_kernels as kernels

        change = _change(_values(self, design), design.post)
        variance = kernels.mean_difference_variance(change, design.comparison, sets)
        clusters = np.sum(kernels.group_sizes(design.comparison, sets), axis=0)
        error = np.sqrt(variance * small_sample_factor(clusters, len(design.periods)))
        return ClusterErrors(std_error=_incidents(self, design, sets.members) * error, df=(clusters - 1).astype(float))


def small_sample_factor(units: npt.NDArray[np.int64] | int, periods: int) -> Floats:
    """What linearmodels multiplies the CR0 variance by: observations over residual degrees of freedom."""
    import numpy as np

    observations = np.asarray(units, dtype=float) * periods
    return np.asarray(observations / (observations - units - periods))


def _values(options: LinearDiD, design: Design) -> Floats:
    """Counts, or rates, shape (units, used months)."""
    if options.per is None:
        return design.counts.astype(float)
    if design.exposure is None:
        raise EstimationError(
            "no exposure in the panel", where=f"outcome {design.outcome}", todo="Use LinearDiD(per=None)"
        )
    return design.counts * options.per / design.exposure


def _change(values: Floats, post: Any) -> Floats:
    """Mean after less mean before of each unit."""
    return values[:, post].mean(axis=1) - values[:, ~post].mean(axis=1)  # type: ignore[no-any-return]


def _incidents(options: LinearDiD, design: Design, members: Any) -> Floats:
    """Incidents per unit and month that one unit of the modelled quantity stands for, per set."""
    import numpy as np

    if options.per is None or design.exposure is None:
        return np.ones(len(members))
    from cseval.estimators.did_kernels import member_sum

    used = (members < len(design.units)).sum(axis=1)  # a row may be padded
    return np.asarray(member_sum(design.exposure[:, design.post].mean(axis=1), members) / used / options.per)


def _fit_panel(values: Floats, treated: Any, post: Any) -> Any:
    """Fit ``did`` with unit and month effects, clustered by unit."""
    import pandas as pd
    from linearmodels import PanelOLS

    units, months = values.shape
    index = pd.MultiIndex.from_product([range(units), range(months)], names=["unit", "month"])
    switch = (treated[:, None] & post[None, :]).astype(float)
    data = pd.DataFrame({"y": values.ravel(), "did": switch.ravel()}, index=index)
    model = PanelOLS(data["y"], data[["did"]], entity_effects=True, time_effects=True)
    return model.fit(cov_type="clustered", cluster_entity=True)


def _assemble(options: LinearDiD, design: Design, tau: float, error: float, factor: float) -> Estimate:
    """The Estimate in incidents per unit and month."""
    import numpy as np

    clusters = int((design.is_treated | design.comparison).sum())
    coefficients = coefficient_frame([TERM], np.array([tau]), np.array([error]), clusters - 1)
    low, high, p_value = (float(coefficients.iloc[0][c]) for c in ("conf_low", "conf_high", "p_value"))
    treated, months = int(design.is_treated.sum()), int(design.post.sum())
    observed = float(design.post_counts[design.is_treated].sum())
    return Estimate(
        estimator=options.name,
        estimand="ATT, incidents per unit and month",
        outcome=design.outcome,
        scale=COUNT,
        effect=factor * tau,
        std_error=factor * error,
        conf_low=factor * low,
        conf_high=factor * high,
        p_value=p_value,
        inference="cluster-robust (linearmodels, t)",
        observed=observed,
        counterfactual=observed - factor * tau * treated * months,
        treated_units=treated,
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=months,
        assumption=ASSUMPTION,
        coefficients=coefficients,
        path=_path(options, design, tau),
        facts={"method": "linearmodels.PanelOLS", "clusters": clusters, "per": options.per},
        left_out=left_out(design),
    )


def _path(options: LinearDiD, design: Design, tau: float) -> pd.DataFrame:
    """The treated area: each unit's own level moved by the comparison's mean change, month by month."""
    import numpy as np
    import pandas as pd

    values, post = _values(options, design), design.post
    weight = np.ones(values.shape) if options.per is None else np.asarray(design.exposure) / options.per
    moved = values[design.comparison].mean(axis=0)
    level = values[design.is_treated][:, ~post].mean(axis=1, keepdims=True) - moved[~post].mean()
    counterfactual = (weight[design.is_treated] * (level + moved)).sum(axis=0)
    return pd.DataFrame(
        {
            "period": list(design.periods),
            "observed": design.counts[design.is_treated].sum(axis=0).astype(float),
            "fitted": counterfactual + tau * weight[design.is_treated].sum(axis=0) * post,
            "counterfactual": counterfactual,
            "low": np.nan,
            "high": np.nan,
        }
    )
