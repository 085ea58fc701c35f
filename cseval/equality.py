"""Stop and search by recorded ethnicity before and after a start: evidence for an equalities section, never its text.

Rates per 1,000 residents and their ratios need denominators; how a ratio changed does not, as long as the residents
did not. Intervals say how far chance could move a ratio from month to month, with the overdispersion of the months;
they say nothing of why rates differ.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.disclosure import WITHHELD, Disclosure, Withheld, rounded, suppress
from cseval.errors import DataError, DesignError, SpecError
from cseval.inference.proportions import Share, newcombe, wilson
from cseval.inference.rate_ratios import RateRatio, rate_ratio, ratio_of_ratios
from cseval.months import month_range
from cseval.sources.files import shown
from cseval.sources.sheets import factor, match_columns, peek, read_sheet
from cseval.sources.stop_search_files import GROUPS, NO_FURTHER_ACTION, NOT_STATED, ethnic_group, outcome_class

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from cseval.sources.stop_search_table import StopSearch

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

SELF_DEFINED, OFFICER_DEFINED = "self_ethnicity", "officer_ethnicity"
#: Rates are per so many residents a year.
PER = 1000
BEFORE, AFTER = "before", "after"
VEHICLE_ONLY = "Vehicle search"
Period = tuple[str, str]

# Denominators -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Denominators:
    """Residents by broad ethnic group.

    Parameters
    ----------
    population : mapping of str to int
    source, year : str
    """

    population: Mapping[str, int]
    source: str
    year: str


def read_denominators(path: Path) -> Denominators:
    """Read residents by group.

    Parameters
    ----------
    path : Path
        CSV with the columns ``group``, ``population``, ``source``, ``year``; one row for each of the groups Asian,
        Black, Mixed, Other, White that is to have a rate.

    Raises
    ------
    DataError
        If a column is missing, a group is unknown or repeats, nobody is in it, a source is blank, or sources or years
        differ; the message names the row.
    """
    where = str(path)
    aliases = {name: (name,) for name in ("group", "population", "source", "year")}
    columns = match_columns(peek(path).columns, aliases, where)
    missing = [name for name in aliases if name not in columns]
    if missing:
        raise DataError(f"no column {missing[0]}", where=f"{where}, row 1", expected="group, population, source, year")
    text = {name: columns[name] for name in ("group", "source", "year")}
    sheet = read_sheet(path, text, [columns["population"]])
    cells = {name: [words[i] for i in codes] for name, (codes, words) in ((n, factor(sheet.text[n])) for n in text)}
    people = sheet.whole[:, 0].tolist()
    for i, (group, number) in enumerate(zip(cells["group"], people, strict=True)):
        _check_row(group, number, {n: c[i] for n, c in cells.items()}, cells, i, f"{where}, row {i + sheet.first}")
    population = dict(zip(cells["group"], people, strict=True))
    return Denominators(population=population, source=cells["source"][0], year=cells["year"][0])


def _check_row(
    group: str, people: int, row: Mapping[str, str], cells: Mapping[str, list[str]], at: int, where: str
) -> None:
    if group not in GROUPS:
        raise DataError(f"group {shown(group)}", where=where, expected="one of " + ", ".join(GROUPS))
    if group in cells["group"][:at]:
        raise DataError(f"{group} a second time", where=where, expected="each group once")
    if not people:
        raise DataError(f"nobody in {group}", where=where, expected="a population of at least 1")
    if not row["source"]:
        raise DataError("no source", where=where, expected="where the population comes from")
    if not re.fullmatch(r"(19|20)\d\d", row["year"]):
        raise DataError(f"year {shown(row['year'])}", where=where, expected="a year as 2011")
    for name in ("source", "year"):
        if row[name] != cells[name][0]:
            raise DataError(
                f"{name} {shown(row[name])} beside {shown(cells[name][0])}", where=where, expected="one source and year"
            )


# The measure ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class EqualityResult:
    """Searches of people by recorded ethnicity, before and after.

    Parameters
    ----------
    name, ethnicity, reference : str
    months : (int, int)
        Usable months before and after.
    periods : (Period, Period)
        First and last usable month of each.
    rates : pandas.DataFrame
        A row for each group: searches and their rate per 1,000 residents a year before and after, the ratio to the
        reference group's rate, and how that ratio changed, all with 95 % intervals.
    outcomes : pandas.DataFrame
        A row for each group and period: share of searches without further action (Wilson), and its difference from
        the reference group's (Newcombe).
    not_stated : (float, float)
        Share of searches of people without a recorded ethnicity.
    dispersion : float
        Variance of monthly counts over the Poisson variance.
    reworded : bool
        Whether "no further action" is worded in another way after than before.
    denominators : Denominators or None
    withheld : bool
        Whether small counts of unpublished data are withheld.
    """

    name: str
    ethnicity: str
    reference: str
    months: tuple[int, int]
    periods: tuple[Period, Period]
    rates: pd.DataFrame
    outcomes: pd.DataFrame
    not_stated: tuple[float, float]
    dispersion: float
    reworded: bool
    denominators: Denominators | None
    withheld: bool


@dataclass(frozen=True, kw_only=True)
class Disproportionality:
    """What is compared.

    Parameters
    ----------
    unit : str
        Code of the area.
    before, after : (first month, last month)
        Months that are not usable are left out of both.
    ethnicity : {"self_ethnicity", "officer_ethnicity"}
        Which record of ethnicity. Officers record no "Mixed" group, so their record fits census groups less well.
    reference : str
        Group that the others are held against.
    denominators : Denominators, optional
        Without them there are no rates and no ratios of rates, only how ratios changed.
    published : bool
        Whether the counts are open to everybody; small ones of others are withheld.
    disclosure : Disclosure

    Raises
    ------
    SpecError
        If the record of ethnicity or the reference is unknown, or the periods overlap.
    """

    unit: str
    before: Period
    after: Period
    ethnicity: str = SELF_DEFINED
    reference: str = "White"
    denominators: Denominators | None = None
    published: bool = True
    disclosure: Disclosure = field(default_factory=Disclosure)

    def __post_init__(self) -> None:
        known = self.ethnicity in (SELF_DEFINED, OFFICER_DEFINED) and self.reference in GROUPS
        if not known or not self.before[0] <= self.before[1] < self.after[0] <= self.after[1]:
            raise SpecError(
                f"{self.ethnicity} against {self.reference}, {self.before} and {self.after}",
                where="disproportionality",
                expected="self_ethnicity or officer_ethnicity, a broad group, and one period after the other",
            )

    def measure(self, stops: StopSearch) -> EqualityResult:
        """Count, and compare.

        Raises
        ------
        DataError
            If the data lack ethnicity or outcome.
        DesignError
            If the area has no usable month in a period, or nobody of the reference group was searched.
        """
        months = tuple(self._months(stops, period) for period in (self.before, self.after))
        table = _Counts.of(stops, stops.units.index(self.unit), self.ethnicity)
        cells = [table.sums(m) for m in months]
        at = table.groups.index(self.reference)
        if any(not c[at].sum() for c in cells):
            raise DesignError(f"no search of {self.reference} people in a period", where="disproportionality")
        hidden, cells = self._protect(cells)
        phi = _dispersion(table, months)
        span = tuple((stops.periods[m[0]], stops.periods[m[-1]]) for m in months)
        lengths = (len(months[0]), len(months[1]))
        return EqualityResult(
            name=stops.names.get(self.unit, self.unit),
            ethnicity=self.ethnicity,
            reference=self.reference,
            months=lengths,
            periods=(span[0], span[1]),
            rates=_rates(self, table.groups, cells, hidden, lengths, phi),
            outcomes=_outcomes(table.groups, at, cells, hidden),
            not_stated=_not_stated(table.groups, cells, hidden),
            dispersion=phi,
            reworded=table.wording(months[0]) != table.wording(months[1]),
            denominators=self.denominators,
            withheld=bool(np.any(hidden)),
        )

    def _months(self, stops: StopSearch, period: Period) -> list[int]:
        if self.unit not in stops.units:
            raise DesignError(
                f"no area {self.unit}", where="disproportionality", expected="a code of the stop and searches"
            )
        usable = stops.received[stops.units.index(self.unit)]
        inside = set(month_range(*period))
        found = [j for j, p in enumerate(stops.periods) if p in inside and usable[j]]
        if not found:
            raise DesignError(
                f"no usable month from {period[0]} to {period[1]}", where="disproportionality", expected="at least one"
            )
        return found

    def _protect(self, cells: Sequence[Floats]) -> tuple[list[Mask], list[Floats]]:
        """Which counts are withheld, shape (groups, 3) with totals last, and the counts as they may be shown."""
        whole = [np.column_stack([c, c.sum(axis=1)]) for c in cells]
        if self.published:
            return [np.zeros(w.shape, dtype=bool) for w in whole], whole
        threshold, base = self.disclosure.threshold, self.disclosure.rounding
        masks = [suppress(c, row_totals=True, column_totals=True, threshold=threshold)[:-1] for c in cells]
        return masks, [np.asarray(rounded(w, base)) for w in whole]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counts:
    """Searches of people in one area: `values` of shape (groups, 2, months), without further action and all others."""

    groups: tuple[str, ...]
    values: Floats
    wordings: Mapping[str, Floats]

    @classmethod
    def of(cls, stops: StopSearch, unit: int, ethnicity: str) -> _Counts:
        codes, words = stops.dimension(ethnicity)
        outcome, outcomes = stops.dimension("outcome")
        here = stops.unit == unit
        if "type" in stops.codes:
            kinds, names = stops.dimension("type")
            here &= np.array([n != VEHICLE_ONLY for n in names])[kinds]
        present = {ethnic_group(w) for i, w in enumerate(words) if (here & (codes == i)).any()}
        groups = (*sorted(present - {NOT_STATED}), NOT_STATED)
        group = np.array([groups.index(g) if (g := ethnic_group(w)) in groups else 0 for w in words])[codes]
        closed = np.array([outcome_class(w) == NO_FURTHER_ACTION for w in outcomes])[outcome]
        values = np.zeros((len(groups), 2, len(stops.periods)))
        np.add.at(values, (group[here], np.where(closed, 0, 1)[here], stops.period[here]), stops.number[here])
        said = {w: i for i, w in enumerate(outcomes) if outcome_class(w) == NO_FURTHER_ACTION}
        months = len(stops.periods)
        used = {w: np.bincount(stops.period[here & (outcome == i)], minlength=months) for w, i in said.items()}
        return cls(groups=groups, values=values, wordings={w: u.astype(float) for w, u in used.items()})

    def sums(self, months: Sequence[int]) -> Floats:
        """Searches in these months, shape (groups, 2)."""
        return np.asarray(self.values[:, :, list(months)].sum(axis=2))

    def wording(self, months: Sequence[int]) -> frozenset[str]:
        """The wordings of "no further action" that occur in these months."""
        return frozenset(w for w, counts in self.wordings.items() if counts[list(months)].sum())


def _dispersion(table: _Counts, months: Sequence[Sequence[int]]) -> float:
    """Overdispersion of the groups' monthly counts about group by month, at least 1, both periods together."""
    from cseval.estimators.did_kernels import pearson_dispersion

    known = table.values.sum(axis=1)[:-1]
    found = [(pearson_dispersion(known[:, list(m)]), len(m) - 1) for m in months]
    used = [(phi, weight) for phi, weight in found if math.isfinite(phi)]
    total = sum(w for _, w in used)
    return max(1.0, sum(phi * w for phi, w in used) / total) if total else 1.0


