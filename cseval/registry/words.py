"""The register in words: a line for the list, paragraphs for one programme, sentences on overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.claims.record_words import day_words, figure_words, posts_words
from cseval.claims.register import PERCENT, first_day, last_day
from cseval.registry.evaluability import NONE
from cseval.registry.overlaps import NOT_KNOWN, began_near, overlaps_of

if TYPE_CHECKING:
    from cseval.claims.register import Activity, Staffing
    from cseval.register import Registered
    from cseval.registry.breaks import Break
    from cseval.registry.details import Detail, Registry
    from cseval.registry.evaluability import Assessment, Present
    from cseval.registry.overlaps import Overlap, Run

NOT_ASSESSED = "Not assessed yet"
SCALE = "the Maryland scale"
SCOPE_WORDS = {"england": "England", "london": "London", "borough": "the borough"}


def cited(source: str, paragraph: str) -> str:
    """Source and paragraph: ``Board report, paragraph 3.2``; a place that is no number is named as it is."""
    if not paragraph:
        return source
    return f"{source}, paragraph {paragraph}" if paragraph[:1].isdigit() else f"{source}, {paragraph}"


def where_when_words(detail: Detail) -> str:
    """When it ran and where, in a sentence or two; what the papers only propose is said to be proposed."""
    when = f"Proposed, {detail.programme.when()}" if detail.proposed else _when(detail.programme)
    return f"{when}. Where: {f.full_stop(detail.programme.area)}"


def _when(entry: Registered) -> str:
    within = entry.start and entry.start == entry.end
    return f.month_words(entry.start) if within else f.sentence_case(entry.when())


# Evaluability -----------------------------------------------------------------------------------------


def evaluability_words(assessment: Assessment | None, data: Sequence[Present]) -> str:
    """How far it can be evaluated, in one line: design, level of evidence, and how much of the data is there."""
    if assessment is None:
        return f"{NOT_ASSESSED}."
    if assessment.design == NONE:
        return f"No design possible. {f.full_stop(assessment.why)}"
    level = f"level {assessment.level} of {SCALE} at most" if assessment.level else f"no level of {SCALE}"
    return f.full_stop(f"{f.sentence_case(assessment.design)}, {level}; {data_words(data)}")


def data_words(data: Sequence[Present]) -> str:
    """How much of the data is there: ``3 of 4 kinds of data imported, one of them only from after the start``."""
    kinds = [p for p in data if p.kind]
    there, late = sum(p.imported for p in kinds), sum(p.imported and p.late for p in kinds)
    parts = [f"{there} of {f.plural(len(kinds), 'kind')} of data imported"] if kinds else []
    parts += [f"{f.number_words(late)} of them only from after the start"] if late else []
    others = [p.need for p in data if not p.kind]
    said = ", ".join(parts)
    needed = f"{'also needed' if kinds else 'needed'}: {'; '.join(others)}" if others else ""
    return "; ".join(t for t in (said, needed) if t)


def present_words(present: Present) -> str:
    """One need against what was imported: ``mps-ward: imported, April 2010 to February 2024``."""
    if not present.kind:
        return f"{f.sentence_case(present.need)}: not among the sources that cseval imports"
    if not present.imported:
        return f"{present.need}: not imported"
    months = f", {f.span_words(present.first_month, present.last_month)}" if present.first_month else ""
    late = "; begins only after the programme did" if present.late else ""
    return f"{present.need}: imported{months}{late}"


def assessment_lines(assessment: Assessment | None, data: Sequence[Present]) -> list[str]:
    """The assessment in full."""
    if assessment is None:
        return [f"{NOT_ASSESSED}."]
    level = f"{assessment.level} of {SCALE}, at most" if assessment.level else "none"
    return [
        f"Question: {assessment.question}",
        f"Design: {assessment.design}",
        f"Level of evidence within reach: {level}. {f.full_stop(assessment.why)}",
        *(f"Data: {present_words(p)}" for p in data),
        f"To collect: {f.full_stop(assessment.collect)}",
    ]


# One programme ----------------------------------------------------------------------------------------


def sections(detail: Detail) -> list[tuple[str, list[str]]]:
    """What is known of a programme, by heading; headings under which nothing is known are left out."""
    entry = detail.programme
    taken = [f"Evaluated as if begun in {f.month_words(detail.start)}."] if detail.start != entry.start else []
    in_short = [f.full_stop(entry.evaluability)] if entry.evaluability else []
    found = [
        ("What", [f.full_stop(entry.mechanism), f"Meant to change: {f.full_stop(entry.outcomes)}", *taken]),
        ("Source", [f.full_stop(cited(entry.source, entry.paragraph))]),
        ("Officers", [staffing_words(s) for s in detail.staffing]),
        ("Outputs by period", _by_period(detail.outputs)),
        ("Sums of money", _by_period(detail.money)),
        ("Milestones", [break_words(b) for b in detail.milestones]),
        ("Other programmes", overlap_lines(detail.overlaps)),
        ("Evaluations of other programmes", overlap_lines(detail.evaluations)),
        ("Changes of recording and events, from a year before it", [change_words(b) for b in detail.breaks]),
        ("Can it be evaluated?", [*in_short, *assessment_lines(detail.assessment, detail.data)]),
    ]
    return [(heading, lines) for heading, lines in found if lines]


def staffing_words(entry: Staffing) -> str:
    """Officers of a period, with the source."""
    source = cited(entry.source, entry.paragraph)
    text = f"{f.sentence_case(entry.kind)}, {spell_words(entry)}: {posts_words(entry)} ({source})."
    return f"{text} {f.full_stop(entry.note)}" if entry.note else text


def spell_words(entry: Staffing | Activity) -> str:
    """When it was: ``1 April 2018 to 31 March 2019``, ``from 5 September 2018``, ``no dates given``."""
    begins, ends = first_day(entry.first), last_day(entry.last)
    if begins is None:
        return f"to {day_words(ends)}" if ends else "no dates given"
    return f"{day_words(begins)} to {day_words(ends)}" if ends else f"from {day_words(begins)}"


def _by_period(figures: Iterable[Activity]) -> list[str]:
    """A line for each period and source, with every figure of it."""
    groups: dict[tuple[str, str, str], list[Activity]] = {}
    for a in figures:
        groups.setdefault((spell_words(a), cited(a.source, a.paragraph), a.note), []).append(a)
    return [_figures_line(period, source, note, group) for (period, source, note), group in groups.items()]


def _figures_line(period: str, source: str, note: str, group: Sequence[Activity]) -> str:
    said = f.joined([_figure(a) for a in group])
    line = f"{f.sentence_case(period)}: {said} ({source})."
    return f"{line} {f.full_stop(note)}" if note else line


def _figure(entry: Activity) -> str:
    """A figure with what it counts, a share as a percentage."""
    return f"{f.percent_text(entry.value, digits=0)} {entry.what}" if entry.unit == PERCENT else figure_words(entry)


def break_words(entry: Break) -> str:
    """A dated change with what it was and who says so: ``September 2017: money was agreed (Board report).``."""
    return f"{break_when(entry)}: {_told(entry)}"


def _told(entry: Break) -> str:
    return f"{entry.what.rstrip('.')} ({cited(entry.source, entry.paragraph)})."


def change_words(entry: Break) -> str:
    """A dated change in one line: ``From March 2019, London: Offences in new groups (recording).``."""
    return f"{break_when(entry)}, {SCOPE_WORDS.get(entry.scope, entry.scope)}: {entry.name} ({entry.kind})."


def full_change_words(entry: Break) -> str:
    """The same with what it was and who says so."""
    return f"{change_words(entry)} {_told(entry)}"


def break_when(entry: Break) -> str:
    """When it was: ``From March 2019``, ``March 2020 to July 2021``, ``December 2017``."""
    return months_words(entry.first, entry.last) if entry.last else f"From {f.month_words(entry.first)}"


def months_words(first: str, last: str) -> str:
    """Two months in words, or the one month where they are the same."""
    return f.month_words(first) if first == last else f.span_words(first, last)


# Overlaps ---------------------------------------------------------------------------------------------


def overlap_lines(overlaps: Sequence[Overlap]) -> list[str]:
    """Programmes or windows that shared months, those whose start is not known, and how many shared none."""
    shared = [o for o in overlaps if o.months and o.possible]
    unknown = [o.b.name for o in overlaps if o.months is None and o.possible]
    none = len(overlaps) - len(shared) - len(unknown)
    lines = [overlap_words(o) for o in shared]
    if unknown:
        lines.append(f"May have run at the same time, since a start is not in the sources: {f.joined(unknown)}.")
    return [*lines, f"{f.plural(none, 'other')} shared no month or no place with it."] if none and overlaps else lines


def overlap_words(found: Overlap) -> str:
    """What is shared with one other: ``Operation Continuum: 18 months, May 2018 to October 2019``."""
    place = f"; {NOT_KNOWN}" if found.place == NOT_KNOWN else ""
    return f"{found.b.name}: {f.plural(found.months or 0, 'month')}, {months_words(found.first, found.last)}{place}."


def window_words(window: Run, registry: Registry) -> str:
    """How many other programmes ran in the months and the place of an evaluation, and which began near its start."""
    found = overlaps_of(window, registry.runs, registry.until)
    certain, possible = sum(o.certain for o in found), sum(o.possible for o in found)
    evaluation = registry.evaluations[window.slug]
    near = began_near(evaluation, registry.programmes.values())
    start = f.month_words(evaluation.programme.start)
    text = (
        f"{window.slug}, {f.span_words(window.first, window.last)}: {f.plural(certain, 'other programme')} ran in its "
        f"months in the same place, and {possible - certain} more may have (start or place not in the sources)"
    )
    names = f"; {f.number_words(len(near))} began within six months of {start}: {f.joined(near)}" if near else ""
    return f"{text}{names}."
