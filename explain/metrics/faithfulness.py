"""What a heatmap is worth: whether the network needs what the map shows, and whether the map knows the network."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve
from torch import Tensor, nn
from torchvision.transforms.v2.functional import gaussian_blur

from explain.cam.forward_pass import inference_batch_size
from explain.metrics.ranking import normalised_heatmap, ranking

__all__ = ["MEASURED", "PERCENTILES", "STEPS", "Faithfulness", "faithfulness"]

MEASURED = ("none", "quick", "full")
"""How much is measured for a user: nothing; drop, increase, insertion and deletion; ROAD as well."""
STEPS = 20
"""Of insertion and deletion, each the same number of pixels."""
PERCENTILES = (20, 40, 60, 80)
"""Of an image's pixels that ROAD takes away."""
_BLUR = {"kernel_size": [11, 11], "sigma": [5.0, 5.0]}  # pixels, RISE's
_NOISE = 0.01  # standard deviation, ROAD's
_NOISE_SEED = 0


@dataclass(frozen=True)
class Faithfulness:
    """How the probability of the target class answers to changes of one image that follow its heatmap.

    Probabilities are the softmax's, 0 to 1. An empty map, zero everywhere, puts no pixel before another and shows
    nothing: all but the confidence is None then. Images are normalised, so that their zero is the mean colour.
    """

    confidence: float
    """p, of the image as it is."""
    drop: float | None = None
    """max(0, p - p_seen) / p, 0 to 1, lower is better; p_seen is that of the normalised image times the heatmap, from
    0 to 1: what the map does not show fades into the mean colour (Chattopadhay et al., WACV 2018, average drop)."""
    increase: bool | None = None
    """Whether p_seen > p (the same, increase in confidence)."""
    insertion: tuple[float, ...] | None = None
    """STEPS + 1 probabilities as a blurred image becomes sharp, from the map's hottest pixel to its coldest (Petsiuk
    et al., RISE, BMVC 2018); the last is the confidence."""
    deletion: tuple[float, ...] | None = None
    """STEPS + 1 probabilities as pixels are set to the mean colour in that order; the first is the confidence."""
    road: float | None = None
    """Half the probability that is left without the coldest pixels, less that without as many of the hottest, mean
    over PERCENTILES: above zero the map finds what counts. What is taken away is filled in from around it, with
    noise (Rong et al., ICML 2022; pytorch-grad-cam's ROADCombined). None where it was not asked for."""

    @property
    def insertion_area(self) -> float | None:
        """Below the insertion curve, over the share of pixels; 0 to 1, higher is better."""
        return _area(self.insertion)

    @property
    def deletion_area(self) -> float | None:
        """Below the deletion curve; 0 to 1, lower is better."""
        return _area(self.deletion)


def faithfulness(
    network: nn.Module,
    images: Tensor,
    heatmaps: Tensor | np.ndarray,
    targets: Sequence[int],
    road: bool = True,
) -> list[Faithfulness]:
    """Judges each image's heatmap by some 50 passes of the network.

    Args:
        network: gives logits [b, classes] of images; in eval mode.
        images: normalised, [B, 3, H, W], 6 pixels a side at least.
        heatmaps: [B, h, w], at least zero, of any scale.
        targets: class indices, one an image.
        road: whether ROAD is asked for, whose 8 linear systems an image take seconds at 224 pixels.

    Returns:
        One an image. The same input gives the same figures.
    """
    return [
        _judged(network, image, heatmap, target, road)
        for image, heatmap, target in zip(images, heatmaps, targets, strict=True)
    ]


def _judged(network: nn.Module, image: Tensor, heatmap: Tensor | np.ndarray, target: int, road: bool) -> Faithfulness:
    """One image's [3, H, W]."""
    if not heatmap.max() > 0:
        return Faithfulness(_probabilities(network, [image], target)[0])
    share = normalised_heatmap(heatmap, image.shape[-2:])
    values = iter(_probabilities(network, _changed(image, share, road), target))
    confidence, seen = next(values), next(values)
    insertion, deletion = tuple(islice(values, STEPS)), tuple(islice(values, STEPS))
    hottest, coldest = list(islice(values, len(PERCENTILES))), list(values)
    return Faithfulness(
        confidence,
        drop=(confidence - seen) / confidence if seen < confidence else 0.0,
        increase=seen > confidence,
        insertion=(*insertion, confidence),
        deletion=(confidence, *deletion),
        road=(sum(coldest) - sum(hottest)) / (2 * len(PERCENTILES)) if road else None,
    )


def _changed(image: Tensor, share: np.ndarray, road: bool) -> Iterator[Tensor]:
    """The image as it is and as the map shows it, what insertion and deletion add to it, and ROAD's, [3, H, W] each."""
    places = torch.from_numpy(ranking(share)).to(image.device)
    pixels = [round(places.numel() * step / STEPS) for step in range(STEPS + 1)]
    yield image
    yield image * torch.from_numpy(share).to(image)
    blurred = gaussian_blur(image, **_BLUR)
    for count in pixels[:-1]:
        yield torch.where(places < count, image, blurred)
    for count in pixels[1:]:
        yield torch.where(places < count, 0, image)
    if road:
        counts = [round(places.numel() * percentile / 100) for percentile in PERCENTILES]
        missing = [order < count for order in (places, places.numel() - 1 - places) for count in counts]
        with ThreadPoolExecutor(os.cpu_count()) as solvers:  # solving lets other threads run
            yield from solvers.map(partial(_filled_in, image), missing)


def _filled_in(image: Tensor, missing: Tensor) -> Tensor:
    """ROAD's noisy linear imputation: each missing pixel is the weighed mean of its neighbours.

    The equations are pytorch-grad-cam's. Its imputer is not called, because its noise, even of no strength, is drawn
    from torch's global generator. Nor are its thresholds used: of a map that is mostly zero they take all or nothing.

    Args:
        image: [3, H, W].
        missing: bool [H, W], not all.
    """
    missing = missing.cpu()
    known = image.cpu().float()
    system, right = NoisyLinearImputer.setup_sparse_system((~missing).numpy(), known.numpy(), neighbors_weights)
    solved = torch.from_numpy(spsolve(csc_matrix(system), right)).float()  # [pixels, 3]
    noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(_NOISE_SEED))
    filled = known.clone()
    filled[:, missing] = solved.T + _NOISE * noise[:, missing]
    return filled.to(image)


def _probabilities(network: nn.Module, images: Iterable[Tensor], target: int) -> list[float]:
    """The target's, of images [3, H, W], of which few are in memory at a time."""
    images, weights, found = iter(images), next(network.parameters()), []
    while batch := list(islice(images, inference_batch_size(weights.device))):
        stacked = torch.stack(batch).to(weights).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            found += network(stacked).cpu().double().softmax(dim=1)[:, target].tolist()
    return found


def _area(curve: tuple[float, ...] | None) -> float | None:
    """By the trapezoid rule."""
    return None if curve is None else float(np.trapezoid(curve, dx=1 / STEPS))
