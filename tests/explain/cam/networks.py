"""Small networks and images for tests of heatmaps."""

import torch

from models.fusion_settings import FusionSettings
from models.network import Network

__all__ = ["FUSIONS", "images", "trained_like"]

FUSIONS = [None, FusionSettings()]


def trained_like(fusion: FusionSettings | None, arch: str = "resnet18") -> Network:
    """A network whose classifier has weights of the size that training gives."""
    torch.manual_seed(0)
    network = Network(arch, 6, fusion)
    with torch.no_grad():
        network.backbone.get_classifier().weight.normal_(0, 0.3)
    return network.for_inference()


def images(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, 96, 72, generator=torch.Generator().manual_seed(1))
