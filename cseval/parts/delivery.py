"""What was done: figures of work, officers, money and milestones of a programme, and why no effect is estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cseval.errors import DataError

if TYPE_CHECKING:
    from cseval.claims.register import Activity, Staffing
    from cseval.part import Ground, PartResult
    from cseval.registry.breaks import Break
    from cseval.registry.details import Detail
    from cseval.registry.evaluability import Assessment, Present
    from cseval.tables import Table

SOURCE = "Programme register, data/reference"
#: Figures of work done that a headline holds.
FEW = 3
NOT_CHECKED = (
    "The figures of work done are those of the papers named beside them; nobody outside the programme has checked them"
)
WORK_IS_NOT_HARM = "Work that was done says nothing of harm that was avoided"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A delivery report of one programme, from the register alone.

    Parameters
    ----------
    programme : str
        Its slug in ``data/reference/programmes.csv``.
    name : str
        What the part is called where it is left out.
    """

    programme: str
    name: str = "delivery"

    def run(self, ground: Ground) -> PartResult:
        """Figures of work done, officers, money, milestones, and how far the programme could be evaluated.

        Raises
        ------
        DataError
            If the data of the run are simulated, or the register does not know the programme.
        """
        from cseval.part import PartResult
        from cseval.registry.details import detail_of

        require_real(ground, self.programme, self.name)
        detail = detail_of(self.programme, ground.registry, ground.catalogue)
        figures = (*detail.outputs, *detail.money)
        made = (outputs_table(figures), staffing_table(detail.staffing), milestones_table(detail.milestones))
        return PartResult(
            slug="delivery",
            heading="What was done",
            headline=headline(detail),
            sentences=_sentences(detail),
            tables=tuple(t for t in made if len(t.values)) + _assessed(detail, ground),
            figures=_figures(detail),
            weaknesses=(NOT_CHECKED, WORK_IS_NOT_HARM) if figures else (WORK_IS_NOT_HARM,),
        )


def require_real(ground: Ground, programme: str, name: str) -> None:
    """Refuse simulated data, of which the register says nothing, and a programme that it does not hold."""
    from cseval.inputs import DEMONSTRATION

    if ground.data == DEMONSTRATION:
        raise DataError(
            "the register is of real programmes, and simulated data say nothing of them",
            where=name,
            expected="a run on real data",
        )
    if programme not in ground.registry.programmes:
        raise DataError(
            f"no programme {programme!r}",
            where=str(ground.reference / "programmes.csv"),
            expected="one of " + ", ".join(ground.registry.programmes),
        )


# Words ------------------------------------------------------------------------------------------------


def headline(detail: Detail) -> str:
    """What is on record, and that no effect is estimated."""
    from cseval import formats as f
    from cseval.claims.record_words import figure_words

    done = [a for a in detail.outputs if a.unit == "count"]
    if detail.proposed:
        return "It was only proposed, so nothing has been done that could be reported and no effect can be estimated."
    why = detail.assessment.why.split(";")[0] if detail.assessment else ""
    start = f"No effect is estimated{': ' + why[:1].lower() + why[1:] if why else ''}."
    if not done:
        return start
    if len(done) <= FEW:
        return f"{start} On record: {f.joined([figure_words(a) for a in done])}."
    return f"{start} The papers give {f.plural(len(done), 'figure')} of work done."


def _sentences(detail: Detail) -> tuple[str, ...]:
    from cseval import formats as f
    from cseval.registry.words import cited, where_when_words

    entry = detail.programme
    said = [
        where_when_words(detail),
        f"What it does: {f.full_stop(entry.mechanism)}",
        f"What it was meant to change: {f.full_stop(entry.outcomes)}",
        f"Source: {f.full_stop(cited(entry.source, entry.paragraph))}",
    ]
    return (*said, *_why_words(detail.assessment))


def _why_words(assessment: Assessment | None) -> tuple[str, ...]:
    """Why there is no estimate, and what would be needed for one."""
    from cseval import formats as f

    if assessment is None:
        return ("Nobody has assessed yet how far it can be evaluated.",)
    within = f"level {assessment.level} of the Maryland scale" if assessment.level else "none"
    return (
        f"What an evaluation would ask: {assessment.question}",
        f"The best design possible: {assessment.design}. Level of evidence within reach: {within}. "
        f"{f.full_stop(assessment.why)}",
        f"What a future evaluation should collect: {f.full_stop(assessment.collect)}",
    )


