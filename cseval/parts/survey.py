"""A council's own surveys: what those who came to an event said, and what residents said before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cseval.disclosure import WITHHELD, Disclosure, Withheld
from cseval.errors import DataError

if TYPE_CHECKING:
    from cseval.inference.proportions_did import ShareChange
    from cseval.part import Ground, PartResult
    from cseval.sources.attendees import Answer, Attendees
    from cseval.survey import SurveyTable
    from cseval.tables import Table

LEVEL = 0.05
WITHHELD_ROW = "withheld"
ONLY_THOSE_WHO_ANSWERED = "Those who answered chose to; what the others think is not known"
NO_COMPARISON = "Nobody was asked elsewhere, so whatever else changed opinion in these months is in the change"


# One event --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AttendeeSurvey:
    """What those who came to an event said, question by question, with exact intervals.

    Parameters
    ----------
    event : str
        As the table of answers names it.
    disclosure : Disclosure
        Groups of fewer people than its threshold are withheld: who said so, and who did not.
    name : str
        What the part is called where it is left out.
    """

    event: str
    disclosure: Disclosure = field(default_factory=Disclosure)
    name: str = "answers of those who came"

    def run(self, ground: Ground) -> PartResult:
        """Shares with Clopper-Pearson intervals.

        Raises
        ------
        DataError
            If no answers of the event were imported.
        """
        from cseval.inputs import DEMONSTRATION
        from cseval.part import PartResult
        from cseval.reporting.figures_survey import shares_figure
        from cseval.sources.attendees import attendees_of, events_of
        from cseval.sources.demonstration_responses import simulate_attendees

        simulated = ground.data == DEMONSTRATION
        found = simulate_attendees(ground.seed, self.event) if simulated else attendees_of(ground.catalogue, self.event)
        if found is None:
            others = ", ".join(map(repr, events_of(ground.catalogue)))
            raise DataError(
                f"answers of {others} alone"
                if others
                else f"no answers of those who came to the {self.event} were imported",
                where="attendee-survey",
                expected=f"a table with the columns event, measure, base, count and attended, its event {self.event!r}",
                todo="Name the event so, and `cseval data import FILE`" if others else "`cseval data import FILE`",
            )
        table = answers_table(found, self.disclosure.threshold)
        return PartResult(
            slug="attendees",
            heading=f"What those who came to the {self.event} said",
            headline=attendees_headline(found, self.disclosure.threshold),
            sentences=attendees_sentences(found, self.disclosure.threshold),
            tables=(table,),
            printed={table.slug: shares_in_print(table)},
            figures={"attendees": partial(shares_figure, table, "attendees", ground.data)},
            weaknesses=(ONLY_THOSE_WHO_ANSWERED,),
            sources=found.provenance,
        )


def hidden(answer: Answer, threshold: int) -> bool:
    """Whether so few said so, or so few did not, that the share would point to them."""
    rest = answer.base - answer.count
    return 0 < answer.count < threshold or 0 < rest < threshold


def attendees_headline(found: Attendees, threshold: int) -> str:
    """The question that most agreed with, of those that can be shown, and how many answered."""
    from cseval import formats as f

    open_ = [a for a in found.answers if not hidden(a, threshold)]
    came = f" of {f.count_text(found.attended)} who came" if found.attended else ""
    most = max(a.base for a in found.answers)
    start = f"Up to {f.count_text(most)}{came} answered {f.plural(len(found.answers), 'question')}"
    if not open_:
        return f"{start}; every share is withheld, since it would point to a few people."
    gone = len(found.answers) - len(open_)
    shown = f"{start}. {'Of those that can be shown, most' if gone else 'Most'} agreed with"
    first = max(open_, key=lambda a: a.count / a.base)
    share = f.percent_text(100 * first.count / first.base, digits=0)
    low, high = (f.percent_text(100 * e, digits=0) for e in _ends(first))
    return f'{shown} "{first.measure}": {share} (95% interval {low} to {high}).'


def _ends(answer: Answer) -> tuple[float, float]:
    from cseval.inference.proportions import clopper_pearson

    return clopper_pearson(answer.count, answer.base)


def attendees_sentences(found: Attendees, threshold: int) -> tuple[str, ...]:
    """How the intervals are made, and what is withheld."""
    from cseval import formats as f

    gone = sum(hidden(a, threshold) for a in found.answers)
    said = [
        "Intervals are exact (Clopper and Pearson), for people like those who answered; no large sample is assumed. "
        "Where nearly all who came answered, they are wider than what is left open about those people.",
    ]
    if len(found.answers) - gone > 1:
        said.append("The question named first is the highest of several, so its share flatters a little.")
    if gone:
        said.append(
            f"{f.sentence_case(f.number_words(gone))} of {f.plural(len(found.answers), 'question')} "
            f"{'is' if gone == 1 else 'are'} withheld, since fewer than {threshold} people said so, or did not."
        )
    if found.attended is None:
        said.append("How many came is not in the table, so how many gave no answer is not known.")
    return tuple(said)


def answers_table(found: Attendees, threshold: int) -> Table:
    """One row per question: people, share and exact interval in per cent; small groups withheld."""
    import pandas as pd

    from cseval.equality import typed
    from cseval.tables import Table

    rows = [_answer_row(a, hidden(a, threshold)) for a in found.answers]
    return Table(
        slug="attendees",
        title=f"Answers of those who came to the {found.event}",
        values=pd.DataFrame({name: typed([row[name] for row in rows]) for name in rows[0]}),
        headings={
            "measure": "Question",
            "base": "Answered",
            "count": "Said so",
            "share": "Share, %",
            "share_low": "95% from",
            "share_high": "95% to",
        },
        source="; ".join(p.title for p in found.provenance),
    )


def _answer_row(answer: Answer, hide: bool) -> dict[str, Any]:
    low, high = _ends(answer)
    numbers = {
        "count": float(answer.count),
        "share": 100 * answer.count / answer.base,
        "share_low": 100 * low,
        "share_high": 100 * high,
    }
    kept = dict.fromkeys(numbers, WITHHELD) if hide else numbers
    return {"measure": answer.measure, "base": answer.base, **kept}


def shares_in_print(table: Table) -> Table:
    """Counts and shares as text: whole people, whole per cent."""
    from cseval import formats as f

    values = table.values.astype(object)
    values["count"] = [f.count_text(v) for v in table.values["count"]]
    for column in ("share", "share_low", "share_high"):
        values[column] = [f.percent_text(v, digits=0) for v in table.values[column]]
    return replace(table, values=values)


# Before and after -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ResidentsSurvey:
    """What residents said before and after, in the programme's area and, where it was asked, in a comparison.

    Parameters
    ----------
    disclosure : Disclosure
        A row is withheld where fewer people than its threshold said so, or did not, in any of its cells.
    name : str
        What the part is called where it is left out.
    """

    disclosure: Disclosure = field(default_factory=Disclosure)
    name: str = "residents' survey"

    def run(self, ground: Ground) -> PartResult:
        """Change of every share, less that of the comparison, with p-values for all of them together (Holm).

        Raises
        ------
        DataError
            If no residents' survey was imported, or several were.
        """
        from cseval.inference.proportions_did import survey_changes
        from cseval.part import PartResult
        from cseval.reporting.figures_survey import changes_figure

        found = self._table(ground)
        changes = survey_changes(found)
        hide = [row_hidden(found, c.measure, self.disclosure.threshold) for c in changes]
        table = changes_table(changes, hide, "; ".join(p.title for p in found.provenance))
        alone = any(c.comparison is None for c in changes)
        return PartResult(
            slug="residents",
            heading="What residents said before and after",
            headline=changes_headline(table),
            sentences=changes_sentences(changes, hide, self.disclosure.threshold),
            tables=(table,),
            printed={table.slug: changes_in_print(table)},
            figures={"residents": partial(changes_figure, table, ground.data)},
            weaknesses=(ONLY_THOSE_WHO_ANSWERED, *((NO_COMPARISON,) if alone else ())),
            sources=found.provenance,
        )

    def _table(self, ground: Ground) -> SurveyTable:
        from cseval.inputs import DEMONSTRATION
        from cseval.sources.demonstration_responses import simulate_residents
        from cseval.sources.survey_table import survey_tables

        if ground.data == DEMONSTRATION:
            return simulate_residents(ground.seed)
        tables = survey_tables(ground.catalogue)
        if len(tables) != 1:
            raise DataError(
                "no residents' survey was imported" if not tables else f"{len(tables)} residents' surveys",
                where="residents-survey",
                expected="one table with the columns area, group, wave, measure, base, and count or proportion",
                todo="`cseval data import FILE`" if not tables else "`cseval data remove` takes one out",
            )
        return tables[0]


def row_hidden(table: SurveyTable, measure: str, threshold: int) -> bool:
    """Whether any cell of a measure is of so few people that it would point to them."""
    for cell in (c for c in table.cells if c.measure == measure):
        count = cell.proportion * cell.base if cell.count is None else float(cell.count)
        if 0 < round(count) < threshold or 0 < round(cell.base - count) < threshold:
            return True
    return False


CHANGE_COLUMNS = (
    "measure share_before share_after others_before others_after points points_low points_high p_value p_adjusted "
    "base method verdict"
).split()


def changes_table(changes: Sequence[ShareChange], hide: Sequence[bool], source: str) -> Table:
    """One row per question, in per cent and points; rows of few people withheld, and not counted as tested.

    An adjusted p-value that counted them would tell how they rank.
    """
    import pandas as pd

    from cseval.equality import typed
    from cseval.inference.multiplicity import holm
    from cseval.tables import Table

    adjusted = holm([math.nan if h else c.change.p_value for c, h in zip(changes, hide, strict=True)])
    rows = [_change_row(c, float(p), h) for c, p, h in zip(changes, adjusted, hide, strict=True)]
    return Table(
        slug="residents",
        title="What residents said before and after",
        values=pd.DataFrame({name: typed([row[name] for row in rows]) for name in CHANGE_COLUMNS}),
        headings={
            "measure": "Question",
            "share_before": "Before, %",
            "share_after": "After, %",
            "others_before": "Comparison before, %",
            "others_after": "Comparison after, %",
            "points": "Change, points",
            "points_low": "95% from",
            "points_high": "95% to",
            "p_value": "p",
            "p_adjusted": "p, adjusted",
            "base": "Fewest asked",
            "verdict": "Reading",
        },
        notes=(
            "Change: after less before, in percentage points, less the same in the comparison where it was asked. "
            "Adjusted: for the number of questions shown (Holm).",
        ),
        source=source,
    )


def _change_row(found: ShareChange, adjusted: float, hide: bool) -> dict[str, Any]:
    other = found.comparison
    shares = (*found.treated, *(other or ()))
    numbers = {
        "share_before": 100 * found.treated[0].proportion,
        "share_after": 100 * found.treated[1].proportion,
        "others_before": 100 * other[0].proportion if other else float("nan"),
        "others_after": 100 * other[1].proportion if other else float("nan"),
        "points": 100 * found.change.estimate,
        "points_low": 100 * found.change.conf_low,
        "points_high": 100 * found.change.conf_high,
        "p_value": found.change.p_value,
        "p_adjusted": adjusted,
    }
    kept = dict.fromkeys(numbers, WITHHELD) if hide else numbers
    return {
        "measure": found.measure,
        **kept,
        "base": min(s.base for s in shares),
        "method": found.method,
        "verdict": WITHHELD_ROW if hide else change_verdict(found, adjusted),
    }


def change_verdict(found: ShareChange, adjusted: float) -> str:
    """What one question says, by rule: its p-value alone and with all questions together."""
    if not found.change.p_value < LEVEL:
        return "no clear evidence of a change"
    way = "rise" if found.change.estimate > 0 else "fall"
    if not found.reliable:
        return f"a {way}, of too few people to rely on"
    return f"evidence of a {way}" if adjusted < LEVEL else f"a {way} that does not hold with so many questions"


def changes_headline(table: Table) -> str:
    """Which questions changed, of those that can be shown."""
    from cseval import formats as f

    rows = [r for r in table.values.to_dict("records") if r["verdict"] != WITHHELD_ROW]
    clear = [r for r in rows if str(r["verdict"]).startswith("evidence")]
    gone = len(table.values) - len(rows)
    if not rows:
        return "Every answer of residents is withheld, since it would point to a few people."
    many = f.plural(len(rows), "question") + (f" (of {len(table.values)}; the others are withheld)" if gone else "")
    if not clear:
        return f"There is no clear evidence of a change in any of {many} to residents."
    said = f.joined([f'"{r["measure"]}" ({f.decimal_text(r["points"], digits=0, signed=True)} points)' for r in clear])
    return f"Of {many} to residents, {f.number_words(len(clear))} changed: {said}."


def changes_sentences(changes: Sequence[ShareChange], hide: Sequence[bool], threshold: int) -> tuple[str, ...]:
    """Assumptions, methods and what is withheld."""
    from cseval import formats as f

    said = [*dict.fromkeys(c.assumption for c in changes)]
    said.append(f"Intervals: {f.joined(list(dict.fromkeys(c.method for c in changes)))}.")
    if any(hide):
        gone = f.sentence_case(f.number_words(sum(hide)))
        said.append(f"{gone} of {len(changes)} rows withheld: fewer than {threshold} people said so, or did not.")
    return tuple(said)


def changes_in_print(table: Table) -> Table:
    """The table as text."""
    from cseval import formats as f

    values = table.values.astype(object)
    for column in ("share_before", "share_after", "others_before", "others_after"):
        values[column] = [_share_text(v) for v in table.values[column]]
    for column in ("points", "points_low", "points_high"):
        values[column] = [f.decimal_text(v, digits=1, signed=True) for v in table.values[column]]
    for column in ("p_value", "p_adjusted"):
        values[column] = [f.p_cell(v) for v in table.values[column]]
    values["verdict"] = [f.sentence_case(str(v)) for v in table.values["verdict"]]
    return replace(table, values=values.drop(columns="method"))


def _share_text(value: float) -> str:
    """A share in whole per cent; nothing was asked where it is no number and not withheld."""
    from cseval import formats as f

    if value != value and not isinstance(value, Withheld):
        return f.NOT_APPLICABLE
    return f.percent_text(value, digits=0)
