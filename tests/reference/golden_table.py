"""Write docs/golden.md: every published number beside cseval's.

    python tests/reference/golden_table.py            writes the page
    python tests/reference/golden_table.py --check    compares it with the page on disk

Either prints the number of cases and of numbers, the largest difference and how many lie outside their tolerance, and
ends with 1 if any does whose own inputs do not say so, or if the page is stale.

The page must have the same bytes on every machine. So a value is written to no more digits than its tolerance means,
and a difference as the next power of ten above it, from a hundredth of the tolerance and from 1e-9 of the value up.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from golden_suite import GOLDEN, Number, cases, numbers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "golden.md"

#: A number is held exactly where its tolerance is below this share of its value.
EXACT = 2e-5

HEADER = """# Golden numbers: published results, reproduced

Made by `python tests/reference/golden_table.py`; do not edit. The cases are data sets with published results, none of
them from this project, in a folder of open data beside the checkout (see [CONTRIBUTING.md](../CONTRIBUTING.md)).
`tests/reference/golden_*.py` computes each number from the data by cseval's public functions;
`tests/reference/test_golden.py` holds it against the published value and against a stored one from another package.

- **Published** is what the source prints; in brackets where it prints nothing: code, or a number from a peer package.
- **Stored** is another package's value on the very same file, to more digits.
- **Difference** is cseval less stored, as the next power of ten above it; it is given from a hundredth of the
  tolerance up, below which machines may differ. **Relative** is the same over the stored value.
- **Within**: as near to stored as the tolerance says, and to published as its printed digits allow. A printed number
  that its own inputs contradict is kept as it is printed, and the reason stands above the table.

*Printed value* says whether the number was read again in a copy of its source when the cases were collected (retrieved)
or is quoted from memory of the publication (recalled): check those before quoting them.
"""


def page(found: dict[str, tuple[Number, ...]]) -> str:
    """The whole page."""
    sections = [section(cases()[case], own) for case, own in found.items()]
    return "\n".join([HEADER, summary_lines(found), overview(found), "## Cases\n", *sections])


def summary_lines(found: dict[str, tuple[Number, ...]]) -> str:
    every = [n for own in found.values() for n in own]
    outside = sum(not n.within for n in every)
    explained = (
        f", {sum(n.right for n in every if not n.within)} of them for a reason that a test works out" if outside else ""
    )
    return f"{len(found)} cases, {len(every)} numbers, {outside} outside their tolerance{explained}.\n"


def overview(found: dict[str, tuple[Number, ...]]) -> str:
    """One row a case."""
    rows = [
        (f"`{case}`", cases()[case]["title"], str(len(own)), f"{sum(n.within for n in own)} of {len(own)}")
        for case, own in found.items()
    ]
    return table(("Case", "What", "Numbers", "Within"), rows)


def section(case: dict[str, Any], own: Sequence[Number]) -> str:
    """Heading, sources and table of one case."""
    facts = [
        f"- Estimator: {case['estimator']}",
        f"- Errors: {case['se_type']}",
        f"- Source: {case['source']}",
        f"- Printed value: {case['published_seen']}. Stored value: {', '.join(case['confirmed_by'])}.",
    ]
    notes = [f"- {case['note']}"] if "note" in case else []
    notes += [f"- {', '.join(f'`{name}`' for name in names)}: {note}" for note, names in noted(own).items()]
    head = ("Quantity", "Published", "Stored", "cseval", "Difference", "Relative", "Within")
    parts = [f"### `{case['id']}`: {case['title']}\n", *map(plain, [*facts, *notes]), "", table(head, map(row, own))]
    return "\n".join(parts)


def noted(own: Sequence[Number]) -> dict[str, list[str]]:
    """Names of the numbers of each note."""
    found: dict[str, list[str]] = {}
    for n in own:
        for note in (n.note, n.explained.reason if n.explained else ""):
            if note:
                found.setdefault(note, []).append(n.name)
    return found


def plain(text: str) -> str:
    """Text in which Markdown would read a sign as markup: kept as it is."""
    return text.replace("*", r"\*").replace("|", r"\|").replace("~", r"\~")


def row(n: Number) -> tuple[str, ...]:
    digits = decimals(n)
    stored, ours = f"{n.stored:.{digits}f}", f"{n.found:.{digits}f}"
    relative = coarse(n.relative, floor(n) / abs(n.stored)) if n.stored else ""
    within = "yes" if n.within else "no, see above" if n.right else "**no**"
    return f"`{n.name}`", plain(n.published), stored, ours, coarse(n.difference, floor(n)), relative, within


def decimals(n: Number) -> int:
    """As many as the tolerance means, but at least three significant digits and at most six."""
    size = math.floor(math.log10(abs(n.stored))) if n.stored else 0
    meant = math.ceil(-math.log10(n.tol) - 1e-9)
    return max(min(max(meant, 2 - size), 5 - size), 0)


def floor(n: Number) -> float:
    """The difference from which one is told, in the unit of the number."""
    return max(n.tol / 100, 1e-9 * abs(n.stored))


def coarse(difference: float, least: float) -> str:
    """The next power of ten above a difference, or above the least that is told."""
    power = math.ceil(math.log10(max(abs(difference), least)) - 1e-9)
    return f"< 1e{power}" if power < 0 else f"< {10**power}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def printed_summary(found: dict[str, tuple[Number, ...]], seconds: float) -> str:
    """What the command says, to full precision: it is no output that is kept."""
    every = [(case, n) for case, own in found.items() for n in own]
    exact = [(c, n) for c, n in every if n.stored and n.tol <= EXACT * abs(n.stored)]
    wide = [(c, n) for c, n in every if n.stored and n.tol > EXACT * abs(n.stored)]
    outside = [(c, n) for c, n in every if not n.within]
    lines = [f"{len(found)} cases, {len(every)} numbers in {seconds:.0f} s"]
    for what, chosen in (("held to 5 digits or more", exact), ("held to fewer digits (drawn or rounded)", wide)):
        if chosen:
            case, n = max(chosen, key=lambda c: abs(c[1].relative))
            lines.append(f"{len(chosen)} {what}: largest relative difference {abs(n.relative):.1e} ({case}, {n.name})")
    lines.append(f"{len(outside)} outside their tolerance")
    for case, n in outside:
        why = f": {n.explained.reason}" if n.explained and n.right else ""
        lines.append(
            f"  {case}, {n.name}: found {n.found!r}, stored {n.stored} +- {n.tol}, published {n.published}{why}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite and write or check the page; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/golden.md, or compare it.")
    parser.add_argument("--check", action="store_true", help="compare with the page on disk instead of writing it")
    check = parser.parse_args(arguments).check
    if not (GOLDEN / "golden.toml").exists():
        print(f"no golden data beside the checkout: {GOLDEN} is absent", file=sys.stderr)
        return 2
    started = time.perf_counter()
    found = {case: numbers(case) for case in cases()}
    print(printed_summary(found, time.perf_counter() - started))
    failed = any(not n.right for own in found.values() for n in own)
    return max(int(failed), _compare(page(found)) if check else _write(page(found)))


def _write(text: str) -> int:
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {PAGE.relative_to(PAGE.parents[1])}")
    return 0


def _compare(text: str) -> int:
    stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text
    print(f"{PAGE.relative_to(PAGE.parents[1])} is {'stale: run without --check' if stale else 'as on disk'}")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
