"""Further parts of a report, run one after the other; and a study, which is made of them alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cseval.errors import CsevalError, DataError
from cseval.registry.overlaps import overlap_matrix, shared_table
from cseval.result import StudyResult

if TYPE_CHECKING:
    from cseval.panel import Provenance
    from cseval.part import Ground, Part, PartResult
    from cseval.registry.details import Registry
    from cseval.study import Study
    from cseval.tables import Table

Report = Callable[[str, str], None]


def run_parts(parts: Sequence[Part], ground: Ground, report: Report) -> tuple[tuple[PartResult, ...], tuple[str, ...]]:
    """What every part found; one that cannot be made is left out with its reason and costs nothing else.

    Returns
    -------
    found : tuple of PartResult
    left_out : tuple of str
        A sentence for each part that was not made, and what the others left out.
    """
    found: list[PartResult] = []
    left_out: list[str] = []
    for part in parts:
        try:
            result = part.run(ground)
        except CsevalError as error:
            why = str(error).removeprefix(f"{part.name}: ")
            left_out.append(f"{part.name}: {why}")
            report(part.name, f"left out: {why}")
            continue
        found.append(result)
        left_out += result.left_out
        report(part.name, result.headline)
    return tuple(found), tuple(left_out)


def matrix_of(slug: str, registry: Registry) -> Table | None:
    """The overlaps of all programmes, for a report on a registered one; None for a place that is not registered."""
    return overlap_matrix(registry.runs, registry.windows) if slug in registry.programmes else None


def register_of(slug: str, registry: Registry) -> tuple[Provenance, ...]:
    """The register's tables with their hashes, which the overlaps come from; none for a place not registered."""
    return registry.sources if slug in registry.programmes else ()


def run_study(study: Study, ground: Ground, report: Report) -> StudyResult:
    """Run every part of a study.

    Raises
    ------
    DataError
        If none can be made.
    """
    started = time.perf_counter()
    parts, left_out = run_parts(study.parts, ground, report)
    if not parts:
        raise DataError("no part of it can be made", where=study.slug, expected="; ".join(left_out))
    registered = study.register in ground.registry.programmes
    return StudyResult(
        study=study,
        data=ground.data,
        parts=parts,
        headline=parts[0].headline,
        weaknesses=(*(w for p in parts for w in p.weaknesses), *study.limits),
        left_out=left_out,
        overlaps=shared_table(study.register, ground.registry) if registered else None,
        matrix=matrix_of(study.register, ground.registry),
        register=register_of(study.register, ground.registry),
        seed=ground.seed,
        draws=ground.draws,
        durations={"parts": round(time.perf_counter() - started, 3)},
    )
