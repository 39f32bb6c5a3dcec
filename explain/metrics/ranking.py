"""Pixels of an image ranked by its heatmap, ties broken by a fixed permutation."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["hottest_pixels", "normalised_heatmap", "ranking"]

_SEED = 0


def normalised_heatmap(heatmap: Tensor | np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A heatmap as a fraction of its own maximum, interpolated bilinearly to an image's size.

    Args:
        heatmap: [h, w], non-negative, not empty.
        size: (H, W) in pixels.

    Returns:
        float64 [H, W], 0 to 1; rounded to nine decimals, so that equal values stay equal under interpolation.
    """
    values = torch.as_tensor(heatmap).cpu().double()
    share = (values / values.max())[None, None]
    return functional.interpolate(share, size, mode="bilinear", antialias=True)[0, 0].numpy().round(9)


def ranking(share: np.ndarray) -> np.ndarray:
    """Rank of each pixel in descending order of the heatmap, 0 for the maximum.

    Ties are broken by a fixed permutation, so that a plateau, such as a heatmap's zeros, is not traversed from the top
    left corner.

    Args:
        share: [H, W], from normalised_heatmap.

    Returns:
        int64 [H, W], each of 0 to H W - 1 once.
    """
    shuffled = _shuffled(share.size)
    order = shuffled[np.argsort(-share.ravel()[shuffled], kind="stable")]
    places = np.empty(share.size, dtype=np.int64)
    places[order] = np.arange(share.size)
    return places.reshape(share.shape)


def hottest_pixels(share: np.ndarray, count: int) -> np.ndarray:
    """Mask of the `count` highest pixels of the ranking, by a partial sort.

    Args:
        share: [H, W], from normalised_heatmap.
        count: 1 to H W.

    Returns:
        bool [H, W], true for `count` pixels.
    """
    values = share.ravel()
    last = np.partition(values, values.size - count)[values.size - count]
    found = values > last
    shuffled = _shuffled(values.size)
    equal = shuffled[values[shuffled] == last]
    found[equal[: count - int(found.sum())]] = True
    return found.reshape(share.shape)


def _shuffled(count: int) -> np.ndarray:
    """The permutation that breaks ties."""
    return np.random.default_rng(_SEED).permutation(count)
