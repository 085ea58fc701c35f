"""The marked places of a new paper: their tags, their words, and the content controls that `embed` will fill.

A tag names what stands in the place. Word allows a tag 64 characters, so parts of it are cut to a beginning that only
one has; a second place for the same thing ends in ``#2``.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from cseval.errors import UsageError
from cseval.papers.controls import PREFIX
from cseval.papers.runs import CLAIMS, HASH_FIELD
from cseval.papers.scaffold_styles import TABLE_CAPTION
from cseval.papers.tags import FIGURE, MOST, TABLE, VALUE
from cseval.reporting.wordml import block, escape, value_run

if TYPE_CHECKING:
    from cseval.papers.scaffold_runs import Shown

#: What each field is called in words: the title of its control, and what stands in it until it is filled.
FIELDS = {
    "question": "the question",
    "programme": "name of the programme",
    "start": "first month of the programme",
    "before": "months before the start",
    "after": "months after the start",
    "treated": "the treated areas",
    "comparison": "what they are compared with",
    "stands_in": "which outcome stands in for which",
    "concerns": "the checks that raise a concern",
    "evidence": "how strong the evidence is",
    "sources": "sources of the counts",
    "command": "the command that makes the numbers again",
    HASH_FIELD: "hash of the run",
    "outcome": "the outcome",
    "verdict": "the verdict",
    "estimator": "the model",
    "method": "the method behind interval and p-value",
    "percent_change": "estimated change in per cent",
    "change": "estimated change in words",
    "interval": "95% interval in words",
    "incidents": "the effect in incidents",
    "reading": "plain reading",
    "assumption": "what the estimate rests on",
    "caveat": "what to bear in mind",
    "certainty": "p-value beside the measured error rate",
    "smallest_change": "smallest change that would have been found",
    "pre_periods": "number of months before",
    "post_periods": "number of months after",
    "statement": "what was said",
    "stand_in": "what would be said of the outcome that stands in",
}


# Tags -------------------------------------------------------------------------------------------------


class Tags:
    """The tags of one paper: each used once, none longer than Word allows.

    Parameters
    ----------
    slugs : collection of str
        Every evaluation that a tag could mean, also those that the paper is not about.
    """

    def __init__(self, slugs: Collection[str]) -> None:
        self._slugs = {*slugs, CLAIMS}
        self._used: Counter[tuple[str, ...]] = Counter()

    def value(self, run: Shown, analysis: str, field: str) -> str:
        """The tag of a text of one analysis, or of the run as a whole."""
        fields = {*run.values.get(analysis, ()), field}
        return self._tag(run.slug, (VALUE, analysis, field), ((), {*run.values, analysis}, fields))

    def table(self, run: Shown, table: str) -> str:
        """The tag of a table."""
        return self._tag(run.slug, (TABLE, table), ((), set(run.tables)))

    def figure(self, run: Shown, figure: str) -> str:
        """The tag of a figure."""
        return self._tag(run.slug, (FIGURE, figure), ((), set(run.figures)))

    def _tag(self, slug: str, parts: tuple[str, ...], known: tuple[Collection[str], ...]) -> str:
        self._used[slug, *parts] += 1
        number = self._used[slug, *parts]
        return shortened((slug, *parts), (self._slugs, *known), f"#{number}" if number > 1 else "")


def shortened(parts: tuple[str, ...], known: tuple[Collection[str], ...], ending: str = "") -> str:
    """A tag of at most 64 characters that still names one thing.

    Parameters
    ----------
    parts : tuple of str
        The evaluation, and the words after it.
    known : tuple of collection of str
        For each part everything that could stand in its place; a part for which there is nothing is never cut.
    ending : str
        Never cut.

    Raises
    ------
    UsageError
        If no shorter tag names one thing.
    """
    kept = list(parts)
    for i in range(len(parts)):
        over = len(_joined(kept, ending)) - MOST
        if over > 0 and known[i]:
            kept[i] = _beginning(kept[i], len(kept[i]) - over, known[i])
    tag = _joined(kept, ending)
    if len(tag) > MOST:
        raise UsageError(
            f"{_joined(list(parts), ending)!r} is too long for a tag in Word and cannot be cut short unambiguously",
            where="cseval new paper",
            expected=f"at most {MOST} characters",
            todo="Give the evaluation or the analysis a shorter slug",
        )
    return tag


def _joined(parts: list[str], ending: str) -> str:
    return PREFIX + "/".join(parts) + ending


def _beginning(name: str, most: int, known: Collection[str]) -> str:
    """The longest beginning of a name that has at most so many characters and is no other's; else the shortest one.

    It ends with a whole word where there is such a one.
    """
    others = [k for k in known if k != name]
    own = [name[:n] for n in range(1, len(name)) if not any(k.startswith(name[:n]) for k in others)]
    fitting = [b for b in own if len(b) <= most]
    whole = [b for b in fitting if name[len(b)] in "-_"]
    return (whole or fitting or own[:1] or [name])[-1]


# Content controls -------------------------------------------------------------------------------------


class Controls:
    """Content controls as XML, with ids that are the same for the same paper."""

    def __init__(self) -> None:
        self._made = 0

    def value(self, tag: str, alias: str, waiting: str) -> str:
        """A control inside a line."""
        return self._control(tag, alias, _waiting(waiting), kind="<w:text/>")

    def table(self, tag: str, alias: str, waiting: str) -> str:
        """A control that stands for whole paragraphs and tables; its first one is a caption, which Word numbers."""
        return self._control(tag, alias, block(_waiting(waiting), style=TABLE_CAPTION))

    def picture(self, tag: str, alias: str, shown: str) -> str:
        """A control that holds a picture, as the XML of a ``w:drawing``, in a paragraph of its own."""
        return self._control(tag, alias, block(f"<w:r>{shown}</w:r>", style="Figure"), kind="<w:picture/>")

    def _control(self, tag: str, alias: str, content: str, *, kind: str = "") -> str:
        self._made += 1
        return (
            f'<w:sdt><w:sdtPr><w:alias w:val="{escape(cut(alias))}"/><w:tag w:val="{escape(tag)}"/>'
            f'<w:id w:val="{1000 + self._made}"/>'
            f"<w:showingPlcHdr/>{kind}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"
        )


def _waiting(text: str) -> str:
    return value_run(f"[{text}]", '<w:rStyle w:val="PlaceholderText"/>')


def cut(text: str, most: int = MOST) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


# Pictures that wait -----------------------------------------------------------------------------------

_PAPER, _INK = (0xEE, 0xF3, 0xF8), (0x12, 0x43, 0x6D)
_WIDE = 320


def waiting_picture(tag: str, size: tuple[int, int]) -> bytes:
    """A small PNG of a frame with its diagonals, in the proportions of the figure that will take its place.

    It holds the tag as a text, so that no two places share a picture: Word programs keep equal pictures once, and one
    file cannot be replaced by two figures.

    Parameters
    ----------
    tag : str
    size : tuple of int
        Width and height of the figure.
    """
    high = min(max(round(_WIDE * size[1] / size[0]), 2), 10 * _WIDE)
    rows = b"".join(b"\0" + _row(y, high) for y in range(high))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", _WIDE, high, 1, 3, 0, 0, 0)),
        (b"PLTE", bytes((*_PAPER, *_INK))),
        (b"tEXt", b"Title\0" + tag.encode("latin-1", "replace")),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _row(y: int, high: int) -> bytes:
    """One row of the picture, a bit for each point."""
    at = y * (_WIDE - 1) // (high - 1)
    points: Iterable[int] = range(_WIDE) if y in (0, high - 1) else (0, at, _WIDE - 1 - at, _WIDE - 1)
    bits = sum({1 << (_WIDE - 1 - x) for x in points})
    return bits.to_bytes(_WIDE // 8)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
