"""Small networks for tests of metrics."""

import torch

from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.randomisation import randomised, randomised_similarity
from models.fusion_settings import FusionSettings
from models.network import Network

__all__ = ["images", "similarity", "trained_like"]


def trained_like(fusion: FusionSettings | None) -> Network:
    torch.manual_seed(0)
    network = Network("resnet18", 5, fusion)
    with torch.no_grad():
        network.backbone.get_classifier().weight.normal_(0, 0.3)
    return network.for_inference()


def images(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def similarity(
    network: Network, given: torch.Tensor, targets: list[int], layer: str, method: str, seed: int = 0
) -> list[float | None]:
    """Similarity of a network's maps and those of the randomised network."""
    maps = forward_pass(network, given).heatmaps([Target(index) for index in targets], layer, method)
    return randomised_similarity(maps, randomised(network, seed), given, targets, layer, method)
