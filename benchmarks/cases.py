"""The rows of the table: what is done, on what, by whom, and what cseval is to reach."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks import (
    commands,
    own,
    own_staggered,
    own_synthetic,
    peers,
    peers_staggered,
    peers_synthetic,
    streets,
)
from benchmarks.panels import LONDON, NATION, Size
from benchmarks.timing import Contestant

#: A panel on which everything is imported and compiled before it is timed.
TINY = Size(areas=200, months=24, pre=16)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the first contestant is to reach: at most `seconds`, or `times` faster than a peer (the best if empty)."""

    text: str
    seconds: float | None = None
    times: float | None = None
    peer: str = ""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A peer that cannot be installed with Python's, measured once on a machine of the same kind in November 2026."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One piece of work; the first contestant is cseval's.

    `agree` says that all give the same numbers, `memory` that cseval is to need at most twice the panel's own array.
    """

    slug: str
    work: str
    size: Size
    contestants: tuple[Contestant, ...]
    target: Target
    stored: tuple[Stored, ...] = ()
    tiny: Size | None = TINY
    agree: bool = True
    memory: bool = False
    note: str = ""


def _fixest(london: float | None, nation: float) -> dict[str, tuple[Stored, ...]]:
    found = {"nation": (Stored(name="R fixest (stored)", seconds=nation),)}
    return found | ({"london": (Stored(name="R fixest (stored)", seconds=london),)} if london else {})


POISSON = Target(text="50 times faster than pyfixest", times=50, peer="pyfixest fepois")
LINEAR = Target(text="20 times faster than the best", times=20)
EVENTS = Target(text="50 times faster than R fixest", times=50, peer="R fixest (stored)")
SIZES = {"london": LONDON, "nation": NATION}

_DID = tuple(
    row
    for name, size in SIZES.items()
    for row in (
        Row(
            slug=f"poisson-{name}",
            work="two-way Poisson DiD, clustered errors",
            size=size,
            contestants=(own.POISSON, peers.PYFIXEST_POISSON),
            memory=True,
            stored=_fixest(0.23, 2.7)[name],
            target=POISSON,
        ),
        Row(
            slug=f"linear-{name}",
            work="two-way linear DiD, clustered errors",
            size=size,
            contestants=(own.LINEAR, peers.PYFIXEST_LINEAR, peers.LINEARMODELS, peers.DIFF_DIFF),
            memory=True,
            stored=_fixest(None, 0.70).get(name, ()),
            target=LINEAR,
        ),
        Row(
            slug=f"events-{name}",
            work="event study by month, clustered errors",
            size=size,
            contestants=(own.EVENTS, peers.PYFIXEST_EVENTS, peers.LINEARMODELS_EVENTS),
            memory=True,
            stored=_fixest(None, 7.9).get(name, ()),
            target=EVENTS if name == "nation" else Target(text="-"),
        ),
    )
)

CALIBRATION = Size(areas=4_835, months=72, pre=60)
CLUSTERS = replace(LONDON, districts=33, treated_districts=11)
FEW_CLUSTERS = replace(TINY, districts=12, treated_districts=4)

ROWS: tuple[Row, ...] = (
    *_DID,
    Row(
        slug="drawing",
        work="9,999 connected placebo neighbourhoods of 5",
        size=LONDON,
        contestants=(own.DRAWING,),
        target=Target(text="under 0.5 s", seconds=0.5),
        agree=False,
    ),
    Row(
        slug="randomisation",
        work="effects of 9,999 draws",
        size=LONDON,
        contestants=(own.ESTIMATING, peers.NUMPY_LOOP, peers.RITEST),
        target=Target(text="under 0.02 s", seconds=0.02),
        agree=False,
        note="peers draw areas that need not adjoin",
    ),
    Row(
        slug="calibration",
        work="1,000 placebo evaluations x 999 draws each",
        size=CALIBRATION,
        tiny=replace(CALIBRATION, areas=400),
        contestants=(own.CALIBRATING,),
        target=Target(text="under 10 s", seconds=10),
        agree=False,
        note="three populations of placebos and two methods; nobody else offers it",
    ),
    Row(
        slug="wild",
        work="wild cluster bootstrap, 9,999 draws, 33 clusters",
        size=CLUSTERS,
        contestants=(own.WILD, peers.PYFIXEST_WILD, peers.WILDBOOTTEST),
        target=Target(text="not slower than pyfixest", times=1, peer="pyfixest wildboottest"),
        tiny=FEW_CLUSTERS,
        agree=False,
        note="cseval's time includes the estimate and the interval; p-values differ by their draws",
    ),
    Row(
        slug="callaway-santanna",
        work="Callaway-Sant'Anna, 4 cohorts, every average and band",
        size=LONDON,
        tiny=Size(areas=200, months=24, pre=8),
        contestants=(own_staggered.CALLAWAY_SANTANNA, peers_staggered.DIFF_DIFF, peers_staggered.CSDID),
        target=Target(text="not slower than diff-diff", times=1, peer="diff-diff CallawaySantAnna"),
    ),
    Row(
        slug="staggered-sets",
        work="Poisson ETWFE of 9,999 sets of neighbourhoods with their own starts",
        size=LONDON,
        contestants=(own_staggered.PLACEBO,),
        target=Target(text="under 2 s", seconds=2),
        agree=False,
        note="nobody else offers it",
    ),
    Row(
        slug="synthetic-did-states",
        work="synthetic DiD with 200 placebos, one treated",
        size=own_synthetic.STATES,
        tiny=own_synthetic.TINY,
        contestants=(own_synthetic.STATES_DID, peers_synthetic.DIFF_DIFF_STATES, peers_synthetic.SYNTHDID_STATES),
        target=Target(text="not slower than diff-diff", times=1, peer="diff-diff SyntheticDiD"),
        agree=False,
        note="the size of Proposition 99; standard errors differ by their draws",
    ),
    Row(
        slug="synthetic-did-areas",
        work="synthetic DiD with 50 placebos, five treated",
        size=own_synthetic.AREAS,
        tiny=own_synthetic.TINY,
        contestants=(own_synthetic.AREAS_DID, peers_synthetic.DIFF_DIFF_AREAS, peers_synthetic.SYNTHDID_AREAS),
        target=Target(text="not slower than diff-diff", times=1, peer="diff-diff SyntheticDiD"),
        agree=False,
        note="standard errors differ by their draws",
    ),
    Row(
        slug="synthetic-control",
        work="synthetic control, one borough among 31",
        size=own_synthetic.BOROUGHS,
        tiny=own_synthetic.TINY,
        contestants=(own_synthetic.CONTROL, peers_synthetic.PYSYNCON),
        target=Target(text="-"),
        agree=False,
        note="cseval's time includes path and tables; the solvers differ",
    ),
    Row(
        slug="streets",
        work="12 street files to area x month x type counts",
        size=Size(areas=4_835, months=12, pre=6),
        contestants=(streets.CSEVAL, streets.PANDAS),
        target=Target(text="twice as fast as pandas", times=2, peer="pandas usecols"),
        note="1.14 m rows; cseval also validates every row and finds repeats",
    ),
    Row(
        slug="help",
        work="start-up: help",
        size=TINY,
        contestants=(commands.HELP, commands.BARE, commands.CLICK, commands.EAGER),
        target=Target(text="under 0.15 s", seconds=0.15),
        tiny=None,
        agree=False,
    ),
    Row(
        slug="list",
        work="start-up: list",
        size=TINY,
        contestants=(commands.LIST, commands.BARE, commands.CLICK, commands.EAGER),
        target=Target(text="under 0.15 s", seconds=0.15),
        tiny=None,
        agree=False,
    ),
    Row(
        slug="run",
        work="full run of the pilot evaluation, demonstration data",
        size=TINY,
        contestants=(commands.FULL,),
        target=Target(text="under 12 s", seconds=12),
        tiny=None,
        agree=False,
    ),
)
