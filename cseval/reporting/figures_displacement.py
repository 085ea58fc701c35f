"""Did incidents move next door: the change in the treated area, in the rings around it, and in both together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_effects import LEAST, MOST, change_axis
from cseval.reporting.figures_rows import Rows, beside, draw_interval, place_rows, row_axes
from cseval.reporting.tables import number, records, source_words

if TYPE_CHECKING:
    import pandas as pd

    from cseval.result import EvaluationResult

#: What each row of the displacement table is called, and its marker; other rows go by the name they have.
TREATED, NEXT_DOOR, BOTH = "treated", "ring", "treated and"
LABELS = {
    "treated": "Treated area",
    "ring 1": "Ring 1: next to it",
    "ring 2": "Ring 2: one further out",
    "treated and ring 1": "Treated area and ring 1",
}
LOOKS = {TREATED: ("D", style.PLUM), NEXT_DOOR: ("o", style.BLUE), BOTH: ("s", style.TEAL)}


def displacement_figure(result: EvaluationResult) -> Figure | str:
    """The change in the treated area, in each ring around it, and in area and ring together, with intervals."""
    frame = result.displacement
    if not len(frame):
        return "The figure of the rings around the treated area is left out: the run holds no effects next door."
    data = frame.dropna(subset=["percent_change"]).reset_index(drop=True)
    if not len(data):
        return "The figure of the rings around the treated area is left out: no effect could be put in percent."
    places = place_rows([("", [_label(row) for row in records(data)])])
    columns = [
        "area",
        "units",
        "percent_change",
        "percent_low",
        "percent_high",
        "p_value",
        "observed",
        "counterfactual",
    ]
    return Figure(
        name="displacement",
        title="Change in the treated area and in the rings around it",
        alt=_alt(records(data)),
        caption=(
            "Ring 1 is the areas that touch the treated area, ring 2 those that touch ring 1; each against what was "
            "expected, with both rings left out of the comparison. Bars: 95% intervals, from the rings around "
            f"placebo neighbourhoods. Source: {source_words(result)}."
        ),
        data=data[columns],
        draw=lambda canvas: _draw(canvas, data, places),
        height=places.height,
        mark=style.mark_of(result),
    )


def _label(row: Mapping[str, Any]) -> str:
    """The area with the number of units in it."""
    name = str(row["area"])
    return f"{LABELS.get(name, f.sentence_case(name))} ({f.plural(int(row['units']), 'area')})"


def kind_of(area: str) -> str:
    """Whether a row is about the treated area, a ring, or both together."""
    return BOTH if " and " in area else NEXT_DOOR if area.startswith(NEXT_DOOR) else TREATED


def reading(row: Mapping[str, Any]) -> str:
    """What the interval of a ring says of displacement and diffusion; it never says that there was none."""
    low, high = number(row["percent_low"]), number(row["percent_high"])
    if math.isnan(low) or math.isnan(high):
        return "no interval, so neither displacement nor diffusion can be judged"
    if low > 0:
        return "a clear rise, as displacement would bring"
    if high < 0:
        return "a clear fall, as a benefit that spread would bring"
    return "no clear evidence of displacement or of diffusion"


def _alt(rows: Sequence[Mapping[str, Any]]) -> str:
    said = [f"{_name(row)} {_change(row)}{_judged(row)}" for row in rows]
    return f"Dot plot of changes with 95% intervals. {f.sentence_case('; '.join(said))}."


def _name(row: Mapping[str, Any]) -> str:
    name = str(row["area"])
    return {"treated": "the treated area", "treated and ring 1": "treated area and ring 1 together"}.get(name, name)


def _change(row: Mapping[str, Any]) -> str:
    change, low, high = (number(row[c]) for c in ("percent_change", "percent_low", "percent_high"))
    return f"{f.percent_text(change, signed=True)} ({f.interval_text(low, high)})"


def _judged(row: Mapping[str, Any]) -> str:
    return f", {reading(row)}" if kind_of(str(row["area"])) == NEXT_DOOR else ""


def _draw(canvas: Any, data: pd.DataFrame, places: Rows) -> None:
    axes = row_axes(canvas, places, left=3.5, right=0.95)
    for row, (at, _) in zip(records(data), places.names, strict=True):
        values = [number(row[c]) for c in ("percent_change", "percent_low", "percent_high")]
        draw_interval(axes, at, values, LOOKS[kind_of(str(row["area"]))], (LEAST, MOST))
        beside(axes, at, f.percent_text(values[0], signed=True))
    change_axis(axes)
    axes.set_xlabel("Change against what was expected\n(in a ring: a fall, benefit spread; a rise, displacement)")
