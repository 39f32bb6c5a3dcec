"""Preprocessing: RGB pixels to a network's input tensor."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

__all__ = ["Preprocessing", "Statistics", "resize_image"]

Channels = tuple[float, float, float]


def resize_image(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Resizes an image with antialiasing and without cropping; the aspect ratio is not kept.

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
    """Per-channel mean and standard deviation of the images that a network was first trained on."""

    mean: Channels
    """0 to 1 scale."""
    std: Channels
    """0 to 1 scale."""


@dataclass(frozen=True)
class Preprocessing:
    """Resizing and normalisation in front of a network; both networks of a pair share them."""

    size: tuple[int, int]
    """Input (height, width) in pixels."""
    mean: Channels
    """Subtracted from each channel, 0 to 1 scale."""
    std: Channels
    """Divisor of each channel after that, 0 to 1 scale."""

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"size must be at least 1 x 1, got {self.size}")
        if min(self.std) <= 0:
            raise ValueError(f"std must be above zero in every channel, got {self.std}")

    def normalise(self, batch: Tensor) -> Tensor:
        """uint8 [..., 3, h, w] to float32, (x / 255 - mean) / std."""
        return functional.normalize(
            functional.to_dtype(batch, torch.float32, scale=True), list(self.mean), list(self.std)
        )

    def __call__(self, image: np.ndarray) -> Tensor:
        """RGB uint8 [H, W, 3] to the network's input, float32 [1, 3, height, width]."""
        return self.normalise(resize_image(image, self.size))[None]
