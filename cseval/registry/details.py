"""Everything the register knows of one programme, and the whole register as read from a project's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.claims.register import ACTIVITIES, POUNDS, PROPOSED, STAFFING, read_activities, read_staffing
from cseval.months import add_months
from cseval.registry.breaks import BREAKS, changes_between, read_breaks
from cseval.registry.evaluability import EVALUABILITY, data_present, read_evaluability
from cseval.registry.overlaps import evaluation_runs, horizon, overlaps_of, programme_runs
from cseval.registry.provenance import register_table

if TYPE_CHECKING:
    from cseval.claims.register import Activity, Staffing
    from cseval.panel import Provenance
    from cseval.register import Registered
    from cseval.registry.breaks import Break
    from cseval.registry.evaluability import Assessment, Present
    from cseval.registry.overlaps import Overlap, Run
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Evaluation

PROGRAMMES = "programmes.csv"
#: Months before a programme in which other changes matter to a comparison of before and after.
YEAR = 12


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Every table of the register; those that a project does not have are empty.

    Parameters
    ----------
    programmes : mapping of str to Registered
        By slug, in the order of the table.
    assessments : mapping of str to Assessment
        By slug of the programme.
    breaks : tuple of Break
        In order of time.
    staffing, activities : tuple
        Officers and figures as the papers give them.
    runs, windows : tuple of Run
        The programmes, and the windows of the evaluations of one of them.
    evaluations : mapping of str to Evaluation
        Those evaluations, by slug.
    sources : tuple of Provenance
        The tables that were read, each with its hash.
    """

    programmes: Mapping[str, Registered]
    assessments: Mapping[str, Assessment]
    breaks: tuple[Break, ...]
    staffing: tuple[Staffing, ...]
    activities: tuple[Activity, ...]
    runs: tuple[Run, ...]
    windows: tuple[Run, ...]
    evaluations: Mapping[str, Evaluation]
    sources: tuple[Provenance, ...] = ()

    @property
    def until(self) -> str:
        """The month to which a programme without an end is counted."""
        return horizon((*self.runs, *self.windows))

    def proposed(self, slug: str) -> bool:
        """Whether the papers only propose a programme."""
        return {s.kind for s in self.staffing if s.programme == slug} == {PROPOSED}

    def start(self, slug: str) -> str:
        """First month of a programme: of the sources, else the one that an evaluation of it takes; empty if none."""
        known = self.programmes[slug].start
        taken = [e.programme.start for e in self.evaluations.values() if e.programme.register == slug]
        return known or min(taken, default="")


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What the register knows of one programme.

    Parameters
    ----------
    programme : Registered
    start : str
        First month, as `Registry.start`.
    proposed : bool
        Whether the papers only propose it.
    assessment : Assessment or None
        None where nobody has assessed it.
    data : tuple of Present
        What it needs against what was imported.
    staffing, outputs, money : tuple
        Officers, figures of work done, and sums of money.
    milestones, breaks : tuple of Break
        Its own steps, and the changes of recording and events from a year before it to its end.
    overlaps, evaluations : tuple of Overlap
        With other programmes, and with the windows of other programmes' evaluations.
    """

    programme: Registered
    start: str
    proposed: bool
    assessment: Assessment | None
    data: tuple[Present, ...]
    staffing: tuple[Staffing, ...]
    outputs: tuple[Activity, ...]
    money: tuple[Activity, ...]
    milestones: tuple[Break, ...]
    breaks: tuple[Break, ...]
    overlaps: tuple[Overlap, ...]
    evaluations: tuple[Overlap, ...]


def gather_registry(
    reference: Path, programmes: Sequence[Registered], evaluations: Mapping[str, Evaluation]
) -> Registry:
    """Read every table of the register.

    Parameters
    ----------
    reference : Path
        Folder of the tables.
    programmes : sequence of Registered
    evaluations : mapping of str to Evaluation
        The project's, by slug; those of a fictional borough are left out.

    Raises
    ------
    DataError
        If a table is not what it should be; the message names row and column.
    """
    known = {p.slug: p for p in programmes}
    paths = {name: reference / name for name in (EVALUABILITY, BREAKS, STAFFING, ACTIVITIES)}
    there = {name for name, path in paths.items() if path.is_file()}
    runs = programme_runs(programmes, reference)
    real = {s: e for s, e in evaluations.items() if e.programme.register in known and not e.demonstration_only}
    return Registry(
        programmes=known,
        assessments=read_evaluability(paths[EVALUABILITY], programmes=known) if EVALUABILITY in there else {},
        breaks=read_breaks(paths[BREAKS], programmes=known) if BREAKS in there else (),
        staffing=read_staffing(paths[STAFFING], programmes=known) if STAFFING in there else (),
        activities=read_activities(paths[ACTIVITIES], programmes=known) if ACTIVITIES in there else (),
        runs=runs,
        windows=evaluation_runs(real, runs),
        evaluations=real,
        sources=tuple(register_table(p) for p in (reference / PROGRAMMES, *paths.values()) if p.is_file()),
    )


def detail_of(slug: str, registry: Registry, catalogue: Catalogue) -> Detail:
    """What the register knows of the programme with this slug, which must be one of the register."""
    entry, start = registry.programmes[slug], registry.start(slug)
    assessment = registry.assessments.get(slug)
    own = next(r for r in registry.runs if r.slug == slug)
    figures = [a for a in registry.activities if a.programme == slug]
    last = entry.end or registry.until
    return Detail(
        programme=entry,
        start=start,
        proposed=registry.proposed(slug),
        assessment=assessment,
        data=data_present(assessment.needs if assessment else (), catalogue, start),
        staffing=tuple(s for s in registry.staffing if s.programme == slug),
        outputs=tuple(a for a in figures if a.unit != POUNDS),
        money=tuple(a for a in figures if a.unit == POUNDS),
        milestones=tuple(b for b in registry.breaks if b.programme == slug),
        breaks=_changes(registry, start, last),
        overlaps=overlaps_of(own, registry.runs, registry.until),
        evaluations=overlaps_of(own, registry.windows, registry.until),
    )


def _changes(registry: Registry, start: str, last: str) -> tuple[Break, ...]:
    """Dated changes from a year before a programme to its end, where its start is known."""
    return changes_between(registry.breaks, add_months(start, -YEAR), max(start, last)) if start else ()


def detail_record(detail: Detail) -> dict[str, Any]:
    """A detail as plain JSON data."""
    assessment = detail.assessment
    return {
        **asdict(detail.programme),
        "start_taken": detail.start,
        "proposed": detail.proposed,
        "assessment": asdict(assessment) if assessment else None,
        "data": [asdict(p) for p in detail.data],
        "staffing": [asdict(s) for s in detail.staffing],
        "outputs": [asdict(a) for a in detail.outputs],
        "money": [asdict(a) for a in detail.money],
        "milestones": [asdict(b) for b in detail.milestones],
        "breaks": [asdict(b) for b in detail.breaks],
        "overlaps": [overlap_record(o) for o in detail.overlaps],
        "evaluations": [overlap_record(o) for o in detail.evaluations],
    }


def overlap_record(found: Overlap) -> dict[str, Any]:
    """What is shared with another programme or window, as plain JSON data; `months` is null where not known."""
    return {
        "with": found.b.slug,
        "name": found.b.name,
        "first": found.first,
        "last": found.last,
        "months": found.months,
        "place": found.place,
    }
