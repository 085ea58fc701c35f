"""The outputs of one run, held against its manifest: what of them a paper may show, and from which row it comes."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from cseval.errors import DataError
from cseval.papers.concerns import CHECKS, concerns
from cseval.papers.concerns import FIELD as CONCERNS_FIELD
from cseval.papers.marks import Stamp
from cseval.papers.plain import is_command, is_slug, printable
from cseval.papers.tags import pick
from cseval.reporting.atomic import MANIFEST
from cseval.reporting.printed import PLACES, RUN, read_printed

if TYPE_CHECKING:
    from collections.abc import Callable

    from cseval.reporting.printed import Printed

REAL, DEMONSTRATION = "real", "demonstration"
#: What stands in a tag, and for a folder, in place of an evaluation: the table of all public claims.
CLAIMS = "claims"
#: The files whose rows the texts come from, and the column that names a row; the first that there is counts.
ROWS = (("effects.csv", "analysis"), ("claims.csv", "claim"))
#: Field of the run as a whole that holds its hash.
HASH_FIELD = "manifest"
#: Characters for the place of a content in the outputs.
_LONGEST = 240


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where in the outputs of a run a content stands.

    Parameters
    ----------
    file : str
        From the folder of the project.
    row : int
        As a spreadsheet counts, in which the headings are row 1; 0 where the whole file is meant.
    column : str
        Or, of a file that is no table, the place in it. Empty where the content is worked out from several columns, or
        the whole file is meant.
    """

    file: str
    row: int = 0
    column: str = ""

    def words(self) -> str:
        """In words: ``outputs/pilot/effects.csv, row 2, column percent_change``."""
        row = f", row {self.row}" if self.row else ""
        column = f", column {self.column}" if self.row and self.column else f", {self.column}" if self.column else ""
        return printable(f"{self.file}{row}{column}", _LONGEST)


@dataclass(frozen=True, kw_only=True)
class Content:
    """Something that a paper may show.

    Parameters
    ----------
    evaluation : str
        Its slug.
    run : str
        Hash of the run that made it.
    simulated : bool
        Whether the data of that run were simulated.
    origin : Origin
    """

    evaluation: str
    run: str
    simulated: bool
    origin: Origin

    @property
    def stamp(self) -> Stamp:
        """By what a control that shows it is marked."""
        return Stamp(self.run, self.simulated)


@dataclass(frozen=True, kw_only=True)
class TableContent(Content):
    """A table; its last note names the run."""

    table: Printed


@dataclass(frozen=True, kw_only=True)
class ValueContent(Content):
    """A text in a sentence."""

    text: str


@dataclass(frozen=True, kw_only=True)
class FigureContent(Content):
    """A picture as PNG with its name and its alternative text."""

    name: str
    png: bytes
    alt: str


Shown = TableContent | ValueContent | FigureContent
Made = TypeVar("Made", TableContent, ValueContent, FigureContent)


def with_title(title: str, evaluation: str) -> str:
    """The title of a table or a figure with that of its evaluation, since two of a paper would else have one title."""
    return title if not evaluation or evaluation in title else f"{title}, {evaluation}"


def command_for(slug: str) -> str:
    """The command that makes the outputs under this name; with a word in its place where it is no name of outputs."""
    if slug == CLAIMS:
        return "cseval claims --write"
    return f"cseval run {slug if is_slug(slug) else 'EVALUATION'}"


