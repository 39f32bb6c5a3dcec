"""Batch sizes for training with batch normalisation."""

import pytest
import torch
from torch import nn

from core.errors import BadInputError
from models.batch_norm import check_batch_size


@pytest.mark.essential
@pytest.mark.parametrize(
    ("shape", "allowed"), [((1, 3), False), ((1, 3, 1, 1), False), ((2, 3), True), ((1, 3, 2, 1), True)]
)
def test_batch_size_check_agrees_with_torch(shape: tuple[int, ...], allowed: bool) -> None:
    """A batch is rejected exactly where torch's own layer raises; never in eval mode."""
    values, norm = torch.randn(shape), nn.BatchNorm1d(3) if len(shape) == 2 else nn.BatchNorm2d(3)
    if allowed:
        check_batch_size(values, norm)
        norm(values)
    else:
        with pytest.raises(
            BadInputError, match=r"BatchNorm.d cannot train on a batch of one image .*; use two or more"
        ):
            check_batch_size(values, norm)
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            norm(values)
    check_batch_size(values, norm.eval())
