"""Numbers in captions: fields that Word counts by itself, and the number that a table's caption has in a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cseval.reporting.wordml import value_run

TABLE, FIGURE = "Table", "Figure"
_NUMBERED = re.compile(rf"{TABLE} ([1-9][0-9]{{0,3}})(?:[:.\s]|$)")


def numbered(kind: str, number: int) -> str:
    """The beginning of a caption, ``Table 3: ``, as runs in which Word counts the number itself.

    Parameters
    ----------
    kind : {"Table", "Figure"}
    number : int
        What stands there until Word counts again.
    """
    counted = f'<w:fldSimple w:instr=" SEQ {kind} \\* ARABIC ">{value_run(str(number))}</w:fldSimple>'
    return value_run(f"{kind} ") + counted + value_run(": ")


def table_number(lines: Sequence[str]) -> int:
    """The number that the first of the lines of a table's place gives it; 0 if it gives none."""
    found = _NUMBERED.match(lines[0]) if lines else None
    return int(found[1]) if found else 0
