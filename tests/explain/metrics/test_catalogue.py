"""Catalogue of metrics and perturbations."""

import re

import pytest
import torch

from explain.metrics.catalogue import METRICS, PERTURBATIONS, perturbations_of
from explain.metrics.perturbation import STEPS, RankedImage
from explain.metrics.ranking import ranking
from pairs.metrics import Metric
from tests.explain.metrics.toys import noise, plane

pytestmark = pytest.mark.essential


def test_metrics_in_the_order_of_reports() -> None:
    assert list(METRICS) == ["drop", "increase", "insertion", "deletion", "road", "randomised"]


def test_level_full_adds_road_to_quick() -> None:
    quick, full = (
        [metric.key for each in perturbations_of(level) for metric in each.metrics] for level in ("quick", "full")
    )
    assert perturbations_of("none") == ()
    assert full == [*quick, "road"] == list(METRICS)[:-1]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_descriptions_are_two_sentences(metric: Metric) -> None:
    assert len(re.findall(r"[.](?=\s|$)", metric.description)) == 2
    assert re.search(r"(19|20)\d\d$", metric.reference)


def test_perturbations_yield_their_declared_number_of_images() -> None:
    share = noise(1)
    image = RankedImage(plane(noise())[0], share, torch.from_numpy(ranking(share)))
    for each in PERTURBATIONS:
        perturbed = list(each.images(image))
        assert len(perturbed) == each.count
        assert all(pixels.shape == image.pixels.shape for pixels in perturbed)
        values = each.values(0.5, [0.5] * each.count)
        assert len(values) == len(each.metrics)
        if each.curve is not None:
            assert each.curve(0.5, [0.5] * each.count) == (0.5,) * (STEPS + 1)
            assert values == pytest.approx((0.5,))
