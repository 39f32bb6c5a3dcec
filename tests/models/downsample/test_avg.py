"""The paper's downsampling: average pooling, then a 1x1 convolution."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.downsample.avg import AveragePooled
from tests.models.derivation import pooled, projected


def derivation(y: np.ndarray, size: tuple[int, int], weight: np.ndarray) -> np.ndarray:
    return projected(pooled(y, size, np.mean), weight)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_both_ways_to_pool_agree_and_keep_the_memory_layout(layout: torch.memory_format) -> None:
    """With gradients, and without, where a faster implementation is used."""
    down, earlier = AveragePooled(6, 8).eval(), torch.randn(2, 6, 13, 9).contiguous(memory_format=layout)
    with torch.no_grad():
        fast = down(earlier, (7, 5))
        expected = down.project(functional.adaptive_avg_pool2d(earlier, (7, 5)))
    assert fast.is_contiguous(memory_format=layout)
    torch.testing.assert_close(fast, functional.relu(down.norm(expected)))
    torch.testing.assert_close(down(earlier.requires_grad_(), (7, 5)).detach(), fast)
