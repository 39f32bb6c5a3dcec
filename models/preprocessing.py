"""From RGB pixels to the tensor a network takes."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

__all__ = ["Preprocessing", "Statistics", "pixels"]

Channels = tuple[float, float, float]


def pixels(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Resizes an image, such as to the network's input size; the whole of it, without cropping.

    Args:
        image: RGB, uint8, [H, W, 3].
        size: (height, width) in pixels.

    Returns:
        uint8, [3, height, width].
    """
    channels_first = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    return functional.resize(channels_first, list(size), antialias=True)


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each channel over the images that a network was first trained on."""

    mean: Channels
    """0 to 1 scale."""
    std: Channels
    """0 to 1 scale."""


@dataclass(frozen=True)
class Preprocessing:
    """What a network does to an image before its first layer; both networks of a pair share one."""

    size: tuple[int, int]
    """Input (height, width) in pixels."""
    mean: Channels
    """Subtracted from each channel, 0 to 1 scale."""
    std: Channels
    """What each channel is then divided by, 0 to 1 scale."""

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"size must be at least 1 x 1, got {self.size}")
        if min(self.std) <= 0:
            raise ValueError(f"std must be above zero in every channel, got {self.std}")

    def normalise(self, batch: Tensor) -> Tensor:
        """uint8 [..., 3, h, w] to float32, less the mean and over the standard deviation."""
        return functional.normalize(functional.to_dtype(batch, torch.float32, scale=True), self.mean, self.std)

    def __call__(self, image: np.ndarray) -> Tensor:
        """RGB uint8 [H, W, 3] to the network's input, float32 [1, 3, height, width]."""
        return self.normalise(pixels(image, self.size))[None]
