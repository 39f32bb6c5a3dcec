"""The model-parameter randomisation test (Adebayo et al., NeurIPS 2018)."""

import copy
from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from core.errors import BadInputError
from explain.cam.forward_pass import forward_passes
from explain.cam.question import Target
from models.network import Network

__all__ = ["randomised", "randomised_similarity"]


def randomised_similarity(
    heatmaps: Tensor | np.ndarray,
    random: Network,
    images: Tensor,
    targets: Sequence[int],
    layer: str,
    method: str,
) -> list[float | None]:
    """The model-parameter randomisation test (Adebayo et al., NeurIPS 2018), of the whole network at once.

    Args:
        heatmaps: a network's, [B, h, w].
        random: the same network, randomised.
        images: that the heatmaps are of, normalised, [B, 3, H, W], on the random network's device.
        targets: class indices, one an image.
        layer: that the heatmaps are of, a name of explain.cam.layers.
        method: that they were made by, a name in explain.cam.methods.METHODS.

    Returns:
        For each image the size of Spearman's correlation between both networks' maps, 0 to 1: near 1 the map does not
        show what was learned, nor does its mirror image. None where either map is constant.

    Raises:
        BadInputError: the layer or method is unknown.
    """
    waiting, found = iter(zip(heatmaps, targets, strict=True)), []
    for run in forward_passes(random, images):
        maps, classes = zip(*islice(waiting, len(run.images)), strict=True)
        others = run.heatmaps([Target(index) for index in classes], layer, method).cpu().numpy()
        found += [
            _rank_correlation(torch.as_tensor(mine).cpu().numpy(), other)
            for mine, other in zip(maps, others, strict=True)
        ]
    return found


def randomised(network: Network, seed: int = 0) -> Network:
    """A copy of a network, in float32, that has learned nothing.

    Kernels and matrices are drawn from the normal distribution of He et al. (ICCV 2015), biases are zero, what else
    scales is one, and normalisation's running statistics are a standard normal's. The modules' own reset_parameters
    are not called: they draw from torch's global generator, which other threads use.

    Args:
        network: as loaded. One that was prepared for speed would go on computing with the weights that it had, or
            without its normalisation.
        seed: of the drawing.

    Raises:
        BadInputError: the network was prepared.
    """
    if network.prepared:
        raise BadInputError("a network that was prepared for speed cannot be randomised; give it as it was loaded")
    random = torch.Generator().manual_seed(seed)
    with torch.inference_mode(False), torch.no_grad():
        network = copy.deepcopy(network).float()
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                parameter.copy_(nn.init.kaiming_normal_(torch.empty(parameter.shape), generator=random))
            else:
                parameter.fill_(0 if name.endswith("bias") else 1)
        for module in network.modules():
            if hasattr(module, "reset_running_stats"):
                module.reset_running_stats()
    return network


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """The size of Spearman's; None where either is constant."""
    constant = np.ptp(first) == 0 or np.ptp(second) == 0
    return None if constant else abs(float(spearmanr(first, second, axis=None).statistic))
