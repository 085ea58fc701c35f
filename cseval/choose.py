"""Which data a run uses: the imported real files if all that are needed are there, else demonstration data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import UsageError
from cseval.inputs import DEMONSTRATION, REAL

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.project import Project
    from cseval.spec import Evaluation

AUTO = "auto"


def choose_inputs(evaluation: Evaluation, project: Project, data: str, seed: int) -> tuple[Inputs, str]:
    """Read or simulate the inputs.

    Parameters
    ----------
    evaluation : Evaluation
    project : Project
    data : str
        ``auto``, ``demonstration``, or a folder of files as published.
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
        If `data` names a folder that is absent or lacks a source that is needed.
    """
    if data == DEMONSTRATION:
        return evaluation.demonstration(seed), "Demonstration data, as asked: simulated, no real place."
    if data != AUTO:
        return _from_folder(evaluation, Path(data))
    from cseval.sources.catalogue import Catalogue

    catalogue = Catalogue.imported(project)
    missing = catalogue.missing(evaluation.needs)
    if missing:
        why = f"Demonstration data (simulated, no real place), because {', '.join(missing)} is not imported."
        return evaluation.demonstration(seed), why
    return evaluation.real(catalogue), "Real data: every source that is needed is imported and verified."


def choose_kind(evaluation: Evaluation, project: Project, data: str) -> str:
    """Which kind of data a run would use, ``real`` or ``demonstration``, without reading any.

    Raises
    ------
    UsageError
        If `data` names a folder that is absent.
    """
    if data == DEMONSTRATION:
        return DEMONSTRATION
    if data != AUTO:
        _require_folder(Path(data))
        return REAL
    from cseval.sources.catalogue import Catalogue

    return DEMONSTRATION if Catalogue.imported(project).missing(evaluation.needs) else REAL


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(
            f"{str(folder)!r} is not a folder", where="--data", expected="auto, demonstration or a folder of data files"
        )


def _from_folder(evaluation: Evaluation, folder: Path) -> tuple[Inputs, str]:
    from cseval.sources.catalogue import Catalogue

    _require_folder(folder)
    catalogue = Catalogue.folder(folder, (*evaluation.needs, *evaluation.optional))
    missing = catalogue.missing(evaluation.needs)
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)}", where="--data", expected="a file of each source that is needed"
        )
    return evaluation.real(catalogue), f"Real data read from {folder}."
