"""Fusion by selective kernel attention behind a softmax."""

from torch import Tensor

from models.fusion.sk import SelectiveKernel

__all__ = ["SoftmaxSelectiveKernel"]


class SoftmaxSelectiveKernel(SelectiveKernel):
    """The paper's choice: SKNet's fuse of a softmax over the pooled channels."""

    title = "SK attention behind a softmax"

    def channel_descriptor(self, pooled: Tensor) -> Tensor:
        return pooled.softmax(dim=1)
