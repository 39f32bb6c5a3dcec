"""Ranking of pixels by a heatmap."""

import numpy as np
import pytest
from PIL import Image

from explain.metrics.ranking import hottest_pixels, normalised_heatmap, ranking
from tests.explain.metrics.toys import SIDE, noise


@pytest.mark.essential
def test_ties_are_broken_reproducibly_and_without_spatial_bias() -> None:
    share = normalised_heatmap(np.full((3, 7), 0.3, dtype=np.float32), (SIDE, 2 * SIDE))
    assert (share == 1).all()
    places = ranking(share)
    assert sorted(places.ravel()) == list(range(2 * SIDE * SIDE))
    assert np.array_equal(places, ranking(share.copy()))
    hottest = np.argwhere(places < SIDE * SIDE)  # [half, 2]; their mean place is the middle, up to three deviations
    deviations = np.array([SIDE, 2 * SIDE]) / np.sqrt(12 * len(hottest))
    assert (np.abs(hottest.mean(axis=0) - [(SIDE - 1) / 2, (2 * SIDE - 1) / 2]) < 3 * deviations).all()
    assert (ranking(noise()).ravel()[np.argsort(-noise(), axis=None)] == np.arange(SIDE * SIDE)).all()


def test_plateau_stays_constant_after_upsampling() -> None:
    heatmap = np.full((7, 7), 0.3, dtype=np.float32)
    heatmap[0, 0] = 1.7
    share = normalised_heatmap(heatmap, (200, 224))
    assert len(np.unique(share[60:])) == 1
    assert (ranking(share)[60:] >= (share > share[-1, -1]).sum()).all()  # after all pixels that the hot cell affects


@pytest.mark.essential
def test_hottest_pixels_match_the_ranking() -> None:
    random = np.random.default_rng(1)
    for share in (noise(), random.integers(0, 4, (30, 40)) / 3, np.zeros((20, 20))):
        for count in (1, share.size // 5, share.size - 1, share.size):
            assert np.array_equal(hottest_pixels(share, count), ranking(share) < count)


def test_upsampling_preserves_mirror_symmetry() -> None:
    half = np.random.default_rng(0).random((5, 7))
    share = normalised_heatmap(half + half[:, ::-1], (50, 61))
    assert np.array_equal(share, share[:, ::-1])


def test_upsampling_matches_pillow() -> None:
    heatmap = np.random.default_rng(0).random((7, 5)).astype(np.float32)
    for size in ((50, 64), (4, 9)):
        theirs = Image.fromarray(heatmap / heatmap.max()).resize(size[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_allclose(normalised_heatmap(heatmap, size), np.asarray(theirs), atol=1e-6)
