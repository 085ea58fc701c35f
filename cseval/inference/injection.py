"""Known effects injected into counts where nothing was done, to see which of them a test would find.

Every incident of the post period is replaced by a whole number of incidents, independently of all others: for a fall
of 30 % it is kept with probability 0.7; for a rise of 30 % it counts twice with probability 0.3. The mean is exactly
``ratio`` times the count. Of all rules that treat incidents alike this one adds the least noise of its own,
``count p (1 - p)`` with p the broken part of the ratio. Thinned Poisson counts are Poisson again; counts after a rise
vary slightly more than Poisson ones, so power against rises is understated rather than overstated.

A sum of injected counts is the injected sum. Where an effect depends on a set's post total alone, a whole grid of
effects on thousands of sets is therefore one draw of binomials and some arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas, PlaceboSets
from cseval.estimators.base import ManyEffects
from cseval.estimators.did_kernels import member_sum

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimators.base import PlaceboEstimator
    from cseval.panel import Panel

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int64]

#: Sets on which it is tried out whether effects depend on post totals alone, and the ratios used for it.
PROBED, PROBE_RATIOS = 8, (0.6, 1.7)
EXACT = 1e-9


def inject(counts: Counts, ratio: Floats | float, rng: np.random.Generator) -> Counts:
    """Counts with a multiplicative effect: each incident becomes a whole number of incidents with mean `ratio`.

    Parameters
    ----------
    counts : int array, shape (...)
    ratio : float or float array that broadcasts against `counts`
        0.7 for a fall of 30 %; 0 or more.

    Returns
    -------
    int array of the broadcast shape, with mean ``ratio * counts`` and variance ``counts p (1 - p)``, p being what
    `ratio` exceeds the whole number below it by.
    """
    ratio = np.asarray(ratio, dtype=float)
    whole = np.floor(ratio)
    broken = rng.binomial(counts, ratio - whole)
    return np.asarray(whole.astype(np.int64) * counts + broken, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Response:
    """How an effect moves with the post total of a set, where it depends on nothing else of the set's post counts.

    Parameters
    ----------
    slope : float or None
        Effect of one more incident; None where the effect moves by the log of the ratio of the totals.
    """

    slope: float | None

    def moved(self, effect: Floats, before: Floats, after: Floats) -> Floats:
        """Effects after the totals went from `before` to `after`; NaN where a log ratio has a zero in it."""
        if self.slope is not None:
            return np.asarray(effect + self.slope * (after - before))
        usable = (before > 0) & (after > 0)
        ratio = np.where(usable, after, 1.0) / np.where(usable, before, 1.0)
        return np.asarray(np.where(usable, effect + np.log(ratio), np.nan))


def injected_effects(
    design: Design,
    estimator: PlaceboEstimator,
    sets: PlaceboSets,
    effects: ManyEffects,
    ratios: Floats,
    response: Response | None,
    rng: np.random.Generator,
) -> Floats:
    """Effect that the estimator finds in each set after each ratio has been injected into the set's post counts.

    Parameters
    ----------
    effects : ManyEffects
        What it finds without injection.
    ratios : float array, shape (ratios,)
    response : Response or None
        What `response_of` found: by arithmetic on totals if there is one, else by running the estimator on copies of
        the sets' units that hold the injected counts.

    Returns
    -------
    float array, shape (ratios, sets); NaN where it is not estimable.
    """
    if response is None:
        return np.stack([_through_copies(design, estimator, sets, r, rng).effect for r in ratios])
    total = np.rint(member_sum(design.post_counts, sets.members)).astype(np.int64)
    after = inject(total, ratios[:, None], rng)
    return response.moved(effects.effect, total.astype(float), after.astype(float))


def response_of(
    design: Design,
    estimator: PlaceboEstimator,
    sets: PlaceboSets,
    effects: ManyEffects,
    rng: np.random.Generator,
) -> Response | None:
    """How effects move with post totals; None if they depend on anything else.

    Tried out rather than declared, so that it holds for an estimator of the researcher's own: counts are injected
    unit by unit and month by month into copies of a few sets, and the effects found there must be those that the
    arithmetic on totals gives, to nine digits.
    """
    total = member_sum(design.post_counts, sets.members)
    which = np.flatnonzero((total > 0) & np.isfinite(effects.effect))[:PROBED]
    if not len(which):
        return None
    sets, effects, total = sets.take(which), effects.take(which), total[which]
    tries = [_copied_totals(design, estimator, sets, ratio, rng) for ratio in PROBE_RATIOS]
    known = all(_same_before(found, effects) for found, _ in tries)
    after = np.array([t for _, t in tries])
    found = np.array([f.effect for f, _ in tries])
    apart = after != total
    if not known or not apart.any():
        return None
    slope = float(((found - effects.effect)[apart] / (after - total)[apart])[0])
    for response in (Response(slope=None), Response(slope=slope)):
        if np.allclose(response.moved(effects.effect, total, after), found, rtol=EXACT, atol=EXACT, equal_nan=True):
            return response
    return None


def _same_before(found: ManyEffects, effects: ManyEffects) -> bool:
    """Whether what is known before the outcome is compared is untouched by the injection."""
    return np.allclose(found.variance_terms, effects.variance_terms, rtol=EXACT) and np.allclose(
        found.size, effects.size, rtol=EXACT
    )


def _through_copies(
    design: Design, estimator: PlaceboEstimator, sets: PlaceboSets, ratio: float, rng: np.random.Generator
) -> ManyEffects:
    return estimator.estimate_many(*with_copies(design, sets, ratio, rng))


def _copied_totals(
    design: Design, estimator: PlaceboEstimator, sets: PlaceboSets, ratio: float, rng: np.random.Generator
) -> tuple[ManyEffects, Floats]:
    """Effects in the copies, and the copies' post totals."""
    copied, copies = with_copies(design, sets, ratio, rng)
    return estimator.estimate_many(copied, copies), member_sum(copied.post_counts, copies.members)


