"""Downsampling by average pooling."""

import torch
from torch import Tensor
from torch.nn import functional

from models.downsample._base import DownSample

__all__ = ["AveragePooled"]


class AveragePooled(DownSample):
    """The paper's choice: adaptive average pooling, then a 1x1 convolution.

    No fixed window fits every network's sizes.
    """

    title = "average pooling, then 1x1 convolution"

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        if earlier.requires_grad or earlier.device.type != "cpu":
            return self.project(functional.adaptive_avg_pool2d(earlier, size))
        # Forward on a CPU this is up to three times as fast with channels last, both changes of layout included;
        # backward it is not.
        channels_last = earlier.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        pooled = functional.adaptive_avg_pool2d(earlier.contiguous(memory_format=torch.channels_last), size)
        return self.project(pooled.contiguous(memory_format=layout))
