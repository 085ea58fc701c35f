"""What a part may look at, for tests: the project's own register, with no file or with published ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from grounds import REFERENCE, ROOT

from cseval.part import Ground
from cseval.register import read_register
from cseval.registry.details import gather_registry
from cseval.sources.catalogue import Catalogue


@pytest.fixture(scope="session")
def ground():
    """Real data, of which none were imported."""
    registry = gather_registry(REFERENCE, read_register(REFERENCE / "programmes.csv"), {})
    return Ground(reference=REFERENCE, catalogue=Catalogue(root=ROOT), registry=registry, data="real", seed=1, draws=99)


@pytest.fixture(scope="session")
def simulated(ground):
    """Simulated data."""
    return replace(ground, data="demonstration")


@pytest.fixture
def imported(tmp_path, ground):
    """A ground with these files: tables written by the test, or published ones."""

    def made(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".")
            if isinstance(content, Path):
                path = tmp_path / content.name
                path.symlink_to(content)
            else:
                path.write_text(content, encoding="utf-8")
        return replace(ground, catalogue=Catalogue.folder(tmp_path))

    return made
