"""Which of the registered methods the verdict rests on: the one whose error rates are nearest to their promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cseval.inference.calibration import Measured

LEVEL = 0.05
#: With fewer placebos than this a rate near 5 % cannot be told from one of 15 %.
FEWEST_MEASURED = 50
#: A rate this many Monte Carlo errors from 5 % cannot be told from 5 %.
ERRORS = 2.0


@dataclass(frozen=True)
class Choice:
    """The method that the verdict rests on.

    Parameters
    ----------
    method : str
    reason : str
        One sentence.
    """

    method: str
    reason: str


def choose_method(usable: Sequence[str], measured: Sequence[Measured]) -> Choice:
    """The usable method nearest to its nominal level, the first registered one among equals.

    Parameters
    ----------
    usable : sequence of str
        Names of the registered methods, in order, less those that do not hold here; at least one.
    measured : sequence of Measured

    Notes
    -----
    A method's distance is the largest over its placebo populations of how far its rate at 5 % lies from 5 %, less two
    Monte Carlo errors: no method is preferred for what cannot be told from chance. The effect itself plays no part,
    so the choice cannot favour a finding. A method of which nothing is known but that its rate is right by construction
    stands at distance 0: it keeps its level among exchangeable places, and a rate that is an identity tells no more.
    """
    known = {name: _known_distance(name, measured) for name in usable}
    finite = {name: d for name, d in known.items() if math.isfinite(d)}
    if not finite:
        why = f"The verdict rests on {usable[0]}, the first registered method; no error rate could be measured."
        return Choice(usable[0], why)
    best = min(finite, key=lambda name: finite[name])  # the first of equals
    return Choice(best, _reason(best, finite[best], len(finite), measured))


def distance(method: str, measured: Sequence[Measured]) -> float:
    """How far the rates of a method at 5 % lie from 5 % beyond two Monte Carlo errors; NaN if none was measured."""
    rates = [m for m in measured if m.method == method and enough(m)]
    return max((max(abs(m.rate(LEVEL) - LEVEL) - ERRORS * m.mc_error(LEVEL), 0.0) for m in rates), default=math.nan)


def _known_distance(method: str, measured: Sequence[Measured]) -> float:
    """The distance of a method; 0 where nothing was measured and its rate is right by construction."""
    far = distance(method, measured)
    return 0.0 if math.isnan(far) and _among(method, measured) else far


def _among(method: str, measured: Sequence[Measured]) -> list[str]:
    """Populations among which a method is right by construction."""
    return [m.population for m in measured if m.method == method and m.by_construction]


def enough(measured: Measured) -> bool:
    """Whether a rate was measured, and on enough placebos to be read; one that is right by construction was not."""
    return not measured.by_construction and int(np.isfinite(measured.p_value).sum()) >= FEWEST_MEASURED


def _reason(method: str, far: float, methods: int, measured: Sequence[Measured]) -> str:
    rates = ", ".join(
        f"{100 * m.rate(LEVEL):.1f}% ({m.population})" for m in measured if m.method == method and enough(m)
    )
    ranked = " and ".join(_among(method, measured))
    given = f"right by construction among {ranked}, where every placebo is ranked among the others" if ranked else ""
    among = f"of the {methods} methods that hold here and whose rates are known, it" if methods > 1 else "it"
    if not rates:
        return f"The verdict rests on {method}: {among} is {given}; its error rate could not be measured otherwise."
    several = ", " in rates
    at = f"at {'rates' if several else 'a rate'} of {rates}"
    near = "the nearest to 5%" if far else f"{'none of which can' if several else 'which cannot'} be told from 5%"
    also = f"; it is {given}" if given else ""
    if not given:
        among = among.replace("whose rates are known", "were measured")
    return f"The verdict rests on {method}: {among} rejects true nulls at the 5% level {at}, {near}{also}."
