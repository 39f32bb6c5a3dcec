"""Fusion by selective kernel attention preceded by a scaled softmax."""

from torch import Tensor

from models.fusion.sk import SelectiveKernel

__all__ = ["ScaledSelectiveKernel"]


class ScaledSelectiveKernel(SelectiveKernel):
    """Ours: selective kernel attention computed from the softmax of the pooled channels times their number.

    The paper's softmax sums to one over up to 2,048 channels: what BatchNorm receives varies less than its epsilon, and
    the attention starts nearly independent of its input. Here the descriptor's mean is one at any width.
    """

    title = "SK attention preceded by a softmax scaled by the number of channels"
    ours = True

    def channel_descriptor(self, pooled: Tensor) -> Tensor:
        return pooled.softmax(dim=1) * pooled.shape[1]
