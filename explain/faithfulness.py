"""What a heatmap is worth: whether the network needs what the map shows, and whether the map knows the network."""

import copy
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
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.v2.functional import gaussian_blur

from explain.run import Target, images_at_once, run_in_parts
from models.errors import BadInputError
from models.network import Network

__all__ = [
    "MEASURED",
    "PERCENTILES",
    "STEPS",
    "Faithfulness",
    "enlarged",
    "faithfulness",
    "hottest",
    "randomised",
    "randomised_similarity",
    "ranking",
]

MEASURED = ("none", "quick", "full")
"""How much is measured for a user: nothing; drop, increase, insertion and deletion; ROAD as well."""
STEPS = 20
"""Of insertion and deletion, each the same number of pixels."""
PERCENTILES = (20, 40, 60, 80)
"""Of an image's pixels that ROAD takes away."""

_BLUR = {"kernel_size": [11, 11], "sigma": [5.0, 5.0]}  # pixels, RISE's
_NOISE = 0.01  # standard deviation, ROAD's
_SEED = 0


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


def enlarged(heatmap: Tensor | np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A heatmap as a share of its own maximum, interpolated bilinearly to an image's size.

    Args:
        heatmap: [h, w], at least zero, not empty.
        size: (H, W) in pixels.

    Returns:
        float64 [H, W], 0 to 1; at nine decimals, so that interpolation leaves equal values equal.
    """
    values = torch.as_tensor(heatmap).cpu().double()
    share = (values / values.max())[None, None]
    return functional.interpolate(share, size, mode="bilinear", antialias=True)[0, 0].numpy().round(9)


def ranking(share: np.ndarray) -> np.ndarray:
    """The place of each pixel, 0 for the hottest.

    Pixels of one value are ordered by a permutation that is drawn once for each number of pixels, so that a plateau,
    such as all that a heatmap leaves at zero, is spread over and not entered from the top left corner.

    Args:
        share: [H, W], as enlarged.

    Returns:
        int64 [H, W], each of 0 to H W - 1 once.
    """
    shuffled = _shuffled(share.size)
    order = shuffled[np.argsort(-share.ravel()[shuffled], kind="stable")]
    places = np.empty(share.size, dtype=np.int64)
    places[order] = np.arange(share.size)
    return places.reshape(share.shape)


def hottest(share: np.ndarray, count: int) -> np.ndarray:
    """The pixels whose place in the ranking is below a count, without ranking the others.

    Args:
        share: [H, W], as enlarged.
        count: 1 to H W.

    Returns:
        bool [H, W], true for as many pixels.
    """
    values = share.ravel()
    last = np.partition(values, values.size - count)[values.size - count]
    found = values > last
    shuffled = _shuffled(values.size)
    equal = shuffled[values[shuffled] == last]
    found[equal[: count - int(found.sum())]] = True
    return found.reshape(share.shape)


def _shuffled(count: int) -> np.ndarray:
    """The order of pixels of one value."""
    return np.random.default_rng(_SEED).permutation(count)


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
        layer: that the heatmaps are of, a name of explain.layers.
        method: that they were made by, a name in explain.cam.METHODS.

    Returns:
        For each image the size of Spearman's correlation between both networks' maps, 0 to 1: near 1 the map does not
        show what was learned, nor does its mirror image. None where either map is constant.

    Raises:
        BadInputError: the layer or method is unknown.
    """
    waiting, found = iter(zip(heatmaps, targets, strict=True)), []
    for run in run_in_parts(random, images):
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


def _judged(network: nn.Module, image: Tensor, heatmap: Tensor | np.ndarray, target: int, road: bool) -> Faithfulness:
    """One image's [3, H, W]."""
    if not heatmap.max() > 0:
        return Faithfulness(_probabilities(network, [image], target)[0])
    share = enlarged(heatmap, image.shape[-2:])
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
    noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(_SEED))
    filled = known.clone()
    filled[:, missing] = solved.T + _NOISE * noise[:, missing]
    return filled.to(image)


def _probabilities(network: nn.Module, images: Iterable[Tensor], target: int) -> list[float]:
    """The target's, of images [3, H, W], of which few are in memory at a time."""
    images, weights, found = iter(images), next(network.parameters()), []
    while batch := list(islice(images, images_at_once(weights.device))):
        stacked = torch.stack(batch).to(weights).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            found += network(stacked).cpu().double().softmax(dim=1)[:, target].tolist()
    return found


def _area(curve: tuple[float, ...] | None) -> float | None:
    """By the trapezoid rule."""
    return None if curve is None else float(np.trapezoid(curve, dx=1 / STEPS))


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """The size of Spearman's; None where either is constant."""
    constant = np.ptp(first) == 0 or np.ptp(second) == 0
    return None if constant else abs(float(spearmanr(first, second, axis=None).statistic))
