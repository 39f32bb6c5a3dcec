"""Average drop and increase in confidence (Chattopadhay et al., WACV 2018)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from explain.metrics.perturbation import Perturbation, RankedImage
from pairs.metrics import Metric

__all__ = ["PERTURBATION"]


def _masked(image: RankedImage) -> Iterator[Tensor]:
    """The normalised image times the heatmap, so that pixels where the map is zero become the mean colour."""
    yield image.pixels * torch.from_numpy(image.share).to(image.pixels)


def _values(confidence: float, probabilities: Sequence[float]) -> tuple[float, bool]:
    """max(0, p - p_masked) / p, and whether p_masked > p."""
    (masked,) = probabilities
    return (confidence - masked) / confidence if masked < confidence else 0.0, masked > confidence


PERTURBATION = Perturbation(
    metrics=(
        Metric(
            key="drop",
            title="Average drop in confidence",
            label="drop",
            unit="share of the confidence, 0 to 1",
            higher_is_better=False,
            description="How much of the target class's probability is lost when the image is multiplied by the "
            "heatmap. Everything outside the heatmap fades into the mean colour.",
            reference="Chattopadhay et al., WACV 2018",
        ),
        Metric(
            key="increase",
            title="Increase in confidence",
            label="increase",
            unit="share of images, 0 to 1",
            higher_is_better=True,
            description="Whether the target class's probability rises when the image is multiplied by the heatmap. "
            "Over several images, the share of images where it does.",
            reference="Chattopadhay et al., WACV 2018",
        ),
    ),
    order=1,
    count=1,
    images=_masked,
    values=_values,
)
