"""What batch normalisation needs of a batch."""

from torch import Tensor, nn

from core.errors import BadInputError

__all__ = ["check_batch_size"]


def check_batch_size(values: Tensor, module: nn.Module) -> None:
    """Refuses to train on a single value a channel, which has no deviation to normalise by.

    Args:
        values: [B, C, ...], about to be normalised.
        module: the one that does it; nothing is refused in eval mode.

    Raises:
        BadInputError: B and all positions make one value.
    """
    if module.training and values.numel() == values.shape[1]:
        raise BadInputError(
            f"{type(module).__name__} cannot learn from a batch of one image (batch normalisation); give two or more"
        )
