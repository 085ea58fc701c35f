"""Where a table of the register comes from, with its hash, for the list of inputs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cseval.panel import Provenance

PAPERS = "Compiled from published papers, named in each row"


def register_table(path: Path) -> Provenance:
    """The provenance of a table of the programme register."""
    return provenance_of(path, title=f"Programme register, {path.stem.replace('_', ' ')}", publisher=PAPERS)


def provenance_of(path: Path, *, title: str, publisher: str) -> Provenance:
    """The provenance of a table of public facts in ``data/reference``, none of them a count of few people."""
    from cseval.panel import Provenance

    content = path.read_bytes()
    return Provenance(
        kind="reference",
        title=title,
        publisher=publisher,
        licence="Figures cited with their source in each row",
        path=f"data/reference/{path.name}",
        sha256=hashlib.sha256(content).hexdigest(),
        rows=content.count(b"\n") - 1,
        published=True,
    )
