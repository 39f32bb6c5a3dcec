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

    Probabilities are the softmax's, 0 to 1. An empty heatmap, zero everywhere, ranks no pixel before another: it has
    the confidence alone.
    """

    confidence: float
    """The target class's probability for the image itself."""
    values: Mapping[str, float | bool] = field(default_factory=dict)
    """By key of explain.metrics.catalogue.METRICS, where it was measured."""
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """STEPS + 1 probabilities of a metric that is the area under a curve, by the same key."""

    def columns(self, level: str) -> dict[str, float | bool | None]:
        """Values of the metrics of a level in LEVELS, by their names in tables; None of an empty heatmap."""
        return {name: self.values.get(key) for each in perturbations_of(level) for name, key in each.columns.items()}

    def as_json(self) -> dict[str, Any]:
        """Confidence, curves and values by their names in JSON; None where there is none."""
        curves = {key: self.curves.get(key) for each in PERTURBATIONS if each.curve for key in each.columns.values()}
        return {"confidence": self.confidence, **curves, **self.columns(LEVELS[-1])}


def faithfulness(
    network: nn.Module,
    images: Tensor,
    heatmaps: Tensor | np.ndarray,
    targets: Sequence[int],
    level: str = LEVELS[-1],
) -> list[Faithfulness]:
    """Measures each image's heatmap by 42 passes of the network ("quick") or 50 ("full").

    Args:
        network: gives logits [b, classes] of images; in eval mode.
        images: normalised, [B, 3, H, W], 6 pixels a side at least.
        heatmaps: [B, h, w], non-negative, of any scale.
        targets: indices of the target classes, one an image.
        level: a name in LEVELS; ROAD, whose 8 linear systems an image take seconds at 224 pixels, is in "full" alone.

    Returns:
        One an image; the same input gives the same values.
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
    """One image's, [3, H, W]."""
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
    """The image itself, then each perturbation's images, [3, H, W] each."""
    yield image
    height, width = image.shape[-2:]
    share = normalised_heatmap(heatmap, (height, width))
    ranked = RankedImage(image, share, torch.from_numpy(ranking(share)).to(image.device))
    for each in perturbations:
        yield from each.images(ranked)


def _probabilities(network: nn.Module, images: Iterable[Tensor], target: int) -> list[float]:
    """The target class's, of images [3, H, W], which are in memory a batch at a time."""
    images, weights, found = iter(images), next(network.parameters()), []
    while batch := list(islice(images, inference_batch_size(weights.device))):
        stacked = torch.stack(batch).to(weights).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            found += network(stacked).cpu().double().softmax(dim=1)[:, target].tolist()
    return found
