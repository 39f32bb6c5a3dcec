"""What a pair's report says of its heatmaps' faithfulness, as HTML: a table of measures, and curves."""

from collections.abc import Sequence

from app.components.charts import line_chart
from app.report import Judged, Judgement
from app.tabs.models.html import ABSENT, PART_TITLES, figure_html, or_absent, safe, table_html
from app.tabs.models.model_card import ModelCard
from explain.cam.methods import METHODS
from explain.figures.labels import TITLES, layer_label
from pairs.checkpoint import ROLES
from pairs.statistics import Interval

__all__ = ["MEASURES", "faithfulness_html"]

MEASURES = {
    "drop": (
        "Average drop in confidence",
        False,
        "the share of its probability that a network loses when whatever its map leaves dark fades into the mean "
        "colour",
    ),
    "increase": ("Increase in confidence", True, "the share of images whose probability rises when that is done"),
    "insertion": (
        "Area below insertion",
        True,
        "the mean probability while a blurred image becomes sharp, from the map's hottest pixel to its coldest",
    ),
    "deletion": (
        "Area below deletion",
        False,
        "the mean probability while pixels are set to the mean colour, the hottest first",
    ),
    "road": (
        "ROAD",
        True,
        "half the probability that is left without the coldest pixels, less that without as many of the hottest; above "
        "zero the map finds what counts",
    ),
    "randomised": (
        "Likeness to a random network's map",
        False,
        "the rank correlation of the map with that of the same network with random weights; near 1 the map does not "
        "show what was learned",
    ),
}
"""Title, whether higher is better, and what it is, of each that training.faithfulness_evaluation measures."""


def faithfulness_html(card: ModelCard) -> str:
    """HTML: of each part of the split that was judged, the measures of both networks; or that there is none."""
    judged = card.report.judged
    if judged is None:
        return "<p class='absent'>The report's figures on the heatmaps cannot be read.</p>"
    if not judged:
        return (
            "<p class='absent'>This was not measured: there is no faithfulness in this report. "
            "<code>python -m training evaluate</code> with <code>--explain</code> measures it.</p>"
        )
    return "".join(
        f"<h5>{safe(PART_TITLES.get(part, part)).capitalize()} part</h5>"
        + (_judged(found) if found else "<p class='absent'>The figures of this part cannot be read.</p>")
        for part, found in judged.items()
    )


def _judged(found: Judged) -> str:
    method = METHODS[found.method].title if found.method in METHODS else found.method
    plain = found.layer == "fused" or (found.layer[:1] in ("X", "Y") and found.layer[1:].isdecimal())
    layer = layer_label(found.layer) if plain else found.layer
    empty = or_absent(found.empty, lambda counts: ", ".join(f"{TITLES[r]} {count}" for r, count in counts.items()))
    columns = ("Measure", "Better", *TITLES.values(), "SCFF minus baseline", "Better on images", "In sum")
    rows = [_measure(name, judgement) for name, judgement in found.measures.items()]
    known = [(title, words) for name, (title, _, words) in MEASURES.items() if name in found.measures]
    words = "".join(f"<dt>{title}</dt><dd>{words}</dd>" for title, words in known)
    drawn = []
    for title, curves, across in (
        ("Insertion: mean probability", found.insertion, "share of pixels made sharp, %"),
        ("Deletion: mean probability", found.deletion, "share of pixels taken away, %"),
    ):
        lines = {role: _spread(curve) for role, curve in (curves or {}).items() if curve}
        if lines:
            drawn.append(figure_html(title, line_chart(title, lines, across, True)))
        else:
            drawn.append(figure_html(title, "<p class='absent'>There is no such curve in this report.</p>"))
    return (
        f"<p>{safe(method)} of {safe(layer)}, for each network's own prediction, over {found.images:,} images. Mean "
        f"[95 % bootstrap interval over images]. Empty maps, which have no other figure: {empty}.</p>"
        f"{table_html(columns, rows)}<dl>{words}</dl><div class='charts'>{''.join(drawn)}</div>"
    )


def _measure(name: str, found: Judgement | None) -> tuple[str, ...]:
    title, higher, _ = MEASURES.get(name, (safe(name), None, ""))
    better = "unknown" if higher is None else "higher" if higher else "lower"
    if found is None:
        return (title, better, *[ABSENT] * 5)
    both = found.paired
    counts = f"baseline {both.baseline_better}, SCFF {both.scff_better}, equal {both.equal}"
    means = (_interval(found.by_role[role]) for role in ROLES)
    return (title, better, *means, _interval(both.difference, "+"), counts, _verdict(both.difference, higher))


def _verdict(difference: Interval | None, higher: bool | None) -> str:
    """Which network's heatmaps are the better ones, where the interval of the difference leaves out zero."""
    if difference is None or higher is None:
        return "–"
    if difference.low <= 0 <= difference.high:
        return "cannot be told apart"
    return "SCFF better" if (difference.mean > 0) == higher else "baseline better"


def _spread(curve: Sequence[float]) -> list[tuple[float, float]]:
    """A curve's points over the share of pixels, 0 to 100."""
    return [(100 * step / max(1, len(curve) - 1), value) for step, value in enumerate(curve)]


def _interval(found: Interval | None, sign: str = "") -> str:
    if found is None:
        return "no image has a value"
    mean, low, high = (f"{value:{sign}.3f}".replace("-", "−") for value in (found.mean, found.low, found.high))
    return f"{mean} <span class='interval'>[{low}, {high}]</span>"
