"""Which programmes ran in the same months and the same place, as each other and as an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.months import month_number, month_text
from cseval.register import ALL_THAT_CHANGED, NEAR, began

if TYPE_CHECKING:
    from cseval.register import Registered
    from cseval.registry.details import Registry
    from cseval.spec import Evaluation
    from cseval.tables import Table

WHOLE = "borough"
SAME, APART, NOT_KNOWN = "in the same place", "in other places", "places not known to meet"
UNKNOWN_START, OWN = "?", "[z]"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Something that ran for a time at a place: a programme, or the window of an evaluation.

    Parameters
    ----------
    slug, name : str
    first, last : str
        ``YYYY-MM``; empty where the sources give none.
    whole : bool
        Whether it was in the whole borough.
    units : frozenset of str
        Codes of its areas where they are known.
    programme : str
        Slug of the programme that it is or evaluates.
    """

    slug: str
    name: str
    first: str
    last: str
    whole: bool
    units: frozenset[str]
    programme: str

    def place(self, other: Run) -> str:
        """Whether the two places overlap: the whole borough holds every part of it."""
        if self.whole or other.whole:
            return SAME
        if self.units and other.units:
            return SAME if self.units & other.units else APART
        return NOT_KNOWN


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What two runs share.

    Parameters
    ----------
    a, b : Run
    first, last : str
        First and last month of both; empty if there is none, or a start is not known.
    months : int or None
        How many; None if a start is not known.
    place : str
        One of `SAME`, `APART`, `NOT_KNOWN`.
    """

    a: Run
    b: Run
    first: str
    last: str
    months: int | None
    place: str

    @property
    def certain(self) -> bool:
        """Whether both ran at the same time in the same place by what the sources say."""
        return bool(self.months) and self.place == SAME

    @property
    def possible(self) -> bool:
        """Whether nothing in the sources rules it out."""
        return self.months != 0 and self.place != APART


def programme_runs(entries: Iterable[Registered], reference: Path) -> tuple[Run, ...]:
    """Every programme as a run; `reference` is the folder with the roles that give their areas.

    Raises
    ------
    DataError
        If a file of roles cannot be read.
    """
    return tuple(
        Run(
            slug=e.slug,
            name=e.name,
            first=e.start,
            last=e.end,
            whole=e.area.split(";")[0].strip().lower() == WHOLE,
            units=_treated(reference / e.units) if e.units else frozenset(),
            programme=e.slug,
        )
        for e in entries
    )


def _treated(path: Path) -> frozenset[str]:
    from cseval.inputs import read_roles

    return frozenset(read_roles(path).treated) if path.is_file() else frozenset()


def evaluation_runs(evaluations: Mapping[str, Evaluation], programmes: Sequence[Run]) -> tuple[Run, ...]:
    """The window of every evaluation of a registered programme, at the place of that programme."""
    places = {r.slug: r for r in programmes}
    return tuple(
        Run(
            slug=slug,
            name=e.title,
            first=e.window.first,
            last=e.window.last,
            whole=places[e.programme.register].whole,
            units=places[e.programme.register].units,
            programme=e.programme.register,
        )
        for slug, e in evaluations.items()
        if e.programme.register in places
    )


def horizon(runs: Iterable[Run]) -> str:
    """The last month that anything is known to have reached: to there a programme without an end is counted."""
    return max((r.last for r in runs if r.last), default="")


def overlap(a: Run, b: Run, until: str) -> Overlap:
    """What two runs share; one without a last month is counted to `until`."""
    place = a.place(b)
    if not (a.first and b.first):
        return Overlap(a=a, b=b, first="", last="", months=None, place=place)
    begin = max(month_number(a.first), month_number(b.first))
    ends = [month_number(r.last or until) for r in (a, b) if r.last or until]
    end = min(ends, default=begin)
    if end < begin:
        return Overlap(a=a, b=b, first="", last="", months=0, place=place)
    return Overlap(a=a, b=b, first=month_text(begin), last=month_text(end), months=end - begin + 1, place=place)


def overlaps_of(run: Run, others: Iterable[Run], until: str) -> tuple[Overlap, ...]:
    """What a run shares with every other one of another programme, longest first, unknown starts last."""
    found = [overlap(run, o, until) for o in others if o.programme != run.programme]
    return tuple(sorted(found, key=lambda o: (o.months is None, -(o.months or 0), o.b.slug)))


def began_near(evaluation: Evaluation, entries: Iterable[Registered]) -> tuple[str, ...]:
    """Names of other programmes that began within six months of the start of an evaluation's programme."""
    start, last, own = evaluation.programme.start, evaluation.window.last, evaluation.programme.register
    return tuple(e.name for e in entries if e.slug != own and began(e, start, last) == NEAR)


