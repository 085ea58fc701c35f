"""What may be said of an effect with this many places: which methods are shown, with what warning, and which refused.

Each method declares what it needs as a tuple of `Requirement`; `judge` holds them against the `Situation` of a
design. Nothing here knows a method by its name. The rules and their sources are in `cseval.inference.requirements`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cseval.inference.requirements import Requirement, Situation, Standing

if TYPE_CHECKING:
    from cseval.design import Design


@runtime_checkable
class Guarded(Protocol):
    """An inference method that says what it needs."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the situation must be for it to be shown."""
        ...


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How one method may be shown, and why.

    Parameters
    ----------
    method : str
    standing : Standing
    reason : str
        One sentence on the gravest shortcoming; empty where there is none.
    also : tuple of str
        One sentence on each further shortcoming, gravest first.
    """

    method: str
    standing: Standing
    reason: str = ""
    also: tuple[str, ...] = ()


def judge(situation: Situation, methods: Iterable[Guarded]) -> tuple[Judgement, ...]:
    """Hold each method's requirements against the situation, in the order of the methods."""
    return tuple(judged(situation, method.name, method.needs) for method in methods)


def judged(situation: Situation, method: str, needs: Sequence[Requirement]) -> Judgement:
    """How a method with these requirements may be shown: as its gravest shortcoming says."""
    short = sorted((r for r in needs if not r.met(situation)), key=lambda r: -r.otherwise)
    if not short:
        return Judgement(method=method, standing=Standing.SHOWN)
    reasons = [r.because(situation) for r in short]
    return Judgement(method=method, standing=short[0].otherwise, reason=reasons[0], also=tuple(reasons[1:]))


def effective_clusters(treated: Sequence[float], comparison: Sequence[float]) -> float:
    """Effective number of clusters of a difference in differences, G*.

    ``G* = G / (1 + CV^2(gamma)) = (sum gamma)^2 / sum gamma^2``, where ``gamma_g`` is what cluster g adds to the
    variance of the estimate when the changes of all clusters vary alike: the square of its weight in its group
    (Carter, Schnepel and Steigerwald 2017, "Asymptotic behavior of a t-test robust to cluster heterogeneity", section
    III).

    Parameters
    ----------
    treated, comparison : sequence of float, shape (units of the group,)
        Weight of each unit, on any scale; counts for a log ratio, equal numbers for a difference of means.

    Returns
    -------
    float
        0 where a group has no weight.
    """
    groups = [list(treated), list(comparison)]
    if any(sum(group) <= 0 for group in groups):
        return 0.0
    gamma = [(w / sum(group)) ** 2 for group in groups for w in group]
    return sum(gamma) ** 2 / sum(g**2 for g in gamma)


def situation_of(design: Design, *, placebo_sets: int, disjoint_places: int) -> Situation:
    """The situation of a design.

    Parameters
    ----------
    design : Design
    placebo_sets, disjoint_places : int
        Different placebo neighbourhoods, and those of similar count without a unit in common; both are among the facts
        that `PlaceboNeighbourhoods` reports.
    """
    treated = design.pre_counts[design.is_treated].tolist()
    comparison = design.pre_counts[design.comparison].tolist()
    parts = design.areas.components(u for u, t in zip(design.units, design.is_treated, strict=True) if t)
    return Situation(
        treated_units=len(treated),
        treated_neighbourhoods=len(parts),
        comparison_units=len(comparison),
        placebo_sets=placebo_sets,
        disjoint_places=disjoint_places,
        largest_treated_share=_share(treated),
        largest_comparison_share=_share(comparison),
        relative_size=_relative(treated, comparison),
        effective_clusters=effective_clusters(treated, comparison),
        pre_months=int((~design.post).sum()),
        post_months=int(design.post.sum()),
        fewest_incidents=int(min(sum(treated), design.post_counts[design.is_treated].sum())),
    )


def _share(counts: Sequence[float]) -> float:
    """Share of the largest; 1 where nothing was counted, since nothing then says that it is less."""
    return max(counts) / sum(counts) if sum(counts) > 0 else 1.0


def _relative(treated: Sequence[float], comparison: Sequence[float]) -> float:
    rest = sum(comparison) / len(comparison)
    return sum(treated) / len(treated) / rest if rest > 0 else math.inf
