"""Downsampling by a strided 2x2 convolution."""

from models.downsample.conv1x1 import StridedConvolution

__all__ = ["StridedConvolution2x2"]


class StridedConvolution2x2(StridedConvolution):
    """A non-overlapping 2x2 convolution: stride 2 where the stage halves the map."""

    title = "strided 2x2 convolution"
    kernel = 2
