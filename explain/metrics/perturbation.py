"""Perturbations: an image changed step by step in the order of its heatmap, and metrics computed from the response.

Each module of explain.metrics.perturbations defines one as PERTURBATION; page, tables, reports and documentation list
its metrics automatically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pairs.metrics import Metric

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["LEVELS", "STEPS", "Perturbation", "RankedImage", "area_under"]

LEVELS = ("none", "quick", "full")
"""Levels of faithfulness metrics: none; all but the slow perturbations; all."""
STEPS = 20
"""Steps of a curve, each perturbing the same number of pixels."""


@dataclass(frozen=True)
class RankedImage:
    """An image with its pixels ranked by its heatmap."""

    pixels: Tensor
    """Normalised, so that zero is the mean colour, [3, H, W]."""
    share: np.ndarray
    """The heatmap at the image's size, as a fraction of its maximum, float64 [H, W], 0 to 1."""
    places: Tensor
    """int64 [H, W], each pixel's rank, 0 for the most important one."""

    def counts(self) -> list[int]:
        """Number of perturbed pixels at each of STEPS + 1 equal steps, from none to all."""
        return [round(self.places.numel() * step / STEPS) for step in range(STEPS + 1)]


@dataclass(frozen=True)
class Perturbation:
    """A perturbation, and the heatmap metrics computed from the network's confidence in the perturbed images."""

    metrics: tuple[Metric, ...]
    order: int
    """Position of its metrics in tables and reports."""
    count: int
    """Number of perturbed images."""
    images: Callable[[RankedImage], Iterator[Tensor]]
    """Generates the perturbed images, [3, H, W] each."""
    values: Callable[[float, Sequence[float]], Sequence[float | bool]]
    """Value of each metric, from the target's probability for the image itself and for each perturbed one."""
    curve: Callable[[float, Sequence[float]], tuple[float, ...]] | None = None
    """The curve of STEPS + 1 probabilities, for a metric that is the area under it."""
    slow: bool = False
    """Whether it takes seconds per image, and is measured at the level "full" only."""

    @property
    def columns(self) -> dict[str, str]:
        """Key of each metric by its name in tables and JSON; a curve has the plain key, its area another name."""
        return {f"{metric.key}_area" if self.curve else metric.key: metric.key for metric in self.metrics}


def area_under(curve: Sequence[float]) -> float:
    """Area under a curve of STEPS + 1 values over the fraction of pixels, 0 to 1, by the trapezoidal rule."""
    import numpy as np

    return float(np.trapezoid(curve, dx=1 / STEPS))