def _ends(name: str, found: RateRatio | None, *, hidden: bool) -> dict[str, float]:
    """A ratio and its interval as three cells; withheld, or not there."""
    if hidden:
        return {name: WITHHELD, f"{name}_low": WITHHELD, f"{name}_high": WITHHELD}
    values = (found.ratio, found.conf_low, found.conf_high) if found else (math.nan,) * 3
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def _rates(
    spec: Disproportionality,
    groups: Sequence[str],
    cells: Sequence[Floats],
    hidden: Sequence[Mask],
    months: tuple[int, int],
    phi: float,
) -> pd.DataFrame:
    people: Mapping[str, int] = spec.denominators.population if spec.denominators else {}
    own = groups.index(spec.reference)
    rows = []
    for g, group in enumerate(groups[:-1]):
        row: dict[str, Any] = {"group": group, "population": float(people.get(group, math.nan))}
        pair = [(float(c[g, 2]), float(c[own, 2])) for c in cells]
        secret = [bool(h[g, 2]) for h in hidden]
        both = [bool(h[g, 2] or h[own, 2]) for h in hidden]
        known = group in people and spec.reference in people and g != own
        for when, (count, other), length, hide, ratio_hidden in zip(
            (BEFORE, AFTER), pair, months, secret, both, strict=True
        ):
            per = PER * 12 / length / people[group] if group in people else math.nan
            found = rate_ratio(count, people[group], other, people[spec.reference], phi) if known else None
            row[when] = WITHHELD if hide else count
            row[f"{when}_rate"] = WITHHELD if hide else count * per
            row |= _ends(f"{when}_ratio", found, hidden=ratio_hidden and known)
        change = ratio_of_ratios(pair[1], pair[0], phi) if g != own else None
        rows.append(row | _ends("change", change, hidden=any(both) and g != own))
    return _frame(rows)


