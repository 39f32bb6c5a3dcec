"""Insertion curve and area, against a loop over the pixels."""

from itertools import pairwise

import numpy as np
import pytest

from explain.metrics.perturbation import STEPS
from tests.explain.metrics.toys import SIDE, Toy, left, noise, toy_faithfulness


@pytest.mark.essential
def test_insertion_restores_the_hottest_pixels_first_in_a_blurred_image() -> None:
    toy, image, heatmap = Toy(noise(4)), left() * noise(5), left() * noise(6) + 0.1 * noise(7)
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 5.0**2))
    weights /= weights.sum()
    wide = np.pad(image, 5, mode="reflect")
    blurred = np.zeros_like(image)
    for i in range(11):
        for j in range(11):
            blurred += weights[i] * weights[j] * wide[i : i + SIDE, j : j + SIDE]
    shown, expected = blurred.copy(), [toy.p(blurred)]
    for step, place in enumerate(np.argsort(-heatmap, axis=None), start=1):
        shown.flat[place] = image.flat[place]
        if step % (SIDE * SIDE // STEPS) == 0:
            expected.append(toy.p(shown))
    found = toy_faithfulness(toy, image, heatmap)
    assert found.curves["insertion"] == pytest.approx(expected, abs=1e-6)
    area = sum((a + b) / 2 for a, b in pairwise(expected)) / STEPS
    assert found.values["insertion"] == pytest.approx(area, abs=1e-6)
    assert np.ptp(expected) > 0.01
