"""Side-by-side figure of one image."""

import numpy as np
import pytest

from explain.cam.analysis import analyse
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.figures.overlay import overlay, scaled
from explain.figures.side_by_side import side_by_side
from explain.figures.style import Style
from pairs.pair import Pair
from tests.conftest import texture


@pytest.mark.parametrize("shape", [(450, 700), (40, 60), (600, 120)])
def test_figure_holds_the_image_pixel_for_pixel(pair: Pair, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    explanation = Explanation.of(analyse(pair, image), Question(0))
    maps = explanation.heatmaps
    figure = np.asarray(side_by_side(explanation, "a.tif"))
    factor = -(-400 // shape[1]) if shape[1] < 400 else 1
    width, height = shape[1] * factor, shape[0] * factor
    line = max(12, min(width // 32, height // 12))
    shares = scaled(maps, Style())
    overlays = [overlay(image, shares[role], Style()) for role in ("baseline", "scff")]
    for column, panel in enumerate([image, *overlays]):
        left = line + column * (width + line)
        shown = figure[4 * line : 4 * line + height, left : left + width]
        assert np.array_equal(shown, panel.repeat(factor, axis=0).repeat(factor, axis=1))


@pytest.mark.parametrize("name", ["a$x_{$.png", "场景.tif", "n" * 200])
def test_any_file_name_can_be_a_title(pair: Pair, name: str) -> None:
    found = Explanation.of(analyse(pair, texture(0, 0)))
    plain, figure = (np.asarray(side_by_side(found, title)) for title in ("a", name))
    assert figure.shape == plain.shape
    assert not np.array_equal(figure, plain)
