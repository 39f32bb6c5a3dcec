"""Synthetic example scenes."""

import numpy as np
import pytest

from app.example_scenes import SCENES, draw


@pytest.mark.parametrize("name", SCENES)
def test_scene_is_deterministic_and_has_an_object_mask(name: str) -> None:
    first, second = draw(name), draw(name)
    assert first.image.shape == (200, 200, 3)
    assert first.image.dtype == np.uint8
    assert first.mask.shape == (200, 200)
    assert first.mask.dtype == bool
    assert np.array_equal(first.image, second.image)
    assert 0.1 < first.mask.mean() < 0.95
    assert first.image.std() > 10


def test_mask_covers_the_object() -> None:
    """The river is dark water, its banks are not; the harbour's piers are light, the water is not."""
    river, harbour = draw("river"), draw("harbour")
    blueness = river.image[..., 2].astype(int) - river.image[..., 0]
    assert blueness[river.mask].mean() > blueness[~river.mask].mean() + 20
    brightness = harbour.image.mean(axis=2)
    below_quay = np.arange(200)[:, None] > 60
    assert brightness[harbour.mask].mean() > brightness[~harbour.mask & below_quay].mean() + 50
