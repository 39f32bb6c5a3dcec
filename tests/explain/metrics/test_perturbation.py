"""Perturbation curves: steps, area under the curve, column names."""

import numpy as np
import pytest
import torch

from explain.metrics.catalogue import METRICS, PERTURBATIONS
from explain.metrics.perturbation import STEPS, RankedImage, area_under


def test_a_curve_goes_from_no_pixel_to_all_in_equal_steps() -> None:
    places = torch.arange(40 * 50).reshape(40, 50)
    counts = RankedImage(torch.zeros(3, 40, 50), np.zeros((40, 50)), places).counts()
    assert counts == list(range(0, 2001, 100))


def test_the_area_of_a_straight_line_is_a_triangle() -> None:
    line = [step / STEPS for step in range(STEPS + 1)]
    assert area_under(line) == pytest.approx(0.5)
    assert area_under([0.25] * (STEPS + 1)) == pytest.approx(0.25)


def test_curve_keeps_its_key_and_its_area_has_another_column() -> None:
    named = {metric: column for each in PERTURBATIONS for column, metric in each.columns.items()}
    assert {named[key] for key in ("insertion", "deletion")} == {"insertion_area", "deletion_area"}
    assert {named[key] for key in ("drop", "increase", "road")} == {"drop", "increase", "road"}
    assert named.keys() <= METRICS.keys()
