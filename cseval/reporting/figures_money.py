"""Break-even: the curve of one offence, and how many of each offence a year's price is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.money_words import cost_words, pounds
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import Rows, beside, place_rows, row_axes
from cseval.reporting.figures_series import panel_axes

if TYPE_CHECKING:
    import pandas as pd

    from cseval.money import BreakEven, CurvePoint

THOUSAND = 1000.0


def curve_figure(found: BreakEven, points: Sequence[CurvePoint], source: str) -> Figure | str:
    """Net benefit a year by recorded offences averted, with the point at which it is nought.

    Parameters
    ----------
    found : BreakEven
    points : sequence of CurvePoint
    source : str
    """
    import pandas as pd

    if found.recorded != found.recorded:
        return f"The break-even curve is left out: how many offences of {found.unit.offence} are recorded is not known."
    data = pd.DataFrame([{"recorded": p.recorded, "net_benefit": p.net_benefit} for p in points])
    number = f.decimal_text(found.recorded, digits=1)
    price = cost_words(found.cost)
    return Figure(
        name="break-even-curve",
        title=f"Net benefit by recorded offences of {found.unit.offence} averted in a year",
        alt=(
            f"Line from a loss of {price} with no offence averted, through nought at {number} recorded offences of "
            f"{found.unit.offence} a year, to a gain of as much at twice that number."
        ),
        caption=(
            f"Right of the point the offences averted are worth more than {price}. It says what would have to be "
            f"averted, not what was. Source: {source}."
        ),
        data=data,
        draw=lambda canvas: _draw_curve(canvas, data, found.recorded),
    )


def _draw_curve(canvas: Any, data: pd.DataFrame, recorded: float) -> None:
    axes = panel_axes(canvas, left=1.1, right=0.4, top=0.35, bottom=1.0)
    axes.axhline(0, color=style.INK, linewidth=1.2, zorder=1)
    axes.plot(data["recorded"], data["net_benefit"] / THOUSAND, color=style.BLUE, linewidth=2.2)
    axes.plot(recorded, 0, marker="o", ms=9, color=style.PLUM, linestyle="none", zorder=3)
    axes.annotate(
        f"Break-even: {f.decimal_text(recorded, digits=1)} a year", (recorded, 0), xytext=(12, -22),
        textcoords="offset points", ha="left", va="center", color=style.INK,
    )  # fmt: skip
    axes.yaxis.set_major_formatter(lambda value, _: _thousands(value))
    axes.set_xlim(0, float(data["recorded"].max()))
    axes.set(xlabel="Recorded offences averted in a year", ylabel="Net benefit a year")


def _thousands(value: float) -> str:
    return "£0" if abs(value) < 1e-9 else f"{f.MINUS if value < 0 else '+'}£{abs(value):,.0f}k"


def break_even_figure(rows: Sequence[BreakEven], source: str) -> Figure | str:
    """Recorded offences of each kind that a year's price is worth, the fewest first.

    Parameters
    ----------
    rows : sequence of BreakEven
    source : str
    """
    import pandas as pd

    known = sorted((r for r in rows if r.recorded == r.recorded), key=lambda r: r.recorded)
    if not known:
        return "The figure of the break-even is left out: no offence has a known share that is recorded."
    data = pd.DataFrame([{"offence": f.sentence_case(r.unit.offence), "recorded": r.recorded} for r in known])
    places = place_rows([("", data["offence"].tolist())])
    first, last = known[0], known[-1]
    return Figure(
        name="break-even",
        title=f"Recorded offences to avert in a year to be worth {pounds(known[0].cost.amount)}",
        alt=(
            f"Dot plot on a scale of tens, from {f.decimal_text(first.recorded, digits=1)} recorded offences of "
            f"{first.unit.offence} a year to {f.decimal_text(last.recorded, digits=0)} of {last.unit.offence}."
        ),
        caption=(
            "Each row by itself: so many recorded offences of this kind alone, if those that are not recorded fall in "
            f"step. The axis counts in tens. Source: {source}."
        ),
        data=data,
        draw=lambda canvas: _draw_rows(canvas, data, places),
        height=places.height,
    )


def _draw_rows(canvas: Any, data: pd.DataFrame, places: Rows) -> None:
    axes = row_axes(canvas, places, left=2.6, right=0.8)
    axes.set_xscale("log")
    for (at, _), number in zip(places.names, data["recorded"].tolist(), strict=True):
        axes.plot(number, at, marker="o", ms=8, color=style.BLUE, linestyle="none")
        beside(axes, at, f.decimal_text(number, digits=1))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.1f}" if value < 1 else f"{value:,.0f}")
    axes.set_xlabel("Recorded offences averted in a year")
