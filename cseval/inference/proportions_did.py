"""Before and after, treated and comparison: four shares, and how far their changes differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.inference.proportions import LEVEL, Contrast, Share, combined
from cseval.inference.proportions_exact import MOST, exact_difference
from cseval.survey import AFTER, BEFORE, COMPARISON, TREATED

if TYPE_CHECKING:
    from cseval.survey import SurveyCell, SurveyTable

#: Below this base in either wave a change without a comparison is tested exactly.
EXACT_BELOW = 100
SCORE = "Newcombe hybrid score interval"
MOVER = "MOVER interval from Wilson's intervals"
EXACT = "exact interval (Chan and Zhang)"
PARALLEL = "Without the programme the share would have changed by as many points as it did in the comparison."
UNCHANGED = "Without the programme the share would have stayed as it was: nothing else is taken off."


@dataclass(frozen=True, kw_only=True)
class ShareChange:
    """How a share changed, and what of it a comparison does not have.

    Parameters
    ----------
    measure : str
    treated : (Share, Share)
        Before and after.
    comparison : (Share, Share) or None
    change : Contrast
        After less before in the treated area, less that of the comparison where there is one.
    method, assumption : str
    """

    measure: str
    treated: tuple[Share, Share]
    comparison: tuple[Share, Share] | None
    change: Contrast
    method: str
    assumption: str

    @property
    def reliable(self) -> bool:
        """Whether every share rests on enough people to be printed."""
        return all(s.reliable for s in (*self.treated, *(self.comparison or ())))


def difference_in_differences(
    treated: tuple[Share, Share], comparison: tuple[Share, Share], level: float = LEVEL
) -> Contrast:
    """Change of the treated share less that of the comparison, from four independent samples.

    Parameters
    ----------
    treated, comparison : (Share, Share)
        Before and after.
    level : float

    Returns
    -------
    Contrast
        Of ``(T1 - T0) - (C1 - C0)``, on the scale of shares.

    Notes
    -----
    Interval by the method of variance estimates recovery from Wilson's four intervals, see `combined`; it is the same
    whichever way the four are paired. Samples are taken as independent: people asked in both waves make it too wide if
    their answers are alike in both.
    """
    return combined((treated[1], treated[0], comparison[1], comparison[0]), (1, -1, -1, 1), level)


def survey_changes(table: SurveyTable, level: float = LEVEL) -> tuple[ShareChange, ...]:
    """The change of every measure of a before and after survey.

    Parameters
    ----------
    table : SurveyTable
    level : float

    Returns
    -------
    tuple of ShareChange
        With a comparison the difference in differences; without one the plain change, by an exact interval where fewer
        than 100 people answered a wave and the table gives counts.
    """
    return tuple(_change(table, m, level) for m in table.measures)


def share_of(cell: SurveyCell) -> Share:
    """A cell of a survey table as a share."""
    effective = None if cell.effective_base == cell.base else cell.effective_base
    return Share(proportion=cell.proportion, base=cell.base, effective_base=effective)


def _change(table: SurveyTable, measure: str, level: float) -> ShareChange:
    before, after = (table.pooled(measure, TREATED, w) for w in (BEFORE, AFTER))
    treated = share_of(before), share_of(after)
    if table.has_comparison(measure):
        other = share_of(table.pooled(measure, COMPARISON, BEFORE)), share_of(table.pooled(measure, COMPARISON, AFTER))
        change = difference_in_differences(treated, other, level)
        return ShareChange(
            measure=measure, treated=treated, comparison=other, change=change, method=MOVER, assumption=PARALLEL
        )
    change, method = _alone(before, after, level)
    return ShareChange(
        measure=measure, treated=treated, comparison=None, change=change, method=method, assumption=UNCHANGED
    )


def _alone(before: SurveyCell, after: SurveyCell, level: float) -> tuple[Contrast, str]:
    """After less before: exact in small samples of unweighted counts."""
    small = min(before.base, after.base) < EXACT_BELOW and max(before.base, after.base) <= MOST
    if small and before.count is not None and after.count is not None and _unweighted(before) and _unweighted(after):
        return exact_difference((after.count, int(after.base)), (before.count, int(before.base)), level), EXACT
    return combined((share_of(after), share_of(before)), (1, -1), level), SCORE


def _unweighted(cell: SurveyCell) -> bool:
    return cell.effective_base == cell.base
