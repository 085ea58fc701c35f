"""An evaluation without an analysis of counts: a delivery report, a survey, an account of police activity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cseval.errors import SpecError
from cseval.spec import SAID_IF_SET, require_slug

if TYPE_CHECKING:
    from cseval.part import Part


@dataclass(frozen=True, kw_only=True)
class Study:
    """What can be said of a programme where no design gives its effect on counts: parts alone, each with its reason.

    Parameters
    ----------
    slug, title, question : str
        Its name in commands, its name in print, and what it answers.
    register : str
        Slug of the programme's row in ``data/reference/programmes.csv``; overlaps are read from there.
    parts : tuple of Part
        What is reported, in order; the headline of the first that can be made is the study's own.
    needs, optional : tuple of str
        Kinds of source a real run needs, and those it uses where present.
    reasons : tuple of (str, str)
        Choice, and why it was made; printed in the report.
    limits : tuple of str
        What it cannot see, printed in the report.
    real_only : str
        Why nothing of it can be simulated, in one sentence; it then has no demonstration.
    """

    slug: str
    title: str
    question: str
    register: str
    parts: tuple[Part, ...]
    needs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()
    real_only: str = field(default="", metadata=SAID_IF_SET)

    def __post_init__(self) -> None:
        require_slug(self.slug, "a study")
        if not self.parts:
            raise SpecError("no part", where=self.slug, expected="at least one")
        names = [p.name for p in self.parts]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise SpecError(f"part {twice[0]!r} twice", where=self.slug, expected="each part once")
