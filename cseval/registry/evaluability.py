"""How far each programme can be evaluated: the question, the design, the data, and the level of evidence reachable."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.months import month_number
from cseval.register import require_cells, require_known, table_rows
from cseval.sources.kinds import KINDS

if TYPE_CHECKING:
    from cseval.sources.catalogue import Catalogue

EVALUABILITY = "evaluability.csv"
NONE, SURVEY = "none", "survey"
#: Designs there are, each with the highest level of the Maryland scale that it can reach. Levels 4 and 5 need
#: something like a lottery, which no programme of a register had; 0 says nothing of impact.
DESIGNS = {
    "placebo difference in differences": 3,
    "dose-response": 3,
    "before and after alone": 2,
    SURVEY: 2,
    NONE: 0,
}
#: A need written like this can only be meant as a kind of source.
_LIKE_A_KIND = re.compile(r"[a-z]+(-[a-z]+)+")


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """How far a programme can be evaluated.

    Parameters
    ----------
    programme, question : str
        Its slug, and what an evaluation would ask.
    design : str
        A key of `DESIGNS`: the best that is possible with data that exist or could have been kept.
    needs : tuple of str
        Kinds of source of ``data/sources.toml``, or other data in words.
    level : int
        Level of the Maryland Scientific Methods Scale that can be reached; 0 for none.
    why : str
        Why not higher, or why none.
    evaluation : str
        Slug of the evaluation that does it; empty where there is none.
    collect : str
        What a future evaluation should collect.
    """

    programme: str
    question: str
    design: str
    needs: tuple[str, ...]
    level: int
    why: str
    evaluation: str
    collect: str


@dataclass(frozen=True, kw_only=True)
class Present:
    """One need against what was imported.

    Parameters
    ----------
    need : str
    kind : bool
        Whether it is a kind of source that can be imported; else it is data in words.
    imported : bool
    first_month, last_month : str
        Of the files imported, ``YYYY-MM``; empty where they have no months.
    late : bool
        Whether the files begin only when the programme had begun, so that nothing can be compared with before.
    """

    need: str
    kind: bool
    imported: bool
    first_month: str = ""
    last_month: str = ""
    late: bool = False

    @property
    def usable(self) -> bool:
        """Whether it is there and reaches back to before the programme."""
        return self.imported and not self.late


def read_evaluability(path: Path, *, programmes: Collection[str]) -> dict[str, Assessment]:
    """Read the assessments, by slug of the programme.

    Parameters
    ----------
    path : Path
    programmes : collection of str
        Slugs of the programmes there are.

    Raises
    ------
    DataError
        If the file is not that table, a cell that is needed is empty, a programme is unknown or assessed twice, a
        design or kind of source is unknown, or the level is higher than the design can reach.
    """
    found: dict[str, Assessment] = {}
    for where, row in table_rows(path, [f.name for f in fields(Assessment)], "the table of evaluability"):
        require_cells(row, ("programme", "question", "design", "needs", "why", "collect"), where)
        slug = row["programme"]
        require_known(slug, programmes, f"{where}, column programme", "a programme of programmes.csv")
        if slug in found:
            raise DataError(f"{slug!r} again", where=f"{where}, column programme", expected="each programme once")
        require_known(row["design"], DESIGNS, f"{where}, column design")
        level = _level(row["level"], row["design"], f"{where}, column level")
        needs = _needs(row["needs"], f"{where}, column needs")
        text = {k: row[k] for k in ("programme", "question", "design", "why", "evaluation", "collect")}
        found[slug] = Assessment(**text, needs=needs, level=level)
    return found


def _level(text: str, design: str, where: str) -> int:
    most = DESIGNS[design]
    if text and (text not in "12345" or int(text) > most):
        expected = f"a level from 1 to {most}, or empty" if most else "empty: without a design there is no level"
        raise DataError(f"level {text!r} by the design {design!r}", where=where, expected=expected)
    return int(text or 0)


def _needs(text: str, where: str) -> tuple[str, ...]:
    needs = tuple(n.strip() for n in text.split(";") if n.strip())
    for need in needs:
        if _LIKE_A_KIND.fullmatch(need):
            require_known(need, KINDS, where, "a kind of data/sources.toml, or data in words")
    return needs


def data_present(needs: Iterable[str], catalogue: Catalogue, start: str = "") -> tuple[Present, ...]:
    """Each need against the imported files.

    Parameters
    ----------
    needs : iterable of str
    catalogue : Catalogue
    start : str
        Month in which the programme began; empty if it is not known.
    """
    return tuple(_present(need, catalogue, start) for need in needs)


def _present(need: str, catalogue: Catalogue, start: str) -> Present:
    if need not in KINDS:
        return Present(need=need, kind=False, imported=False)
    files = catalogue.provenance(need)
    first = min((e.first_month for e in files if e.first_month), default="")
    last = max((e.last_month for e in files if e.last_month), default="")
    late = bool(first and start) and month_number(first) >= month_number(start)
    return Present(need=need, kind=True, imported=bool(files), first_month=first, last_month=last, late=late)
