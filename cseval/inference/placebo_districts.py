"""Placebo neighbourhoods for a comparison within one district: the same comparison inside the other districts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import DesignError
from cseval.inference.base import Placebos
from cseval.inference.likeness import FEWEST_SETS, similar
from cseval.inference.placebo import PlaceboNeighbourhoods, as_placebo_estimator
from cseval.inference.placebo_draws import shape_of

if TYPE_CHECKING:
    import numpy as np

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
        found = self.reference(design, estimator, self.draws, seed)
        which, factor = similar(found.effects.size, float(own.size[0]), found.sets.members, self.match)
        found = found.take(which)
        return self.rank(estimate, own, found.effects, found.sets, factor)

    def reference(self, design: Design, estimator: Estimator, draws: int, seed: int) -> Placebos:
        """Placebo neighbourhoods of every other district and their effects, an even share from each.

        A set without an incident after the start stays in: its effect counts as infinite.
        """
        import numpy as np

        elsewhere = _elsewhere(design)
        sets = _drawn(elsewhere, draws, np.random.default_rng(seed))
        found = Placebos.of(elsewhere, as_placebo_estimator(estimator), sets)
        found = found.take(np.asarray(np.isfinite(found.effects.variance_terms).all(axis=1)))
        if len(found) < FEWEST_SETS:
            raise _too_few(self.name)
        return found


def _too_few(where: str) -> DesignError:
    return DesignError(
        "too few placebo neighbourhoods inside the other districts",
        where=where,
        expected=f"at least {FEWEST_SETS}",
        todo="Compare with more than one district",
    )


def _elsewhere(design: Design) -> Design:
    """The design with the units of every other district as comparison."""
    districts = design.inputs.panel.districts
    home = {districts.get(u, "") for u in design.treated} | {""}
    out = design.treated | design.excluded | frozenset().union(*design.buffer)
    pool = frozenset(u for u in design.units if districts.get(u, "") not in home) - out
    if not pool:
        raise _too_few("placebo neighbourhoods in other districts")
    return replace(design, pool=pool, excluded=out - design.treated)


def _drawn(design: Design, draws: int, rng: np.random.Generator) -> PlaceboSets:
    """As many draws from the connected sets inside each district; all units elsewhere count as their ring."""
    import numpy as np

    from cseval.inference.calibration import district_sets

    if not shape_of(design).single:
        raise DesignError(
            "the treated units form several separate neighbourhoods",
            where="placebo neighbourhoods in other districts",
            expected="treated units that adjoin",
            todo="Use PlaceboNeighbourhoods()",
        )
    districts = design.inputs.panel.districts
    size = int(design.is_treated.sum())
    names = np.array([districts.get(u, "") for u in design.units])
    every = district_sets(design.areas, districts, design.comparison, size)
    share = -(-draws // max(len(every), 1))
    parts = []
    for found in every:
        sets = design.sets(found[rng.integers(len(found), size=share)])
        here = design.comparison & (names == names[found[0, 0]])
        near = np.where(np.append(here, False)[sets.ring], sets.ring, len(names))  # each unit once: the rest follows
        outside = np.flatnonzero(design.comparison & ~here)
        ring = np.concatenate([near, np.tile(outside, (share, 1))], axis=1)
        compared = (near < len(names)).sum(axis=1) < int(here.sum()) - size
        parts.append(replace(sets, ring=ring).take(compared))
    if not parts:
        raise _too_few("placebo neighbourhoods in other districts")
    return _join(parts, len(design.units))


def _join(sets: list[PlaceboSets], padding: int) -> PlaceboSets:
    import numpy as np

    from cseval.areas import PlaceboSets

    width = max(s.ring.shape[1] for s in sets)
    ring = [np.pad(s.ring, ((0, 0), (0, width - s.ring.shape[1])), constant_values=padding) for s in sets]
    return PlaceboSets(members=np.concatenate([s.members for s in sets]), ring=np.concatenate(ring))
