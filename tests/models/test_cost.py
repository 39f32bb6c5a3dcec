"""Computational cost of networks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from models import cost
from models.cost import profile
from models.fusion_settings import FusionSettings


@pytest.mark.essential
def test_cost_of_the_papers_network_matches_published_counts() -> None:
    counted = profile("resnet50", (224, 224), 1000, FusionSettings())
    assert counted.baseline.params == 25_557_032  # torchvision's documentation
    assert counted.baseline.macs / 1e9 == pytest.approx(4.09, abs=0.005)  # the same source
    assert counted.scff.params - counted.baseline.params == 3_799_488  # derived in tests/models/test_scff.py


def test_counting_ignores_networks_of_other_threads() -> None:
    layer = nn.Conv2d(3, 4, 3)

    def elsewhere() -> torch.Tensor:
        images = torch.ones(1, 3, 8, 8, requires_grad=True)
        (gradient,) = torch.autograd.grad(layer(images).sum(), images)
        return gradient

    with ThreadPoolExecutor(1) as pool:
        gradient, macs = cost._counted(lambda: pool.submit(elsewhere).result())
    assert gradient.shape == (1, 3, 8, 8)
    assert macs == 0
