"""Downsampling by a strided 1x1 convolution."""

from torch import Tensor
from torch.nn import functional

from models.downsample._base import DownSample

__all__ = ["StridedConvolution"]


class StridedConvolution(DownSample):
    """A strided 1x1 convolution, as in a ResNet's shortcut: stride 2 where the stage halves the map."""

    title = "strided 1x1 convolution"

    def resized(self, earlier: Tensor, size: tuple[int, int]) -> Tensor:
        strides, paddings = [], []
        for before, after in zip(earlier.shape[-2:], size, strict=True):
            stride = max(1, round(before / after))
            missing = (after - 1) * stride + self.kernel - before
            # A map that is too large is cropped to its centre; one that is too small is padded with zeros.
            paddings.append((-(-missing // 2), missing // 2) if missing < 0 else (0, missing))
            strides.append(stride)
        (top, bottom), (left, right) = paddings
        fitting = functional.pad(earlier, (left, right, top, bottom))
        return functional.conv2d(fitting, self.project.weight, self.project.bias, strides)
