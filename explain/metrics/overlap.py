"""Overlap of two heatmaps: Dice coefficient of their highest fifths of pixels."""

from collections.abc import Mapping

from explain.cam.analysis import Heatmap
from explain.metrics.ranking import hottest_pixels, normalised_heatmap

__all__ = ["hottest_overlap"]

_HOTTEST = 5  # a fifth of the image


def hottest_overlap(heatmaps: Mapping[str, Heatmap], size: tuple[int, int]) -> float | None:
    """Dice coefficient of the highest fifths of pixels of two heatmaps.

    Args:
        heatmaps: both heatmaps, by role.
        size: (height, width) in pixels at which they are compared.

    Returns:
        0 to 1: twice the number of common pixels over the sum of both (Dice, 1945), pixels at zero excluded. None if a
        heatmap is empty.
    """
    if any(heatmap.empty for heatmap in heatmaps.values()):
        return None
    shares = [normalised_heatmap(heatmap.values, size) for heatmap in heatmaps.values()]
    first, second = (hottest_pixels(share, share.size // _HOTTEST) & (share > 0) for share in shares)
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))
