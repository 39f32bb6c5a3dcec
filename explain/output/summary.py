"""Summary of an explanation: a pair's predictions and heatmaps compared in plain sentences."""

from collections.abc import Mapping

import numpy as np

from explain.cam.analysis import PairAnalysis
from explain.cam.methods import METHODS
from explain.explanation import Explanation
from explain.figures.labels import percent
from explain.metrics.localisation import RegionResult

__all__ = ["MUCH_THE_SAME", "PARTLY_THE_SAME", "comparison_summary", "peak_position"]

MUCH_THE_SAME = 2 / 3
"""Minimum overlap at which two heatmaps highlight much the same areas."""
PARTLY_THE_SAME = 1 / 3
"""Minimum overlap at which they highlight partly the same areas; two unrelated heatmaps reach a fifth."""
_EQUAL = 0.5  # percentage points within which two fractions count as equal
_NAMES = {"baseline": "the baseline", "scff": "SCFF"}


def comparison_summary(explanation: Explanation, regions: Mapping[str, RegionResult | None] | None = None) -> str:
    """Two or more sentences: predictions, target class if it differs from them, region, overlap of the heatmaps.

    Heatmaps highlight much the same areas if their overlap (Explanation.overlap) is at least MUCH_THE_SAME, partly the
    same if it is at least PARTLY_THE_SAME, and otherwise different ones. Fractions within half a percentage point count
    as equal. Of a region, the energy inside is given (RegionResult.energy).

    Args:
        explanation: the image's explanation.
        regions: localisation metrics by role, None for an empty heatmap; empty without a region.

    Returns:
        Plain text with unescaped class names.
    """
    parts = [
        _predictions(explanation.analysis),
        _target_class(explanation) if METHODS[explanation.question.method].knows_class else None,
        _energy_inside(regions or {}),
        _overlap(explanation),
    ]
    return " ".join(filter(None, parts))


def peak_position(values: np.ndarray) -> str:
    """Position of a heatmap's maximum: "top left", "top", ..., "centre", ..., "bottom right"."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    down = ("top", "", "bottom")[int(3 * row / values.shape[0])]
    across = ("left", "", "right")[int(3 * column / values.shape[1])]
    return " ".join(filter(None, (down, across))) or "centre"


def _predictions(analysis: PairAnalysis) -> str:
    classes = analysis.pair.classes
    predictions = {role: classes[run.prediction] for role, run in analysis.networks.items()}
    confidence = {role: float(run.probabilities[run.prediction]) for role, run in analysis.networks.items()}
    if predictions["baseline"] != predictions["scff"]:
        return (
            f"The predictions differ: the baseline predicts {predictions['baseline']} "
            f"({_percent(confidence['baseline'])}), SCFF predicts {predictions['scff']} "
            f"({_percent(confidence['scff'])})."
        )
    if _equal(confidence):
        return f"Both predict {predictions['scff']} with about the same confidence ({_both(confidence)})."
    points = max(1, round(100 * abs(confidence["scff"] - confidence["baseline"])))
    higher = _NAMES[max(confidence, key=confidence.__getitem__)]
    return (
        f"Both predict {predictions['scff']}; {higher}'s confidence is {points} percentage "
        f"point{'s' if points > 1 else ''} higher."
    )


def _target_class(explanation: Explanation) -> str | None:
    """Sentence on the target class, unless it is each network's own prediction."""
    runs, target = explanation.analysis.networks, explanation.heatmaps["scff"]
    classes = explanation.analysis.pair.classes
    over = "" if target.against is None else f" over {classes[target.against]}"
    if all(heatmap.target == runs[role].prediction for role, heatmap in explanation.heatmaps.items()):
        return f"Each heatmap shows evidence for its network's own prediction{over}." if over else None
    confidence = {role: float(run.probabilities[target.target]) for role, run in runs.items()}
    return f"The heatmaps show evidence for {classes[target.target]}{over} ({_both(confidence)})."


def _energy_inside(regions: Mapping[str, RegionResult | None]) -> str | None:
    """Sentence on the fraction of each heatmap's energy inside the region, the first column of its table."""
    energies = {role: found.energy for role, found in regions.items() if found is not None}
    parts = {role: _part(energy) for role, energy in energies.items()}
    if len(energies) < 2:
        sentences = (
            f"The region holds {part} of the energy of {_NAMES[role]}'s heatmap." for role, part in parts.items()
        )
        return next(sentences, None)
    if parts["scff"] == parts["baseline"] or _equal(energies):
        about = "" if parts["scff"] == parts["baseline"] else "about "
        return f"The region holds {about}{parts['scff']} of the energy of both heatmaps."
    more = "more" if energies["scff"] > energies["baseline"] else "less"
    return (
        f"The region holds {more} of the energy of SCFF's heatmap ({parts['scff']}) than of the baseline's "
        f"({parts['baseline']})."
    )


def _overlap(explanation: Explanation) -> str:
    heatmaps, classes = explanation.heatmaps, explanation.analysis.pair.classes
    overlap = explanation.overlap()
    if overlap is None:
        empty = [role for role, heatmap in heatmaps.items() if heatmap.empty]
        if len(empty) == 2:
            return "Both heatmaps are empty."
        return f"{_possessive(empty[0])} heatmap is empty: no evidence for {classes[heatmaps[empty[0]].target]}."
    how = "different"
    if overlap >= PARTLY_THE_SAME:
        how = "much the same" if overlap >= MUCH_THE_SAME else "partly the same"
    knows_class = METHODS[explanation.question.method].knows_class
    apart = knows_class and heatmaps["baseline"].target != heatmaps["scff"].target
    return f"{'Each for its own class, the' if apart else 'The'} two heatmaps highlight {how} areas."


def _possessive(role: str) -> str:
    """Possessive of a network's name at the beginning of a sentence."""
    return {"baseline": "The baseline's", "scff": "SCFF's"}[role]


def _equal(shares: Mapping[str, float]) -> bool:
    return round(100 * abs(shares["scff"] - shares["baseline"]), 6) <= _EQUAL


def _both(shares: Mapping[str, float]) -> str:
    baseline, scff = (_percent(shares[role]) for role in ("baseline", "scff"))
    return baseline if baseline == scff else f"{baseline} without SCFF, {scff} with it"


def _percent(share: float) -> str:
    """Whole percent; below 1 % and above 99 % like explain.figures.labels.percent, so that it is never 0 or 100 %."""
    return f"{share * 100:.0f} %" if 0.01 <= share < 0.99 else percent(share)


def _part(share: float) -> str:
    """Fraction of an area as text, which, unlike a probability, may be none or all."""
    if share in (0, 1):
        return "all" if share else "none"
    return _percent(share)
