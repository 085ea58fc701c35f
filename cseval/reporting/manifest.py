"""The manifest: from what, with what and by what protocol the outputs were made. Light to import."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.errors import DataError
from cseval.reporting.atomic import MANIFEST

if TYPE_CHECKING:
    from cseval.reporting.figures import Figure
    from cseval.result import Told

SCHEMA_VERSION = 1
PACKAGES = tuple("numpy pandas scipy statsmodels linearmodels matplotlib seaborn jinja2 python-docx xlsxwriter".split())


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What `cseval list` says of an evaluation's last run."""

    evaluation: str
    data: str
    headline: str


def read_headline(folder: Path) -> Headline | None:
    """The headline of the outputs in a folder; None if it holds none.

    Raises
    ------
    DataError
        If the manifest is there and cannot be read.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
        return Headline(evaluation=content["evaluation"], data=content["data"], headline=content["headline"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the manifest cannot be read", where=str(path), expected="a manifest that a run wrote", todo="Run again"
        ) from error


def run_hash(manifest: Mapping[str, Any]) -> str:
    """The hash by which a paper names a run: of its manifest without the ``run`` block, 16 hexadecimal digits.

    Two runs that found the same by the same inputs, protocol and code have the same hash.
    """
    import hashlib

    kept = {key: value for key, value in manifest.items() if key != "run"}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def manifest_bytes(
    result: Told,
    *,
    protocol_hash: str,
    command: str,
    files: Mapping[str, bytes],
    figures: Sequence[Figure],
    not_drawn: Sequence[str],
    project: Path,
) -> bytes:
    """The manifest of these output files.

    Everything outside its ``run`` block is the same for two runs on the same inputs; that block holds what may differ:
    how long each step took, and the commit of the project, which changes when the outputs themselves are committed.
    """
    from cseval.reporting.files import json_bytes, sha256

    return json_bytes(
        {
            "schema_version": SCHEMA_VERSION,
            "evaluation": result.slug,
            "title": result.title,
            "data": result.data,
            "headline": result.headline,
            "protocol_sha256": protocol_hash,
            "command": command,
            "seed": result.seed,
            "draws": result.draws,
            "versions": versions(),
            "inputs": _inputs(result),
            "outputs": [{"path": p, "bytes": len(c), "sha256": sha256(c)} for p, c in sorted(files.items())],
            "figures": [
                {"name": g.name, "path": f"figures/{g.name}.png", "title": g.title, "alt": g.alt, "caption": g.caption}
                for g in figures
            ],
            "warnings": list(result.warnings),
            "left_out": [*result.left_out, *not_drawn],
            "run": {
                "git_commit": git_commit(project),
                "seconds": {step: round(float(seconds), 3) for step, seconds in result.durations.items()},
            },
        }
    )


def _inputs(result: Told) -> list[dict[str, Any]]:
    return [
        {
            "kind": p.kind,
            "title": p.title,
            "path": p.path,
            "sha256": p.sha256,
            "rows": p.rows,
            "first_month": p.first_month,
            "last_month": p.last_month,
            "vintage": p.vintage,
            "source": p.publisher,
            "licence": p.licence,
            "notes": list(p.notes),
        }
        for p in result.sources
    ]


def versions() -> dict[str, str]:
    """Versions of cseval, Python and the packages that decide a number or a picture."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return ""

    return {
        "cseval": installed("cseval"),
        "python": platform.python_version(),
        **{package: installed(package) for package in PACKAGES},
    }


def git_commit(folder: Path) -> str:
    """The commit of the git checkout that `folder` is in; empty outside one, or without git."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
