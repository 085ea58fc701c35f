"""Which placebo neighbourhoods are like the treated area: in the count before the start, and if asked in its trend."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import Floats

    Index = npt.NDArray[np.int64]

#: Fewer placebo neighbourhoods than this cannot give a p-value of 0.05.
FEWEST_SETS = 19

#: A placebo neighbourhood is like the treated area if their pre-period counts differ by at most this factor; where
#: too few are, the next factor is tried. Without matching, up to 24 % of true nulls at the treated area's size were
#: rejected on London wards, because busy places neither vary nor drift as quiet ones do.
MATCH = (1.5, 2.0, 3.0, float("inf"))

#: As many similar neighbourhoods are wanted before a wider factor is tried.
FEWEST_SIMILAR = 99

#: A trend is like the treated area's if they differ by at most this many standard deviations of all trends.
TREND_MATCH = (0.5, 1.0, 2.0, float("inf"))


def similar(counts: Floats, own: float, members: Index | None = None, first: float = MATCH[0]) -> tuple[Index, float]:
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
        if own > 0 and enough(which, members):
            return which, factor
    return np.arange(len(counts)), MATCH[-1]


def similar_trend(trends: Floats, own: float, members: Index | None = None) -> tuple[Index, float]:
    """Positions of the sets whose trend is like `own`, and the distance in standard deviations within which they are.

    Parameters as in `similar`; `trends` are those of `pre_trends`. A set without a trend (a half without an
    incident) is like no other.
    """
    import numpy as np

    spread = float(np.nanstd(trends)) if np.isfinite(trends).any() else 0.0
    for distance in TREND_MATCH[:-1]:
        with np.errstate(invalid="ignore"):
            which = np.flatnonzero(np.abs(trends - own) <= distance * spread)
        if np.isfinite(own) and enough(which, members):
            return which, distance
    return np.arange(len(trends)), TREND_MATCH[-1]


def cut_at_random(which: Index, most: int, seed: int) -> Index:
    """At most this many of the positions, drawn at random and in their order."""
    import numpy as np

    if len(which) <= most:
        return which
    return np.sort(np.random.default_rng(seed).choice(which, most, replace=False))


def enough(which: Index, members: Index | None) -> bool:
    """Whether these sets are enough to rank among: 99 of them, in 19 separate places if `members` are given."""
    return len(which) >= FEWEST_SIMILAR and (members is None or separate(members[which], FEWEST_SETS) >= FEWEST_SETS)


def similar_ranges(ordered: Floats, own: Floats, first: float = MATCH[0]) -> tuple[Index, Index]:
    """For each count in `own` the range of `ordered` counts that are like it, by the rule of `similar` for counts."""
    import numpy as np

    start = np.zeros(len(own), dtype=np.int64)
    end = np.full(len(own), len(ordered), dtype=np.int64)
    open_ = np.asarray(own > 0)
    for factor in (f for f in MATCH[:-1] if f >= first):
        low = np.searchsorted(ordered, own / factor, side="left")
        high = np.searchsorted(ordered, own * factor, side="right")
        found = open_ & (high - low >= FEWEST_SIMILAR)
        start[found], end[found] = low[found], high[found]
        open_ &= ~found
    return start, end


def pre_trends(design: Design, sets: PlaceboSets) -> Floats:
    """Change within the pre period of each set relative to its comparison, shape (sets,); NaN where not estimable.

    The log ratio of ratios of the second half of the pre period to its first half: the very comparison of the
    estimate, made before the start.
    """
    import numpy as np

    from cseval.estimators.did_kernels import group_totals, log_ratio

    before = np.flatnonzero(~design.post)
    first, second = np.array_split(before, 2)
    halves = [design.counts[:, half].sum(axis=1).astype(float) for half in (first, second)]
    return log_ratio(group_totals(halves[0], halves[1], design.comparison, sets))


def disjoint(sets: PlaceboSets) -> int:
    """How many of the sets have no unit in common: the places there are, rather than the draws."""
    return separate(sets.members)


def separate(members: Index, most: int | None = None) -> int:
    """Number of rows without a unit in common, counted greedily, up to `most`."""
    used: set[int] = set()
    count = 0
    for block in range(0, len(members), 256):  # a few rows are usually enough to reach `most`
        for row in members[block : block + 256].tolist():
            if used.isdisjoint(row):
                used.update(row)
                count += 1
                if count == most:
                    return count
    return count
