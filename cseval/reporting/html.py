"""A report as one HTML page that needs nothing else: no script, no request, pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from cseval.reporting.markdown import foot_notes
from cseval.reporting.printed import Printed, is_span, printed

if TYPE_CHECKING:
    from jinja2 import Environment

    from cseval.reporting.document import Document
    from cseval.tables import Table


def render_html(document: Document, pictures: Mapping[str, bytes]) -> str:
    """The whole report.

    Parameters
    ----------
    document : Document
    pictures : mapping of str to bytes
        PNG bytes by the name of the figure.
    """
    encoded = {name: "data:image/png;base64," + base64.b64encode(png).decode() for name, png in pictures.items()}
    sizes = {name: png_size(png) for name, png in pictures.items()}
    page = environment().get_template("report.html.j2")
    return page.render(document=document, first=before_contents(document), pictures=encoded, sizes=sizes)


def before_contents(document: Document) -> int:
    """How many sections stand before the list of contents: all up to the answer; none where there is no answer."""
    answered = [any(block.kind == "answer" for block in section.blocks) for section in document.sections]
    return answered.index(True) + 1 if True in answered else 0


def render_fragment(table: Table) -> str:
    """One table with its caption and notes, to be pasted into another page."""
    return environment().get_template("fragment.html.j2").render(table=table)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, with every value escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("cseval.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(printed_of=printed_of, is_span=is_span)
    return made


def printed_of(table: Table) -> Printed:
    """A table of text cells as it stands in print, with all that stands under it."""
    return printed(table, foot_notes(table))


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height in CSS pixels: half again as many dots per inch as the page has."""
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))
    return round(width * 0.64), round(height * 0.64)
