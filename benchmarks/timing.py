"""One contestant of one row, timed in a process of its own so that memory and caches are its own."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median

from benchmarks.panels import Size

ROOT = Path(__file__).resolve().parents[1]
#: A contestant slower than this on its first run is not run again and again.
SLOW, VERY_SLOW = 20.0, 120.0
#: Longest that one contestant may take, with loading and all repeats.
LIMIT = 600.0

Job = Callable[[], Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A package's way of doing a row's work.

    `prepare` loads the data in the package's own form, untimed, and returns the job, which is timed and returns the
    numbers to be compared. `memory` is what it is known to need, in GiB; with less it is skipped.
    """

    name: str
    prepare: Callable[[Size], Job]
    package: str = "cseval"
    memory: float = 0.0
    command: bool = False


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What was measured, or why it was not.

    `seconds` has one entry a repeat; `peak` is the most memory used by a job beyond what was in use before it, in MiB.
    """

    name: str
    version: str = ""
    seconds: tuple[float, ...] = ()
    peak: float | None = None
    numbers: tuple[float, ...] = ()
    skipped: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def median(self) -> float | None:
        return median(self.seconds) if self.seconds else None


def measure(contestant: Contestant, size: Size, tiny: Size | None, repeats: int) -> Timed:
    """Time a contestant in this process, after a run on a tiny panel that imports and compiles what it needs."""
    if tiny is not None:
        contestant.prepare(tiny)()
    job = contestant.prepare(size)
    gc.collect()
    before = _reset_peak()
    seconds: list[float] = []
    numbers: Sequence[float] = ()
    peak: float | None = None
    while len(seconds) < allowed(seconds, repeats):
        start = time.perf_counter()
        numbers = job()
        seconds.append(time.perf_counter() - start)
        peak = _peak(before, contestant.command) if peak is None else peak
    return Timed(
        name=contestant.name,
        version=version(contestant.package),
        seconds=tuple(seconds),
        peak=peak,
        numbers=tuple(float(n) for n in numbers),
    )


def allowed(seconds: Sequence[float], repeats: int) -> int:
    """How many runs there are to be, given those so far: fewer of what is slow."""
    if not seconds or seconds[0] <= SLOW:
        return repeats
    return min(repeats, 3 if seconds[0] <= VERY_SLOW else 1)


def version(package: str) -> str:
    """Version of an installed package, or empty."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def apart(contestant: Contestant, row: str, size: Size, tiny: Size | None, repeats: int) -> Timed:
    """Time a contestant in a fresh process; the reason where it cannot be."""
    reason = unavailable(contestant)
    if reason:
        return Timed(name=contestant.name, version=version(contestant.package), skipped=reason)
    request = {"row": row, "name": contestant.name, "size": asdict(size), "repeats": repeats}
    request["tiny"] = asdict(tiny) if tiny else None
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(request)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Timed(name=contestant.name, version=version(contestant.package), skipped=f"more than {LIMIT:.0f} s")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}, out of memory perhaps"])[-1]
        return Timed(name=contestant.name, version=version(contestant.package), skipped=last[:160])
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Timed(**{**found, "seconds": tuple(found["seconds"]), "numbers": tuple(found["numbers"])})


def unavailable(contestant: Contestant) -> str:
    """Why a contestant cannot run here; empty if it can."""
    if not version(contestant.package):
        return f"{contestant.package} is not installed"
    free = available_memory()
    if contestant.memory and free is not None and free < contestant.memory:
        return f"needs about {contestant.memory:.0f} GiB of memory, {free:.0f} GiB free"
    return ""


def available_memory() -> float | None:
    """Free memory in GiB, where the system says it."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 2**20 for line in lines if line.startswith("MemAvailable")), None)


def _status(name: str) -> float | None:
    """A figure of this process from the system, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":")), None)


def _reset_peak() -> float | None:
    """Memory in use now, in MiB, with the peak counted anew from here; None where the system cannot do that."""
    try:
        # memory that loading has freed but not given back would hide what a job needs
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, AttributeError):
        return None
    return _status("VmRSS")


def _peak(before: float | None, command: bool) -> float | None:
    """Peak since `before`; of the largest command that was run, if jobs are commands."""
    if command:
        scale = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / scale
    now = _status("VmHWM")
    return None if before is None or now is None else max(now - before, 0.0)


def machine() -> dict[str, str]:
    """What the timings were made on."""
    import platform

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0.0
    packages = ("cseval", "numpy", "pandas", "scipy", "statsmodels")
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
        **{p: version(p) for p in packages},
    }