def with_copies(
    design: Design, sets: PlaceboSets, ratio: float, rng: np.random.Generator
) -> tuple[Design, PlaceboSets]:
    """A design whose panel also holds a copy of every set's units, with `ratio` injected into their post counts.

    The sets returned consist of the copies; the units they were copied from are left out of their comparison, with
    their ring. So sets that overlap can be injected side by side, by whatever estimator.
    """
    units, extra = len(design.units), sets.members.size
    rows = sets.members.ravel()
    panel = _extended(design, rows, design.cohorts_of(sets.members).ravel(), ratio, rng)
    areas = replace(design.inputs.areas, units=(*design.inputs.areas.units, *panel.units[units:]))
    inputs = replace(design.inputs, panel=panel, areas=_without_cache(areas))
    members = (units + np.arange(extra, dtype=np.int64)).reshape(sets.members.shape)
    left_out = np.concatenate([sets.ring, sets.members], axis=1)
    ring = np.where(left_out == units, units + extra, left_out)
    return replace(design, inputs=inputs), PlaceboSets(members=members, ring=ring)


def _without_cache(areas: Areas) -> Areas:
    """The same map as a plain record, since copies touch nothing."""
    return Areas(units=areas.units, pairs=areas.pairs, border=areas.border, names=areas.names)


def _extended(design: Design, rows: Index, cohort: Index, ratio: float, rng: np.random.Generator) -> Panel:
    """The panel over the design's window with the units in `rows` once more, injected from their own start on."""
    panel = design.inputs.panel
    first = panel.periods.index(design.all_months[0])
    window = slice(first, first + len(design.all_months))
    counts = {o: np.concatenate([v[:, window], v[rows, window]]) for o, v in panel.counts.items()}
    used = np.isin(design.all_months, design.periods)
    position = np.where(used, np.cumsum(used) - 1, -1)
    own, units = counts[design.outcome], len(panel.units)
    treated = position >= cohort[:, None]
    own[units:][treated] = inject(own[units:][treated], ratio, rng)
    return replace(
        panel,
        units=(*panel.units, *(f"copy {i}" for i in range(len(rows)))),
        periods=design.all_months,
        counts=counts,
        received={o: np.concatenate([m[:, window], m[rows, window]]) for o, m in panel.received.items()},
        exposure=None
        if panel.exposure is None
        else np.concatenate([panel.exposure[:, window], panel.exposure[rows, window]]),
    )
