"""What a new paper is made of: lines, places for tables and figures, and the values that a line may hold.

A text may hold places and prompts: ``{primary/change}`` is a value of the primary analysis, ``{run/start}`` one of the
run as a whole, ``[...]`` a prompt for the officer. Of several texts of a line the first is used whose values the run
has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cseval import formats as f
from cseval.papers.runs import HASH_FIELD
from cseval.papers.scaffold_runs import Shown

PRIMARY = "primary"
#: What stands in a text for a value, and what is a prompt.
TOKEN = re.compile(r"(\{[\w-]+/\w+\}|\[[^\[\]]*\])")
_MISSING = (f.NOT_AVAILABLE, f.NOT_APPLICABLE)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A paragraph or a heading.

    Parameters
    ----------
    texts : tuple of str
        The first whose values are there is used; none if none is.
    style : str
        Id of its style.
    numbered : bool
        Whether a heading counts in the numbering of sections.
    about : Shown or None
        The run whose values it holds.
    literal : bool
        Whether the text is taken as it is, without places or prompts.
    keep : bool
        Whether it stays on one page with what follows.
    new_page : bool
        Whether it begins a page.
    """

    texts: tuple[str, ...]
    style: str = ""
    numbered: bool = False
    about: Shown | None = None
    literal: bool = False
    keep: bool = False
    new_page: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The table at the head of the paper: what each row is, and the lines of its text."""

    rows: tuple[tuple[str, tuple[Line, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class TablePlace:
    """A place for a table of a run."""

    run: Shown
    table: str


@dataclass(frozen=True, kw_only=True)
class FigurePlace:
    """A place for a figure of a run, at most so many centimetres high."""

    run: Shown
    figure: str
    highest: float


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What follows stands on pages that lie on their side, or on upright ones again."""

    landscape: bool


Part = Line | Facts | TablePlace | FigurePlace | Turn


def heading(text: str, level: int, *, numbered: bool = False, new_page: bool = False) -> Line:
    """A heading."""
    return Line(texts=(text,), style=f"Heading{level}", numbered=numbered, literal=True, new_page=new_page)


def numbered(*texts: str, about: Shown | None = None, keep: bool = False) -> Line:
    """A numbered paragraph of a section; `keep` holds it on one page with the table after it."""
    return Line(texts=texts, style="NumberedParagraph", about=about, keep=keep)


# Values of a run ------------------------------------------------------------------------------------------


def named(token: str) -> tuple[str, str]:
    """Analysis and field of a token such as ``{primary/change}``."""
    analysis, _, field = token.strip("{}").partition("/")
    return analysis, field


def slug_of(run: Shown, analysis: str) -> str:
    """The analysis that a token means: ``primary`` stands for whichever is the primary one."""
    return run.primary if analysis == PRIMARY else analysis


def value_now(run: Shown, analysis: str, field: str) -> str:
    """A value of the run as it is now, without the mark of simulated ones; empty if there is none."""
    from cseval.reporting.places import SIMULATED

    fields: Mapping[str, str] = run.values.get(slug_of(run, analysis), {})
    text = fields.get(field, "").removesuffix(SIMULATED)
    return "" if text in _MISSING else text


def all_there(text: str, run: Shown) -> bool:
    """Whether the run has every value that a text asks for."""
    tokens = (named(token) for token in TOKEN.findall(text) if token[0] == "{")
    return all(field == HASH_FIELD or value_now(run, analysis, field) for analysis, field in tokens)
