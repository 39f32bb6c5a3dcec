"""Pictures of the page as files, and heatmaps in words."""

from io import BytesIO

import matplotlib
import numpy as np
from PIL import Image

__all__ = ["palette_png", "place", "png"]


def png(image: np.ndarray) -> bytes:
    """A picture as a file, quickly."""
    data = BytesIO()
    Image.fromarray(image).save(data, "PNG", compress_level=1)
    return data.getvalue()


def palette_png(values: np.ndarray, colour_map: str) -> bytes:
    """uint8 [H, W] in the colours of a map; as small and as quick as a picture of one channel."""
    picture = Image.fromarray(values, "P")
    picture.putpalette(matplotlib.colormaps[colour_map](np.arange(256), bytes=True)[:, :3].tobytes())
    data = BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()


def place(values: np.ndarray) -> str:
    """Where a map is largest, in words."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    down = ("at the top", "in the middle", "at the bottom")[int(3 * row / values.shape[0])]
    across = ("left", "", "right")[int(3 * column / values.shape[1])]
    return f"{down} {across}".strip() if across else down