def shared_table(slug: str, registry: Registry) -> Table:
    """Every other programme that may have run in the months and the place of one, longest first."""
    import pandas as pd

    from cseval.tables import Table

    own = next(r for r in registry.runs if r.slug == slug)
    rows = [
        {
            "programme": o.b.name,
            "first_month": o.first,
            "last_month": o.last,
            "months": o.months,
            "place": o.place,
            "mechanism": registry.programmes[o.b.slug].mechanism,
        }
        for o in overlaps_of(own, registry.runs, registry.until)
        if o.possible
    ]
    columns = "programme first_month last_month months place mechanism".split()
    return Table(
        slug="overlaps",
        title=f"Other programmes in the months and the place of {own.name}",
        values=pd.DataFrame(rows, columns=columns).astype({"months": "Int64"}),
        headings={"first_month": "Both from", "last_month": "Both to", "months": "Months", "place": "Where"},
        notes=("Months are empty where the sources give no start of one of the two.", ALL_THAT_CHANGED),
        source="Programme register, data/reference/programmes.csv",
    )


# Matrix -----------------------------------------------------------------------------------------------


def overlap_matrix(programmes: Sequence[Run], evaluations: Sequence[Run]) -> Table:
    """Months that each programme shares with every other one, and with the window of each evaluation.

    Returns
    -------
    Table
        Rows and columns are numbered programmes; columns A, B ... are evaluations. A cell is a number of months, with
        an asterisk where the places are not known to meet; ``?`` where a start is not in the sources, ``[z]`` for
        itself.
    """
    import pandas as pd

    from cseval.formats import month_words
    from cseval.tables import Table

    until = horizon((*programmes, *evaluations))
    columns = {**_numbered(programmes), **_lettered(evaluations)}
    rows = [
        {"number": number, "programme": run.name, **{c: _cell(run, other, until) for c, other in columns.items()}}
        for number, run in _numbered(programmes).items()
    ]
    ended = f"A programme without an end in the sources is counted to {month_words(until)}." if until else ""
    key = "; ".join(f"{letter} is the window of {run.slug}" for letter, run in _lettered(evaluations).items())
    notes = (
        "Months in which both ran in the same place. * the places are not known to meet; ? a start is not in the "
        f"sources; {OWN} the programme itself.",
        ended,
        f"{key}." if key else "",
        ALL_THAT_CHANGED,
    )
    return Table(
        slug="overlap-matrix",
        title="Programmes in the same months and the same place",
        values=pd.DataFrame(rows, columns=["number", "programme", *columns]),
        headings={"number": "No.", "programme": "Programme", **{c: c for c in columns}},
        notes=tuple(n for n in notes if n),
        source="Programme register, data/reference/programmes.csv",
    )


def _numbered(runs: Sequence[Run]) -> dict[str, Run]:
    return {str(n): run for n, run in enumerate(runs, start=1)}


def _lettered(runs: Sequence[Run]) -> dict[str, Run]:
    return {chr(ord("A") + n): run for n, run in enumerate(runs)}


def _cell(run: Run, other: Run, until: str) -> str:
    if run.slug == other.slug or run.programme == other.programme:
        return OWN
    found = overlap(run, other, until)
    if found.place == APART:
        return "0"
    if found.months is None:
        return UNKNOWN_START
    return f"{found.months}{'*' if found.months and found.place == NOT_KNOWN else ''}"
