"""Overlays and the side-by-side figure."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from explain.analysis import Heatmap, analyse
from explain.figure import overlay, panel_title, percent, side_by_side
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
    maps = found.heatmaps(0)
    figure = np.asarray(side_by_side(found, maps, "a.tif"))
    factor = -(-400 // shape[1]) if shape[1] < 400 else 1
    width, height = shape[1] * factor, shape[0] * factor
    line = max(12, width // 32)
    for column, panel in enumerate([image, overlay(image, maps["baseline"]), overlay(image, maps["scff"])]):
        left = line + column * (width + line)
        shown = figure[4 * line : 4 * line + height, left : left + width]
        assert np.array_equal(shown, panel.repeat(factor, axis=0).repeat(factor, axis=1))


def test_titles_say_what_a_map_shows(pair: Pair) -> None:
    run = replace(analyse(pair, texture(0, 0)).scff, probabilities=np.array([0.25, 0.7, 0.05]))
    values = np.ones((2, 2), dtype=np.float32)
    assert panel_title("scff", run, Heatmap(values, 1)) == "With SCFF: roof, 70.0 %\nheatmap of its prediction"
    assert panel_title("baseline", run, Heatmap(values, 0)) == "Baseline: roof, 70.0 %\nheatmap of field, 25.0 %"
    assert panel_title("scff", run, Heatmap(values * 0, 2)).endswith("\nempty map: no evidence for water")


@pytest.mark.parametrize("name", ["a$x_{$.png", "场景.tif", "n" * 200])
def test_any_file_name_can_be_a_title(pair: Pair, name: str) -> None:
    found = analyse(pair, texture(0, 0))
    plain, figure = (np.asarray(side_by_side(found, found.heatmaps(), title)) for title in ("a", name))
    assert figure.shape == plain.shape
    assert not np.array_equal(figure, plain)


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "> 99.9 %"), (0.99951, "> 99.9 %"), (0.5, "50.0 %"), (0.0004, "< 0.1 %")]
)
def test_percent_never_claims_certainty(share: float, words: str) -> None:
    assert percent(share) == words
