"""How far the hottest fifths of two heatmaps overlap (Dice coefficient)."""

from explain.cam.analysis import Heatmap, PairAnalysis
from explain.metrics.ranking import hottest_pixels, normalised_heatmap

__all__ = ["hottest_overlap"]

_HOTTEST = 5  # a fifth of the image


def hottest_overlap(analysis: PairAnalysis, heatmaps: dict[str, Heatmap]) -> float | None:
    """How far the hottest fifths of both maps, at the size that the networks see, are the same pixels.

    Args:
        analysis: of the image.
        heatmaps: both networks', by role.

    Returns:
        0 to 1: twice the common pixels over those of both fifths (Dice, 1945). What a map leaves at zero is in no
        fifth. None where a map is empty.
    """
    if any(heatmap.empty for heatmap in heatmaps.values()):
        return None
    shares = [normalised_heatmap(heatmap.values, analysis.pair.preprocessing.size) for heatmap in heatmaps.values()]
    first, second = (hottest_pixels(share, share.size // _HOTTEST) & (share > 0) for share in shares)
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))
