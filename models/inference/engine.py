"""Inference engines: what computes the feature maps and logits of a network."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.network import Network

__all__ = ["Engine", "FeatureMaps", "PyTorchEngine"]


class FeatureMaps(NamedTuple):
    """What one forward pass gives."""

    stages: list[Tensor]
    """X1..Xn, [B, C, h, w] each."""
    fused: list[Tensor]
    """Y2..Yn, [B, C, h, w] each; empty without SCFF."""
    logits: Tensor
    """[B, classes]."""


class Engine(Protocol):
    """Runs a network. Thread-safe.

    Images are normalised, [B, 3, H, W], in the type of the network's weights and on their device; results require no
    gradients. Gradients are PyTorch's: of `network`, from the feature maps on.
    """

    @property
    def name(self) -> str:
        """Name of the library that computes."""
        ...

    @property
    def network(self) -> Network:
        """The network, in eval mode."""
        ...

    def feature_maps(self, images: Tensor) -> FeatureMaps:
        """Feature maps and logits of a batch of images."""
        ...

    def logits(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of a batch of images."""
        ...


@dataclass(frozen=True)
class PyTorchEngine:
    """PyTorch itself, for any device, type and image size."""

    network: Network
    name: str = "pytorch"

    def feature_maps(self, images: Tensor) -> FeatureMaps:
        """Feature maps and logits of a batch of images."""
        with torch.no_grad():
            stages, fused = self.network.maps(images)
            return FeatureMaps(stages, fused, self.network.head((fused or stages)[-1]))

    def logits(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of a batch of images."""
        with torch.no_grad():
            return self.network(images)
