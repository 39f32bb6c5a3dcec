"""Overlays and differences of heatmaps."""

import matplotlib
import numpy as np

from explain.cam.analysis import Heatmap, analyse
from explain.explanation import Explanation
from explain.figures.overlay import difference, difference_end, difference_overlay, overlay, scaled
from explain.figures.side_by_side import side_by_side
from explain.figures.style import Style
from pairs.pair import Pair
from tests.conftest import texture

INFERNO = matplotlib.colormaps["inferno"]


def test_overlay_blends_the_coloured_map() -> None:
    image = texture(0, 0)
    hottest = np.array(INFERNO(1.0)[:3]) * 255
    for opacity in (0.0, 0.3, 1.0):
        expected = (1 - opacity) * image + opacity * hottest
        assert np.abs(overlay(image, np.ones((2, 2)), Style(opacity=opacity)) - expected).max() <= 1.5


def test_overlay_is_interpolated_at_pixel_centres() -> None:
    found = overlay(np.zeros((1, 8, 3), dtype=np.uint8), np.array([[0.0, 1.0]]), Style(opacity=1))
    expected = [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    colours = np.array([INFERNO(round(share * 255))[:3] for share in expected]) * 255
    assert np.abs(found[0] - colours).max() <= 1


def test_overlay_of_an_empty_map_is_the_image() -> None:
    image = texture(0, 0)
    maps = {role: Heatmap(np.zeros((3, 3), dtype=np.float32), 0) for role in ("baseline", "scff")}
    assert scaled(maps, Style()) == {"baseline": None, "scff": None}
    assert difference(maps, Style()) is None
    assert np.array_equal(overlay(image, None, Style()), image)
    assert np.array_equal(difference_overlay(image, None, 1, Style()), image)


def test_scale_is_per_map_or_shared() -> None:
    low, high = (np.array([[0, top / 2], [top, 0]], dtype=np.float32) for top in (2, 8))
    maps = {"baseline": Heatmap(low, 0), "scff": Heatmap(high, 0)}
    own, shared = (scaled(maps, Style(scale=scale)) for scale in ("own", "shared"))
    np.testing.assert_array_equal(own["baseline"], own["scff"])
    np.testing.assert_array_equal(shared["baseline"], low / 8)
    np.testing.assert_array_equal(shared["scff"], high / 8)
    np.testing.assert_array_equal(difference(maps, Style()), np.zeros((2, 2)))
    np.testing.assert_array_equal(difference(maps, Style(scale="shared")), (high - low) / 8)
    empty = {**maps, "scff": Heatmap(high * 0, 0)}
    np.testing.assert_array_equal(difference(empty, Style()), -low / 2)


def test_a_difference_is_centred_at_zero() -> None:
    image = np.zeros((1, 3, 3), dtype=np.uint8)
    found = difference_overlay(image, np.array([[-0.4, 0.0, 0.4]]), 0.4, Style(opacity=1))[0].astype(int)
    less, none, more = found
    assert less[2] > less[0]  # blue
    assert more[0] > more[2]  # red
    assert none.min() > 240


def test_difference_range_is_the_largest_value_and_at_least_a_tenth() -> None:
    assert difference_end(np.array([0.2, -0.331]), None, np.array([0.1])) == 0.34
    assert difference_end(np.array([1.0])) == 1
    assert difference_end(np.array([0.001])) == difference_end(None) == 0.1


def test_figure_leaves_its_input_unchanged(pair: Pair) -> None:
    image = texture(0, 0)
    before = image.copy()
    side_by_side(Explanation.of(analyse(pair, image)), "a.tif")
    assert np.array_equal(image, before)
