"""What is written down about the project agrees with the project."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

import pytest
from modules import PACKAGE, ROOT

from cseval.project import founding

ARCHITECTURE = ROOT / "docs" / "architecture.md"
MOST_LINES = 120
THIS = "tests/contracts/test_project_files.py"  # it holds the very words that it looks for

#: Paths of somebody's machine, and hosts of package registries: neither belongs in a project's text.
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:work|root|home/\w+|Users/\w+|tmp/\w(?=/))(?=[/\s\"'`]|$)|[A-Z]:\\\\?Users")
REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|index-url|crates\.io")
OPEN_DATA = "../shared"
MAY_NAME_OPEN_DATA = ("tests/", ".ci/", "CONTRIBUTING.md")

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="not in a checkout")


def modules_that_exist():
    files = (p for p in PACKAGE.rglob("*.py") if p.read_text(encoding="utf-8").strip())
    return {p.relative_to(ROOT).as_posix() for p in files}


def modules_named():
    """Modules in the page: ``cseval/inference/: `base.py`, ...`` after a heading line that gives the folder."""
    named, folder = [], ""
    for line in ARCHITECTURE.read_text(encoding="utf-8").splitlines():
        heading = re.match(r"### `(cseval/[\w/]*)`", line)
        folder = heading[1] if heading else "" if line.startswith("#") else folder
        if folder and line.startswith("- `"):
            named += [folder + name for name in re.findall(r"`([\w/]+\.py)`", line.split(":", 1)[0])]
    return named


def test_the_architecture_page_names_every_module_once():
    named = modules_named()
    assert len(named) == len(set(named))
    assert set(named) - modules_that_exist() == set(), "named but not there"
    assert modules_that_exist() - set(named) == set(), "there but not named"


def test_the_architecture_page_stays_short():
    assert len(ARCHITECTURE.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def tracked():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return [p for p in listed.stdout.split("\0") if p and (ROOT / p).is_file()]


def texts():
    for path in tracked():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content[:8000]:
            yield path, content.decode("utf-8")


def lines_with(pattern):
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line) and not path.endswith(THIS)
    ]


def test_no_text_holds_a_machine_path():
    assert lines_with(MACHINE_PATHS) == []


def test_no_text_names_a_package_registry():
    assert lines_with(REGISTRIES) == []


def test_the_folder_of_open_data_is_named_only_where_it_is_optional():
    found = lines_with(re.compile(re.escape(OPEN_DATA)))
    assert [line for line in found if not line.startswith(MAY_NAME_OPEN_DATA)] == []


def test_imported_data_are_never_committed():
    assert [p for p in tracked() if p.startswith("data/raw/")] == []


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_takes_along_what_a_founding_run_needs():
    forced = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, target in forced.items():
        assert (ROOT / source).exists(), source
        assert target == f"cseval/founding/{source}"
    assert {"analyses", "data/reference", "data/sources.toml"} <= set(forced)
    assert founding() == ROOT, "a checkout uses its own files"


def test_the_version_is_the_same_everywhere():
    import cseval

    assert pyproject()["project"]["version"] == cseval.__version__


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "LICENSE", "analyses/README.md", "data/README.md"])
def test_the_files_a_reader_looks_for_are_there(name):
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def links():
    """Relative links of the Markdown pages."""
    for path, text in texts():
        if path.endswith(".md") and not path.startswith("outputs/"):
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
                if not re.match(r"[a-z]+:", target):
                    yield path, target


def test_links_between_pages_lead_somewhere():
    assert [(p, t) for p, t in links() if not (ROOT / p).parent.joinpath(t).exists()] == []
