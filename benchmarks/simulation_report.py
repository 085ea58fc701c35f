"""Table and figure of the simulation study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cseval.inference.placebo import PlaceboNeighbourhoods

DEFAULT = PlaceboNeighbourhoods().name
#: What the rate of the default test may be at a nominal 5 %, in per cent.
BAND = (3.5, 6.5)


def write_report(found: pd.DataFrame, out: Path) -> None:
    """Write ``size.md`` and ``size.svg`` beside the stored results."""
    (out / "size.md").write_text(as_text(found), encoding="utf-8")
    draw(found, out)


def as_text(found: pd.DataFrame) -> str:
    """The study in Markdown: every cell of the default method, and the range of the others."""
    default = found[found["method"] == DEFAULT]
    outside = default[~default["rejected_5"].mul(100).between(*BAND)]
    unwarned = outside[outside["warned"] < 0.5]
    worst, rate = 100 * default["mc_error"].max(), 100 * default["rejected_5"]
    number, worlds, within = default["replicates"], len(default), len(default) - len(outside)
    lines = [
        "# How often each method errs: simulation study",
        "",
        f"{worlds} simulated worlds without any effect, {number.min():,} to {number.max():,} replicates each. "
        "Made by `python -m benchmarks.simulation_study`; every number is in `size.csv`.",
        "",
        f"The default test rejects {rate.min():.1f} to {rate.max():.1f}% of true nulls at the 5% level (Monte Carlo "
        f"error up to {worst:.1f} points). In {within} of {worlds} worlds the rate lies between "
        f"{BAND[0]} and {BAND[1]}%. In {len(outside) - len(unwarned)} of the other {len(outside)} the report warns "
        f"that the test is coarse there, in {len(unwarned)} it does not.",
        "",
        "![Share of true nulls rejected by each method](size.svg)",
        "",
        "## The default: placebo neighbourhoods",
        "",
        "| Map | Treated | Autocorrelation | Spatial | Mean count | Dispersion | Rejected at 5% | MC error "
        "| Coverage of a true fall of 20% | Report warns |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *[_row(r) for _, r in default.iterrows()],
        "",
        "## The others: lowest, median and highest rate at 5% over the worlds",
        "",
        "| Method | Treated | Worlds | Lowest | Median | Highest | Refused |",
        "|---|---|---|---|---|---|---|",
        *_others(found[found["method"] != DEFAULT]),
        "",
    ]
    return "\n".join(lines)


def _row(r: pd.Series[Any]) -> str:
    warns = "always" if r["warned"] > 0.999 else "never" if r["warned"] < 0.001 else f"{100 * r['warned']:.0f}%"
    return (
        f"| {r['side']} x {r['side']} | {r['treated']} | {r['autocorrelation']:g} | {r['spatial']:g} | {r['level']:g} "
        f"| {r['dispersion']:g} | {100 * r['rejected_5']:.1f}% | {100 * r['mc_error']:.1f} "
        f"| {100 * r['coverage']:.1f}% | {warns} |"
    )


def _others(found: pd.DataFrame) -> list[str]:
    lines = []
    for (method, treated), part in found.groupby(["method", "treated"], sort=False):
        rate = 100 * part["rejected_5"].dropna()
        span = f"{rate.min():.1f}% | {rate.median():.1f}% | {rate.max():.1f}%" if len(rate) else "- | - | -"
        lines.append(f"| {method} | {treated} | {len(part)} | {span} | {int(part['refused'].sum()):,} |")
    return lines


def draw(found: pd.DataFrame, out: Path) -> None:
    """One dot for each world and method, by number of treated units; the band of the default is shaded."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import seaborn as sns

    from cseval.reporting.figures_style import BLUE, INK, ORANGE, PALE, STYLE, TEAL, WIDTH

    shown = found.assign(rate=100 * found["rejected_5"])
    methods = list(dict.fromkeys(shown["method"]))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(WIDTH, 0.62 * len(methods) + 1.6), layout="constrained")
        axes.axvspan(*BAND, color=PALE, alpha=0.6, zorder=0)
        axes.axvline(5, color=INK, linewidth=1)
        sns.stripplot(
            shown, x="rate", y="method", hue="treated", order=methods, dodge=True, size=4, jitter=False, ax=axes,
            palette=[BLUE, TEAL, ORANGE, INK], marker="o", alpha=0.7, legend=True,
        )  # fmt: skip
        axes.set_xscale("symlog", linthresh=10)
        ticks = [0, 5, 10, 20, 50, 100]
        axes.set_xticks(ticks, [f"{t}%" for t in ticks])
        axes.set_xlim(-0.3, 105)
        axes.set_xlabel("True nulls rejected at the 5% level (shaded: 3.5 to 6.5%)")
        axes.set_ylabel("")
        axes.legend(title="Treated units", loc="lower right")
        figure.savefig(out / "size.svg", metadata={"Date": None})
        plt.close(figure)
