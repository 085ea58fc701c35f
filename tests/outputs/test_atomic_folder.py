"""Replacing a folder: whole at every moment, one writer at a time, old outputs kept on failure."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cseval.errors import CsevalError, UsageError
from cseval.reporting import atomic
from cseval.reporting.atomic import recover, replace_folder

WRITER = """
import json, hashlib, sys
from pathlib import Path
from cseval.reporting import atomic
if sys.argv[2] == "fallback":
    atomic.exchange = lambda a, b: False
def files(k):
    body = {f"d{i % 3}/f{i}.txt": (f"{k} " * 2000).encode() for i in range(12)}
    listed = [{"path": p, "sha256": hashlib.sha256(c).hexdigest()} for p, c in body.items()]
    return {**body, "manifest.json": json.dumps({"outputs": listed}).encode()}
k = 0
while True:
    k += 1
    atomic.replace_folder(Path(sys.argv[1]), files(k))
    print(k, flush=True)
"""


def files(text: str = "one") -> dict[str, bytes]:
    body = {"a.txt": text.encode(), "deep/b.txt": text.encode()}
    manifest = {"outputs": [{"path": p} for p in body]}
    return {**body, "manifest.json": json.dumps(manifest).encode()}


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def assert_whole(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    found = content(folder)
    assert set(found) == {o["path"] for o in manifest["outputs"]} | {"manifest.json"}
    assert all(hashlib.sha256(found[o["path"]]).hexdigest() == o["sha256"] for o in manifest["outputs"])
    assert len({found[o["path"]] for o in manifest["outputs"]}) == 1  # all of one run


def test_folder_holds_exactly_the_files_and_nothing_is_left_beside_it(tmp_path):
    folder = tmp_path / "new" / "out"
    assert replace_folder(folder, files()) == tuple(folder / n for n in files())
    replace_folder(folder, files("two"))
    assert content(folder) == files("two")
    assert os.listdir(tmp_path / "new") == ["out"]


@pytest.mark.parametrize(("way", "kills"), [("exchange", 16), ("fallback", 10)])
def test_a_kill_at_any_moment_leaves_whole_outputs(tmp_path, way, kills):
    folder = tmp_path / "out"
    chance = random.Random(5)
    for _ in range(kills):
        command = [sys.executable, "-c", WRITER, str(folder), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        if way == "exchange":
            assert_whole(folder)
        recover(folder)
        assert_whole(folder)
        assert os.listdir(tmp_path) == ["out"]


def test_a_swap_cut_in_two_is_rolled_back(tmp_path):
    folder = tmp_path / "out"
    replace_folder(folder, files("old"))
    folder.rename(tmp_path / ".out.old")
    (tmp_path / ".out.tmp-1").mkdir()
    recover(folder)
    assert content(folder) == files("old")
    assert os.listdir(tmp_path) == ["out"]


def test_fallback_swaps_too(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "exchange", lambda a, b: False)
    folder = tmp_path / "out"
    replace_folder(folder, files("old"))
    replace_folder(folder, files("new"))
    assert content(folder) == files("new")
    assert os.listdir(tmp_path) == ["out"]


def test_a_second_writer_is_refused(tmp_path):
    folder = tmp_path / "out"
    with atomic._locked(folder):
        with pytest.raises(UsageError, match="another run is writing"):
            replace_folder(folder, files())
        recover(folder)  # leaves the other run's files alone
    replace_folder(folder, files())


def test_files_that_no_run_wrote_are_not_lost(tmp_path):
    folder = tmp_path / "out"
    replace_folder(folder, files("old"))
    (folder / "notes.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"notes\.docx, which no run wrote"):
        replace_folder(folder, files("new"))
    assert content(folder) == files("old") | {"notes.docx": b"mine"}
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        replace_folder(home, files())


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file"):
        replace_folder(tmp_path / "out", files())


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(CsevalError, match="could not be written"):
        replace_folder(tmp_path / "file" / "out", files())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_parent_is_a_clear_error(tmp_path):
    folder = tmp_path / "out"
    replace_folder(folder, files("old"))
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(CsevalError, match="could not be written"):
            replace_folder(folder, files("new"))
    finally:
        tmp_path.chmod(0o755)
    assert content(folder) == files("old")


def test_a_read_only_folder_is_a_clear_error(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    replace_folder(folder, files("old"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(CsevalError, match="Permission denied"):
        replace_folder(folder, files("new"))
    assert content(folder) == files("old")
    assert os.listdir(tmp_path) == ["out"]


def test_a_full_disk_leaves_the_old_outputs(tmp_path):
    resource = pytest.importorskip("resource")
    folder = tmp_path / "out"
    replace_folder(folder, files("old"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(CsevalError, match="could not be written"):
            replace_folder(folder, {"a.txt": b"small", "big.bin": b"x" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert content(folder) == files("old")
    assert os.listdir(tmp_path) == ["out"]


def test_a_name_with_glob_characters_is_taken_as_it_is(tmp_path):
    other = tmp_path / ".outx.tmp-1"
    other.mkdir()
    replace_folder(tmp_path / "out[x]", files())
    recover(tmp_path / "out?")
    assert other.is_dir()


def test_reading_a_headline_is_light():
    code = "import sys, cseval.reporting.manifest; sys.exit('pandas' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
