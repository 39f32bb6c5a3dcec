"""Overlap of two heatmaps: Dice coefficient of their highest fifths of pixels."""

from explain.explanation import Explanation
from explain.metrics.ranking import hottest_pixels, normalised_heatmap

__all__ = ["hottest_overlap"]

_HOTTEST = 5  # a fifth of the image


def hottest_overlap(explanation: Explanation) -> float | None:
    """Dice coefficient of the highest fifths of pixels of both heatmaps, at the networks' input size.

    Returns:
        0 to 1: twice the number of common pixels over the sum of both (Dice, 1945), pixels at zero excluded. None if a
        heatmap is empty.
    """
    heatmaps, size = explanation.heatmaps.values(), explanation.analysis.pair.preprocessing.size
    if any(heatmap.empty for heatmap in heatmaps):
        return None
    shares = [normalised_heatmap(heatmap.values, size) for heatmap in heatmaps]
    first, second = (hottest_pixels(share, share.size // _HOTTEST) & (share > 0) for share in shares)
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))
