"""What both networks of a pair say of an image, as a person would say it, in plain text."""

import numpy as np

from explain.cam.analysis import Heatmap, PairAnalysis
from explain.cam.methods import DEFAULT_METHOD, METHODS
from explain.figures.labels import percent
from explain.metrics.localisation import RegionResult
from explain.metrics.overlap import hottest_overlap

__all__ = ["MUCH_THE_SAME", "PARTLY_THE_SAME", "comparison_summary", "peak_position", "scale_text"]

MUCH_THE_SAME = 2 / 3
"""From this overlap on, two maps look at much the same places."""
PARTLY_THE_SAME = 1 / 3
"""From this one on, at partly the same: two maps that know nothing of each other come to a fifth."""
_EQUAL = 0.5  # points, of a hundred, within which two shares count as equal
_WHOSE = {"baseline": "the baseline", "scff": "SCFF"}


def comparison_summary(
    analysis: PairAnalysis,
    heatmaps: dict[str, Heatmap],
    regions: dict[str, RegionResult | None] | None = None,
    method: str = DEFAULT_METHOD,
) -> str:
    """Two sentences or more: predictions, what the maps are of where it is not these, a region, the maps' places.

    The maps look at much the same places where their hottest fifths overlap by MUCH_THE_SAME at least, at partly the
    same from PARTLY_THE_SAME on, and below it at different ones (hottest_overlap). Shares within half a point of a
    hundred count as equal. A map covers of a region what RegionResult.covered says.

    Args:
        analysis: of the image.
        heatmaps: both networks', by role.
        regions: both maps against one region, by role, where there is one; None for an empty map.
        method: that they were made by, a name in METHODS; one that knows no class is not said to show any.

    Returns:
        Plain text with class names as they are, to be escaped where it becomes HTML.
    """
    of_class = METHODS[method].knows_class
    parts = [
        _predictions(analysis),
        _asked(analysis, heatmaps) if of_class else None,
        _covered(regions or {}),
        _places(analysis, heatmaps, of_class),
    ]
    return " ".join(filter(None, parts))


def scale_text(analysis: PairAnalysis) -> str:
    """At which size the networks saw the image: "seen at 200 x 200 of 4000 x 3000 pixels, 1 : 20 by 1 : 15"."""
    seen, whole = analysis.pair.preprocessing.size[::-1], analysis.image.shape[1::-1]  # (width, height)
    scales = [
        f"1 : {full / part:.3g}" if full >= part else f"{part / full:.3g} : 1"
        for part, full in zip(seen, whole, strict=True)
    ]
    scale = scales[0] if scales[0] == scales[1] else " by ".join(scales)
    return f"seen at {seen[0]} x {seen[1]} of {whole[0]} x {whole[1]} pixels, {scale}"


def peak_position(values: np.ndarray) -> str:
    """Where a map is largest, in words."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    down = ("at the top", "in the middle", "at the bottom")[int(3 * row / values.shape[0])]
    across = ("left", "", "right")[int(3 * column / values.shape[1])]
    return f"{down} {across}".strip() if across else down


def _predictions(analysis: PairAnalysis) -> str:
    classes = analysis.pair.classes
    said = {role: classes[run.prediction] for role, run in analysis.runs.items()}
    sure = {role: float(run.probabilities[run.prediction]) for role, run in analysis.runs.items()}
    if said["baseline"] != said["scff"]:
        return (
            f"They disagree: the baseline says {said['baseline']} ({_percent(sure['baseline'])}), "
            f"with SCFF it is {said['scff']} ({_percent(sure['scff'])})."
        )
    if _equal(sure):
        return f"Both say {said['scff']} and are about as sure ({_both(sure)})."
    points = max(1, round(100 * abs(sure["scff"] - sure["baseline"])))
    surer = _WHOSE[max(sure, key=sure.__getitem__)]
    return f"Both say {said['scff']}; {surer} is {points} point{'s' if points > 1 else ''} surer."


def _asked(analysis: PairAnalysis, heatmaps: dict[str, Heatmap]) -> str | None:
    """What the maps are of, unless it is what each network predicts."""
    classes, found = analysis.pair.classes, heatmaps["scff"]
    over = "" if found.against is None else f" over {classes[found.against]}"
    if all(heatmap.target == analysis.runs[role].prediction for role, heatmap in heatmaps.items()):
        return f"Each map shows what speaks for its network's class{over}." if over else None
    given = {role: float(run.probabilities[found.target]) for role, run in analysis.runs.items()}
    return f"The maps show what speaks for {classes[found.target]}{over} ({_both(given)})."


def _covered(regions: dict[str, RegionResult | None]) -> str | None:
    shares = {role: found.covered for role, found in regions.items() if found is not None}
    parts = {role: _part(share) for role, share in shares.items()}
    if len(shares) < 2:
        return next((f"The map of {_WHOSE[role]} covers {parts[role]} of the marked area." for role in shares), None)
    if not any(shares.values()):
        return "Neither map covers any of the marked area."
    if parts["scff"] == parts["baseline"]:
        return f"Both maps cover {parts['scff']} of the marked area."
    if _equal(shares):
        return f"Both maps cover about {parts['scff']} of the marked area."
    more = "more" if shares["scff"] > shares["baseline"] else "less"
    return (
        f"The map of SCFF covers {more} of the marked area, {parts['scff']} of it; "
        f"that of the baseline covers {parts['baseline']}."
    )


def _places(analysis: PairAnalysis, heatmaps: dict[str, Heatmap], of_class: bool) -> str:
    empty = {role: heatmap for role, heatmap in heatmaps.items() if heatmap.empty}
    if len(empty) == 2:
        return "Both maps are empty."
    for role, heatmap in empty.items():
        return f"The map of {_WHOSE[role]} is empty: it finds nothing for {analysis.pair.classes[heatmap.target]}."
    overlap = hottest_overlap(analysis, heatmaps)
    how = "different"
    if overlap >= PARTLY_THE_SAME:
        how = "much the same" if overlap >= MUCH_THE_SAME else "partly the same"
    apart = of_class and heatmaps["baseline"].target != heatmaps["scff"].target
    return f"{'Each for its own class, the' if apart else 'The'} two maps look at {how} places."


def _equal(shares: dict[str, float]) -> bool:
    return round(100 * abs(shares["scff"] - shares["baseline"]), 6) <= _EQUAL


def _both(shares: dict[str, float]) -> str:
    baseline, scff = (_percent(shares[role]) for role in ("baseline", "scff"))
    return baseline if baseline == scff else f"{baseline} without SCFF, {scff} with it"


def _percent(share: float) -> str:
    """In whole percents; near none and near all, where these would claim either, as explain.figures.labels.percent."""
    return f"{share * 100:.0f} %" if 0.01 <= share < 0.99 else percent(share)


def _part(share: float) -> str:
    """A share of an area, which, unlike a probability, may be none and all."""
    return {0: "none", 1: "all"}.get(share, _percent(share))
