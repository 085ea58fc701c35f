"""The registered protocol in English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cseval.months import month_words
from cseval.spec import protocol_hash
from cseval.words import class_words

if TYPE_CHECKING:
    from cseval.part import Part
    from cseval.spec import Analysis, Evaluation
    from cseval.study import Study


def protocol_lines(evaluation: Evaluation | Study) -> list[str]:
    """The protocol of an evaluation or a study, line by line."""
    from cseval.study import Study

    if isinstance(evaluation, Study):
        return [
            evaluation.title,
            evaluation.question,
            "",
            "A study: it estimates no effect on counts of its own.",
            *_parts(evaluation.parts),
            f"Protocol hash: {protocol_hash(evaluation)}",
        ]
    return _evaluation_lines(evaluation)


def _parts(parts: Sequence[Part]) -> list[str]:
    return [f"Parts: {', '.join(map(_part, parts))}."] if parts else []


def _part(part: Part) -> str:
    """Name of a part with the options that it was given."""
    given = {str(k): v for k, v in vars(part).items() if k != "name" and v and isinstance(v, (str, int))}
    options = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in given.items())
    return f"{part.name} ({options})" if options else part.name


def _evaluation_lines(evaluation: Evaluation) -> list[str]:
    programme, window = evaluation.programme, evaluation.window
    lines = [
        evaluation.title,
        evaluation.question,
        "",
        f"Programme: {programme.name}, start {month_words(programme.start)}; roles in {programme.roles}.",
        f"Window: {month_words(window.first)} to {month_words(window.last)}.",
        f"Buffer: {programme.buffer_rings} ring of adjoining units left out of the comparison.",
    ]
    if evaluation.demonstration_only:
        lines.append(f"Demonstration only: {evaluation.demonstration_only}")
    if programme.agreed:
        lines.append(f"Area chosen: {month_words(programme.agreed)}.")
    for role in ("primary", "secondary", "sensitivity", "exploratory"):
        found = [a for a in evaluation.analyses if a.role == role]
        if found:
            lines += ["", f"{role.capitalize()} ({len(found)})"]
            lines += [_line(a, evaluation) for a in found]
    lines += ["", f"Checks: {', '.join(map(class_words, evaluation.checks))}.", *_parts(evaluation.parts)]
    lines += [f"Protocol hash: {protocol_hash(evaluation)}"]
    return lines


def _line(analysis: Analysis, evaluation: Evaluation) -> str:
    outcome = " or else ".join(o.replace("_", " ") for o in analysis.outcomes)
    methods = ", then ".join(m.name for m in analysis.inference)
    changes = []
    if analysis.comparison != "all":
        changes.append(f"comparison {analysis.comparison}")
    if analysis.start:
        changes.append(f"start {analysis.start}")
    if analysis.window:
        changes.append(f"window {analysis.window.first} to {analysis.window.last}")
    if analysis.transition:
        changes.append(f"{analysis.transition} transition months")
    if analysis.buffer_rings is not None:
        changes.append(f"{analysis.buffer_rings} buffer rings")
    if analysis.subtract_selection:
        changes.append("less the change from selection alone")
    varied = f" [{'; '.join(changes)}]" if changes else ""
    note = f" {analysis.note}" if analysis.note else ""
    return f"  {analysis.slug}: {outcome}, {analysis.estimator.name}, {methods}{varied}.{note}"
