"""Labels on figures."""

from dataclasses import replace

import numpy as np
import pytest

from explain.cam.analysis import Heatmap, analyse
from explain.figures.labels import panel_title, percent, resized_text
from pairs.pair import Pair
from tests.conftest import texture


def test_panel_title_names_prediction_and_target(pair: Pair) -> None:
    run = replace(analyse(pair, texture(0, 0)).scff, probabilities=np.array([0.25, 0.7, 0.05]))
    values = np.ones((2, 2), dtype=np.float32)
    assert panel_title("scff", run, Heatmap(values, 1)) == "With SCFF: roof, 70.0 %\nheatmap for its prediction"
    assert panel_title("baseline", run, Heatmap(values, 0)) == "Baseline: roof, 70.0 %\nheatmap for field, 25.0 %"
    assert panel_title("scff", run, Heatmap(values, 1, against=0)).endswith("heatmap for its prediction over field")
    assert panel_title("scff", run, Heatmap(values * 0, 2)).endswith("\nempty map: no evidence for water")


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "> 99.9 %"), (0.99951, "> 99.9 %"), (0.5, "50.0 %"), (0.0004, "< 0.1 %")]
)
def test_percent_is_never_0_or_100(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((64, 64), "at its own size of 64 x 64 pixels"),
        ((640, 640), "resized from 640 x 640 to 64 x 64 pixels, downsampled 10x"),
        (
            (960, 1280),
            "resized from 1280 x 960 to 64 x 64 pixels, downsampled 20x horizontally and downsampled 15x vertically",
        ),
        (
            (32, 100),
            "resized from 100 x 32 to 64 x 64 pixels, downsampled 1.56x horizontally and upsampled 2x vertically",
        ),
        ((64, 256), "resized from 256 x 64 to 64 x 64 pixels, downsampled 4x horizontally"),
    ],
)
def test_resized_text_states_sizes_and_factors(pair: Pair, shape: tuple[int, int], text: str) -> None:
    analysis, image = analyse(pair, texture(0, 0)), np.zeros((*shape, 3), dtype=np.uint8)
    assert resized_text(replace(analysis, image=image)) == text
