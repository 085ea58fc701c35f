"""What the runs of a project have for a paper, found by tag."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cseval.errors import UsageError
from cseval.papers.plain import quoted
from cseval.papers.runs import CLAIMS, DEMONSTRATION, REAL, Run, Shown, command_for
from cseval.papers.tags import FIGURE, TABLE, Tag, pick, some_of
from cseval.reporting.atomic import MANIFEST


class Contents:
    """The contents of all evaluations that were run, read when they are asked for.

    Parameters
    ----------
    outputs : Path
        The folder of all outputs.
    demonstration : bool
        Whether to take demonstration outputs, and no others.
    """

    def __init__(self, outputs: Path, *, demonstration: bool = False) -> None:
        self.outputs, self.demonstration = outputs, demonstration
        self._runs: dict[Path, Run] = {}

    @property
    def data(self) -> str:
        """Of which kind they are: ``real`` or ``demonstration``."""
        return DEMONSTRATION if self.demonstration else REAL

    def find(self, tag: Tag, where: str = "") -> Shown:
        """What a tag asks for; `where` is what messages say the tag is, besides itself.

        Raises
        ------
        UsageError
            If there is no such thing, or only simulated data have it and they were not asked for.
        DataError
            If the outputs were changed since the run that wrote them.
        """
        where = where or f"tag {quoted(tag.text)}"
        run = self._run(self._folder(tag.evaluation, where))
        if tag.kind == TABLE:
            return run.table(tag.names[0], where)
        if tag.kind == FIGURE:
            return run.figure(tag.names[0], where)
        return run.value(tag.names[0], tag.names[1], where)

    def _run(self, folder: Path) -> Run:
        if folder not in self._runs:
            self._runs[folder] = Run(folder, self.outputs)
        return self._runs[folder]

    def _folder(self, given: str, where: str) -> Path:
        """The folder of an evaluation's outputs, of the kind of data that was asked for."""
        real, simulated = _folders(self.outputs), _folders(self.outputs / DEMONSTRATION)
        if self.demonstration:
            first = f"Run `{command_for(given)} --data demonstration` first"
            if given == CLAIMS:
                first = "Leave this place out of a draft: claims are held against real data alone"
            return simulated[pick("evaluation with demonstration outputs", given, simulated, where, otherwise=first)]
        _require_real(given, real, simulated, where)
        first = f"Run `{command_for(given)}` first"
        return real[pick("evaluation with outputs", given, real, where, otherwise=first)]


def _folders(outputs: Path) -> dict[str, Path]:
    """Folders with the outputs of a run, by name."""
    return {p.parent.name: p.parent for p in sorted(outputs.glob(f"*/{MANIFEST}"))}


def _require_real(given: str, real: Mapping[str, Path], simulated: Mapping[str, Path], where: str) -> None:
    """Refuse an evaluation that was only run on simulated data, or the wrong one would be named as the nearest."""
    begun = [slug for slug in simulated if slug.startswith(given)]
    if begun and not any(slug.startswith(given) for slug in real):
        raise UsageError(
            f"only demonstration outputs of {some_of(begun)}: simulated, no real place",
            where=where,
            expected="outputs of a run on real data",
            todo=f"Import the data and run `{command_for(begun[0])}`, or give --data demonstration for a draft",
        )
