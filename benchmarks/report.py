"""The table of what was timed, as Markdown and CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Row
from benchmarks.timing import Timed

COLUMNS = (
    "row",
    "work",
    "size",
    "contestant",
    "version",
    "seconds",
    "repeats",
    "peak_mib",
    "times_cseval",
    "max_difference",
    "target",
    "met",
    "remark",
)
HEADINGS = ("work", "areas x months", "by", "version", "s", "runs", "peak MiB", "times cseval's", "max difference")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One contestant of one row, as the table shows it; None where there is no such number."""

    row: str
    work: str
    size: str
    contestant: str
    version: str
    seconds: float | None
    repeats: int
    peak_mib: float | None
    times_cseval: float | None
    max_difference: float | None
    target: str
    met: str
    remark: str


def lines(row: Row, found: Sequence[Timed]) -> list[Line]:
    """The lines of one row: cseval's first, with the target, then its peers."""
    own = found[0]
    seconds = {t.name: t.median for t in found} | {s.name: s.seconds for s in row.stored}
    out = [_line(row, own, own, _met(row, seconds), _memory(row, own) if row.memory else row.note)]
    out += [_line(row, t, own, "", "") for t in found[1:]]
    return out + [_line(row, Timed(name=s.name, seconds=(s.seconds,)), own, "", "") for s in row.stored]


def _line(row: Row, timed: Timed, own: Timed, met: str, remark: str) -> Line:
    stored = timed.name in {s.name for s in row.stored}
    first = timed is own
    return Line(
        row=row.slug,
        work=row.work,
        size=row.size.label if row.tiny is not None else "",
        contestant=timed.name,
        version=timed.version,
        seconds=timed.median,
        repeats=0 if stored else len(timed.seconds),
        peak_mib=timed.peak,
        times_cseval=None if first or not timed.median or not own.median else timed.median / own.median,
        max_difference=None if first or not row.agree else difference(own.numbers, timed.numbers),
        target=row.target.text if first else "",
        met=met,
        remark=f"skipped: {timed.skipped}" if timed.skipped else remark,
    )


def _memory(row: Row, own: Timed) -> str:
    """Peak memory beside the panel's own array of whole counts; the target is at most twice that."""
    if own.peak is None:
        return ""
    array = row.size.areas * row.size.months * 8 / 2**20
    return f"memory: {own.peak:.1f} MiB, {own.peak / array:.2f} times the panel's own {array:.1f} MiB"


def difference(own: Sequence[float], other: Sequence[float]) -> float | None:
    """Largest difference of two packages' numbers; infinite where they do not even have as many."""
    if not own or not other:
        return None
    if len(own) != len(other):
        return float("inf")
    return max(abs(a - b) for a, b in zip(own, other, strict=True))


def _met(row: Row, seconds: Mapping[str, float | None]) -> str:
    """Whether the target was met; empty where it cannot be said."""
    own, target = seconds[row.contestants[0].name], row.target
    if own is None:
        return ""
    if target.seconds is not None:
        return "yes" if own <= target.seconds else "no"
    peers = [s for name, s in seconds.items() if name != row.contestants[0].name and s is not None]
    against = seconds.get(target.peer) if target.peer else min(peers, default=None)
    if target.times is None or against is None:
        return ""
    return "yes" if own * target.times <= against else "no"


def write_csv(path: Path, found: Sequence[Line]) -> None:
    """The lines with every column of `COLUMNS`; a number that does not exist is empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for line in found:
            values = (getattr(line, c) for c in COLUMNS)
            writer.writerow("" if v is None else f"{v:.6g}" if isinstance(v, float) else v for v in values)


def markdown(found: Sequence[Line], machine: Mapping[str, str]) -> str:
    """The page: what was timed on, the table, and the targets."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items() if value)
    table = _table(HEADINGS, [_cells(line) for line in found])
    goals = [
        (line.work, line.size or "-", line.target, _seconds(line.seconds), line.met or "cannot be said", line.remark)
        for line in found
        if line.target not in ("", "-")
    ]
    return "\n".join(
        (
            "# Timings",
            "",
            "Written by `python -m benchmarks`; see README.md beside this page for what is timed and how.",
            "",
            f"Machine: {facts}.",
            "",
            "## Targets",
            "",
            _table(("work", "areas x months", "target", "cseval s", "met", "remark"), goals),
            "",
            "## Every contestant",
            "",
            table,
            "",
        )
    )


def _cells(line: Line) -> tuple[str, ...]:
    ratio = "" if line.times_cseval is None else f"{line.times_cseval:,.3g}"
    return (
        line.work,
        line.size or "-",
        line.contestant,
        line.version,
        _seconds(line.seconds) if line.seconds is not None else line.remark,
        str(line.repeats or ""),
        "" if line.peak_mib is None else f"{line.peak_mib:,.0f}",
        ratio,
        "" if line.max_difference is None else f"{line.max_difference:.1e}",
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    divider = ["---"] * len(headings)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, divider, *rows))
