"""Raster files for tests, and independent derivations of their images."""

from pathlib import Path

import numpy as np
import rasterio
from PIL import Image

from tests.conftest import texture

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (40, 50, 3), dtype=np.uint8)
DEEP = RANDOM.integers(500, 4000, (3, 40, 50), dtype=np.uint16)


def raster(path: Path, bands: np.ndarray, driver: str = "GTiff", **profile: object) -> Path:
    """Writes bands [bands, h, w] as a raster file."""
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver=driver, width=width, height=height, count=count, dtype=bands.dtype.name, **profile
    ) as file:
        file.write(bands)
    return path


def stretched(band: np.ndarray) -> np.ndarray:
    """The percentile stretch to 0..255, in floating point."""
    low, high = np.percentile(band, (2, 98))
    return np.clip((band - low) / (high - low), 0, 1) * 255


def waves(bands: int) -> np.ndarray:
    """Bands that differ, from 0 to 1, [bands, 64, 80]; smooth, so that lossy compression keeps them."""
    y, x = np.mgrid[:64, :80]
    return np.stack([(np.sin(x / 7 + band) + np.cos(y / 9 - band) + 2) / 4 for band in range(bands)])


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.round(values * 255).astype(np.uint8)


def picture(bands: np.ndarray) -> np.ndarray:
    """The expected RGB image of bands [bands, h, w]: [h, w, 3], in floating point."""
    shown = bands[[0, 1, 2] if len(bands) >= 3 else [0, 0, 0]]
    return np.stack([band.astype(float) if band.dtype == np.uint8 else stretched(band) for band in shown], axis=-1)


def image(path: Path) -> Path:
    """Saves a small RGB image, in the format that the suffix names."""
    Image.fromarray(texture(1, 0)).save(path)
    return path
