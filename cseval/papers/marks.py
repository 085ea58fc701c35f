"""Marks: the hidden bookmark in a filled control that names the run, and whether its data were simulated."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple

#: Name of the bookmark: the run's hash, which control, whether the data were simulated. Word allows 40 letters.
MARK = re.compile("_cseval_([0-9a-f]{16})_([0-9a-f]{8})(_demo)?")


class Stamp(NamedTuple):
    """The run that a control was filled from: its hash, empty if from none, and whether its data were simulated."""

    run: str
    simulated: bool = False


UNSTAMPED = Stamp("")


def mark_name(tag: str, stamp: Stamp) -> str:
    """The name of the mark of a control with this tag that was filled from this run."""
    return f"_cseval_{stamp.run}_{zlib.crc32(tag.encode()):08x}{'_demo' if stamp.simulated else ''}"


def stamped(tag: str, names: Iterable[str], last: Stamp) -> Stamp:
    """The run that a control was filled from.

    Parameters
    ----------
    tag : str
        Of the control.
    names : iterable of str
        Of bookmarks; those of other controls do not count.
    last : Stamp
        The last run, which counts first: Word may have left the mark of an earlier one beside it.
    """
    marks = [m for m in map(MARK.fullmatch, names) if m is not None]
    found = [stamp for m in marks if mark_name(tag, stamp := Stamp(m[1], m[3] is not None)) == m[0]]
    return last if last in found else found[-1] if found else UNSTAMPED
