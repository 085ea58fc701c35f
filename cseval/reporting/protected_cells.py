"""What of a result is withheld: months and totals of the area, and every analysis that says more than these do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from cseval.disclosure import Sum, small, suppress_linked

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.design import Design
    from cseval.result import AnalysisResult, EvaluationResult

    Mask = npt.NDArray[np.bool_]

Key = tuple[Any, ...]
#: Inference that rests on what each unit counts before and after the start, and on no single month.
BY_TOTALS = ("placebo neighbourhoods", "placebo neighbourhoods in other districts", "cluster-robust")
#: Models of the monthly course of an area and of its comparison as wholes; any other model may look at single units.
OF_SERIES = ("ArimaITS", "ControlledITS", "SegmentedRegression", "StructuralITS")
MAIN = ("primary", "secondary")


@dataclass(frozen=True, kw_only=True, eq=False)
class Hidden:
    """What is withheld.

    Parameters
    ----------
    months : frozenset of (outcome, month)
        Counts of the treated area.
    outcomes : frozenset of str
        Outcomes of which a month of the treated area or of a comparison is withheld, or small anywhere in the data.
    analyses : frozenset of str
        The outcomes among them of which an analysis uses such a month.
    effects : frozenset of str
        Analyses that are withheld whole.
    shown : frozenset of str
        Analyses whose months are shown, but for those withheld, whatever becomes of their effects.
    rings : bool
        Whether the table of the rings around the area is withheld.
    comparisons : frozenset of str
        Analyses whose monthly comparison is withheld.
    by_unit : bool
        Whether a unit by itself has a small count before or after the start of the primary analysis.
    """

    months: frozenset[Key]
    outcomes: frozenset[str]
    analyses: frozenset[str]
    effects: frozenset[str]
    shown: frozenset[str]
    rings: bool
    comparisons: frozenset[str]
    by_unit: bool

    @property
    def anything(self) -> bool:
        """Whether anything is withheld that words could give away."""
        return bool(self.months or self.analyses or self.effects or self.rings or self.comparisons or self.by_unit)

    def in_series(self, frame: pd.DataFrame) -> Mask:
        """Which rows with an outcome and a month are withheld."""
        import numpy as np

        rows = zip(frame["outcome"], frame["period"], strict=True)
        return np.array([row in self.months for row in rows], dtype=bool)


def hidden_in(result: EvaluationResult, threshold: int) -> Hidden:
    """What of a result is withheld so that no count from 1 to one below the threshold is shown or can be computed.

    Notes
    -----
    Of an outcome with a small month, in the treated area or in the comparison of an analysis, only analyses stay that
    are functions of the totals before and after the start (`of_totals`), and of these only the primary and secondary
    ones and others of the very same totals: every other estimate is an equation in the months that are withheld. What
    is left to protect are the months, their sums before and after the start, and the sums over outcomes where one
    outcome is the sum of others. `disclosure.suppress_linked` takes these together.
    """
    anchors, cells = _anchors(result), _Cells()
    for analysis in anchors:
        _add_analysis(cells, analysis, by_month=analysis.estimate.outcome in set(result.series.get("outcome", ())))
    _add_outcome_sums(cells, result)
    mask = suppress_linked(cells.values, cells.sums, threshold)
    keys = {key for key, at in cells.at.items() if mask[at]}
    months = frozenset(k[1:] for k in keys if k[0] == "month")
    broken = frozenset(o for o, _ in months) | _small_months(result, threshold)
    kept = {key for a in anchors for key in _totals(a)}
    effects = frozenset(
        a.analysis.slug
        for a in result.analyses
        if (a.estimate.outcome in broken and not (of_totals(a) and kept.issuperset(_totals(a))))
        or keys.intersection(_totals(a))
        or _rests_on_small(a, threshold)
    )
    return Hidden(
        months=months,
        analyses=broken,
        outcomes=broken | _small_anywhere(result, threshold),
        effects=effects,
        shown=frozenset(a.analysis.slug for a in result.analyses if a in anchors or a.analysis.slug not in effects),
        rings=result.primary.analysis.slug in effects or _small_rings(result, threshold),
        comparisons=frozenset(_comparisons(result.series, threshold)),
        by_unit=_small_units(result.primary.design, threshold),
    )


# Analyses ----------------------------------------------------------------------------------------------


def of_totals(analysis: AnalysisResult) -> bool:
    """Whether an analysis looks at no month by itself, but at what units count before and after the start."""
    from cseval.estimators.linear_did import LinearDiD
    from cseval.estimators.poisson_did import PoissonDiD

    plain = analysis.analysis.estimator in (PoissonDiD(), LinearDiD())
    return plain and not analysis.design.staggered and analysis.inferred[0].method in BY_TOTALS


def _anchors(result: EvaluationResult) -> tuple[AnalysisResult, ...]:
    """The analyses whose totals are shown: of each outcome the primary and secondary ones, or else the first."""
    found = [a for a in result.analyses if of_totals(a)]
    own = {a.estimate.outcome for a in found if a.analysis.role in MAIN}
    first: dict[str, AnalysisResult] = {}
    for analysis in found:
        first.setdefault(analysis.estimate.outcome, analysis)
    return tuple(a for a in found if a.analysis.role in MAIN or (a is first[o := a.estimate.outcome] and o not in own))


def _rests_on_small(analysis: AnalysisResult, threshold: int) -> bool:
    """Whether a total of an analysis is small, or a month of a unit for a model that may look at single ones."""
    design = analysis.design
    used = design.is_treated | design.comparison
    totals = [analysis.estimate.observed]
    totals += [float(c[at].sum()) for c in (design.pre_counts, design.post_counts) for at in _sides(design)]
    by_unit = not of_totals(analysis) and type(analysis.analysis.estimator).__name__ not in OF_SERIES
    return bool(small(totals, threshold).any() or (by_unit and small(design.counts[used], threshold).any()))


def _sides(design: Design) -> tuple[Mask, Mask]:
    """The units of the treated area, and those that it is compared with."""
    return design.is_treated, design.comparison


def _small_months(result: EvaluationResult, threshold: int) -> frozenset[str]:
    """Outcomes with a small month of the treated area or of the comparison in an analysis."""
    return frozenset(
        a.estimate.outcome
        for a in result.analyses
        if any(small(a.design.counts[at].sum(axis=0), threshold).any() for at in _sides(a.design))
    )


def _small_anywhere(result: EvaluationResult, threshold: int) -> frozenset[str]:
    """Outcomes of the data with a small month, in the treated area or in all others, in any analysis or none."""
    import numpy as np

    panel, treated = result.inputs.panel, result.inputs.roles.treated
    at = np.array([u in treated for u in panel.units])
    return frozenset(
        outcome
        for outcome, counts in panel.counts.items()
        if any(small(counts[side].sum(axis=0), threshold).any() for side in (at, ~at))
    )


def _small_units(design: Design, threshold: int) -> bool:
    used = design.is_treated | design.comparison
    return any(bool(small(c[used], threshold).any()) for c in (design.pre_counts, design.post_counts))


# Sums that are known -----------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class _Cells:
    """Counts by what they are of, and the sums that are known between them."""

    at: dict[Key, int] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)

    def add(self, key: Key, value: float) -> int:
        """The position of a count, which is entered where it is new."""
        if key not in self.at:
            self.at[key] = len(self.values)
            self.values.append(float(round(value)))
        return self.at[key]

    def add_sum(self, total: int, parts: Sequence[int]) -> None:
        """A sum that is known; what does not add up is none."""
        adds = sum(self.values[p] for p in parts) == self.values[total]
        if parts and adds and total not in parts and (total, tuple(parts)) not in self.sums:
            self.sums.append((total, tuple(parts)))


def _phases(design: Design) -> Iterator[Mask]:
    yield ~design.post
    yield design.post


def _total_key(outcome: str, design: Design, keep: Mask) -> Key:
    months = tuple(p for p, kept in zip(design.periods, keep, strict=True) if kept)
    return ("total", outcome, frozenset(design.treated), months)


def _totals(analysis: AnalysisResult) -> tuple[Key, ...]:
    """Keys of the counts of the treated area that an effect rests on."""
    design = analysis.design
    return tuple(_total_key(analysis.estimate.outcome, design, keep) for keep in _phases(design))


def _add_analysis(cells: _Cells, analysis: AnalysisResult, *, by_month: bool) -> None:
    """The counts of an analysis: before and after the start, and by month."""
    design, outcome = analysis.design, analysis.estimate.outcome
    treated = design.counts[design.is_treated].sum(axis=0)
    for keep in _phases(design):
        total = cells.add(_total_key(outcome, design, keep), float(treated[keep].sum()))
        months = [(str(p), float(v)) for p, v, k in zip(design.periods, treated, keep, strict=True) if k]
        if by_month:
            cells.add_sum(total, [cells.add(("month", outcome, p), v) for p, v in months])


def _add_outcome_sums(cells: _Cells, result: EvaluationResult) -> None:
    """The sums over outcomes, by month and by total, where one outcome is the sum of others in the treated area."""
    import numpy as np

    panel, design = result.inputs.panel, result.primary.design
    outcomes = list(dict.fromkeys(a.estimate.outcome for a in result.analyses))
    series = {o: panel.require(o)[design.is_treated].sum(axis=0) for o in outcomes}
    for whole in outcomes:
        others = [o for o in outcomes if o != whole]
        for parts in (p for size in (2, 3, 4) for p in combinations(others, size)):
            if np.array_equal(sum(series[p] for p in parts), series[whole]):
                _add_whole(cells, whole, parts)


def _add_whole(cells: _Cells, whole: str, parts: Sequence[str]) -> None:
    for key, at in list(cells.at.items()):
        if key[0] in ("month", "total") and key[1] == whole:
            found = [cells.at.get((key[0], part, *key[2:])) for part in parts]
            if None not in found:
                cells.add_sum(at, [p for p in found if p is not None])


# Areas beside the treated one --------------------------------------------------------------------------


def _small_rings(result: EvaluationResult, threshold: int) -> bool:
    """Whether an area of the displacement table has a small count before or after the start."""
    frame, design = result.displacement, result.primary.design
    if not len(frame):
        return False
    rings = design.areas.ring(design.treated, max(2, *(_last_ring(str(a)) for a in frame["area"])))
    before_and_after = (design.pre_counts, design.post_counts)
    members = [[u in ring for u in design.units] for ring in (design.treated, *rings)]
    counts = [float(c[m].sum()) for c in before_and_after for m in members]
    return bool(small(frame["observed"].astype(float), threshold).any() or small(counts, threshold).any())


def _last_ring(area: str) -> int:
    """The number of the furthest ring in an area's name; 0 where it has none."""
    return max((int(word) for word in area.split() if word.isdigit()), default=0)


def _comparisons(series: pd.DataFrame, threshold: int) -> Iterator[str]:
    """Analyses whose monthly comparison has a small count, or differs from that of another by one."""
    if not len(series):
        return
    kept: dict[str, list[Any]] = {}
    for slug, rows in series.groupby("analysis", sort=False):
        own = rows.set_index("period")["comparison"].astype(float)
        others = kept.setdefault(str(rows["outcome"].iloc[0]), [])
        apart = [(own - other).dropna().abs() for other in others]
        if any(small(values, threshold).any() for values in (own, *apart)):
            yield str(slug)
        else:
            others.append(own)
