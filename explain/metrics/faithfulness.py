"""Faithfulness of a heatmap: how the network's confidence responds to perturbations in the order of the heatmap."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explain.cam.forward_pass import inference_batch_size
from explain.metrics.catalogue import PERTURBATIONS, perturbations_of
from explain.metrics.perturbation import LEVELS, Perturbation, RankedImage
from explain.metrics.ranking import normalised_heatmap, ranking

__all__ = ["Faithfulness", "faithfulness"]


@dataclass(frozen=True)
class Faithfulness:
    """Faithfulness of one image's heatmap.

    Probabilities are from the softmax, 0 to 1. An empty heatmap (zero everywhere) ranks no pixels, so it has the
    confidence alone.
    """

    confidence: float
    """The target class's probability for the image itself."""
    values: Mapping[str, float | bool] = field(default_factory=dict)
    """Measured values, keyed as explain.metrics.catalogue.METRICS."""
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Curves of STEPS + 1 probabilities, for metrics that are areas under a curve, with the same keys."""

    def columns(self, level: str) -> dict[str, float | bool | None]:
        """Values of the metrics of a level in LEVELS, keyed by their names in tables; None for an empty heatmap."""
        return {name: self.values.get(key) for each in perturbations_of(level) for name, key in each.columns.items()}

    def as_json(self) -> dict[str, Any]:
        """Confidence, curves and values, keyed by their names in JSON; None for missing ones."""
        curves = {key: self.curves.get(key) for each in PERTURBATIONS if each.curve for key in each.columns.values()}
        return {"confidence": self.confidence, **curves, **self.columns(LEVELS[-1])}


def faithfulness(
    network: nn.Module,
    images: Tensor,
    heatmaps: Tensor | np.ndarray,
    targets: Sequence[int],
    level: str = LEVELS[-1],
) -> list[Faithfulness]:
    """Measures each image's heatmap with 42 forward passes of the network ("quick") or 50 ("full").

    Args:
        network: maps images to logits [b, classes]; in eval mode.
        images: normalised, [B, 3, H, W], at least 6 pixels per side.
        heatmaps: [B, h, w], non-negative, of any scale.
        targets: indices of the target classes, one per image.
        level: a name in LEVELS; ROAD, with 8 linear systems per image (seconds at 224 pixels), is in "full" only.

    Returns:
        One result per image; deterministic.
    """
    perturbations = perturbations_of(level)
    return [
        _measured(network, image, heatmap, target, perturbations)
        for image, heatmap, target in zip(images, heatmaps, targets, strict=True)
    ]


def _measured(
    network: nn.Module,
    image: Tensor,
    heatmap: Tensor | np.ndarray,
    target: int,
    perturbations: Sequence[Perturbation],
) -> Faithfulness:
    """Faithfulness of the heatmap of one image, [3, H, W]."""
    if not heatmap.max() > 0:
        return Faithfulness(_probabilities(network, [image], target)[0])
    probabilities = iter(_probabilities(network, _perturbed(image, heatmap, perturbations), target))
    confidence, values, curves = next(probabilities), {}, {}
    for each in perturbations:
        responses = list(islice(probabilities, each.count))
        keys = [metric.key for metric in each.metrics]
        values |= dict(zip(keys, each.values(confidence, responses), strict=True))
        if each.curve is not None:
            curves[keys[0]] = each.curve(confidence, responses)
    return Faithfulness(confidence, values, curves)


def _perturbed(image: Tensor, heatmap: Tensor | np.ndarray, perturbations: Sequence[Perturbation]) -> Iterator[Tensor]:
    """The image itself, then the images of each perturbation, [3, H, W] each."""
    yield image
    height, width = image.shape[-2:]
    share = normalised_heatmap(heatmap, (height, width))
    ranked = RankedImage(image, share, torch.from_numpy(ranking(share)).to(image.device))
    for each in perturbations:
        yield from each.images(ranked)


def _probabilities(network: nn.Module, images: Iterable[Tensor], target: int) -> list[float]:
    """Probability of the target class for images [3, H, W], of which one batch at a time is in memory."""
    images, weights, found = iter(images), next(network.parameters()), []
    while batch := list(islice(images, inference_batch_size(weights.device))):
        stacked = torch.stack(batch).to(weights).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            found += network(stacked).cpu().double().softmax(dim=1)[:, target].tolist()
    return found
