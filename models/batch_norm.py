"""Batch sizes that batch normalisation can train on."""

from torch import Tensor, nn

from core.errors import BadInputError

__all__ = ["check_batch_size"]


def check_batch_size(values: Tensor, module: nn.Module) -> None:
    """Rejects training on a single value per channel, which has no standard deviation.

    Args:
        values: [B, C, ...], the input of batch normalisation.
        module: the module that normalises; anything goes in eval mode.

    Raises:
        BadInputError: the batch and all positions together hold one value per channel.
    """
    if module.training and values.numel() == values.shape[1]:
        name = type(module).__name__
        raise BadInputError(f"{name} cannot train on a batch of one image (batch normalisation); use two or more")
