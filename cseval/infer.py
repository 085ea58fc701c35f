"""The registered methods of one analysis: held against its situation, run, and the best of them put first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.errors import CsevalError, EstimationError
from cseval.inference.base import Inferred
from cseval.inference.choice import Choice, choose_method
from cseval.inference.guard import Guarded, Judgement, judged, situation_of
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.requirements import Situation, Standing

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator
    from cseval.inference.base import Inference
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

    Placebo methods come first, since how many separate places they find is part of the situation. A method that is
    refused, or cannot be computed, is left out with the reason in its judgement; the first registered one must work.

    Raises
    ------
    CsevalError
        If the first registered method is refused or cannot be computed.
    """

    def run(method: Inference) -> Inferred | CsevalError:
        try:
            return method.infer(design, estimator, estimate, seed)
        except CsevalError as error:
            return error

    methods = [with_draws(m, draws) for m in registered]
    ranked = {n: run(m) for n, m in enumerate(methods) if isinstance(m, PlaceboNeighbourhoods)}
    situation = _situation(design, [found for found in ranked.values() if not isinstance(found, CsevalError)])
    tried = [_tried(m, ranked.get(n), situation, run) for n, m in enumerate(methods)]
    _require(methods[0], *tried[0])
    runs = [(with_match(m, i), i) for m, (_, i) in zip(methods, tried, strict=True) if isinstance(i, Inferred)]
    return Inferences(
        methods=tuple(m for m, _ in runs), inferred=tuple(i for _, i in runs), judgements=tuple(j for j, _ in tried)
    )


def _tried(
    method: Inference,
    found: Inferred | CsevalError | None,
    situation: Situation,
    run: Callable[[Inference], Inferred | CsevalError],
) -> tuple[Judgement, Inferred | CsevalError | None]:
    """How one method may be shown and what it found, `found` if it was run before; nothing where it is refused."""
    judgement = _judge(situation, method)
    if found is None and judgement.standing < Standing.REFUSED:
        found = run(method)
    if isinstance(found, CsevalError):
        return Judgement(method=method.name, standing=Standing.REFUSED, reason=str(found)), found
    if found is None or judgement.standing == Standing.REFUSED:
        return judgement, None
    return replace(judgement, method=found.method), _shown(found, judgement)


def _require(method: Inference, judgement: Judgement, found: Inferred | CsevalError | None) -> None:
    """Raise why the first registered method does not hold here; an error of its own as it is."""
    if isinstance(found, CsevalError):
        raise found
    if found is None:
        raise EstimationError(
            judgement.reason.rstrip("."),
            where=method.name,
            expected="a first method that holds here",
            todo="Register another one first, or widen the comparison",
        )


def _situation(design: Design, ranked: Sequence[Inferred]) -> Situation:
    """The situation of a design with the places that its first placebo method found; none without such a method."""
    facts = ranked[0].facts if ranked else {}
    return situation_of(
        design,
        placebo_sets=facts.get("distinct_neighbourhoods", 0),
        disjoint_places=facts.get("disjoint_neighbourhoods", 0),
    )


def _judge(situation: Situation, method: Inference) -> Judgement:
    """How a method may be shown; one that says nothing of its needs is shown."""
    if not isinstance(method, Guarded):
        return Judgement(method=method.name, standing=Standing.SHOWN)
    return judged(situation, method.name, method.needs)


def _shown(found: Inferred, judgement: Judgement) -> Inferred:
    """What a method found, marked unreliable where the situation makes it so."""
    if judgement.standing < Standing.UNRELIABLE:
        said = (judgement.reason, found.note) if not found.reliable else (judgement.reason or found.note,)
        return replace(found, note=" ".join(text for text in said if text))
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
    chosen = next(i for i in found.inferred if i.method == choice.method)
    return (chosen, *(i for i in found.inferred if i is not chosen)), choice
