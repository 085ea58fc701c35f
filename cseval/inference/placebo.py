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
from cseval.inference.base import Inferred, PlaceboDraws, Placebos

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats, ManyEffects, PlaceboEstimator

    Members = npt.NDArray[np.int64]

#: Fewer placebo neighbourhoods than this cannot give a p-value of 0.05.
FEWEST_SETS = 19


#: A placebo neighbourhood is like the treated area if their pre-period counts differ by at most this factor; where
#: too few are, the next factor is tried. Without matching, up to 24 % of true nulls at the treated area's size were
#: rejected on London wards, because busy places neither vary nor drift as quiet ones do.
MATCH = (1.5, 2.0, 3.0, float("inf"))

#: As many similar neighbourhoods are wanted before a wider factor is tried.
FEWEST_SIMILAR = 99

#: Candidates drawn for each similar neighbourhood that is wanted.
CANDIDATES = 4


@dataclass(frozen=True, kw_only=True)
class PlaceboNeighbourhoods:
    """Rank the treated area among placebo neighbourhoods of similar baseline count.

    Parameters
    ----------
    draws : int
        Neighbourhoods wanted; all of them are taken where there are no more than that.
    match : float
        Factor within which a neighbourhood's pre-period count is to be like the treated area's; the first one tried.

    Notes
    -----
    Four times as many connected sets are drawn by random growth, and those whose pre-period count is within a factor of
    1.5 of the treated area's are kept (2, 3 or any where fewer than 99 are, or they lie in fewer than 19 places without
    a unit in common). The variance of an effect still depends on
    size within them, so effects are divided by the root of a variance fitted to the squared placebo effects, linear in
    the estimator's variance terms with non-negative coefficients (Ferman and Pinto 2019, "Inference in
    differences-in-differences with few treated groups and heteroskedasticity", section 3). The p-value is
    ``(1 + #{|s_b| >= |s|}) / (1 + B)`` (Phipson and Smyth 2010) and the 95 % interval holds the effects that this
    test does not reject.
    """

    draws: int = 9999
    match: float = MATCH[0]

    def __post_init__(self) -> None:
        if self.draws < FEWEST_SETS:
            raise UsageError(f"{self.draws} draws", expected=f"at least {FEWEST_SETS}, or p can never reach 0.05")
        if self.match not in MATCH:
            raise UsageError(f"match={self.match}", expected="one of " + ", ".join(f"{f:g}" for f in MATCH))

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
        import numpy as np

        many = as_placebo_estimator(estimator)
        own = many.estimate_many(design, design.own_set)
        members, exact = candidates(design, CANDIDATES * self.draws, seed)
        which, factor = similar(design.pre_counts[members].sum(axis=1), float(own.size[0]), members, self.match)
        if len(which) > self.draws:  # enumerated sets come in order of the map, so a cut must be at random
            which = np.sort(np.random.default_rng(seed).choice(which, self.draws, replace=False))
            exact = False
        sets = design.sets(members[which], exact=exact)
        return self.rank(estimate, own, many.estimate_many(design, sets), sets, factor)

    def reference(self, design: Design, estimator: Estimator, draws: int, seed: int) -> Placebos:
        """Placebo neighbourhoods of a design, whatever their count, and their effects."""
        return Placebos.of(design, as_placebo_estimator(estimator), draw_sets(design, draws, seed))

    def rank(
        self, estimate: Estimate, own: ManyEffects, reference: ManyEffects, sets: PlaceboSets, factor: float
    ) -> Inferred:
        """The test and its inversion, given the effect of the treated area and those of the placebo sets."""
        import numpy as np

        coefficients = variance_by_size(reference)
        spread = float(scale_of(own, coefficients)[0])
        statistics = studentised(reference, coefficients)
        statistic = float(own.effect[0]) / spread
        critical = critical_value(statistics, 0.05)
        return Inferred(
            method=self.name,
            std_error=spread,
            conf_low=estimate.effect - critical * spread,
            conf_high=estimate.effect + critical * spread,
            p_value=float(p_values(np.array([statistic]), statistics)[0]),
            facts={
                "placebo_neighbourhoods": len(sets),
                "distinct_neighbourhoods": sets.distinct,
                "disjoint_neighbourhoods": disjoint(sets),
                "smallest_p": 1 / (1 + len(sets)),
                "match_factor": factor,
                "exact": sets.exact,
                "critical_value": critical,
            },
            draws=PlaceboDraws(sets=sets, effects=reference.effect, statistics=statistics, statistic=statistic),
            note="every connected set of similar count enumerated" if sets.exact else "",
        )

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Rank each tested placebo effect among the reference ones of similar count.

        With `among` the tested ones are themselves in the reference, and each is ranked among the others.
        """
        import numpy as np

        coefficients = variance_by_size(reference.effects)
        order = np.argsort(reference.effects.size, kind="stable")
        size = reference.effects.size[order]
        statistics = np.abs(studentised(reference.effects, coefficients))[order]
        first, last = similar_ranges(size, tested.effects.size, self.match)
        own = np.abs(studentised(tested.effects, coefficients)) * (1 - 1e-12)
        rows = zip(own.tolist(), first.tolist(), last.tolist(), strict=True)
        reached = np.array([np.count_nonzero(statistics[a:b] >= s) for s, a, b in rows])
        p: Floats = (reached + (0 if among else 1)) / (last - first + (0 if among else 1))
        return p


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
    """Placebo neighbourhoods of a design: as many adjoining comparison units as are treated, whatever their count.

    All of them where the graph allows no more than `draws`, else `draws` of them at random.

    Raises
    ------
    DesignError
        If the treated units form several neighbourhoods, or fewer than 19 connected sets exist.
    """
    key = (id(design.areas), design.comparison.tobytes(), len(design.treated), draws, seed, design.buffer_rings > 0)
    cached = _DRAWN.get(key)
    if cached is None or cached[0] is not design.areas:
        if len(_DRAWN) > 256:
            _DRAWN.clear()
        members, exact = candidates(design, draws, seed)
        cached = _DRAWN[key] = (design.areas, design.sets(members, exact=exact))
    return cached[1]


#: Sets already drawn: every outcome of a run is compared with the same neighbourhoods.
_DRAWN: dict[tuple[object, ...], tuple[object, PlaceboSets]] = {}
_CANDIDATES: dict[tuple[object, ...], tuple[object, Members, bool]] = {}

#: In a pool of at most this many units all connected sets may be few enough to be enumerated.
SMALL_POOL = 60
#: So may those of at most this many units, in any pool: drawing a few hundred sets thousands of times over would show
#: a smaller p-value than they can give.
SMALL_SET = 2


def candidates(design: Design, draws: int, seed: int) -> tuple[Members, bool]:
    """Connected sets of comparison units, shape (sets, size), and whether these are all there are.

    Kept between calls, since every outcome of a run draws from the same map.

    Raises
    ------
    DesignError
        If the treated units form several neighbourhoods, or fewer than 19 connected sets exist.
    """
    key = (id(design.areas), design.comparison.tobytes(), design.treated, draws, seed)
    cached = _CANDIDATES.get(key)
    if cached is None or cached[0] is not design.areas:
        if len(_CANDIDATES) > 64:
            _CANDIDATES.clear()
        require_adjoining(design)
        cached = _CANDIDATES[key] = (design.areas, *_draw_members(design, draws, seed))
    return cached[1], cached[2]


def require_adjoining(design: Design) -> None:
    """Refuse treated units that do not adjoin, naming those outside the largest part.

    Raises
    ------
    DesignError
        If they form several neighbourhoods.
    """
    parts = design.areas.components(u for u, t in zip(design.units, design.is_treated, strict=True) if t)
    if len(parts) > 1:
        names = design.inputs.panel.names
        apart = ", ".join(f"{u} {names.get(u, '')}".strip() for part in parts[1:] for u in sorted(part))
        raise DesignError(
            f"the {int(design.is_treated.sum())} treated units form {len(parts)} separate neighbourhoods "
            f"(apart from the rest: {apart})",
            where="placebo neighbourhoods",
            expected="treated units that adjoin",
            todo="Check the codes in the roles CSV, or evaluate each neighbourhood on its own",
        )


def _draw_members(design: Design, draws: int, seed: int) -> tuple[Members, bool]:
    import numpy as np

    from cseval.areas import connected_sets, draw_connected

    pool, size = design.comparison, int(design.is_treated.sum())
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
    return members, exact


def similar(
    counts: Floats, own: float, members: Members | None = None, first: float = MATCH[0]
) -> tuple[Members, float]:
    """Positions of the sets whose count is like `own`, and the factor within which they are.

    Parameters
    ----------
    counts : float array, shape (sets,)
    own : float
    members : int array, shape (sets, size), optional
        Units of each set; where given, the similar sets must also lie in at least 19 separate places.
    first : float
        The first factor tried.
    """
    import numpy as np

    for factor in (f for f in MATCH[:-1] if f >= first):
        which = np.flatnonzero((counts >= own / factor) & (counts <= own * factor))
        if own > 0 and len(which) >= FEWEST_SIMILAR and (members is None or _enough_places(members[which])):
            return which, factor
    return np.arange(len(counts)), MATCH[-1]


def _enough_places(members: Members) -> bool:
    return separate(members, FEWEST_SETS) >= FEWEST_SETS


def similar_ranges(ordered: Floats, own: Floats, first: float = MATCH[0]) -> tuple[Members, Members]:
    """For each count in `own` the range of `ordered` counts that are like it, by the rule of `similar` for counts."""
    import numpy as np

    start = np.zeros(len(own), dtype=np.int64)
    end = np.full(len(own), len(ordered), dtype=np.int64)
    open_ = np.asarray(own > 0)
    for factor in (f for f in MATCH[:-1] if f >= first):
        low = np.searchsorted(ordered, own / factor, side="left")
        high = np.searchsorted(ordered, own * factor, side="right")
        enough = open_ & (high - low >= FEWEST_SIMILAR)
        start[enough], end[enough] = low[enough], high[enough]
        open_ &= ~enough
    return start, end


def disjoint(sets: PlaceboSets) -> int:
    """How many of the sets have no unit in common: the places there are, rather than the draws."""
    return separate(sets.members)


def separate(members: Members, enough: int | None = None) -> int:
    """Number of rows without a unit in common, counted greedily, up to `enough`."""
    used: set[int] = set()
    count = 0
    for row in members.tolist():
        if used.isdisjoint(row):
            used.update(row)
            count += 1
            if count == enough:
                break
    return count


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


def studentised(many: ManyEffects, coefficients: Floats) -> Floats:
    """Effects over their standard deviations; infinite where an effect cannot be computed.

    A placebo neighbourhood without an incident after the start has fallen by everything it had, which no
    finding can beat.
    """
    import numpy as np

    statistics = many.effect / scale_of(many, coefficients)
    return np.where(np.isfinite(statistics), statistics, np.inf)


def p_values(tested: Floats, reference: Floats) -> Floats:
    """``(1 + #{|reference| >= |tested|}) / (1 + B)`` for each tested statistic.

    Ties count against the finding; a relative 1e-12 keeps rounding from breaking them.
    """
    import numpy as np

    ordered = np.sort(np.abs(reference))
    below = np.searchsorted(ordered, np.abs(tested) * (1 - 1e-12), side="left")
    p: Floats = (1 + len(ordered) - below) / (1 + len(ordered))
    return np.where(np.isfinite(tested), p, np.nan)


def critical_value(reference: Floats, level: float) -> float:
    """The smallest statistic that the test does reject at `level`; infinite if none can be.

    A statistic is rejected when at most ``k = floor(level (1 + B)) - 1`` placebo statistics reach it, so it must
    exceed the (k + 1)-th largest. This makes interval and p-value say the same.
    """
    import math

    import numpy as np

    k = math.floor(level * (1 + len(reference)) + 1e-9) - 1
    return math.inf if k < 0 else float(np.sort(np.abs(reference))[::-1][k])
