"""Downsampling by a strided 1x1 convolution."""

import numpy as np
import torch

from models.downsample.conv1x1 import StridedConvolution
from tests.models.derivation import strided


def derivation(y: np.ndarray, size: tuple[int, int], weight: np.ndarray) -> np.ndarray:
    return strided(y, size, weight)


def test_halving_is_a_convolution_of_stride_2() -> None:
    down, earlier = StridedConvolution(6, 8), torch.randn(2, 6, 13, 9)
    expected = torch.nn.functional.conv2d(earlier, down.project.weight, stride=2)
    torch.testing.assert_close(down.resized(earlier, (7, 5)), expected)
