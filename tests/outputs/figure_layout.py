"""Whether the words of a drawn figure can be read: size, contrast, inside the picture, none over another."""

from __future__ import annotations

from itertools import combinations

import matplotlib
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from cseval.reporting.figures import DPI, drawn
from cseval.reporting.figures_style import STRIP, STYLE

LEAST_POINTS, LEAST_CONTRAST = 12, 4.5


def contrast(first, second="#ffffff"):
    """Contrast of two colours as WCAG 2.2 defines it: from 1 to 21."""

    def luminance(colour):
        parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def problems(figure):
    """What is wrong with the words in a figure, as sentences."""
    with matplotlib.rc_context(STYLE):
        canvas = drawn(figure)
        canvas.canvas.draw()
    words = _visible(canvas)
    small = [f"{t.get_text()!r} at {t.get_fontsize()} points" for t, _ in words if t.get_fontsize() < LEAST_POINTS]
    pale = [f"{t.get_text()!r} in {t.get_color()}" for t, _ in words if contrast(t.get_color()) < LEAST_CONTRAST]
    floor = 0 if figure.mark else STRIP * DPI
    wide, high = canvas.bbox.width, canvas.bbox.height
    outside = [
        f"{t.get_text()!r} is cut off"
        for t, box in words
        if box.x0 < 0 or box.x1 > wide or box.y0 < floor or box.y1 > high
    ]
    over = [
        f"{a.get_text()!r} lies over {b.get_text()!r}"
        for (a, one), (b, two) in combinations(words, 2)
        if _touch(one, two)
    ]
    return small + pale + outside + over


def _visible(canvas):
    """Every text that is drawn, with its box; labels of ticks beyond the ends of an axis are not."""
    undrawn = {id(t) for axes in canvas.axes for t in _undrawn(axes)}
    found = [t for t in canvas.findobj(Text) if t.get_visible() and t.get_text().strip() and id(t) not in undrawn]
    return [(t, t.get_window_extent(canvas.canvas.get_renderer())) for t in found]


def _undrawn(axes):
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        spare = 1e-6 * (high - low)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not axes.axison or not low - spare <= tick.get_loc() <= high + spare:
                yield from (tick.label1, tick.label2)
        if not axes.axison:
            yield axis.label


def _touch(one, two):
    """Whether two boxes overlap by more than the empty line above and below letters."""
    across = min(one.x1, two.x1) - max(one.x0, two.x0)
    up = min(one.y1, two.y1) - max(one.y0, two.y0)
    return across > 1 and up > 3
