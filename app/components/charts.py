"""Charts of both networks as inline SVG: text and axes in the colour of the page, lines told apart by their dashes."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from matplotlib.ticker import MaxNLocator

from explain.figures.labels import TITLES

__all__ = ["histogram", "line_chart"]

_WIDTH, _HEIGHT = 340, 190  # of the whole drawing, so small that its text can be read on a telephone
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 78, 10, 42  # what axes and labels take of it
_LINE = 15  # least distance of two labels
_DASHES = {"baseline": "6 4", "scff": "none"}


def line_chart(
    title: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    across: str,
    shares: bool,
    rings: Mapping[str, float] | None = None,
) -> str:
    """A line for each network, the baseline's dashed, each with its name at its end.

    Args:
        title: what the chart shows, for those who do not see it; plain text.
        lines: points (x, y) by role, x rising, at least one point in all.
        across: what x is; plain text.
        shares: whether y runs from 0 to 1, to be shown in per cent.
        rings: an x of each line, by role, to be marked.

    Returns:
        An SVG element with the classes `chart`, and `line` and the role on what belongs to a network.
    """
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    steps_up = [y for y in MaxNLocator(nbins=4).tick_values(min(ys), max(ys)) if not shares or -0.001 < y < 1.001]
    bottom, top = min(*ys, *steps_up), max(*ys, *steps_up)
    steps_across = [x for x in MaxNLocator(nbins=5, integer=True).tick_values(min(xs), max(xs)) if x <= max(xs)]
    place_x = _scale((min(xs), max(xs)), (_LEFT, _WIDTH - _RIGHT))
    place_y = _scale((bottom, top), (_HEIGHT - _BOTTOM, _TOP))
    drawn = [_grid(place_y(y), f"{y * 100:.4g} %" if shares else f"{y:.4g}") for y in steps_up]
    drawn += [_tick(place_x(x), f"{x:g}") for x in steps_across if x >= min(xs)]
    drawn.append(_words((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, across, "middle"))
    ends = {role: place_y(points[-1][1]) for role, points in lines.items() if points}
    for role, label in _apart(ends).items():
        points = [(place_x(x), place_y(y)) for x, y in lines[role]]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        x, y = points[-1]
        ring = "".join(
            f"<circle cx='{place_x(at):.1f}' cy='{place_y(value):.1f}' r='5' fill='none' stroke-width='2'/>"
            for at, value in lines[role]
            if rings and at == rings.get(role)
        )
        drawn.append(
            f"<g class='line {role}' stroke='currentColor'>"
            f"<polyline points='{path}' fill='none' stroke-width='2' stroke-dasharray='{_DASHES[role]}'/>"
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.5' fill='currentColor'/>{ring}</g>"
            f"{_words(x + 8, label + 4, TITLES[role], 'start', f'line {role}')}"
        )
    return (
        f"<svg class='chart' role='img' viewBox='0 0 {_WIDTH} {_HEIGHT}' font-size='12.5'>"
        f"<title>{escape(title)}</title>{''.join(drawn)}</svg>"
    )


def histogram(title: str, counts: Sequence[int], mean: float, across: str) -> str:
    """How many of something have a share from 0 to 1, with their mean as a line.

    Args:
        title: what the chart shows, for those who do not see it; plain text.
        counts: in equal parts of 0 to 1.
        mean: 0 to 1.
        across: what the share is; plain text.

    Returns:
        An SVG element with the class `chart`, and `bin` on its bars.
    """
    left, right, top, bottom = 14, _WIDTH - 14, 20, _HEIGHT - _BOTTOM
    place_x, place_y = _scale((0, len(counts)), (left, right)), _scale((0, max(*counts, 1)), (bottom, top))
    drawn = [
        f"<rect class='bin' x='{place_x(i) + 1:.1f}' width='{place_x(1) - left - 2:.1f}' y='{place_y(count):.1f}' "
        f"height='{bottom - place_y(count):.1f}' fill='currentColor'/>"
        for i, count in enumerate(counts)
        if count
    ]
    drawn.append(f"<line x1='{left}' x2='{right}' y1='{bottom}' y2='{bottom}' stroke='currentColor' opacity='0.5'/>")
    drawn += [_tick(left + share * (right - left), f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)]
    x = left + mean * (right - left)
    drawn.append(
        f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top - 4}' y2='{bottom}' stroke='currentColor' stroke-width='2'/>"
    )
    drawn.append(_words(x, top - 8, f"mean {mean:.2f}", "middle"))
    drawn.append(_words((left + right) / 2, _HEIGHT - 6, across, "middle"))
    return (
        f"<svg class='chart' role='img' viewBox='0 0 {_WIDTH} {_HEIGHT}' font-size='12.5'>"
        f"<title>{escape(title)}</title>{''.join(drawn)}</svg>"
    )


def _scale(values: tuple[float, float], places: tuple[float, float]) -> Callable[[float], float]:
    """From values to places; the middle where there is one value only."""
    (low, high), (start, end) = values, places
    if low == high:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _apart(ends: dict[str, float]) -> dict[str, float]:
    """Heights of labels near the ends of their lines, so far apart that both can be read."""
    if len(ends) < 2:
        return ends
    upper, lower = sorted(ends, key=ends.get)
    missing = max(0.0, _LINE - (ends[lower] - ends[upper])) / 2
    middle = min(max((ends[upper] + ends[lower]) / 2, _TOP + _LINE / 2), _HEIGHT - _BOTTOM - _LINE / 2)
    if missing:
        return {upper: middle - _LINE / 2, lower: middle + _LINE / 2}
    return ends


def _grid(y: float, words: str) -> str:
    line = f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='currentColor' opacity='0.2'/>"
    return line + _words(_LEFT - 8, y + 4, words, "end")


def _tick(x: float, words: str) -> str:
    return _words(x, _HEIGHT - _BOTTOM + 17, words, "middle")


def _words(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    named = f" class='{kind}'" if kind else ""
    return f"<text{named} x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' fill='currentColor'>{escape(words)}</text>"