# Tables -----------------------------------------------------------------------------------------------


def _table(slug: str, title: str, rows: Sequence[dict[str, Any]], columns: str, **more: Any) -> Table:
    import pandas as pd

    from cseval.tables import Table

    frame = pd.DataFrame(list(rows), columns=columns.split())
    return Table(slug=slug, title=title, values=frame, source=SOURCE, **more)


def outputs_table(figures: Sequence[Activity]) -> Table:
    """Every figure of work done and every sum of money, with its bound, dates and source."""
    from cseval.registry.words import cited, spell_words

    rows = [
        {
            "what": a.what,
            "value": a.value,
            "unit": a.unit,
            "bound": a.bound,
            "when": spell_words(a),
            "note": a.note,
            "source": cited(a.source, a.paragraph),
        }
        for a in figures
    ]
    notes = (
        "Bound: stated is the paper's own figure; over, that there were more; about, that it is rounded.",
        NOT_CHECKED + ".",
    )
    headings = {"what": "What was counted", "value": "Figure", "when": "When", "note": "What the paper adds"}
    return _table(
        "delivery-outputs",
        "Work done and money, as the papers give them",
        rows,
        "what value unit bound when note source",
        headings=headings,
        notes=notes,
    )


def staffing_table(entries: Sequence[Staffing]) -> Table:
    """Officers in post, promised and proposed, by period."""
    from cseval.registry.words import cited, spell_words

    rows = [
        {
            "kind": s.kind,
            "when": spell_words(s),
            "sergeants": s.sergeants,
            "constables": s.constables,
            "note": s.note,
            "source": cited(s.source, s.paragraph),
        }
        for s in entries
    ]
    return _table(
        "delivery-staffing",
        "Officers, as the papers give them",
        rows,
        "kind when sergeants constables note source",
        headings={"kind": "In post, promised or proposed", "when": "When", "note": "What the paper adds"},
    )


def milestones_table(milestones: Sequence[Break]) -> Table:
    """The programme's own steps in order of time."""
    from cseval.registry.words import cited

    rows = [
        {
            "milestone": m.name,
            "first_month": m.first,
            "last_month": m.last,
            "what": m.what,
            "source": cited(m.source, m.paragraph),
        }
        for m in milestones
    ]
    return _table(
        "delivery-milestones",
        "Milestones",
        rows,
        "milestone first_month last_month what source",
        headings={"first_month": "From", "last_month": "To", "what": "What happened"},
    )


def _assessed(detail: Detail, ground: Ground) -> tuple[Table, ...]:
    """Data that an evaluation would need; none where nothing was assessed."""
    titles = {kind: source.title for kind, source in ground.catalogue.sources.items()}
    return (needs_table(detail.data, titles),) if detail.data else ()


def needs_table(data: Sequence[Present], titles: Mapping[str, str]) -> Table:
    """Data that an evaluation would need, and whether cseval reads files of that kind.

    Which of them were imported is left to `cseval register`: a delivery report is the same on every machine.
    """
    from cseval import formats as f

    rows = [{"need": f.sentence_case(titles.get(p.need, p.need)), "readable": p.kind} for p in data]
    return _table(
        "delivery-needs",
        "Data that an evaluation would need",
        rows,
        "need readable",
        headings={"need": "Data", "readable": "Among the published files that cseval reads"},
    )


# Figure -----------------------------------------------------------------------------------------------


def _figures(detail: Detail) -> dict[str, partial[Any]]:
    """A timeline where at least two milestones have dates."""
    from cseval.reporting.figures_delivery import NAME, milestones_figure

    dated = [m for m in detail.milestones if m.first]
    if len(dated) < 2:
        return {}
    rows = tuple((m.name, m.first, m.last or m.first) for m in sorted(dated, key=lambda m: (m.first, m.name)))
    return {NAME: partial(milestones_figure, detail.programme.name, detail.programme.start, rows, SOURCE)}
