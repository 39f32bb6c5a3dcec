"""Overlays and the side-by-side figure."""

from io import BytesIO

import matplotlib
import numpy as np
import pytest
from PIL import Image

from explain.analysis import Heatmap, analyse
from explain.figure import overlay, percent, side_by_side
from models.checkpoint import Pair
from tests.conftest import texture

INFERNO = matplotlib.colormaps["inferno"]


def test_overlay_blends_the_coloured_map() -> None:
    image = texture(0, 0)
    heatmap = Heatmap(np.full((2, 2), 7.0, dtype=np.float32), 0)
    hottest = np.array(INFERNO(1.0)[:3]) * 255
    for opacity in (0.0, 0.3, 1.0):
        expected = (1 - opacity) * image + opacity * hottest
        assert np.abs(overlay(image, heatmap, opacity) - expected).max() <= 1.5


def test_overlay_is_interpolated_at_pixel_centres() -> None:
    heatmap = Heatmap(np.array([[0, 4]], dtype=np.float32), 0)
    found = overlay(np.zeros((1, 8, 3), dtype=np.uint8), heatmap, 1.0)
    expected = [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    colours = np.array([INFERNO(round(share * 255))[:3] for share in expected]) * 255
    assert np.abs(found[0] - colours).max() <= 1


def test_overlay_of_an_empty_map_is_the_image() -> None:
    image = texture(0, 0)
    assert np.array_equal(overlay(image, Heatmap(np.zeros((3, 3), dtype=np.float32), 0), 0.9), image)


def test_overlay_leaves_its_input(pair: Pair) -> None:
    image = texture(0, 0)
    before = image.copy()
    overlay(image, analyse(pair, image).baseline.heatmap(), 0.5)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("shape", [(450, 700), (40, 60), (600, 120)])
def test_figure_holds_the_image_pixel_for_pixel(pair: Pair, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = analyse(pair, image)
    maps = found.baseline.heatmap(0), found.scff.heatmap(0)
    figure = np.asarray(Image.open(BytesIO(side_by_side(found, *maps, "a.tif"))).convert("RGB"))
    factor = -(-400 // shape[1]) if shape[1] < 400 else 1
    panels = [image, overlay(image, maps[0]), overlay(image, maps[1])]
    width, height = shape[1] * factor, shape[0] * factor
    unit = max(12, width // 32)
    top = figure.shape[0] - 3 * unit - height
    for column, panel in enumerate(panels):
        left = unit + column * (width + unit)
        shown = figure[top : top + height : factor, left : left + width : factor]
        assert np.array_equal(shown, panel)


def test_figure_says_when_a_map_is_empty(pair: Pair) -> None:
    found = analyse(pair, texture(0, 0))
    empty = Heatmap(np.zeros((2, 2), dtype=np.float32), 1)
    with_map, without = (side_by_side(found, m, found.scff.heatmap(1), "a") for m in (found.baseline.heatmap(1), empty))
    assert with_map != without


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "> 99.9 %"), (0.99951, "> 99.9 %"), (0.5, "50.0 %"), (0.0004, "< 0.1 %")]
)
def test_percent_never_claims_certainty(share: float, words: str) -> None:
    assert percent(share) == words
