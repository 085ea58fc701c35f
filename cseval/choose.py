"""Which data a run uses: the imported real files if all that are needed are there, else demonstration data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import CsevalError, SpecError, UsageError
from cseval.inputs import DEMONSTRATION, REAL

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
        lacking = " and ".join(missing) + (" is" if len(missing) == 1 else " are")
        why = f"Demonstration data (simulated, no real place), because {lacking} not imported."
        return evaluation.demonstration(seed), why
    return _call(evaluation, catalogue), "Real data: every source that is needed is imported and verified."


def choose_kind(evaluation: Evaluation, project: Project, data: str) -> str:
    """Which kind of data a run would use, ``real`` or ``demonstration``, without reading any.

    Raises
    ------
    UsageError
        If `data` names a folder that is absent, or no real data exist.
    """
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
