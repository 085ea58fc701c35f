"""The registered methods of one analysis: held against its situation, run, and the best of them put first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import CsevalError
from cseval.inference.choice import Choice, choose_method
from cseval.inference.guard import Guarded, Judgement, judged, situation_of
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.requirements import Standing

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator
    from cseval.inference.base import Inference, Inferred
    from cseval.inference.calibration import Measured


@dataclass(frozen=True, kw_only=True)
class Inferences:
    """What the registered methods say of one estimate.

    Parameters
    ----------
    methods : tuple of Inference
        Those that were run, as they were run.
    inferred : tuple of Inferred
        What each says, in the same order.
    judgements : tuple of Judgement
        Of every registered method, refused ones included.
    """

    methods: tuple[Inference, ...]
    inferred: tuple[Inferred, ...]
    judgements: tuple[Judgement, ...]

    def usable(self) -> tuple[str, ...]:
        """Names of the methods that a verdict may rest on; all that were run where none of them holds here."""
        standing = {j.method: j.standing for j in self.judgements}
        names = tuple(i.method for i in self.inferred)
        held = tuple(n for n in names if standing.get(n, Standing.SHOWN) < Standing.UNRELIABLE)
        return held or names


def infer_all(
    design: Design, estimator: Estimator, estimate: Estimate, registered: Sequence[Inference], draws: int, seed: int
) -> Inferences:
    """Run every registered method that holds here.

    The placebo method comes first, since how many separate places it finds is part of the situation. A method that
    is refused, or cannot be computed, is left out with the reason in its judgement; the first one must work.

    Raises
    ------
    CsevalError
        If the first registered method is refused or cannot be computed.
    """
    methods = [with_draws(m, draws) for m in registered]
    first = methods[0].infer(design, estimator, estimate, seed)
    methods[0] = with_match(methods[0], first)
    runs: list[tuple[Inference, Inferred]] = []
    judgements = []
    for method in methods:
        judgement = _judge(design, method, first)
        if judgement.standing < Standing.REFUSED:
            try:
                found = first if method is methods[0] else method.infer(design, estimator, estimate, seed)
            except CsevalError as error:
                judgement = replace(judgement, standing=Standing.REFUSED, reason=str(error))
            else:
                runs.append((method, _shown(found, judgement)))
        judgements.append(judgement)
    if not runs or runs[0][0] is not methods[0]:
        raise CsevalError(judgements[0].reason, where=methods[0].name, expected="a first method that holds here")
    return Inferences(
        methods=tuple(m for m, _ in runs), inferred=tuple(i for _, i in runs), judgements=tuple(judgements)
    )


def _judge(design: Design, method: Inference, first: Inferred) -> Judgement:
    """How a method may be shown; one that says nothing of its needs is shown."""
    if not isinstance(method, Guarded):
        return Judgement(method=first.method, standing=Standing.SHOWN)
    situation = situation_of(
        design,
        placebo_sets=first.facts.get("distinct_neighbourhoods", 0),
        disjoint_places=first.facts.get("disjoint_neighbourhoods", 0),
    )
    return judged(situation, method.name, method.needs)


def _shown(found: Inferred, judgement: Judgement) -> Inferred:
    """What a method found, marked unreliable where the situation makes it so."""
    if judgement.standing < Standing.UNRELIABLE:
        return replace(found, note=judgement.reason or found.note)
    return replace(found, reliable=False, note=judgement.reason)


def with_draws(method: Inference, draws: int) -> Inference:
    """The placebo method with the draws of this run."""
    return replace(method, draws=draws) if isinstance(method, PlaceboNeighbourhoods) else method


def with_match(method: Inference, inferred: Inferred) -> Inference:
    """The placebo method with the match that its own test came to, so that the very same test is measured."""
    if not isinstance(method, PlaceboNeighbourhoods):
        return method
    return replace(method, match=inferred.facts["match_factor"])


def best_first(found: Inferences, measured: Sequence[Measured]) -> tuple[tuple[Inferred, ...], Choice]:
    """The inferences with the one first that the verdict rests on, and why it does."""
    choice = choose_method(found.usable(), measured)
    chosen = [i for i in found.inferred if i.method == choice.method]
    others = [i for i in found.inferred if i.method != choice.method]
    return (*chosen, *others), choice
