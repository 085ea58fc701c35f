"""The golden cases: what golden.toml asks for beside what cseval finds, by whichever ``golden_*`` module has the case.

A module of cases holds ``CASES``, from a case's id to a function of the golden folder that returns every number the
case asks for by name.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What the inputs themselves give where that is not what is printed and stored.

    The number stays as it is printed; cseval is held against `exact`, which a test works out from the file anew.
    """

    exact: float
    reason: str


EXPLAINED = {
    ("ehec_medicaid_twfe_cs_bacon", "att_2014_2014"): Explained(
        exact=0.04670244128787879,
        reason="the printed and stored value is 1.1e-8 below what exact arithmetic on this file gives, 0.0467024413; "
        "the file holds outcomes to 7 decimals, the source had more",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number of a case: printed in the source, stored from a peer, and found by cseval."""

    name: str
    published: str
    published_tol: float
    stored: float
    tol: float
    note: str
    found: float
    explained: Explained | None = None

    @property
    def printed(self) -> float | None:
        """The published value as a number, None where nothing is printed."""
        return printed_number(self.published)

    @property
    def difference(self) -> float:
        return self.found - self.stored

    @property
    def relative(self) -> float:
        return self.difference / self.stored if self.stored else math.copysign(math.inf, self.difference)

    @property
    def near_stored(self) -> bool:
        return abs(self.difference) <= self.tol

    @property
    def near_published(self) -> bool:
        """Whether it is as near to the printed value as the case asks; a printed value without leeway is exact."""
        if self.printed is None:
            return True
        return abs(self.found - self.printed) <= (self.published_tol or self.tol)

    @property
    def within(self) -> bool:
        return self.near_stored and self.near_published

    @property
    def right(self) -> bool:
        """Within, or outside for a reason and equal to what the inputs give."""
        exact = self.explained is not None and abs(self.found - self.explained.exact) <= 1e-12 * abs(self.found)
        return self.within or exact


def printed_number(published: str) -> float | None:
    """The number at the head of a published value: ``.05``, ``-32.6%``, ``sqrt(1568)``, ``2.47 (A&P 2.50)``."""
    root = re.fullmatch(r"sqrt\((\d+)\)", published)
    if root:
        return math.sqrt(float(root[1]))
    plain = re.match(r"(-?\d*\.?\d+)(%?)(?: |$)", published)
    return None if plain is None else float(plain[1]) / (100 if plain[2] else 1)


@cache
def cases() -> dict[str, dict[str, Any]]:
    """Every case of golden.toml by its id."""
    read = tomllib.loads((GOLDEN / "golden.toml").read_text(encoding="utf-8"))
    return {case["id"]: case for case in read["case"]}


@cache
def functions() -> dict[str, Callable[[Path], dict[str, float]]]:
    """What finds the numbers of each case, from all modules of cases."""
    found: dict[str, Callable[[Path], dict[str, float]]] = {}
    for path in sorted(HERE.glob("golden_*.py")):
        own = getattr(import_module(path.stem), "CASES", {})
        assert not set(own) & set(found), f"{path.name} has a case that another module has"
        found |= own
    return found


@cache
def numbers(case: str) -> tuple[Number, ...]:
    """Every number that a case asks for, in its order; what else its function finds is left."""
    assert case in functions(), f"{case}: no golden_*.py module has it"
    found = functions()[case](GOLDEN)
    expected = cases()[case]["expect"]
    missing = sorted({e["name"] for e in expected} - set(found))
    assert not missing, f"{case}: no number for {missing}"
    return tuple(
        Number(
            name=e["name"],
            published=e["published"],
            published_tol=e["published_tol"],
            stored=e["value"],
            tol=e["tol"],
            note=e.get("note", ""),
            found=float(found[e["name"]]),
            explained=EXPLAINED.get((case, e["name"])),
        )
        for e in expected
    )
