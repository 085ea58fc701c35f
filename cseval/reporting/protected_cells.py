"""Which counts of a result are withheld: months, areas and totals that its outputs show, and the sums between them."""

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Hidden:
    """What is withheld.

    Parameters
    ----------
    months : frozenset of (outcome, month)
        Counts of the treated area.
    effects : frozenset of str
        Analyses whose total before or after the start is withheld.
    bins : frozenset of (first, last event time)
        Of the event study.
    rings : frozenset of str
        Areas of the displacement table.
    comparisons : frozenset of str
        Analyses whose monthly comparison is withheld.
    by_unit : bool
        Whether a treated unit by itself has a small count before or after the start of the primary analysis.
    """

    months: frozenset[Key]
    effects: frozenset[str]
    bins: frozenset[Key]
    rings: frozenset[str]
    comparisons: frozenset[str]
    by_unit: bool

    def in_months(self, outcome: str, periods: Sequence[str]) -> Mask:
        """Which of these months of an outcome are withheld."""
        import numpy as np

        return np.array([(outcome, p) in self.months for p in periods], dtype=bool)

    def in_series(self, frame: pd.DataFrame) -> Mask:
        """Which rows with an outcome and a month are withheld."""
        import numpy as np

        rows = zip(frame["outcome"], frame["period"], strict=True)
        return np.array([row in self.months for row in rows], dtype=bool)

    def in_events(self, frame: pd.DataFrame) -> Mask:
        """Which rows of the event study are withheld."""
        import numpy as np

        if not len(frame):
            return np.zeros(0, dtype=bool)
        rows = zip(frame["first_event_time"], frame["last_event_time"], strict=True)
        return np.array([row in self.bins for row in rows], dtype=bool)


def hidden_in(result: EvaluationResult, threshold: int) -> Hidden:
    """What of a result is withheld so that no count from 1 to one below the threshold is shown or can be computed.

    Notes
    -----
    The cells are the monthly counts of the treated area, their sums by period of the event study, before and after the
    start of every analysis (an effect gives them back), and after the start in the rings around it. Sums over outcomes
    are known too where one outcome is the sum of others. `disclosure.suppress_linked` takes them all together.
    """
    cells = _Cells()
    shown = _shown_by_month(result)
    for analysis in result.analyses:
        _add_analysis(cells, analysis, result, by_month=analysis.estimate.outcome in shown)
    _add_outcome_sums(cells, result)
    _add_rings(cells, result)
    mask = suppress_linked(cells.values, cells.sums, threshold)
    keys = {key for key, at in cells.at.items() if mask[at]}
    effects = frozenset(a.analysis.slug for a in result.analyses if any(k in keys for k in _totals(a)))
    months = frozenset(k[1:] for k in keys if k[0] == "month")
    return Hidden(
        months=months,
        effects=effects,
        bins=_all_events(result, months) or frozenset(k[1:] for k in keys if k[0] == "bin"),
        rings=frozenset(k[1] for k in keys if k[0] == "area") | _small_before(result, threshold),
        comparisons=frozenset(_comparisons(result.series, threshold)),
        by_unit=_small_by_unit(result.primary.design, threshold),
    )


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


def _shown_by_month(result: EvaluationResult) -> set[str]:
    """Outcomes of which some output shows the treated area month by month."""
    by_table = {
        a.estimate.outcome
        for a in result.analyses
        if any({"period", "observed"} <= set(t.columns) for t in a.estimate.tables.values())
    }
    return by_table | (set(result.series["outcome"]) if len(result.series) else set())


def _phases(design: Design) -> Iterator[Mask]:
    yield ~design.post
    yield design.post


def _total_key(outcome: str, design: Design, keep: Mask) -> Key:
    return ("total", outcome, tuple(p for p, kept in zip(design.periods, keep, strict=True) if kept))


def _totals(analysis: AnalysisResult) -> Iterator[Key]:
    """Keys of the counts that an effect rests on."""
    yield ("observed", analysis.analysis.slug)
    for keep in _phases(analysis.design):
        yield _total_key(analysis.estimate.outcome, analysis.design, keep)


