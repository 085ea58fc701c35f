"""Where the text of a table in a paper first differs from what the last run says."""

from __future__ import annotations

from collections.abc import Sequence

from cseval.papers.plain import printable
from cseval.papers.runs import TableContent
from cseval.papers.standing import comparable


def first_difference(content: TableContent, now: Sequence[str], says: Sequence[str]) -> str:
    """The first cell, heading or note that differs, in words; empty if none does.

    Parameters
    ----------
    content : TableContent
        What the last run says.
    now, says : sequence of str
        The lines of the paper and those of the last run: the caption, every cell by rows, the notes.
    """
    pairs = zip(now, says, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(now), len(says)))
    if at >= len(says):
        return f"more than the last run says: “{printable(now[at])}”" if at < len(now) else ""
    # A line more or less moves all that follow, so only as many lines as there should be can be told one by one.
    found = f"“{printable(now[at])}” where" if len(now) == len(says) else "not what"
    return f"{_line_words(content, at)}: {found} the last run says “{printable(says[at])}”"


def _line_words(content: TableContent, at: int) -> str:
    """A line of a table as a reader calls it; the caption is line 0."""
    table = content.table
    row, column = divmod(at - 1, len(table.headings))
    if at == 0:
        return "caption"
    if row > len(table.rows):
        return "notes"
    heading = f"“{printable(comparable(table.headings[column]))}”"
    if row == 0:
        return f"heading {heading}"
    return f"row “{printable(comparable(table.rows[row - 1][0]))}”, column {heading}"
