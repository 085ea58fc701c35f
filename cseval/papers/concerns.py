"""The checks that raise a concern, each with the question that it asks, from the table of checks that a run leaves."""

from __future__ import annotations

import csv
import io

from cseval.checks.base import CONCERN

#: The file of a run that lists its checks, and the field of the run as a whole that says which raise a concern.
CHECKS, FIELD = "checks.csv", "concerns"


def concerns(checks: str) -> str:
    """The checks of concern in one sentence, for those who have never heard of them.

    Parameters
    ----------
    checks : str
        The text of a run's ``checks.csv``.
    """
    rows = [row for row in csv.DictReader(io.StringIO(checks, newline="")) if row.get("verdict") == CONCERN]
    named = [f"{row.get('check', '')} ({_asked(row.get('question', ''))})" for row in rows]
    if not named:
        return "No check raises a concern."
    return f"{'This check raises' if len(named) == 1 else 'These checks raise'} a concern: {'; '.join(named)}."


def _asked(question: str) -> str:
    """A question inside a sentence: with a small letter, as no question of a check begins with a name."""
    return question[:1].lower() + question[1:]
