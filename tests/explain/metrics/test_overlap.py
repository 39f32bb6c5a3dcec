"""Overlap of two heatmaps: Dice coefficient of their highest fifths of pixels."""

import numpy as np
import pytest

from explain.cam.analysis import Heatmap
from explain.metrics.overlap import hottest_overlap
from explain.metrics.ranking import normalised_heatmap
from pairs.pair import Pair

FALLING = np.arange(16, 0, -1, dtype=np.float32).reshape(4, 4)  # highest at the top


def overlap(pair: Pair, baseline: np.ndarray, scff: np.ndarray) -> float | None:
    return hottest_overlap({"baseline": Heatmap(baseline, 0), "scff": Heatmap(scff, 0)}, pair.preprocessing.size)


def test_equal_maps_overlap_whatever_their_scale(pair: Pair) -> None:
    assert overlap(pair, FALLING, 3 * FALLING) == 1


def test_opposite_maps_do_not_overlap(pair: Pair) -> None:
    assert overlap(pair, FALLING, FALLING[::-1].copy()) == 0


def test_pixels_at_zero_do_not_count(pair: Pair) -> None:
    """Of a map that is positive on fewer pixels than a fifth, these alone count; the other map's fifth holds them."""
    peak = np.zeros((32, 32), np.float32)
    peak[0, :8] = 1
    falling = np.repeat(np.arange(32, 0, -1, dtype=np.float32)[:, None], 32, 1)
    size = pair.preprocessing.size
    positive, fifth = int((normalised_heatmap(peak, size) > 0).sum()), size[0] * size[1] // 5
    assert positive < fifth
    assert overlap(pair, peak, falling) == 2 * positive / (positive + fifth)


@pytest.mark.parametrize("empty", ["baseline", "scff"])
def test_empty_map_has_no_overlap(pair: Pair, empty: str) -> None:
    maps = {"baseline": FALLING, "scff": FALLING} | {empty: np.zeros_like(FALLING)}
    assert overlap(pair, **maps) is None
