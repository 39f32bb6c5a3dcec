"""A perturbation: an image changed step by step in the order of its heatmap, and the metrics read off the response.

A module of explain.metrics.perturbations holds one as PERTURBATION; page, tables, reports and documentation list its
metrics without further ado.
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
"""How much of a heatmap's faithfulness is measured: nothing; all but the slow perturbations; all."""
STEPS = 20
"""Of a curve, each perturbing the same number of pixels."""


@dataclass(frozen=True)
class RankedImage:
    """An image whose pixels are ranked by its heatmap."""

    pixels: Tensor
    """Normalised, so that zero is the mean colour, [3, H, W]."""
    share: np.ndarray
    """The heatmap at the image's size, as a fraction of its maximum, float64 [H, W], 0 to 1."""
    places: Tensor
    """int64 [H, W], each pixel's place in the ranking, 0 for the most important one."""

    def counts(self) -> list[int]:
        """Numbers of pixels at each of STEPS + 1 equal steps, from none to all."""
        return [round(self.places.numel() * step / STEPS) for step in range(STEPS + 1)]


@dataclass(frozen=True)
class Perturbation:
    """Perturbed images, and the metrics of a heatmap that the network's confidence in them gives."""

    metrics: tuple[Metric, ...]
    order: int
    """Place of its metrics among all, in tables and reports."""
    count: int
    """How many images it makes."""
    images: Callable[[RankedImage], Iterator[Tensor]]
    """Makes them, [3, H, W] each."""
    values: Callable[[float, Sequence[float]], Sequence[float | bool]]
    """Value of each metric, from the target's probability for the image itself and for each perturbed one."""
    curve: Callable[[float, Sequence[float]], tuple[float, ...]] | None = None
    """The STEPS + 1 probabilities under which a single metric is the area, where it is one."""
    slow: bool = False
    """Whether it takes seconds an image, and is measured at the level "full" only."""

    @property
    def columns(self) -> dict[str, str]:
        """Key of each metric by its name in tables and JSON, where a curve takes the plain key and its area another."""
        return {f"{metric.key}_area" if self.curve else metric.key: metric.key for metric in self.metrics}


def area_under(curve: Sequence[float]) -> float:
    """Area under a curve of STEPS + 1 values over the share of pixels, 0 to 1, by the trapezoidal rule."""
    import numpy as np

    return float(np.trapezoid(curve, dx=1 / STEPS))
