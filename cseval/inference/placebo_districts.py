"""Placebo neighbourhoods for a comparison within one district: the same comparison inside the other districts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import DesignError
from cseval.estimators.base import ManyEffects
from cseval.inference.placebo import FEWEST_SETS, PlaceboNeighbourhoods, as_placebo_estimator, similar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator
    from cseval.inference.base import Inferred


@dataclass(frozen=True, kw_only=True)
class PlaceboDistricts(PlaceboNeighbourhoods):
    """Rank a within-district comparison among the same comparison made inside the other districts.

    Notes
    -----
    One district has too few units to draw placebo neighbourhoods from. Each placebo here is a connected set of as many
    units inside another district, compared with the rest of that district less the set's ring.
    """

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "placebo neighbourhoods in other districts"

    @property
    def populations(self) -> tuple[str, ...]:
        """Placebo populations on which its error rate is measured: only the one the placebos are drawn from."""
        return ("all",)

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Rank the estimate among the same comparison inside the other districts.

        Raises
        ------
        DesignError
            If districts are not known or allow fewer than 19 placebo neighbourhoods.
        """
        own = as_placebo_estimator(estimator).estimate_many(design, design.own_set)
        sets, reference = self.reference(design, estimator, self.draws, seed)
        which, factor = similar(reference.size, float(own.size[0]), sets.members, self.match)
        return self.rank(estimate, own, reference.take(which), sets.take(which), factor)

    def reference(self, design: Design, estimator: Estimator, draws: int, seed: int) -> tuple[PlaceboSets, ManyEffects]:
        """Placebo neighbourhoods of every other district and their effects, an even share from each."""
        import numpy as np

        rng = np.random.default_rng(seed)
        size = int(design.is_treated.sum())
        designs = _other_districts(design)
        share = -(-draws // max(len(designs), 1))
        found = [p for p in (_within(d, estimator, size, share, rng) for d in designs) if p is not None]
        if sum(len(sets) for sets, _ in found) < FEWEST_SETS:
            raise DesignError(
                "too few placebo neighbourhoods inside the other districts",
                where=self.name,
                expected=f"at least {FEWEST_SETS}",
                todo="Compare with more than one district",
            )
        return _join([s for s, _ in found], len(design.units)), ManyEffects.join([m for _, m in found])


def _other_districts(design: Design) -> list[Design]:
    """The design moved to each district that holds neither a treated unit nor its buffer's share of the comparison."""
    districts = design.inputs.panel.districts
    home = {districts.get(u, "") for u in design.treated}
    out = design.treated | design.excluded | frozenset().union(*design.buffer)
    names = sorted({districts[u] for u in design.units if u in districts} - home - {""})
    moved = []
    for name in names:
        pool = frozenset(u for u in design.units if districts.get(u) == name) - out
        if pool:
            moved.append(replace(design, pool=pool, excluded=out - design.treated))
    return moved


def _within(
    design: Design, estimator: Estimator, size: int, draws: int, rng: np.random.Generator
) -> tuple[PlaceboSets, ManyEffects] | None:
    """Draws from the connected sets inside one district, or None where none leaves a comparison there.

    A set without an incident after the start stays in: its effect counts as infinite.
    """
    import numpy as np

    from cseval.inference.calibration import district_sets

    every = district_sets(design.areas, design.inputs.panel.districts, design.comparison, size)
    if not every:
        return None
    sets = design.sets(every[0][rng.integers(len(every[0]), size=draws)])
    effects = as_placebo_estimator(estimator).estimate_many(design, sets)
    usable: npt.NDArray[np.bool_] = (effects.clusters > size) & np.isfinite(effects.variance_terms).all(axis=1)
    return (sets.take(usable), effects.take(usable)) if usable.any() else None


def _join(sets: list[PlaceboSets], padding: int) -> PlaceboSets:
    import numpy as np

    from cseval.areas import PlaceboSets

    width = max(s.ring.shape[1] for s in sets)
    ring = [np.pad(s.ring, ((0, 0), (0, width - s.ring.shape[1])), constant_values=padding) for s in sets]
    return PlaceboSets(members=np.concatenate([s.members for s in sets]), ring=np.concatenate(ring))
