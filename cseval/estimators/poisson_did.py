"""Difference in differences for counts: a Poisson model with unit and month effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError
from cseval.estimate import LOG, Estimate
from cseval.estimators.base import ClusterErrors, ManyEffects

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.collapsed import Collapsed
    from cseval.estimators.fixed_effects import PoissonFit

    Floats = npt.NDArray[np.float64]

ASSUMPTION = (
    "Without the programme, incidents in the treated units would have changed by the same percentage "
    "as in the comparison units."
)
CLUSTER_ROBUST = "cluster-robust (CR1, t)"
TERM = "treated x post"


@dataclass(frozen=True, kw_only=True)
class PoissonDiD:
    """Two-way fixed-effects Poisson difference in differences.

    ``y_it ~ Poisson(e_it exp(a_i + g_t + tau D_it + x_it b))`` with D = 1 in treated units and post months;
    the effect is ``tau``, the log of the ratio of ratios. Without covariates and with an exposure that is
    absent or constant in time it is ``ln(T1/T0) - ln(C1/C0)`` exactly and is computed so; otherwise the model
    is iterated.

    Parameters
    ----------
    exposure : bool
        Whether to model the rate per unit of the panel's exposure rather than the count.
    covariates : tuple of str
        Outcomes of the panel that enter as regressors, as counted.
    """

    exposure: bool = False
    covariates: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Poisson DiD"

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect, with standard error by unit (CR1) and Student's t with units - 1 df.

        With one treated unit there is no error: what varies between treated units cannot be seen from one.

        Raises
        ------
        EstimationError
            If a total is zero, an exposure or covariate is missing, or the model is not identified.
        DesignError
            If treated units begin in different months.
        """
        from cseval.estimators.did_kernels import group_totals

        design.require_one_start(self.name)
        totals = group_totals(design.pre_counts, design.post_counts, design.comparison, design.own_set)
        _require_counts(design, totals)
        if _closed(self, design):
            return _closed_estimate(self, design)
        return _iterated_estimate(self, design)

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring.

        A set with a zero total, or one on which the model does not converge, has NaN. With covariates or a
        changing exposure the model is iterated for each set, which takes milliseconds a set rather than
        microseconds. The variance is linear in a constant and the Poisson variance of the log ratio.
        """
        import numpy as np

        from cseval.estimators.did_kernels import expected_variance, group_totals, log_ratio, post_variance

        design.require_one_start(self.name)
        totals = group_totals(design.pre_counts, design.post_counts, design.comparison, sets)
        effect = log_ratio(totals) if _closed(self, design) else _iterated_many(self, design, sets)[0]
        expected = expected_variance(totals)
        return ManyEffects(
            effect=effect,
            variance_terms=np.stack([np.ones_like(expected), expected], axis=1),
            size=totals.t0,
            post_term=post_variance(totals),
        )

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Cluster-robust standard error (CR1, by unit) of each effect of `estimate_many`, units - 1 df."""
        from cseval.estimators.did_kernels import group_sizes

        design.require_one_start(self.name)
        error = (_closed_many if _closed(self, design) else _iterated_many)(self, design, sets)[1]
        treated, comparison = group_sizes(design.comparison, sets)
        return ClusterErrors(std_error=error, df=(treated + comparison - 1).astype(float))

    def collapsed(self, design: Design, sets: PlaceboSets) -> Collapsed:
        """The model conditional on the units' totals: a logit of the share of incidents in the post period.

        Raises
        ------
        EstimationError
            If the closed form is not exact.
        """
        import numpy as np

        from cseval.estimators.collapsed import Collapsed, Logit

        if not _closed(self, design):
            raise EstimationError(
                "with covariates or an exposure that changes over time the model does not collapse to totals by unit",
                where=f"outcome {design.outcome}",
                todo="Use cluster-robust (CR1) errors or placebo neighbourhoods",
            )
        mass = design.pre_counts + design.post_counts
        return Collapsed(value=design.post_counts, mass=mass, link=Logit(), factor=np.ones(len(sets)))


def _closed(options: PoissonDiD, design: Design) -> bool:
    """Whether the closed form is exact: nothing in the model changes over time but the programme."""
    if options.covariates:
        return False
    exposure = _exposure(options, design)
    return exposure is None or bool((exposure == exposure[:, :1]).all())


def _exposure(options: PoissonDiD, design: Design) -> Floats | None:
    if not options.exposure:
        return None
    if design.exposure is None:
        raise EstimationError(
            "no exposure in the panel", where=f"outcome {design.outcome}", todo="Use PoissonDiD(exposure=False)"
        )
    return design.exposure


