"""Which data a run uses: the imported real files if all that are needed are there, else demonstration data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import CsevalError, SpecError, UsageError
from cseval.inputs import DEMONSTRATION, REAL
from cseval.study import Study

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.project import Project
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Evaluation

AUTO = "auto"


def choose_inputs(evaluation: Evaluation, project: Project, data: str, seed: int) -> tuple[Inputs, str]:
    """Read or simulate the inputs.

    Parameters
    ----------
    evaluation : Evaluation
    project : Project
    data : str
        ``auto``, ``demonstration``, or a folder of files as published; an evaluation for which no real data exist
        uses demonstration data, and takes no folder.
    seed : int
        Of the demonstration data.

    Returns
    -------
    inputs : Inputs
    why : str
        Why these data, in one sentence.

    Raises
    ------
    UsageError
        If `data` names a folder that is absent or lacks a source that is needed, or no real data exist.
    """
    if data == DEMONSTRATION:
        return evaluation.demonstration(seed), "Demonstration data, as asked: simulated, no real place."
    if evaluation.demonstration_only:
        _require_no_folder(evaluation, data)
        return evaluation.demonstration(seed), f"Demonstration data (simulated): {evaluation.demonstration_only}"
    if data != AUTO:
        return _from_folder(evaluation, Path(data))
    from cseval.sources.catalogue import Catalogue

    catalogue = Catalogue.imported(project)
    missing = catalogue.missing(evaluation.needs)
    if missing:
        why = f"Demonstration data (simulated, no real place), because {lacking(missing)} not imported."
        return evaluation.demonstration(seed), why
    return _call(evaluation, catalogue), "Real data: every source that is needed is imported and verified."


def choose_study(study: Study, project: Project, data: str) -> tuple[str, str]:
    """Which kind of data a study uses, ``real`` or ``demonstration``, and why.

    Raises
    ------
    UsageError
        If `data` names a folder that is absent or lacks a source that is needed, or nothing of it can be simulated.
    """
    kind = study_kind(study, project, data)
    if data == DEMONSTRATION:
        return kind, "Demonstration data, as asked: simulated, no real place."
    if kind == DEMONSTRATION:
        missing = choose_catalogue(study, project, AUTO).missing(study.needs)
        return kind, f"Demonstration data (simulated, no real place), because {lacking(missing)} not imported."
    if data != AUTO:
        missing = choose_catalogue(study, project, data).missing(study.needs)
        if missing:
            raise UsageError(
                f"{data} lacks {', '.join(missing)}", where="--data", expected="a file of each source that is needed"
            )
        return kind, f"Real data read from {data}."
    if not study.needs:
        return kind, "The programme register, and what is imported of the files that it can use."
    return kind, "Real data: every source that is needed is imported and verified."


def study_kind(study: Study, project: Project, data: str) -> str:
    """Which kind of data a study would use, without reading any; raises as `choose_study`."""
    wanted = data if data in (AUTO, DEMONSTRATION) else REAL
    if wanted == REAL:
        _require_folder(Path(data))
    absent = wanted == AUTO and bool(choose_catalogue(study, project, AUTO).missing(study.needs))
    if not absent and wanted != DEMONSTRATION:
        return REAL
    if study.real_only:
        raise UsageError(
            f"{study.slug} has no demonstration: {study.real_only.rstrip('.')}", where="--data", expected="real data"
        )
    return DEMONSTRATION


def choose_catalogue(evaluation: Evaluation | Study, project: Project, data: str) -> Catalogue:
    """The published files that further parts may read: the imported ones, those of a folder, or none if simulated."""
    from cseval.sources.catalogue import Catalogue

    if data == DEMONSTRATION:
        return Catalogue(root=project.root)
    if data == AUTO:
        return Catalogue.imported(project)
    return Catalogue.folder(Path(data), (*evaluation.needs, *evaluation.optional))


def lacking(missing: tuple[str, ...]) -> str:
    """Kinds of source that are absent, as the subject of a sentence with its verb."""
    return " and ".join(missing) + (" is" if len(missing) == 1 else " are")


def choose_kind(evaluation: Evaluation | Study, project: Project, data: str) -> str:
    """Which kind of data a run would use, ``real`` or ``demonstration``, without reading any.

    Raises
    ------
    UsageError
        If `data` names a folder that is absent, or no real data exist.
    """
    if isinstance(evaluation, Study):
        return study_kind(evaluation, project, data)
    if data == DEMONSTRATION:
        return DEMONSTRATION
    if evaluation.demonstration_only:
        _require_no_folder(evaluation, data)
        return DEMONSTRATION
    if data != AUTO:
        _require_folder(Path(data))
        return REAL
    from cseval.sources.catalogue import Catalogue

    return DEMONSTRATION if Catalogue.imported(project).missing(evaluation.needs) else REAL


def _require_no_folder(evaluation: Evaluation, data: str) -> None:
    """Refuse a folder of real data for an evaluation that has none."""
    if data != AUTO:
        raise UsageError(
            f"{evaluation.slug} reads no real data: {evaluation.demonstration_only.rstrip('.')}",
            where="--data",
            expected="auto or demonstration",
        )


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(
            f"{str(folder)!r} is not a folder", where="--data", expected="auto, demonstration or a folder of data files"
        )


def _from_folder(evaluation: Evaluation, folder: Path) -> tuple[Inputs, str]:
    from cseval.sources.catalogue import Catalogue
    from cseval.sources.kinds import TAKEN_AS_OPEN

    _require_folder(folder)
    catalogue = Catalogue.folder(folder, (*evaluation.needs, *evaluation.optional))
    missing = catalogue.missing(evaluation.needs)
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)}", where="--data", expected="a file of each source that is needed"
        )
    return _call(evaluation, catalogue), f"Real data read from {folder}. {TAKEN_AS_OPEN}"


def _call(evaluation: Evaluation, catalogue: Catalogue) -> Inputs:
    """Read the real inputs; an error that arises in the evaluation's own module is the module's, not cseval's."""
    real = evaluation.real
    assert real is not None  # asked before: such an evaluation runs on demonstration data
    module = real.__code__.co_filename if hasattr(real, "__code__") else ""
    try:
        return real(catalogue)
    except CsevalError:
        raise
    except Exception as error:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        if last is None or last.tb_frame.f_code.co_filename != module:
            raise
        raise SpecError(
            f"{type(error).__name__}: {error}",
            where=f"{module}, line {last.tb_lineno}",
            expected="a function that returns the inputs",
            todo="Correct the module",
        ) from error
