"""Sanity check by weight randomisation (Adebayo et al., NeurIPS 2018)."""

import copy
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from core.errors import BadInputError
from explain.cam.forward_pass import forward_passes
from explain.cam.question import Target
from models.network import Network
from pairs.metrics import Metric

__all__ = ["RANDOMISATION", "randomised", "randomised_similarity"]

RANDOMISATION = Metric(
    key="randomised",
    title="Sanity check (weight randomisation)",
    label="randomisation",
    unit="absolute rank correlation, 0 to 1",
    higher_is_better=False,
    description="Spearman's rank correlation with the heatmap of the same network with random weights. Near 1, the "
    "heatmap does not depend on what was learned.",
    reference="Adebayo et al., NeurIPS 2018",
)


def randomised_similarity(
    heatmaps: Tensor | np.ndarray,
    random: Network,
    images: Tensor,
    targets: Sequence[int],
    layer: str,
    method: str,
) -> list[float | None]:
    """The model-parameter randomisation test, with all layers randomised at once.

    Args:
        heatmaps: heatmaps of the trained network, [B, h, w].
        random: the same network with random weights.
        images: normalised, [B, 3, H, W], on the random network's device.
        targets: indices of the target classes, one per image.
        layer: layer of the heatmaps, a name of explain.cam.layers.
        method: method of the heatmaps, a name in explain.cam.methods.METHODS.

    Returns:
        For each image the absolute value of Spearman's correlation between both networks' maps, 0 to 1; None if either
        map is constant. Near 1, the map (or its negative) does not depend on what was learned.

    Raises:
        BadInputError: the layer or method is unknown.
    """
    remaining, found = iter(zip(heatmaps, targets, strict=True)), []
    for run in forward_passes(random, images):
        learned, classes = zip(*islice(remaining, len(run.images)), strict=True)
        others = run.heatmaps([Target(index) for index in classes], layer, method).cpu().numpy()
        found += [
            _rank_correlation(torch.as_tensor(heatmap).cpu().numpy(), other)
            for heatmap, other in zip(learned, others, strict=True)
        ]
    return found


def randomised(network: Network, seed: int = 0) -> Network:
    """A copy of a network, in float32, with random weights.

    Kernels and matrices are drawn from the normal distribution of He et al. (ICCV 2015), biases are zero, other scales
    are one, and running statistics of normalisation layers are reset. The modules' own reset_parameters are not
    called: they draw from torch's global generator, which other threads use.

    Args:
        network: as loaded. An inference-ready one would still compute with its former weights, or without its
            normalisation.
        seed: seed of the random weights.

    Raises:
        BadInputError: the network is inference-ready.
    """
    if network.inference_ready:
        raise BadInputError("an inference-ready network cannot be randomised; use it as it was loaded")
    random = torch.Generator().manual_seed(seed)
    with torch.inference_mode(False), torch.no_grad():
        network = copy.deepcopy(network).float()
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                parameter.copy_(nn.init.kaiming_normal_(torch.empty(parameter.shape), generator=random))
            else:
                parameter.fill_(0 if name.endswith("bias") else 1)
        for module in network.modules():
            reset = getattr(module, "reset_running_stats", None)
            if reset is not None:
                reset()
    return network


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Absolute value of Spearman's correlation; None if either map is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    correlation: Any = spearmanr(first.ravel(), second.ravel())
    return abs(float(correlation.statistic))
