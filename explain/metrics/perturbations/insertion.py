"""Insertion AUC (Petsiuk et al., RISE, BMVC 2018)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from explain.metrics.perturbation import STEPS, Perturbation, RankedImage, area_under
from pairs.metrics import Metric

__all__ = ["PERTURBATION"]

_KERNEL_SIZE, _SIGMA = [11, 11], [5.0, 5.0]  # standard deviation in pixels, as in RISE


def _sharpened(image: RankedImage) -> Iterator[Tensor]:
    """The blurred image with an increasing number of the most important pixels sharp, without the last step."""
    blurred = gaussian_blur(image.pixels, _KERNEL_SIZE, _SIGMA)
    for count in image.counts()[:-1]:
        yield torch.where(image.places < count, image.pixels, blurred)


def _curve(confidence: float, probabilities: Sequence[float]) -> tuple[float, ...]:
    return (*probabilities, confidence)


PERTURBATION = Perturbation(
    metrics=(
        Metric(
            key="insertion",
            title="Insertion AUC",
            label="insertion",
            unit="mean probability, 0 to 1",
            higher_is_better=True,
            description="Area under the curve of the target class's probability as pixels of the image are inserted "
            "into a blurred copy of it, in descending order of the heatmap. A faithful heatmap makes it rise early.",
            reference="Petsiuk et al., RISE, BMVC 2018",
        ),
    ),
    order=2,
    count=STEPS,
    images=_sharpened,
    values=lambda confidence, probabilities: (area_under(_curve(confidence, probabilities)),),
    curve=_curve,
)
