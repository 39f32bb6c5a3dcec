"""Downsampling by a strided 2x2 convolution."""

import numpy as np
import torch

from models.downsample.conv2x2 import StridedConvolution2x2
from tests.models.derivation import strided


def derivation(y: np.ndarray, size: tuple[int, int], weight: np.ndarray) -> np.ndarray:
    return strided(y, size, weight)


def test_halving_is_a_convolution_of_stride_2() -> None:
    down, earlier = StridedConvolution2x2(6, 8), torch.randn(2, 6, 12, 8)
    assert down.project.weight.shape == (8, 6, 2, 2)
    expected = torch.nn.functional.conv2d(earlier, down.project.weight, stride=2)
    torch.testing.assert_close(down.resized(earlier, (6, 4)), expected)
