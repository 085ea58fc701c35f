"""Where a project keeps its files: raw data, reference tables, analyses and results."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cseval.errors import UsageError

PROJECT_VARIABLE = "CSEVAL_PROJECT"
_PACKAGE = Path(__file__).resolve().parent


def founding() -> Path:
    """Folder that holds the founding ``analyses`` and ``data``: inside an installed wheel, beside the package else."""
    inside = _PACKAGE / "founding"
    return inside if inside.is_dir() else _PACKAGE.parent


@dataclass(frozen=True)
class Project:
    """A folder with analyses, data and results.

    Parameters
    ----------
    root : Path
        The folder everything else is relative to. It need not hold anything yet.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project that contains `start`.

        Parameters
        ----------
        start : Path, optional
            Where to look first; by default the folder in the variable ``CSEVAL_PROJECT``, else the current one.

        Returns
        -------
        Project
            The nearest folder upward that holds ``analyses/`` with a module, or `start` itself.

        Raises
        ------
        UsageError
            If ``CSEVAL_PROJECT`` names something that is not a folder.
        """
        named = os.environ.get(PROJECT_VARIABLE) if start is None else None
        if named:
            if not Path(named).is_dir():
                raise UsageError(f"{named!r} is not a folder", where=PROJECT_VARIABLE, expected="an existing folder")
            return cls(Path(named).resolve())
        here = (start or Path.cwd()).resolve()
        return cls(next((p for p in (here, *here.parents) if _has_modules(p / "analyses")), here))

    @property
    def raw(self) -> Path:
        """Imported files, read-only and never committed."""
        return self.root / "data" / "raw"

    @property
    def outputs(self) -> Path:
        """Results, one folder per evaluation."""
        return self.root / "outputs"

    @property
    def analyses(self) -> Path:
        """Evaluation modules: the project's own, or the founding ones where it has none."""
        own = self.root / "analyses"
        return own if _has_modules(own) else founding() / "analyses"

    @property
    def reference(self) -> Path:
        """Reference tables (roles, programme register, unit costs): the project's own, or the founding ones."""
        own = self.root / "data" / "reference"
        return own if own.is_dir() else founding() / "data" / "reference"

    @property
    def lock(self) -> Path:
        """The record of what was imported."""
        return self.root / "data" / "sources.lock.json"

    @property
    def sources_toml(self) -> Path:
        """The register of data sources: the project's own, or the founding one."""
        own = self.root / "data" / "sources.toml"
        return own if own.is_file() else founding() / "data" / "sources.toml"


def _has_modules(folder: Path) -> bool:
    return folder.is_dir() and any(p.stem != "__init__" for p in folder.glob("*.py"))
