"""Deletion curve and area, against toy classifiers."""

import numpy as np
import pytest

from explain.metrics.perturbation import STEPS
from tests.explain.metrics.toys import SIDE, Toy, left, toy_faithfulness


@pytest.mark.essential
def test_deletion_replaces_the_hottest_pixels_first_by_the_mean_colour() -> None:
    toy, image = Toy(left()), np.ones((SIDE, SIDE))
    found, against = toy_faithfulness(toy, image, left(1, 0.5)), toy_faithfulness(toy, image, left(0.5, 1))
    falling = [0.9 - 0.8 * min(1, 2 * step / STEPS) for step in range(STEPS + 1)]
    assert found.curves["deletion"] == pytest.approx(falling, abs=1e-6)
    assert found.values["deletion"] == pytest.approx(0.1 + 0.8 / 4, abs=1e-6)  # a triangle over half of the pixels
    assert against.curves["deletion"] == pytest.approx([0.9] * (STEPS // 2) + falling[: STEPS // 2 + 1], abs=1e-6)
    assert against.values["deletion"] == pytest.approx(0.1 + 0.8 * 3 / 4, abs=1e-6)
