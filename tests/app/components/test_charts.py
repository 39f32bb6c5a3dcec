"""Line charts as inline SVG."""

import re

from app.components.charts import line_chart


def test_line_chart_draws_points_at_their_coordinates() -> None:
    lines = {"baseline": [(1, 0.0), (2, 1.0), (3, 0.5)], "scff": [(2, 0.5)]}
    drawn = line_chart("a & b", lines, "epoch", True, {"baseline": 2})
    assert "<title>a &amp; b</title>" in drawn
    paths = [
        [tuple(map(float, point.split(","))) for point in path.split()]
        for path in re.findall(r"points='([^']*)'", drawn)
    ]
    (start, top, end), (alone,) = sorted(paths, key=len, reverse=True)
    assert start[0] < top[0] < end[0]
    assert top[1] < end[1] < start[1]
    assert alone == (top[0], end[1])
    assert drawn.count("r='5'") == 1
    assert "stroke-dasharray='6 4'" in drawn
    labels = [float(y) for y in re.findall(r"<text class='line \w+' x='[\d.]+' y='([\d.]+)'", drawn)]
    assert abs(labels[0] - labels[1]) >= 14  # both values are 0.5; the labels do not overlap
