"""Tags of content controls: what in which evaluation a place in a paper shows.

``cseval:<evaluation>/effects``, ``cseval:<evaluation>/table/<table>``, ``cseval:<evaluation>/figure/<figure>`` and
``cseval:<evaluation>/value/<analysis>/<field>``. A name may be cut short to any beginning that only one has, and the
same thing a second time in one paper ends with ``#2``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from cseval.errors import UsageError
from cseval.papers.controls import PREFIX
from cseval.papers.plain import printable, quoted

#: Characters that Word allows in a tag.
MOST = 64
TABLE, FIGURE, VALUE = "table", "figure", "value"
EFFECTS = "effects"
FORMS = (
    "cseval:EVALUATION/effects, cseval:EVALUATION/table/TABLE, cseval:EVALUATION/figure/FIGURE or "
    "cseval:EVALUATION/value/ANALYSIS/FIELD"
)
#: A message lists the nearest name and so many others.
_LISTED = 8
_COPY = re.compile(r"(.*?)(?:#([1-9][0-9]*))?", re.DOTALL)
#: How many names each kind of thing takes.
_NAMES = {TABLE: 1, FIGURE: 1, VALUE: 2}


@dataclass(frozen=True, kw_only=True)
class Tag:
    """What a tag asks for, with every name as it was written.

    Parameters
    ----------
    text : str
        The whole tag.
    evaluation : str
    kind : {"table", "figure", "value"}
    names : tuple of str
        Of the table, of the figure, or of the analysis and the field.
    """

    text: str
    evaluation: str
    kind: str
    names: tuple[str, ...]


def parse_tag(text: str, where: str = "") -> Tag:
    """Read a tag; `where` is what messages say it is, besides itself.

    Raises
    ------
    UsageError
        If it has another form, or is longer than Word allows.
    """
    where = where or f"tag {quoted(text)}"
    if len(text) > MOST:
        raise UsageError(
            f"a tag of {len(text)} characters",
            where=where,
            expected=f"at most {MOST}, since Word cuts longer ones",
            todo="Cut a name in it short: any beginning will do that no other name of its kind has",
        )
    path = base_of(text).removeprefix(PREFIX)
    evaluation, *rest = path.split("/")
    if rest == [EFFECTS]:
        rest = [TABLE, EFFECTS]
    kind, names = (rest[0], tuple(rest[1:])) if rest else ("", ())
    well = text.startswith(PREFIX) and len(names) == _NAMES.get(kind) and all((evaluation, *names))
    if not well or "#" in path:
        raise UsageError("no tag that cseval knows", where=where, expected=FORMS, todo=_hint(text, kind))
    return Tag(text=text, evaluation=evaluation, kind=kind, names=names)


def _hint(text: str, kind: str) -> str:
    if not text.startswith(PREFIX):
        return f"Let it begin with {PREFIX}, in small letters and with the colon"
    near = difflib.get_close_matches(kind, (*_NAMES, EFFECTS), n=1)
    return f"The nearest to {quoted(kind)} is {near[0]}" if near and kind not in _NAMES else ""


def base_of(text: str) -> str:
    """A tag without the number of a second or third place."""
    found = _COPY.fullmatch(text)
    return found[1] if found else text


def next_copy(text: str, taken: Collection[str]) -> str:
    """The tag for one more place that shows the same, given every tag of the paper."""
    base, number = base_of(text), 2
    while f"{base}#{number}" in taken:
        number += 1
    return f"{base}#{number}"


def pick(what: str, given: str, names: Collection[str], where: str, *, otherwise: str = "") -> str:
    """The one name that begins as given; an exact match wins.

    Parameters
    ----------
    what : str
        What it is the name of, for messages.
    given : str
    names : collection of str
    where : str
        What the message is about.
    otherwise : str
        What to do if no name is near.

    Raises
    ------
    UsageError
        If no name begins so, or several do; the message lists the nearest and some others.
    """
    if given in names:
        return given
    found = [name for name in names if name.startswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{quoted(given)} begins {some_of(found, last=' and ')}",
            where=where,
            expected=f"the beginning of one {printable(what)} alone",
        )
    near = nearest(given, names)
    raise UsageError(
        f"no {printable(what)} {quoted(given)}",
        where=where,
        expected=f"one of {some_of(names, first=near)}" if names else f"a run that has a {printable(what)}",
        todo=f"The nearest is {printable(near)}" if near else otherwise,
    )


def nearest(given: str, names: Collection[str]) -> str:
    """The name most like another one; empty if none is like it."""
    return next(iter(difflib.get_close_matches(given, names, n=1, cutoff=0.4)), "")


def some_of(names: Collection[str], *, first: str = "", last: str = ", ") -> str:
    """The first names of many in a list, and how many more there are.

    Parameters
    ----------
    names : collection of str
    first : str
        One of them, to begin the list with.
    last : str
        What stands before the last name of a list that is whole.
    """
    ordered = [*([first] if first else []), *(name for name in names if name != first)]
    shown, more = [printable(name) for name in ordered[: _LISTED + 1]], len(ordered) - _LISTED - 1
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return last.join(filter(None, (", ".join(shown[:-1]), shown[-1])))
