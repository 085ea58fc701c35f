"""Actions that were promised, and what the papers say became of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path

from cseval.errors import DataError
from cseval.register import require_cells, require_known, require_months, table_rows

ACTIONS = "actions.csv"
REPORTED, SHOWN, UNDER_WAY, DROPPED, UNKNOWN = STATUSES = (
    "reported as achieved",
    "achieved, with proof",
    "under way",
    "dropped",
    "not in the papers",
)


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of a published list.

    Parameters
    ----------
    programme : str
        Slug of the programme it belongs to.
    number : int
        Its place in the list.
    action : str
        What was promised.
    owner, due : str
        Who was to do it and by which month, ``YYYY-MM``; empty where the papers do not say.
    status : str
        One of `STATUSES`.
    done : str
        Month by which it is reported as done; empty where it is not.
    proof : str
        What shows that it was; empty where there is only the report.
    source, paragraph : str
    """

    programme: str
    number: int
    action: str
    owner: str
    due: str
    status: str
    done: str
    proof: str
    source: str
    paragraph: str


def read_actions(path: Path, *, programmes: Collection[str]) -> tuple[Action, ...]:
    """Read the actions of every programme.

    Raises
    ------
    DataError
        If the file is not that table, a row has no source, a programme or status is unknown, a number repeats within a
        programme, a month is none, or an action counts as proven without proof; the message names row and column.
    """
    found: dict[tuple[str, int], Action] = {}
    for where, row in table_rows(path, [f.name for f in fields(Action)], "the table of actions"):
        require_cells(row, ("programme", "number", "action", "status", "source"), where)
        require_known(row["programme"], programmes, f"{where}, column programme", "a programme of programmes.csv")
        require_known(row["status"], STATUSES, f"{where}, column status")
        require_months(row["due"], "", where, ("due", "done"))
        require_months(row["done"], "", where, ("done", "due"))
        _require_proof(row["status"], row["proof"], where)
        key = (row["programme"], _number(row["number"], where))
        if key in found:
            raise DataError(f"{row['number']} again", where=f"{where}, column number", expected="each number once")
        text = {k: v for k, v in row.items() if k != "number"}
        found[key] = Action(number=key[1], **text)
    return tuple(found.values())


def _number(text: str, where: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise DataError(f"{text!r}", where=f"{where}, column number", expected="a whole number from 1 on")
    return int(text)


def _require_proof(status: str, proof: str, where: str) -> None:
    if status == SHOWN and not proof:
        raise DataError("no proof", where=f"{where}, column proof", expected=f"what shows it, or {REPORTED!r}")
