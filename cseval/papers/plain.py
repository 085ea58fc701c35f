"""What a stranger wrote, taken with care: text for a message, whole numbers, names that go into a command."""

from __future__ import annotations

import re

from cseval.errors import DataError

#: Characters of one piece of text that a message has room for.
MOST = 80
#: The largest number in Word's format has 32 bits.
_DIGITS = 10
_WHOLE = re.compile(r"[+-]?[0-9]+")
#: A length may have a unit, and some programs write one with a decimal; it then counts as not given.
_MEASURE = re.compile(r"[+-]?[0-9]{1,10}(?:\.[0-9]{1,10}|(?:\.[0-9]{1,10})?(?:mm|cm|in|pt|pc|pi|%))")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_COMMAND = re.compile(r"cseval (?:run|claims)(?: [a-z0-9-]{1,64}){1,10}")


def printable(text: str, most: int = MOST) -> str:
    """Text of a paper or of an output for the screen, on which it can do nothing.

    Control characters and those that turn the direction of writing, which a terminal would obey, are shown as escapes.

    Parameters
    ----------
    text : str
    most : int
        Characters after which it is cut; 0 for all of it.
    """
    begin = text[: most + 1] if most else text
    shown = "".join(" " if c == "\N{NO-BREAK SPACE}" else c if c.isprintable() else _escape(c) for c in begin)
    return shown if not most or len(shown) <= most else shown[: most - 1] + "…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def quoted(text: str) -> str:
    """Printable text between quotes."""
    return f"'{printable(text)}'"


def printable_lines(text: str) -> str:
    """A message of several lines, each printable: whatever was put into it, it adds no line and gives no order."""
    return "\n".join(printable(line, 2000) for line in text.split("\n"))


def printable_json(text: str) -> str:
    """JSON text with every character escaped that a terminal would obey; it means the same."""
    import json

    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def whole(text: str, where: str, *, otherwise: int = 0) -> int:
    """A whole number of a paper; `otherwise` where there is no text, or a length in another form.

    Raises
    ------
    DataError
        If it is something else, or longer than any number that Word writes.
    """
    if not text or _MEASURE.fullmatch(text):
        return otherwise
    if not _WHOLE.fullmatch(text) or len(text.lstrip("+-")) > _DIGITS:
        raise DataError(
            f"the number {printable(text, 40)!r}",
            where=where,
            expected=f"a whole number of at most {_DIGITS} digits, as Word writes it",
            todo="Open the paper in Word and save it again as Word Document (.docx)",
        )
    return int(text)


def is_slug(text: str) -> bool:
    """Whether text may stand in a command that somebody copies: small letters, digits and hyphens alone."""
    return _SLUG.fullmatch(text) is not None


def is_command(text: str) -> bool:
    """Whether text is a command that makes outputs, and nothing more."""
    return _COMMAND.fullmatch(text) is not None
