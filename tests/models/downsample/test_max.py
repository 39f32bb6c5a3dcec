"""Downsampling by maximum pooling."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.downsample.max import MaxPooled
from tests.models.derivation import pooled, projected


def derivation(y: np.ndarray, size: tuple[int, int], weight: np.ndarray) -> np.ndarray:
    return projected(pooled(y, size, np.max), weight)


@pytest.mark.parametrize(("before", "after"), [((12, 8), (6, 4)), ((13, 9), (7, 5)), ((22, 11), (5, 4))])
def test_pooling_matches_torchs_adaptive_pooling(before: tuple[int, int], after: tuple[int, int]) -> None:
    down, earlier = MaxPooled(6, 8), torch.randn(2, 6, *before)
    expected = down.project(functional.adaptive_max_pool2d(earlier, after))
    assert torch.equal(down.resized(earlier, after), expected)
