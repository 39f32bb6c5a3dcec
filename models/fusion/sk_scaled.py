"""Fusion by selective kernel attention behind a scaled softmax."""

from torch import Tensor

from models.fusion.sk import SelectiveKernel

__all__ = ["ScaledSelectiveKernel"]


class ScaledSelectiveKernel(SelectiveKernel):
    """Ours: SKNet's fuse of a softmax over the pooled channels, times the number of channels.

    The paper's softmax sums to one over up to 2,048 channels: what BatchNorm receives varies less than its epsilon, and
    the attention starts nearly independent of its input. Here the descriptor's mean is one at any width.
    """

    title = "SK attention behind a softmax times the number of channels"
    ours = True

    def channel_descriptor(self, pooled: Tensor) -> Tensor:
        return pooled.softmax(dim=1) * pooled.shape[1]