class Run:
    """The outputs of one run, held against its manifest.

    Parameters
    ----------
    folder, outputs : Path
        Of the run, and of all runs.
    """

    def __init__(self, folder: Path, outputs: Path) -> None:
        self.folder = folder
        self._base = folder.relative_to(outputs.parent).as_posix()

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        content = self._json(self._bytes(MANIFEST), MANIFEST)
        if not isinstance(content.get("outputs"), list):
            raise self._damaged(MANIFEST)
        return content

    @cached_property
    def _hashes(self) -> dict[str, str]:
        try:
            return {str(o["path"]): str(o["sha256"]) for o in self._manifest["outputs"]}
        except (KeyError, TypeError) as error:
            raise self._damaged(MANIFEST) from error

    @cached_property
    def _places(self) -> dict[str, Any]:
        if PLACES not in self._hashes:
            raise DataError(
                f"no {PLACES}, which holds what a paper may show",
                where=str(self.folder),
                expected="the outputs of this version of cseval",
                todo=f"Run `{self._command}` again",
            )
        content = self._json(self.verified(PLACES), PLACES)
        groups = [content.get(key) for key in ("tables", "values", "figures")]
        if not all(isinstance(group, dict) for group in groups) or content.get("data") != self._manifest.get("data"):
            raise self._damaged(PLACES)
        return content

    @cached_property
    def hash(self) -> str:
        """The hash by which the run is named in a paper."""
        from cseval.reporting.manifest import run_hash

        try:
            return run_hash(self._manifest)
        except (ValueError, RecursionError) as error:
            raise self._damaged(MANIFEST) from error

    @property
    def evaluation(self) -> str:
        """Its slug."""
        return str(self._places.get("evaluation", self.folder.name))

    @property
    def _simulated(self) -> bool:
        return bool(self._places["data"] == DEMONSTRATION)

    @property
    def _command(self) -> str:
        """What makes these outputs, by their manifest; a manifest that says anything else is not repeated."""
        said = str(self._manifest.get("command", ""))
        return said if is_command(said) else command_for(self.folder.name)

    # Contents

    def table(self, given: str, where: str) -> TableContent:
        """A table, with the evaluation in its title and a last note that names the run."""
        tables = self._require_kind()["tables"]
        name = pick("table", given, tables, where)
        table = read_printed(name, tables[name], str(self.folder))
        file = f"{name.replace('-', '_')}.csv"
        origin = self._origin(file) if file in self._hashes else self._origin(column=f"tables/{name}")
        note = f"Run {self.hash} of cseval {self.evaluation}."
        title = with_title(table.title, str(self._places.get("title", "")))
        return self._made(TableContent, origin, table=replace(table, title=title, notes=(*table.notes, note)))

    def figure(self, given: str, where: str) -> FigureContent:
        """A picture, known to be the one that the run drew."""
        figures = self._require_kind()["figures"]
        name = pick("figure", given, figures, where)
        try:
            path, alt = str(figures[name]["path"]), str(figures[name]["alt"])
        except (KeyError, TypeError) as error:
            raise self._damaged(PLACES) from error
        png = self.verified(path)
        return self._made(FigureContent, self._origin(path), name=name, png=png, alt=alt)

    def value(self, analysis: str, field: str, where: str) -> ValueContent:
        """A text, with the row of the effect table that it comes from."""
        values = self._values
        name = pick("analysis", analysis, values, where)
        column = pick(f"field of {name}", field, values[name], where)
        text = str(values[name][column])
        return self._made(ValueContent, self._value_origin(name, column), text=text)

    def _made(self, kind: Callable[..., Made], origin: Origin, **fields: object) -> Made:
        return kind(evaluation=self.evaluation, run=self.hash, simulated=self._simulated, origin=origin, **fields)

    @cached_property
    def _values(self) -> dict[str, dict[str, str]]:
        """The texts by analysis and field; with the hash and the concerns among those of the run as a whole."""
        values = self._require_kind()["values"]
        if not all(isinstance(fields, dict) for fields in values.values()):
            raise self._damaged(PLACES)
        return {**values, RUN: {**values.get(RUN, {}), **self._concerns(), HASH_FIELD: self.hash}}

    def _concerns(self) -> dict[str, str]:
        """The text on the checks that raise a concern, where the run has checks."""
        if CHECKS not in self._hashes:
            return {}
        try:
            text = concerns(self.verified(CHECKS).decode("utf-8", "replace"))
        except csv.Error as error:
            raise self._damaged(CHECKS) from error
        if self._simulated:
            from cseval.reporting.places import SIMULATED

            text += SIMULATED
        return {CONCERNS_FIELD: text}

    def _value_origin(self, analysis: str, field: str) -> Origin:
        if (analysis, field) == (RUN, HASH_FIELD):
            return self._origin(MANIFEST)
        if (analysis, field) == (RUN, CONCERNS_FIELD):
            return self._origin(CHECKS)
        file, columns, rows = self._rows
        if analysis not in rows:
            return self._origin(column=f"values/{analysis}/{field}")
        return self._origin(file, rows[analysis], field if field in columns else "")

    @cached_property
    def _rows(self) -> tuple[str, tuple[str, ...], dict[str, int]]:
        """The file whose rows the texts come from, its columns, and the row of each analysis or claim."""
        file, key = next(((f, k) for f, k in ROWS if f in self._hashes), ("", ""))
        if not file:
            return "", (), {}
        text = self.verified(file).decode("utf-8", "replace")
        try:
            columns, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
        except csv.Error as error:
            raise self._damaged(file) from error
        at = columns.index(key) if key in columns else len(columns)
        return file, tuple(columns), {row[at]: i for i, row in enumerate(rows, start=2) if len(row) > at}

    def _origin(self, file: str = "", row: int = 0, column: str = "") -> Origin:
        return Origin(file=f"{self._base}/{file or PLACES}", row=row, column=column)

    # Files

    def _require_kind(self) -> dict[str, Any]:
        """The contents, unless simulated ones lie where real ones belong."""
        simulated = self.folder.parent.name == DEMONSTRATION
        if self._places["data"] == DEMONSTRATION and not simulated:
            raise DataError(
                "demonstration outputs where those on real data belong",
                where=str(self.folder),
                todo=f"Run `{self._command}` again; never copy outputs by hand",
            )
        return self._places

    def verified(self, path: str) -> bytes:
        """A file of the outputs, if it is what the manifest says.

        Raises
        ------
        DataError
            If it is absent, or was changed since the run.
        """
        from cseval.reporting.files import sha256

        inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
        content = self._bytes(path) if inside and path in self._hashes else None
        if content is None or sha256(content) != self._hashes[path]:
            raise DataError(
                "changed since the run that wrote it",
                where=f"{self.folder}/{printable(path)}",
                expected="the file that the manifest lists",
                todo=f"Run `{self._command}` again",
            )
        return content

    def _bytes(self, path: str) -> bytes:
        try:
            return (self.folder / path).read_bytes()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no name of a file"
            raise DataError(
                f"cannot be read ({reason or type(error).__name__})",
                where=f"{self.folder}/{printable(path)}",
                expected="a file that a run wrote",
                todo=f"Run `{command_for(self.folder.name)}` again",
            ) from error

    def _json(self, content: bytes, name: str) -> dict[str, Any]:
        try:
            read = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._damaged(name) from error
        if not isinstance(read, dict):
            raise self._damaged(name)
        return read

    def _damaged(self, name: str) -> DataError:
        return DataError(
            "not what a run writes",
            where=str(self.folder / name),
            expected="a file that a run wrote",
            todo=f"Run `{command_for(self.folder.name)}` again",
        )
