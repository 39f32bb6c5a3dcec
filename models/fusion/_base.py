"""What all fusions have in common."""

from typing import ClassVar

from torch import Tensor, nn

from models.downsample import DownSample

__all__ = ["SATURATED", "Fusion", "make_constant"]

SATURATED = 12.0
"""A logit at which a sigmoid is 1 up to 6e-6, and at its negative 0."""


class Fusion(nn.Module):
    """Fuses the downsampled earlier map A with the stage's own map B; all of one shape, [B, C, h, w].

    Args:
        channels: C of both maps.
        width: width of the attention's hidden layer, for variants with attention.
    """

    title: ClassVar[str]
    """Short description for the page and the documentation."""
    ours: ClassVar[bool] = False
    """Whether the variant is an addition of this project, not one of the paper's."""

    def __init__(self, channels: int, width: int) -> None:  # noqa: ARG002 - each variant uses what it needs
        super().__init__()

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """Fuses A and B."""
        raise NotImplementedError

    def weights(self, earlier: Tensor, stage: Tensor) -> tuple[Tensor, Tensor] | None:  # noqa: ARG002 - as forward
        """Attention weights of A and B, [B, C] each; None for variants without attention."""
        return None

    def init_as_identity(self, downsample: DownSample) -> None:
        """Initialises the last layer so that the output is B plus at most 1e-5 of A, whatever the maps.

        Args:
            downsample: the layer that computes A.
        """
        raise NotImplementedError


def make_constant(layer: nn.Linear, value: float) -> None:
    """Initialises a layer so that its output is constant; gradients still reach its weights."""
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, value)
