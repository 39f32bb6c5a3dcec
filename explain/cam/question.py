"""What a heatmap is computed for: target class, contrast class, layer, CAM method and smoothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import BadInputError
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD

__all__ = ["Question", "Smoothing", "Target"]


@dataclass(frozen=True)
class Target:
    """The score S that a heatmap explains: a class's logit or, as a contrast, its lead over another class's."""

    index: int
    """Of the class."""
    against: int | None = None
    """Of the other class."""

    def __call__(self, logits: Tensor) -> Tensor:
        """S of logits [classes]."""
        return logits[self.index] if self.against is None else logits[self.index] - logits[self.against]


@dataclass(frozen=True)
class Smoothing:
    """Maps averaged over noisy copies of the image, as SmoothGrad-CAM++ does (Omeiza et al., 2019)."""

    samples: int = 8
    spread: float = 0.1
    """Standard deviation of the noise, as a share of the image's range."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise BadInputError(f"the noisy copies to average over must be at least 1, got {self.samples}")
        if not 0 <= self.spread <= 1:
            raise BadInputError(f"noise must be from 0 to 1 of the image's range, got {self.spread}")

    def copies(self, images: Tensor) -> Iterator[Tensor]:
        """Noisy copies of images [B, 3, H, W]."""
        random = torch.Generator().manual_seed(self.seed)
        deviation = self.spread * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
        for _ in range(self.samples):
            noise = torch.randn(images.shape[1:], generator=random).to(images)  # the same, whatever is in the batch
            yield images + deviation * noise


@dataclass(frozen=True)
class Question:
    """What a heatmap is asked for, of either network alike."""

    target: int | None = None
    """Class index; None for each network's own prediction."""
    against: int | None = None
    """Class index: evidence for the target over this class, a difference of logits."""
    layer: str = FUSED
    """A name of explain.cam.layers."""
    method: str = DEFAULT_METHOD
    """A name in METHODS."""
    smoothing: Smoothing | None = None

    def __post_init__(self) -> None:
        if self.against is not None and self.target is None:
            raise BadInputError("a contrast is between two classes; choose the target as well")
        if self.against is not None and self.against == self.target:
            raise BadInputError("a class cannot be contrasted with itself; choose another one")