def _require_counts(design: Design, totals: Any) -> None:
    """Refuse a ratio with a zero in it, naming the empty group and period."""
    names = {"t0": ("treated", "pre"), "t1": ("treated", "post"), "c0": ("comparison", "pre")}
    for key, (group, phase) in {**names, "c1": ("comparison", "post")}.items():
        if getattr(totals, key)[0] == 0:
            raise EstimationError(
                f"the ratio is not estimable because there was no incident in the {group} units in the {phase} period",
                where=f"outcome {design.outcome}",
                todo="Choose an outcome with more incidents or longer periods",
            )


def _closed_many(options: PoissonDiD, design: Design, sets: PlaceboSets) -> tuple[Floats, Floats]:
    """Effect and CR1 standard error of each set by the closed form."""
    import numpy as np

    from cseval.estimators import did_kernels as kernels

    pre, post, comparison = design.pre_counts, design.post_counts, design.comparison
    totals = kernels.group_totals(pre, post, comparison, sets)
    clusters = totals.treated + totals.comparison
    variance = kernels.log_ratio_variance(pre, post, comparison, sets, totals) * clusters / (clusters - 1)
    return kernels.log_ratio(totals), np.sqrt(variance)


def _closed_estimate(options: PoissonDiD, design: Design) -> Estimate:
    effect, error = _closed_many(options, design, design.own_set)
    error = known_errors(design, error)
    facts = {"method": "closed form", **_facts(design)}
    coefficients = coefficient_frame([TERM], effect, error, facts["clusters"] - 1)
    return _assemble(options, design, _closed_path(design, facts, float(effect[0])), coefficients, facts)


def _facts(design: Design) -> dict[str, Any]:
    """Totals, clusters and the dispersion of the pre period."""
    from cseval.estimators.collapsed import pre_columns, table_dispersion

    used = design.is_treated | design.comparison
    pre, post = design.pre_counts, design.post_counts
    return {
        "T0": float(pre[design.is_treated].sum()),
        "T1": float(post[design.is_treated].sum()),
        "C0": float(pre[design.comparison].sum()),
        "C1": float(post[design.comparison].sum()),
        "clusters": int(used.sum()),
        "dispersion": table_dispersion(design.counts[:, : pre_columns(design.post)], used),
    }


def _closed_path(design: Design, facts: dict[str, Any], effect: float) -> pd.DataFrame:
    """The treated area beside the comparison's months, scaled to the treated level of the pre period."""
    from cseval.estimators.collapsed import month_totals

    comparison = month_totals(design.counts, design.comparison)
    return path_frame(design, comparison * facts["T0"] / facts["C0"], effect)


def path_frame(design: Design, counterfactual: Floats, effect: float) -> pd.DataFrame:
    """Path of the treated area as a whole, with a constant log effect from event time 0.

    Parameters
    ----------
    counterfactual : float array, shape (used months,)
        Incidents expected in the treated area without the programme.
    effect : float
        Log ratio.
    """
    import numpy as np
    import pandas as pd

    lift = np.where(design.post, np.exp(effect), 1.0)
    return pd.DataFrame(
        {
            "period": list(design.periods),
            "observed": design.counts[design.is_treated].sum(axis=0).astype(float),
            "fitted": counterfactual * lift,
            "counterfactual": counterfactual,
            "low": np.nan,
            "high": np.nan,
        }
    )


def _assemble(
    options: PoissonDiD, design: Design, path: pd.DataFrame, coefficients: pd.DataFrame, facts: dict[str, Any]
) -> Estimate:
    """The Estimate whose effect is the first row of `coefficients`."""
    import math

    first = coefficients.iloc[0]
    observed = float(design.post_counts[design.is_treated].sum())
    return Estimate(
        estimator=options.name,
        estimand="ATT, ratio of incident rates" if options.exposure else "ATT, ratio of incident counts",
        outcome=design.outcome,
        scale=LOG,
        effect=float(first["estimate"]),
        std_error=float(first["std_error"]),
        conf_low=float(first["conf_low"]),
        conf_high=float(first["conf_high"]),
        p_value=float(first["p_value"]),
        inference=CLUSTER_ROBUST,
        observed=observed,
        counterfactual=observed * math.exp(-first["estimate"]),
        treated_units=int(design.is_treated.sum()),
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=int(design.post.sum()),
        assumption=ASSUMPTION,
        coefficients=coefficients,
        path=path,
        facts=facts,
        left_out=left_out(design),
        notes=one_unit_note(design),
    )


