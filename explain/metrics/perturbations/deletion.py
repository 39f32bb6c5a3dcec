"""Deletion AUC (Petsiuk et al., RISE, BMVC 2018)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from explain.metrics.perturbation import STEPS, Perturbation, RankedImage, area_under
from pairs.metrics import Metric

__all__ = ["PERTURBATION"]


def _deleted(image: RankedImage) -> Iterator[Tensor]:
    """The image with an increasing number of the most important pixels set to the mean colour."""
    for count in image.counts()[1:]:
        yield torch.where(image.places < count, 0, image.pixels)


def _curve(confidence: float, probabilities: Sequence[float]) -> tuple[float, ...]:
    return (confidence, *probabilities)


PERTURBATION = Perturbation(
    metrics=(
        Metric(
            key="deletion",
            title="Deletion AUC",
            label="deletion",
            unit="mean probability, 0 to 1",
            higher_is_better=False,
            description="Area under the curve of the target class's probability as pixels are replaced by the mean "
            "colour, in descending order of the heatmap. A faithful heatmap makes it fall early.",
            reference="Petsiuk et al., RISE, BMVC 2018",
        ),
    ),
    order=3,
    count=STEPS,
    images=_deleted,
    values=lambda confidence, probabilities: (area_under(_curve(confidence, probabilities)),),
    curve=_curve,
)
