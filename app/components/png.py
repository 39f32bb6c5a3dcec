"""PNG encoding of images and heatmaps for the page."""

from functools import cache
from io import BytesIO

import matplotlib
import numpy as np
from PIL import Image

__all__ = ["palette_png", "png"]


def png(image: np.ndarray) -> bytes:
    """PNG of an image, compressed lightly for speed."""
    data = BytesIO()
    Image.fromarray(image).save(data, "PNG", compress_level=1)
    return data.getvalue()


def palette_png(levels: np.ndarray, colour_map: str) -> bytes:
    """Palette PNG of levels, uint8 [H, W], in a colour map; as small as a one-channel image."""
    picture = Image.fromarray(levels, "P")
    picture.putpalette(_palette(colour_map))
    data = BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()


@cache
def _palette(colour_map: str) -> bytes:
    return matplotlib.colormaps[colour_map](np.arange(256), bytes=True)[:, :3].tobytes()