def _outcomes(groups: Sequence[str], own: int, cells: Sequence[Floats], hidden: Sequence[Mask]) -> pd.DataFrame:
    rows = []
    for when, counts, secret in zip((BEFORE, AFTER), cells, hidden, strict=True):
        shares = [Share.of(c[0], c[2]) if c[2] else None for c in counts]
        for g, group in enumerate(groups):
            hide, share = bool(secret[g].any()), shares[g]
            row: dict[str, Any] = {"group": group, "period": when}
            row["searches"] = WITHHELD if secret[g, 2] else counts[g, 2]
            row["no_further_action"] = WITHHELD if secret[g, 0] else counts[g, 0]
            ends = (share.proportion, *wilson(share)) if share else (math.nan,) * 3
            row |= dict(zip(("share", "share_low", "share_high"), (WITHHELD,) * 3 if hide else ends, strict=True))
            row |= _difference(share, shares[own], g == own, hide or bool(secret[own].any()))
            rows.append(row)
    return _frame(rows)


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: typed([row[name] for row in rows]) for name in rows[0]})


def typed(values: Sequence[Any]) -> pd.Series:
    """A column that keeps what is withheld, which pandas would take for a number that is missing."""
    import pandas as pd

    return pd.Series(values, dtype=object if any(isinstance(v, Withheld) for v in values) else None)


def _difference(share: Share | None, other: Share | None, own: bool, hide: bool) -> dict[str, float]:
    names = ("difference", "difference_low", "difference_high")
    if own or share is None or other is None:
        return dict.fromkeys(names, math.nan)
    if hide:
        return dict.fromkeys(names, WITHHELD)
    found = newcombe(share, other)
    return dict(zip(names, (found.estimate, found.conf_low, found.conf_high), strict=True))


def _not_stated(groups: Sequence[str], cells: Sequence[Floats], hidden: Sequence[Mask]) -> tuple[float, float]:
    shares = [
        WITHHELD if h[:, 2].any() else float(c[-1, 2] / c[:, 2].sum()) for c, h in zip(cells, hidden, strict=True)
    ]
    return shares[0], shares[1]
