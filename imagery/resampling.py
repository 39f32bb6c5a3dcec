"""Bilinear resampling of heatmaps."""

import numpy as np
from PIL import Image

__all__ = ["resize_bilinear"]


def resize_bilinear(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a map [h, w] bilinearly to float32 of a size (height, width)."""
    height, width = size
    resized = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)