def _add_analysis(cells: _Cells, analysis: AnalysisResult, result: EvaluationResult, *, by_month: bool) -> None:
    """The counts of an analysis: before and after the start, by month, and by period of the event study."""
    design, outcome = analysis.design, analysis.estimate.outcome
    treated = design.counts[design.is_treated].sum(axis=0)
    bins = _bins(result, analysis)
    for keep in _phases(design):
        total = cells.add(_total_key(outcome, design, keep), float(treated[keep].sum()))
        here = [b for b in bins if (keep & b[1]).any()]
        parts = [cells.add(("bin", *name), float(treated[members].sum())) for name, members in here]
        cells.add_sum(total, parts)
        groups = [(p, m) for p, (_, m) in zip(parts, here, strict=True)] or [(total, keep)]
        for whole, members in groups if by_month else ():
            months = [(str(p), float(v)) for p, v, k in zip(design.periods, treated, members, strict=True) if k]
            cells.add_sum(whole, [cells.add(("month", outcome, p), v) for p, v in months])
    last = float(treated[design.post].sum())
    if abs(analysis.estimate.observed - last) > 0.5:  # units that begin later are counted from their own start on
        cells.add(("observed", analysis.analysis.slug), analysis.estimate.observed)


def _bins(result: EvaluationResult, analysis: AnalysisResult) -> list[tuple[Key, Mask]]:
    """Periods of the event study of an analysis with their months; none where units begin in different months."""
    frame, design = result.event_study, analysis.design
    if design.staggered or not len(frame) or analysis.analysis.slug != frame["analysis"].iloc[0]:
        return []
    ends = zip(frame["first_event_time"], frame["last_event_time"], strict=True)
    found = [((a, b), (design.event_time >= a) & (design.event_time <= b)) for a, b in ends]
    covered = sum(int(m.sum()) for _, m in found)
    return [b for b in found if b[1].any()] if covered == len(design.periods) else []


def _all_events(result: EvaluationResult, months: frozenset[Key]) -> frozenset[Key]:
    """Every period of the event study, where units begin in different months and one of these is withheld."""
    frame, primary = result.event_study, result.primary
    hidden = any(outcome == primary.estimate.outcome for outcome, _ in months)
    if not (hidden and len(frame) and not _bins(result, primary)):
        return frozenset()
    return frozenset(zip(frame["first_event_time"], frame["last_event_time"], strict=True))


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


def _add_rings(cells: _Cells, result: EvaluationResult) -> None:
    """The counts after the start in the treated area, in the rings, and in areas put together."""
    areas = {str(r["area"]): float(r["observed"]) for r in result.displacement.to_dict("records")}
    areas = {name: value for name, value in areas.items() if value == value}
    at = {name: cells.add(("area", name), value) for name, value in areas.items()}
    primary = result.primary
    own = cells.at[_total_key(primary.estimate.outcome, primary.design, primary.design.post)]
    for name in filter(is_treated, at):
        cells.add_sum(at[name], [own])
    for name in at:
        parts = name.split(" and ")
        if len(parts) > 1 and all(p in at for p in parts):
            cells.add_sum(at[name], [at[p] for p in parts])


def is_treated(area: str) -> bool:
    """Whether a row of the displacement table is of the treated area alone."""
    return area.startswith("treated") and " and " not in area


def _small_before(result: EvaluationResult, threshold: int) -> frozenset[str]:
    """Rings with a small count before the start, on which their change rests."""
    if not len(result.displacement):
        return frozenset()
    design = result.primary.design
    rings = design.areas.ring(design.treated, 2)
    before = [sum(v for u, v in zip(design.units, design.pre_counts, strict=True) if u in ring) for ring in rings]
    return frozenset(f"ring {n}" for n, v in enumerate(before, start=1) if small(v, threshold))


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


def _small_by_unit(design: Design, threshold: int) -> bool:
    counts = (design.pre_counts[design.is_treated], design.post_counts[design.is_treated])
    return any(bool(small(c, threshold).any()) for c in counts)
