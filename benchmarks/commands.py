"""Commands timed from the outside: start-up, and a full run; a fresh interpreter each time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from benchmarks.timing import ROOT, Contestant, Job

if TYPE_CHECKING:
    from benchmarks.panels import Size

RUN = ("-m", "cseval", "run", "pilot-evaluation", "--data", "demonstration")


def _command(*arguments: str, output: bool = False) -> Callable[[Size], Job]:
    def prepare(_: Size) -> Job:
        def job() -> Sequence[float]:
            with tempfile.TemporaryDirectory() as folder:
                more = ("--out", folder) if output else ()
                subprocess.run([sys.executable, *arguments, *more], cwd=ROOT, check=True, capture_output=True)
            return ()

        return job

    return prepare


def _contestant(name: str, *arguments: str, package: str = "cseval", output: bool = False) -> Contestant:
    return Contestant(name=name, package=package, prepare=_command(*arguments, output=output), command=True)


BARE = _contestant("bare interpreter", "-c", "pass")
CLICK = _contestant("import click", "-c", "import click", package="click")
EAGER = _contestant(
    "an eager command line", "-c", "import pandas, statsmodels.api, linearmodels, seaborn", package="seaborn"
)
HELP = _contestant("cseval --help", "-m", "cseval", "--help")
LIST = _contestant("cseval list", "-m", "cseval", "list")
FULL = _contestant("cseval run", *RUN, output=True)
