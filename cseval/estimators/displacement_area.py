"""Displacement and diffusion of benefit of one area as one table: WDD, WDQ, GE, NE, TNE and rate ratios from counts.

Published errors take counts as Poisson, but areas vary by more from year to year. So a row may also have its rank among
placebo neighbourhoods, on which its words then rest, and the share of them that its error calls clear: one in twenty
where the error is right.

Sources: Wheeler and Ratcliffe (2018), Crime Science 7:11; Bowers and Johnson (2003) and Wilson (2022), Journal of
Quantitative Criminology 19 and 38; Guerette (2009), Problem-Oriented Guides for Police, tool guide 10, appendices B, C.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError, UsageError
from cseval.estimators.displacement import NOTHING, AreaWeights, Pair, require_counts
from cseval.estimators.displacement import relative_incident_rate_ratio as rate_ratio
from cseval.estimators.displacement import weighted_displacement_difference as difference
from cseval.estimators.displacement_quotient import displacement_measures

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Index = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Placebos = Mapping[tuple[str, str], Sequence["AreaMeasure"]]

TREATED, RING_1, RING_2, BOTH = "treated", "ring 1", "ring 2", "treated and ring 1"
WHERE, UNCLEAR, POISSON = "displacement table", "no clear evidence", "; Poisson error"


@dataclass(frozen=True, kw_only=True)
class AreaCounts:
    """Incidents before and after of a treated area, the rings around it and their comparison.

    Parameters
    ----------
    treated, comparison : (float, float)
    ring_1, ring_2 : (float, float), optional
        Of the units that touch the area, and of those that touch these; None where there are none.
    ring_comparison : (float, float), optional
        A comparison for ring 1 that has no unit in common with `comparison`; None where `comparison` serves both.
    months : (float, float)
        Months before and months after.
    sizes : AreaWeights
        Size of each area, where the comparison is weighted by size.
    dispersion : float
        phi, variance of a count over its mean, for rate ratios; 1 is Poisson.
    """

    treated: Pair
    comparison: Pair
    ring_1: Pair | None = None
    ring_2: Pair | None = None
    ring_comparison: Pair | None = None
    months: Pair = (1.0, 1.0)
    sizes: AreaWeights = field(default_factory=AreaWeights)
    dispersion: float = 1.0

    @property
    def given(self) -> dict[str, Pair]:
        """The counts there are, by the name of the field."""
        names = ("treated", "comparison", "ring_1", "ring_2", "ring_comparison")
        return {name: pair for name in names if (pair := getattr(self, name)) is not None}

    @property
    def both(self) -> Pair:
        """The treated area and ring 1 together."""
        near = self.ring_1 or NOTHING
        return self.treated[0] + near[0], self.treated[1] + near[1]


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How the table is made.

    Parameters
    ----------
    level : float
        Coverage of the intervals.
    weigh_by : str
        What the comparison is made to be as large as before WDD subtracts it: the area's ``incidents`` before, since
        busy places rise and fall by more incidents than quiet ones, or its ``size`` (`AreaCounts.sizes`).
    zeros : str
        ``refuse`` a count of zero, or add ``half`` an incident to every count of the table, which each row then says.
    """

    level: float = 0.95
    weigh_by: str = "incidents"
    zeros: str = "refuse"

    def __post_init__(self) -> None:
        for name, allowed in (("weigh_by", ("incidents", "size")), ("zeros", ("refuse", "half"))):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} of {getattr(self, name)!r}", where=WHERE, expected=" or ".join(allowed))
        if not 0 < self.level < 1:
            raise UsageError(f"a level of {self.level:g}", where=WHERE, expected="a share between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class AreaMeasure:
    """One row of the table.

    Parameters
    ----------
    clear : bool
        Whether the interval leaves out no effect; for WDQ whether its denominator lets it be read.
    change, change_error : float
        The estimate as a share of the incidents expected, or the log ratio, below zero fewer; its error. Placebo
        neighbourhoods are ranked by it. For WDQ the quotient, which has no error.
    meaning : str
        What WDQ says by the guide.
    std_error, conf_low, conf_high : float
        NaN where there is none; the error of a rate ratio is that of its logarithm.
    """

    measure: str
    area: str
    estimate: float
    clear: bool
    note: str
    change: float = math.nan
    change_error: float = math.nan
    std_error: float = math.nan
    conf_low: float = math.nan
    conf_high: float = math.nan
    meaning: str = ""

    def words(self, fell: bool) -> str:
        """What the row says if it is clear; next door nothing has moved if the treated area has not clearly fallen."""
        if self.meaning:
            return self.meaning
        more = f"{'fewer' if self.change < 0 else 'more'} incidents"
        if self.area in (RING_1, RING_2):
            moved = "diffusion of benefit" if self.change < 0 else "displacement"
            return moved if fell else f"{more} next door, but no clear fall in the treated area"
        than = "before" if self.measure == "GE" else "expected"
        return f"{more} than {than}{' in both areas together' if self.area == BOTH else ''}"


def area_measures(counts: AreaCounts, options: TableOptions = TableOptions()) -> tuple[AreaMeasure, ...]:
    """Every measure of one area, in the order of the table.

    Raises
    ------
    UsageError, EstimationError
        If a count is below zero, or is zero and zeros are refused, or a time, size or dispersion is not above zero.

    Notes
    -----
    T treated, B ring 1, C comparison, 0 before, 1 after, ``k`` months after over months before. In incidents of the
    time after: ``WDD = (T1 - k T0) - (C1 - k C0) / a`` with a weight a (`TableOptions.weigh_by`), so too for B, and for
    both their sum. Incidents of one comparison that serves both count once, with ``1/a + 1/b``: the published variance,
    the sum of both variances, is for two comparisons. ``GE = k T0 - T1``; the others do not depend on lengths of time.
    Weighted by incidents, the WDD of both is TNE with its sign turned.
    """
    used = _without_zeros(counts, options.zeros)
    rows = (*_guide(used, options.level), *_differences(used, options), *_ratios(used, options.level))
    if used is counts:
        return rows
    return tuple(replace(r, note=f"{r.note}; half an incident added to every count, one being zero") for r in rows)


def displacement_table(
    counts: AreaCounts, options: TableOptions = TableOptions(), placebos: Placebos | None = None
) -> pd.DataFrame:
    """One row for each of `area_measures`, which says what is refused.

    Parameters
    ----------
    counts : AreaCounts
    options : TableOptions
    placebos : mapping, optional
        What `placebo_measures` gives with the same options.

    Returns
    -------
    DataFrame with columns measure, area, estimate, std_error, conf_low, conf_high, reads_as, note, and, NaN without
    placebos, p_value (rank among placebo neighbourhoods), placebos (their number) and called_clear (share of them that
    are `AreaMeasure.clear`). GE, which is compared with nothing, and a WDQ not to be read have no rank.
    """
    import pandas as pd

    rows = area_measures(counts, options)
    ranks = [_ranks(row, (placebos or {}).get((row.measure, row.area), ())) for row in rows]
    p_values = [p for p, _, _ in ranks]
    clear = [r.clear if math.isnan(p) else p <= 1 - options.level for r, p in zip(rows, p_values, strict=True)]
    own = ("measure", "area", "estimate", "std_error", "conf_low", "conf_high")
    frame = pd.DataFrame([[getattr(row, name) for name in own] for row in rows], columns=list(own))
    frame = frame.assign(reads_as=_readings(rows, clear), note=[row.note for row in rows])
    return frame.assign(p_value=p_values, placebos=[n for _, n, _ in ranks], called_clear=[c for _, _, c in ranks])


def _ranks(row: AreaMeasure, others: Sequence[AreaMeasure]) -> tuple[float, float, float]:
    """Rank p-value, number of placebos and share of them called clear; ties count against a finding."""
    import numpy as np

    if not others:
        return math.nan, math.nan, math.nan
    number, called = len(others), sum(o.clear for o in others) / len(others)
    if row.measure == "GE" or (row.measure == "WDQ" and not row.clear):
        return math.nan, float(number), called
    change, error = np.array([(r.change, r.change_error) for r in (row, *others)]).T
    scale = _scale(change, error)
    reached = np.abs(change[1:]) * scale[0] >= np.abs(change[0]) * scale[1:] * (1 - 1e-12)
    return float(1 + reached.sum()) / (1 + number), float(number), called


def _scale(change: Floats, error: Floats) -> Floats:
    """Standard deviation of each change: variance ``a + b error^2``, fitted to squared changes but the first by NNLS.

    Areas also drift, busy ones as much as quiet ones, so that change over Poisson error would grow with an area's
    incidents (Ferman and Pinto 2019). Quotients are taken as they are.
    """
    import numpy as np
    from scipy.optimize import nnls

    if np.isnan(error).any():
        return np.ones(len(change))
    terms = np.stack([np.ones(len(error)), error**2 / np.mean(error[1:] ** 2)], axis=1)
    return np.asarray(np.sqrt(terms @ nnls(terms[1:], change[1:] ** 2)[0]))


def _readings(rows: Sequence[AreaMeasure], clear: Sequence[bool]) -> list[str]:
    """What each row says; a quotient to be read says something only where the area clearly fell and ring 1 changed."""
    sure = {(row.measure, row.area): row.change for row, ok in zip(rows, clear, strict=True) if ok}
    fell, next_door = sure.get(("RIRR", TREATED), 0.0) < 0, ("RIRR", RING_1) in sure
    says = [(fell and next_door) or not r.clear if r.meaning else ok for r, ok in zip(rows, clear, strict=True)]
    return [row.words(fell) if ok else UNCLEAR for row, ok in zip(rows, says, strict=True)]


def _guide(counts: AreaCounts, level: float) -> Iterator[AreaMeasure]:
    """GE, NE, WDQ and TNE; errors by the delta method for independent Poisson counts."""
    (t0, t1), (c0, c1), k = counts.treated, counts.comparison, counts.months[1] / counts.months[0]
    fewer = f"incidents of the time after, above zero fewer{POISSON}"
    ratio = f"incidents for one in the comparison, above zero fewer{POISSON}"
    yield _row("GE", TREATED, (k * t0 - t1, math.sqrt(k * k * t0 + t1)), -k * t0, level, fewer)
    error = math.sqrt(t0 / c0**2 + t0**2 / c0**3 + t1 / c1**2 + t1**2 / c1**3)
    yield _row("NE", TREATED, (t0 / c0 - t1 / c1, error), -t0 / c0, level, ratio)
    if counts.ring_1 is None:
        return
    yield _quotient(counts, counts.ring_1, t1 / c1 - t0 / c0, error)
    (before, after), g = counts.both, c1 / c0
    error = math.sqrt(g * g * before + after + before**2 * (c1 / c0**2 + c1**2 / c0**3))
    yield _row("TNE", BOTH, (before * g - after, error), -before * g, level, fewer)


def _quotient(counts: AreaCounts, ring: Pair, success: float, error: float) -> AreaMeasure:
    """WDQ with its guard; NaN where the treated area changed exactly as its comparison did."""
    quotient, readable, meaning = math.nan, False, "not to be read: the treated area changed exactly as its comparison"
    if abs(success) > 1e-12 * counts.treated[0] / counts.comparison[0]:
        found = displacement_measures(counts.treated, ring, counts.comparison)
        quotient, readable, meaning = found.quotient, found.readable, found.meaning
    note = f"denominator {success:.3g}, its Poisson error {error:.2g}; no error of its own"
    row = AreaMeasure(measure="WDQ", area=RING_1, estimate=quotient, change=quotient, clear=readable, note=note)
    return replace(row, meaning=meaning)


def _differences(counts: AreaCounts, options: TableOptions) -> Iterator[AreaMeasure]:
    """WDD of the treated area, of ring 1, and of both."""
    other = counts.ring_comparison or counts.comparison
    time = (counts.months[0] / counts.months[1], 1.0)
    a, b = _weights(counts, other, options.weigh_by)
    weights = AreaWeights(comparison=a, buffer_comparison=b)
    near, next_door = (counts.treated, counts.comparison), (counts.ring_1, other) if counts.ring_1 else ()
    found = difference(*near, *next_door, time_weights=time, area_weights=weights)
    unit, by = f"incidents of the time after, below zero fewer{POISSON}; ", "comparison divided by {:.4g}"
    g, level = counts.comparison[1] / counts.comparison[0], options.level
    yield _row("WDD", TREATED, (found.local, found.local_se), counts.treated[0] * g, level, unit + by.format(a))
    if counts.ring_1 is None:
        return
    beside, expected = (found.displacement, found.displacement_se), counts.ring_1[0] * other[1] / other[0]
    yield _row("WDD", RING_1, beside, expected, level, unit + by.format(b))
    if counts.ring_comparison is None:  # the same incidents twice are not independent
        near, weights = (counts.both, counts.comparison), AreaWeights(comparison=1 / (1 / a + 1 / b))
        found = difference(*near, time_weights=time, area_weights=weights)
    total = (found.estimate, found.std_error)
    yield _row("WDD", BOTH, total, counts.both[0] * g, level, unit + "the sum of both parts")


def _weights(counts: AreaCounts, other: Pair, weigh_by: str) -> Pair:
    """What the comparisons of the area and of ring 1 are divided by to be as large as they are."""
    if weigh_by == "incidents":
        ring = counts.ring_1 or counts.treated
        return counts.comparison[0] / counts.treated[0], other[0] / ring[0]
    s = counts.sizes
    return s.comparison / s.treated, (s.buffer_comparison if counts.ring_comparison else s.comparison) / s.buffer


def _ratios(counts: AreaCounts, level: float) -> Iterator[AreaMeasure]:
    """Relative incident rate ratios of every area there is, with the comparison's overdispersion."""
    areas = {TREATED: counts.treated, RING_1: counts.ring_1, RING_2: counts.ring_2}
    areas[BOTH] = counts.both if counts.ring_1 else None
    for area, pair in areas.items():
        if pair is None:
            continue
        other = counts.ring_comparison if area == RING_1 and counts.ring_comparison else counts.comparison
        found = rate_ratio(pair, other, dispersion=counts.dispersion, level=level)
        note = f"below 1 fewer; the error is of its logarithm, with phi {counts.dispersion:.2f}"
        row = _row("RIRR", area, (found.log_ratio, found.log_std_error), 1.0, level, note)
        yield replace(row, estimate=found.ratio, conf_low=found.conf_low, conf_high=found.conf_high)


def _row(measure: str, area: str, value: Pair, base: float, level: float, note: str) -> AreaMeasure:
    """A row from an estimate and its error; over `base` it is the change, so below zero if above zero is fewer."""
    estimate, error = value
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    row = AreaMeasure(measure=measure, area=area, estimate=estimate, note=note, clear=abs(estimate) > reach)
    row = replace(row, change=estimate / base, change_error=error / abs(base))
    return replace(row, std_error=error, conf_low=estimate - reach, conf_high=estimate + reach)


def _without_zeros(counts: AreaCounts, zeros: str) -> AreaCounts:
    """Counts that are checked, with half an incident more each where one is zero and that is asked for."""
    require_counts(counts.given)
    if not all(math.isfinite(v) and v > 0 for v in (*counts.months, *astuple(counts.sizes))):
        raise UsageError(f"months {counts.months}, {counts.sizes}", where=WHERE, expected="all above zero")
    if min(map(min, counts.given.values())) > 0:
        return counts
    if zeros == "half":
        more: dict[str, Any] = {name: (before + 0.5, after + 0.5) for name, (before, after) in counts.given.items()}
        return replace(counts, **more)
    name = next(name for name, pair in counts.given.items() if min(pair) == 0)
    found, todo = f"{name.replace('_', ' ')} counts of {counts.given[name]}", "Take a longer time or zeros='half'"
    raise EstimationError(found, where=WHERE, expected="every count above zero", todo=todo)


def area_counts(design: Design) -> AreaCounts:
    """Counts of a design's treated area, the two rings around it, and its comparison without both rings.

    All of the comparison serves the area and ring 1 alike. To pick units as busy as each would be one choice among
    many, on which the answer would hang, and a large comparison adds next to no error of its own.

    Raises
    ------
    DesignError
        If treated units begin in different months.
    """
    import numpy as np

    design.require_one_start(WHERE)
    unit, rings = np.array(design.units), design.areas.ring(design.treated, 2)
    found = [np.flatnonzero(np.isin(unit, sorted(ring)) & design.complete)[None, :] for ring in rings]
    return next(_counts_of(design, design.own_set.members, found))


def placebo_measures(design: Design, sets: PlaceboSets, options: TableOptions = TableOptions()) -> Placebos:
    """The measures of placebo neighbourhoods by measure and area, each with rings and a comparison of its own.

    Only the members of `sets` are used: both rings are found anew, within the design's comparison. Where zeros are
    refused, a neighbourhood with a count of zero is left out.
    """
    import numpy as np

    from cseval.areas import placebo_sets

    first, both = (placebo_sets(design.areas, design.comparison, sets.members, rings=n).ring for n in (1, 2))
    second = np.where((both[:, :, None] == first[:, None, :]).any(axis=2), len(design.units), both)
    found: dict[tuple[str, str], list[AreaMeasure]] = {}
    for counts in _counts_of(design, sets.members, [first, second]):
        if options.zeros == "half" or min(map(min, counts.given.values())) > 0:
            for row in area_measures(counts, options):
                found.setdefault((row.measure, row.area), []).append(row)
    return found


def _counts_of(design: Design, members: Index, rings: Sequence[Index]) -> Iterator[AreaCounts]:
    """Counts of each set with its rings 1 and 2, both padded with the number of units."""
    import numpy as np

    from cseval.areas import PlaceboSets
    from cseval.estimators.collapsed import table_dispersion
    from cseval.estimators.did_kernels import member_sum, split_sums

    values = np.stack([design.pre_counts, design.post_counts, np.ones(len(design.units))], axis=1)
    sets = PlaceboSets(members=members, ring=np.hstack(rings))
    own, rest = (part.tolist() for part in split_sums(values, design.comparison, sets))
    near, far = (member_sum(values, ring).tolist() for ring in rings)
    after, phi = float(design.post.sum()), table_dispersion(design.counts, design.comparison)
    months, phi = (len(design.periods) - after, after), max(phi, 1.0) if math.isfinite(phi) else 1.0
    for t, c, b, d in zip(own, rest, near, far, strict=True):
        yield AreaCounts(
            treated=(t[0], t[1]),
            comparison=(c[0], c[1]),
            ring_1=(b[0], b[1]) if b[2] else None,
            ring_2=(d[0], d[1]) if d[2] else None,
            months=months,
            sizes=AreaWeights(treated=t[2], comparison=c[2], buffer=b[2] or 1.0),
            dispersion=phi,
        )
