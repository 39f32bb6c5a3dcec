"""Difference between exact Grad-CAM++ and pytorch-grad-cam's, which adds 1e-6 to the denominator.

The library's own class is hooked into the whole network; both explain each network's own prediction of each scene, and
both maps are scaled as the library draws them, from 0 to 1 at the size of the image.
"""

from collections.abc import Sequence

import numpy as np
import pytorch_grad_cam
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor
from tqdm import tqdm

from benchmarks.contenders import HookedNetwork, own_predictions
from explain.cam.forward_pass import forward_pass
from explain.metrics.ranking import ranking
from models.network import Network

__all__ = ["measure_differences"]

_TOP_SHARE = 0.2  # of an image's pixels


def measure_differences(network: Network, batches: Sequence[Tensor]) -> dict[str, float]:
    """Differences over the map's maximum, and overlap of the highest fifth, of all normalised images [B, 3, H, W]."""
    differences, overlaps = [], []
    for images in tqdm(batches, disable=None):
        for exact, library in zip(*_both(network, images), strict=True):
            differences.append(float(np.abs(exact - library).max()))
            overlaps.append(_overlap(exact, library))
    return {
        "median_difference": float(np.median(differences)),
        "max_difference": max(differences),
        "mean_overlap": float(np.mean(overlaps)),
        "min_overlap": min(overlaps),
    }


def _both(network: Network, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Exact and the library's heatmaps, 0 to 1, [B, H, W] each."""
    run = forward_pass(network, images)
    maps = run.heatmaps(own_predictions(run)).numpy()  # [B, h, w]
    size = (images.shape[3], images.shape[2])
    exact = np.asarray(scale_cam_image(scale_cam_image(maps, size)))  # scaled per layer, then over layers, as there
    hooked = HookedNetwork(network)
    with pytorch_grad_cam.GradCAMPlusPlus(hooked, [hooked.tap]) as cam:
        library = np.asarray(cam(images, targets=None))
    network.requires_grad_(False)
    return exact, library


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of both maps' highest pixels."""
    top = [ranking(values.astype(np.float64)) < _TOP_SHARE * values.size for values in (first, second)]
    return float((top[0] & top[1]).sum() / (top[0] | top[1]).sum())
