"""Pictures of the page as files."""

from functools import cache
from io import BytesIO

import matplotlib
import numpy as np
from PIL import Image

__all__ = ["palette_png", "png"]


def png(image: np.ndarray) -> bytes:
    """A picture as a file, quickly."""
    data = BytesIO()
    Image.fromarray(image).save(data, "PNG", compress_level=1)
    return data.getvalue()


def palette_png(values: np.ndarray, colour_map: str) -> bytes:
    """uint8 [H, W] in the colours of a map; as small and as quick as a picture of one channel."""
    picture = Image.fromarray(values, "P")
    picture.putpalette(_palette(colour_map))
    data = BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()


@cache
def _palette(colour_map: str) -> bytes:
    return matplotlib.colormaps[colour_map](np.arange(256), bytes=True)[:, :3].tobytes()
