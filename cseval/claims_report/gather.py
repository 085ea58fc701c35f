"""Every public claim with what tests it: records by the papers' own figures, evaluations by their last real outputs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.claims.base import CANNOT_BE_TESTED, VERDICTS, ClaimResult, Statement
from cseval.claims.records import RECORDS, Figures, read_figures
from cseval.claims.register import CLAIMS, RECORD, PublicClaim, read_claims
from cseval.claims.rules import combined
from cseval.errors import DataError, UsageError
from cseval.formats import csv_text
from cseval.inputs import REAL
from cseval.reporting.atomic import MANIFEST
from cseval.reporting.manifest import read_headline
from cseval.result import CLAIM_COLUMNS

if TYPE_CHECKING:
    from cseval.project import Project
    from cseval.spec import Evaluation

NOT_RUN = "not run on real data yet"
OTHER_WORDS = "the last run did not test these words"
NEW_PROTOCOL = "the protocol has changed since"
NEW_DATA = "the data have changed since"
OTHER_VERSION = "the last run was by another version of cseval"
#: What stands where a verdict would, by why there is none.
WITHOUT_VERDICT = {
    NOT_RUN: NOT_RUN,
    OTHER_WORDS: "not tested by the last run",
    NEW_PROTOCOL: "last tested by another protocol",
    NEW_DATA: "last tested on other data",
    OTHER_VERSION: "last tested by another version of cseval",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """One test of a claim.

    Parameters
    ----------
    test : str
        ``evaluation/claim`` or ``record/name``.
    result : ClaimResult or None
        What it said; None where it has not said anything that can be used.
    missing : str
        Why there is no result, a key of `WITHOUT_VERDICT`; empty where there is one.
    """

    test: str
    result: ClaimResult | None
    missing: str = ""

    @property
    def why_not(self) -> str:
        """Why there is no result and what to do; empty where there is one."""
        return f"{self.missing}: cseval run {self.test.split('/')[0]}" if self.missing else ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """A claim with everything that its tests say."""

    claim: PublicClaim
    readings: tuple[Reading, ...]

    @property
    def results(self) -> tuple[ClaimResult, ...]:
        """What the tests said that have said something, in the order of the register."""
        return tuple(r.result for r in self.readings if r.result is not None)

    @property
    def counted(self) -> tuple[ClaimResult, ...]:
        """The results that the verdict is made of: those of the claim's own, else those that stand in, else all."""
        own = tuple(r for r in self.results if r.verdict != CANNOT_BE_TESTED)
        return own or tuple(r for r in self.results if r.on_stand_in) or self.results

    @property
    def decided(self) -> bool:
        """Whether there is a verdict on the claim itself."""
        return any(r.verdict != CANNOT_BE_TESTED for r in self.results)

    @property
    def verdict(self) -> str:
        """The verdict on the claim itself, or why there is none."""
        return (
            combined([r.verdict for r in self.results]) if self.results else WITHOUT_VERDICT[self.readings[0].missing]
        )

    @property
    def said_of_stand_ins(self) -> dict[str, list[str]]:
        """By outcome that stands in for the claim's own, what each reading would be if it were about that."""
        said: dict[str, list[str]] = {}
        for result in () if self.decided else self.counted:
            if result.on_stand_in:
                said.setdefault(result.outcome, []).append(result.on_stand_in)
        return said

    @property
    def stand_ins(self) -> dict[str, str]:
        """By outcome that stands in for the claim's own, what would be said of the claim if it were about that."""
        return {outcome: combined(found) for outcome, found in self.said_of_stand_ins.items()}


def gather(project: Project) -> tuple[Told, ...]:
    """Every claim of the project's register, with what its tests say.

    Raises
    ------
    UsageError
        If the project has no register of its own to go with its own evaluations.
    DataError
        If the register, the figures, the outputs of an evaluation or the record of imported files are not what they
        should be.
    SpecError
        If an evaluation of the project cannot be loaded.
    """
    from cseval.loading import impact_evaluations
    from cseval.register import read_register

    path, known = register_path(project), impact_evaluations(project)
    programmes = {p.slug: p for p in read_register(project.reference / "programmes.csv")}
    claims = read_claims(path, programmes=programmes, tests=tests_of(known))
    needs_figures = any(name.startswith(f"{RECORD}/") for c in claims for name in c.tested_by)
    figures = read_figures(project.reference, programmes) if needs_figures else None
    outputs = outputs_of(project, {slug: known[slug] for slug in evaluated(claims)})
    return tuple(
        Told(claim=c, readings=tuple(_reading(c, name, outputs, figures) for name in c.tested_by)) for c in claims
    )


def register_path(project: Project) -> Path:
    """The register of public claims; raises UsageError as `gather`."""
    path = project.reference / CLAIMS
    if not path.is_file() or project.analyses.parent != project.reference.parent.parent:
        raise UsageError(
            "this project has no register of public claims",
            where=str(project.root / "data" / "reference" / CLAIMS),
            expected="one row per claim, and which evaluation or record tests it",
            todo="Write it; docs/outputs.md shows its columns",
        )
    return path


def tests_of(evaluations: Mapping[str, Evaluation]) -> frozenset[str]:
    """Every name that `tested_by` may hold."""
    claims = {f"{slug}/{c.statement.slug}" for slug, e in evaluations.items() for c in e.claims}
    return frozenset(claims | {f"{RECORD}/{name}" for name in RECORDS})


