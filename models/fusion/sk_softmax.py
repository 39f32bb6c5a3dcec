"""Fusion by selective kernel attention preceded by a softmax."""

from torch import Tensor

from models.fusion.sk import SelectiveKernel

__all__ = ["SoftmaxSelectiveKernel"]


class SoftmaxSelectiveKernel(SelectiveKernel):
    """The paper's choice: selective kernel attention computed from the softmax of the pooled channels."""

    title = "SK attention preceded by a softmax"

    def channel_descriptor(self, pooled: Tensor) -> Tensor:
        return pooled.softmax(dim=1)