def known_errors(design: Design, errors: Floats) -> Floats:
    """Errors by unit of coefficients (terms,) with NaN for the first, the effect, where one unit is treated.

    Its residuals from its own fitted effect sum to zero, so that the error would be that of the comparison alone.
    """
    if design.is_treated.sum() > 1:
        return errors
    known = errors.copy()
    known[0] = float("nan")
    return known


def one_unit_note(design: Design) -> tuple[str, ...]:
    """A sentence if a single unit is treated; none otherwise."""
    if design.is_treated.sum() > 1:
        return ()
    return ("No standard error by unit where a single unit is treated: its own variation is unknown.",)


def coefficient_frame(terms: Sequence[str], values: Floats, errors: Floats, df: float) -> pd.DataFrame:
    """The coefficients table with 95 % intervals and p-values from Student's t with `df` degrees of freedom.

    Parameters
    ----------
    terms : sequence of str
    values, errors : float array, shape (terms,)
    df : float
        ``inf`` for the normal distribution.
    """
    import pandas as pd

    from cseval.estimators.did_kernels import t_interval

    low, high, p_value = t_interval(values, errors, df)
    columns = {"estimate": values, "std_error": errors, "conf_low": low, "conf_high": high, "p_value": p_value}
    return pd.DataFrame({"term": list(terms), **columns})


def left_out(design: Design) -> tuple[str, ...]:
    """Sentences on the units and months that a design leaves out because they were not received."""
    out = []
    if design.units_left_out:
        out.append(f"{len(design.units_left_out)} comparison units with a missing month left out.")
    if design.months_left_out:
        out.append(f"Months not received, left out for every unit: {', '.join(design.months_left_out)}.")
    return tuple(out)


def _iterated_estimate(options: PoissonDiD, design: Design) -> Estimate:
    import numpy as np

    fit, used = _fit_set(options, design, design.is_treated, design.comparison)
    effect = float(fit.coefficients[0])
    facts = {"method": "iterated", "iterations": fit.iterations, **_facts(design)}
    errors = known_errors(design, np.sqrt(np.diag(fit.cov_cr1)))
    coefficients = coefficient_frame([TERM, *options.covariates], fit.coefficients, errors, facts["clusters"] - 1)
    expected = fit.fitted[design.is_treated[used]].sum(axis=0)
    path = path_frame(design, _without(expected, design, effect), effect)
    return _assemble(options, design, path, coefficients, facts)


def _without(fitted: Floats, design: Design, effect: float) -> Floats:
    """Fitted incidents with the effect switched off."""
    import numpy as np

    return fitted * np.where(design.post, np.exp(-effect), 1.0)


def _fit_set(options: PoissonDiD, design: Design, treated: Any, comparison: Any) -> tuple[PoissonFit, Any]:
    """Iterate the model on `treated` against `comparison` (bool arrays over units)."""
    import numpy as np

    from cseval.estimators.fixed_effects import fit_poisson

    used = treated | comparison
    switch = (treated[used][:, None] & design.post[None, :]).astype(float)
    columns = [switch, *(covariate_counts(design, name)[used] for name in options.covariates)]
    exposure = _exposure(options, design)
    fit = fit_poisson(
        design.counts[used].astype(float),
        np.stack(columns, axis=2),
        exposure=None if exposure is None else exposure[used],
    )
    return fit, used


def covariate_counts(design: Design, name: str) -> Floats:
    """Counts of another outcome over the used months; refused where any used cell was not received."""
    import numpy as np

    panel = design.inputs.panel
    columns = np.array([panel.periods.index(p) for p in design.periods])
    used = design.is_treated | design.comparison
    if not panel.mask(name)[used][:, columns].all():
        raise EstimationError(
            f"covariate {name!r} was not received in every used unit and month",
            where=f"outcome {design.outcome}",
            todo="Leave the covariate out",
        )
    return panel.require(name)[:, columns].astype(float)


def _iterated_many(options: PoissonDiD, design: Design, sets: PlaceboSets) -> tuple[Floats, Floats]:
    """Effect and CR1 standard error of each set by iteration, one set after another."""
    import numpy as np

    out = np.full((len(sets), 2), np.nan)
    for row, (members, ring) in enumerate(zip(sets.members, sets.ring, strict=True)):
        treated, comparison = np.zeros(len(design.units), dtype=bool), design.comparison.copy()
        treated[members] = True
        comparison[members] = False
        comparison[ring[ring < len(comparison)]] = False
        try:
            fit, _ = _fit_set(options, design, treated, comparison)
        except EstimationError:
            continue
        out[row] = fit.coefficients[0], np.sqrt(fit.cov_cr1[0, 0])
    return out[:, 0], out[:, 1]
