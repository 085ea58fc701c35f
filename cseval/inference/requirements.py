"""What inference methods need of the places and months they rest on, and what follows where it is not so.

Sources of the rules
--------------------
* Fewer than about six treated clusters: cluster-robust errors of any kind reject far too often, and the wild cluster
  bootstrap either hardly ever or far too often, depending on whether it imposes the null. MacKinnon and Webb (2017),
  "Wild bootstrap inference for wildly different cluster sizes"; MacKinnon and Webb (2018), "The wild bootstrap for few
  (treated) clusters"; Conley and Taber (2011), "Inference with 'difference in differences' with a small number of
  policy changes". With one treated cluster its own variance cannot be estimated at all.
* Clusters that weigh unequally count for fewer: Carter, Schnepel and Steigerwald (2017), "Asymptotic behavior of a
  t-test robust to cluster heterogeneity".
* Treated units larger or smaller than the comparison's make Conley and Taber's test reject too seldom or too often:
  Ferman and Pinto (2019), "Inference in differences-in-differences with few treated groups and heteroskedasticity".
* A rank among B placebos cannot give a p-value below 1 / (1 + B): Phipson and Smyth (2010), "Permutation p-values
  should never be zero". Overlapping placebo neighbourhoods are no more information than the separate places they cover.
* Cyclic shifts of T months cannot give one below 1 / T, and a mean absolute residual cannot tell the months after
  the start from the rest once they are half of all: Chernozhukov, Wuthrich and Zhu (2021), "An exact and robust
  conformal inference method for counterfactual and synthetic controls".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Standing(IntEnum):
    """How a method may be shown, from the best to the worst."""

    SHOWN = 0
    COARSE = 1
    UNRELIABLE = 2
    REFUSED = 3


@dataclass(frozen=True, kw_only=True)
class Situation:
    """How many places and months an inference rests on.

    Parameters
    ----------
    treated_units, comparison_units : int
    treated_neighbourhoods : int
        Separate parts of the treated area on the map.
    placebo_sets : int
        Different placebo neighbourhoods that were, or can be, drawn.
    disjoint_places : int
        Placebo neighbourhoods of similar count without a unit in common.
    largest_treated_share, largest_comparison_share : float
        Share of the largest unit in its group's pre-period count.
    relative_size : float
        Mean pre-period count of a treated unit over that of a comparison unit.
    effective_clusters : float
        Carter, Schnepel and Steigerwald's G*.
    pre_months, post_months : int
    fewest_incidents : int
        Incidents in the treated area before or after the start, whichever were fewer.
    """

    treated_units: int
    treated_neighbourhoods: int
    comparison_units: int
    placebo_sets: int
    disjoint_places: int
    largest_treated_share: float
    largest_comparison_share: float
    relative_size: float
    effective_clusters: float
    pre_months: int
    post_months: int
    fewest_incidents: int

    @property
    def months(self) -> int:
        """Months before and after the start."""
        return self.pre_months + self.post_months

    @property
    def adjoining(self) -> int:
        """Treated units that have another treated unit in their neighbourhood, at least."""
        return self.treated_units - self.treated_neighbourhoods

    @property
    def smallest_placebo_p(self) -> float:
        """Smallest p-value that ranking among the placebo neighbourhoods can give."""
        return 1 / (1 + self.placebo_sets)

    @property
    def attained_level(self) -> float:
        """Level that a test at 5 % among so many placebo neighbourhoods really has: p-values come in steps."""
        ranks = 1 + self.placebo_sets
        return math.floor(0.05 * ranks + 1e-9) / ranks


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A range in which one property of the situation must lie, and what follows where it does not.

    Parameters
    ----------
    measure : callable
        Takes a `Situation`, gives the property.
    least, most : float
        Ends of the range, both allowed.
    otherwise : Standing
    because : callable
        Takes the `Situation`, gives the reason as one plain sentence.
    """

    measure: Callable[[Situation], float]
    otherwise: Standing
    because: Callable[[Situation], str]
    least: float = -math.inf
    most: float = math.inf

    def met(self, situation: Situation) -> bool:
        """Whether the property lies in the range."""
        return self.least <= self.measure(situation) <= self.most


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 treated unit``, ``5 treated units``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _independent(situation: Situation, noun: str) -> str:
    """What treating adjoining units as independent places amounts to."""
    units = counted(situation.treated_units, "treated unit")
    if situation.adjoining == 0:
        return f"{noun} need at least {FEW_CLUSTERS} separate treated places, and there are {situation.treated_units}"
    places = counted(situation.treated_neighbourhoods, "neighbourhood")
    return f"{noun} treat {units} as independent places, but they form {places}"


