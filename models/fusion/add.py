"""Fusion by addition."""

from torch import Tensor, nn

from models.downsample import DownSample
from models.fusion._base import Fusion

__all__ = ["Addition"]

_NEGLIGIBLE = 1e-5


class Addition(Fusion):
    """Y = A + B."""

    title = "addition"

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        return earlier + stage

    def init_as_identity(self, downsample: DownSample) -> None:
        nn.init.constant_(downsample.norm.weight, _NEGLIGIBLE)  # addition has no layer of its own that could drop A
