"""From donor weights to an effect, its path and its tables, the same for every synthetic control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cseval.errors import EstimationError
from cseval.estimate import LOG, Estimate
from cseval.estimators.base import ManyEffects, unlike
from cseval.estimators.did_kernels import group_totals, post_variance
from cseval.estimators.poisson_did import left_out, path_frame
from cseval.estimators.synthetic_kernels import Weighed, fit_gap, nothing_else_fits, simplex_fit
from cseval.estimators.synthetic_series import Series, series_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

ASSUMPTION = (
    "Without the programme, the treated area would have gone on like the weighted donors that followed its course "
    "before the start."
)
#: Sets whose series are held at once.
CHUNK = 2048
#: Donors that are each fitted by the others to tell whether the treated area is like them.
MOST_COMPARED = 200
#: A donor counts as one with weight from here on.
WEIGHT = 0.001
#: The treated area lies among the donors if they fit it this well, as a share of its mean.
HULL = 1e-4
#: A fit is called poor if it misses by more than this share of the mean and this many times what counting gives.
POOR, TIMES_CHANCE = 0.05, 2.0


class SyntheticOptions(Protocol):
    """What every synthetic control has."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    @property
    def measure(self) -> str:
        """What is compared."""
        ...

    @property
    def months_per_point(self) -> int:
        """Months averaged before weights are fitted."""
        ...

    @property
    def covariates(self) -> tuple[str, ...]:
        """Other outcomes that are matched too."""
        ...

    def weigh(self, series: Series) -> Weighed:
        """Weights from the points before the start."""
        ...

    def follow(self, series: Series) -> Weighed:
        """Weights whose misfit tells how well the donors can follow each series."""
        ...

    def proxy(self, series: Series) -> Callable[[Series], Weighed]:
        """How the series, once an effect is taken off them, are weighed by all their months."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Effects:
    """What weights say of some sets.

    Parameters
    ----------
    effect : float array, shape (sets,)
        ``ln(sum observed / sum counterfactual)`` over the months after the start; NaN where either is not above zero.
    counterfactual : float array, shape (sets, months)
        In incidents.
    fit : float array, shape (sets,)
        Mean squared gap in the points before the start, as a share of the squared mean.
    misfit : float array, shape (sets,)
        The same of the plain synthetic control, less what counting gives.
    """

    effect: Floats
    counterfactual: Floats
    fit: Floats
    misfit: Floats


def effects_of(series: Series, weighed: Weighed) -> Effects:
    """Effects of sets with given weights."""
    on_measure = weighed.weights @ series.donors + weighed.level[:, None]
    counterfactual, observed = on_measure * series.unit, series.targets * series.unit
    sums = [x[:, series.post].sum(axis=1) for x in (observed, counterfactual)]
    after, without = (np.log(np.where(s > 0, s, np.nan)) for s in sums)
    fit = _misfit(series, weighed.weights, weighed.level)
    plain = fit if weighed.plain is None else _misfit(series, weighed.plain.weights, weighed.plain.level)
    misfit = plain - counting(series)
    return Effects(effect=after - without, counterfactual=counterfactual, fit=fit, misfit=misfit)


def counting(series: Series) -> Floats:
    """Mean squared gap that counting alone gives a point, as a share of the squared mean, shape (sets,).

    The inverse of a set's mean count in a point: the relative variance of a Poisson count.
    """
    mean = (series.targets * series.unit)[:, ~series.post].mean(axis=1) * series.months_per_point
    return np.asarray(1 / np.where(mean > 0, mean, np.nan))


def _misfit(series: Series, weights: Floats, level: Floats) -> Floats:
    """Mean squared gap before the start as a share of the squared mean, shape (sets,)."""
    mean = series.goals[:, series.own].mean(axis=1)
    gap = fit_gap(series, weights, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((gap**2).mean(axis=1) / mean**2)


def many_effects(options: SyntheticOptions, design: Design, sets: PlaceboSets) -> ManyEffects:
    """Effect of each set against its own synthetic control; NaN where it has none.

    The variance of an effect is linear in a constant, in the mean squared error of the fit before the start, so that
    effects are ranked by what they exceed it by (Abadie, Diamond and Hainmueller 2010, section 3.4), and in what
    counting alone gives, ``1/T0 + 1/T1`` with T1 as expected without an effect: a small place varies more after the
    start than large ones that are fitted as well before it.
    """
    parts = []
    for first in range(0, len(sets), CHUNK):
        series = _series(options, design, sets.take(np.arange(first, min(first + CHUNK, len(sets)))))
        found = effects_of(series, options.weigh(series))
        parts.append((found.effect, found.fit, found.misfit))
    effect, fit, misfit = (np.concatenate(p) for p in zip(*parts, strict=True))
    totals = group_totals(design.pre_counts, design.post_counts, design.comparison, sets)
    after = post_variance(totals)
    with np.errstate(divide="ignore"):
        terms = np.stack([np.ones(len(sets)), fit, 1 / totals.t0 + after], axis=1)
    return ManyEffects(
        effect=effect,
        variance_terms=np.where(np.isfinite(terms), terms, np.nan),
        size=totals.t0,
        post_term=after,
        misfit=misfit,
    )


def proxy_residuals(options: SyntheticOptions, design: Design, sets: PlaceboSets, effects: Floats) -> Floats:
    """Gap in every month, in the measure, of weights fitted to all months once the effect is taken off.

    Chernozhukov, Wuthrich and Zhu (2021), section 2: under the effect that is tested all months are alike, so the
    proxy may use them all, and must for the test to be exact. Shape (effects or sets, months).
    """
    parts = []
    one = len(sets) == 1
    series = _series(options, design, sets) if one else None
    for first in range(0, len(effects), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(effects)))
        some = series or _series(options, design, sets.take(rows))
        under = some.under(effects[rows])
        weighed = options.proxy(some)(under)
        parts.append(under.targets - weighed.weights @ under.donors - weighed.level[:, None])
    return np.concatenate(parts)


def _series(options: SyntheticOptions, design: Design, sets: PlaceboSets) -> Series:
    design.require_one_start(options.name)
    return series_of(design, sets, options.measure, options.months_per_point, options.covariates)


# One estimate -------------------------------------------------------------------------------------


def estimate_one(options: SyntheticOptions, design: Design) -> tuple[Estimate, Series, Weighed]:
    """The estimate of a design without a standard error, and what it was made from.

    Raises
    ------
    EstimationError
        If there are fewer than two points before the start, a donor or the treated area has no unit of the measure, or
        the counterfactual is not above zero.
    DesignError
        If units begin in different months.
    """
    design.require_one_start(options.name)
    _require_months(options, design)
    series = _series(options, design, design.own_set)
    _require_units(options, design, series)
    weighed = options.weigh(series)
    found = effects_of(series, weighed)
    effect = float(found.effect[0])
    if not np.isfinite(effect):
        raise _without_counterfactual(options, design, weighed, found)
    facts = _facts(options, design, series, weighed, found)
    estimate = _assemble(options, design, effect, found, facts, _notes(options, design, series, weighed, found))
    return estimate, series, weighed


def _without_counterfactual(
    options: SyntheticOptions, design: Design, weighed: Weighed, found: Effects
) -> EstimationError:
    """Why the counterfactual is not above zero: donors without incidents, or weights that carry it beyond them."""
    where = f"{options.name}, outcome {design.outcome}"
    total = float(found.counterfactual[0, design.post].sum())
    plain = (weighed.weights[0] >= 0).all() and weighed.level[0] == 0
    if plain or not np.isfinite(total):
        return EstimationError(
            "the synthetic control has no incident left after the start",
            where=where,
            todo="Use another measure or more donors",
        )
    cause = "weights below zero extrapolate" if (weighed.weights[0] < 0).any() else "the level added extrapolates"
    return EstimationError(
        f"the counterfactual after the start adds up to {total:.1f} incidents: {cause} beyond what any average of the "
        "donors shows",
        where=where,
        expected="a counterfactual above zero",
        todo="Use SyntheticControl, which does not extrapolate, a larger penalty, or donors more like the treated area",
    )


def _require_months(options: SyntheticOptions, design: Design) -> None:
    months = int((~design.post).sum())
    points = -(-months // options.months_per_point)
    if points < 2:
        raise EstimationError(
            f"{months} months before the start in {points} point{'s' if points > 1 else ''}",
            where=options.name,
            expected="at least two points, to fit the donors' course",
            todo="Use a longer period before the start, or fewer months per point",
        )
    for phase, total in (("pre", design.pre_counts), ("post", design.post_counts)):
        if not total[design.is_treated].sum() > 0:
            raise EstimationError(
                f"there was no incident in the treated units in the {phase} period",
                where=f"{options.name}, outcome {design.outcome}",
                todo="Choose an outcome with more incidents or longer periods",
            )


def _require_units(options: SyntheticOptions, design: Design, series: Series) -> None:
    """Refuse donors, or a treated area, that the measure says nothing of."""
    donors = np.array(design.units)[design.comparison][~series.allowed[0]].tolist()
    if not donors and np.isfinite(series.goals).all():
        return
    others = f" and {len(donors) - 1} more" if len(donors) > 1 else ""
    raise EstimationError(
        f"{f'comparison unit {donors[0]}{others}' if donors else 'the treated area'} had no incident before the start "
        f"that an {options.measure} could be relative to",
        where=f"{options.name}, outcome {', '.join((design.outcome, *options.covariates))}",
        todo="Use measure='counts', or leave out what has none",
    )


def _facts(
    options: SyntheticOptions, design: Design, series: Series, weighed: Weighed, found: Effects
) -> dict[str, Any]:
    """How well the donors fit, and how many of them."""
    share = float(np.sqrt(found.fit[0]))
    mean = float(design.pre_counts[design.is_treated].sum() / (~design.post).sum())
    plain = simplex_fit(series.points, series.goals, series.allowed)
    apart = _misfit(series, plain, np.zeros(1))[0]
    return {
        "measure": options.measure,
        "months_per_point": options.months_per_point,
        "pre_rmspe": share * mean,
        "pre_rmspe_share": share,
        "donors": int(series.allowed.sum()),
        "donors_with_weight": int((np.abs(weighed.weights[0]) >= WEIGHT).sum()),
        "plain_rmspe_share": float(np.sqrt(apart)),
        "in_convex_hull": bool(np.sqrt(apart) < HULL),
        **{name: float(values[0]) for name, values in weighed.facts.items()},
    }


def _notes(
    options: SyntheticOptions, design: Design, series: Series, weighed: Weighed, found: Effects
) -> tuple[str, ...]:
    """What a reader must know of the fit."""
    chance = float(np.sqrt(counting(series)[0]))
    share = float(np.sqrt(max(found.misfit[0] + chance**2, found.fit[0])))
    notes = []
    if share > max(POOR, TIMES_CHANCE * chance):
        notes.append(
            f"Before the start the weighted donors miss the treated area by {100 * share:.0f}% of its mean, more than "
            "chance in counting explains: the counterfactual is to be read with care."
        )
    worse = unlike(float(found.misfit[0]), _donors_misfit(options, design))
    if worse:
        notes.append(
            f"Before the start the treated area is fitted worse than {worse} comparison units are by the others: it "
            "may lie beyond what they can follow, and its rank among them means little."
        )
    if (weighed.weights[0] >= 0).all() and not nothing_else_fits(
        series.points, series.goals[0], series.allowed[0], simplex_fit(series.points, series.goals, series.allowed)[0]
    ):
        notes.append("Other donor weights fit equally well; the most even of them are used.")
    return tuple(notes)


def _donors_misfit(options: SyntheticOptions, design: Design) -> Floats:
    """`Effects.misfit` of each donor against the others; none of them with several treated units or very many donors.

    A mean of several units follows a course more closely than any one does, so these would tell nothing.
    """
    donors = np.flatnonzero(design.comparison)
    if design.is_treated.sum() > 1 or len(donors) > MOST_COMPARED:
        return np.empty(0)
    series = _series(options, design, design.sets(donors[:, None]))
    return effects_of(series, options.follow(series)).misfit


def _assemble(
    options: SyntheticOptions,
    design: Design,
    effect: float,
    found: Effects,
    facts: dict[str, Any],
    notes: tuple[str, ...],
) -> Estimate:
    observed = float(design.post_counts[design.is_treated].sum())
    return Estimate(
        estimator=options.name,
        estimand="ATT, ratio of incident counts",
        outcome=design.outcome,
        scale=LOG,
        effect=effect,
        std_error=float("nan"),
        conf_low=float("nan"),
        conf_high=float("nan"),
        p_value=float("nan"),
        inference="",
        observed=observed,
        counterfactual=float(found.counterfactual[0, design.post].sum()),
        treated_units=int(design.is_treated.sum()),
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=int(design.post.sum()),
        assumption=ASSUMPTION,
        path=path_frame(design, found.counterfactual[0], effect),
        facts=facts,
        left_out=left_out(design),
        notes=notes,
    )


def donor_table(design: Design, weights: Floats) -> pd.DataFrame:
    """Donors with weight, the heaviest first: columns ``unit, name, weight``.

    Parameters
    ----------
    weights : float array, shape (comparison units,)
    """
    import pandas as pd

    units = np.array(design.units)[design.comparison]
    order = [i for i in np.lexsort((units, -weights)) if weights[i] != 0]
    names = design.inputs.panel.names
    codes = [str(units[i]) for i in order]
    return pd.DataFrame({"unit": codes, "name": [names.get(u, u) for u in codes], "weight": weights[order]})


def time_table(design: Design, series: Series, weights: Floats) -> pd.DataFrame:
    """Months before the start with weight: columns ``period, weight``; months of one point share it equally."""
    import pandas as pd

    monthly = weights @ series.averaging
    months = [p for p, post in zip(design.periods, design.post, strict=True) if not post]
    frame = pd.DataFrame({"period": months, "weight": monthly[~design.post]})
    return frame[frame["weight"] > 0].reset_index(drop=True)
