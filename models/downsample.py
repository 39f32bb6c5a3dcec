"""D, section 2.3.2 of the paper: brings an earlier map to a later stage's size and channels.

Four ways, its Table 2. The paper is silent on what follows the convolution; BatchNorm and ReLU make the result a
post-activation map as Xi is.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.batch_norm import check_batch_size

__all__ = ["DOWNSAMPLES", "DownSample"]


class DownSample(nn.Module):
    """What all four share: a map of the stage's size and channels, then BatchNorm and ReLU.

    Args:
        in_channels: of the earlier map.
        out_channels: of the stage.
    """

    kernel = 1
    """Side of the convolution's kernel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, self.kernel, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        """Maps [B, C_in, H, W] to [B, C_out, *size].

        Raises:
            BadInputError: in training, one image whose map is one position: there is no batch to normalise by.
        """
        projected = self.resized(earlier, size)  # [B, C_out, h, w]
        check_batch_size(projected, self)
        return functional.relu(self.norm(projected), inplace=True)

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        """The map at the stage's size and channels, before BatchNorm."""
        raise NotImplementedError


class AveragePooled(DownSample):
    """The paper's choice: average pooling, then a 1x1 convolution.

    Adaptive, because no fixed window fits every network's sizes.
    """

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        if earlier.requires_grad or earlier.device.type != "cpu":
            return self.project(functional.adaptive_avg_pool2d(earlier, size))
        # Forward on a CPU this is up to three times as fast with channels last, both changes of layout included;
        # backward it is not.
        last = earlier.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        pooled = functional.adaptive_avg_pool2d(earlier.contiguous(memory_format=torch.channels_last), size)
        return self.project(pooled.contiguous(memory_format=layout))


class MaxPooled(DownSample):
    """Maximum pooling, adaptive as well, then a 1x1 convolution."""

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        # As torch's adaptive_max_pool2d, which ONNX lacks: uneven windows are filled up with their own last line.
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


class Strided(DownSample):
    """A 1x1 convolution that skips positions, as in a ResNet's shortcut: stride 2 where the stage halves the map."""

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        strides, paddings = [], []
        for before, after in zip(earlier.shape[-2:], size, strict=True):
            stride = max(1, round(before / after))
            missing = (after - 1) * stride + self.kernel - before
            # Of a map that is too large the middle is taken; one that is too small is continued by zeros.
            paddings.append((-(-missing // 2), missing // 2) if missing < 0 else (0, missing))
            strides.append(stride)
        (top, bottom), (left, right) = paddings
        fitting = functional.pad(earlier, (left, right, top, bottom))
        return functional.conv2d(fitting, self.project.weight, self.project.bias, strides)


class StridedPairs(Strided):
    """A convolution of 2x2 pixels that steps over them: stride 2 where the stage halves the map."""

    kernel = 2


DOWNSAMPLES: dict[str, type[DownSample]] = {
    "avg": AveragePooled,
    "max": MaxPooled,
    "conv2x2": StridedPairs,
    "conv1x1": Strided,
}
"""By the name that settings and checkpoints use."""
