"""Charts as inline SVG, in the text colour of the page; networks differ by dashes as well as by colour."""

from collections.abc import Callable, Mapping, Sequence

from matplotlib.ticker import MaxNLocator

from app.components.templates import render
from explain.figures.labels import TITLES

__all__ = ["histogram", "line_chart"]

_WIDTH, _HEIGHT = 340, 190  # of the drawing; small enough for its text to be legible on a phone
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 78, 10, 42  # margins for axes and labels
_LINE_HEIGHT = 15  # minimum distance between two labels
_DASHES = {"baseline": "6 4", "scff": "none"}


def line_chart(
    title: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    x_label: str,
    percent: bool,
    rings: Mapping[str, float] | None = None,
) -> str:
    """Line chart with one line per network, labelled at its end; the baseline's is dashed.

    Args:
        title: text alternative of the chart.
        lines: points (x, y) by role, x rising, at least one point in all.
        x_label: title of the x axis.
        percent: whether y is a fraction from 0 to 1, labelled in per cent.
        rings: x of a point to mark with a circle, by role.

    Returns:
        An SVG element of class `chart`, with elements of the classes `line` and the role.
    """
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    y_ticks = [y for y in MaxNLocator(nbins=4).tick_values(min(ys), max(ys)) if not percent or -0.001 < y < 1.001]
    x_ticks = [x for x in MaxNLocator(nbins=5, integer=True).tick_values(min(xs), max(xs)) if min(xs) <= x <= max(xs)]
    to_x = _linear((min(xs), max(xs)), (_LEFT, _WIDTH - _RIGHT))
    to_y = _linear((min(*ys, *y_ticks), max(*ys, *y_ticks)), (_HEIGHT - _BOTTOM, _TOP))
    ends = {role: to_y(points[-1][1]) for role, points in lines.items() if points}
    series = [
        {
            "role": role,
            "title": TITLES[role],
            "dashes": _DASHES[role],
            "points": [(to_x(x), to_y(y)) for x, y in lines[role]],
            "rings": [(to_x(x), to_y(y)) for x, y in lines[role] if rings and x == rings.get(role)],
            "label_y": y,
        }
        for role, y in _separated(ends).items()
    ]
    return render(
        "components/line_chart.html",
        title=title,
        x_label=x_label,
        width=_WIDTH, height=_HEIGHT, left=_LEFT, right=_WIDTH - _RIGHT, bottom=_HEIGHT - _BOTTOM,
        x_ticks=[(to_x(x), f"{x:g}") for x in x_ticks],
        y_ticks=[(to_y(y), f"{y * 100:.4g} %" if percent else f"{y:.4g}") for y in y_ticks],
        series=series,
    )  # fmt: skip


def histogram(title: str, counts: Sequence[int], mean: float, x_label: str) -> str:
    """Histogram of values from 0 to 1, with their mean as a vertical line.

    Args:
        title: text alternative of the chart.
        counts: in bins of equal width.
        mean: 0 to 1.
        x_label: title of the x axis.

    Returns:
        An SVG element of class `chart`, with bars of class `bin`.
    """
    left, right, top, bottom = 14, _WIDTH - 14, 20, _HEIGHT - _BOTTOM
    to_x, to_y = _linear((0, len(counts)), (left, right)), _linear((0, max(*counts, 1)), (bottom, top))
    return render(
        "components/histogram.html",
        title=title,
        x_label=x_label,
        width=_WIDTH, height=_HEIGHT, left=left, right=right, top=top, bottom=bottom,
        bars=[(to_x(i) + 1, to_y(count)) for i, count in enumerate(counts) if count],
        bar_width=to_x(1) - left - 2,
        x_ticks=[(left + share * (right - left), f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)],
        mean_x=left + mean * (right - left),
        mean=f"mean {mean:.2f}",
    )  # fmt: skip


def _linear(domain: tuple[float, float], extent: tuple[float, float]) -> Callable[[float], float]:
    """Linear scale from a domain to an extent in pixels; an empty domain is mapped to the middle."""
    (low, high), (start, end) = domain, extent
    if low == high:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _separated(ends: dict[str, float]) -> dict[str, float]:
    """Heights of the labels at the ends of the lines, far enough apart to be legible."""
    if len(ends) < 2:
        return ends
    upper, lower = sorted(ends, key=lambda role: ends[role])
    if ends[lower] - ends[upper] >= _LINE_HEIGHT:
        return ends
    half = _LINE_HEIGHT / 2
    middle = min(max((ends[upper] + ends[lower]) / 2, _TOP + half), _HEIGHT - _BOTTOM - half)
    return {upper: middle - half, lower: middle + half}
