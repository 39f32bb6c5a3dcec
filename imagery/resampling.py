"""Bilinear resampling of single-band rasters."""

import numpy as np
from PIL import Image

__all__ = ["interpolated"]


def interpolated(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """A map [h, w] of any size, bilinearly: float32 [height, width]."""
    large = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(large)
