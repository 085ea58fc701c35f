"""Placebo neighbourhoods: what the same comparison finds in places where nothing was done.

The treated area is compared with sets of as many comparison units in its shape, drawn on the real adjacency graph.
Each is put through the very same comparison, its own ring of neighbours left out as the programme's buffer is.
The studentised effect of the treated area is ranked among theirs (a randomisation test in the sense of Fisher;
for few treated groups Conley and Taber 2011, Ferman and Pinto 2019, MacKinnon and Webb 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cseval.errors import UsageError
from cseval.inference.base import Inferred, PlaceboDraws, Placebos
from cseval.inference.likeness import FEWEST_SETS, MATCH
from cseval.inference.spread import Spread, VarianceBySize, scale_of, studentised

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats, ManyEffects, PlaceboEstimator
    from cseval.inference.requirements import Requirement

    Index = npt.NDArray[np.int64]

#: Candidates drawn for each similar neighbourhood that is wanted.
CANDIDATES = 4
#: An interval that reaches a thousandfold fall or rise has no end that the data can give.
FURTHEST = 7.0
#: Steps of the search for an end, as parts of the interval's half width without an effect.
FINEST = 8
#: Statistics counted together where many ranges of them are asked for.
BLOCK = 64


@dataclass(frozen=True, kw_only=True)
class PlaceboNeighbourhoods:
    """Rank the treated area among placebo neighbourhoods of similar baseline count.

    Parameters
    ----------
    draws : int
        Neighbourhoods wanted; all of them are taken where there are no more than that.
    match : float
        Factor within which a neighbourhood's pre-period count is to be like the treated area's; the first one tried.
    match_trend : bool
        Whether they are also to be like it in the change within the pre period (`likeness.pre_trends`). Matching on
        the outcome's own past invites regression to the mean (Daw and Hatfield 2018): a sensitivity, not the default.
    spread : Spread
        Model of the variance that effects are studentised by.

    Notes
    -----
    Four times as many connected sets are drawn by random growth, and those whose pre-period count is within a factor of
    1.5 of the treated area's are kept (2, 3 or any where fewer than 99 are, or they lie in fewer than 19 places without
    a unit in common). Several separate treated neighbourhoods are compared with as many of the same sizes. The
    variance of an effect still depends on size within them, so effects are divided by the root of a variance fitted to
    the squared placebo effects (`spread`). The p-value is ``(1 + #{|s_b| >= |s|}) / (1 + B)`` (Phipson and Smyth 2010)
    and the 95 % interval holds the effects that this test does not reject. For one treated unit this is the
    permutation test over all comparison units, enumerated. Where an estimator fits the months before the start, and the
    treated area worse than nearly all placebo neighbourhoods, the result is marked as not reliable (`fitted_worse`).
    """

    draws: int = 9999
    match: float = MATCH[0]
    match_trend: bool = False
    spread: Spread = field(default_factory=VarianceBySize)

    def __post_init__(self) -> None:
        if self.draws < FEWEST_SETS:
            raise UsageError(f"{self.draws} draws", expected=f"at least {FEWEST_SETS}, or p can never reach 0.05")
        if self.match not in MATCH:
            raise UsageError(f"match={self.match}", expected="one of " + ", ".join(f"{f:g}" for f in MATCH))

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "placebo neighbourhoods" + (" (count and trend)" if self.match_trend else "")

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the situation must be for it to be shown."""
        from cseval.inference.requirements import PLACEBO

        return PLACEBO

    @property
    def populations(self) -> tuple[str, ...]:
        """Placebo populations on which its error rate is measured."""
        return ("all", "matched", "selection")

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Rank the estimate among the placebo neighbourhoods of its own design.

        Raises
        ------
        DesignError
            If too few sets of the treated area's shape exist for p to reach 0.05.
        UsageError
            If the estimator cannot be evaluated on many sets.
        """
        import numpy as np

        from cseval.inference.likeness import cut_at_random, similar
        from cseval.inference.placebo_draws import candidates

        many = as_placebo_estimator(estimator)
        own = many.estimate_many(design, design.own_set)
        members, exact = candidates(design, CANDIDATES * self.draws, seed)
        which, factor = similar(design.pre_counts[members].sum(axis=1), float(own.size[0]), members, self.match)
        which, distance = self._like_in_trend(design, members, which)
        whole = exact and len(which) <= self.draws
        which = cut_at_random(which, self.draws, seed)
        if exact:  # enumerated sets come in order of the map, and whoever takes the first ones means any
            which = np.random.default_rng(seed).permutation(which)
        sets = design.sets(members[which], exact=whole)
        return self.rank(estimate, own, many.estimate_many(design, sets), sets, factor, distance)

    def _like_in_trend(self, design: Design, members: Index, which: Index) -> tuple[Index, float]:
        """Those of `which` that are also like the treated area in trend, and within which distance."""
        if not self.match_trend:
            return which, float("inf")
        from cseval.inference.likeness import pre_trends, similar_trend

        own = float(pre_trends(design, design.own_set)[0])
        among, distance = similar_trend(pre_trends(design, design.sets(members[which])), own, members[which])
        return which[among], distance

    def reference(self, design: Design, estimator: Estimator, draws: int, seed: int) -> Placebos:
        """Placebo neighbourhoods of a design, whatever their count, in no order, and their effects."""
        import numpy as np

        from cseval.inference.placebo_draws import draw_sets

        sets = draw_sets(design, draws, seed)
        if sets.exact:
            sets = replace(sets.take(np.random.default_rng(seed).permutation(len(sets))), exact=True)
        return Placebos.of(design, as_placebo_estimator(estimator), sets)

    def rank(
        self,
        estimate: Estimate,
        own: ManyEffects,
        reference: ManyEffects,
        sets: PlaceboSets,
        factor: float,
        distance: float = float("inf"),
    ) -> Inferred:
        """The test and its inversion, given the effect of the treated area and those of the placebo sets."""
        import numpy as np

        from cseval.inference.likeness import disjoint

        coefficients = self.spread.coefficients(reference)
        spread = float(scale_of(own, coefficients)[0])
        statistics = studentised(reference, coefficients)
        statistic = float(own.effect[0]) / spread
        critical = critical_value(statistics, 0.05)
        low, high = interval(own, coefficients, estimate.effect, critical)
        warning = fitted_worse(own, reference)
        return Inferred(
            method=self.name,
            std_error=spread,
            conf_low=low,
            conf_high=high,
            p_value=float(p_values(np.array([statistic]), statistics)[0]),
            reliable=not warning,
            facts={
                "placebo_neighbourhoods": len(sets),
                "distinct_neighbourhoods": sets.distinct,
                "disjoint_neighbourhoods": disjoint(sets),
                "smallest_p": 1 / (1 + len(sets)),
                "match_factor": factor,
                "trend_distance": distance,
                "exact": sets.exact,
                "critical_value": critical,
            },
            draws=PlaceboDraws(sets=sets, effects=reference.effect, statistics=statistics, statistic=statistic),
            note=warning or ("every connected set of similar count enumerated" if sets.exact else ""),
        )

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Rank each tested placebo effect among the reference ones of similar count.

        With `among` the tested ones are themselves in the reference, and each is ranked among the others.
        """
        import numpy as np

        coefficients = self.spread.coefficients(reference.effects)
        order = np.argsort(reference.effects.size, kind="stable")
        statistics = np.abs(studentised(reference.effects, coefficients))[order]
        own = np.abs(studentised(tested.effects, coefficients)) * (1 - 1e-12)
        return self._ranked(tested, reference.take(order), own, statistics, 0 if among else 1)

    def _ranked(self, tested: Placebos, ordered: Placebos, own: Floats, statistics: Floats, itself: int) -> Floats:
        """``(itself + #{statistics >= own}) / (itself + #statistics)`` over the sets that are like each tested one."""
        import numpy as np

        from cseval.inference.likeness import pre_trends, similar_ranges, similar_trend

        first, last = similar_ranges(ordered.effects.size, tested.effects.size, self.match)
        if not self.match_trend:
            p: Floats = (reached_in_ranges(statistics, first, last, own) + itself) / (last - first + itself)
            return p
        rows = zip(own.tolist(), first.tolist(), last.tolist(), strict=True)
        theirs = pre_trends(tested.design, tested.sets).tolist()
        trends = pre_trends(ordered.design, ordered.sets)
        out = np.empty(len(tested))
        for k, (s, a, b) in enumerate(rows):
            which = similar_trend(trends[a:b], theirs[k])[0] + a
            out[k] = (np.count_nonzero(statistics[which] >= s) + itself) / (len(which) + itself)
        return out


def fitted_worse(own: ManyEffects, reference: ManyEffects) -> str:
    """Why the treated area's rank means little, where it is fitted before the start and worse than nearly all places.

    Parameters
    ----------
    own, reference : ManyEffects
        Of the treated area and of the placebo neighbourhoods.
    """
    from cseval.estimators.base import unlike

    if own.misfit is None or reference.misfit is None:
        return ""
    worse = unlike(float(own.misfit[0]), reference.misfit)
    return worse and (
        f"the treated area is fitted worse before the start than {worse} places it is ranked among, so its rank means "
        "little"
    )


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


def reached_in_ranges(statistics: Floats, first: Index, last: Index, own: Floats) -> Index:
    """How many of ``statistics[first:last]`` are at least `own`, for each range; shape (ranges,).

    Statistics are counted by blocks once, so that each range costs two look-ups and two blocks' edges.
    """
    import numpy as np

    rank = np.searchsorted(np.sort(statistics), own, side="left")
    table = _counts_by_block(statistics)
    blocks = np.full((len(table), BLOCK), -np.inf)
    blocks.ravel()[: len(statistics)] = statistics

    def before(end: Index) -> Index:
        """How many of the first `end` statistics are at least `own`."""
        block, rest = np.divmod(end, BLOCK)
        edge = (blocks[block] >= own[:, None]) & (np.arange(BLOCK) < rest[:, None])
        return np.asarray(table[block, rank] + edge.sum(axis=1))

    return np.asarray(before(last) - before(first))


def _counts_by_block(statistics: Floats) -> Index:
    """``table[k, r]``: how many statistics of the first k blocks have at least rank r; shape (blocks + 1, sets + 1)."""
    import numpy as np

    count = len(statistics)
    table = np.zeros((count // BLOCK + 2, count + 1), dtype=np.int64)
    table[np.argsort(statistics, kind="stable") // BLOCK + 1, np.arange(count)] = 1
    whole = np.cumsum(table, axis=0)
    return np.asarray(whole[:, ::-1].cumsum(axis=1)[:, ::-1])


def p_values(tested: Floats, reference: Floats) -> Floats:
    """``(1 + #{|reference| >= |tested|}) / (1 + B)`` for each tested statistic.

    Ties count against the finding; a relative 1e-12 keeps rounding from breaking them.
    """
    import numpy as np

    ordered = np.sort(np.abs(reference))
    below = np.searchsorted(ordered, np.abs(tested) * (1 - 1e-12), side="left")
    p: Floats = (1 + len(ordered) - below) / (1 + len(ordered))
    return np.where(np.isfinite(tested), p, np.nan)


def interval(own: ManyEffects, coefficients: Floats, effect: float, critical: float) -> tuple[float, float]:
    """Ends of the 95 % interval of one effect; it holds no effect exactly where the test does not reject it.

    Parameters as in `interval_end`, `critical` above zero.
    """
    low, high = (interval_end(own, coefficients, effect, c) for c in (-critical, critical))
    kept = abs(float(own.effect[0]) / float(scale_of(own, coefficients)[0])) <= critical
    return (min(low, 0.0), max(high, 0.0)) if kept else (low, high)


def interval_end(own: ManyEffects, coefficients: Floats, effect: float, critical: float) -> float:
    """The effect ``tau`` at which ``effect - tau`` is ``-critical`` standard deviations, those under ``tau`` itself.

    Under a large fall fewer incidents are left and their ratio varies more, so the end lies further out than the
    standard deviation without an effect would put it.

    Parameters
    ----------
    own : ManyEffects
        Of the treated area alone.
    coefficients : float array, shape (terms,)
        Of the variance in its terms.
    effect, critical : float
        Estimate, and how many standard deviations away the end lies: negative for the lower end.
    """
    import numpy as np
    from scipy.optimize import brentq

    def short(tau: float) -> float:
        return critical * float(scale_of(own.under(tau), coefficients)[0]) - (tau - effect)

    width = float(scale_of(own, coefficients)[0])
    if own.post_term is None or not np.isfinite(critical * width):
        return effect + critical * width
    steps = np.arange(1, FINEST * FURTHEST / max(abs(critical) * width, 1e-6)) / FINEST
    for edge in effect + steps * critical * width:
        if short(edge) * critical <= 0:  # beyond the end
            return float(brentq(short, effect, edge, xtol=1e-12))
    return math.copysign(math.inf, critical)


def critical_value(reference: Floats, level: float) -> float:
    """The smallest statistic that the test does reject at `level`; infinite if none can be.

    A statistic is rejected when at most ``k = floor(level (1 + B)) - 1`` placebo statistics reach it, so it must
    exceed the (k + 1)-th largest. This makes interval and p-value say the same.
    """
    import numpy as np

    k = math.floor(level * (1 + len(reference)) + 1e-9) - 1
    return math.inf if k < 0 else float(np.sort(np.abs(reference))[::-1][k])
