"""Specifications of one question: every combination of defensible choices (Simonsohn, Simmons and Nelson 2020)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from cseval.design import Design
from cseval.months import add_months
from cseval.spec import Window

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.estimators.base import Estimator, PlaceboEstimator
    from cseval.inputs import Inputs
    from cseval.spec import Evaluation

#: Choices that a specification makes, in the order in which they are shown.
DIMENSIONS = ("outcome", "window", "comparison_group", "start", "transition", "buffer_rings", "model")


@dataclass(frozen=True, kw_only=True)
class Specification:
    """One choice in every dimension.

    Parameters
    ----------
    outcome : str
    window : Window
    comparison : str
        Name of the comparison group.
    start : str
    transition, buffer_rings : int
    estimator : PlaceboEstimator
    """

    outcome: str
    window: Window
    comparison: str
    start: str
    transition: int
    buffer_rings: int
    estimator: PlaceboEstimator

    def labels(self) -> dict[str, Any]:
        """The choices as a table shows them, by dimension."""
        return {
            "outcome": self.outcome,
            "window": f"{self.window.first} to {self.window.last}",
            "comparison_group": self.comparison,
            "start": self.start,
            "transition": self.transition,
            "buffer_rings": self.buffer_rings,
            "model": model_words(self.estimator),
        }


# Combinations -----------------------------------------------------------------------------------------


def combinations(registered: Specification, others: Mapping[str, Sequence[Any]]) -> tuple[Specification, ...]:
    """Every combination of choices, the registered specification first.

    Parameters
    ----------
    registered : Specification
        Its own choice belongs to every dimension.
    others : mapping of str to sequence
        Further choices by name of the field; a dimension that is not named, or empty, keeps the registered choice.

    Raises
    ------
    TypeError
        If a name is no field of a specification.
    """
    choices = {f.name: [getattr(registered, f.name)] for f in fields(Specification)}
    for name, values in others.items():
        if name not in choices:
            raise TypeError(f"a specification has no dimension {name!r}")
        choices[name] += [v for i, v in enumerate(values) if v not in choices[name] and v not in values[:i]]
    made = itertools.product(*choices.values())
    return tuple(Specification(**dict(zip(choices, values, strict=True))) for values in made)


def model_words(estimator: Estimator) -> str:
    """The estimator's name and the options in which it departs from its defaults: ``Linear DiD, per 1,000``."""
    changed = [f.name for f in fields(estimator) if getattr(estimator, f.name) != f.default]  # type: ignore[arg-type]
    return ", ".join([estimator.name, *(_option_words(name, getattr(estimator, name)) for name in changed)])


def _option_words(name: str, value: object) -> str:
    name = name.replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value:,g}" if isinstance(value, (int, float)) else f"{name} {value}"


def design_for(specification: Specification, evaluation: Evaluation, inputs: Inputs) -> Design:
    """The design of a specification, as the evaluation's primary analysis would have it with these choices.

    Raises
    ------
    CsevalError
        If the start leaves no month on one side, or the data lack a month, an outcome or the comparison group.
    """
    s = specification
    inputs.panel.require(s.outcome)
    changed = replace(evaluation.primary, start=s.start, window=s.window, transition=s.transition)
    start, before, after, transition = evaluation.window_of(changed)
    return Design.build(
        inputs,
        s.outcome,
        start=start,
        months_before=before,
        months_after=after,
        transition=transition,
        buffer_rings=s.buffer_rings,
        comparison=s.comparison,
    )


def registered_specification(context: CheckContext) -> Specification:
    """The specification of the primary analysis."""
    design = context.design
    last = add_months(design.start, design.transition + design.months_after - 1)
    return Specification(
        outcome=design.outcome,
        window=Window(first=add_months(design.start, -design.months_before), last=last),
        comparison=context.evaluation.primary.comparison,
        start=design.start,
        transition=design.transition,
        buffer_rings=design.buffer_rings,
        estimator=context.estimator,
    )
