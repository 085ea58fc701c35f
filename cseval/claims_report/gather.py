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

from cseval.claims.base import CANNOT_BE_TESTED, NOT_SUPPORTED, VERDICTS, ClaimResult, Statement
from cseval.claims.records import RECORDS, Figures, read_figures
from cseval.claims.register import CLAIMS, RECORD, PublicClaim, read_claims
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """One test of a claim.

    Parameters
    ----------
    test : str
        ``evaluation/claim`` or ``record/name``.
    result : ClaimResult or None
        What it said; None where it has not said anything yet.
    why_not : str
        Why there is no result and what to do, in a sentence; empty where there is one.
    """

    test: str
    result: ClaimResult | None
    why_not: str = ""


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
    def verdict(self) -> str:
        """The verdict on the claim itself, or that its evaluation has not run on real data."""
        return combined([r.verdict for r in self.results]) if self.results else NOT_RUN

    @property
    def stand_ins(self) -> dict[str, str]:
        """By outcome that stands in for the claim's own, what would be said of the claim if it were about that."""
        said: dict[str, list[str]] = {}
        for result in self.results:
            if result.on_stand_in:
                said.setdefault(result.outcome, []).append(result.on_stand_in)
        return {outcome: combined(found) for outcome, found in said.items()} if self.verdict == CANNOT_BE_TESTED else {}


def combined(found: Sequence[str]) -> str:
    """Verdict of several readings of the same words.

    What all readings say that can be tested; not supported where they say different things; cannot be tested where
    none can.
    """
    known = {verdict for verdict in found if verdict != CANNOT_BE_TESTED}
    if not known:
        return CANNOT_BE_TESTED
    return known.pop() if len(known) == 1 else NOT_SUPPORTED


def gather(project: Project) -> tuple[Told, ...]:
    """Every claim of the project's register, with what its tests say.

    Raises
    ------
    UsageError
        If the project has no register of its own to go with its own evaluations.
    DataError
        If the register, the figures or the outputs of an evaluation are not what they should be.
    SpecError
        If an evaluation of the project cannot be loaded.
    """
    from cseval.loading import evaluations
    from cseval.register import read_register

    path = register_path(project)
    programmes = {p.slug: p for p in read_register(project.reference / "programmes.csv")}
    claims = read_claims(path, programmes=programmes, tests=tests_of(evaluations(project)))
    needs_figures = any(name.startswith(f"{RECORD}/") for c in claims for name in c.tested_by)
    figures = read_figures(project.reference, programmes) if needs_figures else None
    outputs = {name: Outputs(project.outputs / name) for name in evaluated(claims)}
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


@dataclass(frozen=True)
class Outputs:
    """The claims in the outputs of an evaluation's last real run; nothing is read before it is asked for.

    Parameters
    ----------
    folder : Path
        Where an evaluation's runs on real data leave their outputs.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The file that holds them."""
        return self.folder / CLAIMS

    @cached_property
    def rows(self) -> dict[str, ClaimResult] | None:
        """What was found, by slug of the evaluation's claim; None without a run on real data.

        Raises
        ------
        DataError
            If the file is not the one that the run wrote, or does not hold what a run writes.
        """
        headline = read_headline(self.folder)
        if headline is None or headline.data != REAL:
            return None
        content = _listed(self.folder, CLAIMS)
        table = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
        if list(table.fieldnames or ()) != list(CLAIM_COLUMNS):
            expected = ", ".join(CLAIM_COLUMNS)
            raise DataError("another header", where=f"{self.path}, row 1", expected=expected, todo=_again(self.folder))
        return {row["claim"]: _result(row, f"{self.path}, row {n}") for n, row in enumerate(table, start=2)}

    def reading(self, claim: PublicClaim, name: str) -> Reading:
        """What the last real run said of one claim of the register; raises as `rows`."""
        slug, _, test = name.partition("/")
        todo = f"cseval run {slug}"
        if self.rows is None:
            return Reading(test=name, result=None, why_not=f"{NOT_RUN}: {todo}")
        found = self.rows.get(test)
        if found is None or found.statement.text != csv_text(claim.text):
            return Reading(test=name, result=None, why_not=f"the last run did not test these words: {todo}")
        return Reading(test=name, result=found)


def _listed(folder: Path, name: str) -> bytes:
    """A file of a run, if it is still the one that its manifest lists."""
    from cseval.reporting.files import sha256

    where, todo = str(folder / name), _again(folder)
    try:
        listed: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_bytes())["outputs"]
        wanted = next((o["sha256"] for o in listed if o["path"] == name), "")
        content = (folder / name).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot be read ({error})", where=where, expected="the file of a run", todo=todo) from error
    if sha256(content) != wanted:
        raise DataError("not the file that the run wrote", where=where, expected="it unchanged", todo=todo)
    return content


def _again(folder: Path) -> str:
    return f"Run it again: cseval run {folder.name}"


def _result(row: Mapping[str, str], where: str) -> ClaimResult:
    for column, known in (("verdict", VERDICTS), ("on_stand_in", ("", *VERDICTS))):
        if row[column] not in known:
            expected = "one of " + ", ".join(VERDICTS)
            raise DataError(f"verdict {row[column]!r}", where=f"{where}, column {column}", expected=expected)
    return ClaimResult(
        statement=Statement(slug=row["claim"], text=row["statement"], source=row["source"], paragraph=row["paragraph"]),
        outcome=row["outcome"],
        verdict=row["verdict"],
        on_stand_in=row["on_stand_in"],
        sentence=row["sentence"],
        caveat=row["caveat"],
    )
