"""Papers kept current: every marked place that does not show the last run is filled anew, and nothing else changes."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cseval.errors import CsevalError
from cseval.papers.contents import Contents
from cseval.papers.draft import Draft
from cseval.papers.files import read_paper, replace_paper, require_new, require_same
from cseval.papers.fill import fill_table, fill_value, losses, renewal
from cseval.papers.pictures import fill_figure, keeps_text
from cseval.papers.plain import quoted
from cseval.papers.runs import FigureContent, TableContent
from cseval.papers.survey import BY_HAND, CURRENT, GOOD, SAME, Found, Place, merged, refuse, survey


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What filling a paper does.

    Parameters
    ----------
    content : bytes
        The file afterwards; the very bytes that were read where every place is current.
    places : tuple of Place
        In the order of the paper, as they were before.
    others : int
        Number of content controls that are not for cseval and were left alone.
    tracked : bool
        Whether the paper tracks changes, which these are not among.
    """

    content: bytes
    places: tuple[Place, ...]
    others: int
    tracked: bool

    @property
    def stale(self) -> tuple[Place, ...]:
        """The places that do not say what the last run says, which are filled anew."""
        return tuple(place for place in self.places if place.state not in GOOD)

    @property
    def renewed(self) -> tuple[Place, ...]:
        """The places that say it already and are only marked as from the last run."""
        return tuple(place for place in self.places if place.state == SAME)

    @property
    def by_hand(self) -> tuple[Place, ...]:
        """The places in which a person's change is replaced."""
        return tuple(place for place in self.places if place.state == BY_HAND)

    def as_json(self) -> dict[str, Any]:
        """The plan without the file, as plain JSON data."""
        return {
            "stale": len(self.stale),
            "same_from_an_earlier_run": len(self.renewed),
            "changed_by_hand": len(self.by_hand),
            "other_controls": self.others,
            "changes_tracked": self.tracked,
            "places": [asdict(place) for place in self.places],
        }


def embed_paper(
    path: Path, contents: Contents, *, out: Path | None = None, write: bool = True, force: bool = False
) -> Plan:
    """Fill the places of a paper that are not current.

    Parameters
    ----------
    path : Path
        Of the paper.
    contents : Contents
        Of the project.
    out : Path, optional
        Where to write; by default the paper itself.
    write : bool
        If not, nothing is written.
    force : bool
        Replace another file that `out` is already.

    Returns
    -------
    Plan
        Each place as it was before.

    Raises
    ------
    UsageError
        If the paper cannot be filled, is open elsewhere or was saved by somebody else meanwhile, or `out` is another
        file that is not to be replaced.
    DataError
        If the paper is damaged or unsafe.
    CsevalError
        If it cannot be written. The paper is then as it was.
    """
    content = read_paper(path)
    plan = plan_paper(content, contents, where=str(path))
    target = path if out is None else out
    if write and not (os.path.isfile(target) and read_paper(target) == plan.content):
        itself = out is None or (os.path.exists(target) and target.samefile(path))
        still = partial(require_same, path, content) if itself else partial(require_new, target, force=force)
        still()
        replace_paper(target, plan.content, still=still)
    return plan


def plan_paper(content: bytes, contents: Contents, *, where: str = "paper") -> Plan:
    """What filling a paper does; nothing is written.

    Parameters
    ----------
    content : bytes
        Of the paper.
    contents : Contents
    where : str
        What messages call the paper.

    Raises
    ------
    UsageError
        If it has no place, or one that cannot be filled; all of those are named.
    DataError
        If it is damaged or unsafe.
    """
    draft, found = survey(content, contents, where)
    stale = [one for one in found if one.place.state != CURRENT and not _renew(draft, one)]
    anew = (one for one in stale if not keeps_text(one.standing, one.content))
    refuse((error for one in anew for error in losses(one.standing, one.content, one.where)), where)
    for one in stale:
        _fill(draft, one)
    filled = draft.finished()
    if filled != content:
        _require_current(filled, contents, where)
    return Plan(content=filled, places=merged(found), others=draft.others, tracked=draft.settings.tracked)


def _renew(draft: Draft, found: Found) -> bool:
    """Mark a control that says what the last run says as from that run, if that can be done by its hash alone."""
    if found.place.state != SAME:
        return False
    edits = renewal(draft, found.control, found.standing, found.stamp, found.content.stamp)
    draft.edit(found.control.part, edits)
    return bool(edits)


def _fill(draft: Draft, found: Found) -> None:
    """Put what the last run says into a control."""
    control, standing, content = found.control, found.standing, found.content
    if isinstance(content, TableContent):
        fill_table(draft, control, standing, content)
    elif isinstance(content, FigureContent):
        fill_figure(draft, control, standing, content)
    else:
        fill_value(draft, control, standing, content)


def _require_current(filled: bytes, contents: Contents, where: str) -> None:
    """Read the new paper as anybody would: it must open, and a second run must change nothing."""
    _, found = survey(filled, contents, where)
    wrong = [one.control.name for one in found if one.place.state != CURRENT]
    if wrong:
        raise CsevalError(
            f"control {quoted(wrong[0])} does not read back as it was filled",
            where=where,
            todo="Nothing was changed. Open the paper in Word, save it and run again; else this is a fault in cseval",
        )
