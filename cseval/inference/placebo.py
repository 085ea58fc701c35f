"""Placebo neighbourhoods: what the same comparison finds in places where nothing was done.

The treated area is compared with connected sets of as many comparison units, drawn on the real adjacency graph.
Each is put through the very same comparison, its own ring of neighbours left out as the programme's buffer is.
The studentised effect of the treated area is ranked among theirs (a randomisation test in the sense of Fisher;
for few treated groups Conley and Taber 2011, Ferman and Pinto 2019, MacKinnon and Webb 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.errors import DesignError, UsageError
from cseval.inference.base import Inferred, PlaceboDraws

if TYPE_CHECKING:
    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats, ManyEffects, PlaceboEstimator

#: Fewer placebo neighbourhoods than this cannot give a p-value of 0.05.
FEWEST_SETS = 19


@dataclass(frozen=True, kw_only=True)
class PlaceboNeighbourhoods:
    """Rank the treated area among placebo neighbourhoods.

    Parameters
    ----------
    draws : int
        Neighbourhoods drawn; all of them are taken where there are no more than that.

    Notes
    -----
    The variance of a neighbourhood's effect depends on its size, so effects are divided by the root of a
    variance fitted to the squared placebo effects, linear in the estimator's variance terms with non-negative
    coefficients (Ferman and Pinto 2019, "Inference in differences-in-differences with few treated groups and
    heteroskedasticity", section 3). The p-value is ``(1 + #{|s_b| >= |s|}) / (1 + B)`` (Phipson and Smyth 2010) and
    the 95 % interval holds the effects that this test does not reject.
    """

    draws: int = 9999

    def __post_init__(self) -> None:
        if self.draws < FEWEST_SETS:
            raise UsageError(f"{self.draws} draws", expected=f"at least {FEWEST_SETS}, or p can never reach 0.05")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "placebo neighbourhoods"

    @property
    def populations(self) -> tuple[str, ...]:
        """Placebo populations on which its error rate is measured."""
        return ("all", "matched", "selection")

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Rank the estimate among the placebo neighbourhoods of its own design.

        Raises
        ------
        DesignError
            If the treated units do not adjoin, or too few connected sets exist for p to reach 0.05.
        UsageError
            If the estimator cannot be evaluated on many sets.
        """
        sets, reference = self.reference(design, estimator, self.draws, seed)
        own = as_placebo_estimator(estimator).estimate_many(design, design.own_set)
        return self.rank(estimate, own, reference, sets)

    def reference(self, design: Design, estimator: Estimator, draws: int, seed: int) -> tuple[PlaceboSets, ManyEffects]:
        """Placebo neighbourhoods of a design and their effects."""
        many = as_placebo_estimator(estimator)
        sets = draw_sets(design, draws, seed)
        return sets, many.estimate_many(design, sets)

    def rank(self, estimate: Estimate, own: ManyEffects, reference: ManyEffects, sets: PlaceboSets) -> Inferred:
        """The test and its inversion, given the effect of the treated area and those of the placebo sets."""
        import numpy as np

        coefficients = variance_by_size(reference)
        spread = float(scale_of(own, coefficients)[0])
        statistics = reference.effect / scale_of(reference, coefficients)
        usable = np.isfinite(statistics)
        statistic = float(own.effect[0]) / spread
        p_value = float(p_values(np.array([statistic]), statistics[usable])[0])
        reach = critical_value(statistics[usable], 0.05) * spread
        count = int(usable.sum())
        return Inferred(
            method=self.name,
            std_error=spread,
            conf_low=estimate.effect - reach,
            conf_high=estimate.effect + reach,
            p_value=p_value,
            facts={
                "placebo_neighbourhoods": count,
                "distinct_neighbourhoods": sets.distinct,
                "smallest_p": 1 / (1 + count),
                "exact": sets.exact,
                "critical_value": reach / spread,
            },
            draws=PlaceboDraws(sets=sets, effects=reference.effect, statistics=statistics, statistic=statistic),
            note="every connected set enumerated" if sets.exact else "",
        )

    def test_many(self, tested: ManyEffects, reference: ManyEffects, among: bool = False) -> tuple[Floats, Floats]:
        """Rank each tested placebo effect among the reference ones, or `among` the others if it is one of them."""
        import numpy as np

        coefficients = variance_by_size(reference)
        statistics = reference.effect / scale_of(reference, coefficients)
        statistics = statistics[np.isfinite(statistics)]
        spread = scale_of(tested, coefficients)
        p = p_values(tested.effect / spread, statistics)
        if among:  # the formula counts the set itself once as a draw and once as the tested one
            p = (p * (1 + len(statistics)) - 1) / len(statistics)
        return p, critical_value(statistics, 0.05, own=among) * spread


def as_placebo_estimator(estimator: Estimator) -> PlaceboEstimator:
    """The estimator, if its effect for many sets is plain arithmetic.

    Raises
    ------
    UsageError
        If it is not.
    """
    from cseval.estimators.base import PlaceboEstimator

    if not isinstance(estimator, PlaceboEstimator):
        raise UsageError(
            f"{estimator.name} has no effect for many neighbourhoods at once",
            where="placebo neighbourhoods",
            expected="an estimator with estimate_many",
        )
    return estimator


def draw_sets(design: Design, draws: int, seed: int) -> PlaceboSets:
    """Placebo neighbourhoods of a design: as many adjoining comparison units as are treated.

    All of them where the graph allows no more than `draws`, else `draws` of them at random.

    Raises
    ------
    DesignError
        If the treated units form several neighbourhoods, or fewer than 19 connected sets exist.
    """
    treated = [u for u, t in zip(design.units, design.is_treated, strict=True) if t]
    parts = design.areas.components(treated)
    if len(parts) > 1:
        raise DesignError(
            f"the {len(treated)} treated units form {len(parts)} separate neighbourhoods",
            where="placebo neighbourhoods",
            expected="treated units that adjoin",
            todo="Evaluate each neighbourhood on its own, or use another inference method",
        )
    key = (id(design.areas), design.comparison.tobytes(), len(treated), draws, seed, design.buffer_rings > 0)
    cached = _DRAWN.get(key)
    if cached is None or cached[0] is not design.areas:
        if len(_DRAWN) > 256:
            _DRAWN.clear()
        cached = _DRAWN[key] = (design.areas, _draw_sets(design, len(treated), draws, seed))
    return cached[1]


#: Sets already drawn: every outcome of a run is compared with the same neighbourhoods.
_DRAWN: dict[tuple[object, ...], tuple[object, PlaceboSets]] = {}

#: In a pool of at most this many units all connected sets may be few enough to be enumerated.
SMALL_POOL = 60
#: So may those of at most this many units, in any pool: drawing a few hundred sets thousands of times over would show
#: a smaller p-value than they can give.
SMALL_SET = 2


def _draw_sets(design: Design, size: int, draws: int, seed: int) -> PlaceboSets:
    import numpy as np

    from cseval.areas import connected_sets, draw_connected

    pool = design.comparison
    few = int(pool.sum()) <= SMALL_POOL or size <= SMALL_SET
    members = connected_sets(design.areas, pool, size, draws) if few else None
    exact = members is not None
    if members is None:
        members = draw_connected(design.areas, pool, size, draws, np.random.default_rng(seed))
    if len(members) < FEWEST_SETS:
        raise DesignError(
            f"only {len(members)} placebo neighbourhoods of {size} adjoining units exist",
            where="placebo neighbourhoods",
            expected=f"at least {FEWEST_SETS}, or p can never reach 0.05",
            todo="Widen the comparison",
        )
    return design.sets(members, exact=exact)


def variance_by_size(many: ManyEffects) -> Floats:
    """Non-negative coefficients of the variance of placebo effects in the estimator's variance terms.

    Least squares of squared effects on the terms, each scaled to mean one, with coefficients of at least 0
    (Lawson and Hanson's NNLS), because a variance component below zero has no meaning.
    """
    import numpy as np
    from scipy.optimize import nnls

    usable = np.isfinite(many.effect) & np.isfinite(many.variance_terms).all(axis=1)
    terms, squares = many.variance_terms[usable], many.effect[usable] ** 2
    size = terms.mean(axis=0)
    size[size == 0] = 1.0
    coefficients: Floats = nnls(terms / size, squares)[0] / size
    return coefficients


def scale_of(many: ManyEffects, coefficients: Floats) -> Floats:
    """Standard deviation of each effect under the fitted variance, shape (sets,)."""
    import numpy as np

    variance: Floats = many.variance_terms @ coefficients
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def p_values(tested: Floats, reference: Floats) -> Floats:
    """``(1 + #{|reference| >= |tested|}) / (1 + B)`` for each tested statistic.

    Ties count against the finding; a relative 1e-12 keeps rounding from breaking them.
    """
    import numpy as np

    ordered = np.sort(np.abs(reference))
    below = np.searchsorted(ordered, np.abs(tested) * (1 - 1e-12), side="left")
    p: Floats = (1 + len(ordered) - below) / (1 + len(ordered))
    return np.where(np.isfinite(tested), p, np.nan)


def critical_value(reference: Floats, level: float, own: bool = False) -> float:
    """The smallest statistic that the test does reject at `level`; infinite if none can be.

    A statistic is rejected when at most ``k = floor(level (1 + B)) - 1`` placebo statistics reach it, so it must
    exceed the (k + 1)-th largest. This makes interval and p-value say the same. With `own` the tested statistic is one
    of the reference and B is one less.
    """
    import math

    import numpy as np

    k = math.floor(level * (len(reference) + (0 if own else 1)) + 1e-9) - 1
    if k < 0:
        return math.inf
    return float(np.sort(np.abs(reference))[::-1][k + 1 if own else k])
