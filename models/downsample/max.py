"""Downsampling by maximum pooling."""

import torch
from torch import Tensor
from torch.nn import functional

from models.downsample._base import DownSample

__all__ = ["MaxPooled"]


class MaxPooled(DownSample):
    """Adaptive maximum pooling, then a 1x1 convolution."""

    title = "maximum pooling, then 1x1 convolution"

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        # As torch's adaptive_max_pool2d, which ONNX lacks: uneven windows are padded with their own last line.
        kernel = []
        for dim, after in zip((2, 3), size, strict=True):
            before = earlier.shape[dim]
            starts = [i * before // after for i in range(after)]
            ends = [-(-(i + 1) * before // after) for i in range(after)]
            longest = max(end - start for start, end in zip(starts, ends, strict=True))
            kernel.append(longest)
            lines = [min(i + k, end - 1) for i, end in zip(starts, ends, strict=True) for k in range(longest)]
            if lines != list(range(before)):
                earlier = earlier.index_select(dim, torch.tensor(lines, device=earlier.device))
        return self.project(functional.max_pool2d(earlier, kernel))
