"""Every figure of a report: what it shows, the words for those who cannot see it, its data, and its drawing."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

    from cseval.claims.base import ClaimResult
    from cseval.result import EvaluationResult

DPI = 150
SHORTEST_ALT = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """A figure that has not been drawn yet.

    Parameters
    ----------
    name : str
        File name without ending.
    title : str
        Stands on the page above the picture, not in it.
    alt : str
        The finding in words, for those who cannot see the picture; at least 40 characters.
    caption : str
        How to read it, and where the data come from.
    data : pandas.DataFrame
        What is drawn.
    draw : callable
        Draws on an empty matplotlib figure.
    height : float
        In inches; the width is the same for all.
    mark : str
        Written inside the picture; says that the data are simulated, if they are.
    """

    name: str
    title: str
    alt: str
    caption: str
    data: pd.DataFrame
    draw: Callable[[Any], None]
    height: float = 4.6
    mark: str = ""

    def __post_init__(self) -> None:
        if len(self.alt) < SHORTEST_ALT:
            raise SpecError(f"alt text {self.alt!r}", where=f"figure {self.name}", expected="the finding in words")


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A figure as PNG and SVG bytes; the same bytes for the same figure."""

    png: bytes
    svg: bytes


def make_figures(result: EvaluationResult) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """Every figure that the result has the data for, and a sentence for each that it has not.

    Returns
    -------
    figures : tuple of Figure
    left_out : tuple of str
    """
    from cseval.reporting import figures_effects as effects
    from cseval.reporting import figures_place as place
    from cseval.reporting import figures_series as series
    from cseval.reporting import figures_specification as specification
    from cseval.reporting.figures_displacement import displacement_figure
    from cseval.reporting.figures_synthetic import synthetic_figure
    from cseval.reporting.parts import part_figures

    makers: tuple[Callable[[EvaluationResult], Figure | str], ...] = (
        series.series_figure,
        effects.forest_figure,
        specification.specification_figure,
        series.event_study_figure,
        effects.placebo_figure,
        displacement_figure,
        effects.calibration_figure,
        _power_figure,
        series.its_figure,
        synthetic_figure,
        *_claim_figures(result),
        place.roles_figure,
        place.timeline_figure,
    )
    made = [make(result) for make in makers]
    of_parts, not_drawn = part_figures(result)
    figures = tuple(m for m in made if isinstance(m, Figure))
    return (*figures, *of_parts), (*(m for m in made if isinstance(m, str)), *not_drawn)


def _claim_figures(result: EvaluationResult) -> tuple[Callable[[EvaluationResult], Figure | str], ...]:
    """The figures of the public claims; of several readings of one claim the first is drawn, the tables hold all."""
    from functools import partial

    from cseval.reporting import figures_claims as claims

    kinds = (
        ("ranking", claims.ranking_figure),
        ("ranking", claims.funnel_figure),
        ("rolling_year", claims.rolling_year_figure),
    )
    firsts = [(next((c for c in result.claims if frame in c.frames), None), draw) for frame, draw in kinds]
    return tuple(partial(_claim_figure, claim, draw) for claim, draw in firsts if claim is not None)


def _claim_figure(claim: ClaimResult, draw: Callable[..., Figure | str], result: EvaluationResult) -> Figure | str:
    from cseval.reporting.dated_changes import breaks_of
    from cseval.reporting.tables_base import source_words

    rolling = claim.frames.get("rolling_year") if draw.__name__ == "rolling_year_figure" else None
    marks = {} if rolling is None else {"breaks": breaks_of(result, claim.outcome, rolling["period"].tolist())}
    return draw(claim, source=source_words(result), data=result.data, **marks)


def _power_figure(result: EvaluationResult) -> Figure | str:
    """The power curve of the primary analysis, which is measured first."""
    from cseval.reporting.figures_power import power_figure
    from cseval.reporting.tables_base import source_words

    if not result.power:
        return "The power curve is left out: no power was measured."
    return power_figure(result.power[0], source=source_words(result), data=result.data)


def render(figure: Figure) -> Rendered:
    """Draw a figure once and write it as PNG and SVG.

    Notes
    -----
    Neither picture holds a date, and the ids inside the SVG are salted with a fixed text, so that the same figure
    gives the same bytes. Nothing goes through pyplot, which keeps figures in global state.
    """
    import matplotlib
    from matplotlib.transforms import Bbox

    from cseval.reporting.figures_style import STRIP, STYLE, WIDTH

    with matplotlib.rc_context(STYLE):
        canvas = drawn(figure)
        kept = Bbox([[0, 0 if figure.mark else STRIP], [WIDTH, figure.height]])
        png, svg = io.BytesIO(), io.BytesIO()
        bare = {"Software": None}
        canvas.savefig(png, format="png", dpi=DPI, bbox_inches=kept, metadata=bare, pil_kwargs={"compress_level": 4})
        described = {"Date": None, "Creator": None, "Title": figure.title, "Description": figure.alt}
        canvas.savefig(svg, format="svg", bbox_inches=kept, metadata=described)
    return Rendered(png=png.getvalue(), svg=steady_glyphs(svg.getvalue()))


def steady_glyphs(svg: bytes) -> bytes:
    """The SVG with glyphs outside the common ones named by their outlines.

    matplotlib numbers them by what the process drew before, so the same picture would differ between two runs.
    """
    import hashlib
    import re

    text = svg.decode()
    found = re.findall(r'<path id="([A-Za-z]\w*(?:-\w+)*-[0-9a-f]{3,})" d="([^"]*)"', text)
    names = {old: f"{old.rsplit('-', 1)[0]}-g{hashlib.sha256(d.encode()).hexdigest()[:8]}" for old, d in found}
    return re.sub(r'(id="|href="#)([^"]+)"', lambda m: f'{m[1]}{names.get(m[2], m[2])}"', text).encode()


def drawn(figure: Figure) -> Any:
    """A figure on a matplotlib canvas of its own; at the bottom a strip that is empty where there is no mark."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    from cseval.reporting.figures_style import PLUM, STYLE, WIDTH

    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(WIDTH, figure.height), dpi=DPI)
        FigureCanvasAgg(canvas)
        figure.draw(canvas)
        if figure.mark:
            canvas.text(
                0.01, 0.09 / figure.height, figure.mark, color=PLUM, fontsize=12, fontweight="bold", va="bottom"
            )
    return canvas
