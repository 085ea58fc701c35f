"""A part of a report that is no estimate of the evaluation's own counts: what it may look at, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cseval.errors import SpecError

if TYPE_CHECKING:
    from cseval.panel import Provenance
    from cseval.registry.details import Registry
    from cseval.reporting.figures import Figure
    from cseval.result import EvaluationResult
    from cseval.sources.catalogue import Catalogue
    from cseval.tables import Table


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """What a part may look at.

    Parameters
    ----------
    reference : Path
        Folder of the register's tables, ``data/reference``.
    catalogue : Catalogue
        Published files; without any where the data of the run are simulated.
    registry : Registry
        Programmes, activities, staffing, dated changes and assessments.
    data : {"real", "demonstration"}
    seed, draws : int
        Of every random number, and how many placebo areas a test may draw.
    result : EvaluationResult or None
        What the evaluation found so far; None in a study, which has no analyses of its own.
    """

    reference: Path
    catalogue: Catalogue
    registry: Registry
    data: str
    seed: int
    draws: int
    result: EvaluationResult | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class PartResult:
    """What a part leaves for the outputs.

    Parameters
    ----------
    slug, heading : str
        Name in links and the heading of its section.
    headline : str
        What it found in one sentence, with its number; the first paragraph of the section.
    sentences : tuple of str
        What else is said of it, one thing each, as a list.
    tables : tuple of Table
        Printed, and each a data file of its own by its slug; typed values, and names of columns that
        `reporting.columns` describes.
    folded : tuple of Table
        The same, opened by the reader: the longer ones.
    data : tuple of Table
        Data files that are not printed.
    printed : mapping of str to Table
        By slug, how a table is printed where its typed values need other words or digits: the same rows as text.
    figures : mapping of str to callable
        By name of the figure; each makes it, or says in a sentence why it cannot. They are sent to workers, so they are
        functions of a module with their arguments, by `functools.partial`.
    weaknesses : tuple of str
        What weakens what it found, as whole sentences.
    left_out : tuple of str
    sources : tuple of Provenance
        Files that it read, beside those of the evaluation.
    of_counts : bool
        Whether it says anything of the evaluation's own counts; on unpublished data it is then withheld whole.
    """

    slug: str
    heading: str
    headline: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()
    data: tuple[Table, ...] = ()
    printed: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, Callable[[], Figure | str]] = field(default_factory=dict)
    weaknesses: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    sources: tuple[Provenance, ...] = ()
    of_counts: bool = False

    def __post_init__(self) -> None:
        if not self.headline:
            raise SpecError("a part without a headline", where=f"part {self.slug!r}", expected="one sentence")

    @property
    def files(self) -> tuple[Table, ...]:
        """Every table that is a data file, printed or not."""
        return (*self.tables, *self.folded, *self.data)


class Part(Protocol):
    """A part: a frozen record of options, which are part of the protocol."""

    @property
    def name(self) -> str:
        """What it is called where it is left out."""

    def run(self, ground: Ground) -> PartResult:
        """What it found.

        Raises
        ------
        CsevalError
            If it cannot be made with these data; the report then says so.
        """
