"""One small project, run once; a fresh copy of it for every test that changes something."""

from __future__ import annotations

import contextlib
import io
import shutil

import pytest
from small_project import Said, make_project

from cseval.cli.main import run

DRAWS = "199"


@pytest.fixture
def cseval(capsys):
    """Run one command line in this process: ``cseval("list", "--json")``."""

    def call(*arguments):
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture(autouse=True)
def _own_project_only(monkeypatch):
    monkeypatch.delenv("CSEVAL_PROJECT", raising=False)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("small"))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["run", "small-evaluation", "--draws", DRAWS])
    assert code == 0, err.getvalue()
    return root, Said(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def project_that_ran(first_run):
    """The small project with the outputs of its first run; not to be changed."""
    return first_run[0]


@pytest.fixture(scope="session")
def said_when_run(first_run):
    """What that run printed."""
    return first_run[1]


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A project that has never run, as the current folder."""
    root = make_project(tmp_path / "project")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def done(project_that_ran, tmp_path, monkeypatch):
    """A copy of the project that has run, as the current folder."""
    root = tmp_path / "done"
    shutil.copytree(project_that_ran, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(root)
    return root