#: What follows from the numbers of treated and comparison places.
FEW_CLUSTERS = 6
FEWEST_PLACES = 19
FEWEST_MONTHS = 20
FEWEST_DONORS = 20
#: A test at 5 % whose steps let it reject less often than this is said to be coarse.
LOWEST_LEVEL = 0.035
#: With fewer incidents than this before or after the start a ratio moves in large steps.
FEWEST_INCIDENTS = 10
#: Treated units this many times larger or smaller than comparison units do not vary alike.
UNLIKE = 2.0
#: One unit with more than this share of its group's count is most of what the group says.
DOMINANT = 0.5

_TWO_TREATED = Requirement(
    measure=lambda s: s.treated_units,
    least=2,
    otherwise=Standing.REFUSED,
    because=lambda s: (
        "With one treated unit nothing says how much treated units vary, so errors clustered by unit "
        "cannot be computed."
    ),
)
_EFFECTIVE = Requirement(
    measure=lambda s: s.effective_clusters,
    least=FEW_CLUSTERS,
    otherwise=Standing.UNRELIABLE,
    because=lambda s: (
        f"By their weights the units count for {s.effective_clusters:.1f} clusters, and errors clustered "
        f"by unit need at least {FEW_CLUSTERS}."
    ),
)
_NO_GIANT = Requirement(
    measure=lambda s: max(s.largest_treated_share, s.largest_comparison_share),
    most=DOMINANT,
    otherwise=Standing.UNRELIABLE,
    because=lambda s: (
        f"One unit has {100 * max(s.largest_treated_share, s.largest_comparison_share):.0f}% of its "
        "group's incidents, so the group's variance rests on that unit alone."
    ),
)

#: Errors clustered by unit: CR0 to CR3.
CLUSTER_ROBUST: tuple[Requirement, ...] = (
    _TWO_TREATED,
    Requirement(
        measure=lambda s: s.treated_neighbourhoods,
        least=FEW_CLUSTERS,
        otherwise=Standing.UNRELIABLE,
        because=lambda s: _independent(s, "Cluster-robust errors") + "; they are shown only beside the placebo test.",
    ),
    _EFFECTIVE,
    _NO_GIANT,
)

#: Wild cluster and score bootstraps by unit.
BOOTSTRAP: tuple[Requirement, ...] = (
    _TWO_TREATED,
    Requirement(
        measure=lambda s: s.treated_neighbourhoods,
        least=FEW_CLUSTERS,
        otherwise=Standing.UNRELIABLE,
        because=lambda s: (
            _independent(s, "Wild bootstraps by unit")
            + "; with so few they can hardly ever reject, or reject far too often."
        ),
    ),
    _EFFECTIVE,
    _NO_GIANT,
)

