"""Variant and hyperparameters of SCFF.

Imports no torch, because command lines show the defaults in `--help`.
"""

from dataclasses import dataclass

from core.errors import BadInputError
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES

__all__ = ["STARTS", "FusionSettings"]

STARTS = ("neutral", "identity")
"""Initialisation of the fusion: its layers' own (the paper's), or such that Yi equals Xi."""


@dataclass(frozen=True, kw_only=True)
class FusionSettings:
    """Variant and hyperparameters of SCFF, stored in the checkpoint; the defaults are the paper's.

    Raises:
        BadInputError: a value is unknown or out of range.
    """

    reduction: int = 16
    """Reduction ratio: channels over the width of the attention's hidden layer (r in SKNet)."""
    min_width: int = 32
    """Minimum width of that layer (L in SKNet)."""
    downsample: str = "avg"
    """D, how Y(i-1) is brought to Xi's size and channels: a name in DOWNSAMPLE_NAMES."""
    fusion: str = "sk_softmax"
    """F, how both are fused: a name in FUSION_NAMES."""
    gradient_cut: bool = False
    """Whether no gradient flows through SCFF into stages 1 to n-1 (the paper's Figure 3)."""
    start: str = "neutral"
    """Initialisation of the fusion: a name in STARTS."""

    def __post_init__(self) -> None:
        for name, known in (("downsample", DOWNSAMPLE_NAMES), ("fusion", FUSION_NAMES), ("start", STARTS)):
            if getattr(self, name) not in known:
                raise BadInputError(f"unknown {name} {getattr(self, name)!r}; known: {', '.join(known)}")
        for name in ("reduction", "min_width"):
            if getattr(self, name) < 1:
                raise BadInputError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def variant(self) -> str:
        """Names of D and F, such as avg + sk_softmax; a state dict loads into its own variant only."""
        return f"{self.downsample} + {self.fusion}"

    def width(self, channels: int) -> int:
        """Width of the attention's hidden layer for maps of so many channels."""
        return max(channels // self.reduction, self.min_width)
