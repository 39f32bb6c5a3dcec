"""Downsampling by a strided 2x2 convolution."""

from models.downsample.conv1x1 import StridedConvolution

__all__ = ["StridedConvolution2x2"]


class StridedConvolution2x2(StridedConvolution):
    """A convolution of 2x2 pixels without overlap: stride 2 where the stage halves the map."""

    title = "2x2 convolution with a stride"
    kernel = 2
