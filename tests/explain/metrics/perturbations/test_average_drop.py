"""Average drop and increase in confidence, against toy classifiers."""

import numpy as np
import pytest

from tests.explain.metrics.toys import SIDE, Toy, left, noise, toy_faithfulness


@pytest.mark.essential
def test_drop_is_the_relative_confidence_loss_of_the_masked_image() -> None:
    toy, heatmap = Toy(noise(1)), noise(2)
    p, masked = toy.p(noise(3)), toy.p(noise(3) * heatmap / heatmap.max())
    found = toy_faithfulness(toy, noise(3), 7 * heatmap)  # of any scale
    assert found.confidence == pytest.approx(p, abs=1e-6)
    assert found.values["drop"] == pytest.approx((p - masked) / p, abs=1e-6)
    assert found.values["drop"] > 0.1
    assert found.values["increase"] is False


@pytest.mark.essential
def test_masking_negative_evidence_increases_confidence() -> None:
    toy = Toy(np.ones((SIDE, SIDE)))
    found = toy_faithfulness(toy, left(0.8, -0.6), left())
    assert found.confidence == pytest.approx(0.1 + 0.8 * 0.1, abs=1e-6)
    assert found.values["drop"] == 0
    assert found.values["increase"] is True


def test_coarse_map_is_upsampled_to_the_image() -> None:
    toy, heatmap = Toy(np.ones((SIDE, SIDE))), np.array([[4.0, 0.0]])
    # Cells of 10 pixels with centres at 4.5 and 14.5: full to the left of the one, none to the right of the other.
    share = np.clip((14.5 - np.arange(SIDE)) / 10, 0, 1)
    p, masked = 0.9, 0.1 + 0.8 * share.mean()
    assert toy_faithfulness(toy, np.ones((SIDE, SIDE)), heatmap).values["drop"] == pytest.approx(
        (p - masked) / p, abs=1e-6
    )