#: Ranks among placebo neighbourhoods.
PLACEBO: tuple[Requirement, ...] = (
    Requirement(
        measure=lambda s: s.placebo_sets,
        least=FEWEST_PLACES,
        otherwise=Standing.REFUSED,
        because=lambda s: (
            f"Among {counted(s.placebo_sets, 'placebo neighbourhood')} the smallest possible p-value is "
            f"{s.smallest_placebo_p:.3f}, so no effect could be told from chance at 5%."
        ),
    ),
    Requirement(
        measure=lambda s: s.disjoint_places,
        least=FEWEST_PLACES,
        otherwise=Standing.COARSE,
        because=lambda s: (
            f"The placebo neighbourhoods overlap and lie in {counted(s.disjoint_places, 'separate place')}, "
            f"fewer than the {FEWEST_PLACES} that a p-value of 0.05 needs, so it is coarser than their number suggests."
        ),
    ),
    Requirement(
        measure=lambda s: s.attained_level,
        least=LOWEST_LEVEL,
        otherwise=Standing.COARSE,
        because=lambda s: (
            f"Among {counted(s.placebo_sets, 'placebo neighbourhood')} p-values come in steps of "
            f"{s.smallest_placebo_p:.3f}, so the test at 5% is in fact one at {100 * s.attained_level:.1f}%."
        ),
    ),
    Requirement(
        measure=lambda s: s.fewest_incidents,
        least=FEWEST_INCIDENTS,
        otherwise=Standing.COARSE,
        because=lambda s: (
            f"The treated area had {counted(s.fewest_incidents, 'incident')} before or after the start, fewer than "
            f"{FEWEST_INCIDENTS}, so the ratio moves in large steps."
        ),
    ),
)

_DONORS = Requirement(
    measure=lambda s: s.comparison_units,
    least=FEWEST_DONORS,
    otherwise=Standing.REFUSED,
    because=lambda s: (
        f"Sets drawn from {counted(s.comparison_units, 'comparison unit')} are too few; at least "
        f"{FEWEST_DONORS} are needed."
    ),
)
_APART = Requirement(
    measure=lambda s: s.adjoining,
    most=0,
    otherwise=Standing.UNRELIABLE,
    because=lambda s: (
        f"{counted(s.treated_units, 'treated unit')} in "
        f"{counted(s.treated_neighbourhoods, 'neighbourhood')} are compared with units scattered over the map, "
        "which share fewer shocks than neighbours do."
    ),
)

#: Ranks among random sets of comparison units that are taken to vary alike.
CONLEY_TABER: tuple[Requirement, ...] = (
    _DONORS,
    _APART,
    Requirement(
        measure=lambda s: s.relative_size,
        least=1 / UNLIKE,
        most=UNLIKE,
        otherwise=Standing.UNRELIABLE,
        because=lambda s: (
            f"A treated unit has {s.relative_size:.2g} times the incidents of a comparison unit, and the "
            "test takes units of any size to vary alike."
        ),
    ),
)

#: The same with a variance that depends on size.
FERMAN_PINTO: tuple[Requirement, ...] = (_DONORS, _APART)

_MONTHS = Requirement(
    measure=lambda s: s.months,
    least=FEWEST_MONTHS,
    otherwise=Standing.REFUSED,
    because=lambda s: (
        f"Shifting {s.months} months gives no p-value below {1 / s.months:.3f}, so there is no 95% "
        f"interval with fewer than {FEWEST_MONTHS}."
    ),
)

#: Cyclic shifts of one series, by a statistic that keeps the sign of the residuals.
SHIFTS: tuple[Requirement, ...] = (_MONTHS,)

#: Cyclic shifts of one series, by the size of the residuals.
SHIFTS_BY_SIZE: tuple[Requirement, ...] = (
    _MONTHS,
    Requirement(
        measure=lambda s: s.pre_months - s.post_months,
        least=1,
        otherwise=Standing.REFUSED,
        because=lambda s: (
            f"With {s.pre_months} months before and {s.post_months} after the start, the size of residuals "
            "cannot tell the months after it from those before."
        ),
    ),
    Requirement(
        measure=lambda s: s.pre_months - 2 * s.post_months,
        least=0,
        otherwise=Standing.COARSE,
        because=lambda s: (
            f"With {s.post_months} months after the start and {s.pre_months} before, the size of "
            "residuals shows only very large effects; the interval is wide or has no end."
        ),
    ),
)