def evaluated(claims: Sequence[PublicClaim]) -> tuple[str, ...]:
    """Slugs of the evaluations that test a claim, each once."""
    names = (name.split("/")[0] for c in claims for name in c.tested_by)
    return tuple(dict.fromkeys(n for n in names if n != RECORD))


def _reading(claim: PublicClaim, name: str, outputs: Mapping[str, Outputs], figures: Figures | None) -> Reading:
    kind, _, test = name.partition("/")
    if kind != RECORD:
        return outputs[kind].reading(claim, name)
    assert figures is not None  # read wherever a record is named
    return Reading(test=name, result=RECORDS[test].test(claim, figures))


# Outputs of evaluations -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The claims in the outputs of an evaluation's last real run; nothing is read before it is asked for.

    Parameters
    ----------
    folder : Path
        Where an evaluation's runs on real data leave their outputs.
    protocol : str
        Hash of the evaluation's protocol as it is today.
    sources : mapping of str to str
        Hash of every imported file by its path, as it is recorded today.
    """

    folder: Path
    protocol: str
    sources: Mapping[str, str]

    @property
    def path(self) -> Path:
        """The file that holds them."""
        return self.folder / CLAIMS

    @cached_property
    def missing(self) -> str:
        """Why no verdict of the last run can be used, a key of `WITHOUT_VERDICT`; empty if they can.

        Raises
        ------
        DataError
            If the manifest or the claims are not what the run wrote.
        """
        headline = read_headline(self.folder)
        if headline is None or headline.data != REAL:
            return NOT_RUN
        if self._manifest.protocol != self.protocol:
            return NEW_PROTOCOL
        if any(self.sources.get(path, sha256) != sha256 for path, sha256 in self._manifest.inputs.items()):
            return NEW_DATA
        return "" if self._header == list(CLAIM_COLUMNS) else OTHER_VERSION

    @cached_property
    def rows(self) -> dict[str, ClaimResult]:
        """What was found, by slug of the evaluation's claim.

        Raises
        ------
        DataError
            If the file is not the one that the run wrote, or does not hold what a run writes.
        """
        return {row["claim"]: _result(row, f"{self.path}, row {n}") for n, row in enumerate(self._table, start=2)}

    @cached_property
    def _manifest(self) -> Manifest:
        return read_manifest(self.folder)

    @cached_property
    def _table(self) -> csv.DictReader[str]:
        """The file of claims, if it is still the one that the manifest lists."""
        from cseval.reporting.files import sha256

        where, todo = str(self.path), _again(self.folder)
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise _unreadable(where, todo, error) from error
        if sha256(content) != self._manifest.outputs.get(CLAIMS):
            raise DataError("not the file that the run wrote", where=where, expected="it unchanged", todo=todo)
        return csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))

    @property
    def _header(self) -> list[str]:
        return list(self._table.fieldnames or ())

    def reading(self, claim: PublicClaim, name: str) -> Reading:
        """What the last real run said of one claim of the register; raises as `missing` and `rows`."""
        if self.missing:
            return Reading(test=name, result=None, missing=self.missing)
        found = self.rows.get(name.partition("/")[2])
        if found is None or found.statement.text != csv_text(claim.text):
            return Reading(test=name, result=None, missing=OTHER_WORDS)
        return Reading(test=name, result=found)


def outputs_of(project: Project, evaluations: Mapping[str, Evaluation]) -> dict[str, Outputs]:
    """The outputs of the evaluations by slug, and what they are to be compared with; raises DataError as `gather`."""
    from cseval.sources.lock import read_lock
    from cseval.spec import protocol_hash

    sources = {entry.path: entry.sha256 for entry in read_lock(project)}
    return {
        slug: Outputs(folder=project.outputs / slug, protocol=protocol_hash(evaluation), sources=sources)
        for slug, evaluation in evaluations.items()
    }


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a run wrote down of itself: the hash of its protocol, and of its inputs and outputs by path."""

    protocol: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run.

    Raises
    ------
    DataError
        If it is not one.
    """
    path = folder / MANIFEST
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        hashes = {key: {str(e["path"]): str(e["sha256"]) for e in content[key]} for key in ("inputs", "outputs")}
        return Manifest(protocol=str(content["protocol_sha256"]), **hashes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(str(path), _again(folder), error) from error


def _unreadable(where: str, todo: str, error: Exception) -> DataError:
    return DataError(f"cannot be read ({error})", where=where, expected="the file of a run", todo=todo)


def _again(folder: Path) -> str:
    return f"Run it again: cseval run {folder.name}"


def _result(row: Mapping[str, str], where: str) -> ClaimResult:
    for column, known in (("verdict", VERDICTS), ("on_stand_in", ("", *VERDICTS))):
        if row[column] not in known:
            expected = "one of " + ", ".join(VERDICTS)
            raise DataError(f"verdict {row[column]!r}", where=f"{where}, column {column}", expected=expected)
    return ClaimResult(
        statement=Statement(
            slug=row["claim"],
            text=row["statement"],
            source=row["source"],
            paragraph=row["paragraph"],
            reading=row["reading"],
        ),
        outcome=row["outcome"],
        verdict=row["verdict"],
        on_stand_in=row["on_stand_in"],
        sentence=row["sentence"],
        caveat=row["caveat"],
    )
